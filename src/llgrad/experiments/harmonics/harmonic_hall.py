"""`harmonic_hall`: first and second harmonic of the Hall voltage of a device at rest, over a field or an angle."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import is_concrete
from llgrad.core.speed.quick import quick_jit
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.harmonics.response import phasors
from llgrad.experiments.harmonics.result import HarmonicHall
from llgrad.experiments.loops.loop import STEPS, one_sweep
from llgrad.experiments.loops.result import Loop
from llgrad.experiments.loops.swept import Angle, Swept, range_of, swept
from llgrad.orbits.carried import check_once, held
from llgrad.physics.electric.spin_orbit import HEAVY_METAL
from llgrad.physics.stacks.stack import Stack

TRANSVERSE: Final = "transverse_voltage"
LARGEST: Final = 0.3
"""A swing [rad] beyond which the second order says nothing."""


def harmonic_hall(
    device: Stack,
    parameter: str,
    start: float,
    stop: float,
    *,
    current: float,
    angle: Angle = (0.0, 0.0),
    frequency: float = 0.0,
    signal: str | None = None,
    steps: int = STEPS,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
) -> HarmonicHall:
    """Harmonics of the Hall voltage of a device at rest under a current I₀ sin ωt, as a field or its angle is swept.

    The states at rest are those of one sweep of `lg.experiments.loop`, jumps included. The current flows through the
    bar and drives whatever follows it: spin–orbit torque, Oersted field, and a term of one's own. The harmonics are of
    the second order in it, exact in everything else: finite angles, all layers, all effects of the bar. As I₀ → 0,
    slowly,

        V_ω = I₀ R(m₀),   V_2ω = −(I₀²/2) dR/dI = −(I₀²/2) ∂R/∂m · dm₀/dI,

    dm₀/dI being the derivative of the state at rest. At a frequency the state follows by its own equation of motion.

    Args:
        device: Stack with `readouts=lg.readout.HallBar(…)`.
        parameter: what is swept, as in `lg.experiments.loop`: "field" along the axis of `angle`, "polar" or "azimuth"
            of the device's field, or the path of a number.
        start, stop: the ends, in SI units.
        current: amplitude I₀ [A] through the bar.
        angle: polar and azimuthal angle [rad] of the field's axis: (π/2, 0) is x.
        frequency: of the current [Hz]; 0 is the limit of a slow one, right far below the modes of the device.
        signal: the voltage that is read, by its name among those of the device; by default the transverse one of its
            only bar.
        steps: of the sweep, which has steps + 1 points.
        m0: state that relaxes to the first one, as in `lg.experiments.loop`.

    Where the current turns a layer by more than 0.3 rad, as a layer in the plane near zero field, the voltages are NaN,
    and the result says so; `swing` is that angle. The voltages are differentiable by every number of the device.
    Small-angle formulas for one layer, which this approaches: M. Hayashi et al., Phys. Rev. B 89, 144425 (2014);
    `effective_fields` inverts them.

    Raises ValueError as `lg.experiments.loop` does, for a device without a bar, and for an amplitude or a frequency
    that is none.

    >>> import llgrad as lg
    >>> film = lg.Layer("free", Ms=1e6, thickness=1e-9, area=1e-12, H_k=1.5, demag=(0, 0, 0), m=(0, 0, 1),
    ...     terms=(lg.physics.SpinOrbitTorque(1.0, field_like=0.5),))  # 1 mT per mA towards y
    >>> film_of_bar = lg.readout.Film(200.0, (lg.readout.AHE(1.0), lg.readout.PHE(0.4)))
    >>> bar = lg.readout.HallBar(film_of_bar, length=20e-6, width=5e-6)
    >>> found = lg.experiments.harmonic_hall(lg.Stack(film, readouts=bar), "field", -0.05, 0.05, current=1e-3,
    ...     angle=(1.5707963267948966, 0.0), steps=2, m0={"free": lg.systems.Spin(0.0, 0.0, 1.0)})
    >>> round(float(found.second_cosine[-1]) * 1e9, 2)  # nV; −I₀ H (R_AHE a_DL + R_PHE a_FL)/2H_k² is −13.33
    -13.35
    """
    check_kind("device", device, (Stack, Oscillator), "see lg.Stack, with readouts=lg.readout.HallBar(…)")
    if isinstance(device, Oscillator) or not device.readouts:
        raise ValueError(
            "this device has no bar in which a current flows; give a Stack with readouts=lg.readout.HallBar(…), and "
            "its layer a SpinOrbitTorque that the current drives"
        )
    check_once(device, "harmonic_hall")
    signal = _checked_signal(device, signal)
    amplitude, f = _checked(current, frequency)
    found = one_sweep(device, parameter, start, stop, angle=angle, steps=steps, m0=m0)
    if not isinstance(found, Loop):
        raise ValueError(f"angle = {angle!r}, expected one pair of angles; call it for each")
    numbers = held(device, "harmonic_hall").replace(temperature=None)
    with jax.enable_x64(True):
        family = swept(numbers, range_of(numbers, parameter, start, stop, steps), found.angle)
        family = _traced(family, device)
        values, y = jnp.asarray(found.values[0]), jnp.asarray(found.y[0])
        direct, first, second, swing = _of_all(family, values, y, jnp.asarray(amplitude), jnp.asarray(f), signal)
        # the phasors are those of a cosine; a sine is a quarter of a period later: e^{iωt} → −i, e^{2iωt} → −1
        told = (direct, first.real, first.imag, second.imag, -second.real)
        told = [jnp.where(swing < LARGEST, part, jnp.nan) for part in told]
    numbers_or_traced = (np.asarray(part) if is_concrete(part) else part for part in (*told, swing))
    return HarmonicHall(found, amplitude, f, signal, *numbers_or_traced)


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=5))
def _of_all(family: Swept, values: Any, y: Any, amplitude: Any, frequency: Any, signal: str) -> Any:
    return jax.vmap(lambda v, state: phasors(family, v, state, signal, HEAVY_METAL, amplitude, frequency))(values, y)


def _traced(family: Swept, device: Stack) -> Swept:
    """The family with the numbers of a device that may be differentiated."""
    moving = device.replace(temperature=None)
    if all(is_concrete(leaf) for leaf in jax.tree.leaves(moving)):
        return family
    strength = jnp.sqrt(jnp.asarray(moving.field.norm2())) if family.path in ("polar", "azimuth") else family.strength
    return eqx.tree_at(lambda one: (one.device, one.strength), family, (moving, strength))


def _checked_signal(device: Stack, signal: str | None) -> str:
    """The name of the voltage. Raises ValueError where the device has none of it, or several."""
    known = [name for name, unit in device.outputs.items() if unit == "V"]
    chosen = [name for name in known if name.endswith(TRANSVERSE)] if signal is None else [signal]
    if len(chosen) != 1 or chosen[0] not in known:
        asked = "several bars" if signal is None else f"no voltage {signal!r}"
        raise ValueError(f"this device has {asked}; give signal=, one of {', '.join(known)}")
    return chosen[0]


def _checked(current: Any, frequency: Any) -> tuple[float, float]:
    for name, value, expected in (
        ("current", current, "one number in A above 0, such as 1e-3"),
        ("frequency", frequency, "one number in Hz, 0 or above, such as 133.0"),
    ):
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
        if not good or value < 0 or (name == "current" and value == 0):
            raise ValueError(f"{name} = {value!r}, expected {expected}")
    return float(current), float(frequency)
