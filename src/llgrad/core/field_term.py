"""The one interface of the physics: every torque is an effective field."""

from __future__ import annotations

import abc
from typing import Any

from llgrad.core.record import Record
from llgrad.core.vector import Vec3


class FieldTerm(Record):
    """An effective magnetic field B(m, I), in tesla, that enters the LLG line.

    A term of your own is one small class: fields declared with `quantity(unit)` are its parameters (differentiable, and
    free in a fit under the name `terms.<index>.<name>`), and `field` is written with arithmetic and `jax.numpy` on
    scalars:

    >>> import llgrad as lg
    >>> class Oersted(lg.FieldTerm):
    ...     per_ampere: float = lg.quantity("T/A")
    ...     def field(self, m, current):
    ...         return lg.Vec3(0.0 * m.x, self.per_ampere * current, 0.0 * m.z)
    >>> device = lg.presets.kubota2013().replace(terms=(Oersted(per_ampere=0.5),))
    """

    @abc.abstractmethod
    def field(self, m: Vec3, current: Any) -> Vec3:
        """Effective field [T] at magnetisation `m` (unit vector) and junction current `current` [A].

        Every component of `m`, the current and every parameter is one scalar, or an array of one value for each of
        N oscillators: write the formula for scalars and let it broadcast.
        """
