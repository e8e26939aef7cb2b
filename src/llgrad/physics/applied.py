"""The applied field."""

from __future__ import annotations

from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import vector
from llgrad.core.vector import Vec3


class AppliedField(FieldTerm):
    """A uniform external field, B = B_a.

    >>> import llgrad as lg
    >>> term = lg.physics.AppliedField(lg.Vec3(0.0, 0.0, 20e-3))
    >>> term.field(lg.Vec3(0.6, 0.0, 0.8), None)
    Vec3(0.0, 0.0, 0.02)
    """

    applied: Vec3 = vector("T", about="applied field")

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        return self.applied
