"""Stacks whose fields, frequencies and equilibria are known exactly."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics.couplings import STACK, energy_of

import llgrad as lg
from llgrad.core.constants import BOLTZMANN, GAMMA_ELECTRON
from llgrad.orbits.equilibria.energy import energies, has_energy, moment_of
from llgrad.orbits.flow import flow_of

B_E, B_A = 2.0, 0.3
Z, MINUS_Z = lg.systems.Spin(0.0, 0.0, 1.0), lg.systems.Spin(0.0, 0.0, -1.0)


def antiferromagnet(field, alpha=0.0):
    """Two sublattices with the exchange field B_E and the easy axis z, by themselves."""
    parts = {"Ms": 4e5, "thickness": 2e-9, "area": 1e-15, "alpha": alpha, "H_k": B_A, "demag": (0.0, 0.0, 0.0)}
    layers = lg.Layer("a", m=(0, 0, 1), **parts), lg.Layer("b", m=(0, 0, -1), **parts)
    return lg.Stack(layers, lg.stacks.InterlayerExchange(("a", "b"), J1=-B_E * 4e5 * 2e-9), field=(0.0, 0.0, field))


def growth(stack, state):
    """The largest growth rate [1/ns] of deviations from a state at rest."""
    found = lg.orbits.resonance(stack, state)
    assert np.abs(np.array(jax.tree.leaves(found.state)) - jax.tree.leaves(state)).max() < 1e-9
    return np.linalg.eigvals(found.matrix).real.max()


def test_antiferromagnetic_resonance():
    """ω = γ (√(B_A (2 B_E + B_A)) ± B): C. Kittel, Phys. Rev. 82, 565 (1951)."""
    found = lg.orbits.resonance(antiferromagnet(0.2), {"a": Z, "b": MINUS_Z}).modes.frequencies
    gap = math.sqrt(B_A * (2 * B_E + B_A))
    expected = GAMMA_ELECTRON / math.tau * np.array([gap - 0.2, gap + 0.2])
    assert np.sort(found) == pytest.approx(expected, rel=1e-9)


def test_the_antiferromagnetic_state_is_stable_up_to_its_softening():
    edge = math.sqrt(B_A * (2 * B_E + B_A))
    state = {"a": Z, "b": MINUS_Z}
    assert (
        growth(antiferromagnet(edge * (1 - 1e-6), 0.01), state)
        < 0
        < growth(antiferromagnet(edge * (1 + 1e-6), 0.01), state)
    )


def test_the_energies_cross_at_the_flop_field():
    """√(B_A (2 B_E − B_A)); the flopped state is at cosθ = B/(2 B_E − B_A) from the axis, and at rest there."""

    def difference(field):
        stack = antiferromagnet(field)
        c = field / (2 * B_E - B_A)
        s = math.sqrt(1 - c * c)
        flopped = {"a": lg.systems.Spin(s, 0.0, c), "b": lg.systems.Spin(-s, 0.0, c)}
        rates = stack.rate(flopped, STILL)
        assert max(abs(float(x)) for x in jax.tree.leaves(rates)) < 1e-3 * GAMMA_ELECTRON * 1e-9
        return float(_energy(stack, flopped) - _energy(stack, {"a": Z, "b": MINUS_Z}))

    crossing = math.sqrt(B_A * (2 * B_E - B_A))
    assert difference(crossing * (1 + 1e-9)) < 0 < difference(crossing * (1 - 1e-9))


def _energy(stack, m):
    """Energy of two sublattices [J], written out."""
    a, b, layer = m["a"], m["b"], stack.layers[0]
    own = -sum(layer.H_k / 2 * v.z**2 + stack.field.z * v.z for v in (a, b)) * layer.Ms * layer.volume
    return own - layer.area * stack.couplings[0].J1 * a.dot(b)


STILL = lg.systems.Inputs(0.0, (), {"current": 0.0, "field_x": 0.0, "field_y": 0.0, "field_z": 0.0, "voltage": 0.0})


def synthetic(field, J1, J2, second):
    """A synthetic antiferromagnet of two films without anisotropy in a field along x."""
    first = {"Ms": 1.1e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.05}
    layers = lg.Layer("lower", m=(1, 0, 0), **first), lg.Layer("upper", m=(1, 0, 0), **first | second)
    return lg.Stack(layers, lg.stacks.InterlayerExchange(("lower", "upper"), J1, J2), field=(field, 0.0, 0.0))


@pytest.mark.parametrize(
    ("J1", "J2", "second", "saturation"),
    [
        (-4e-4, -1e-4, {}, (2 * 4e-4 + 4 * 1e-4) / (1.1e6 * 3e-9)),
        (-4e-4, 0.0, {"Ms": 0.8e6, "thickness": 2e-9}, 4e-4 * (1 / (1.1e6 * 3e-9) + 1 / (0.8e6 * 2e-9))),
    ],
)
def test_the_saturation_field_of_a_synthetic_antiferromagnet(J1, J2, second, saturation):
    """(2|J₁| + 4|J₂|)/(Ms t) of equal layers, |J₁| Σ 1/(Ms_i t_i) of unequal ones: M. T. Johnson et al., Phys. Rev.
    Lett. 69, 969 (1992). Above it the saturated state is stable, and below it no more; just below it a run leaves it by
    the angle that the energy has its least at."""
    state = {"lower": lg.systems.Spin(1.0, 0.0, 0.0), "upper": lg.systems.Spin(1.0, 0.0, 0.0)}
    above, below = (synthetic(saturation * factor, J1, J2, second) for factor in (1 + 1e-6, 1 - 1e-6))
    assert growth(above, state) < 0 < growth(below, state)


def test_the_remanence_of_equal_layers_follows_the_field():
    """Without anisotropy and J₂ the layers of a synthetic antiferromagnet turn with cosθ = B/B_s."""
    stack = synthetic(0.1, -4e-4, 0.0, {}).with_layer("lower", m=(0, 1, 0)).with_layer("upper", m=(0, -1, 0))
    run = lg.simulate(stack, duration=20e-9, dt=4e-12, save=lg.End())
    expected = 0.1 / (2 * 4e-4 / (1.1e6 * 3e-9))
    assert float(run.lower.x[-1]) == pytest.approx(expected, abs=1e-6) == float(run.upper.x[-1])


def smit_beljers(stack, state):
    """Frequencies [Hz] of a stack without damping from the second derivatives of its energy in polar angles.

    sinθ dθ/dt = −γ/(Ms V) ∂E/∂φ, sinθ dφ/dt = γ/(Ms V) ∂E/∂θ: J. Smit, H. G. Beljers, Philips Res. Rep. 10, 113
    (1955), for two layers.
    """
    names = [layer.name for layer in stack.layers]

    def energy(angles):
        return energy_of(stack, {name: lg.direction(*angles[2 * k : 2 * k + 2]) for k, name in enumerate(names)})

    m = [np.array([float(c) for c in (v.x, v.y, v.z)]) for v in (state[name] for name in names)]
    angles = jnp.array([angle for v in m for angle in (math.acos(v[2]), math.atan2(v[1], v[0]))])
    scale = 1e20
    hessian = np.asarray(jax.hessian(lambda a: scale * energy(a))(angles)) / scale
    matrix = np.zeros((4, 4))
    for k, layer in enumerate(stack.layers):
        factor = layer.gamma / (layer.Ms * layer.volume * math.sin(angles[2 * k]))
        matrix[2 * k], matrix[2 * k + 1] = -factor * hessian[2 * k + 1], factor * hessian[2 * k]
    return np.sort(np.linalg.eigvals(matrix).imag)[2:] / math.tau


def test_the_modes_of_two_layers_are_those_of_smit_and_beljers():
    """Every coupling with an energy, anisotropies, an oblique field: eigenvalues of the exact Jacobian, to 1e-9."""
    damped = STACK.replace(current=0.0, field=(0.3, 0.1, 0.2))
    near = lg.simulate(damped, duration=20e-9, dt=1e-12, save=lg.End()).state
    still = damped.with_layer("free", alpha=0.0).with_layer("hard", alpha=0.0)
    found = lg.orbits.resonance(still, jax.tree.map(lambda leaf: float(leaf[-1]), near))
    assert abs(found.state["free"].z) < 0.99
    assert np.sort(found.modes.frequencies) == pytest.approx(smit_beljers(still, found.state), rel=1e-9)


def test_the_energies_of_states_are_those_of_the_formulas(rng):
    """What `lg.equilibria` tells, by the work of the field; with a current through the layers there is no energy."""
    states = rng.normal(size=(6, 2, 3))
    states = (states / np.linalg.norm(states, axis=2, keepdims=True)).reshape(6, 6)
    still = STACK.replace(current=0.0)
    flow = flow_of(still)
    assert has_energy(flow, moment_of(still), states) and not has_energy(flow_of(STACK), moment_of(STACK), states)
    named = [{"free": lg.Vec3(*y[:3]), "hard": lg.Vec3(*y[3:])} for y in states]
    exact = np.array([float(energy_of(still, m)) for m in named])
    assert np.asarray(energies(flow, 1.0, jnp.asarray(states))) == pytest.approx(exact - exact[0], rel=1e-9)


def test_two_coupled_layers_come_to_thermal_equilibrium():
    """⟨m₁·m₂⟩ = coth ξ − 1/ξ, ξ = J₁ area/(k_B T): Boltzmann's law of E = −area J₁ m₁·m₂, whatever the moments."""
    J1, area, T = 3e-5, 2.8e-16, 300.0
    film = {"area": area, "alpha": 0.3, "demag": (0.0, 0.0, 0.0)}
    layers = lg.Layer("a", 1e6, 1e-9, **film), lg.Layer("b", 0.5e6, 1.5e-9, **film)
    stack = lg.Stack(layers, lg.stacks.InterlayerExchange(("a", "b"), J1), temperature=T)

    @jax.jit
    @jax.vmap
    def end(key):
        run = lg.simulate(stack, duration=4e-9, dt=2e-12, key=key, save=lg.End())
        a, b = run.a.stack()[-1], run.b.stack()[-1]
        return a @ b, a[2] ** 2

    cosines, squares = map(np.asarray, end(jax.random.split(jax.random.key(7), 2000)))
    xi = J1 * area / (BOLTZMANN * T)
    for found, expected in ((cosines, 1 / math.tanh(xi) - 1 / xi), (squares, 1 / 3)):
        assert abs(found.mean() - expected) < 3 * found.std() / math.sqrt(found.size)


