"""Laws of every preset: it says where its numbers were read, goes to a file and back, and knows what it is; and what
of its source's results each reproduces."""

import inspect
import math

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import BOLTZMANN, ELEMENTARY_CHARGE, GAMMA_ELECTRON, HBAR, MU_0
from llgrad.core.field_term import Inputs
from llgrad.physics.presets.files import read_device
from llgrad.physics.slonczewski import torque_per_ampere
from llgrad.presets import PRESETS


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_goes_to_a_file_and_back(name, ending, tmp_path):
    device = lg.presets.load(name)
    lg.save_device(tmp_path / f"a.{ending}", device)
    found = lg.load_device(tmp_path / f"a.{ending}")
    assert type(found) is type(device) and jax.tree.structure(found) == jax.tree.structure(device)
    np.testing.assert_array_equal(jax.tree.leaves(found), jax.tree.leaves(device))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_function_of_its_name_with_a_source(name):
    preset = PRESETS[name]
    assert getattr(lg.presets, name) is preset.make and preset.make.__name__ == name
    assert preset.kind and preset.source and isinstance(preset.make(), lg.Oscillator | lg.System)
    first, _, rest = inspect.getdoc(preset.make).partition("\n\n")
    assert first.endswith(".") and rest, "one sentence on what it is, then its source and numbers"
    assert "eproduced:" in rest, "what of its source's results it gives, or that it gives none"
    paper, _, read = preset.source.partition(", read in ")
    assert paper.partition(" (")[0] in rest.replace("\n", " ") and read in rest, "the table's source is told there"


def test_the_area_of_a_stack_is_that_of_its_layers(tmp_path):
    size = {"Ms": 1.0e6, "thickness": 3e-9}
    layers = [lg.Layer("a", area=1e-14, **size), lg.Layer("b", area=1e-14, **size)]
    lg.save_device(tmp_path / "one.json", lg.Stack(layers=layers))
    lg.save_device(tmp_path / "two.json", lg.Stack(layers=[layers[0], layers[1].replace(area=2e-14)]))
    assert read_device(tmp_path / "one.json")[1] == 1e-14
    assert read_device(tmp_path / "two.json")[1] is None
    (tmp_path / "dense.toml").write_text(
        'type = "Stack"\ncurrent = "1e10A/m2"\n[[layers]]\ntype = "Layer"\nname = "a"\nMs = "1MA/m"\n'
        'thickness = "3nm"\narea = "10000nm2"\n'
    )
    assert lg.load_device(tmp_path / "dense.toml").current == pytest.approx(1e-4)


def test_a_class_of_ones_own_does_not_take_the_place_of_llgrads(tmp_path):
    class Stack(lg.System):
        def start(self):
            return {"x": 1.0}

        def rate(self, state, inputs):
            return {"x": 0.0}

    stack = lg.Stack(layers=lg.Layer("a", Ms=1e6, thickness=3e-9, area=1e-14))
    lg.save_device(tmp_path / "a.json", stack)
    assert type(lg.load_device(tmp_path / "a.json")) is lg.Stack and not hasattr(Stack, "layers")


def linear_modes(stack: lg.Stack) -> np.ndarray:
    """Eigenvalues [rad/s] of a stack of two free layers about the states along ±x in which it starts."""
    start = stack.start()

    def rate(across: jax.Array) -> jax.Array:
        y = {name: lg.Vec3(m.x, *across[2 * k : 2 * k + 2]) for k, (name, m) in enumerate(start.items())}
        found = stack.rate(y, Inputs(0.0, (), dict.fromkeys(stack.inputs, 0.0)))
        return jax.numpy.stack([part for name in start for part in (found[name].y, found[name].z)])

    return np.linalg.eigvals(np.asarray(jax.jacfwd(rate)(jax.numpy.zeros(4))))


