"""Laws of couplings and stacks: norm, field and energy, rotation, three-way gradients, order in time."""

import dataclasses
import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.gradients.derivatives import disagreements, loss_of, three_ways
from tests.physics.couplings import BARRIER, COUPLINGS, FREE, HARD, STACK, energy_of
from tests.physics.terms import array_of, random_states
from tests.physics.test_rotation import random_rotation, turned, turned_term

import llgrad as lg
import llgrad.physics
from llgrad.core.field_term import Inputs
from llgrad.core.record import get_leaf, leaf_units, set_leaf

COUNT = 50
STILL = Inputs(0.0, (), {"current": 0.0, "field_x": 0.0, "field_y": 0.0, "field_z": 0.0, "voltage": 0.0})
ACTING = Inputs(0.0, None, {"current": 2e-4, "field": lg.Vec3(0.0, 0.0, 0.0), "voltage": 0.15})
CONSERVATIVE = [name for name, member in COUPLINGS.items() if member.energy is not None]


def states_of(rng):
    return {layer.name: random_states(rng, COUNT) for layer in (FREE, HARD)}


def alone(name):
    return lg.Stack((HARD, FREE), COUPLINGS[name].coupling, barriers=BARRIER)


def test_every_built_in_coupling_is_registered():
    for module in pkgutil.walk_packages(llgrad.physics.__path__, "llgrad.physics."):
        importlib.import_module(module.name)
    built_in = {kind for kind in lg.stacks.LayerCoupling.__subclasses__() if kind.__module__.startswith("llgrad.")}
    registered = {type(member.coupling) for member in COUPLINGS.values()}
    assert built_in < registered, "and one of a user's"


@pytest.mark.parametrize("name", CONSERVATIVE)
def test_the_field_is_the_slope_of_the_energy(name, rng):
    m, stack, member = states_of(rng), alone(name), COUPLINGS[name]
    slope = jax.vmap(jax.grad(lambda m: member.energy(member.coupling, stack, m)))(m)
    found = member.coupling.fields(stack, m, ACTING)
    for layer in stack.layers:
        field, v = array_of(found[layer.name], COUNT), array_of(m[layer.name], COUNT)
        expected = -array_of(slope[layer.name], COUNT) / (layer.Ms * layer.volume)
        across = np.cross(v, field - expected, axis=0)
        assert np.abs(across).max() < 1e-13 * np.abs(field).max()


def test_the_smaller_area_is_coupled(rng):
    """The energy is that of the smaller layer, and both fields follow from it."""
    coupling, m = COUPLINGS["exchange"].coupling, states_of(rng)
    stacks = [alone("exchange").with_layer("hard", area=times * FREE.area) for times in (5, 1)]
    wide, equal = (coupling.fields(stack, m, ACTING) for stack in stacks)
    np.testing.assert_allclose(array_of(wide["free"], COUNT), array_of(equal["free"], COUNT), rtol=1e-14)
    np.testing.assert_allclose(array_of(wide["hard"], COUNT) * 5, array_of(equal["hard"], COUNT), rtol=1e-14)


def worst_radial_part(rates, m):
    parts = [np.abs(np.sum(array_of(rates[n], COUNT) * array_of(m[n], COUNT), axis=0)).max() for n in m]
    return max(parts) / max(np.abs(array_of(rates[n], COUNT)).max() for n in m)


@pytest.mark.parametrize("name", COUPLINGS)
def test_the_slope_has_no_radial_part(name, rng):
    m = states_of(rng)
    assert worst_radial_part(alone(name).replace(current=1e-3).rate(m, STILL), m) < 4e-15


@pytest.mark.parametrize("name", COUPLINGS)
def test_every_coupling_turns_with_the_stack(name, rng):
    m, member = states_of(rng), COUPLINGS[name]
    rotation = random_rotation(rng)
    moved = {n: turned(v, rotation) for n, v in m.items()}
    coupling = member.coupling if member.isotropic else turned_coupling(member.coupling, rotation)
    before, after = (c.fields(STACK, v, ACTING) for c, v in ((member.coupling, m), (coupling, moved)))
    for n in before:
        expected, found = array_of(turned(before[n], rotation), COUNT), array_of(after[n], COUNT)
        assert np.abs(expected - found).max() < 1e-14 * max(np.abs(found).max(), 1e-3)


def turned_coupling(coupling, rotation):
    if isinstance(coupling, lg.stacks.InterlayerDMI):
        return coupling.replace(D=turned(coupling.D, rotation))
    d, o = coupling.diagonal, coupling.off_diagonal
    n = np.array([[d.x, o.z, o.y], [o.z, d.y, o.x], [o.y, o.x, d.z]])
    return type(coupling).from_tensor(coupling.between, rotation @ n @ rotation.T)


