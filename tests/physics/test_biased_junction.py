"""A junction whose magnetoresistance falls with its voltage: Kirchhoff exact, whatever takes a junction takes it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.loops.loop import seen_of
from llgrad.experiments.resonances.second_order import voltage_of

JUNCTION = lg.physics.BiasedJunction(R_P=1e3, tmr=1.2, half_voltage=0.4)


@pytest.mark.parametrize("tmr", [-0.5, 0.1, 1.2, 6.0])
def test_the_voltage_solves_the_law_at_any_bias(tmr):
    junction = JUNCTION.replace(tmr=tmr)
    cosine, current = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-4e-3, 4e-3, 41))
    volts = current * junction.at_current(cosine, current)
    np.testing.assert_allclose(volts, current * junction.at_voltage(cosine, volts), rtol=1e-12, atol=1e-15)
    strength = tmr / (1 + (volts / 0.4) ** 2)
    a = strength / (2 + strength)
    np.testing.assert_allclose(volts * (1 + a * cosine) / (1e3 * (1 + a)), current, rtol=1e-12, atol=1e-15)


def test_without_bias_it_is_the_usual_junction_and_parallel_always():
    usual = lg.devices.ConductanceJunction(R_P=1e3, tmr=1.2)
    cosine = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(JUNCTION.at_current(cosine, 0.0), usual.resistance(cosine), rtol=1e-14)
    assert JUNCTION.at_voltage(1.0, 0.7) == pytest.approx(1e3)
    assert JUNCTION.at_voltage(-1.0, 0.4) == pytest.approx(1.6e3)


def test_its_derivative_is_that_of_the_root():
    def volts(current, tmr):
        return current * JUNCTION.replace(tmr=tmr).at_current(-0.3, current)

    for place, point in ((0, 7e-4), (1, 1.2)):
        given = [7e-4, 1.2]
        slope = jax.grad(volts, place)(*given)
        ends = [volts(*(point * f if i == place else g for i, g in enumerate(given))) for f in (1 + 1e-5, 1 - 1e-5)]
        assert float(slope) == pytest.approx(float(ends[0] - ends[1]) / (2e-5 * point), rel=1e-8)


def test_a_run_a_stack_and_a_voltage_take_it():
    sto = lg.presets.kubota2013().replace(current=4e-4, junction=JUNCTION)
    run = lg.simulate(sto, duration=2e-10, dt=5e-12, m0=(0.0, 0.0, 1.0))
    np.testing.assert_allclose(
        lg.observables.voltage(run), 4e-4 * np.asarray(lg.observables.resistance(run)), rtol=1e-12
    )
    np.testing.assert_allclose(
        lg.observables.resistance(run), JUNCTION.at_current(np.asarray(run.mx), 4e-4), rtol=1e-12
    )
    size = {"Ms": 1e6, "thickness": 2e-9, "area": 5e-15}
    layers = (lg.Layer("pinned", m=(1, 0, 0), fixed=True, **size), lg.Layer("free", m=(0, 0.6, 0.8), **size))
    stack = lg.Stack(
        layers=layers, barriers=lg.stacks.Barrier(("pinned", "free"), JUNCTION), voltage=0.5, field=(0, 0, 0.1)
    )
    run = lg.simulate(stack, duration=1e-10, dt=2e-12)
    np.testing.assert_allclose(run.signal("voltage").values, 0.5, rtol=1e-12)
    assert run.stats.engine == "native"
    ohms = JUNCTION.at_voltage(jnp.asarray(run.free.x), 0.5)
    np.testing.assert_allclose(run.signal("resistance").values, ohms, rtol=1e-12)


def test_what_is_not_solved_is_refused():
    size = {"Ms": 1e6, "thickness": 2e-9, "area": 5e-15}
    layers = tuple(lg.Layer(name, **size) for name in ("one", "two", "three"))
    barriers = (lg.stacks.Barrier(("one", "two"), JUNCTION), lg.stacks.Barrier(("two", "three"), JUNCTION))
    with pytest.raises(ValueError, match="several barriers"):
        lg.Stack(layers=layers, barriers=barriers)
    with pytest.raises(ValueError, match="half_voltage = 0"):
        lg.physics.BiasedJunction(R_P=1e3, tmr=1.0, half_voltage=0.0)


VOLTS, TMR = [-0.8, -0.5, -0.1, 0.0, 0.2, 0.7], [0.35, 0.7, 1.1, 1.2, 0.95, 0.3]


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_voltage_solves_a_table_between_its_points_and_beyond(count):
    junction = lg.physics.TabulatedJunction(1e3, voltages=VOLTS[-count:], tmr=TMR[-count:])
    cosine, current = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-2e-3, 2e-3, 161))
    volts = current * junction.at_current(cosine, current)
    assert np.abs(volts).max() > 1.0
    np.testing.assert_allclose(volts, current * junction.at_voltage(cosine, volts), rtol=1e-12, atol=1e-15)
    a = (strength := np.interp(volts, VOLTS[-count:], TMR[-count:])) / (2 + strength)
    np.testing.assert_allclose(volts * (1 + a * cosine) / (1e3 * (1 + a)), current, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("count", [2, 5, 6, 17, 18, 42])
def test_a_table_has_a_slope_beyond_its_ends_however_many_points_it_has(count):
    """Beyond them the TMR is constant and V in proportion to I."""
    volts = np.linspace(-0.8, 0.7, count)
    table = lg.physics.TabulatedJunction(1e3, voltages=volts, tmr=1.2 / (1 + (volts / 0.4) ** 2))
    for current, end in ((-3e-3, 0), (3e-3, -1)):
        slope = jax.grad(lambda i: i * table.at_current(-0.5, i))(current)
        expected = 1e3 * (2 + 2 * table.tmr[end]) / (2 + 0.5 * table.tmr[end])
        assert float(slope) == pytest.approx(float(expected), rel=1e-12)
        assert float(jax.grad(lambda v: table.current(-0.5, v))(current * 1e3)) == pytest.approx(1 / float(expected))


def test_a_constant_table_is_the_usual_junction_and_a_fine_one_the_law():
    usual = lg.devices.ConductanceJunction(R_P=1e3, tmr=1.2)
    cosine = np.linspace(-1, 1, 9)
    table = lg.physics.TabulatedJunction(1e3, voltages=[0.0, 1.0], tmr=[1.2, 1.2])
    np.testing.assert_allclose(table.at_current(cosine, 4e-4), usual.resistance(cosine), rtol=1e-13)
    fine = np.linspace(-1, 1, 401)
    table = lg.physics.TabulatedJunction(1e3, voltages=fine, tmr=1.2 / (1 + (fine / 0.4) ** 2))
    np.testing.assert_allclose(table.at_current(cosine, 4e-4), JUNCTION.at_current(cosine, 4e-4), rtol=2e-5)


def test_a_stack_takes_a_table_in_a_kernel_and_a_slope_of_it_is_that_of_differences():
    table = lg.physics.TabulatedJunction(1e3, voltages=VOLTS, tmr=TMR)
    size = {"Ms": 1e6, "thickness": 2e-9, "area": 5e-15}
    gate = lg.physics.VoltageControlledAnisotropy(0.1)
    free = lg.Layer("free", m=(0, 0.6, 0.8), terms=(gate,), **size)
    stack = lg.Stack((lg.Layer("pinned", m=(1, 0, 0), fixed=True, **size), free), current=3e-4, field=(0, 0, 0.1),
                     barriers=lg.stacks.Barrier(("pinned", "free"), table))  # fmt: skip

    def last(value):
        barrier = lg.stacks.Barrier(("pinned", "free"), table.replace(tmr=jnp.asarray(TMR).at[4].set(value)))
        return lg.simulate(stack.replace(barriers=barrier), duration=1e-10, dt=2e-12).free.z[-1]

    run = lg.simulate(stack, duration=1e-10, dt=2e-12)
    assert run.stats.engine == "native"
    np.testing.assert_allclose(run.signal("voltage").values, 3e-4 * table.at_current(run.free.x, 3e-4), rtol=1e-12)
    slope = (last(0.95 + 1e-4) - last(0.95 - 1e-4)) / 2e-4
    assert slope != 0 and float(jax.grad(last)(0.95)) == pytest.approx(float(slope), rel=1e-5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"tmr": [1.0, 1.0, 1.0]}, "2 voltages and 3 values of tmr"),
        ({"tmr": [1.0, -1.5]}, "tmr of -1.5, expected numbers above −1"),
        ({"voltages": [0.5, 0.6], "tmr": [0.2, 1.2]}, "between 0.5 V and 0.6 V the tmr grows so fast"),
        ({"R_P": 0.0}, "R_P = 0"),
    ],
)
def test_a_table_that_cannot_be_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        lg.physics.TabulatedJunction(**{"R_P": 1e3, "voltages": [0.0, 1.0], "tmr": [1.0, 0.5]} | given)


def test_whatever_reads_its_resistance_reads_it_at_the_current():
    """A loop, the second order of a microwave, and a vortex: at 0.4 mA and not without bias."""
    current, m = 4e-4, lg.Vec3(-0.6, 0.0, 0.8)
    sto = lg.presets.kubota2013().replace(current=current, junction=JUNCTION)
    expected = float(JUNCTION.at_current(-0.6, current))
    assert abs(expected - float(JUNCTION.resistance(-0.6))) > 50
    assert float(seen_of(sto, m)[1]) == pytest.approx(expected, rel=1e-12)
    volts = voltage_of(sto, m, {"current": 1e-4})
    assert float(volts) == pytest.approx(5e-4 * float(JUNCTION.at_current(-0.6, 5e-4)), rel=1e-12)
    vortex = lg.presets.guslienko2014().replace(junction=JUNCTION, current=current)
    state = {"x": 0.3, "y": 0.2}
    at = vortex.magnetisation(state)
    cosine = at.x * vortex.reference.x + at.y * vortex.reference.y
    for told in (
        vortex.observe(state, lg.systems.Inputs(0.0, (), dict.fromkeys(vortex.inputs, 0.0))),
        vortex.emit(state),
    ):
        assert float(told["resistance"]) == pytest.approx(float(JUNCTION.at_current(cosine, current)), rel=1e-12)
