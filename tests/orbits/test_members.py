"""Orbits of every kind of model with a cycle: arrays of systems, stacks, chains in series, vortices; and of chaos."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, EXACT, Amplitude, reference
from tests.orbits.systems import Lorenz
from tests.unit.solve.arrays import Junction
from tests.unit.solve.systems import GAMMA, MEMBERS, Chain

import llgrad as lg

COUNT, NEAR = 3, 2e7


class Member(Amplitude):
    """An amplitude model that emits its complex amplitude."""

    def emit(self, state):
        return {"re": state["re"], "im": state["im"]}


def array_of(near, count=COUNT):
    """Amplitude models, each pushed by the sum of the others' amplitudes times `near`."""
    one = Member(*jax.tree.leaves(AMPLITUDE))
    weights = near * (np.ones((count, count)) - np.eye(count))
    return lg.systems.SystemArray(
        one, count, [lg.systems.DenseMix(weights, of="re", to="push"), lg.systems.DenseMix(weights, of="im", to="pull")]
    )


def together(near, count=COUNT):
    """Power, frequency [Hz] and line width [Hz] of the array in step."""
    z, q, rate = AMPLITUDE.supercriticality, AMPLITUDE.nonlinear, AMPLITUDE.damping
    p = (rate * (z - 1) + near * (count - 1)) / (rate * (z + q))
    nu = AMPLITUDE.shift / (rate * (z + q))
    frequency = (AMPLITUDE.omega + AMPLITUDE.shift * p) / (2 * math.pi)
    return p, frequency, AMPLITUDE.heat * (1 + nu**2) / (2 * math.pi * p * count)


def test_an_array_of_systems_in_step_is_its_closed_form():
    """Out of step, a deviation decays by N × coupling more: its phase at that rate, its power at that and its own."""
    found = lg.orbit(array_of(NEAR), steps=64)
    p, frequency, width = together(NEAR)
    np.testing.assert_allclose(found.frequency, frequency, rtol=1e-8)
    own = 2 * p * AMPLITUDE.damping * (AMPLITUDE.supercriticality + AMPLITUDE.nonlinear)
    rates = np.sort([own, *[COUNT * NEAR, COUNT * NEAR + own] * (COUNT - 1)])
    np.testing.assert_allclose(np.sort(-np.log(np.abs(found.multipliers)) / found.period), rates, rtol=1e-7)
    np.testing.assert_allclose(found.line_width, width, rtol=1e-8)
    np.testing.assert_allclose(abs(found.harmonics("re")[1]), COUNT * math.sqrt(p) / 2, rtol=1e-8)
    with pytest.raises(ValueError, match="more than one mode"):
        found.nonlinearity()


def test_equal_members_that_begin_equal_fall_out_of_step_where_only_that_attracts():
    found = lg.orbit(array_of(-NEAR, 2), steps=64)
    np.testing.assert_allclose(found.frequency, together(NEAR, 2)[1], rtol=1e-8)
    assert found.attracts and abs(found.harmonics("re")[1]) < 1e-9


def test_its_derivatives_are_those_of_the_closed_form():
    slope = jax.grad(lambda near: lg.orbit(array_of(near), steps=64).frequency)(NEAR)
    np.testing.assert_allclose(slope, jax.grad(lambda near: together(near)[1])(NEAR), rtol=1e-8)


class Written(Chain):
    """Three junctions in series, whose fields are 1 % apart."""

    def rate(self, state, inputs):
        current = (0.3 + inputs.voltage) / (self.load + sum(100.0 - 40.0 * m.x for m in state))
        found = []
        for place, m in enumerate(state):
            field = lg.Vec3(0.0, 0.0, self.field * (1 + 0.01 * place))
            turn = m.cross(field + lg.Vec3(0.0, -m.z, m.y) * (self.torque * current))
            found.append((turn + m.cross(turn) * self.alpha) * (-GAMMA / (1 + self.alpha**2)))
        return tuple(found)


def in_series(fields, torque=-100.0):
    return lg.systems.SystemArray(
        Junction(fields, 0.02, torque, 40.0, 50.0), 3, lg.systems.SumMix(of="resistance", to="total")
    )


def test_a_cycle_whose_run_takes_large_steps_is_met():
    """Its fastest part turns by 0.4 rad in a step of the search."""
    equal, apart = lg.orbit(in_series(0.2, -130.0)), lg.orbit(in_series([0.2, 0.2, 0.200001], -130.0))
    np.testing.assert_allclose(equal.frequency, apart.frequency, rtol=1e-5)


