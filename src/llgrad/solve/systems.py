"""`simulate` of a system of your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from llgrad.core.random import key_words
from llgrad.core.record import is_concrete
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector
from llgrad.devices.system import NORMALS, TIME, Spin, System, equation_of_system, noise_strength
from llgrad.drives.base import Waveform
from llgrad.kernels.steppers import RK4, Heun, Stepper
from llgrad.solve.saving import Grid
from llgrad.solve.step_size import ANGLE, check_dt_is_time, is_traced
from llgrad.solve.task import Noise, Task


def task_of_system(
    system: System, drive: dict[str, Waveform], stepper: Stepper, grid: Grid, state: Any, key: Any
) -> Task:
    """What an engine is given. Whatever the rate itself raises is raised here, whichever engine runs."""
    equation = equation_of_system(system, state)
    normals = dict.fromkeys(NORMALS, 0.0)
    jax.eval_shape(lambda values: equation.slope(values, {TIME: 0.0, **normals}, 1.0), jax.tree.leaves(state))
    return Task(
        equation=equation,
        m0=state,
        coupling=None,
        drive=drive or None,
        noise=None if key is None else Noise(noise_strength(grid.dt), *key_words(key)),
        stepper=stepper,
        grid=grid,
        count=None,
    )


def stepper_of_system(system: System, stepper: Stepper | None, key: Any, quiet: bool = False) -> Stepper:
    """The stepper that is given, or the usual one. Raises ValueError where noise and key do not go together, unless
    the run is to be a quiet one, without the system's noise."""
    if system.noises and key is None and not quiet:
        raise ValueError(f"{type(system).__name__} has noise, which needs random numbers; give key=jax.random.key(0)")
    if key is not None and not system.noises:
        raise ValueError(f"a key is given, but {type(system).__name__} declares no noise; set `noises` in its class")
    return stepper or (RK4() if key is None else Heun())


def drive_of_system(system: System, drive: Any) -> dict[str, Waveform]:
    """The waveforms by the system's inputs. Raises ValueError for any other drive."""
    if drive is None:
        return {}
    known = ", ".join(system.inputs) or "none"
    if not isinstance(drive, Mapping):
        raise ValueError(
            f"drive = {type(drive).__name__}, expected waveforms by the inputs of {type(system).__name__} "
            f"({known}), as drive={{'current': Sine(…)}}"
        )
    for name, waveform in drive.items():
        if name not in system.inputs:
            raise ValueError(f"drive has {name!r}, which is no input of {type(system).__name__}; it has {known}")
        if not isinstance(waveform, Waveform):
            raise ValueError(f"drive[{name!r}] = {waveform!r} is no waveform; for a steady value write Constant(…)")
    return {name: drive[name] for name in system.inputs if name in drive}


def step_of_system(system: System, drive: dict[str, Waveform], stepper: Stepper, dt: Any) -> float:
    """The step: as given, or a small angle at the fastest turning, and a 20th of a drive's shortest time.

    Raises ValueError where nobody knows how fast the system turns.
    """
    if dt is not None:
        return check_dt_is_time(dt)
    fastest = system.fastest()
    if fastest is None or is_traced(fastest, drive):
        why = "its `fastest` gives no bound" if fastest is None else "its values are traced"
        raise ValueError(f"the step of {type(system).__name__} cannot be chosen: {why}; give dt=… in seconds")
    steps = [ANGLE[stepper.tableau.order] / float(fastest)]
    return min([*steps, *(float(waveform.shortest_time()) / 20 for waveform in drive.values())])


def start_of_system(system: System, given: Any) -> Any:
    """The state in which a run begins, components () in the default float type. Raises ValueError for another form."""
    own = system.start()
    if given is None:
        given = own
    wanted, found = jax.tree.structure(own), jax.tree.structure(given)
    if wanted != found:
        raise ValueError(f"m0 has the form {found}, expected that of the system's start: {wanted}")
    for node in jax.tree.leaves(given, is_leaf=lambda node: isinstance(node, Spin)):
        if isinstance(node, Spin) and all(is_concrete(c) for c in (node.x, node.y, node.z)):
            check_unit_vector("m0", Vec3(node.x, node.y, node.z), 1e-5)
    dtype = jnp.result_type(float)
    leaves = [jnp.asarray(leaf, dtype) for leaf in jax.tree.leaves(given)]
    for leaf in leaves:
        if leaf.shape:
            raise ValueError(
                f"a component of m0 has the shape {leaf.shape}, expected one number; use jax.vmap for many"
            )
    return jax.tree.unflatten(found, leaves)
