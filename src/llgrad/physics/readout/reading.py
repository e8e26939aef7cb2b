"""Reading runs and measured directions through a Hall bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind, wrong_kind
from llgrad.core.record import is_concrete
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.vector import Number, Vec3
from llgrad.physics.readout.bar import HallBar
from llgrad.physics.stacks.stack import Stack

LENGTH: Final = 1e-3
"""A measured direction may be so far from length 1."""
HOW: Final = "give a run, or directions (…, 3), or those of layers by name"


def longitudinal_resistance(
    source: Trajectory | SystemTrajectory | Float[ArrayLike, "... 3"] | Mapping[str, Float[ArrayLike, "... 3"]],
    bar: HallBar,
) -> Number:
    """Resistance [Ω] along a Hall bar, in the course of a run or of measured directions.

    Args:
        source: a run of an oscillator (T,) or of an array of them (T, N), a run of a `Stack` or of a system with unit
            vectors; unit vectors (…, 3); or a dictionary of such arrays by layer.
        bar: the `HallBar`, whose films name the layers that they read.

    Returns what the source has in place of its components: (T,), (T, N) or (…); differentiable.

    Raises ValueError for a source that is none of these, and for one without the layers of the bar.

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(100.0, lg.readout.AMR(1.0)), length=10e-6, width=5e-6)
    >>> lg.readout.longitudinal_resistance([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], bar).tolist()
    [202.0, 200.0]
    """
    return _checked(bar).resistances(_directions(source, bar))[0]


def transverse_resistance(
    source: Trajectory | SystemTrajectory | Float[ArrayLike, "... 3"] | Mapping[str, Float[ArrayLike, "... 3"]],
    bar: HallBar,
) -> Number:
    """Resistance [Ω] across a Hall bar; see `longitudinal_resistance`, which takes the same.

    >>> import llgrad as lg
    >>> bar = lg.readout.HallBar(lg.readout.Film(100.0, lg.readout.AHE(0.5)), length=10e-6, width=5e-6)
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> lg.readout.transverse_resistance(run, bar).shape
    (501,)
    """
    return _checked(bar).resistances(_directions(source, bar))[1]


def _checked(bar: Any) -> HallBar:
    check_kind("bar", bar, HallBar, "give (source, bar), as HallBar(Film(200.0, AHE(0.5)), length=…, width=…)")
    return bar


def _directions(source: Any, bar: HallBar) -> Vec3 | dict[Any, Vec3]:
    """What `HallBar.resistances` takes, of a source."""
    if isinstance(source, Trajectory):
        return _of_one(bar, Vec3(source.mx, source.my, source.mz))
    if isinstance(source, SystemTrajectory):
        return _of_system(source, bar)
    if isinstance(source, Mapping):
        return _of_names({name: _as_direction(value) for name, value in source.items()}, bar)
    if isinstance(source, (str, bytes)) or not isinstance(source, (np.ndarray, jax.Array, list, tuple, Vec3)):
        raise ValueError(wrong_kind("source", source, "a run or directions", HOW))
    return _of_one(bar, _as_direction(source))


def _of_one(bar: HallBar, m: Vec3) -> Vec3:
    """The only direction that there is. Raises ValueError where the bar reads several."""
    if len(bar.layers) > 1:
        raise ValueError(
            f"this bar reads the layers {', '.join(map(str, bar.layers))}, and the source has one direction; {HOW}"
        )
    return m


def _of_system(run: SystemTrajectory, bar: HallBar) -> dict[Any, Vec3]:
    nodes = {"m": run.state} if isinstance(run.state, Vec3) else run.state
    moving = {name: v for name, v in nodes.items() if isinstance(v, Vec3)} if isinstance(nodes, Mapping) else {}
    found: dict[Any, Vec3] = {name: Vec3(v.x, v.y, v.z) for name, v in moving.items()}
    if isinstance(run.model, Stack):
        like = next(iter(found.values())).x
        fixed = {one.name: one.direction for one in run.model.layers if one.fixed}
        found |= {name: Vec3(*(jnp.full_like(like, c) for c in (v.x, v.y, v.z))) for name, v in fixed.items()}
    return _of_names(found, bar, tuple(moving))


def _of_names(found: dict[Any, Vec3], bar: HallBar, moving: tuple[Any, ...] | None = None) -> dict[Any, Vec3]:
    """Directions by name, and under None the only one that moves. Raises ValueError for a layer that is not there."""
    moving = tuple(found) if moving is None else moving
    known = ", ".join(map(str, found)) or "none"
    if None in bar.layers and len(moving) != 1:
        raise ValueError(f"a film of this bar names no layer, and the source has {known}; give Film(…, layer=…)")
    for name in bar.layers:
        if name is not None and name not in found:
            raise ValueError(f"this bar reads the layer {name!r}, and the source has {known}")
    return found | ({None: found[moving[0]]} if len(moving) == 1 else {})


def _as_direction(value: Any) -> Vec3:
    if isinstance(value, Vec3):
        return value
    array = value if isinstance(value, jax.Array) else np.asarray(value, dtype=float)
    if array.shape[-1:] != (3,):
        raise ValueError(
            f"directions of the shape {array.shape}, expected three components along the last axis, (…, 3)"
        )
    if is_concrete(array):
        length = np.linalg.norm(np.asarray(array), axis=-1)
        if not np.all(np.abs(length - 1) <= LENGTH):
            worst = float(np.ravel(length)[np.argmax(np.abs(np.ravel(length) - 1))])
            raise ValueError(f"a direction has length {worst:.6g}, expected unit vectors; divide by the length, or Ms")
    return Vec3(array[..., 0], array[..., 1], array[..., 2])
