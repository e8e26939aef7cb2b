"""An endless signal in pieces: the state of a network goes in and comes out, and the answers are the same bits."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.response import begun, held, input_of
from llgrad.networks.bench.timeline import Pooling
from llgrad.networks.network import Network

AT_ONCE: Final = 1024
"""Frames that one call of a program takes: a longer piece is cut, so that memory does not grow with it."""


class NetworkState(NamedTuple):
    """Where a network stands after a number of frames, so that its signal can go on: a state for B signals."""

    states: Any
    """Of each array, with the axis B first."""
    past: Any
    """What was read at the frames that still count: the last of them, or sums over them."""
    frame: Any
    """Number of frames so far."""


class Streamed(NamedTuple):
    """What a network says after each frame of a piece.

    >>> import jax, llgrad as lg
    >>> import numpy as np
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = lg.networks.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(10, 2), classes=3, key=jax.random.key(0), oscillators=4, hold=0.1e-9,
    ...         frames=lg.networks.Frames.SIGNAL,
    ...     )
    >>> found = lg.networks.stream(network, np.zeros((7, 2)))
    >>> found.answers.shape, int(found.held.frame)
    ((7, 3), 7)
    """

    answers: np.ndarray
    """(T, outputs), or (B, T, outputs) of B signals: what it would answer if the signal ended with that frame."""
    held: NetworkState | None
    """Where it stands; given back with the next piece, the signal goes on."""


def stream(network: Any, piece: Any, held: NetworkState | None = None) -> Streamed:
    """The answers of a network to the next piece of a signal that need not end, in float32.

    The state at the end of a piece is where the next one begins. However a signal is cut into pieces, the answers are
    the same bits: one program is run over all frames, one after the other. Memory does not grow with the signal.

    Args:
        network: an `OscillatorClassifier` or `OscillatorRegressor`, or a `Design`.
        piece: frames (T, F), or (B, T, F) of B signals side by side.
        held: what came out of the piece before; None after the reset.

    Returns:
        `Streamed`: the answers after each frame, and where the network stands. A frame that a read-out of several
        frames would need from before the signal counts as zero.

    Raises ValueError for frames of another length than the network's, a value that is not finite, and a state of
    another number of signals or of another network.

    >>> import llgrad as lg
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = lg.networks.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(10, 2), classes=3, key=jax.random.key(0), oscillators=4, hold=0.1e-9,
    ...         frames=lg.networks.Frames.SIGNAL,
    ...     )
    >>> signal = np.random.default_rng(0).random((10, 2))
    >>> first = stream(network, signal[:7])
    >>> rest = stream(network, signal[7:], first.held)
    >>> rest.answers.shape, bool((rest.answers == stream(network, signal).answers[7:]).all())
    ((3, 3), True)
    """
    check_kind("network", network, (Network, Design), "give (network, piece)")
    with jax.enable_x64(False):
        design = network.built() if isinstance(network, Network) else network
        check_kind("network", design, Design, "a network of oscillators, which has a state")
        frames, alone = _frames(design, piece)
        state = start(design, frames.shape[1]) if held is None else held
        _check_state(design, state, frames.shape[1])
        parts = []
        for first in range(0, frames.shape[0], AT_ONCE):
            part = frames[first : first + AT_ONCE]
            given = np.zeros((AT_ONCE, *frames.shape[1:]), np.float32)
            given[: len(part)] = part
            state, found = _advance(design, state, given, np.int32(len(part)))
            parts.append(np.asarray(found)[: len(part)])
        answers = np.concatenate(parts).swapaxes(0, 1)
    return Streamed(answers[0] if alone else answers, state)


def start(design: Design, signals: int = 1) -> NetworkState:
    """Where a network stands after the reset, for so many signals side by side."""
    states = tuple(begun(stage.device, stage.timeline, stage.settings, signals) for stage in design.stages)
    last = design.stages[-1]
    row = (last.timeline.readouts, signals, last.settings.count, design.readout.signal.width)
    return NetworkState(states, jnp.zeros((_past(design), *row), jnp.float32), jnp.zeros((), jnp.int32))


def _past(design: Design) -> int:
    """How many frames, or sums over frames, are kept for the read-out."""
    line = design.stages[-1].timeline
    if line.pooling is Pooling.EACH:
        return 1
    if line.pooling is Pooling.MEAN and line.frames_read is None:
        return line.every
    read = line.frames_read if line.pooling is Pooling.MEAN and line.frames_read else design.weighed
    return (read - 1) * line.every + 1


def _frames(design: Design, piece: Any) -> tuple[np.ndarray, bool]:
    """(T, B, F) of what was given, and whether it was one signal."""
    array = np.asarray(piece)
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3) or not array.size:
        raise ValueError(
            f"the piece has the type {array.dtype} and the shape {array.shape}, expected (frames, features), or "
            "(signals, frames, features)"
        )
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then, and refused
        frames = array.astype(np.float32)
    if frames.shape[-1] != design.features:
        raise ValueError(
            f"the piece has frames of {frames.shape[-1]} features, and the network is made for {design.features}"
        )
    if not np.isfinite(frames).all():
        place = np.argwhere(~np.isfinite(frames))[0]
        raise ValueError(f"feature {place[-1]} of frame {place[-2]} of the piece is {frames[tuple(place)]}; repair it")
    return np.swapaxes(frames if array.ndim == 3 else frames[None], 0, 1), array.ndim == 2


def _check_state(design: Design, state: Any, signals: int) -> None:
    check_kind("held", state, NetworkState, "give the held of the piece before, or None")
    shapes = [jax.tree.map(jnp.shape, one) for one in (state, jax.eval_shape(lambda: start(design, signals)))]
    if jax.tree.structure(state) != jax.tree.structure(start(design, signals)) or shapes[0] != shapes[1]:
        raise ValueError(
            f"held is of another network, or of another number of signals than the {signals} of this piece; give the "
            "held of the piece before"
        )


@eqx.filter_jit
def _advance(design: Design, state: NetworkState, frames: Any, count: Any) -> tuple[NetworkState, Any]:
    """The state after `count` of the frames (AT_ONCE, B, F), and the answers after each of them."""

    def one(index: Any, carry: tuple[NetworkState, Any]) -> tuple[NetworkState, Any]:
        state, answers = carry
        state, found = _frame(design, state, frames[index])
        return state, answers.at[index].set(found)

    answers = jnp.zeros((*frames.shape[:2], design.readout.bias.shape[0]), jnp.float32)
    return jax.lax.fori_loop(0, count, one, (state, answers))


def _frame(design: Design, state: NetworkState, frame: Any) -> tuple[NetworkState, Any]:
    """One frame (B, F) further, and the answers (B, outputs)."""
    states, signal = [], jnp.zeros(())
    for index, stage in enumerate(design.stages):
        if index:
            passed = jnp.moveaxis(signal, 1, 0)
            frame = passed.reshape(passed.shape[0], -1)
        steady = input_of(stage.settings, frame[None])[0]
        before = state.states[index]
        after, read = held(stage.device, stage.settings, stage.timeline, before, steady, engine=design.engine)
        states.append(after)
        of = design.readout.signal.passed_on if index < len(design.stages) - 1 else design.readout.signal
        signal = stage.read(of, jax.tree.map(lambda part: part[None], read), frame[None])[0]
    past, read = _remembered(design, state, signal)
    return NetworkState(tuple(states), past, state.frame + 1), read


def _remembered(design: Design, state: NetworkState, signal: Any) -> tuple[Any, Any]:
    """What is kept of the frames with the signals (R, B, N, width) of another one, and the answers."""
    line = design.stages[-1].timeline
    if line.pooling is Pooling.MEAN and line.frames_read is None:
        place = state.frame % line.every
        past = state.past.at[place].add(signal)
        count = (state.frame // line.every + 1).astype(signal.dtype)
        return past, design.readout(past[place] / count)
    past = jnp.concatenate([state.past[1:], signal[None]])
    read = past[:: line.every]
    if line.pooling is Pooling.EACH:
        return past, design.readout(signal)
    if line.pooling is Pooling.MEAN:
        count = jnp.minimum(state.frame // line.every + 1, read.shape[0]).astype(signal.dtype)
        return past, design.readout(read.sum(axis=0) / count)
    return past, design.readout(read.reshape(-1, *read.shape[2:]))