def test_cheng2016_has_the_resonances_and_the_threshold_of_its_source():
    """PRL 116, 207603: ω = ω_E √((ω_⊥ + 2ω_∥ ± ω_⊥)/ω_E − α²) (Fig. 1), ω_s = √(ω_⊥²/4 + α² (2ω_∥ + ω_⊥) ω_E) (eq. 3),
    both to first order in the anisotropies over ω_E."""
    w_E, across, along, alpha, unit = 27.4, 0.023, 0.001, 0.0068, 2 * math.pi * 1e12
    stack = lg.presets.cheng2016()
    low, high = (w_E * math.sqrt((across + 2 * along + sign * across) / w_E - alpha**2) for sign in (-1, 1))
    modes = np.sort(np.abs(linear_modes(stack).imag))[::2] / unit
    assert modes == pytest.approx([low, high], rel=1e-3)
    assert [low, high] == pytest.approx([0.1417, 1.1316], rel=1e-3)
    threshold = math.sqrt(across**2 / 4 + alpha**2 * (2 * along + across) * w_E) * unit / GAMMA_ELECTRON
    for part, grows in ((0.998, False), (1.002, True)):
        layers = [
            one.replace(terms=(one.terms[0], one.terms[1].replace(current=part * threshold))) for one in stack.layers
        ]
        found = linear_modes(stack.replace(layers=tuple(layers)))
        assert (found.real.max() > 0) == grows
        assert low < 0.82 < abs(found[found.real.argmax()].imag) / unit < 0.84 < high, "between the modes (abstract)"


@pytest.mark.parametrize(("beyond", "saturated"), [(-2e-3, False), (2e-3, True)])
def test_lepadatu2020_saturates_where_exchange_and_anisotropy_say(beyond, saturated):
    stack = lg.presets.lepadatu2020()
    moments = [one.Ms * one.thickness for one in stack.layers]
    saturation = 1e-3 * sum(1 / moment for moment in moments) + 2 * 3.7e3 / 1.3e6
    assert saturation == pytest.approx(0.42793, abs=1e-5)
    tilted = {"lower": lg.Vec3(0.6, 0.8, 0.0), "upper": lg.Vec3(-0.6, 0.8, 0.0)}
    for name, m in tilted.items():
        stack = stack.with_layer(name, alpha=0.5, m=m)
    run = lg.simulate(stack.replace(field=(0.0, saturation + beyond, 0.0)), duration=60e-9, dt=4e-12, save=lg.End())
    assert (min(run.lower.y[-1], run.upper.y[-1]) > 1 - 1e-6) == saturated


def ends_of_zhang2020(current: float, voltage: float, duration: float) -> float:
    """m_z of the free layer after a time under a current in the strip and a voltage, then 3 ns with neither."""
    stack = lg.presets.zhang2020()
    strip, gate = stack.layer("free").terms
    start = lg.direction(0.02, 0.4)
    driven = stack.with_layer("free", terms=(strip.replace(current=current), gate), m=start).replace(voltage=voltage)
    end = lg.simulate(driven, duration=duration, dt=2e-12, save=lg.End()).state
    return float(
        lg.simulate(stack, duration=3e-9, dt=2e-12, m0=jax.tree.map(lambda c: c[-1], end), save=lg.End()).free.z[-1]
    )


@pytest.mark.parametrize(
    ("current", "voltage", "duration", "switches"),
    [
        (-85e-6, 0.0, 2e-9, False),
        (-95e-6, 0.0, 2e-9, True),
        (-6.2619e-6, 1.3, 25e-9, False),
        (-6.2619e-6, 1.333, 25e-9, True),
    ],
)
def test_zhang2020_switches_where_its_source_does(current, voltage, duration, switches):
    """IEEE Access 8, 50792, Figs. 3a and 5c, as the reproduction of it has them."""
    assert (ends_of_zhang2020(current, voltage, duration) < 0) == switches


def test_zhang2020_has_no_anisotropy_at_1_4937_V():
    free = lg.presets.zhang2020().layer("free")
    left = free.H_k - MU_0 * free.Ms * (free.demag.z - free.demag.x)
    assert -left / free.terms[1].per_volt == pytest.approx(1.4937, abs=1e-4)


def test_garcia2021_is_turned_over_by_its_current_and_has_the_threshold_of_linear_theory():
    cell, start = lg.presets.garcia2021(), lg.direction(0.1, 0.7854)
    assert lg.simulate(cell, duration=15e-9, dt=2e-12, m0=start, save=lg.End()).mz[-1] < -0.99
    still = cell.H_k - MU_0 * cell.Ms * (cell.demag.z - cell.demag.x)
    threshold = cell.alpha * still / torque_per_ampere(0.75, cell.Ms, cell.volume)
    assert threshold == pytest.approx(27.8e-6, rel=1e-3)
    for part, grows in ((0.98, False), (1.02, True)):
        near = cell.replace(current=part * threshold)
        run = lg.simulate(near, duration=15e-9, dt=2e-12, m0=lg.direction(0.01, 0.0), save=lg.End())
        assert (run.mz[-1] < math.cos(0.01)) == grows


