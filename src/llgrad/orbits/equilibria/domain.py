"""Where fixed points are looked for, and what their indices must add up to there.

The index of a fixed point is the sign of det ∂(dq/dt)/∂q. Over a product of K spheres the indices add up to 2ᴷ
(Poincaré and Hopf), whatever the rate; with P other components in a box, to 2ᴷ where the rate points outward all over
the box's faces, and to (−1)ᴾ 2ᴷ where it points inward; in a box of two components, to the number of turns that the
rate makes along its rim.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.flow import Flow

TIMES_THE_START: Final = 4.0
"""By default the box is so many times as large as the components are in the start of a system."""
RIM: Final = 4096


class Domain(NamedTuple):
    """A box of the components that are no unit vectors; unit vectors have all directions."""

    centre: np.ndarray
    half_width: np.ndarray

    def holds(self, flow: Flow, states: np.ndarray) -> np.ndarray:
        """Which of states (E, d) are inside."""
        return np.all(np.abs(states[:, list(flow.shape.plain)] - self.centre) <= self.half_width, axis=1)


def domain_of(flow: Flow, within: Mapping[str, tuple[float, float]] | None) -> Domain:
    """The box of `within`, else the usual one. Raises ValueError for a name or a range that is none."""
    names = flow.shape.names[len(flow.shape.spins) :]
    size = TIMES_THE_START * np.asarray(flow.scale, float)
    least, most = limits_of(flow)
    low, high = np.maximum(-size, least), np.minimum(size, most)
    for name, ends in dict(within or {}).items():
        if name not in names:
            known = f"it can have {', '.join(names)}" if names else "this device has none: unit vectors have no limits"
            raise ValueError(f"within has {name!r}, which is no component without a constraint; {known}")
        pair = np.asarray(ends, float)
        if pair.shape != (2,) or not np.isfinite(pair).all() or not pair[0] < pair[1]:
            raise ValueError(f"within[{name!r}] = {ends!r}, expected the two ends of a range, (low, high), low < high")
        place = names.index(name)
        if pair[0] < least[place] or pair[1] > most[place]:
            raise ValueError(
                f"within[{name!r}] = {ends!r}, and {name} has a meaning from {least[place]:g} to {most[place]:g} only"
            )
        low[place], high[place] = pair
    return Domain((low + high) / 2, (high - low) / 2)


def limits_of(flow: Flow) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest value (P,) that each component has a meaning at."""
    own = getattr(getattr(flow.equation, "system", None), "limits", {})
    names = flow.shape.names[len(flow.shape.spins) :]
    of_one = len(names) // flow.wide  # the names of an array end in the member's number
    bare = [name.removesuffix(str(place // of_one)) if flow.count else name for place, name in enumerate(names)]
    ends = np.array([own.get(name, (-np.inf, np.inf)) for name in bare], float).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def meant(flow: Flow, states: np.ndarray) -> np.ndarray:
    """Which of states (E, d) have components that have a meaning."""
    least, most = limits_of(flow)
    plain = states[:, list(flow.shape.plain)]
    return np.all((plain >= least) & (plain <= most), axis=1)


def sum_of_indices(flow: Flow, domain: Domain, starts: np.ndarray) -> int | None:
    """What the indices of all fixed points in the domain add up to, None where the rate on its faces does not tell."""
    plain = list(flow.shape.plain)
    sphere = 2 ** len(flow.shape.spins)
    if not plain:
        return sphere
    if sphere == 1 and len(plain) == 2:
        return _turns(flow, domain)
    outward = []
    for side in (-1, 1):
        for place, column in enumerate(plain):
            face = starts.copy()
            face[:, column] = domain.centre[place] + side * domain.half_width[place]
            outward.append(side * rates(flow, face)[:, column])
    if (np.array(outward) > 0).all():
        return sphere
    if (np.array(outward) < 0).all():
        return sphere * (-1) ** len(plain)
    return _ends(np.array(outward)) if sphere == 1 and len(plain) == 1 else None


def _ends(outward: np.ndarray) -> int | None:
    """On a line whose ends push the same way there are as many points of each index."""
    return 0 if (outward != 0).all() else None


def _turns(flow: Flow, domain: Domain) -> int | None:
    """How often the rate turns round along the rim of a box of two components; None where it vanishes on it."""
    part = np.linspace(-1, 1, RIM, endpoint=False)
    one = np.ones(RIM)
    rim = np.concatenate([np.stack(side, axis=1) for side in ((part, -one), (one, part), (-part, one), (-one, -part))])
    turned = rates(flow, domain.centre + domain.half_width * rim) / np.asarray(flow.scale)
    angles = np.arctan2(turned[:, 1], turned[:, 0])
    steps = np.diff(np.append(angles, angles[0]))
    steps = (steps + np.pi) % (2 * np.pi) - np.pi
    return None if np.abs(steps).max() > np.pi / 2 else round(steps.sum() / (2 * np.pi))


def rates(flow: Flow, states: np.ndarray) -> np.ndarray:
    """dy/dt (S, d) [1/ns] at states (S, d)."""
    return np.asarray(_rates(flow, jnp.asarray(states)))


@partial(quick_jit, compiled=jax.jit)
def _rates(flow: Flow, states: Any) -> Any:
    return jax.vmap(flow.slope)(states)
