"""That no branch was invented: every state a minimum of the energy, every jump downhill; and that the steps are fine
enough to see the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.units import show
from llgrad.experiments.loops.result import Jump
from llgrad.experiments.loops.swept import Swept, SweptRange
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.energy import energies, has_energy, hessians, moment_of

FLAT: Final = 1e-8
"""A curvature of the energy above minus this, relative to the largest, is none of a maximum."""
LOOKED_AT: Final = 64


def energy_checked(family: Swept, values: np.ndarray, y: np.ndarray, jumps: Sequence[Jump]) -> tuple[Any, str, bool]:
    """By how much [J] the energy falls in each jump (None where there is none), what was checked, whether it held."""
    moment = moment_of(family.device)
    states = y.reshape(-1, y.shape[-1])
    ends = [family.flow(end) for end in (values[0], values[-1])]
    some = states[np.linspace(0, len(states) - 1, LOOKED_AT).astype(int)]
    pushed = np.asarray(_tilted(family, jnp.asarray(some)))
    if moment is None or not all(has_energy(flow, moment, pushed) for flow in ends):
        return None, "the torques have no energy: every state is stable by its eigenvalues", True
    curved = np.linalg.eigvalsh(np.asarray(_curvatures(family, moment, jnp.asarray(states), jnp.asarray(values))))
    minima = bool((curved.min(axis=1) >= -FLAT * np.abs(curved).max()).all())
    drops = []
    for jump in jumps:
        pair = jnp.asarray(np.stack([jump.before, jump.after]))
        drops.append(float(-energies(family.flow(jump.let_go), moment, pair)[1]))
    falls = all(drop > 0 for drop in drops)
    if minima and falls:
        return drops, "the energy is a minimum at every point, and falls in every jump", True
    wrong = "a state is no minimum of the energy" if not minima else "the energy rises in a jump"
    return drops, f"{wrong}: do not trust this loop", False


@jax.jit
def _tilted(family: Swept, states: Any) -> Any:
    """States (S, d) next to those, where no symmetry hides a torque."""
    flow = family.flow(0.0)
    away = jnp.asarray(0.3 * np.cos(np.arange(flow.shape.freedom) + 0.5), states.dtype)

    def one(y: Any) -> Any:
        return chart_at(flow, y).state(flow, away)

    return jax.vmap(one)(states)


@jax.jit
def _curvatures(family: Swept, moment: Any, states: Any, values: Any) -> Any:
    """Curvatures (S, n, n) [J] of the energy."""

    def one(y: Any, value: Any) -> Any:
        slope = hessians(family.flow(value), moment, y[None])[0]
        return (slope + slope.T) / 2

    return jax.vmap(one)(states, values)


def check_steps(span: SweptRange, jumps: Sequence[Jump]) -> None:
    """Raise ValueError where a step is larger than half of what lies between the jumps of both sweeps."""
    up, down = (sorted(jump.value for jump in jumps if jump.way == way) for way in (0, 1))
    if not up or not down:
        return
    pairs = zip(up, down, strict=True) if len(up) == len(down) else ((up[-1], down[0]),)
    halves = [abs(one - other) / 2 for one, other in pairs]
    half = min((width for width in halves if width > 0), default=np.inf)
    if span.spacing > half:
        shown = [show(float(f"{number:.4g}"), span.unit) for number in (span.spacing, half)]
        least = int(np.ceil(4 * abs(span.stop - span.start) / half))
        raise ValueError(
            f"a step of {shown[0]} is larger than the coercive {_word(span.unit)} of this device, {shown[1]}; "
            f"give steps={least} or more"
        )


def _word(unit: str) -> str:
    return {"T": "field", "A": "current", "V": "voltage", "rad": "angle"}.get(unit, "value")
