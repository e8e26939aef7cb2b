"""Every example runs as a user runs it, and prints the number that its first lines promise."""

import ast
import functools
import pathlib
import re

import pytest
from tests.docs.test_figures import FAST, unlike
from tests.examples.processes import run_script

FOLDER = pathlib.Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.py"))

TRACES = ("steady", "transient", "damped")

# What an example's docstring promises, as it prints it.
PROMISED = {
    "array_of_systems": [r"1\.0000 1\.0200 .* 1\.1000 GHz", r"(1\.044\d ){6}GHz", r"0\.19\d+ rad ahead.*-0\.005"],
    "compare_methods": [rf"{trace} +{noise} +least squares +100%" for trace in TRACES for noise in ("0%", "1%", "10%")],
    "coupled_array": ["117.5", "10[67].."],
    "damping_from_line_widths": [r"alpha +0\.00497\d? ± 0\.0000\d+", r"volume +2\.26\d+e-23 ± 9(\.\d+)?e-26 m³"],
    "fit_a_trace": [r"20\.00\d+ ± 0\.00\d+ mT", r"2\.50\d+ ± 0\.000\d+ mA", r"0\.0050\d+ ±"],
    "frequency_of_the_reference_device": [r"0\.4402 GHz", r"0\.033"],
    "gradient_of_frequency": [r"-0\.1930 GHz/mA by automatic", r"-0\.1930 GHz/mA by a finite"],
    "in_plane_oscillator": [r"2\.5 mA  15\.40 GHz", r"\b4 mA  6\.97 GHz"],
    "make_teacher_trace": ["501 samples"],
    "mutual_synchronisation": [r"up to 9\.5\d MHz", r"0\.97 of it apart: locked, 0\.0", r"1\.03 .*: not locked, 5\."],
    "narrowest_line": [r"line width 44\.14 kHz, from 1\d\d orbits", r"at 3\.00 mA, 1\.8200 T, 214\.4 mT"],
    "states_at_rest": [r"4 equilibria, 1 stable", r"1\.7283 GHz +4\.1977 MHz", r"by 7\.45°", r"Hopf at 0\.39600 mA"],
    "orbit_of_an_oscillator": [r"line width 29\.02 MHz", r"±4\.007 MHz", r"-0\.3105 GHz/mA"],
    "own_field_term": [r"0\.4402 GHz", r"0\.5270 GHz"],
    "own_system": [r"gyration 0\.3979 GHz", r"7\.96 MHz"],
    "synthetic_antiferromagnet": [r"saturation at 200\.0 mT", r"100 +0\.500", r"7\.56 and 12\.17 GHz"],
    "positions": [r"mismatch 0\.0133 -> \d\S*e-(1\d|2\d|3\d);", r"never below 73\.9 nm"],
    "phase_diagram": [r"53\.3\d+ MHz to 927\.\d+ MHz", r"at 17 of 28 points", r"begins at 0\.395998 mA in 200 Oe"],
    "torch_layer": [r"step 30: loss 0\.000\d", r"within ±5\.0 mA", r"logits are the module's within \de-0[67]"],
    "vortex_oscillator": [
        r"onset at 1\.4663 mA, .* 1\.4663",
        r"1% +0\.02507 +0\.02446",
        r"D is [+-][012]\.\d standard",
    ],
    "what_to_measure_next": [r"3\.5 mA, field\.z = 250 mT", r"\(4[89](\.\d)? times better\)", r"0\.9999 to 0\.65"],
}

ELSEWHERE = ("make_teacher_trace", "torch_layer")
"""Examples that other tests run; that of PyTorch where there is one (`make torch`)."""


@functools.cache
def run(name, *arguments):
    done = run_script(FOLDER / f"{name}.py", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in ELSEWHERE])
def test_the_example_prints_what_it_promises(name):
    printed = run(name)
    assert [number for number in PROMISED[name] if not re.search(number, printed)] == [], printed


@pytest.mark.parametrize("row", [row for row in FAST if "examples/" in row.command], ids=lambda row: row.figure)
def test_the_figure_of_the_readme_is_what_the_example_prints(row):
    printed = run(re.findall(r"examples/(\w+)\.py", row.command)[0])
    assert unlike(row, printed) == [], printed


def test_every_example_asks_a_question_and_says_what_to_expect():
    for name in EXAMPLES:
        first = (ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text())) or "").split("\n\n")[:2]
        assert "?" in first[0] and "xpect" in " ".join(first), name
    assert sorted(PROMISED) == EXAMPLES


def test_the_teachers_trace_is_made_by_its_script(tmp_path):
    """The file in examples/ is what its script writes: the same header, the same numbers up to the last digit."""
    printed = run("make_teacher_trace", str(tmp_path / "made.csv"))
    assert PROMISED["make_teacher_trace"][0] in printed
    made, kept = (
        (path / name).read_text().splitlines() for path, name in ((tmp_path, "made.csv"), (FOLDER, "teacher_trace.csv"))
    )
    assert "SYNTHETIC" in kept[0]
    assert made[:5] == kept[:5] and len(made) == len(kept) == 506
    for a, b in zip(made[5:], kept[5:], strict=True):
        assert [float(x) for x in a.split(",")] == pytest.approx([float(x) for x in b.split(",")], abs=1.5e-7)
