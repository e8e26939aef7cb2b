"""The applied field."""

from __future__ import annotations

from typing import Any

from llgrad.core.field_term import FieldTerm
from llgrad.core.record import vector
from llgrad.core.vector import Vec3


class AppliedField(FieldTerm):
    """A uniform external field, B = B_a."""

    applied: Vec3 = vector("T", about="applied field")

    def field(self, m: Vec3, current: Any) -> Vec3:
        return self.applied
