"""Circuits: Kirchhoff's laws at every moment, closed forms, one big system written by hand, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics.couplings import FREE, HARD

import llgrad as lg
from llgrad.circuits import Capacitor, Circuit, CurrentSource, Inductor, Parallel, Resistor, Series, VoltageSource
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.physics.llg import llg
from llgrad.physics.presets.chain import taniguchi2018

JUNCTION = lg.devices.ConductanceJunction(R_P=400.0, tmr=1.2)
STO = lg.presets.kubota2013().replace(junction=JUNCTION, current=0.0)
OTHER = STO.replace(H_k=1.87, polarization=0.5, junction=lg.devices.LinearJunction(R_P=300.0, delta_R=250.0))
BARRIER = lg.stacks.Barrier(("hard", "free"), lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
STACK = lg.Stack(
    (HARD.replace(fixed=True), FREE.replace(terms=(lg.physics.VoltageControlledAnisotropy(0.1),))),
    lg.stacks.SpinTorque("free", "hard", 0.6),
    barriers=BARRIER,
)
BIASED = STO.replace(junction=lg.physics.BiasedJunction(R_P=500.0, tmr=1.5, half_voltage=0.3))
TABLE = lg.physics.TabulatedJunction(400.0, voltages=[-0.6, -0.1, 0.0, 0.2, 0.7], tmr=[0.4, 1.1, 1.2, 0.9, 0.3])
BIASED_STACK = STACK.replace(barriers=BARRIER.replace(junction=BIASED.junction))
START = lg.direction(1.5, 0.3)
RUN = {"duration": 0.2e-9, "dt": 1e-12}
LOAD, OUT = Resistor(50.0, name="load"), Capacitor(0.2e-12, name="out")


def kirchhoff(circuit, drive):
    """Voltage and current of the network in a run, every law of it checked on the way."""
    run = lg.simulate(circuit, drive=drive, **RUN)
    assert run.stats.engine == "native"
    signal = {name: np.asarray(run.signal(name).values) for name in run.signals}
    names = iter(list(circuit.elements)[1:])

    def close(one, other, scale):
        assert np.abs(one - other).max() <= 1e-12 * np.abs(scale).max()

    def of(part):
        if not isinstance(part, (Series, Parallel)):
            name = next(names)
            voltage, current = signal[f"{name}.voltage"], signal[f"{name}.current"]
            if f"{name}.resistance" in signal:
                close(voltage, signal[f"{name}.resistance"] * current, voltage)
            if isinstance(part, Resistor):
                close(voltage, part.resistance * current, voltage)
                close(signal[f"{name}.power"], voltage * current, voltage * current)
            return voltage, current
        voltages, currents = zip(*map(of, part.parts), strict=True)
        shared, added = (currents, voltages) if isinstance(part, Series) else (voltages, currents)
        for one in shared[1:]:
            close(one, shared[0], shared[0])
        total = sum(added)
        return (total, shared[0]) if isinstance(part, Series) else (shared[0], total)

    voltage, current = of(circuit.network)
    close(current, signal["current"], current)
    close(voltage, signal["voltage"], voltage)
    return run, signal


CIRCUITS = {
    "junctions in series": (CurrentSource(2e-3), Series(STO, OTHER)),
    "junctions in parallel": (
        VoltageSource(0.9, 50.0),
        Parallel(STO, OTHER, Resistor(900.0)),
    ),
    "nested": (
        VoltageSource(2.0),
        Series(Parallel(STO, Series(OTHER, Resistor(100.0))), STO, LOAD),
    ),
    "with a stack": (CurrentSource(1e-3), Parallel(STACK, Series(STO, LOAD))),
    "a load behind a capacitor": (
        CurrentSource(3e-3),
        Parallel(Series(STO, OTHER), Series(OUT, LOAD)),
    ),
    "a bias tee with a second source": (
        VoltageSource(1.5, 20.0),
        Series(
            Inductor(0.3e-9),
            Parallel(STO, Series(OUT, VoltageSource(0.0, 50.0, name="generator"))),
        ),
    ),
    "a capacitor beside the junction": (
        CurrentSource(2e-3),
        Parallel(STO, Capacitor(50e-15)),
    ),
    "resistances that follow voltages, in series": (CurrentSource(1e-3), Series(BIASED, OTHER, BIASED)),
    "resistances that follow voltages, shared": (
        VoltageSource(1.2, 200.0),
        Series(Parallel(BIASED, BIASED_STACK), LOAD),
    ),
    "a table behind a coil": (
        VoltageSource(0.9, 20.0),
        Series(Inductor(0.3e-9), Parallel(OTHER.replace(junction=TABLE), Series(OUT, LOAD))),
    ),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_kirchhoffs_laws_hold_at_every_moment(name):
    circuit = Circuit(*CIRCUITS[name])
    by, source = ("current", circuit.source.current) if "current" in circuit.inputs else ("voltage", None)
    wave = lg.Sine(0.3e-3 if by == "current" else 0.2, frequency=5e9)
    run, signal = kirchhoff(circuit, {by: wave, "field_y": lg.drives.Constant(5e-3)})
    if by == "current":
        np.testing.assert_allclose(signal["current"], source + wave(run.t), rtol=1e-12)
    else:
        inner = circuit.source.resistance or 0.0
        expected = circuit.source.voltage + wave(run.t) - inner * signal["current"]
        np.testing.assert_allclose(signal["voltage"], expected, rtol=1e-12)
    assert np.ptp(signal["junction0.resistance"]) > 1e-3


class ByHand(lg.System):
    """Two junctions, a source of voltage with a resistance, and a load behind a capacitor, written out."""

    volts: float = lg.quantity("V")
    inner: float = lg.quantity("Ω")
    load: float = lg.quantity("Ω")
    C: float = lg.quantity("F")

    def start(self):
        first, second = lg.solvers.default_start(STO), lg.solvers.default_start(OTHER)
        return {
            "a": lg.systems.Spin(first.x, first.y, first.z),
            "b": lg.systems.Spin(second.x, second.y, second.z),
            "q": jnp.asarray(0.0),
        }

    def rate(self, state, inputs):
        ohms = {"a": STO.junction.resistance(state["a"].x), "b": OTHER.junction.resistance(state["b"].x)}
        # (V − u)/R_i = u/(R_a + R_b) + (u − q)/R_L, for the voltage u at the junctions
        chain = ohms["a"] + ohms["b"]
        u = (self.volts / self.inner + state["q"] / self.load) / (1 / self.inner + 1 / chain + 1 / self.load)
        found = {"q": (u - state["q"]) / self.load / self.C}
        for name, device in (("a", STO), ("b", OTHER)):
            m = lg.Vec3(state[name].x, state[name].y, state[name].z)
            p = device.polariser
            strength = HBAR * 1e30 * device.polarization * (u / chain) / (1 + device.lambda_ * m.dot(p))
            strength = strength / (2 * ELEMENTARY_CHARGE * 1e24 * device.Ms * 1e6 * device.volume)
            field = p.cross(m) * strength + lg.Vec3(0.0, 0.0, device.field.z + (device.H_k - MU_0 * device.Ms) * m.z)
            found[name] = llg(m, field, device.gamma, device.alpha)
        return found


def test_a_circuit_is_the_system_that_it_stands_for():
    """The same states, to rounding, and the same gradient."""
    network = Parallel(Series(STO, OTHER), Series(Capacitor(0.3e-12, voltage=0.0), LOAD))
    circuit = Circuit(VoltageSource(1.6, 40.0), network, names=("a", "b"))
    by_hand = ByHand(volts=1.6, inner=40.0, load=50.0, C=0.3e-12)
    run, other = lg.simulate(circuit, **RUN), lg.simulate(by_hand, **RUN)
    np.testing.assert_allclose(run.a.stack(), other.a.stack(), atol=1e-12)
    np.testing.assert_allclose(run.b.stack(), other.b.stack(), atol=1e-12)
    np.testing.assert_allclose(run.capacitor0["voltage"], other.q, atol=1e-12)
    assert np.abs(run.a.x - run.b.x).max() > 1e-3

    def of_circuit(volts, load):
        made = circuit.replace(
            source=circuit.source.replace(voltage=volts),
            network=Parallel(network.parts[0], Series(network.parts[1].parts[0], Resistor(load))),
        )
        return lg.simulate(made, **RUN).b.x[-1]

    def of_hand(volts, load):
        return lg.simulate(by_hand.replace(volts=volts, load=load), **RUN).b.x[-1]

    found, expected = (jax.grad(function, (0, 1))(1.6, 50.0) for function in (of_circuit, of_hand))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.abs(expected).min() > 1e-7


def test_a_current_source_leaves_junctions_in_series_to_themselves():
    """Each runs as it does alone, with the same bits of noise for the first."""
    hot = STO.replace(temperature=300.0)
    key = jax.random.key(3)
    run = lg.simulate(Circuit(CurrentSource(2e-3), Series(hot, OTHER)), key=key, **RUN)
    alone = lg.simulate(hot.replace(current=2e-3), key=key, **RUN)
    np.testing.assert_allclose(run.junction0.stack(), alone.m, atol=1e-11)
    quiet = lg.simulate(OTHER.replace(current=2e-3), stepper=lg.solvers.Heun(), **RUN)
    np.testing.assert_allclose(run.junction1.stack(), quiet.m, atol=1e-11)
    np.testing.assert_allclose(run.signal("junction0.voltage").values, lg.observables.voltage(alone), rtol=1e-11)


def test_a_voltage_source_on_a_stack_is_the_stacks_voltage():
    """With what follows the voltage of its barrier, and a terminal of its own."""
    run = lg.simulate(Circuit(VoltageSource(0.5), STACK, names="pillar"), **RUN)
    other = lg.simulate(STACK.replace(voltage=0.5), **RUN)
    np.testing.assert_allclose(run.pillar["free"].stack(), other.free.stack(), atol=1e-12)
    np.testing.assert_allclose(run.signal("pillar.resistance").values, other.signal("resistance").values, rtol=1e-12)


def test_what_has_no_magnet_follows_its_exponential_and_its_wave():
    """V (1 − e^{−t/RC}) on a capacitor, I₀ cos ωt in a coil with ω = 1/√(LC); the step follows from both."""
    charge = Circuit(VoltageSource(0.4, 1e3), Capacitor(0.1e-12, voltage=0.0))
    run = lg.simulate(charge, duration=0.3e-9, accuracy=1e-10)
    expected = 0.4 * -np.expm1(-np.asarray(run.t) / 0.1e-9)
    np.testing.assert_allclose(run.signal("capacitor0.voltage").values, expected, atol=1e-9)
    tank = Circuit(
        CurrentSource(0.0),
        Parallel(Capacitor(1e-12, 0.0), Inductor(1e-9, 1e-3)),
    )
    assert float(tank.fastest()) == pytest.approx(math.sqrt(2 / 1e-21), rel=1e-6)
    run = lg.simulate(tank, duration=1e-9, stepper=lg.solvers.DormandPrince8())
    np.testing.assert_allclose(run.inductor0["current"], 1e-3 * np.cos(np.asarray(run.t) / math.sqrt(1e-21)), atol=1e-8)


def test_reactive_elements_start_at_rest():
    """Open and shorted: the capacitor has the junction's voltage and no current, the coil the source's whole."""
    circuit = Circuit(*CIRCUITS["a bias tee with a second source"])
    start = circuit.start()
    ohms = float(JUNCTION.resistance(start["junction0"].x))
    assert float(start["inductor0"]["current"]) == pytest.approx(1.5 / (20.0 + ohms))
    assert float(start["out"]["voltage"]) == pytest.approx(1.5 * ohms / (20.0 + ohms))
    rates = circuit.rate(start, lg.systems.Inputs(0.0, (), dict.fromkeys(circuit.inputs, 0.0)))
    assert abs(float(rates["out"]["voltage"])) < 1e-2 and abs(float(rates["inductor0"]["current"])) < 1e-5
    assert circuit.inputs == {"voltage": "V", "generator": "V", "field_x": "T", "field_y": "T", "field_z": "T"}


def test_a_circuit_goes_to_a_file_and_back(tmp_path):
    circuit = Circuit(*CIRCUITS["with a stack"], names=("pillar", "sto"))
    lg.save_device(tmp_path / "circuit.json", circuit)
    again = lg.systems.load_system(tmp_path / "circuit.json", Circuit)
    assert repr(again) == repr(circuit) and again.outputs == circuit.outputs
    assert again.outputs["sto.current"] == "A"


def test_circuits_are_members_of_arrays():
    """Two of them whose first junctions feel each other's direction as a field."""
    circuit = Circuit(CurrentSource(2e-3), Series(STO, LOAD))
    mix = lg.systems.DenseMix([[0.0, 5e-3], [5e-3, 0.0]], of="junction0", to="field")
    both = lg.systems.SystemArray.of([circuit, circuit.replace(source=CurrentSource(1e-3))], mix)
    run = lg.simulate(both, **RUN)
    assert run.junction0.x.shape == (201, 2)
    alone = lg.simulate(circuit, **RUN)
    assert np.abs(run.junction0.x[:, 0] - alone.junction0.x).max() > 1e-5


