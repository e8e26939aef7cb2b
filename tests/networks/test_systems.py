"""Networks of any system: stacks, vortices, amplitude models, heated, circuits, a user's, oscillators fed otherwise."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import CLASSES, DEVICE, SHAPE, bits, labelled, pixels

import llgrad as lg
from llgrad.core.record import set_leaf
from llgrad.networks.bench.files import load_design, save_design
from llgrad.networks.bench.limits import Bench, excesses, set_on
from llgrad.networks.bench.response import Disturbance, input_of
from llgrad.networks.bench.tables import tables_of
from llgrad.networks.course import courses
from llgrad.networks.files import load_network, save_network
from llgrad.networks.prediction import predict
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.layer import Limits, Part
from llgrad.networks.trained.natural import natural_field
from llgrad.solve.simulate import simulate_quietly

COUNT = 3
DISK = {"radius": 100e-9, "thickness": 10e-9, "Ms": 800e3, "exchange": 1e-11, "alpha": 0.01, "polarization": 0.2}
LAYER: dict[str, Any] = {"Ms": 1e6, "thickness": 2e-9, "area": 1e-14, "alpha": 0.02, "demag": (0.05, 0.05, 0.9)}


class Pair(lg.System):
    """A user's: two coupled numbers, a charge that decays and a phase, in units of their own."""

    rate_of_decay: float = lg.quantity("1/s")
    omega: float = lg.quantity("rad/s")
    inputs: ClassVar = {"push": "C/s", "idle": "1"}
    outputs: ClassVar = {"double": "C"}

    def start(self):
        return {"charge": 1e-15, "phase": 0.5}

    def rate(self, state, inputs):
        charge, phase = state["charge"], state["phase"]
        pushed = -self.rate_of_decay * charge + inputs.push * jnp.cos(phase)
        return {"charge": pushed, "phase": self.omega * (1 + charge * 1e15)}

    def observe(self, state, inputs):
        return {"double": 2 * state["charge"] + 1e-10 * inputs.push}


class Telling(Pair):
    """The same, that says by itself what others feel of it."""

    def emit(self, state):
        return {"charge": state["charge"]}


