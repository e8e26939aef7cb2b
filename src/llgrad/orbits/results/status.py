"""How the search for an orbit ended, where no sentence can be raised: under jit and vmap."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer
from jaxtyping import Bool, Int


class SearchOutcome(enum.IntEnum):
    """The ways in which the search for a cycle ends."""

    FOUND = 0
    BISTABLE = 1
    REPELS = 2
    STRAYED = 3
    NO_TURN = 4
    NOT_CLOSED = 5
    FELL_OFF = 6
    SEVERAL_TURNS = 7


NOTES: Final[Mapping[SearchOutcome, str]] = {
    SearchOutcome.FOUND: "",
    SearchOutcome.BISTABLE: "bistable: the state at rest attracts too, and a run from its neighbourhood stays there",
    SearchOutcome.REPELS: "this orbit repels: no run falls onto it",
}
"""What there is to say about an orbit that was found."""
MISSED: Final[Mapping[SearchOutcome, str]] = {
    SearchOutcome.STRAYED: "no attracting cycle was found: the one that was reached repels",
    SearchOutcome.NO_TURN: "no cycle: round the state at rest near the start no turn comes back to where it began; "
    "below "
    "threshold, beyond oscillation death, the wrong sign of the current, or a cycle elsewhere",
    SearchOutcome.NOT_CLOSED: "no cycle was found: from the guess Newton's method came to no closed orbit",
    SearchOutcome.SEVERAL_TURNS: "no cycle was found: Newton's method closed one only after several turns round it",
    SearchOutcome.FELL_OFF: "no cycle: from the guess Newton's method fell onto a state at rest",
}
MORE: Final = "; call lg.orbit outside of jit and vmap for the reason, or give m0 or near"


class OrbitStatus(eqx.Module):
    """How the search for an orbit (or, under `vmap`, for each of a batch) ended."""

    code: Int[np.ndarray | jax.Array, "*batch"]
    """A `SearchOutcome`, as an integer array."""

    @property
    def found(self) -> Bool[np.ndarray | jax.Array, "*batch"]:
        """Whether there is an orbit, () or (…) bool; where there is none every result is NaN."""
        return self.code <= int(max(NOTES))

    @property
    def sentence(self) -> str:
        """What happened; of a batch how many were missed, and of the first of them why."""
        if isinstance(self.code, Tracer):
            return "not known yet (traced)"
        codes = np.ravel(np.asarray(self.code))
        missed = np.flatnonzero(codes > max(NOTES))
        if not missed.size:
            note = NOTES[SearchOutcome(int(codes.max(initial=0)))]
            return "found" + f"; {note}" * bool(note)
        which = "" if codes.size == 1 else f"{missed.size} of {codes.size} orbits were missed; number {missed[0]}: "
        return which + MISSED[SearchOutcome(int(codes[missed[0]]))] + MORE

    def __repr__(self) -> str:
        return f"Status({self.sentence})"
