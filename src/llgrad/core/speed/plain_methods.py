"""Trees whose methods are plain ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx


class PlainMethods(eqx.Module):
    """A module whose methods are bound as those of any object are: a tenth of the time, in what is called again and
    again. They are no trees themselves, so that none of them is what `jit` is given.

    >>> class Scaled(PlainMethods):
    ...     factor: float
    ...     def of(self, x: float) -> float:
    ...         return self.factor * x
    >>> type(Scaled(2.0).of).__name__, Scaled(2.0).of(3.0)
    ('method', 6.0)
    """

    if not TYPE_CHECKING:
        __getattribute__ = object.__getattribute__
