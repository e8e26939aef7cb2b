"""The spin-diode experiment: rectified voltage against the applied field, at several microwave frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import is_concrete
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector
from llgrad.experiments.rectification import Microwave, Response, junction_of, rectified
from llgrad.experiments.simulated_rectification import rectified_by_simulation

LARGEST_SWING: Final = 0.1
"""Precession angle [rad] up to which perturbation theory is used: its error is of the order of the angle's square."""


class SpinDiode(eqx.Module):
    """Rectified voltages of a device: `voltage` (F, M) [V] at `frequencies` (F,) [Hz] and `fields` (M,) [T].

    >>> import llgrad as lg
    >>> junction = lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0)
    >>> sto, microwave = lg.presets.kubota2013().replace(junction=junction), lg.experiments.Microwave(current=1e-5)
    >>> sto, fields = sto.replace(current=0.0), [0.3, 0.4, 0.5]
    >>> found = lg.experiments.spin_diode(sto, fields, [5e9], microwave, axis=(0.8, 0.6, 0.0))
    >>> [sweep.frequency for sweep in found.sweeps().sweeps]
    [5000000000.0]
    """

    frequencies: np.ndarray
    fields: np.ndarray
    voltage: np.ndarray
    swing: np.ndarray
    """Largest precession angle (F, M) [rad] by perturbation theory."""
    growth: np.ndarray
    """Growth rate (M,) [1/s] of deviations without the microwave: positive where the device oscillates by itself."""
    simulated: np.ndarray
    """Where the voltage comes from simulations (F, M); elsewhere from perturbation theory."""

    def sweeps(self) -> Sweeps:
        """The voltages as field sweeps, as a file of measurements has them."""
        return Sweeps(
            [Sweep(f, self.fields, row) for f, row in zip(self.frequencies, self.voltage, strict=True)],
            ("computed from a device, not measured",),
        )

    def __repr__(self) -> str:
        ends = [
            show(float(edge), unit)
            for v, unit in ((self.frequencies, "Hz"), (self.fields, "T"))
            for edge in (v.min(), v.max())
        ]
        return (
            f"SpinDiode: {self.frequencies.size} frequencies from {ends[0]} to {ends[1]}, {self.fields.size} fields "
            f"from {ends[2]} to {ends[3]}; swings up to {show(float(self.swing.max()), 'rad')}; "
            f"{int(self.simulated.sum())} points simulated"
        )


def spin_diode(
    device: Oscillator,
    fields: Sequence[float] | Float[ArrayLike, "M"],
    frequencies: Sequence[float] | Float[ArrayLike, "F"],
    microwave: Microwave,
    *,
    axis: Sequence[float] | Float[ArrayLike, "3"] | None = None,
    m0: Sequence[float] | Float[ArrayLike, "3"] | None = None,
    largest_swing: float = LARGEST_SWING,
    periods: int = 100,
) -> SpinDiode:
    """The rectified voltage of a device over a sweep of the applied field, at each of several frequencies.

    By perturbation theory (`rectified`) where the device is at rest and precesses by less than `largest_swing`, by
    simulation (`rectified_by_simulation`) elsewhere. Computes in float64.

    Args:
        device: with a junction; its own field is replaced.
        fields: field values (M,) [T] along `axis`.
        frequencies: microwave frequencies (F,) [Hz].
        microwave: amplitudes of current and field.
        axis: direction (3,) of the field; by default that of the device's own.
        m0: state (3,) that relaxes to the static one at each field; by default 1° off the axis of lowest energy.
        largest_swing: precession angle [rad] beyond which a point is simulated; infinity: none.
        periods: periods that a simulation averages over.

    Raises:
        ValueError: for a device without a junction, a field without a direction, values that are not finite.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013().replace(current=0.0, junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0))
    >>> microwave, fields = lg.experiments.Microwave(current=10e-6), [0.06, 0.08, 0.10]
    >>> found = lg.experiments.spin_diode(sto, fields, [1.5e9], microwave, axis=(0.8, 0.6, 0.0))
    >>> found.voltage.shape, bool(found.simulated.any())
    ((1, 3), False)
    """
    check_kind("device", device, Oscillator, "give a device, such as lg.presets.kubota2013()")
    check_platform()
    check_kind("microwave", microwave, Microwave, "give lg.experiments.Microwave(current=10e-6)")
    junction_of(device)
    along = sweep_axis(device, axis)
    fields, frequencies = _values("fields", fields), _values("frequencies", frequencies)
    if (frequencies <= 0).any():
        raise ValueError(
            f"frequencies: {frequencies.min():g} Hz is not positive; expected frequencies in Hz, such as 5e9"
        )
    with jax.enable_x64(True):
        found = [responses(device, fields, float(f), microwave, along, m0) for f in frequencies]
        voltage, swing, growth = (np.stack([np.asarray(part) for part in parts]) for parts in zip(*found, strict=True))
        simulated = (growth > 0) | ~(swing <= largest_swing)
        if not np.isfinite(largest_swing):
            simulated[:] = False
        for row, column in np.argwhere(simulated):
            here = device.replace(field=along * float(fields[column]))
            voltage[row, column] = rectified_by_simulation(
                here, microwave, float(frequencies[row]), periods=periods, m0=m0
            )
    return SpinDiode(frequencies, fields, voltage, swing, growth[0], simulated)


def responses(
    device: Oscillator, fields: Any, frequency: Any, microwave: Microwave, axis: Vec3, m0: Any = None
) -> Response:
    """`rectified` at each field (M,) [T] along a unit vector: each part of the answer (M,), differentiable."""

    def at(field: Any) -> Response:
        return rectified(device.replace(field=axis * field), microwave, frequency, m0)

    return jax.vmap(at)(jnp.asarray(fields))


def sweep_axis(device: Oscillator, axis: Any) -> Vec3:
    """The direction of a sweep of the applied field: a unit vector (3,), by default that of the device's own field."""
    if axis is not None:
        x, y, z = (axis.x, axis.y, axis.z) if isinstance(axis, Vec3) else (float(part) for part in axis)
        along = Vec3(x, y, z)
        check_unit_vector("axis", along)
        return along
    own = device.field
    if not all(is_concrete(part) for part in (own.x, own.y, own.z)) or float(own.norm2()) == 0.0:
        raise ValueError("the device has no field to take the direction of the sweep from; give axis=(1, 0, 0)")
    return own * (1 / float(own.norm2()) ** 0.5)


def _values(name: str, values: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{name} has the shape {array.shape}, expected a list of finite numbers")
    return array
