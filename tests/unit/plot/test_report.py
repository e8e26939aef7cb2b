"""The report of a fit: whole, self-contained, escaped, and able to show every kind of data."""

import base64
import dataclasses
import html.parser
import re

import numpy as np
import pytest

from llgrad import presets
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.profile import Profile
from llgrad.fitting.answers.quality import Quality
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.targets.experiment import Experiment
from llgrad.plot.pages.html import heat_table
from llgrad.plot.pages.report import report, save_report


class Page(html.parser.HTMLParser):
    """The tables as texts, the pictures and their alternative texts, and every tag that a page has."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.pictures, self.tags, self.words, self.rows = {}, {}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        if tag == "table":
            self.rows = self.tables[found["id"]] = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "figure":
            self.last = found["id"]
        if tag == "img":
            self.pictures[self.last] = found

    def handle_data(self, data):
        self.words.append(data)
        if self.rows and self.rows[-1] and self.tags[-1] in ("td", "th"):
            self.rows[-1][-1] += data.strip("\n")


def recorded(columns, t, rng):
    fitted = {name: np.cos(2 * np.pi * 2e9 * t + k) for k, name in enumerate(columns)}
    return Trace(t, {n: v + 0.01 * rng.normal(size=t.size) for n, v in fitted.items()}, ("made <here>",)), fitted


@pytest.fixture(scope="module")
def result():
    """A trace of 20 periods, an uneven trace, and a table of frequencies; one parameter that is not fixed."""
    rng = np.random.default_rng(0)
    t = np.arange(1000) * 1e-11
    even, first = recorded(["mx", "mz"], t, rng)
    uneven, second = recorded(["voltage"], t[rng.random(1000) > 0.5], rng)
    table = FrequencyTable("current", [1e-3, 2e-3, 3e-3], [6e8, 5e8, 4e8], [5e6, 5e6, 1e7])
    names = ("alpha", "current", "m0.polar[1]", "gain[2]")
    return FitResult(
        values=dict(zip(names, [0.005, 2.5e-3, 1e-3, 3e-3], strict=True)),
        errors=dict(zip(names, [1e-5, np.inf, 1e-4, 1e-5], strict=True)),
        units=dict(zip(names, ["1", "A", "rad", "V"], strict=True)),
        start={"alpha": 0.007, "current": 2e-3, "m0.polar[1]": 0.0},
        at_bound={"alpha": True, "current": False, "m0.polar[1]": False, "gain[2]": False},
        status="converged",
        converged=True,
        verdict=("alpha & current cannot be told apart",),
        names=names,
        correlation=np.array([[1, 0, 0.5, 0], [0, 1, 0, 0], [0.5, 0, 1, -0.99994], [0, 0, -0.99994, 1.0]]),
        quality=(
            Quality(0.01, 1.02, 0.01, None, ()),
            Quality(0.01, None, 0.4, 2.0, ("the residuals are correlated",)),
            Quality(1e6, None, 0.0, 1.0, ()),
        ),
        noise=0.01,
        history=[{"stage": "window 1 of 1", "iteration": i, "cost": 10.0 / (i + 1)} for i in range(5)],
        simulations=60,
        seconds=1.5,
        method="LevenbergMarquardt",
        model=presets.kubota2013(),
        m0=((0.6, 0.0, 0.8), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        experiments=(
            Experiment(even, noise=0.01, label="<b>bold</b>"),
            Experiment(uneven, settings={"current": 3e-3}, label="2"),
            Experiment(table, label="table"),
        ),
        predictions=(first, second, {"frequency": np.array([[6.1e8], [5e8], [4e8]])}),
    )


@pytest.fixture(scope="module")
def text(result):
    values = np.linspace(0.00497, 0.00503, 7)
    rise = ((values - 0.005) / 1e-5) ** 2
    one = Profile("alpha", "1", 0.005, 1e-5, values, rise, np.array([True] * 6 + [False]), 10)
    edges = {"alpha": (0.00496, 0.00505), "current": (-np.inf, 2.7e-3)}
    return report(result, profiles=[one], intervals=edges, command="llgrad fit 'a&b.csv'", source="a<b.csv")


@pytest.fixture(scope="module")
def shown(text):
    return Page(text)


def test_nothing_comes_from_elsewhere(text, shown):
    assert "script" not in shown.tags and "link" not in shown.tags
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", re.sub(r'src="data:[^"]*"', "", text))
    assert "default-src 'none'" in text


def test_what_users_wrote_is_escaped(text, shown):
    assert "<b>" not in text and "<here>" not in text
    said = "".join(shown.words)
    assert "to a<b.csv" in said and "made <here>" in said and "llgrad fit 'a&b.csv'" in said
    assert "alpha & current cannot be told apart" in said


def test_every_picture_is_inside_and_has_words(shown):
    wanted = {"fit-1", "ending-1", "spectra-1", "correlation-1", "fit-2", "correlation-2", "fit-3", "profile-plots"}
    assert set(shown.pictures) == wanted | {"history"}
    for name, picture in shown.pictures.items():
        kind, data = picture["src"].split(",", 1)
        assert kind == "data:image/png;base64" and base64.b64decode(data)[:8] == b"\x89PNG\r\n\x1a\n", name
        assert len(picture["alt"]) > 20, name


def test_the_tables(shown):
    rows = {row[0]: row for row in shown.tables["parameter-table"]}
    assert shown.tables["parameter-table"][0][3:5] == ["95 % by the likelihood", "95 % by profile"]
    value, edges = ("0.005000 ± 0.000010", "0.2 %"), ("−4e-05 / +5e-05", "−2e-05 / +2e-05")
    assert rows["alpha"] == ["alpha", *value, *edges, "0.007", "at its bound"]
    assert rows["current"][1:] == ["2.5 mA", "–", "−∞ / +200 µA", "", "2 mA", "not fixed by the data"]
    assert rows["gain[2]"][-2] == "profiled"
    assert shown.tables["correlation-table"][3] == ["m0.polar[1]", "0.50", "0.00", "1.00", "-0.9999"]
    assert shown.tables["quality-table"][1][3] == "1.02" and shown.tables["quality-table"][2][2] == "none: estimated"
    assert shown.tables["start-table"][1] == ["<b>bold</b>", "+0.600000", "+0.000000", "+0.800000"]
    record = dict(shown.tables["record-table"])
    assert record["format"] == "llgrad.fit" and record["jax"] and record["data_hash"].startswith("sha256:")
    assert ["current", "2.5 mA", "direct current I"] in shown.tables["device-table"]


def test_what_is_missing_is_said(result, shown):
    said = "".join(shown.words)
    assert "Experiment 2 has no spectrum: it is unevenly sampled" in said
    assert "Experiment table is a table of frequencies" in said
    assert "the residuals are correlated" in said
    assert "At a cross the search for the other parameters had not ended" in said
    bare = "".join(Page(report(dataclasses.replace(result, history=[]), remark="None: interrupted.")).words)
    assert "None: interrupted." in bare and "Nothing in the residuals" not in bare


def test_a_correlation_near_one_is_not_rounded_to_it():
    table = heat_table("t", ["a"], [[0.9998]])
    assert "0.9998" in table and ">1.00<" not in table


def test_a_page_is_written_whole_and_replaces_nothing(text, tmp_path):
    save_report(text, tmp_path / "fit.html")
    assert (tmp_path / "fit.html").read_text(encoding="utf-8") == text
    with pytest.raises(FileExistsError, match="exists already"):
        save_report("", tmp_path / "fit.html")
    save_report("short", tmp_path / "fit.html", overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["fit.html"]