def test_a_chain_in_series_is_one_system_or_an_array_of_its_junctions():
    """Kirchhoff's law written out for three junctions, and as a sum that each receives."""
    one, many = lg.orbit(Written(0.2, 0.02, -100.0, 50.0), steps=64), lg.orbit(in_series([0.2, 0.202, 0.204]), steps=64)
    assert one.error < 1e-8 and many.error < 1e-8
    np.testing.assert_allclose(many.frequency, one.frequency, rtol=1e-9)
    np.testing.assert_allclose(np.abs(many.multipliers), np.abs(one.multipliers), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(many.sensitivity("voltage"), one.sensitivity("voltage"), rtol=1e-7)


def test_a_vortex_turns_where_its_torque_is_its_damping():
    vortex = MEMBERS["Vortex"]
    found = lg.orbit(vortex, steps=64)
    spring = vortex.torque / vortex.damping  # torque = damping × spring on the orbit
    size = (spring / vortex.stiffness - 1) / vortex.nonlinear
    np.testing.assert_allclose(found.frequency, spring / (2 * math.pi), rtol=1e-8)
    np.testing.assert_allclose(jnp.mean(found.state[0] ** 2 + found.state[1] ** 2), size, rtol=1e-8)


class Layers(lg.System):
    """The free layer of the reference device, and a harder one, in each other's exchange field."""

    exchange: float = lg.quantity("T")
    hard: float = lg.quantity("T")
    inputs: ClassVar = {"field_z": "T"}

    def start(self):
        return {"free": lg.systems.Spin(0.28, 0.0, 0.96), "hard": lg.systems.Spin(0.0, 0.28, 0.96)}

    def rate(self, state, inputs):
        free, hard = state["free"], state["hard"]
        torque = 5.3947 * 2.5e-3 / (1 + EXACT.lambda_ * free.x)
        on_free = lg.Vec3(0.0, 0.0, 0.02 + inputs.field_z + 41.6125e-3 * free.z) + hard * self.exchange
        on_free = on_free + lg.Vec3(1.0, 0.0, 0.0).cross(free) * torque
        on_hard = lg.Vec3(0.0, 0.0, 0.02 + self.hard * hard.z) + free * self.exchange
        found = {}
        for name, m, field, alpha in (("free", free, on_free, 0.005), ("hard", hard, on_hard, 0.05)):
            turn = m.cross(field)
            found[name] = (turn + m.cross(turn) * alpha) * (-EXACT.gamma / (1 + alpha**2))
        return found


@pytest.fixture(scope="module")
def alone():
    return lg.orbit(reference(0.02, 2.5e-3), steps=64)


@pytest.mark.parametrize("hard", [0.5, 15.7], ids=["soft", "stiff"])
def test_a_stack_is_its_free_layer_where_nothing_couples_them(hard, alone):
    """The stiff one rings at 440 GHz, 1,000 times faster than the cycle turns."""
    found = lg.orbit(Layers(0.0, hard))
    assert found.error < 1e-9
    np.testing.assert_allclose(found.frequency, alone.frequency, rtol=1e-9)
    np.testing.assert_allclose(found.return_rate, alone.return_rate, rtol=1e-7)
    # the hard layer is along z: a weak coupling is a field along z
    slope = jax.grad(lambda exchange: lg.orbit(Layers(exchange, hard)).frequency)(0.0)
    np.testing.assert_allclose(slope, alone.sensitivity("field_z"), rtol=1e-6)


class Pulled(Lorenz):
    """Lorenz' system, pulled towards another one."""

    inputs: ClassVar = {"other": "1"}

    def rate(self, state, inputs):
        found = super().rate(state, inputs)
        return found | {"x": found["x"] + 1e9 * (inputs.other - 20.0 * state["x"])}

    def emit(self, state):
        return {"x": state["x"]}


def test_chaos_is_a_sentence_and_an_exponent():
    """Two of Lorenz' systems so strongly coupled that they move as one: 0.9056, J. C. Sprott, Chaos and Time-Series
    Analysis (2003)."""
    pair = lg.systems.SystemArray(
        Pulled(), 2, lg.systems.DenseMix(20.0 * (np.ones((2, 2)) - np.eye(2)), of="x", to="other")
    )
    for chaotic in (Lorenz(), pair):
        with pytest.raises(
            ValueError, match=r"neither comes to rest nor repeats itself; it is chaotic \(see lg\.orbits\.lyapu"
        ):
            lg.orbit(chaotic)
    found = lg.orbits.lyapunov(pair, 2000e-9, segments=4000, dt=5e-12)
    assert found.exponent > 10 * found.error and abs(found.exponent - 0.9056e9) < 3 * found.error
