"""An endless signal in pieces: the state of a network goes in and comes out, and the answers are the same bits."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Key

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.random import checked_key
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.response import begun, disturbed, held, input_of
from llgrad.networks.bench.timeline import Pooling
from llgrad.networks.imperfections import ArrayNoise, Imperfections
from llgrad.networks.network import Network

AT_ONCE: Final = 1024
"""Frames that one call of a program takes: a longer piece is cut, so that memory does not grow with it."""
COUNTED: Final = 2**31 - 1
"""Frames that are told apart by their number, which has 32 bits."""


class NetworkState(NamedTuple):
    """Where a network stands after a number of frames, so that its signal can go on: a state for B signals."""

    states: Any
    """Of each array, with the axis B first."""
    past: Any
    """What was read at the frames that still count: the last of them, or sums over all and what their rounding lost."""
    frame: Any
    """Number of frames so far, of which `COUNTED` are counted."""
    window: Any
    """The last frames (S, B, F), whose end depends on what comes next: as many as there are arrays where edges are slow
    or late, and else none. `states` and `past` are those before them."""
    inputs: Any
    """What was fed to each array in the last frame before those, (B, N) each; of none where there are none."""


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


def stream(
    network: Network | Design,
    piece: Float[ArrayLike, "*B T F"],
    held: NetworkState | None = None,
    imperfections: Imperfections | None = None,
    key: Key[jax.Array, ""] | None = None,
) -> Streamed:
    """The answers of a network to the next piece of a signal that need not end, in float32.

    The state at the end of a piece is where the next one begins. However a signal is cut into pieces, the answers are
    the same bits: one program is run over all frames, one after the other. Memory does not grow with the signal.

    Args:
        network: an `OscillatorClassifier` or `OscillatorRegressor`, or a `Design`.
        piece: frames (T, F), or (B, T, F) of B signals side by side.
        held: what came out of the piece before; None after the reset.
        imperfections: how the real array differs from it; None is the ideal one.
        key: of the drawn array and its noise, a `jax.random.key`: the same for every piece.

    Returns:
        `Streamed`: the answers after each frame, and where the network stands. A frame that a read-out of several
        frames would need from before the signal counts as zero. With slow or late edges a frame feels the beginning of
        the next one: its answer is that of a signal that ends there, and what follows goes on from the edge.

    Raises ValueError for frames of another length than the network's, a value that is not finite, a state of another
    number of signals or of another network, and more than 2³¹ − 1 frames where their number counts: with imperfections,
    and where the mean of all frames is read.

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
    if imperfections is not None:
        check_kind(
            "imperfections", imperfections, Imperfections, "such as lg.networks.Imperfections(temperature=300.0)"
        )
    if (imperfections is None) != (key is None):
        raise ValueError("imperfections are drawn by a key: give both, as in key=jax.random.key(0), or neither")
    if key is not None:
        checked_key(key)
    with jax.enable_x64(False):
        design = network.built() if isinstance(network, Network) else network
        check_kind("network", design, Design, "a network of oscillators, which has a state")
        frames, alone = _frames(design, piece)
        noise = None
        if imperfections is not None and key is not None:
            made, run = jax.random.split(key)
            design = imperfections.drawn(design, made)
            noise = imperfections.noise(design, run, jnp.arange(frames.shape[1], dtype=jnp.uint32))
        late = _late(design, noise)
        state = start(design, frames.shape[1], late) if held is None else held
        _check_state(design, state, frames.shape[1], late)
        if (noise is not None or _means_all(design)) and int(state.frame) + frames.shape[0] > COUNTED:
            raise ValueError(
                f"the signal would have more than {COUNTED:,} frames, which cannot be counted with imperfections, or "
                "for the mean of all frames; begin it anew, with held=None"
            )
        parts = []
        for first in range(0, frames.shape[0], AT_ONCE):
            part = frames[first : first + AT_ONCE]
            given = np.zeros((AT_ONCE, *frames.shape[1:]), np.float32)
            given[: len(part)] = part
            state, found = _advance(design, noise, state, given, np.int32(len(part)))
            parts.append(np.asarray(found)[: len(part)])
        answers = np.concatenate(parts).swapaxes(0, 1)
    return Streamed(answers[0] if alone else answers, state)


def _late(design: Design, noise: ArrayNoise | None) -> int:
    """Frames that are not over until the next ones are known: one for each array, where edges reach into the frame
    before."""
    return len(design.stages) if noise is not None and noise.imperfections.has_edges else 0


def start(design: Design, signals: int = 1, late: int = 0) -> NetworkState:
    """Where a network stands after the reset, for so many signals side by side."""
    states = tuple(begun(stage.device, stage.timeline, stage.settings, signals) for stage in design.stages)
    last = design.stages[-1]
    row = (last.timeline.readouts, signals, last.settings.count, design.readout.signal.width)
    inputs = [jnp.zeros((signals, stage.settings.count), jnp.float32) for stage in design.stages]
    return NetworkState(
        states,
        jnp.zeros((_past(design), *row), jnp.float32),
        jnp.zeros((), jnp.int32),
        jnp.zeros((late, signals, design.features), jnp.float32),
        tuple(inputs) if late else (),
    )


def _past(design: Design) -> int:
    """How many frames, or sums over frames, are kept for the read-out."""
    line = design.stages[-1].timeline
    if line.pooling is Pooling.EACH:
        return 1
    if _means_all(design):
        return 2 * line.every
    read = line.frames_read if line.pooling is Pooling.MEAN and line.frames_read else design.weighed
    return (read - 1) * line.every + 1


