"""A number that cannot be meant gets one sentence: its name, what came, what was expected, the likely mistake."""

import dataclasses
import math

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.devices.ranges import OSCILLATOR
from llgrad.physics.anisotropy import UniaxialAnisotropy

STO = lg.presets.kubota2013()

# (leaf, value): the mistake that the sentence names
MISTAKES = [
    ("Ms", 1.82, r"Ms = 1\.82 A/m is out of range .*is 1\.82 a µ0 Ms in tesla\? then Ms = 1\.448e\+06 A/m"),
    ("Ms", 1448.3, r"is 1448\.3 in emu/cm³\? then Ms = 1\.448e\+06 A/m"),
    ("Ms", -1e6, "it must be positive"),
    ("Ms", 1e8, "no material has as much"),
    ("volume", 0.0, r"volume = 0 m³ is out of range .*it must be positive"),
    ("volume", 22619.0, r"did you give nm³\? 1 nm³ = 1e-27 m³"),
    ("alpha", -0.005, "alpha = -0.005 is out of range .*damping cannot be negative"),
    ("alpha", 5.0, "a Gilbert damping is well below 1"),
    ("gamma", 1.764e7, r"is it in rad/\(Oe s\)\? then it is 1\.764e\+11 rad/\(T s\)"),
    ("gamma", 28.0, "multiply GHz/T by 2π·1e9"),
    ("gamma", 1e13, r"1\.7609e11 for g = 2\.0023"),
    ("H_k", 18616.0, r"H_k = 18\.616 kT is out of range .*is it in oersted\? then it is 1\.8616 T"),
    ("H_k2", -300.0, "is it in oersted"),
    ("field", (0.0, 0.0, 200.0), r"field\.z = 200 T is out of range .*is it in oersted\? then it is 0\.02 T"),
    ("demag", (0.0, 0.0, 4 * math.pi), r"demag\.z = 12\.5664 is out of range .*N, not 4πN"),
    ("polarization", 53.7, "a polarisation is a fraction; did you give per cent"),
    ("lambda_", 1.345, "is it Slonczewski's Λ"),
    ("field_like", 1e4, "β is the ratio of field-like to damping-like torque"),
    ("current", 2.5, r"current = 2\.5 A is out of range .*did you mean 2\.5 mA\?"),
    ("temperature", -1.0, "it is in kelvin"),
    (
        "polariser",
        (1.0, 1.0, 0.0),
        r"polariser = .* has length 1\.41421, expected a unit vector; divide it by its length",
    ),
    ("alpha", float("nan"), r"alpha is not a number \(NaN\)"),
    ("current", float("inf"), r"current = inf A is out of range"),
]


@pytest.mark.parametrize(("leaf", "value", "sentence"), MISTAKES)
def test_a_mistake_gets_its_sentence(leaf, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        STO.replace(**{leaf: value})


def test_every_range_has_a_mistake():
    assert set(OSCILLATOR) <= {leaf for leaf, _, _ in MISTAKES}


@pytest.mark.parametrize("leaf", OSCILLATOR)
def test_the_edges_of_a_range_are_in_it(leaf):
    allowed = OSCILLATOR[leaf]
    for edge in (allowed.low, allowed.high):
        value = {"field": (edge, edge, edge), "demag": (edge, 0.0, 0.0)}.get(leaf, edge)
        assert getattr(STO.replace(**{leaf: value}), leaf) is not None


def test_one_of_many_is_named():
    with pytest.raises(ValueError, match=r"current\[1\] = 2\.5 A is out of range"):
        STO.replace(current=np.array([2.5e-3, 2.5, 2.5e-3]))


def test_traced_values_pass():
    assert float(jax.jit(lambda a: STO.replace(alpha=a).alpha)(-1.0)) == -1.0


@pytest.mark.parametrize(("theta", "phi"), [(90.0, 0.0), (1.0, 45.0)])
def test_degrees_for_radians(theta, phi):
    with pytest.raises(
        ValueError, match=r"rad is out of range .*angles are in radians; (90° is 1.571|45° is 0.7854) rad"
    ):
        lg.direction(theta, phi)


def test_a_direction():
    v = lg.direction(0.3, 1.2)
    assert (v.x, v.y, v.z) == pytest.approx(
        (math.sin(0.3) * math.cos(1.2), math.sin(0.3) * math.sin(1.2), math.cos(0.3))
    )
    many = lg.direction(np.array([0.3, 0.4]), 1.2)
    assert np.asarray(many.stack()).shape == (2, 3)
    assert np.asarray(many.norm2()) == pytest.approx(np.ones(2))


def test_a_term_checks_its_axis():
    with pytest.raises(ValueError, match=r"axis = .* expected a unit vector"):
        UniaxialAnisotropy(H_k=0.1, axis=(1.0, 0.0, 1.0))


NOT_NUMBERS = (None, "x", True)


@pytest.mark.parametrize("name", sorted(lg.presets.PRESETS))
def test_what_is_no_number_is_refused_by_its_name(name):
    """Of every device: a number, a vector or a junction that is none; None where a field may be left out."""
    device = lg.presets.load(name)
    for field in dataclasses.fields(device):
        if "unit" not in field.metadata and field.name != "junction":
            continue
        for value in NOT_NUMBERS:
            if value is None and (field.default is None or field.name == "temperature"):
                continue
            with pytest.raises(ValueError, match=field.name):
                device.replace(**{field.name: value})


@pytest.mark.parametrize("name", ["zhang2020", "camsari2017"])
def test_a_voltage_that_is_none_is_refused(name):
    for value in (math.nan, 1333.0):
        with pytest.raises(ValueError, match=r"Stack: voltage .*(not a number|did you mean 1333 mV)"):
            lg.presets.load(name).replace(voltage=value)


def test_an_oscillator_without_a_temperature_is_at_none():
    assert lg.orbit(STO.replace(temperature=None)).frequency == lg.orbit(STO).frequency
