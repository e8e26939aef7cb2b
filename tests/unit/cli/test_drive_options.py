"""Drives on the command line: every waveform by places or by names, and sums of any two, in one option or two."""

import dataclasses
import itertools

import pytest

import llgrad as lg
from llgrad.cli.drive_options import KINDS, drive_of, waveforms_of

TEXTS = {
    "constant": ["0.1mA"],
    "step": ["0.2mA", "1ns", "20ps"],
    "pulse": ["0.1mA", "1ns", "2ns", "30ps"],
    "sine": ["0.1mA", "1.1e+9Hz", "90deg"],
    "chirp": ["0.1mA", "1GHz", "2GHz", "10ns", "30deg"],
}


def by_place(kind):
    return f"{kind}:" + ",".join(TEXTS[kind][: len(dataclasses.fields(KINDS[kind]))])


def by_name(kind):
    names = [field.name for field in dataclasses.fields(KINDS[kind])]
    pairs = [f"{name}={text}" for name, text in zip(names, TEXTS[kind], strict=False)]
    return f"{kind}:" + ",".join([*reversed(pairs)])


def current(*texts):
    drive = drive_of([f"current={text}" for text in texts], None, None)
    assert drive is not None
    return drive.current


@pytest.mark.parametrize("kind", KINDS)
def test_values_by_name_are_those_by_place(kind):
    assert current(by_name(kind)) == current(by_place(kind))


@pytest.mark.parametrize(("one", "other"), [*itertools.product(KINDS, repeat=2)])
def test_a_sum_in_one_option_is_that_of_two(one, other):
    expected = current(by_place(one)) + current(by_place(other))
    assert current(f"{by_place(one)}+{by_place(other)}") == expected
    assert current(f"{by_name(one)} + {by_place(other)}") == expected
    assert current(by_place(one), by_place(other)) == expected


def test_short_options_add_up_too():
    tones = [lg.drives.Sine(1e-4, 1e9), lg.drives.Sine(2e-4, 1.1e9)]
    assert waveforms_of(None, ["0.1mA,1GHz", "0.2mA,1.1GHz"], None, {"current": "A"}) == {"current": sum(tones)}


def test_a_file_may_have_a_plus_in_its_name(tmp_path):
    file = tmp_path / "a+b.csv"
    file.write_text("t (ns), current (mA)\n0, 0\n1, 1\n")
    assert isinstance(current(f"csv:{file}+sine:0.1mA,1GHz").parts[0], lg.drives.Sampled)