def _means_all(design: Design) -> bool:
    """Whether the mean of all frames so far is read, however many there are."""
    line = design.stages[-1].timeline
    return line.pooling is Pooling.MEAN and line.frames_read is None


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


def _check_state(design: Design, state: Any, signals: int, late: int) -> None:
    check_kind("held", state, NetworkState, "give the held of the piece before, or None")
    wanted = jax.eval_shape(lambda: start(design, signals, late))
    if jax.tree.structure(state) != jax.tree.structure(wanted) or (
        jax.tree.map(jnp.shape, state) != jax.tree.map(jnp.shape, wanted)
    ):
        raise ValueError(
            f"held is of another network, of another number of signals than the {signals} of this piece, or of an "
            "array with other imperfections; give the held of the piece before"
        )


@eqx.filter_jit
def _advance(
    design: Design, noise: ArrayNoise | None, state: NetworkState, frames: Any, count: Any
) -> tuple[NetworkState, Any]:
    """The state after `count` of the frames (AT_ONCE, B, F), and the answers after each of them."""

    def one(index: Any, carry: tuple[NetworkState, Any]) -> tuple[NetworkState, Any]:
        state, answers = carry
        state, found = _frame(design, noise, state, frames[index])
        return state, answers.at[index].set(found)

    answers = jnp.zeros((*frames.shape[:2], design.readout.bias.shape[0]), jnp.float32)
    return jax.lax.fori_loop(0, count, one, (state, answers))


def _frame(design: Design, noise: ArrayNoise | None, state: NetworkState, frame: Any) -> tuple[NetworkState, Any]:
    """One frame (B, F) further, and the answers (B, outputs).

    Of the frames that are not over yet and this one all are run again, as if the signal ended with it; the first of
    them is over then in every array, and is what the state goes on from.
    """
    frames = jnp.concatenate([state.window, frame[None]])
    numbers = state.frame - state.window.shape[0] + jnp.arange(frames.shape[0])
    states, inputs, signals = _run(design, noise, state, frames, numbers)
    past, kept, answers = state.past, state.past, jnp.zeros(())
    for place in range(frames.shape[0]):
        after, answers = _remembered(design, past, numbers[place], signals[place])
        past = jnp.where(numbers[place] >= 0, after, past) if state.window.shape[0] else after
        kept = past if place == 0 else kept
    return NetworkState(states, kept, jnp.minimum(state.frame, COUNTED - 1) + 1, frames[1:], inputs), answers


def _run(
    design: Design, noise: ArrayNoise | None, state: NetworkState, frames: Any, numbers: Any
) -> tuple[Any, tuple[Any, ...], Any]:
    """(the states after the first of a few frames (K, B, F), what was fed to each array in it, what is read of all)."""
    states, fed, signals = [], [], jnp.zeros(())
    begun = numbers >= 0
    for index, stage in enumerate(design.stages):
        if index:
            passed = jnp.moveaxis(signals, 2, 1)
            frames = passed.reshape(*passed.shape[:2], -1)
        disturbance = None
        if noise is not None:
            disturbance = noise.disturbance(index, jnp.maximum(numbers, 0).astype(jnp.uint32))
        steady, edges, keys = input_of(stage.settings, frames, disturbance), None, None
        if state.window.shape[0]:
            steady = jnp.where(begun[:, None, None], steady, 0.0)
            fed.append(steady[0])
        if disturbance is not None:
            previous = state.inputs[index] if state.inputs else None
            steady, edges, keys = disturbed(steady, stage.timeline, disturbance, previous)
        now, read = state.states[index], []
        for place in range(frames.shape[0]):
            edge, key = jax.tree.map(lambda part, place=place: part[place], (edges, keys))
            active = jnp.broadcast_to(begun[place], frames.shape[1:2]) if state.window.shape[0] else None
            options = (now, steady[place], edge, key, active, design.engine)
            now, found = held(stage.device, stage.settings, stage.timeline, *options)
            states += [now] if place == 0 else []
            read.append(found)
        of = design.readout.signal.passed_on if index < len(design.stages) - 1 else design.readout.signal
        signals = stage.read(of, jax.tree.map(lambda *parts: jnp.stack(parts), *read), frames)
    if noise is not None:
        signals = noise.read(signals, jnp.maximum(numbers, 0).astype(jnp.uint32))
    return tuple(states), tuple(fed), signals


def _remembered(design: Design, past: Any, frame: Any, signal: Any) -> tuple[Any, Any]:
    """What is kept of the frames with the signals (R, B, N, width) of another one, and the answers."""
    line = design.stages[-1].timeline
    if _means_all(design):
        place = frame % line.every
        rounding = place + line.every
        past = past.at[jnp.stack([place, rounding])].set(summed(past[place], past[rounding], signal))
        count = (frame // line.every + 1).astype(signal.dtype)
        return past, design.readout(past[place] / count)
    past = jnp.concatenate([past[1:], signal[None]])
    read = past[:: line.every]
    if line.pooling is Pooling.EACH:
        return past, design.readout(signal)
    if line.pooling is Pooling.MEAN:
        count = jnp.minimum(frame // line.every + 1, read.shape[0]).astype(signal.dtype)
        return past, design.readout(read.sum(axis=0) / count)
    return past, design.readout(read.reshape(-1, *read.shape[2:]))


def summed(total: Any, lost: Any, signal: Any) -> Any:
    """(the sum, what its rounding lost) with another term, stacked: the sum of millions of frames is as exact as one
    number (W. Kahan, Commun. ACM 8, 40, 1965).
    """
    term = signal - lost
    after = total + term
    return jnp.stack([after, (after - total) - term])
