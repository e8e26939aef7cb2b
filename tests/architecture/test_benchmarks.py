"""The history of benchmarks: a line a run, each under the name of its script."""

import argparse
import json
import pathlib
import re
import sys

import pytest
from benchmarks import history

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"
KEEPING = [path for path in sorted(FOLDER.glob("*.py")) if "from benchmarks.history import" in path.read_text()]


def test_each_run_is_a_line(tmp_path):
    for value in (1, 2.5):
        history.keep(tmp_path / "history.jsonl", "maps", {"first [s]": value}, draws=3)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["numbers"] for line in lines] == [{"first [s]": 1.0}, {"first [s]": 2.5}]
    assert {"processors", "processor", "draws"} <= lines[0].keys()


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["maps", "2000", "--kills", "3"])
    assert history.asked() is None
    history.keep(history.asked(), "maps", {"first [s]": 1.0})
    monkeypatch.setattr(sys, "argv", ["maps", "2000", "--json", "file.jsonl"])
    assert history.asked() == "file.jsonl"
    parser = argparse.ArgumentParser()
    history.add_option(parser)
    assert parser.parse_args([]).json is None


@pytest.mark.parametrize("path", KEEPING, ids=lambda path: path.stem)
def test_figures_are_kept_under_the_name_of_their_script(path):
    text = path.read_text()
    assert re.findall(r"\bkeep\([^,]+, \"(\w+)\"", text) == [path.stem]
    assert "add_option(parser)" in text or "keep(asked()," in text


def test_most_tables_can_be_kept():
    assert len(KEEPING) >= 11