def test_a_stack_turns_with_its_vectors(rng):
    """Anisotropies of its layers are terms with an axis here, which turn; the demagnetising tensor is none."""
    m, rotation = states_of(rng), random_rotation(rng)
    plain = [layer.replace(H_k=0.0, H_k2=0.0, demag=(0.0, 0.0, 0.0)) for layer in (HARD, FREE)]
    stack = STACK.replace(layers=tuple(plain))
    layers = [layer.replace(terms=tuple(turned_term(t, rotation) for t in layer.terms)) for layer in plain]
    couplings = [
        member.coupling if member.isotropic else turned_coupling(member.coupling, rotation)
        for member in COUPLINGS.values()
    ]
    other = dataclasses.replace(
        stack, layers=tuple(layers), couplings=tuple(couplings), field=turned(stack.field, rotation)
    )
    before, after = stack.rate(m, STILL), other.rate({n: turned(v, rotation) for n, v in m.items()}, STILL)
    for n in before:
        expected, found = array_of(turned(before[n], rotation), COUNT), array_of(after[n], COUNT)
        assert np.abs(expected - found).max() < 1e-13 * np.abs(found).max()


@pytest.fixture(scope="module")
def relaxation():
    stack = STACK.replace(current=0.0)
    return stack, lg.simulate(stack, duration=0.5e-9, dt=0.1e-12)


def test_energy_never_increases(relaxation):
    stack, run = relaxation
    energy = np.asarray(jax.vmap(lambda m: energy_of(stack, m))(run.state))
    scale = np.ptp(energy)
    assert scale > 0.1 * FREE.Ms * FREE.volume * FREE.H_k and np.diff(energy).max() < 1e-13 * np.abs(energy).max()


def test_energy_decays_at_the_rate_of_the_damping(relaxation):
    stack, run = relaxation
    energy = np.asarray(jax.vmap(lambda m: energy_of(stack, m))(run.state))
    own, coupled = stack.fields(run.state, STILL)
    loss = 0.0
    for layer in stack.layers:
        torque = run.state[layer.name].cross(own[layer.name] + coupled[layer.name])
        rate = layer.alpha * layer.gamma / (1 + layer.alpha**2) * layer.Ms * layer.volume
        loss += rate * np.asarray(torque.norm2())
    measured = -(energy[2:] - energy[:-2]) / (2 * run.dt)
    assert np.abs(measured - loss[1:-1]).max() < 1e-3 * loss.max()


PATHS = [path for path in leaf_units(STACK) if "junction" not in path]


def loss(stack):
    run = lg.simulate(stack, duration=0.1e-9, dt=1e-12, save=lg.Every(20))
    return loss_of(run.free.stack()) + 0.5 * loss_of(run.hard.stack())


def test_every_leaf_of_a_stack_three_ways():
    assert {"layers.0.Ms", "layers.1.terms.0.axis.y", "couplings.1.off_diagonal.y", "current"} < set(PATHS)
    assert "couplings.0.J2" in PATHS and "layers.0.m.x" in PATHS

    def function(x):
        stack = STACK
        for path, factor in zip(PATHS, x, strict=True):
            stack = set_leaf(stack, path, get_leaf(STACK, path) * (1 + factor))
        return loss(stack)

    assert disagreements(PATHS, *three_ways(function, len(PATHS))) == []


@pytest.mark.float32
def test_every_leaf_has_a_right_gradient_in_float32():
    def gradients():
        values = {path: get_leaf(STACK, path) for path in PATHS}

        def function(values):
            stack = STACK
            for path, value in values.items():
                stack = set_leaf(stack, path, value)
            return loss(stack)

        return {path: float(value) for path, value in jax.grad(function)(values).items()}

    found = gradients()
    with jax.enable_x64(True):
        exact = gradients()
    size = {path: abs(exact[path] * get_leaf(STACK, path)) for path in PATHS}
    wrong = {p for p in PATHS if not abs(found[p] - exact[p]) <= 1e-3 * max(abs(exact[p]), 1e-3 * max(size.values()))}
    assert all(np.isfinite(value) and value != 0 for value in found.values()) and wrong == set()


def test_the_method_has_order_four_in_a_stack():
    """Layers are coupled within the stages of a step, not between steps: halving the step divides the error by 16."""

    def end(steps):
        run = lg.simulate(STACK, duration=0.2e-9, dt=0.2e-9 / steps, save=lg.End())
        return jnp.concatenate([run.free.stack()[-1], run.hard.stack()[-1]])

    exact = end(6400)
    errors = [float(jnp.abs(end(steps) - exact).max()) for steps in (200, 400, 800)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[0] < 1e-2 and orders == pytest.approx(4.0, abs=0.15)
