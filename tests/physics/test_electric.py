"""Currents in the neighbourhood and voltages: signs, strengths from geometry, terminals of a stack, and one device."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.physics.couplings import FREE, HARD

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.physics.llg import llg

RUN = {"duration": 60e-12, "dt": 1e-12}
JUNCTION = lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)
FIXED = HARD.replace(fixed=True, m=(0.0, 0.0, 1.0))


def stack(*terms, **others):
    layers = (FIXED, FREE.replace(terms=terms))
    return lg.Stack(layers, barriers=lg.stacks.Barrier(("hard", "free"), JUNCTION), **others)


def end(device, **settings):
    return np.asarray(lg.simulate(device, **RUN, **settings).free.stack()[-1])


def test_a_spin_orbit_torque_pulls_towards_the_spins_of_its_geometry():
    """σ = n̂ × ĵ, strength ħ θ J/(2 e Ms t): with θ > 0, a current along x below the layer pulls m towards +y."""
    torque = lg.physics.SpinOrbitTorque.of_metal(0.1, Ms=1e6, thickness=1e-9, section=1e-15, current=1e-3)
    assert torque.spin.stack().tolist() == [0.0, 1.0, 0.0]
    density = 1e-3 / 1e-15
    assert torque.per_ampere * 1e-3 == pytest.approx(HBAR * 0.1 * density / (2 * ELEMENTARY_CHARGE * 1e6 * 1e-9))
    m = lg.Vec3(0.6, 0.0, 0.8)
    inputs = lg.systems.Inputs(0.0, None, {"current": 0.0, "field": m, "heavy_metal_current": 0.0})
    rate = llg(m, torque.field(m, inputs), 1.0, 0.0)
    assert rate.y > 0 and rate.x == pytest.approx(0.0, abs=1e-18)
    above = lg.physics.SpinOrbitTorque.of_metal(0.1, Ms=1e6, thickness=1e-9, section=1e-15, normal=(0, 0, -1))
    assert above.spin.y == -1.0, "a metal above the layer gives the other spins"


def test_the_terminal_of_the_heavy_metal():
    """A drive of it does what a direct current of the same size does; both layers of a metal's current feel it."""
    torque = lg.physics.SpinOrbitTorque(20.0, field_like=0.3)
    strip = lg.physics.OerstedField.of_strip(300e-9)
    assert stack(torque).inputs["heavy_metal_current"] == "A" and "heavy_metal_current" not in stack().inputs
    driven = end(stack(torque, strip), drive={"heavy_metal_current": lg.drives.Constant(2e-3)})
    direct = end(stack(torque.replace(current=2e-3), strip.replace(current=2e-3)))
    np.testing.assert_allclose(driven, direct, atol=1e-13)
    assert np.abs(driven - end(stack(torque, strip))).max() > 1e-3


def test_oersted_fields_by_ampere():
    """Above a strip along x the field is along −y; right of a pillar along z along +y, and outside it falls as 1/d."""
    strip = lg.physics.OerstedField.of_strip(200e-9)
    assert strip.per_ampere.stack().tolist() == pytest.approx([0.0, -MU_0 / 400e-9, 0.0])
    inside, outside = (lg.physics.OerstedField.of_pillar(50e-9, (d, 0.0)).per_ampere.y for d in (25e-9, 100e-9))
    assert inside == pytest.approx(MU_0 / (2 * math.pi * 50e-9) / 2) and outside == pytest.approx(inside)
    alone = stack(lg.physics.OerstedField.of_pillar(50e-9, (25e-9, 0.0)), current=1e-3)
    field = stack(current=0.0, field=(0.0, float(inside) * 1e-3, 0.0))
    np.testing.assert_allclose(end(alone), end(field), atol=1e-13)


def test_the_voltage_follows_the_resistance():
    """At a constant current the anisotropy at each moment is k I R(m·p); checked against a field of that size."""
    I, k = 0.4e-3, 0.15
    device = stack(lg.physics.VoltageControlledAnisotropy(k), current=I)
    m = {"free": lg.direction(1.0, 0.4)}
    given = dict.fromkeys(device.inputs, 0.0)
    own, _ = device.fields(m, lg.systems.Inputs(0.0, (), given))
    without, _ = stack(current=I).fields(m, lg.systems.Inputs(0.0, (), given))
    expected = k * I * JUNCTION.resistance(m["free"].z) * m["free"].z
    assert float((own["free"] - without["free"]).z) == pytest.approx(float(expected), rel=1e-12)


def test_a_voltage_drives_the_current_that_the_resistance_lets():
    """V/R(m) through the torque, and V across the barrier, whatever R is; direct or driven."""
    torque = lg.stacks.SpinTorque("free", "hard", 0.6)
    control = lg.physics.VoltageControlledAnisotropy(0.15)
    direct = stack(control, voltage=0.5, couplings=torque)
    run = lg.simulate(direct, **RUN)
    np.testing.assert_allclose(run.signal("voltage").values, 0.5, rtol=1e-13)
    driven = lg.simulate(direct.replace(voltage=None), drive={"voltage": lg.drives.Constant(0.5)}, **RUN)
    np.testing.assert_allclose(driven.free.stack(), run.free.stack(), atol=1e-13)
    np.testing.assert_allclose(driven.signal("voltage").values, 0.5, rtol=1e-13)
    steady = end(stack(control, current=0.5e-3, couplings=torque))
    assert np.abs(steady - np.asarray(run.free.stack()[-1])).max() > 1e-4


