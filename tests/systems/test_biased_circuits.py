"""Circuits of junctions whose resistance follows the voltage: other ways to the root, engines, derivatives, edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.circuits import Circuit, CurrentSource, Parallel, Resistor, Series, VoltageSource
from llgrad.devices.bias import Tangent, polished, settled, tangents
from llgrad.physics import BiasedJunction, TabulatedJunction

BIASED = BiasedJunction(R_P=500.0, tmr=1.5, half_voltage=0.3)
STO = lg.presets.kubota2013().replace(junction=BIASED, current=0.0)
OTHER = STO.replace(H_k=1.87, junction=BIASED.replace(R_P=300.0))
PAIR = Circuit(VoltageSource(1.2, 100.0), Series(STO, OTHER))
ONE = Circuit(VoltageSource(0.8, 100.0), Series(STO, Resistor(300.0, name="load")))
RUN = {"duration": 0.1e-9, "dt": 1e-12}


class Softening(lg.devices.Junction):
    """A law of one's own: the current is sinh-like, (V + V³/V₀²)/R(c)."""

    R: float = lg.quantity("Ω")
    volts: float = lg.quantity("V")

    def resistance(self, cosine):
        return self.R * (1.5 - 0.5 * cosine)

    def at_voltage(self, cosine, voltage):
        return self.resistance(cosine) / (1 + (voltage / self.volts) ** 2)


def current_of(law, cosine, volts):
    return volts / np.asarray(law.at_voltage(cosine, volts))