def stack():
    """Two free layers over a fixed one, fed by the current in a metal beside them."""
    torque = lg.physics.SpinOrbitTorque(spin=(0, 1, 0), per_ampere=20.0)
    layers = [
        lg.Layer(name="fixed", fixed=True, m=(1, 0, 0), **LAYER),
        lg.Layer(name="a", m=(0.6, 0, 0.8), terms=(torque,), **LAYER),
        lg.Layer(name="b", m=(-0.6, 0, 0.8), **LAYER),
    ]
    barrier = lg.stacks.Barrier(between=("fixed", "a"), junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
    exchange = lg.stacks.InterlayerExchange(between=("a", "b"), J1=-1e-4)
    return lg.Stack(layers=layers, couplings=[exchange], barriers=[barrier], temperature=300.0)


def devices() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Each device, and how it is fed, coupled and read."""
    vortex = lg.systems.Vortex.from_disk(
        **DISK, current=3e-3, junction=lg.devices.ConductanceJunction(R_P=1e2, tmr=1.0)
    )
    model = lg.systems.AmplitudeModel(omega_0=6e9, N=-2e9, Gamma_G=3e8, sigma=3e11, Q=0.5, current=1.5e-3, readout=1e-3)
    return {
        "vortex": (
            vortex,
            {"hold": 1e-9, "settings": {"current": (0.0, 6e-3), "kappa": (1e-4, 1e-3)}, "unit": 5e-3}
            | {"coupling": ("y", "field_x"), "coupling_unit": 1e-2},
        ),
        "stack": (
            stack(),
            {"hold": 50e-12, "input": "heavy_metal_current", "coupling": ("b", "field"), "coupling_unit": 5e-3}
            | {"settings": {"current": (0.0, 1e-3), "layers.1.alpha": (0.01, 0.1)}, "unit": 5e-4}
            | {"signal": ("a.x", "b.z", "voltage")},
        ),
        "amplitude model": (
            model,
            {"hold": 1e-9, "input": "current", "coupling": False, "signal": "voltage", "unit": 1e-3},
        ),
        "own": (
            Pair(1e9, 3e9),
            {"hold": 1e-9, "input": "push", "settings": {"omega": (1e9, 5e9), "push": (-1e-7, 1e-7)}, "unit": 1e-6}
            | {"coupling": ("charge", "push"), "coupling_unit": 1e9, "signal": ("double", "charge")},
        ),
        "heated": (
            lg.systems.Heated(
                DEVICE.replace(current=2e-3, field=(0, 0, 0.02)),
                thermal_resistance=2e4,
                heat_capacity=5e-15,
                laws=lg.systems.PowerLaw("Ms", curie=1100.0),
            ),
            {"hold": 0.1e-9, "settings": {"device.current": (0.0, 3e-3)}, "unit": 5e-3}
            | {"coupling": ("m", "field"), "coupling_unit": 5e-2, "signal": ("m.x", "temperature", "power")},
        ),
        "circuit": (
            lg.circuits.Circuit(
                lg.circuits.VoltageSource(0.6, 50.0),
                DEVICE.replace(current=0.0, junction=lg.physics.BiasedJunction(R_P=300.0, tmr=0.5, half_voltage=0.5)),
            ),
            {"hold": 0.1e-9, "input": "voltage", "settings": {"source.voltage": (0.2, 1.0)}, "unit": 0.2}
            | {"coupling": ("junction0", "field"), "coupling_unit": 5e-2, "signal": ("current", "junction0.x")},
        ),
        "oscillator by current": (
            DEVICE.replace(current=2e-3),
            {"hold": 0.1e-9, "input": "current", "signal": lg.networks.Signal.VOLTAGE, "unit": 2e-3}
            | {"coupling_unit": 0.1},
        ),
    }


NAMES = [name for name in devices() if name != "amplitude model"]


def network_of(name, engine=None, **options):
    device, own = devices()[name]
    options = {"shape": SHAPE, "classes": CLASSES, "oscillators": COUNT, "key": jax.random.key(3), **own, **options}
    options.setdefault("dt", (options["hold"] or 1e-9) / 8)
    with jax.enable_x64(False):
        return dataclasses.replace(OscillatorClassifier.create(device, **options), engine=engine)


def by_hand(design, image):
    """States (K, components, N) of the one array for one image, with the input as a drive."""
    (stage,) = design.stages
    settings, wiring, device = stage.settings, stage.settings.wiring, stage.device
    device = Telling(device.rate_of_decay, device.omega) if isinstance(device, Pair) else device
    held = dict.fromkeys([wiring.input], np.zeros(COUNT))
    for setting in wiring.own:
        value = np.asarray(settings.own[setting.name], float)
        if setting.path == "push":
            held["push"] = value
        else:
            device = set_leaf(device, setting.path, value)
    if isinstance(device, lg.System):
        weights = np.asarray(settings.coupling, float)
        mixes = (
            ()
            if wiring.coupling is None
            else lg.systems.DenseMix(weights, of=wiring.coupling[0], to=wiring.coupling[1])
        )
        array, state = lg.systems.SystemArray(device, COUNT, mixes), None
    else:
        array, state = lg.OscillatorArray(device, COUNT, lg.FieldCoupling(settings.coupling)), (0.6, 0.0, 0.8)
    found = []
    for given in np.asarray(input_of(settings, stage.timeline.frames.cut(image[None])), float)[:, 0]:
        drive: Any = {name: lg.drives.Constant(value + given) for name, value in held.items()}
        run: Any = simulate_quietly(
            array,
            duration=stage.timeline.hold,
            dt=stage.timeline.dt,
            m0=state,
            drive=drive if isinstance(device, lg.System) else lg.Drive(**drive),
            engine=lg.solvers.XLA(),
            stepper=lg.solvers.RK4(limit=2.5),
        )
        state = jax.tree.map(lambda part: part[-1], run.state if isinstance(device, lg.System) else run.m)
        found.append(np.stack(jax.tree.leaves(state)) if isinstance(device, lg.System) else np.asarray(state).T)
    return np.stack(found)


def last(states):
    """The states at the last read-outs, (K, components, B, N)."""
    if isinstance(states, dict):
        return np.stack([leaf[:, -1] for leaf in jax.tree.leaves(states)], axis=1)
    return np.moveaxis(np.asarray(states)[:, -1], -1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_a_chain_of_simulations(name):
    with jax.enable_x64(False):
        design, image = network_of(name, frames=lg.networks.Frames.ROWS).design(), pixels(2)
        found, expected = last(design.states(image)[0])[:, :, 1], by_hand(design, image[1])
    size = np.abs(expected).max(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(found / size, expected / size, atol=3e-5)
    assert np.ptp(found / size, axis=2).max() > 1e-3, "they differ"


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_part_are_finite_differences_on_both_engines(name):
    with jax.enable_x64(True):
        network = jax.tree.map(
            lambda leaf: leaf.astype(jnp.float64) if eqx.is_array(leaf) else leaf, network_of(name, lg.solvers.Native())
        )
        network = dataclasses.replace(network, trained=network.parts)
        images, target = pixels(2).astype(float), np.random.default_rng(1).normal(size=(2, CLASSES))

        @eqx.filter_jit
        def value_and_slope(net):
            return eqx.filter_value_and_grad(lambda net: jnp.sum(net(images) * target))(net)

        gradient = value_and_slope(network)[1]
        of_scan = value_and_slope(dataclasses.replace(network, engine=lg.solvers.XLA()))[1]
        for number, part in enumerate(network.parts):
            where = network.arrays_of(part)
            rng = np.random.default_rng(number)
            direction = [rng.normal(size=leaf.shape) for leaf in where(network)]

            def moved(h, where=where, direction=direction):
                leaves = [leaf + h * d for leaf, d in zip(where(network), direction, strict=True)]
                return float(value_and_slope(eqx.tree_at(where, network, leaves))[0])

            slope, same = (
                sum(float(jnp.sum(g * d)) for g, d in zip(where(one), direction, strict=True))
                for one in (gradient, of_scan)
            )
            h = 1e-5
            assert slope == pytest.approx((moved(h) - moved(-h)) / (2 * h), rel=1e-6, abs=1e-9), part
            assert slope == pytest.approx(same, rel=1e-9), part
            assert slope != 0, part


@pytest.mark.parametrize("name", NAMES)
def test_files_give_the_same_bits(name, tmp_path):
    network, images = network_of(name), labelled(7)
    save_network(tmp_path / "network.json", network)
    loaded: Any = load_network(tmp_path / "network.json")
    assert bits(loaded) == bits(network) and loaded.spec() == network.spec() == json.loads(json.dumps(network.spec()))
    design = network.design().with_images(images.scale, images.classes)
    save_design(tmp_path / "design.json", design)
    again = load_design(tmp_path / "design.json")
    expected = predict(network, images, batch=3).tobytes()
    assert expected == predict(loaded, images, batch=3).tobytes() == predict(again, images, batch=3).tobytes()
    tables = tables_of(design)
    assert {len(row) for table in tables.values() for row in table[1:-1]} <= {3, 6, *range(COUNT + 1, 12)}
    settings = design.stages[0].settings
    assert f"input {settings.wiring.noun}" in tables["input_gains.csv"][0][0]


def test_arrays_in_sequence_pass_on_what_is_read():
    network = network_of("own", oscillators=(COUNT, 2), readouts=2, start={"charge": 2e-15, "phase": 0.1})
    assert network.layers[1].encoder.weights.shape == (2 * 2 * COUNT, 2)
    course = courses(network.design(), pixels(1)[0], points=0)
    assert course[0].names == ("charge", "phase") and course[1].m.shape == (9, 2, 2)
    np.testing.assert_allclose(course[0].m[0], np.tile([2e-15, 0.1], (COUNT, 1)), rtol=1e-6)
    states = network.design().states(pixels(1))[1]
    np.testing.assert_allclose(course[1].m[-1, :, 1], states["phase"][0, -1, 0], rtol=1e-5)


def test_a_drawn_array_has_spread_heat_and_late_edges():
    network, images = network_of("vortex"), pixels(2)
    design, key = network.design(), jax.random.key(0)
    spread = lg.networks.Imperfections(spread=0.1).drawn(design, key).stages[0].settings
    for part, value in design.stages[0].settings.varying.items():
        assert not np.array_equal(value, spread.varying[part]) or not np.any(value), part
    assert bits(lg.networks.Imperfections().drawn(design, key)) == bits(design)
    ideal = design(images)
    hot = lg.networks.Imperfections(temperature=300.0)
    first, same, other = (np.asarray(hot.logits(hot.drawn(design, key), images, jax.random.key(n))) for n in (0, 0, 1))
    assert (first == same).all() and (first != other).all() and (first != ideal).all()
    late = lg.networks.Imperfections(rise_time=2e-10, jitter=1e-11)
    assert np.abs(late.logits(late.drawn(design, key), images, key) - ideal).max() > 1e-3
    fast = Disturbance(1e-15, jnp.full((1, 2), -1e-14, jnp.float32), None)  # over before the first step begins
    np.testing.assert_allclose(last(design.states(images, (fast,))[0]), last(design.states(images)[0]), atol=1e-5)


def test_a_bench_has_limits_by_the_unit():
    design = network_of("stack").design()
    told = [str(one) for one in excesses(design, Bench(current=1e-5, field=1e-9))]
    assert [one.split(" of array")[0] for one in told] == ["input current (worst image)", "current"]
    settings = set_on(design, Bench(current=1e-5, bits=8)).stages[0].settings
    assert settings.input_limit == 1e-5 and float(np.abs(settings.current).max()) <= 1.0001e-5
    assert settings.knobs == ("gains", "offset", "current")


class Free(lg.System):
    """A unit vector that turns round a field."""

    gamma: float = lg.quantity("rad/(T s)")
    inputs: ClassVar = {"field_x": "T", "field_y": "T"}

    def start(self):
        return {"m": lg.systems.Spin(0.0, 0.0, 1.0)}

    def rate(self, state, inputs):
        m = state["m"]
        x, y = self.gamma * inputs.field_x, self.gamma * inputs.field_y
        return {"m": lg.Vec3(m.z * y, -m.z * x, m.y * x - m.x * y)}


def test_scales_and_limits_are_those_of_the_device():
    """Of a unit vector in a field across it the natural scale is that of a turn by 1 rad: 1/(γ t)."""
    device, hold = Free(1.76e11), 0.1e-9
    made = OscillatorClassifier.create(
        device,
        shape=SHAPE,
        classes=CLASSES,
        key=jax.random.key(0),
        oscillators=COUNT,
        hold=hold,
        coupling=("m.y", "field_x"),
    )
    scales, limits = made.layers[0].scales, made.layers[0].limits
    assert scales.input == pytest.approx(1 / (device.gamma * hold), rel=1e-3)
    assert scales.input == pytest.approx(natural_field(DEVICE.replace(gamma=device.gamma), hold) / np.pi, rel=1e-3)
    assert limits == Limits(3 * scales.input, 8 * scales.coupling)
    signal = made.readout.signal
    assert signal.names == ("m.y", "m.z") and made.trained == (Part.INPUT, Part.COUPLING, Part.READOUT)
    read = np.asarray(made.design().signals(np.random.default_rng(0).random((64, *SHAPE), np.float32)))
    assert read.std(axis=(0, 1, 2)) == pytest.approx(1, abs=0.35)
    with pytest.raises(ValueError, match=r"\('m.x', 'field_x'\) changes nothing of Free, also where it is fed; couple"):
        OscillatorClassifier.create(
            device, shape=SHAPE, classes=CLASSES, key=jax.random.key(0), oscillators=COUNT, hold=hold
        )


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("vortex", {"hold": None, "dt": 1e-10}, "hold is needed for Vortex: the time in seconds for which a frame"),
        ("vortex", {"input": "heat"}, "input = 'heat' is nothing of Vortex, expected one of its terminals (current, "),
        ("vortex", {"settings": {"Ms": (0, 1)}}, "settings = 'Ms' is nothing of Vortex, expected one of its"),
        ("vortex", {"settings": {"D": (1, 0)}}, "the limits of D are (1, 0), expected two numbers (low, high)"),
        ("vortex", {"coupling": ("phase", "field_x")}, "coupling = ('phase', 'field_x'): Vortex emits x, y, m, resist"),
        ("vortex", {"coupling": ("x", "push")}, "coupling = ('x', 'push'): Vortex receives 'push', which is no input"),
        ("vortex", {"signal": "free.x"}, "signal = 'free.x': there is none of this name of Vortex; it has resistance"),
        (
            "vortex",
            {"signal": lg.networks.Signal.X},
            "signal = Signal.X, which is an Oscillator's; name what is read of Vortex",
        ),
        ("vortex", {"trained": (Part.FIELD,)}, "trained has 'field', which this network has not; it has input, coupl"),
        ("vortex", {"start": (0.1, 0.0)}, "start = (0.1, 0.0), expected the components of Vortex by name: x, y"),
        ("vortex", {"limits": Limits(1.0, 1.0, (0, 1))}, "limits of field and current are an Oscillator's; those of V"),
        ("vortex", {"unit": -1.0}, "unit = -1.0 T, expected a positive field"),
        ("oscillator by current", {"settings": {"H_k": (0, 1)}}, "settings are for a System; an Oscillator has field"),
        ("oscillator by current", {"coupling": ("m_z", "field_x")}, "coupling = ('m_z', 'field_x'), expected ('m_x'"),
        ("oscillator by current", {"signal": "y"}, "signal = 'y', expected one of an Oscillator: magnetisation, x, v"),
    ],
)
def test_what_does_not_fit_together_is_refused(name, options, sentence):
    with pytest.raises(ValueError) as error:
        network_of(name, **options)
    assert str(error.value).startswith(sentence)


def test_an_input_that_no_drive_reaches_has_no_edges_and_a_device_without_heat_none():
    fed = network_of("vortex", input="kappa", coupling=False, unit=1e-4, settings={})
    assert np.isfinite(fed(pixels(2))).all()
    with pytest.raises(ValueError, match="the input is the value 'kappa' of Vortex, which no drive can change"):
        lg.networks.Imperfections(rise_time=1e-11).logits(fed.design(), pixels(2), jax.random.key(0))
    with pytest.raises(ValueError, match="temperature = 300 K: AmplitudeModel has no temperature; its own noise"):
        lg.networks.Imperfections(temperature=300.0).drawn(network_of("amplitude model").design(), jax.random.key(0))


def test_a_terminal_that_moves_nothing_is_refused():
    with pytest.raises(
        ValueError, match="nothing of Pair changes with 'idle' where it starts; feed another terminal, or"
    ):
        network_of("own", unit=None, input="idle", settings=None, coupling=False)
