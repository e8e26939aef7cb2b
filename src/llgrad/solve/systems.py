"""`simulate` of a system of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from llgrad.core.random import key_words
from llgrad.core.record import is_concrete
from llgrad.core.vector import Vec3
from llgrad.devices.arrays.system_array import SystemArray, links_of_array
from llgrad.devices.ranges import check_unit_vector
from llgrad.devices.states.components import component_names
from llgrad.devices.system import Spin, System, equation_of_system, noise_strength
from llgrad.drives.base import Waveform
from llgrad.drives.drive import CHANNEL_UNITS, Drive
from llgrad.kernels.steppers import RK4, Heun, Stepper
from llgrad.solve.saving import TimeGrid
from llgrad.solve.step_size import ANGLE, check_dt_is_time, is_traced
from llgrad.solve.task import Noise, Task


def task_of_system(
    model: System | SystemArray, drive: dict[str, Waveform], stepper: Stepper, grid: TimeGrid, state: Any, key: Any
) -> Task:
    """What an engine is given. Whatever the rate itself raises is raised here, whichever engine runs."""
    links = links_of_array(model) if isinstance(model, SystemArray) else None
    emits, receives = ((), ()) if links is None else (links.emits, links.receives)
    task = Task(
        equation=equation_of_system(member_of(model), state, emits, receives),
        m0=state,
        mixing=None if links is None else links.mixing,
        drive=drive or None,
        noise=None if key is None else Noise(noise_strength(grid.dt), *key_words(key)),
        stepper=stepper,
        grid=grid,
        count=model.count if isinstance(model, SystemArray) else None,
    )
    normals: dict[str, float] = {} if key is None else dict.fromkeys(task.equation.normals, 0.0)
    jax.eval_shape(lambda values: task.slope(values, {}, 0.0, normals), jax.tree.leaves(state))
    return task


def member_of(model: System | SystemArray) -> System:
    """The system itself, or that of an array's members."""
    return model.system if isinstance(model, SystemArray) else model


def caution_of(model: Any, states: Any) -> str:
    """What a system, or the member of an array, says against states for which its equation does not hold; nothing where
    they are not known yet."""
    if not isinstance(model, (System, SystemArray)) or is_traced((model, states)):
        return ""
    return member_of(model).caution(states)


def stepper_of_system(model: System | SystemArray, stepper: Stepper | None, key: Any, quiet: bool = False) -> Stepper:
    """The stepper that is given, or the usual one. Raises ValueError where noise and key do not go together, unless
    the run is to be a quiet one, without the system's noise."""
    system = member_of(model)
    if system.noises and key is None and not quiet:
        raise ValueError(f"{type(system).__name__} has noise, which needs random numbers; give key=jax.random.key(0)")
    if key is not None and not system.noises:
        raise ValueError(f"a key is given, but {type(system).__name__} declares no noise; set `noises` in its class")
    return stepper or (RK4() if key is None else Heun())


def waveforms_of(model: Any, drive: Any) -> Any:
    """A `Drive` of a system that has its channels as waveforms by name; anything else as it is."""
    system = model if isinstance(model, (System, SystemArray)) else None
    inputs = {} if system is None else member_of(system).inputs
    return drive.channels() if isinstance(drive, Drive) and CHANNEL_UNITS.keys() <= inputs.keys() else drive


def drive_of_system(model: System | SystemArray, drive: Any) -> dict[str, Waveform]:
    """The waveforms by the system's inputs. Raises ValueError for any other drive."""
    system = member_of(model)
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


def step_of_system(model: System | SystemArray, drive: dict[str, Waveform], stepper: Stepper, dt: Any) -> float:
    """The step: as given, or a small angle at the fastest turning, and a 20th of a drive's shortest time.

    Raises ValueError where nobody knows how fast the system turns.
    """
    if dt is not None:
        return check_dt_is_time(dt)
    system, fastest = member_of(model), _of_each(model, lambda one: one.fastest())
    if fastest is None or is_traced(fastest, drive):
        why = "its `fastest` gives no bound" if fastest is None else "its values are traced"
        raise ValueError(f"the step of {type(system).__name__} cannot be chosen: {why}; give dt=… in seconds")
    steps = [ANGLE[stepper.tableau.order] / float(np.max(fastest))]
    return min([*steps, *(float(waveform.shortest_time()) / 20 for waveform in drive.values())])


def _of_each(model: System | SystemArray, function: Callable[[System], Any]) -> Any:
    """What a function of a system gives: of an array for every member, along a leading axis."""
    return model.each(function) if isinstance(model, SystemArray) else function(model)


def rate_of_system(model: System | SystemArray, task: Task) -> float:
    """How fast the state turns [rad/s]: what the system says itself, or the largest eigenvalue of its rate's slopes
    where it begins."""
    fastest = _of_each(model, lambda system: system.fastest())
    if fastest is not None and not is_traced(fastest):
        return float(np.max(fastest))
    given = {name: waveform(0.0) for name, waveform in (task.drive or {}).items()}
    begun, form = jax.flatten_util.ravel_pytree(task.m0)

    def slope(state: Any) -> Any:
        return jnp.concatenate([jnp.ravel(rate) for rate in task.slope(jax.tree.leaves(form(state)), given, 0.0, {})])

    slopes = np.asarray(jax.jacfwd(slope)(begun), dtype=float)
    return 1e9 * float(np.abs(np.linalg.eigvals(slopes)).max()) if np.isfinite(slopes).all() else 0.0


def groups_of(system: System, state: Any) -> tuple[tuple[int, ...], ...]:
    """The components of a state by their places: each unit vector, and all others of one unit."""
    names, spins, place = component_names(state), [], 0
    for node in jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, Spin)):
        count = len(jax.tree.leaves(node))
        spins += [tuple(range(place, place + count))] if isinstance(node, Spin) else []
        place += count
    by_unit: dict[str, list[int]] = {}
    for i in sorted(set(range(place)) - {i for spin in spins for i in spin}):
        by_unit.setdefault(system.outputs.get(names[i], "1"), []).append(i)
    return (*spins, *map(tuple, by_unit.values()))


def start_of_system(model: System | SystemArray, given: Any) -> Any:
    """The state in which a run begins, components () or (N,) in the default float type. Raises ValueError for another
    form.
    """
    own = _of_each(model, lambda system: system.start())
    if given is None:
        given = own
    wanted, found = jax.tree.structure(own), jax.tree.structure(given)
    if wanted != found:
        raise ValueError(f"m0 has the form {found}, expected that of the system's start: {wanted}")
    for node in jax.tree.leaves(given, is_leaf=lambda node: isinstance(node, Spin)):
        if isinstance(node, Spin) and all(is_concrete(c) for c in (node.x, node.y, node.z)):
            check_unit_vector("m0", Vec3(node.x, node.y, node.z), 1e-5)
    dtype, shape = jnp.result_type(float), (model.count,) if isinstance(model, SystemArray) else ()
    leaves = [jnp.asarray(leaf, dtype) for leaf in jax.tree.leaves(given)]
    for leaf in leaves:
        if leaf.shape not in ((), shape):
            what = f"one number, or {shape} of the members" if shape else "one number"
            raise ValueError(f"a component of m0 has the shape {leaf.shape}, expected {what}; use jax.vmap for many")
    return jax.tree.unflatten(found, [jnp.broadcast_to(leaf, shape) for leaf in leaves])
