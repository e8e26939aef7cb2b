"""What a reservoir refuses, each in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS


def checked_signal(name: str, given: Any, length: int | None = None) -> np.ndarray:
    """Numbers (T, F), of one feature (T,) too. Raises ValueError for anything else."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {array.dtype} values, expected numbers, (T,) or (T, F)")
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(f"{name} has the shape {array.shape}, expected (T,) or (T, F): a row for each symbol")
    array = array.astype(float).reshape(len(array), -1)
    if not np.isfinite(array).all():
        place = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ValueError(
            f"{name} has {array[place][~np.isfinite(array[place])][0]} at symbol {place}; fill the gap or cut it out, "
            "a reservoir would carry it on"
        )
    if length is not None and len(array) != length:
        raise ValueError(f"{name} has {len(array)} rows and the signal {length}; give one for each symbol")
    return array


def checked_numbers(name: str, given: Any, expected: str) -> np.ndarray:
    """An array of finite numbers. Raises ValueError for anything else."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} = {given!r}, expected {expected}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has a value that is not finite, expected {expected}")
    return array.astype(float)


def checked_read(read: Any) -> tuple[str, ...]:
    """Names of what is read. Raises ValueError for what is none."""
    names = (read,) if isinstance(read, str) else tuple(read) if isinstance(read, (list, tuple)) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"read = {read!r}, expected names of components, such as 'mx' or ('mx', 'my'), a function, or None"
        )
    return names


def check_varies(target: np.ndarray) -> None:
    """Raise ValueError for targets (T, Y) of which one never changes, so that an error has no measure."""
    if (flat := np.flatnonzero(np.ptp(target, axis=0) == 0)).size:
        raise ValueError(
            f"target {flat[0] + 1} is {target[0, flat[0]]:g} at all {len(target)} symbols that count, so that an error "
            "has no measure; give a longer signal, or leave it out"
        )


def checked_model(model: Any) -> Any:
    """An oscillator, a system, or an array of them."""
    check_kind(
        "model", model, (Oscillator, OscillatorArray, System, SystemArray), "give what computes; see llgrad.presets"
    )
    return model


def checked_input(model: Any, name: Any) -> str:
    """The name of a channel of a device, or of an input of a system."""
    member = getattr(model, "system", model)
    known = member.inputs if isinstance(member, System) else CHANNEL_UNITS
    if name not in known:
        kind = type(member).__name__
        raise ValueError(
            f"input = {name!r}, but a signal can act on {', '.join(known) or 'nothing'} of this {kind}"
            + ("; name it in the class, as inputs = {'current': 'A'}" if not known else "")
        )
    return str(name)


def checked_hold(hold: Any) -> float:
    """A time [s] for which a symbol is held."""
    value = checked_number("hold", hold, low=0.0, expected="the time of a symbol in seconds, such as 5e-9")
    if not 0 < value < 1e-2:
        raise ValueError(f"hold = {value:g} s, expected the time of a symbol in seconds; 5 ns is 5e-9")
    return value


def checked_step(dt: Any) -> float:
    """A time step [s]."""
    step = checked_number("dt", dt, low=0.0, expected="a time step in seconds, such as 5e-12")
    if step == 0:
        raise ValueError("dt = 0, expected a time step in seconds, such as 5e-12")
    return step


def checked_mask(mask: Any, features: int, nodes: int, count: int) -> np.ndarray:
    """A mask (F, M, N). Raises ValueError where a given one has another shape."""
    array = checked_numbers("mask", mask, "weights near 1")
    shapes: dict[tuple[int, ...], Any] = {(features, nodes, count): array}
    for axes, short in (((0, 1), (features, nodes)), ((0, 2), (features, count)), ((1, 2), (nodes, count))):
        if [(features, nodes, count)[axis] for axis in ({0, 1, 2} - set(axes))] == [1]:
            shapes[short] = array
    for axis, short in ((1, (nodes,)), (2, (count,)), (0, (features,))):
        if [(features, nodes, count)[other] for other in (0, 1, 2) if other != axis] == [1, 1]:
            shapes[short] = array
    if array.shape not in shapes:
        raise ValueError(
            f"mask has the shape {array.shape}, expected ({features}, {nodes}, {count}): a weight for each of the "
            "features of the signal, the nodes and the oscillators; axes of one may be left out"
        )
    return array.reshape(features, nodes, count)


def check_states(states: np.ndarray, failed: int, hold: float) -> None:
    """Raise ValueError where states of a whole signal are of no use."""
    if failed >= 0 or not np.isfinite(states).all():
        place = failed if failed >= 0 else int(np.argmin(np.isfinite(states).all(axis=1)))
        raise ValueError(
            f"the states diverge at symbol {place} ({place * hold:.3g} s): a step turned too far or gave no number; "
            "give a shorter dt, or a smaller gain or feedback"
        )
    spread = states.std(axis=0).max()
    if len(states) > 1 and spread <= 1e-12 * max(1.0, np.abs(states).max()):
        raise ValueError(
            f"the states are constant after the washout (they vary by {spread:.1g}): the signal does not reach what is "
            "read; check input, gain, mask and read"
        )
