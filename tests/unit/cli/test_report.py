"""`llgrad fit --report`: the page as a browser shows it, and every mistake in a sentence."""

import html.parser
import json
import shutil
import subprocess

import matplotlib.image
import numpy as np
import pytest

FREE = (
    *("--device", "kubota2013", "--free", "alpha", "--start", "alpha=0.007"),
    *("--bounds", "alpha=0.001:0.1", "--columns", "mx,my,mz"),
)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def seen(page, tmp_path, *options):
    """What the browser says of a page, with a new profile that knows nothing."""
    command = [str(BROWSER), *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Rendered(html.parser.HTMLParser):
    """The pictures, and the rows of each table, of a page as the browser holds it."""

    def __init__(self, text):
        super().__init__()
        self.pictures, self.rows, self.table = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "img":
            self.pictures.append(found["src"])
        if tag == "table":
            self.table = found["id"]
        if tag == "tr":
            self.rows[self.table] = self.rows.get(self.table, 0) + 1


@pytest.fixture
def page(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--report", "fit.html")
    assert ended.status == 0, ended.err
    assert ended.out.endswith("wrote fit.html\n")
    return tmp_path / "fit.html"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome here to look at the page: apt-get install chromium")
def test_a_browser_shows_the_pictures_and_the_tables(page, tmp_path):
    rendered = Rendered(seen(page, tmp_path, "--dump-dom"))
    assert len(rendered.pictures) == 5 and all(s.startswith("data:image/png;base64,") for s in rendered.pictures)
    assert rendered.rows["parameter-table"] == rendered.rows["correlation-table"] == 4  # a head, alpha, two tilts
    seen(page, tmp_path, f"--screenshot={tmp_path / 'seen.png'}", "--window-size=1000,5000", "--hide-scrollbars")
    pixels = (255 * matplotlib.image.imread(tmp_path / "seen.png")[..., :3]).astype(int)
    red, green, blue = pixels.reshape(-1, 3).T
    vermilion = (red - green > 90) & (blue < 120)  # the dots of m_y, which no text or table has
    assert np.count_nonzero(vermilion) > 300
    assert pixels[4000:].min() < 100, "the page ends early"


def test_the_page_says_how_it_was_made(page):
    text = page.read_text(encoding="utf-8")
    assert "--report fit.html</pre>" in text and "short.csv" in text
    assert 'id="profile-plots"' in text and "95 % by profile" in text


def test_json_stays_alone_on_stdout_and_profiles_can_be_left_out(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--report", "fit.html", "--no-profiles", "--json")
    assert json.loads(ended.out)["format"] == "llgrad.fit"
    text = (tmp_path / "fit.html").read_text(encoding="utf-8")
    assert 'id="profile-plots"' not in text and "No profiles were asked for" in text


def test_intervals_that_were_asked_for_are_on_the_page(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--report", "fit.html", "--no-profiles", "--intervals")
    assert ended.status == 0 and "95 % by the likelihood:" in ended.out
    assert "95 % by the likelihood</th>" in (tmp_path / "fit.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("fit.pdf", "--report fit.pdf: expected a name that ends in .html"),
        ("none/fit.html", "the folder none does not exist; make it first"),
        ("old.html", "old.html exists already and is kept; choose another name, or add --force"),
    ],
)
def test_bad_targets_are_refused_before_the_fit(refused, short_trace, tmp_path, name, sentence):
    (tmp_path / "old.html").write_text("old")
    assert refused("fit", short_trace, *FREE, "--report", name) == sentence
    assert (tmp_path / "old.html").read_text() == "old"


def test_force_replaces_a_page(llgrad, short_trace, tmp_path):
    (tmp_path / "old.html").write_text("old")
    assert llgrad("fit", short_trace, *FREE, "--report", "old.html", "--no-profiles", "--force").status == 0
    assert (tmp_path / "old.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_intervals_are_told_and_kept(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--intervals", "--out", "fit.json")
    assert "95 % by the likelihood:\nalpha  " in ended.out
    entry = json.loads((tmp_path / "fit.json").read_text())
    edges, found = entry["intervals_95"]["alpha"], entry["parameters"]["alpha"]
    assert edges["unit"] == "1"
    assert (edges["high"] - edges["low"]) / (2 * found["error"]) == pytest.approx(1.97, abs=0.02)  # t of 200 values


def test_a_fit_without_intervals_says_why(llgrad, short_trace):
    asked = (*FREE, "--segment", "50ps", "--intervals", "--json")
    ended = llgrad("fit", short_trace, *asked)
    assert ended.out, ended.err
    entry = json.loads(ended.out)
    assert entry["intervals_95"] is None and "likelihood interval" in entry["no_intervals"]
