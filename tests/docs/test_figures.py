"""The figures of README.md: those of fast commands are what they print now (those of the
examples in tests/examples), the others say when they were true.
"""

import pathlib
import re
from typing import NamedTuple

import jax

from llgrad.cli.demo import command
from llgrad.cli.demo.report import comparison
from llgrad.cli.demo.teacher import TRUTH, teacher_trace

ROOT = pathlib.Path(__file__).parents[2]
NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?")
IN_EVERY_RUN = "in every test run"
STAMP = re.compile(r"[0-9a-f]{7}, 20\d\d-\d\d-\d\d")


class Row(NamedTuple):
    figure: str
    value: str
    command: str
    measured: str


def rows(text):
    """The rows of the table of figures; "the same" repeats the command above it."""
    table = text.split("## Figures, and the command that makes each\n")[1].split("\n## ")[0]
    found = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if cells and cells[0] != "figure":
            row = Row(*cells)
            found.append(row._replace(command=found[-1].command) if row.command == "the same" else row)
    return found


def numbers(text):
    """The numbers of a text as a program prints them."""
    return [number.replace("−", "-").replace(",", "") for number in NUMBER.findall(text)]


def printed_in(text):
    return set(re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-").replace(",", "")))


ROWS = rows((ROOT / "README.md").read_text())
FAST = [row for row in ROWS if row.measured == IN_EVERY_RUN]


def unlike(row, printed):
    """The numbers of a row that no number printed rounds to."""
    wrong = []
    for number in numbers(row.value):
        digits = len(number.partition(".")[2])
        if number not in {f"{float(other):.{digits}f}" for other in printed_in(printed)}:
            wrong.append(number)
    return wrong


def test_every_slow_figure_says_when_it_was_measured():
    assert [row for row in ROWS if row not in FAST and not STAMP.fullmatch(row.measured)] == []
    assert len(FAST) >= 5 and len(ROWS) > len(FAST)


def test_the_figures_of_the_demo_are_what_it_counts():
    with jax.enable_x64(True):
        fitted = command._fit(command._start(), teacher_trace(), "LM", command.METHODS["Levenberg-Marquardt"])
    found = comparison(TRUTH, {"LM": fitted}, 1, 1.0)
    grid = found["grid"]["simulations_for_the_accuracy_of_the_first_method"] / 1e9
    simulations, size = (row for row in FAST if row.command == "`llgrad demo`")
    assert unlike(simulations, str(fitted.simulations)) == [], fitted.simulations
    assert "billion" in size.value and unlike(size, f"{grid:.6f}") == [], grid


def test_a_wrong_figure_is_seen():
    row = Row("f", "0.4402 GHz, −0.193 and 6,700", "x", IN_EVERY_RUN)
    assert unlike(row, "0.44022 -0.1930 6700") == []
    assert unlike(row, "0.4403 -0.1930 6700") == ["0.4402"]
    assert unlike(row, "0.4402 0.1930 6,700") == ["-0.193"]
