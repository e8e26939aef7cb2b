"""Units at the edge: what is parsed, what is shown, and the sentence for what is neither."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llgrad.core.constants import MU_0
from llgrad.core.units import BASES, EXACT, PREFIXES, example, parse, show, show_with_error, unit_factor

SHOWN = ("A", "T", "s", "Hz", "V", "Ω", "S", "A/m", "m³", "K", "rad", "1", "rad/(T s)")

# text, unit: SI value
QUANTITIES = {
    ("2.5mA", "A"): 2.5e-3,
    ("200 Oe", "T"): 20e-3,
    ("2 kOe", "T"): 0.2,
    ("1G", "T"): 1e-4,
    ("20ns", "s"): 20e-9,
    ("10 ps", "s"): 1e-11,
    ("1.5GHz", "Hz"): 1.5e9,
    ("300K", "K"): 300.0,
    ("1448.3 emu/cm3", "A/m"): 1448.3e3,
    ("1.4483e6A/m", "A/m"): 1.4483e6,
    ("22619nm3", "m³"): 2.2619e-23,
    ("1.764e7 rad/(Oe s)", "rad/(T s)"): 1.764e11,
    ("28GHz/T", "rad/(T s)"): 2 * math.pi * 28e9,
    ("0.005", "1"): 0.005,
    ("54%", "1"): 0.54,
    ("-90deg", "rad"): -math.pi / 2,
    ("0.5", "rad"): 0.5,
    (".5µs", "s"): 0.5e-6,
    ("1 kA/m", "T"): 1e3 * MU_0,
    ("1T", "A/m"): 1 / MU_0,
}


@pytest.mark.parametrize(("text", "unit"), QUANTITIES)
def test_a_quantity_is_read(text, unit):
    assert parse(text, unit) == pytest.approx(QUANTITIES[text, unit], rel=1e-14)


@pytest.mark.parametrize(
    ("text", "unit", "sentence"),
    [
        ("2.5", "A", r"'2\.5' has no unit; expected a quantity in A, such as 2\.5mA"),
        ("2.5mA", "T", r"'2\.5mA' is in A, expected a quantity in T, such as 200Oe or 20mT"),
        ("2.5 furlong", "T", r"unknown unit 'furlong'; use an SI unit with or without a prefix"),
        ("fast", "s", r"'fast' is not a quantity; expected a number with a unit, such as 20ns"),
        ("", "K", r"'' is not a quantity"),
        ("1e-9 2", "s", r"unknown unit '2'"),
        ("10mdeg", "rad", r"unknown unit 'mdeg'"),
    ],
)
def test_what_is_no_quantity_gets_a_sentence(text, unit, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse(text, unit)


def test_a_number_is_taken_as_SI():
    assert parse(2, "A") == 2.0
    assert parse(2.5e-3, "A") == 2.5e-3


@given(st.sampled_from(sorted(BASES)), st.sampled_from(sorted(PREFIXES)), st.floats(-1e3, 1e3))
def test_every_unit_takes_every_prefix(base, prefix, number):
    unit, factor = BASES[base]
    assert parse(f"{number!r}{prefix}{base}", unit) == pytest.approx(number * factor * PREFIXES[prefix], rel=1e-14)


@pytest.mark.parametrize("written", EXACT)
def test_an_exact_unit_is_itself(written):
    assert unit_factor(written) == EXACT[written]


@given(
    st.sampled_from(SHOWN),
    st.one_of(st.just(0.0), st.floats(1e-25, 1e25), st.floats(-1e25, -1e-25)),
)
def test_what_is_shown_is_read_back(unit, value):
    """To the six digits that are shown."""
    assert parse(show(value, unit), unit) == pytest.approx(value, rel=5.1e-6)


@pytest.mark.parametrize("unit", SHOWN)
def test_an_example_is_well_formed(unit):
    for text in example(unit).split(" or "):
        assert math.isfinite(parse(text, unit))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0025, "A", "2.5 mA"),
        (2.6194e-23, "m³", "2.6194e-23 m³"),
        (0.0, "T", "0 T"),
        (1e-12, "s", "1 ps"),
        (999.9999e-3, "A", "1000 mA"),
        (0.288, "1", "0.288"),
        (np.array([1e-3, 3e-3]), "A", "(2,) from 1 mA to 3 mA"),
        (float("nan"), "A", "nan A"),
    ],
)
def test_how_a_quantity_is_shown(value, unit, text):
    assert show(value, unit) == text


@pytest.mark.parametrize(
    ("value", "error", "unit", "text"),
    [
        (2.5e-3, 1.2e-6, "A", "2.5000 ± 0.0012 mA"),
        (2.15e-9, 6.1e-4, "rad", "0 ± 610 µrad"),  # the unit is that of the larger
        (-4.7e-22, 1.2e-13, "s", "0 ± 120 fs"),
        (-20e-12, 120e-12, "s", "-20 ± 120 ps"),
        (0.0, 0.002, "T", "0.0 ± 2.0 mT"),
        (3e-7, 2e-4, "1", "0.00000 ± 0.00020"),
        (3e-7, 2e-8, "1", "3e-07 ± 2e-08"),
        (2.5e-3, math.inf, "A", "2.5 mA"),
        (math.nan, 1e-3, "A", "nan ± 0.0010 A"),
    ],
)
def test_how_a_value_with_its_error_is_shown(value, error, unit, text):
    assert show_with_error(value, error, unit) == text
