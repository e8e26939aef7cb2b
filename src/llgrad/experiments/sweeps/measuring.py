"""Numbers of the orbits, of many points side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.sweeps.axes import Axis, at
from llgrad.experiments.sweeps.looking.points import Points, all_arrays, flow_at, in_portions
from llgrad.experiments.sweeps.looking.searching import PointsFound
from llgrad.orbits.cycle.newton import closed_already
from llgrad.orbits.cycle.solving import closed_of
from llgrad.orbits.results.named import QUANTITIES, checked
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.quantities import reason_against_slow_mode

Wanted = Mapping[str, Mapping[str, Any]]
"""Options by the name of each quantity."""
NOISY: Final = ("diffusion", "line_width", "linear_width", "noise_ratio", "nonlinearity")
"""What has no value without noise."""
SLOW: Final = ("nonlinearity", "frequency_by_power")
"""What is told only where the power has one slow mode."""


def wanted_of(quantities: Any, model: Any, temperature: np.ndarray | None) -> dict[str, dict[str, Any]]:
    """The quantities with their options; by default those that the model has.

    Raises ValueError for an unknown one, an unknown or missing option, and for a line width at 0 K.
    """
    if quantities is None:
        return _usual(model, temperature)
    if isinstance(quantities, str):
        quantities = (quantities,)
    if not isinstance(quantities, Mapping):
        quantities = {name: {} for name in quantities}
    found = {str(name): dict(options or {}) for name, options in quantities.items()}
    if not found:
        raise ValueError(f"quantities is empty; name one or more of {', '.join(QUANTITIES)}")
    for name, options in found.items():
        checked(name, options)
        if name in NOISY and temperature is not None and not (temperature > 0).any():
            raise ValueError(
                f"{name} comes from the noise, and this device is at 0 K; give it a temperature, such as 300 K"
            )
    return found


def _usual(model: Any, temperature: np.ndarray | None) -> dict[str, dict[str, Any]]:
    has_power = getattr(model, "junction", None) is not None
    noisy = getattr(model, "noises", 0) > 0 if temperature is None else (temperature > 0).any()
    names = ["frequency", "power" if has_power else "amplitude", *(["line_width"] if noisy else []), "return_rate"]
    return {name: {} for name in names}


def measured(
    points: Points, search: PointsFound, model: Any, axes: Sequence[Axis], wanted: Wanted
) -> dict[str, np.ndarray]:
    """Each quantity (B,) in SI, NaN where there is no orbit."""
    names = tuple(axis.name for axis in axes)
    held = all_arrays(model)
    found = {name: np.full(points.number, np.nan) for name in wanted}
    lengths = np.array([0 if states is None else len(states) for states in search.states])
    for length in np.unique(lengths[lengths > 0]).tolist():
        places = np.flatnonzero(lengths == length)
        states = np.stack([search.states[place] for place in places.tolist()])  # type: ignore[arg-type]
        values, multipliers = in_portions(
            points, places, partial(_many, held, names, wanted), states, search.period[places], points.values[places]
        )
        for name in wanted:
            found[name][places] = values[name]
        if any(name in SLOW for name in wanted):
            unclear = [place for place, some in zip(places, multipliers, strict=True) if reason_against_slow_mode(some)]
            for name in set(wanted) & set(SLOW):
                found[name][unclear] = np.nan
    return found


@quick_jit
def _many(
    model: Any,
    names: tuple[str, ...],
    wanted: Wanted,
    dynamic: Any,
    static: Any,
    starts: Any,
    states: Any,
    period: Any,
    value: Any,
) -> tuple[dict[str, Any], Any]:
    """The quantities of each orbit (B,), and its multipliers (B, d − 1)."""

    def one(dynamic: Any, states: Any, period: Any, value: Any) -> tuple[dict[str, Any], Any]:
        flow = flow_at(dynamic, static)
        zero = jnp.zeros((), states.dtype)
        closed = closed_of(flow, closed_already(flow, states, period))
        orbit = Orbit(at(model, names, list(value)), flow, closed, zero, "")
        return {name: QUANTITIES[name].of(orbit, **options) for name, options in wanted.items()}, orbit.multipliers

    return jax.vmap(one)(dynamic, states, period, value)
