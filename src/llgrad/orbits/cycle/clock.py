"""Whether a rate asks for the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jex

from llgrad.devices.system import TIME, SystemEquation


def asks_for_time(equation: SystemEquation, state: Sequence[Any]) -> bool:
    """Whether the slope of a system depends on the time, as it is written."""
    normals = dict.fromkeys(equation.normals, 0.0)
    closed = jax.make_jaxpr(lambda time, state: equation.slope(state, {TIME: time, **normals}, 1.0))(
        jnp.zeros(()), list(state)
    )
    reached = {closed.jaxpr.invars[0]}
    for step in closed.jaxpr.eqns:
        if any(not isinstance(atom, jex.Literal) and atom in reached for atom in step.invars):
            reached |= set(step.outvars)
    return any(not isinstance(atom, jex.Literal) and atom in reached for atom in closed.jaxpr.outvars)
