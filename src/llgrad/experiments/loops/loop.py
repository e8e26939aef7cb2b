"""`lg.experiments.loop`: hysteresis, angle scans and current-induced switching, a quasi-static sweep and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, overload

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.field_term import Inputs
from llgrad.core.speed.quick import quick_jit
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.loops.checking import check_steps, energy_checked
from llgrad.experiments.loops.result import Loop
from llgrad.experiments.loops.sweeping import Round, gone_once, gone_round, modes
from llgrad.experiments.loops.swept import Angle, Device, Swept, SweptRange, angles_of, range_of, swept
from llgrad.orbits.carried import held
from llgrad.orbits.equilibria.result import columns_of
from llgrad.orbits.flow import begun
from llgrad.physics.stacks.stack import Stack

STEPS: Final = 200


@overload
def loop(
    device: Device,
    parameter: str,
    start: float,
    stop: float,
    *,
    angle: Angle = ...,
    steps: int = ...,
    back: bool = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
) -> Loop: ...
@overload
def loop(
    device: Device,
    parameter: str,
    start: float,
    stop: float,
    *,
    angle: Sequence[Angle],
    steps: int = ...,
    back: bool = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
) -> list[Loop]: ...
@overload
def loop(
    device: Sequence[Device],
    parameter: str,
    start: float,
    stop: float,
    *,
    angle: Angle = ...,
    steps: int = ...,
    back: bool = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
) -> list[Loop]: ...
@overload
def loop(
    device: Sequence[Device],
    parameter: str,
    start: float,
    stop: float,
    *,
    angle: Sequence[Angle],
    steps: int = ...,
    back: bool = ...,
    m0: PyTree[Float[ArrayLike, "..."]] = ...,
) -> list[list[Loop]]: ...
def loop(
    device: Device | Sequence[Device],
    parameter: str,
    start: float,
    stop: float,
    *,
    angle: Angle | Sequence[Angle] = (0.0, 0.0),
    steps: int = STEPS,
    back: bool = True,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
) -> Loop | list[Loop] | list[list[Loop]]:
    """A device at rest while a field, an angle, a current or any other number is swept slowly, and back.

    The state is followed by Newton's method with the exact slope of the rate, in steps that are halved until it moves
    little, so that it stays on its branch however coarse the sweep. Where it loses its stability the end of the branch
    is solved for (a fold, a branch point, a Hopf point: `Loop.switching` is exact to rounding, not to a step), and the
    equation of motion, with the device's own damping and a push of 0.01 rad, is run from there until the device rests.
    Where the torques have an energy, it is shown to be a minimum at each point and to fall in each jump. There is no
    temperature in it: thermally activated switching happens before.

    Args:
        device: Oscillator or Stack, or a list of such, for a list of loops.
        parameter: what is swept: "field", the field [T] along the axis of `angle`, whatever else of the device's field
            is across it staying; "polar" or "azimuth", the angle [rad] of the device's field, of its own strength, the
            other angle being that of `angle`; or the path of a number of the device, such as "current".
        start: first value, in SI units.
        stop: value at which it turns back.
        angle: polar and azimuthal angle [rad] of the field's axis, from z and from x: (π/2, 0) is x, and so is
            ("90deg", "0deg"). Several, (A, 2), give a list of loops.
        steps: of each sweep; the loop has steps + 1 values each way.
        back: whether it is swept back too. A loop is gone round until it closes. Without it the way back is gone all
            the same where the device jumps, to know the coercive field.
        m0: state that relaxes to the first one, in the form that `simulate` takes; by default, of a field, all layers
            along it, otherwise the device's own start.

    Raises ValueError for another kind of device or parameter, for a device that does not rest but oscillates, for steps
    larger than the coercive field, and inside jax.jit or jax.vmap.

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.loop(film, "field", 0.2, -0.2, angle=(0.7853981633974483, 0.0))
    >>> round(found.switching[0][0], 9), found.checked  # H_k/2, at 45° (Stoner and Wohlfarth)
    (-0.05, True)
    """
    if isinstance(device, (list, tuple)):
        each: Any = angle
        return [loop(one, parameter, start, stop, angle=each, steps=steps, back=back, m0=m0) for one in device]
    return _looped(device, parameter, (start, stop), angle, steps, m0, partial(gone_round, back=back))


def one_sweep(
    device: Any, parameter: str, start: float, stop: float, *, angle: Any, steps: int, m0: Any
) -> Loop | list[Loop]:
    """A `loop` without the way back, for what is asked of its points alone: they are exact however far apart they
    are, so that no step is too large."""
    return _looped(device, parameter, (start, stop), angle, steps, m0, gone_once)


def _looped(
    device: Any, parameter: str, ends: tuple[float, float], angle: Any, steps: int, m0: Any, gone: Callable[..., Round]
) -> Any:
    check_kind("device", device, (Oscillator, Stack), "see llgrad.presets, or lg.Stack for one of several layers")
    check_platform()
    angles = angles_of(angle)
    if angles.ndim == 2:
        return [_looped(device, parameter, ends, tuple(pair), steps, m0, gone) for pair in angles.tolist()]
    numbers = held(device, "loop").replace(temperature=None if isinstance(device, Stack) else 0.0)
    span = range_of(numbers, parameter, *ends, steps)
    with jax.enable_x64(True):
        family = swept(numbers, span, (float(angles[0]), float(angles[1])))
        return _told(device, family, span, gone(family, span, _first(family, span, m0)))


def _first(family: Swept, span: SweptRange, m0: Any) -> Any:
    """The state (d,) that relaxes to the first one."""
    if m0 is not None or span.parameter != "field":
        return begun(family.flow(span.start), family.placed(span.start), m0)
    axis = family.axis(span.start) * (1.0 if span.start >= 0 else -1.0)
    return jnp.asarray(np.tile(axis, len(family.shape.spins)))


def _told(device: Device, family: Swept, span: SweptRange, found: Round) -> Loop:
    values = np.stack([span.values, span.values[::-1]][: len(found.ways)])
    y = np.stack([way.y for way in found.ways])
    jumps = [jump for way in found.ways for jump in way.jumps]
    check_steps(span, found.jumps)
    drops, checked, good = energy_checked(family, values.ravel(), y, jumps)
    if drops is not None:
        jumps = [replace(jump, drop=drop) for jump, drop in zip(jumps, drops, strict=True)]
    notes = [checked]
    if span.parameter == "field":
        across = family.placed(0.0).field.norm2() ** 0.5
        if float(across) > 1e-12:
            notes.append(f"the device's own field across the axis, {show(float(f'{float(across):.4g}'), 'T')}, stays")
    if any(jump.kind == "branch point" for jump in jumps):
        notes.append("at a branch point a symmetry breaks: which of two states follows is not told by the device")
    if not found.closed:
        notes.append("the loop did not close: the device is elsewhere at the end than at the start")
    m, ohms = measured(family, values, y)
    axes = np.array([[family.axis(value) for value in row] for row in values])
    frequencies, widths = modes(np.stack([way.matrices for way in found.ways]))
    names = columns_of(family.flow(span.start))
    told = (m, np.sum(m * axes, axis=-1), ohms, frequencies, widths)
    angle = (float(family.polar), float(family.azimuth))
    return Loop(
        device,
        span.parameter,
        span.unit,
        angle,
        values,
        y,
        names,
        *told,
        tuple(jumps),
        found.closed,
        good,
        tuple(notes),
    )


def measured(family: Swept, values: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """M over its largest (…, 3), and the resistance (…) [Ω], of states (…, d)."""
    device = family.device
    states = jnp.asarray(y.reshape(-1, y.shape[-1]))
    m, ohms = _seen(family, jnp.asarray(values.ravel()), states)
    has = bool(device.barriers) if isinstance(device, Stack) else device.junction is not None
    return np.asarray(m).reshape(*y.shape[:-1], 3), np.asarray(ohms).reshape(y.shape[:-1]) if has else None


@partial(quick_jit, compiled=jax.jit)
def _seen(family: Swept, values: Any, states: Any) -> tuple[Any, Any]:
    return jax.vmap(lambda value, y: seen_of(family.placed(value), family.flow(value).state(y)))(values, states)


def seen_of(device: Device, state: Any) -> tuple[Any, Any]:
    """M over its largest (3,), and the resistance [Ω] (0 where there is none), of a device in a state."""
    if isinstance(device, Stack):
        fixed = {layer.name: layer.direction for layer in device.layers if layer.fixed}
        m = fixed | dict(state)
        moments = [layer.areal_moment * (layer.area * 1e14) for layer in device.layers]
        total = sum(
            (
                Vec3(m[layer.name].x, m[layer.name].y, m[layer.name].z) * moment
                for layer, moment in zip(device.layers, moments, strict=True)
            ),
            Vec3(0.0, 0.0, 0.0),
        )
        inputs = Inputs(0.0, (0.0,) * device.noises, dict.fromkeys(device.inputs, 0.0))
        ohms = device.observe(state, inputs).get("resistance", 0.0)
        return (total * (1 / sum(moments))).stack(), jnp.asarray(ohms)
    law = device.junction
    ohms = 0.0 if law is None else law.at_current(state.dot(device.polariser), device.current)
    return state.stack(), jnp.asarray(ohms)


def loops_of(found: Any) -> Sequence[Loop]:
    """One loop or several as several."""
    return [found] if isinstance(found, Loop) else list(found)