def test_a_table_of_a_line_is_the_line():
    line = end(stack(lg.physics.VoltageControlledAnisotropy(0.2), current=0.4e-3))
    table = lg.physics.VoltageAnisotropyTable([-2.0, 0.0, 2.0], [-0.4, 0.0, 0.4])
    curved = lg.physics.VoltageAnisotropyTable([-2.0, 0.0, 2.0], [-0.4, 0.0, 0.1])
    device = stack(table, current=0.4e-3)
    np.testing.assert_allclose(end(device), line, atol=1e-13)
    assert lg.simulate(device, **RUN).stats.engine == "native"
    assert np.abs(end(stack(curved, current=0.4e-3)) - line).max() > 1e-4

    def last(fields):
        changed = stack(table.replace(fields=fields), current=0.4e-3)
        return lg.simulate(changed, save=lg.End(), **RUN).free.x[-1]

    gradient = jax.grad(last)(jnp.array([-0.4, 0.0, 0.4]))
    assert gradient[0] == 0.0 and np.abs(gradient[1:]).min() > 1e-3, "points that the voltage passes between"


def test_the_field_like_torque_follows_the_voltage():
    """β(V) at a constant resistance is one number: the two are one."""
    flat = lg.stacks.Barrier(("hard", "free"), lg.devices.LinearJunction(R_P=1e3, delta_R=0.0))
    by_voltage = stack(
        current=0.5e-3, couplings=lg.stacks.SpinTorque("free", "hard", 0.6, 0.1, 0.2, field_like_per_volt=0.4)
    )
    by_number = stack(current=0.5e-3, couplings=lg.stacks.SpinTorque("free", "hard", 0.6, 0.1, 0.2 + 0.4 * 0.5))
    np.testing.assert_allclose(
        end(by_voltage.replace(barriers=flat)), end(by_number.replace(barriers=flat)), atol=1e-13
    )
    assert np.abs(end(by_voltage) - end(by_number)).max() > 1e-6


def test_an_oscillator_has_the_same_terms():
    """With its own junction and a direct current in the metal it is the stack of one layer and its polariser."""
    terms = (
        lg.physics.VoltageControlledAnisotropy(0.1),
        lg.physics.SpinOrbitTorque(20.0, current=1e-3),
        lg.physics.CubicAnisotropy(0.05),
    )
    device = lg.Oscillator(
        FREE.Ms, FREE.volume, FREE.alpha, FREE.gamma, FREE.H_k, FREE.H_k2, FREE.demag, polarization=0.6,
        polariser=(0.0, 0.0, 1.0), current=0.5e-3, terms=terms, junction=JUNCTION,
    )  # fmt: skip
    run = lg.simulate(device, m0=FREE.m, **RUN)
    other = stack(*terms, current=0.5e-3, couplings=lg.stacks.SpinTorque("free", "hard", 0.6))
    assert run.stats.engine == "native"
    np.testing.assert_allclose(run.m, lg.simulate(other, **RUN).free.stack(), atol=1e-12)
    assert lg.physics.torque_at(device, (0.6, 0.0, 0.8)).fields["terms.0 VoltageControlledAnisotropy"][2] > 0


REFUSED = {
    "a current that leaves the metal": (
        lambda: lg.physics.SpinOrbitTorque.of_metal(0.1, Ms=1e6, thickness=1e-9, section=1e-15, flow=(0, 0, 1)),
        "expected unit vectors at a right angle",
    ),
    "spins of another length": (lambda: lg.physics.SpinOrbitTorque(1.0, spin=(1, 1, 0)), "SpinOrbitTorque: spin"),
    "a table that is no function": (
        lambda: lg.physics.VoltageAnisotropyTable([0.0, 0.0, 1.0], [0.0, 0.1, 0.2]),
        "expected an ascending one",
    ),
    "a table of two lengths": (
        lambda: lg.physics.VoltageAnisotropyTable([0.0, 1.0], [0.0, 0.1, 0.2]),
        "2 voltages and 3 fields",
    ),
    "another terminal": (
        lambda: lg.physics.OerstedField((0, 0, 1), "gate"),
        "terminal = 'gate', expected 'current' or",
    ),
    "a current of the junction": (lambda: lg.physics.OerstedField((0, 0, 1), current=1e-3), "is that of the device"),
    "no width": (lambda: lg.physics.OerstedField.of_strip(0.0), "width = 0.0, expected"),
    "axes askew": (lambda: lg.physics.CubicAnisotropy(0.1, second=(0.6, 0.8, 0.0)), "expected axes at a right angle"),
    "two units of one terminal": (
        lambda: stack(lg.physics.SpinOrbitTorque(1.0), Other()).inputs,
        "the terminal 'heavy_metal_current' of Other is in T, and that of another term in A",
    ),
}


class Other(lg.physics.FieldTerm):
    """A term that takes another's terminal for a field."""

    terminals = {"heavy_metal_current": "T"}  # noqa: RUF012

    def field(self, m, inputs):
        return lg.Vec3(inputs.heavy_metal_current, 0.0, 0.0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