class Vanishing(lg.devices.Junction):
    """A junction without resistance in the parallel state."""

    delta_R: float = lg.quantity("Ω")

    def resistance(self, cosine):
        return self.delta_R * (1 - cosine) / 2


class Falling(lg.devices.Junction):
    """A tunnel diode's: the current V/(R (1 + 4 V²)) is largest at 0.5 V."""

    R: float = lg.quantity("Ω")

    def resistance(self, cosine):
        return self.R + 0 * cosine

    def at_voltage(self, cosine, voltage):
        return self.R * (1 + 4 * voltage**2) + 0 * cosine


BIAS = CurrentSource(1e-3)
REFUSED = {
    "no source": (lambda: Circuit(Series(STO, OTHER), LOAD), "this circuit has no source: source is Series"),
    "nothing for a source": (lambda: Circuit(None, STO), "this circuit has no source: source is NoneType"),
    "no junction": (lambda: Series(lg.presets.kubota2013(), STO), "an oscillator in this circuit has no junction"),
    "no barrier": (lambda: Series(STACK.replace(barriers=(), layers=FREE.replace(name="hard"), couplings=())),
                   "a stack in this circuit has no barrier, .* no voltage drives it"),
    "a current of its own": (lambda: Circuit(BIAS, STO.replace(current=2e-3)), "a current of its own, 2 mA; give"),
    "a voltage of its own": (lambda: Circuit(BIAS, STACK.replace(voltage=0.1)), "a voltage of its own; leave it"),
    "no resistance": (
        lambda: Circuit(BIAS, STO.replace(junction=Vanishing(100.0))),
        "the resistance of junction0 falls to 0 Ω, a junction without resistance",
    ),
    "several voltages for a current": (
        lambda: Circuit(BIAS, STO.replace(junction=Falling(1e3))),
        "the current of junction0 falls with its voltage, from 0.5 V on, so that a circuit has several solutions",
    ),
    "a resistor of nothing": (lambda: Resistor(0.0), "Resistor: resistance = 0 Ω, expected a positive, finite one"),
    "a resistor without end": (lambda: Resistor(float("inf")), "resistance = inf Ω, expected a positive, finite"),
    "a capacitor of nothing": (lambda: Capacitor(-1e-12), "Capacitor: capacitance = .* expected a positive, finite"),
    "nothing in series": (lambda: Series(), "Series\\(\\) has no parts"),
    "another part": (lambda: Parallel(STO, 50.0), "a circuit holds float, expected oscillators with a junction"),
    "a short circuit": (lambda: Circuit(VoltageSource(1.0), Capacitor(1e-12)), "is a short circuit: nothing"),
    "two voltages": (
        lambda: Circuit(VoltageSource(1.0, 50.0), Parallel(Capacitor(1e-12), VoltageSource(0.0))),
        "Capacitor and VoltageSource are in parallel, .* a short circuit",
    ),
    "two currents": (
        lambda: Circuit(BIAS, Series(STO, Inductor(1e-9))),
        "CurrentSource and Series are in series, and each keeps a current",
    ),
    "nothing moves": (lambda: Circuit(BIAS, LOAD), "nothing in this circuit moves"),
    "two of one name": (lambda: Circuit(BIAS, Series(STO, LOAD, LOAD)), "has the name 'load': another one has"),
    "a taken name": (lambda: Circuit(BIAS, STO, names="field_x"), "has the name 'field_x': expected a word"),
    "too few names": (lambda: Circuit(BIAS, Series(STO, STO), names=("a",)), "1 names, and this circuit has 2"),
    "no rest": (
        lambda: Circuit(BIAS, Capacitor(1e-12)).start(),
        "no rest to start from: with capacitors open and inductors shorted, CurrentSource and Capacitor are in series",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_circuit_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_the_chain_from_a_paper_oscillates_as_one_of_it_does():
    """The frequency of a single device at the same current, 0.4402 GHz at 2.5 mA, where the resistance hardly varies;
    the common current that swings with it raises it, in proportion to ΔR."""

    def frequency(delta_R):
        circuit = taniguchi2018()
        first, second, load = circuit.network.parts
        law = lg.devices.LinearJunction(R_P=325.0 - delta_R / 2, delta_R=delta_R)
        circuit = circuit.replace(network=Series(first.replace(junction=law), second.replace(junction=law), load))
        start = dict.fromkeys(circuit.devices, lg.systems.Spin(*map(float, START.stack())))
        run = lg.simulate(circuit, m0=start, duration=60e-9, dt=10e-12, save=lg.Every(2))
        assert float(np.mean(run.signal("current").values)) == pytest.approx(2.5e-3, rel=5e-3)
        return float(lg.frequency(run.signal("junction1.x")))

    little, half, whole = (frequency(delta_R) for delta_R in (0.5, 15.0, 30.0))
    assert little == pytest.approx(0.4402e9, rel=1e-3)
    assert whole - little == pytest.approx(2 * (half - little), rel=0.15)
    assert 1.0 < whole / 0.4402e9 < 1.03