def bisected(function, low, high):
    """The root of a function that rises."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return middle


def test_two_in_series_share_the_voltage_that_bisection_finds():
    state = PAIR.start()
    seen = PAIR.observe(state, lg.systems.Inputs(0.0, (), dict.fromkeys(PAIR.inputs, 0.0)))
    c1, c2 = float(state["junction0"].x), float(state["junction1"].x)

    def excess(first):
        current = current_of(BIASED, c1, first)
        return current - current_of(OTHER.junction, c2, 1.2 - 100.0 * current - first)

    assert float(seen["junction0.voltage"]) == pytest.approx(bisected(excess, 0.0, 1.2), rel=1e-13)


def test_side_by_side_without_more_each_has_the_voltage_of_the_source():
    run = lg.simulate(Circuit(VoltageSource(0.4), Parallel(STO, OTHER)), **RUN)
    for name, device in (("junction0", STO), ("junction1", OTHER)):
        expected = 0.4 / np.asarray(device.junction.at_voltage(getattr(run, name).x, 0.4))
        np.testing.assert_allclose(run.signal(f"{name}.current").values, expected, rtol=1e-12)


def test_alone_on_a_source_of_current_it_moves_as_without_a_circuit():
    gate = lg.physics.VoltageControlledAnisotropy(0.1)
    device = STO.replace(terms=(gate,))
    run = lg.simulate(Circuit(CurrentSource(1e-3), device), **RUN)
    alone = lg.simulate(device.replace(current=1e-3), **RUN)
    np.testing.assert_allclose(run.junction0.stack(), alone.m, atol=1e-11)
    np.testing.assert_allclose(run.signal("voltage").values, lg.observables.voltage(alone), rtol=1e-11)


def test_the_engines_agree_and_derivatives_are_those_of_differences():
    leaves, tree = jax.tree.flatten(ONE)

    def lost(scales, engine):
        circuit = jax.tree.unflatten(tree, [leaf * scale for leaf, scale in zip(leaves, scales, strict=True)])
        run = lg.simulate(circuit, engine=engine, m0=ONE.start(), **RUN)
        return jnp.sum(run.junction0.x + 2.0 * run.junction0.y) + jnp.sum(run.signal("current").values) * 1e3

    ones = [jnp.ones(np.shape(leaf)) for leaf in leaves]
    rng = np.random.default_rng(0)
    way = [jnp.asarray(rng.normal(size=np.shape(leaf))) for leaf in leaves]
    native = lg.solvers.Native()
    value, forward = jax.jvp(lambda s: lost(s, native), (ones,), (way,))
    reverse = sum(jnp.sum(g * w) for g, w in zip(jax.grad(lost)(ones, native), way, strict=True))
    h = 2e-7  # a unit vector stays one, within what is taken for it
    ends = [lost([one + sign * h * w for one, w in zip(ones, way, strict=True)], native) for sign in (1, -1)]
    assert float(reverse) == pytest.approx(float(forward), rel=1e-10)
    assert float((ends[0] - ends[1]) / (2 * h)) == pytest.approx(float(forward), rel=1e-5)
    assert float(lost(ones, lg.solvers.XLA())) == pytest.approx(float(value), rel=1e-12)
    adaptive = lg.simulate(ONE, engine=lg.solvers.Diffrax(rtol=1e-10, atol=1e-12), **RUN)
    np.testing.assert_allclose(adaptive.junction0.x[-1], lg.simulate(ONE, **RUN).junction0.x[-1], atol=1e-8)


def test_its_second_and_third_derivatives_are_those_of_the_root():
    """V of I(V) = J, beside the differences of its first: three polished orders of a Newton iteration."""

    def volts(current):
        return current * Softening(500.0, 0.3).at_current(-0.2, current)

    first, second = jax.grad(volts), jax.grad(jax.grad(volts))
    h = 1e-7
    for function, slope in ((first, second), (second, jax.grad(second))):
        ends = [float(function(7e-4 + sign * h)) for sign in (1, -1)]
        assert float(slope(7e-4)) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5)


@pytest.mark.parametrize(
    "junction",
    [
        *(BiasedJunction(R_P=1e3, tmr=tmr, half_voltage=0.4) for tmr in (-0.85, -0.5, 0.1, 1.2, 6.0)),
        TabulatedJunction(1e3, voltages=[-0.8, -0.5, -0.1, 0.0, 0.2, 0.7], tmr=[0.35, 0.7, 1.1, 1.2, 0.95, 0.3]),
        TabulatedJunction(1e3, voltages=np.linspace(-1, 1, 42), tmr=1.2 / (1 + (np.linspace(-1, 1, 42) / 0.4) ** 2)),
        TabulatedJunction(1e3, voltages=np.linspace(-1, 1, 41), tmr=1.2 / (1 + (np.linspace(-1, 1, 41) / 0.4) ** 2)),
        Softening(500.0, 0.3),
    ],
    ids=lambda junction: type(junction).__name__,
)
def test_the_root_is_found_at_any_bias(junction):
    """By the method that circuits use, also for laws that have a way of their own."""
    cosine, current = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(-4e-3, 4e-3, 41))

    def linear(tangents):
        return [(at.source + current / at.conductance, current) for at in tangents]

    laws = [lambda volts: junction.current(jnp.asarray(cosine), volts)]
    ((volts, _),) = linear(polished(laws, linear, settled(laws, linear, junction.steps)))
    np.testing.assert_allclose(current_of(junction, cosine, volts), current, rtol=1e-12, atol=1e-17)


def test_a_table_with_a_step_is_solved_where_newton_alone_circles():
    """A current that rises steeply between two flat parts, behind a resistor: V + R I(V) = E."""
    table, ohms, volts = TabulatedJunction(1e3, voltages=[0.3, 0.35], tmr=[4.0, 0.1]), 1e5, np.linspace(5.0, 40.0, 71)
    laws = [lambda v: table.current(-1.0, v)]

    def linear(tangents):
        (at,) = tangents
        v = (volts / ohms - at.current + at.conductance * at.voltage) / (1 / ohms + at.conductance)
        return [(v, (volts - v) / ohms)]

    def missed(v):
        return np.abs(v + ohms * current_of(table, -1.0, np.asarray(v)) - volts) > 1e-12 * volts

    plain = np.zeros_like(volts)
    for _ in range(100):
        ((plain, _),) = linear(tangents(laws, [jnp.asarray(plain)]))
    ((found, _),) = linear(polished(laws, linear, settled(laws, linear, table.steps)))
    assert missed(plain).sum() > 10 and not missed(found).any()


def test_what_is_not_solved_is_nan_and_never_a_number():
    laws = [lambda volts: volts + 1e3 * volts**3]
    (at,) = polished(laws, lambda tangents: [(tangents[0].source + 1e3 / tangents[0].conductance, 1e3)], [1e-3])
    assert isinstance(at, Tangent) and np.isnan(at.current)


class Half(lg.devices.Junction):
    """A law that is known at a current alone."""

    def resistance(self, cosine):
        return 1e3 + 0 * cosine

    def at_current(self, cosine, current):
        return 1e3 + current + 0 * cosine


def test_laws_that_are_no_functions_are_refused():
    with pytest.raises(ValueError, match="Half has an at_current and no at_voltage of its own"):
        Half()
    with pytest.raises(ValueError, match=r"tmr = -0\.9 of a BiasedJunction, expected more than −8/9"):
        BIASED.replace(tmr=-0.9)
    rest = BIASED.replace(tmr=-0.88)
    volts = np.linspace(0.0, 2.0, 401)
    assert (np.diff(current_of(rest, -1.0, volts)) > 0).all()


@pytest.mark.float32
def test_in_float32():
    run = lg.simulate(PAIR, **RUN)
    assert run.junction0.x.dtype == jnp.float32 and np.isfinite(run.signal("current").values).all()