def test_guslienko2014():
    """Thresholds by thickness, and how fast the square of the orbit's radius returns at 1.5 times the threshold."""
    vortex = lg.presets.guslienko2014()
    assert vortex.current == pytest.approx(1.06 * vortex.threshold, rel=5e-3)
    disk = {"radius": 100e-9, "Ms": 800e3, "exchange": 1e-11, "alpha": 0.01, "polarization": 0.2}
    thresholds = [lg.systems.Vortex.from_disk(**disk, thickness=t).threshold for t in (5e-9, 7e-9, 10e-9)]
    assert [found / thresholds[0] for found in thresholds] == pytest.approx([1, 1.78, 3.32], abs=0.01)
    printed = [2.7, 5.0, 10.2]  # at which the core turns over in the simulations, MA/cm²
    ratios = [at * 1e10 * math.pi * 1e-14 / found for at, found in zip(printed, thresholds, strict=True)]
    assert np.std(ratios) / np.mean(ratios) < 0.06
    damping = 2 * math.pi * vortex.replace(current=0.0).frequency_at_rest * vortex.D / vortex.G
    assert 20e-9 < 1 / (2 * damping * 0.5) < 30e-9


def test_camsari2017_is_held_by_ten_thermal_spin_currents():
    """PRX 7, 031014: β (eq. 5), I_th (eq. 6), Fig. 3e; and Langevin's function of 2 I_s/I_th where no field acts, which
    the Fokker–Planck equation in one coordinate gives and in which no volume is left."""
    bit = lg.presets.camsari2017()
    free, size = bit.layer("free"), 15e-9**2 * math.pi / 4 * 0.5e-9
    thermal = 4 * ELEMENTARY_CHARGE * 0.1 * BOLTZMANN * 300 / HBAR
    assert thermal == pytest.approx(2.5e-6, rel=0.01)
    gain = free.terms[0].per_ampere * 2 * ELEMENTARY_CHARGE * 300e3 * size / HBAR
    assert gain == pytest.approx(1.37, abs=0.005) and 1 / bit.resistance(
        {"free": lg.Vec3(0.0, 1.0, 0.0)}
    ) == pytest.approx(176e-6)
    for demag, part, expected in (((1.0, 0.0, 0.0), 10, None), ((0.0, 0.0, 0.0), 1, 1 / math.tanh(2) - 1 / 2)):
        held = free.terms[0].replace(current=part * thermal / gain)
        many = lg.systems.SystemArray(bit.with_layer("free", terms=(held,), demag=demag), 2000)
        run = lg.simulate(many, duration=1.6e-9, dt=1e-12, key=jax.random.key(0), save=lg.Every(100))
        means = np.asarray(run.free.z)[8:].mean(axis=0)
        if expected is None:
            assert 0.9 < means.mean() < 0.95
        else:
            assert abs(means.mean() - expected) < 3 * means.std() / math.sqrt(2000)


@pytest.mark.parametrize(("millivolts", "omega"), [(68, 12.357), (80, 13.683), (90, 14.242), (100, 14.102)])
def test_mcgoldrick2022_has_the_frequencies_of_its_sources_table(millivolts, omega):
    """`wg_vs_vdc.tbl` of the model with PR Appl. 17, 014006 [rad/ns]; the strip has 200 Ω."""
    stack = lg.presets.mcgoldrick2022()
    strip = stack.layer("free").terms[0].replace(current=millivolts * 1e-3 / 200)
    run = lg.simulate(stack.with_layer("free", terms=(strip,)), duration=60e-9, dt=4e-12, save=lg.Every(5))
    z, t = np.asarray(run.free.z), np.asarray(run.t)
    up = np.flatnonzero((z[:-1] < 0) & (z[1:] >= 0))
    times = t[up] - z[up] * (t[up + 1] - t[up]) / (z[up + 1] - z[up])
    late = times[times > 40e-9]
    assert 2e-9 * math.pi * (len(late) - 1) / (late[-1] - late[0]) == pytest.approx(omega, rel=0.018)