SPACER = lg.devices.ConductanceJunction(R_P=1e3, tmr=0.8)
STO = lg.presets.kubota2013().replace(polariser=lg.direction(1.3, 0.2), field_like=0.1)


def stack_of(sto):
    """The device as a stack of a fixed polariser and a free layer."""
    area = sto.volume / 2e-9
    layers = (
        lg.Layer("reference", 1e6, 2e-9, area, m=sto.polariser, fixed=True),
        lg.Layer("free", sto.Ms, 2e-9, area, sto.alpha, sto.gamma, sto.H_k, m=lg.direction(0.5, 0.1)),
    )
    torque = lg.stacks.SpinTorque("free", "reference", sto.polarization, sto.lambda_, sto.field_like)
    barrier = lg.stacks.Barrier(("free", "reference"), SPACER)
    return lg.Stack(layers, torque, sto.current, sto.field, sto.temperature, barrier)


def test_one_layer_is_an_oscillator():
    """The same device, the same run: with a fixed polariser, current, field and resistance; the same bits of noise."""
    settings = {"duration": 1e-9, "dt": 2e-12, "drive": lg.Drive(current=lg.Sine(3e-4, frequency=2e9))}
    run, other = lg.simulate(stack_of(STO), **settings), lg.simulate(STO, m0=lg.direction(0.5, 0.1), **settings)
    np.testing.assert_allclose(run.free.stack(), other.m, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.signal("voltage").values, lg.observables.voltage(other, SPACER), rtol=1e-12)
    hot, settings = STO.replace(temperature=300.0), settings | {"key": jax.random.key(5), "drive": None}
    run, other = lg.simulate(stack_of(hot), **settings), lg.simulate(hot, m0=lg.direction(0.5, 0.1), **settings)
    np.testing.assert_allclose(run.free.stack(), other.m, rtol=0, atol=1e-11)


