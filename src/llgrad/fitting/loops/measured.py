"""A loop as it was measured: fields in their order, the angle of each, and what was read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.units import show

UNITS: Final = {"resistance": "Ω", "along": "1", "moment": "A m²", "voltage": "V"}
"""What is measured of any device, and its unit; a stack has further signals of its own."""
LARGEST_FIELD: Final = 100.0
"""[T] above which a field was meant in another unit."""
FEWEST: Final = 5
LEAST_STEP: Final = 0.2
"""Of the largest difference of neighbouring values, above which one is a jump."""
BEYOND_OTHERS: Final = 8.0
"""And of the median difference."""


class OfLoop(eqx.Module):
    """What is told by a measured loop: its values, or where it jumps."""


class MeasuredLoop(OfLoop):
    """R(H) or M(H) at rest, for `lg.fit`: each row was measured after the one before it.

    Args:
        field: strength of the field along its axis [T], (K,), in the order of measurement, up and down.
        values: what was measured, (K,), in the SI unit of `quantity`.
        angle: polar and azimuthal angle of the axis [rad], from z and from x, as for `lg.experiments.loop`: (π/2, 0) is
            x; or one pair for each row, (K, 2). Where it changes, another curve begins, from saturation again.
        quantity: "resistance" [Ω]; "along", the moment along the axis over its largest; "moment", the same in A m²;
            "voltage" [V]; or a signal of the stack, such as "transverse".
        unit: of that signal; the others have their own.

    Raises:
        ValueError: in one sentence, for fields or values that are none, too few, or without an axis.

    >>> MeasuredLoop([0.2, 0.1, 0.0, -0.1, -0.2], [1.0, 1.0, 1.1, 2.0, 2.0], angle=(1.5708, 0.0))
    MeasuredLoop: resistance at 5 fields from -200 mT to 200 mT, (90°, 0°)
    """

    field: np.ndarray
    values: np.ndarray
    angles: np.ndarray
    quantity: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    notes: tuple[str, ...] = eqx.field(static=True)
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that this was read from."""

    def __init__(
        self,
        field: Any,
        values: Any,
        *,
        angle: Any,
        quantity: str = "resistance",
        unit: str | None = None,
        notes: Sequence[str] = (),
        understood: Sequence[str] = (),
    ):
        self.field, self.values = np.array(field, np.float64), np.array(values, np.float64)
        angles = np.array(angle, np.float64)
        self.angles = np.array(np.broadcast_to(angles, (self.field.size, 2))) if angles.shape == (2,) else angles
        self.quantity, self.unit = quantity, unit or UNITS.get(quantity, "1")
        self.notes, self.understood = tuple(notes), tuple(understood)
        if unit is not None and unit != UNITS.get(quantity, unit):
            raise ValueError(f"{quantity} is measured in {UNITS[quantity]}, not in {unit}")

    def __check_init__(self) -> None:
        if self.field.ndim != 1 or self.field.shape != self.values.shape or self.field.size < FEWEST:
            raise ValueError(
                f"a loop has fields of shape {self.field.shape} and values of shape {self.values.shape}, expected two "
                f"columns of the same length, at least {FEWEST}"
            )
        if self.angles.shape != (self.field.size, 2):
            raise ValueError(
                f"angle has the shape {self.angles.shape}, expected a polar and an azimuthal angle in radians, (2,), "
                f"or such a pair for each row, ({self.field.size}, 2)"
            )
        for name, numbers in (("field", self.field), ("value", self.values), ("angle", self.angles)):
            if bad := list(np.flatnonzero(~np.isfinite(numbers.reshape(self.field.size, -1)).all(axis=1))):
                raise ValueError(f"{name} {bad[0]} of the loop is {numbers[bad[0]]}; remove the row or fill it in")
        if np.abs(self.field).max() > LARGEST_FIELD:
            largest = show(float(f"{np.abs(self.field).max():.4g}"), "T")
            raise ValueError(f"the loop has a field of {largest}: is it in tesla? 1 Oe is 1e-4 T")
        for first, stop in self.curves:
            if np.ptp(self.field[first:stop]) == 0:
                raise ValueError(
                    f"from row {first} on the loop has one field only, {show(float(self.field[first]), 'T')}: nothing "
                    "is swept; is it the right column?"
                )
            if self.field[first] == 0.0:
                raise ValueError(
                    f"the curve that begins with row {first} begins at zero field, where what the device is in depends "
                    "on what was before; leave out the rows before the first large field"
                )

    @property
    def curves(self) -> tuple[tuple[int, int], ...]:
        """First row of each curve, and the row after its last: one for each angle that is measured after another."""
        cuts = np.flatnonzero((np.diff(self.angles, axis=0) != 0).any(axis=1)) + 1
        return tuple(itertools.pairwise([0, *cuts.tolist(), self.field.size]))

    @property
    def jumps(self) -> tuple[int, ...]:
        """The rows after which the value jumps: by more than a fifth of the largest step between neighbours of its
        curve, and by more than eight times the usual one."""
        found = []
        for first, stop in self.curves:
            steps = np.abs(np.diff(self.values[first:stop]))
            least = max(LEAST_STEP * steps.max(), BEYOND_OTHERS * float(np.median(steps)))
            found += [first + int(k) for k in np.flatnonzero(steps > least)]
        return tuple(found)

    def switching(self, error: float = 0.0) -> SwitchingFields:
        """The fields at which it jumps, as data of their own: `lg.fit(device, [loop, loop.switching(1e-3)], free=…)`.

        Each is known to a step of the loop (its width over √12), and to the scatter `error` [T] beside. A fit of the
        loop alone does not use them: a device at a temperature jumps before its branch ends, and then these fields are
        none of the device without agitation, which they are taken for here.
        """
        if not (np.isfinite(error) and error >= 0):
            raise ValueError(f"error = {error} T, expected a standard deviation in tesla, 0 or more")
        rows = np.array(self.jumps, int)
        if not rows.size:
            raise ValueError("the loop jumps nowhere, so it has no switching fields; fit it alone")
        steps = self.field[rows + 1] - self.field[rows]
        return SwitchingFields(self, rows, self.field[rows] + steps / 2, np.sqrt(steps**2 / 12 + error**2))

    def __repr__(self) -> str:
        ends = " to ".join(show(float(f"{end:.6g}"), "T") for end in (self.field.min(), self.field.max()))
        pairs = [self.angles[first] for first, _ in self.curves]
        words = ", ".join(f"({np.rad2deg(p):.4g}°, {np.rad2deg(a):.4g}°)" for p, a in pairs[:4])
        return (
            f"MeasuredLoop: {self.quantity} at {self.field.size} fields from {ends}, {words}"
            f"{', …' if len(pairs) > 4 else ''}"
        )


