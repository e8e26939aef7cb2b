"""The record of a stack: its card, files, changes, signals, drives, fits, arrays, and what is refused in a sentence."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics.couplings import BARRIER, FREE, HARD, STACK

import llgrad as lg
from llgrad.core.units import read_quantity

EXCHANGE = lg.stacks.InterlayerExchange(("hard", "free"), J1=-1e-4)
PLAIN = lg.Stack((HARD, FREE), EXCHANGE, barriers=BARRIER)
THREE = lg.Stack(
    (HARD.replace(name="bottom", fixed=True), HARD, FREE),
    EXCHANGE,
    barriers=[BARRIER, lg.stacks.Barrier(("bottom", "hard"), lg.devices.LinearJunction(R_P=50.0, delta_R=5.0))],
)
RUN = {"duration": 40e-12, "dt": 1e-12}


@pytest.mark.parametrize("ending", ["json", "toml"])
def test_a_stack_comes_back_from_a_file(ending, tmp_path):
    lg.save_device(tmp_path / f"stack.{ending}", THREE)
    found = lg.systems.load_system(tmp_path / f"stack.{ending}", lg.Stack)
    assert jax.tree.structure(found) == jax.tree.structure(THREE)
    np.testing.assert_array_equal(jax.tree.leaves(found), jax.tree.leaves(THREE))


def test_it_prints_as_a_card_with_units():
    lines = str(STACK).splitlines()
    for words in ("layers.1.name .* free", "layers.1.thickness .* 2 nm", "couplings.0.between .* free, hard",
                  "couplings.0.J1 .* -200 µJ/m²", "barriers.0.junction.R_P .* 1 kΩ"):  # fmt: skip
        first, last = words.split(" .* ")
        assert any(first in line and last in line for line in lines), words


def test_quantities_are_read_with_their_units():
    assert read_quantity("-0.3mJ/m2", "J/m²") == pytest.approx(-3e-4) == read_quantity("-0.3 erg/cm²", "J/m²")


def test_a_layer_is_changed_by_its_name():
    changed = STACK.with_layer("free", H_k=0.5)
    assert changed.layer("free").H_k == 0.5 and changed.layer("hard") == STACK.layer("hard")
    assert STACK.layer("free").H_k == FREE.H_k and changed.place("free") == 1
    with pytest.raises(ValueError, match="no layer 'top'; the layers are hard, free"):
        STACK.with_layer("top", H_k=0.5)


def test_temperature_zero_is_none():
    assert PLAIN.replace(temperature=0.0) == PLAIN and PLAIN.noises == 0
    hot = PLAIN.replace(temperature=300.0)
    assert hot.noises == 6 and THREE.replace(temperature=4.0).noises == 6
    with pytest.raises(ValueError, match="Stack has noise, which needs random numbers; give key"):
        lg.simulate(hot, **RUN)
    shaken = lg.simulate(hot, key=jax.random.key(1), stepper=lg.solvers.Heun(), **RUN)
    still = lg.simulate(PLAIN, stepper=lg.solvers.Heun(), **RUN)
    assert np.abs(shaken.free.stack() - still.free.stack()).max() > 1e-4


def test_signals_of_one_barrier_and_of_several():
    run = lg.simulate(PLAIN.replace(current=1e-3), **RUN)
    assert run.signals[:2] == ("resistance", "voltage")
    cosine = run.free.dot(run.hard)
    np.testing.assert_allclose(run.signal("resistance").values, BARRIER.junction.resistance(cosine), rtol=1e-13)
    np.testing.assert_allclose(run.signal("voltage").values, 1e-3 * run.signal("resistance").values, rtol=1e-13)
    run = lg.simulate(THREE, **RUN)
    each = [run.signal(f"resistance.{pair}").values for pair in ("hard.free", "bottom.hard")]
    np.testing.assert_allclose(run.signal("resistance").values, sum(each), rtol=1e-13)
    assert lg.simulate(PLAIN.replace(barriers=()), **RUN).signals[0] == "free.x"


def test_drives_of_current_and_field_by_a_drive_or_by_name():
    waves = {"current": lg.Sine(2e-4, frequency=5e9), "field_y": lg.drives.Constant(0.02)}
    one = lg.simulate(STACK, drive=lg.Drive(**waves), **RUN)
    other = lg.simulate(STACK, drive=waves, **RUN)
    np.testing.assert_array_equal(one.free.x, other.free.x)
    moved = STACK.replace(field=STACK.field + lg.Vec3(0.0, 0.02, 0.0))
    steady = lg.simulate(moved, drive=lg.Drive(current=waves["current"]), **RUN)
    np.testing.assert_allclose(one.free.x, steady.free.x, atol=1e-13)
    assert np.abs(one.free.x - lg.simulate(STACK, **RUN).free.x).max() > 1e-4


def test_engines_agree_with_a_temperature_and_a_drive():
    hot = STACK.replace(temperature=300.0)
    options = {"key": jax.random.key(2), "drive": lg.Drive(current=lg.Sine(2e-4, frequency=5e9))} | RUN
    runs = [lg.simulate(hot, engine=engine, **options) for engine in (lg.solvers.Native(), lg.solvers.XLA())]
    assert runs[0].stats.engine == "native"
    for mine, other in zip(*(jax.tree.leaves(run.state) for run in runs), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-12)


def test_the_step_is_chosen_from_the_fastest_turning():
    run = lg.simulate(STACK, duration=50e-12)
    fine = lg.simulate(STACK, duration=50e-12, dt=run.stats.dt / 4)
    assert 0.05e-12 < run.stats.dt < 0.5e-12
    assert np.abs(run.free.stack()[-1] - fine.free.stack()[-1]).max() < 1e-5
    stiff = STACK.replace(couplings=(lg.stacks.InterlayerExchange(("hard", "free"), J1=-5e-3),))
    assert stiff.fastest() > 3 * STACK.fastest()
    accurate = lg.simulate(STACK, duration=50e-12, accuracy=1e-8)
    assert np.abs(accurate.free.stack()[-1] - fine.free.stack()[-1]).max() < 1e-6


def test_many_stacks_at_once():
    def end(J1):
        stack = PLAIN.replace(couplings=(EXCHANGE.replace(J1=J1),))
        return lg.simulate(stack, save=lg.End(), **RUN).free.x[-1]

    values = jnp.array([-1e-4, 0.0, 2e-4])
    np.testing.assert_allclose(jax.vmap(end)(values), [end(value) for value in values], rtol=1e-12)


def test_an_exchange_is_found_from_a_resistance():
    begun = PLAIN.replace(couplings=(EXCHANGE.replace(J1=-0.8e-4),))
    run = lg.simulate(PLAIN, duration=0.2e-9, dt=1e-12, save=lg.Every(4)).signal("resistance")
    start = {"free": lg.systems.Spin(*jax.tree.leaves(FREE.m)), "hard": lg.systems.Spin(*jax.tree.leaves(HARD.m))}
    trace = lg.Trace(run.t, {"resistance": run.values}, units={"resistance": "Ω"})
    result = lg.fit(begun, trace, free=["couplings.0.J1"], m0=start, dt=1e-12)
    assert result.values["couplings.0.J1"] == pytest.approx(-1e-4, rel=1e-6)


def test_stacks_in_an_array_feel_the_field_of_each_other():
    weights = 0.01 * (np.ones((2, 2)) - np.eye(2))
    array = lg.systems.SystemArray(PLAIN, 2, lg.systems.DenseMix(weights, of="free", to="field"))
    coupled, apart = lg.simulate(array, **RUN), lg.simulate(PLAIN, **RUN)
    assert coupled.free.x.shape == (41, 2)
    assert np.abs(coupled.free.x - apart.free.x[:, None]).max() > 1e-5


class Nothing(lg.stacks.LayerCoupling):
    on: str = eqx.field(static=True)

    @property
    def names(self):
        return (self.on,)

    def fields(self, layers, m, inputs):
        return {}


def stack(**changes):
    return dataclasses.replace(PLAIN, **changes)


CONTROLLED = FREE.replace(terms=(lg.physics.VoltageControlledAnisotropy(per_volt=0.1),))
SELF = lg.stacks.prism_tensor((6e-8, 4e-8, 2e-9), (6e-8, 4e-8, 2e-9), (0, 0, 0))
REFUSED = {
    "a layer that is not there": (
        lambda: stack(couplings=lg.stacks.InterlayerExchange(("free", "top"), 1e-4)),
        "InterlayerExchange between 'free' and 'top': there is no layer 'top'; the layers are hard, free",
    ),
    "a barrier to nowhere": (
        lambda: stack(barriers=lg.stacks.Barrier(("free", "top"), BARRIER.junction)),
        "Barrier between 'free' and 'top': there is no layer 'top'",
    ),
    "a coupling of one's own": (lambda: stack(couplings=Nothing("top")), "Nothing between 'top': there is no layer"),
    "a layer by itself": (
        lambda: lg.stacks.InterlayerExchange(("free", "free"), 1e-4),
        "expected the names of two layers",
    ),
    "a name": (lambda: lg.stacks.InterlayerExchange("free", 1e-4), "expected the names of two layers"),
    "a trace of one body": (
        lambda: lg.stacks.StrayField.from_tensor(("free", "hard"), SELF),
        "StrayField between 'free' and 'hard' has the trace 1, expected 0",
    ),
    "no symmetry": (
        lambda: lg.stacks.StrayField.from_tensor(("free", "hard"), [[1, 1, 0], [0, -1, 0], [0, 0, 0]]),
        "expected a symmetric one",
    ),
    "no free layer": (
        lambda: stack(layers=[HARD.replace(fixed=True), FREE.replace(fixed=True)]),
        "no free layer, so that nothing moves",
    ),
    "a fixed layer without direction": (
        lambda: FREE.replace(m=None, fixed=True),
        "layer 'free' is fixed, and its direction is not known; give m",
    ),
    "two of one name": (lambda: stack(layers=(FREE, FREE)), "two layers have the name 'free'"),
    "a name with a dot": (lambda: FREE.replace(name="free.1"), "expected a word such as 'free', without dots"),
    "nanometres": (
        lambda: FREE.replace(thickness=2.0),
        "layer 'free': thickness = 2 m is out of range .* did you mean",
    ),
    "tesla for A/m": (lambda: FREE.replace(Ms=1.4), "layer 'free': Ms = 1.4 A/m .* in tesla"),
    "mJ/m²": (
        lambda: lg.stacks.InterlayerExchange(("free", "hard"), -0.3),
        "J1 = -300 mJ/m² is out of range .* 1 erg/cm² = 1 mJ/m², so",
    ),
    "negative damping": (lambda: FREE.replace(alpha=-0.1), "damping cannot be negative"),
    "no unit vector": (lambda: FREE.replace(m=(1, 1, 0)), "layer 'free': m = .* expected a unit vector"),
    "ampere for mA": (lambda: stack(current=2.5), "Stack: current = 2.5 A is out of range .* did you mean 2.5 mA"),
    "a device for a layer": (
        lambda: stack(layers=(lg.presets.kubota2013(),)),
        "Stack: layers holds Oscillator, expected Layers",
    ),
    "a coupling of arrays": (
        lambda: stack(couplings=(lg.FieldCoupling(np.zeros((2, 2))),)),
        "Stack: couplings holds FieldCoupling, expected LayerCouplings",
    ),
    "a junction for a barrier": (lambda: stack(barriers=BARRIER.junction), "expected Barriers"),
    "a barrier without law": (lambda: lg.stacks.Barrier(("free", "hard"), 1e3), "expected a law of the resistance"),
    "a drive of a voltage without a barrier": (
        lambda: lg.simulate(stack(barriers=()), drive={"voltage": lg.Sine(0.1, frequency=1e9)}, **RUN),
        "drive has 'voltage', which is no input of Stack; it has current, field_x",
    ),
    "a current of no heavy metal": (
        lambda: lg.simulate(PLAIN, drive={"heavy_metal_current": lg.Sine(1e-3, frequency=1e9)}, **RUN),
        "drive has 'heavy_metal_current', which is no input of Stack; it has .* voltage",
    ),
    "a direct voltage without a barrier": (
        lambda: stack(barriers=(), voltage=0.5),
        "this stack has a voltage and no barrier for it",
    ),
    "voltage control without a barrier": (
        lambda: stack(barriers=(), layers=(HARD, CONTROLLED)),
        "VoltageControlledAnisotropy of 'free' follows the voltage of one barrier there, and the stack has none",
    ),
    "a torque by the voltage of no barrier": (
        lambda: stack(barriers=(), couplings=lg.stacks.SpinTorque("free", "hard", field_like_per_volt=0.1)),
        "SpinTorque of 'free' and 'hard' follows the voltage of one barrier",
    ),
    "voltage control without a junction": (
        lambda: lg.presets.kubota2013().replace(terms=CONTROLLED.terms),
        "a term of this device follows the voltage across its junction, and it has none",
    ),
    "a voltage without a barrier": (
        lambda: lg.simulate(stack(barriers=()), **RUN).signal("voltage"),
        "no signal 'voltage'; it has free.x",
    ),
    "per cent": (
        lambda: lg.stacks.SpinTorque("free", "hard", polarization=50.0),
        "SpinTorque: polarization = 50 .* per cent",
    ),
    "a term that is none": (lambda: FREE.replace(terms=(3,)), "terms holds int, expected field terms"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_together_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
