"""How a gradient goes back through many frames: in segments that are taken again, or not beyond a number of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

KEPT: Final = 2**28
"""Bytes that a gradient keeps of all frames before it takes them again in segments."""
OF_A_STATE: Final = 4
"""Bytes of a number that is kept."""


class Backward(NamedTuple):
    """What is kept of a run for its gradient.

    Of K frames in segments of S, the states at the starts of K/S segments are kept, and what a gradient needs of one
    segment while it is gone through: least memory at S = √K, for one more forward run. With S = 1 that of one frame is
    transposed while the cache holds it, which takes less time than to keep it or to go through several frames. The
    gradient is that of the whole run.
    """

    segment: int | None = None
    """Frames that are taken again together; None is all where the whole fits 256 MiB, else 1 where the states at the
    starts of all frames fit, and else √K. Where the native kernels take all frames in one run (`states_together`), None
    is all up to 1 GiB, and else about √K."""
    truncate: int | None = None
    """Frames after which a gradient goes no further back, counted from the end: truncated back-propagation; None for
    the whole gradient. They are a segment each."""

    def checked(self) -> Backward:
        """The same. Raises ValueError for numbers that are none, or both."""
        for name, number in self._asdict().items():
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ValueError(f"{name} = {number!r}, expected a whole number of frames from 1, or None")
        if None not in self:
            raise ValueError(
                f"segment = {self.segment} and truncate = {self.truncate}: what is truncated is a segment already; "
                "give one of them"
            )
        return self

    def size(self, frames: int, numbers: int, start: int) -> int:
        """Frames in a segment, where so many numbers are kept of each frame, `start` of them its first state."""
        chosen = self.truncate or self.segment
        if chosen is None:
            most = KEPT // OF_A_STATE
            chosen = frames if frames * numbers <= most else 1 if frames * start <= most else math.isqrt(frames - 1) + 1
        return min(chosen, frames)


WHOLE: Final = Backward()
"""What holds where nobody says."""


def over_frames(
    step: Callable[[Any, Any], tuple[Any, Any]], start: Any, given: Any, numbers: int, backward: Backward
) -> tuple[Any, Any]:
    """(the last state, what was found at each of K frames) of a step from frame to frame, K the first axis of `given`.

    `numbers`: how many numbers a gradient keeps of a frame.
    """
    count = jax.tree.leaves(given)[0].shape[0]
    size = backward.size(count, numbers, sum(part.size for part in jax.tree.leaves(start)))
    if count == 1:
        state, found = step(start, jax.tree.map(lambda value: value[0], given))
        return state, jax.tree.map(lambda part: part[None], found)
    if size == count:
        return jax.lax.scan(step, start, given)

    def segment(state: Any, part: Any) -> tuple[Any, Any]:
        if backward.truncate is not None:
            state = jax.lax.stop_gradient(state)
        return jax.lax.scan(step, state, part)

    segment = jax.checkpoint(segment, prevent_cse=False)
    rest, whole = count % size, count // size
    found = []
    if rest:
        start, first = segment(start, jax.tree.map(lambda value: value[:rest], given))
        found.append(first)
    parts = jax.tree.map(lambda value: value[rest:].reshape(whole, size, *value.shape[1:]), given)
    state, later = jax.lax.scan(segment, start, parts)
    found.append(jax.tree.map(lambda part: part.reshape(whole * size, *part.shape[2:]), later))
    return state, jax.tree.map(lambda *pieces: jnp.concatenate(pieces), *found)


def over_frames_read(
    step: Callable[[Any, Any], tuple[Any, Any]], start: Any, given: Any, numbers: int, backward: Backward, read: range
) -> Any:
    """What was found at those frames alone that are `read`, of which the last frame is the last: what of the others is
    looked at by nobody is neither written nor differentiated. What is found ends with the state.
    """
    count = jax.tree.leaves(given)[0].shape[0]
    if backward.truncate is not None or len(read) == count:
        found = over_frames(step, start, given, numbers, backward)[1]
        return jax.tree.map(lambda part: part[read.start : read.stop : read.step], found)
    size = backward.size(count, numbers, sum(part.size for part in jax.tree.leaves(start)))

    def one(found: Any, given: Any) -> tuple[Any, None]:
        return step(jax.tree.map(lambda part: part[-1], found), given)[1], None

    def group(found: Any, part: Any) -> tuple[Any, Any]:
        last = over_frames(one, found, part, numbers, Backward(size))[0]
        return last, last

    shape = jax.eval_shape(step, start, jax.tree.map(lambda value: value[0], given))[1]
    first = read.start + 1
    begun = jax.tree.map(lambda part, like: jnp.broadcast_to(part, like.shape), start, shape)
    found, _ = group(begun, jax.tree.map(lambda value: value[:first], given))
    groups = jax.tree.map(lambda value: value[first:].reshape(len(read) - 1, read.step, *value.shape[1:]), given)
    _, later = jax.lax.scan(group, found, groups)
    return jax.tree.map(lambda head, tail: jnp.concatenate([head[None], tail]), found, later)