class SwitchingFields(OfLoop):
    """The fields at which a measured loop jumps, as `MeasuredLoop.switching` gives them.

    >>> import llgrad as lg
    >>> loop = lg.data.MeasuredLoop([0.2, 0.1, 0.0, -0.1, -0.2], [1.0, 1.0, 1.1, 2.0, 2.0], angle=(1.5708, 0.0))
    >>> edges = loop.switching()
    >>> edges.fields.tolist(), edges.errors.round(4).tolist()  # T: half way between two rows; spacing/√12
    ([-0.05], [0.0289])
    """

    loop: MeasuredLoop
    rows: np.ndarray
    """After which it jumps (J,)."""
    fields: np.ndarray
    """[T], (J,)."""
    errors: np.ndarray
    """Their standard deviations [T], (J,)."""

    quantity = "switching field"
    unit = "T"

    @property
    def values(self) -> np.ndarray:
        """The same fields, as what was measured."""
        return self.fields

    @property
    def field(self) -> np.ndarray:
        """The fields of the loop [T]."""
        return self.loop.field

    @property
    def understood(self) -> tuple[str, ...]:
        """How the file was understood that the loop was read from."""
        return self.loop.understood

    def __repr__(self) -> str:
        told = ", ".join(show(float(f"{field:.4g}"), "T") for field in self.fields[:8])
        return f"SwitchingFields: {told}{', …' if self.fields.size > 8 else ''}"