def test_its_orbit_is_that_of_the_oscillator():
    """The reference device's frequency and line width at 200 Oe and 2.5 mA, found on the closed orbit of the stack."""
    bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AHE(0.4)), length=2e-6, width=1e-6)
    found = lg.orbit(stack_of(lg.presets.kubota2013().replace(temperature=300.0)).replace(readouts=bar))
    assert float(found.frequency) == pytest.approx(0.4402394e9, rel=1e-5)
    assert float(found.line_width) == pytest.approx(29.347e6, rel=1e-4)
    # what is recorded of the stack is known on its orbit by name, and makes the power
    m = found.state["free"]
    volts, ohms = 2.5e-3 * SPACER.resistance(m.x), SPACER.resistance(m.x)
    for name, values in (("transverse", 0.4 * m.z), ("free.z", m.z), ("voltage", volts)):
        np.testing.assert_allclose(found.harmonics(name), np.fft.rfft(values) / len(values), atol=1e-12)
    into_load = abs(np.fft.rfft(volts)[1] / len(volts) * 50 / (np.mean(ohms) + 50)) ** 2 * 2 / 50
    assert float(found.power()) == pytest.approx(into_load, rel=1e-12)
    with pytest.raises(ValueError, match="Stack has no signal 'hall'; it has resistance, voltage, longitudinal"):
        found.harmonics("hall")
    with pytest.raises(ValueError, match="a junction is given, and Stack has its own resistance"):
        found.power(junction=SPACER)


def test_one_layer_flees_and_the_other_follows():
    """Opposite torques of one current: the upper layer is driven from the lower one, which is drawn to it."""
    film = {"Ms": 1e6, "thickness": 2e-9, "area": 1e-14, "alpha": 0.0, "demag": (0.0, 0.0, 0.0)}
    layers = lg.Layer("lower", m=(1, 0, 0), **film), lg.Layer("upper", m=(0, 1, 0), **film)
    torques = lg.stacks.SpinTorque("upper", "lower"), lg.stacks.SpinTorque("lower", "upper")
    rates = lg.Stack(layers, torques, current=1e-3).rate({n.name: n.direction for n in layers}, STILL)
    assert float(rates["upper"].x) < 0 < float(rates["lower"].y)
    assert float(rates["upper"].x) == pytest.approx(-float(rates["lower"].y), rel=1e-12)


def test_a_fixed_layer_acts_and_does_not_move():
    stack = STACK.with_layer("hard", fixed=True).replace(current=0.0)
    run = lg.simulate(stack, duration=20e-9, dt=1e-12, save=lg.End())
    assert run.signals == ("resistance", "voltage", "free.x", "free.y", "free.z")
    apart = stack.replace(couplings=())
    other = lg.simulate(apart, duration=20e-9, dt=1e-12, save=lg.End())
    assert np.abs(run.free.stack() - other.free.stack()).max() > 1e-2
