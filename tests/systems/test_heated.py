"""A device that its own current heats: exact courses, energy, what follows the temperature, derivatives."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import BOLTZMANN
from llgrad.core.field_term import Inputs
from llgrad.orbits.equilibria.domain import domain_of
from llgrad.orbits.flow import flow_of
from llgrad.physics.heat.heated import Heated
from llgrad.physics.heat.laws import PowerLaw, TemperatureTable

SIZE = {"Ms": 1e6, "thickness": 2e-9, "area": 5e-15, "alpha": 0.05}
FREE = lg.Layer(
    "free", **SIZE, H_k=1.5, m=lg.direction(0.4, 0.3), terms=(lg.physics.UniaxialAnisotropy(0.04, axis=(1, 0, 0)),)
)
HARD = lg.Layer("hard", **SIZE, m=(1, 0, 0), fixed=True)
STACK = lg.Stack(
    (HARD, FREE),
    lg.stacks.SpinTorque("free", "hard", 0.5, 0.3, 0.2),
    current=1e-3,
    field=(0.0, 0.0, 0.02),
    barriers=lg.stacks.Barrier(("hard", "free"), lg.devices.ConductanceJunction(R_P=300.0, tmr=1.0)),
)
LAWS = (
    PowerLaw("Ms", curie=1000.0),
    TemperatureTable("H_k", [250.0, 350.0, 700.0], [1.05, 0.95, 0.1]),
    PowerLaw("layers.1.terms.0.H_k", curie=1000.0, outer=2.0),
)
HOT = Heated(STACK, thermal_resistance=1e5, heat_capacity=1e-14, laws=LAWS)  # 1 ns; some 40 K
NOTHING = Inputs(0.0, (), dict.fromkeys(HOT.inputs, 0.0))


def ran(device, drive=None, duration=2e-9):
    return lg.simulate(device, duration=duration, dt=2e-12, drive=drive)


def test_a_heater_warms_by_the_exact_exponential():
    rest = HOT.replace(device=STACK.replace(current=0.0))
    run = ran(rest, {"heater": lg.drives.Step(3e-4, start=-1e-9)})
    expected = 300 + 1e5 * 3e-4 * (1 - np.exp(-np.asarray(run.t) / 1e-9))
    np.testing.assert_allclose(run.signal("temperature").values, expected, rtol=1e-11)


def test_at_rest_it_is_warmer_by_resistance_times_power():
    """A constant resistance: T₀ + R_th I² R, and R_th V²/R of a voltage; a bar in the plane counts with its current."""
    film = lg.readout.HallBar(lg.readout.Film(100.0), length=4e-6, width=2e-6, current=1e-3, name="hall")
    barrier = lg.stacks.Barrier(("hard", "free"), lg.devices.LinearJunction(R_P=200.0, delta_R=0.0))
    for changes, power in (
        ({"barriers": barrier}, 1e-6 * 200),
        ({"barriers": barrier, "current": 0.0, "voltage": 0.3}, 0.09 / 200),
        ({"barriers": (), "readouts": film}, 1e-6 * 200),
    ):
        hot = HOT.replace(device=STACK.replace(**changes))
        state = hot.start() | {"temperature": 300 + 1e5 * power}
        nothing = Inputs(0.0, (), dict.fromkeys(hot.inputs, 0.0))
        assert float(hot.rate(state, nothing)["temperature"]) == pytest.approx(0.0, abs=1e-3)
        assert float(hot.observe(state, nothing)["power"]) == pytest.approx(power, rel=1e-12)


def test_what_the_current_loses_is_stored_or_flows_away():
    """C (T − T₀) + ∫ (T − T₀)/R_th dt = ∫ V²/R dt, while the resistance swings."""
    run = ran(HOT)
    t, T, P = np.asarray(run.t), run.signal("temperature").values, run.signal("power").values
    assert np.ptp(P) > 0.1 * P.mean()
    stored, away = 1e-14 * (T[-1] - 300), np.trapezoid((T - 300) / 1e5, t)
    assert stored + away == pytest.approx(np.trapezoid(P, t), rel=1e-5)
    np.testing.assert_allclose(P, run.signal("voltage").values * 1e-3, rtol=1e-12)


def test_the_magnet_is_that_of_its_temperature():
    """The rate is that of a device with the scaled numbers, written here by hand."""
    T, d = 420.0, lg.direction(0.9, 0.5)
    m = lg.systems.Spin(d.x, d.y, d.z)
    bloch = (1 - 0.42**1.5) / (1 - 0.3**1.5)
    axis = lg.physics.UniaxialAnisotropy(0.04 * bloch**2, axis=(1, 0, 0))
    slope = 0.95 - 0.85 * 70 / 350
    by_hand = STACK.with_layer("free", Ms=1e6 * bloch, H_k=1.5 * slope, terms=(axis,)).with_layer(
        "hard", Ms=1e6 * bloch
    )
    nothing = Inputs(0.0, (), dict.fromkeys(STACK.inputs, 0.0))
    found, expected = (
        HOT.rate({"free": m, "temperature": T}, NOTHING)["free"],
        by_hand.rate({"free": m}, nothing)["free"],
    )
    np.testing.assert_allclose(found.stack(), expected.stack(), rtol=1e-12)


def test_without_laws_the_magnet_moves_as_if_it_stayed_cool():
    run, cool = ran(HOT.replace(laws=())), ran(STACK)
    np.testing.assert_allclose(run.free.stack(), cool.free.stack(), rtol=1e-9, atol=1e-12)


def test_an_energy_falls_in_a_magnet_that_is_not_driven_and_m_stays_on_the_sphere():
    rest = HOT.replace(device=STACK.replace(current=0.0), laws=())
    run = ran(rest)
    m = run.free
    energy = -0.02 * m.z - (1.5 - 4e-7 * math.pi * 1e6) / 2 * m.z**2 - 0.02 * m.x**2
    assert (np.diff(np.asarray(energy)) <= 1e-12).all() and energy[-1] < energy[0] - 1e-3
    np.testing.assert_allclose(m.norm2(), 1.0, rtol=1e-13)


def test_the_thermal_field_follows_the_temperature():
    noisy = HOT.replace(noise=True, laws=())
    free, kick = HOT.start()["free"], (2.0, 0.0, 0.0)
    x = {}
    for T in (300.0, 675.0):
        state = {"free": free, "temperature": T}
        still, moved = (
            noisy.rate(state, Inputs(0.0, noise, dict.fromkeys(HOT.inputs, 0.0)))["free"].y
            for noise in ((0.0,) * 3, kick)
        )
        x[T] = float(moved - still)
    assert x[675.0] / x[300.0] == pytest.approx(1.5, rel=1e-9)
    sigma = math.sqrt(2 * 0.05 * BOLTZMANN * 300 / (FREE.gamma * 1e6 * 1e-23))
    m = lg.Vec3(free.x, free.y, free.z)
    field = lg.Vec3(2 * sigma, 0.0, 0.0)
    torque = m.cross(field) + m.cross(m.cross(field)) * 0.05
    assert x[300.0] == pytest.approx(-FREE.gamma / (1 + 0.05**2) * float(torque.y), rel=1e-9)
    assert np.isfinite(
        lg.simulate(noisy, duration=1e-10, dt=1e-12, key=jax.random.key(0), stepper=lg.solvers.Heun()).temperature
    ).all()


def test_derivatives_three_ways_and_both_engines():
    leaves, tree = jax.tree.flatten(HOT)

    def lost(scales, engine):
        device = jax.tree.unflatten(tree, [leaf * scale for leaf, scale in zip(leaves, scales, strict=True)])
        run = lg.simulate(device, duration=2e-10, dt=2e-12, engine=engine, m0=HOT.start())
        return jnp.sum(run.free.stack() @ jnp.asarray([1.0, 2.0, 3.0])) + jnp.sum((run.temperature - 300) / 10)

    ones = [jnp.ones(np.shape(leaf)) for leaf in leaves]
    rng = np.random.default_rng(0)
    way = [jnp.asarray(rng.normal(size=np.shape(leaf))) for leaf in leaves]
    native, xla = lg.solvers.Native(), lg.solvers.XLA()
    value, forward = jax.jvp(lambda s: lost(s, native), (ones,), (way,))
    reverse = sum(jnp.sum(g * w) for g, w in zip(jax.grad(lost)(ones, native), way, strict=True))
    h = 1e-6
    ends = [lost([one + sign * h * w for one, w in zip(ones, way, strict=True)], native) for sign in (1, -1)]
    assert float(reverse) == pytest.approx(float(forward), rel=1e-10)
    assert float((ends[0] - ends[1]) / (2 * h)) == pytest.approx(float(forward), rel=1e-5)
    assert float(lost(ones, xla)) == pytest.approx(float(value), rel=1e-12)


def test_an_oscillator_with_a_junction_is_heated_too():
    sto = lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=100.0, delta_R=0.0), current=1e-3)
    hot = Heated(sto, thermal_resistance=2e5, heat_capacity=5e-15)
    run, cool = ran(hot), lg.simulate(sto, duration=2e-9, dt=2e-12)
    np.testing.assert_allclose(run.temperature, 300 + 20 * (1 - np.exp(-np.asarray(run.t) / 1e-9)), rtol=1e-9)
    np.testing.assert_allclose(run.m, cool.m, rtol=1e-8, atol=1e-10)
    assert float(hot.fastest()) > 1e9


@pytest.mark.float32
def test_in_float32():
    run = ran(HOT, duration=2e-10)
    assert run.temperature.dtype == jnp.float32 and np.isfinite(run.temperature).all() and run.temperature[-1] > 303


def test_a_file_holds_it(tmp_path):
    lg.save_device(tmp_path / "hot.json", HOT)
    assert str(lg.load_device(tmp_path / "hot.json")) == str(HOT)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"device": STACK.replace(temperature=300.0)}, "has a temperature of its own; leave it out"),
        ({"device": STACK.replace(barriers=())}, "no resistance in which a current makes heat; give barriers="),
        ({"device": lg.presets.kubota2013()}, "give a junction="),
        ({"device": 3.0}, "device is float, expected an Oscillator or a Stack"),
        ({"laws": PowerLaw("Mss", curie=900.0)}, "how 'Mss' follows the temperature; the device has layers.0.Ms"),
        ({"laws": (LAWS[0], LAWS[0])}, "two laws say how layers.0.Ms follows"),
        ({"laws": (3.0,)}, "laws holds float"),
        ({"heat_capacity": -1.0}, "heat_capacity = -1.0, expected a positive number"),
    ],
)
def test_what_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        HOT.replace(**changes)


def test_laws_that_are_none():
    with pytest.raises(ValueError, match="no Curie temperature"):
        PowerLaw("Ms")
    with pytest.raises(ValueError, match="3 temperatures and 2 values"):
        TemperatureTable("Ms", [1.0, 2.0, 3.0], [1.0, 2.0])
    assert 0 < PowerLaw("Ms", curie=500.0).factor(900.0, 300.0) < 0.01


def test_the_temperature_is_in_kelvin_and_can_be_fitted():
    device = lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=100.0, delta_R=0.0))
    hot = lg.systems.Heated(device, thermal_resistance=2e4, heat_capacity=5e-15)
    run = lg.simulate(hot, duration=0.5e-9, dt=2e-12)
    trace = lg.Trace(run.t, {"temperature": run.signal("temperature").values}, units={"temperature": "K"})
    found = lg.fit(hot.replace(thermal_resistance=1.5e4), trace, free=["thermal_resistance"], m0=hot.start())
    assert run.signal("temperature").unit == "K"
    assert found.values["thermal_resistance"] == pytest.approx(2e4, rel=1e-3)


def test_equilibria_are_not_looked_for_below_0_K():
    """The law of a magnet at 300 K at most has no meaning there; what is found is where heat flows as it is made."""
    found = lg.equilibria(HOT)
    assert found.complete and any("searched in temperature from 0 to 1200" in note for note in found.notes)
    for point in found:
        state = {"free": lg.Vec3(*map(float, point.y[:3])), "temperature": float(point.y[3])}
        power = float(HOT.observe(state, NOTHING)["power"])
        assert state["temperature"] == pytest.approx(300 + 1e5 * power, rel=1e-9)
    pair = domain_of(flow_of(lg.systems.SystemArray(HOT, 2)), None)
    np.testing.assert_allclose([pair.centre, pair.half_width], 600.0)
    with pytest.raises(ValueError, match="temperature has a meaning from 0 to inf only"):
        lg.equilibria(HOT, within={"temperature": (-10.0, 500.0)})


@pytest.mark.parametrize("count", [2, 3])
def test_an_array_of_heated_devices_is_each_of_them(count):
    """Three members, and a table of three points: that is no number for each."""
    currents = [1e-3 + 2e-4 * k for k in range(count)]
    several = [HOT.replace(device=STACK.replace(current=current)) for current in currents]
    run = lg.simulate(lg.systems.SystemArray.of(several), duration=2e-10, dt=2e-12)
    alike = lg.simulate(lg.systems.SystemArray(several[-1], count), duration=2e-10, dt=2e-12)
    one = lg.simulate(several[-1], duration=2e-10, dt=2e-12)
    assert run.stats.engine == "native"
    np.testing.assert_allclose(run.temperature[:, -1], one.temperature, rtol=1e-12)
    np.testing.assert_allclose(alike.free.z[:, 0], one.free.z, rtol=1e-12)


class TestInACircuit:
    HOT_STO = Heated(
        lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=100.0, delta_R=0.0), current=0.0),
        thermal_resistance=2e5,
        heat_capacity=5e-15,
    )
    HOT_STACK = HOT.replace(device=STACK.replace(current=0.0))
    LOAD = lg.circuits.Resistor(100.0, name="load")

    def test_each_is_warmed_by_its_share_of_the_current(self):
        """Two of 100 Ω side by side with 2 mA: 1 mA each, 20 K in the end."""
        network = lg.circuits.Parallel(self.HOT_STO, self.LOAD)
        circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(2e-3), network, names="hot")
        run = ran(circuit)
        expected = 300 + 20 * (1 - np.exp(-np.asarray(run.t) / 1e-9))
        np.testing.assert_allclose(run.signal("hot.temperature").values, expected, rtol=1e-9)
        assert run.signal("hot.temperature").unit == "K" and run.stats.engine == "native"
        np.testing.assert_allclose(run.signal("hot.power").values, 1e-4, rtol=1e-9)

    def test_alone_on_a_source_it_is_as_without_a_circuit(self):
        circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(1e-3), self.HOT_STACK, names="hot")
        run, bare = ran(circuit), ran(HOT)
        np.testing.assert_allclose(run.hot["temperature"], bare.temperature, rtol=1e-12)
        np.testing.assert_allclose(run.signal("voltage").values, bare.signal("voltage").values, rtol=1e-9)
        heated = ran(circuit, {"heater": lg.drives.Constant(1e-4)}, 2e-10)
        assert heated.hot["temperature"][-1] > run.hot["temperature"][100]

    def test_its_laws_change_what_it_takes(self):
        """Two in series of which one resists by its temperature: Kirchhoff's laws hold at each moment."""
        law = PowerLaw("junction.R_P", curie=1000.0)
        network = lg.circuits.Series(self.HOT_STO.replace(laws=law), self.LOAD)
        run = ran(lg.circuits.Circuit(lg.circuits.VoltageSource(0.4), network, names="hot"))
        volts = run.signal("hot.voltage").values + run.signal("load.voltage").values
        np.testing.assert_allclose(volts, 0.4, rtol=1e-12)
        ohms = run.signal("hot.resistance").values
        T = run.signal("hot.temperature").values
        np.testing.assert_allclose(ohms, 100 * law.factor(T, 300.0), rtol=1e-9)
        assert ohms[-1] < 99

    def test_its_rest_its_array_and_its_noise(self):
        noisy = self.HOT_STACK.replace(noise=True)
        network = lg.circuits.Series(noisy, self.HOT_STACK, self.LOAD)
        circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(1e-3), network)
        assert circuit.noises == 3 and circuit.limits["junction1.temperature"][0] == 0
        array = lg.systems.SystemArray(circuit, 2)
        run = lg.simulate(array, duration=1e-11, dt=1e-12, key=jax.random.key(0), stepper=lg.solvers.Heun())
        assert np.isfinite(run.junction0["temperature"]).all()
        assert (run.junction0["free"].z[-1, 0] != run.junction0["free"].z[-1, 1]) and "junction0.free" in circuit.emit(
            circuit.start()
        )

    def test_a_current_of_its_own_is_refused(self):
        with pytest.raises(ValueError, match="a stack in this circuit has a current of its own"):
            lg.circuits.Circuit(lg.circuits.CurrentSource(1e-3), HOT)


@pytest.mark.parametrize("thermal_resistance", [0.1, 1e-3, 1e-6])
def test_the_orbit_of_what_heats_little_tends_to_that_of_the_device_alone(thermal_resistance):
    """Its frequency is away by what is proportional to R_th, as the rise of the temperature is."""
    junction = lg.devices.LinearJunction(R_P=100.0, delta_R=100.0)
    device = lg.presets.kubota2013().replace(current=2.5e-3, field=(0.0, 0.0, 20e-3), junction=junction)
    alone = float(lg.orbit(device).frequency)

    def heated(resistance):
        settings = {"heat_capacity": 1e-9 / resistance, "laws": PowerLaw("Ms", curie=1100.0)}
        return lg.orbit(Heated(device, resistance, **settings))

    slope, found = float(heated(1.0).frequency) - alone, heated(thermal_resistance)
    assert 1e-6 < slope / alone < 1e-5
    assert float(found.frequency) - alone == pytest.approx(slope * thermal_resistance, rel=1e-4, abs=1e-3)
    swing = np.ptp(np.asarray(found.closed.states), 0)
    assert 0 < swing.min() < 1e-3 * thermal_resistance < swing.max()  # kelvin, and the directions
