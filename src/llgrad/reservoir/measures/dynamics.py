"""What the dynamics of a driven reservoir is: does it forget where it began, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3
from llgrad.reservoir.checking import check_states, checked_input, checked_signal
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.running import HeldState, begun, operands, run

SAME: Final = 0.05
"""Two responses that differ by less, in parts of the rms of the readings, are one."""


@dataclass(frozen=True)
class Consistency:
    """How alike the responses to one signal are that began in different states.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.05, read="mz", washout=20)
    >>> found = lg.reservoir.consistency(reservoir, np.random.default_rng(0).uniform(-1, 1, 60))
    >>> found.index > 0.999, found.echo_state
    (True, True)
    """

    index: float
    """1 where all are alike after the washout, 0 where they have nothing in common."""
    responses: int
    """Number of responses that differ after the washout: 1 with the echo-state property."""
    distances: np.ndarray
    """Mean distance of two responses at each symbol, in parts of the rms of the readings (T,)."""

    @property
    def echo_state(self) -> bool:
        """Whether the reservoir forgets where it began."""
        return self.responses == 1

    def __repr__(self) -> str:
        what = "the echo-state property holds" if self.echo_state else f"{self.responses} different responses"
        return f"consistency {self.index:.4f}; {what}"

    __str__ = __repr__


def consistency(reservoir: Reservoir, signal: Float[ArrayLike, "T *F"], starts: int = 6, seed: int = 0) -> Consistency:
    """The consistency and the echo-state index: one signal, shown from several states that are drawn at random.

    The index is 1 − ⟨|x_a − x_b|²⟩/(2 ⟨|x − x̄|²⟩) of the readings of two of these runs after the washout, the mean over
    pairs, x̄ the mean over all runs: the correlation of what they do, where what they do is alike in size. (With noise
    in the read-out, of noisy readings.) The echo-state index is the number of responses that stay different:
    two are one where they differ by less than 0.05 of the rms on the last quarter. Unit vectors begin anywhere on the
    sphere, other components within twice of what they are after the signal.

    Sources: T. Lymburn et al., Chaos 29, 023118 (2019), arXiv:1901.07729; the number of responses is the echo index of
    A. Ceni et al., Physica D 412, 132609 (2020) (recalled).

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.05, read="mz", washout=20)
    >>> consistency(reservoir, np.random.default_rng(0).uniform(-1, 1, 60)).echo_state
    True
    """
    check_kind("reservoir", reservoir, Reservoir, "give a Reservoir, fitted or not")
    signal = checked_signal("signal", signal)
    starts = checked_number("starts", starts, low=2, whole=True)
    washout, _, _ = reservoir._checked_readout(len(signal))
    wiring, reading = reservoir.wiring(signal.shape[1]), reservoir.reading
    end = reservoir.course(signal).held.state
    rng = np.random.default_rng(checked_number("seed", seed, low=0, whole=True))
    states = [_elsewhere(end, rng) for _ in range(starts)]
    helds = [begun(reservoir.model, wiring, reading, state) for state in states]
    many: Any = jax.tree.map(lambda *parts: jnp.stack(parts), *helds)._replace(node=helds[0].node)
    read, failed = _shown(reservoir, jnp.asarray(signal), many)
    check_states(read[0][washout:], int(failed.max()), float(reservoir.hold))
    return _compared(np.stack([reservoir.noisy(one) for one in read]), washout)


def _shown(reservoir: Reservoir, signal: Any, helds: HeldState) -> tuple[np.ndarray, np.ndarray]:
    """Readings (S, T, K) of a signal (T, F), or of as many, that is shown from several states."""
    wiring = jax.tree.map(jnp.asarray, reservoir.wiring(signal.shape[-1]))
    channel, reading, key = checked_input(reservoir.model, reservoir.input), reservoir.reading, reservoir._key()
    read, failed = _many(operands(reservoir.model), wiring, channel, reading, signal, helds, key, signal.ndim == 3)
    return np.asarray(read, dtype=float), np.asarray(failed)


@eqx.filter_jit
def _many(model: Any, wiring: Any, channel: str, reading: Any, signal: Any, helds: Any, key: Any, several: bool) -> Any:
    def one(signal: Any, held: HeldState) -> Any:
        return run(model, wiring, channel, reading, signal, held, key)[::2]

    return jax.vmap(one, in_axes=(0 if several else None, HeldState(0, 0, None)))(signal, helds)


def _elsewhere(state: Any, rng: np.random.Generator) -> Any:
    """Another state of the same form."""

    def vector(node: Any) -> Any:
        if not isinstance(node, Vec3):
            return jnp.asarray(node) * jnp.asarray(2 * rng.uniform(-1, 1, np.shape(node)))
        drawn = rng.standard_normal((3, *np.shape(node.x)))
        drawn = drawn / np.linalg.norm(drawn, axis=0)
        return type(node)(*(jnp.asarray(part) for part in drawn))

    return jax.tree.map(vector, state, is_leaf=lambda node: isinstance(node, Vec3))


def _compared(read: np.ndarray, washout: int) -> Consistency:
    """Of readings (S, T, K)."""
    late = read[:, washout:] - read[:, washout:].mean(axis=(0, 1))
    square = (late**2).sum(axis=2).mean()
    scale = np.sqrt(square)
    pairs = [(a, b) for a in range(len(read)) for b in range(a)]
    alike = [1 - ((late[a] - late[b]) ** 2).sum(axis=1).mean() / (2 * square) for a, b in pairs]
    distances = np.mean([np.linalg.norm(read[a] - read[b], axis=1) for a, b in pairs], axis=0) / scale
    last = read[:, -max(1, (read.shape[1] - washout) // 4) :]
    kinds: list[np.ndarray] = []
    for one in last:
        apart = [np.sqrt(((one - other) ** 2).sum(axis=1).mean()) / scale for other in kinds]
        kinds += [one] if all(distance > SAME for distance in apart) else []
    return Consistency(float(np.mean(alike)), len(kinds), distances)


@dataclass(frozen=True)
class DrivenExponent:
    """The largest Lyapunov exponent of the driven reservoir.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.01, washout=10)
    >>> found = lg.reservoir.driven_exponent(reservoir, np.zeros(30))
    >>> abs(found.rate * 1e-9 - found.per_symbol) < 1e-6  # a symbol takes 1 ns
    True
    """

    per_symbol: float
    rate: float
    """[1/s]."""
    growth: np.ndarray
    """ln |δ| gained during each symbol after the washout."""

    def __repr__(self) -> str:
        what = "runs come together" if self.rate < 0 else "runs drift apart"
        return f"largest Lyapunov exponent {self.per_symbol:.3g} per symbol ({self.rate * 1e-9:.3g} /ns): {what}"

    __str__ = __repr__


def driven_exponent(reservoir: Reservoir, signal: Float[ArrayLike, "T *F"], seed: int = 0) -> DrivenExponent:
    """The largest Lyapunov exponent while a signal is shown, λ = ⟨ln |δ_{t+1}|/|δ_t|⟩ per symbol: where it is negative,
    small differences are forgotten.

    A deviation of the state, and of what waits in the feedback, is carried along by the exact tangent of the time loop,
    and brought back to length 1 after every symbol. (`lg.orbits.lyapunov` is that of a device left to itself.)

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 2.5))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.01, washout=10)
    >>> driven_exponent(reservoir, np.zeros(30)).rate < 0
    True
    """
    check_kind("reservoir", reservoir, Reservoir, "give a Reservoir, fitted or not")
    check_platform()
    signal = checked_signal("signal", signal)
    washout, _, _ = reservoir._checked_readout(len(signal))
    wiring = jax.tree.map(jnp.asarray, reservoir.wiring(signal.shape[1]))
    channel, reading = checked_input(reservoir.model, reservoir.input), reservoir.reading
    held = begun(reservoir.model, wiring, reading)
    rng = np.random.default_rng(checked_number("seed", seed, low=0, whole=True))
    drawn = jax.tree.map(lambda part: jnp.asarray(rng.standard_normal(np.shape(part))), held.state)
    deviation = (drawn, jnp.zeros_like(held.past))
    growth = np.asarray(
        _growth(
            operands(reservoir.model), wiring, channel, reading, jnp.asarray(signal), held, deviation, reservoir._key()
        )
    )
    if not np.isfinite(growth).all():
        check_states(np.full((len(signal), 1), np.nan), int(np.argmin(np.isfinite(growth))), float(reservoir.hold))
    mean = float(growth[washout:].mean())
    return DrivenExponent(mean, mean / float(reservoir.hold), growth[washout:])


@eqx.filter_jit
def _growth(
    model: Any, wiring: Any, channel: str, reading: Any, signal: Any, held: Any, deviation: Any, key: Any
) -> Any:
    def symbol(carry: Any, u: Any) -> Any:
        held, deviation = carry

        def end(parts: Any) -> Any:
            before = HeldState(parts[0], parts[1], held.node)
            after = run(model, wiring, channel, reading, u[None], before, key).held
            return after.state, after.past

        there, moved = jax.jvp(end, ((held.state, held.past),), (deviation,))
        size = jnp.sqrt(sum(jnp.sum(part**2) for part in jax.tree.leaves(moved)))
        moved = jax.tree.map(lambda part: part / size, moved)
        return (HeldState(there[0], there[1], held.node + wiring.nodes), moved), jnp.log(size)

    return jax.lax.scan(symbol, (held, deviation), signal)[1]
