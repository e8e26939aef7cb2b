"""`llgrad fit` on files as labs have them: how they were read is said in one line; a table is a table."""

import json

import pytest
import typer

from llgrad.cli.commands.config import NOT_IN_A_FILE
from llgrad.cli.fit import FOR_EVERY_FILE, FOR_FOLDERS, FOR_SWEEPS
from llgrad.cli.main import app

TABLE = "I [mA]; f [GHz]; error [MHz]\n2,0;0,5277;2,6\n2,5;0,4416;2,2\n3,0;0,3259;1,6\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path / "table.csv"


def test_a_table_of_frequencies_is_fitted(llgrad, table, tmp_path):
    ended = llgrad("fit", table, "--device", "kubota2013", "--free", "alpha", "--start", "alpha=0.006", "--plot", "p")
    assert ended.status == 0
    assert ended.err == (
        "llgrad: read table.csv: cells separated by semicolons, decimal commas; current from 'I' in mA, "
        "frequency from 'f' in GHz, error in MHz; 3 frequencies, current from 2 mA to 3 mA\n"
    )
    assert ended.out.split("alpha")[1].split()[0].startswith("0.005")
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == ["fit.png", "history.png"]


LINES = """current (mA), T (K), f (GHz), f error (MHz), FWHM (kHz), FWHM error (kHz)
2.0, 200, 2.7905, 1, 26.1, 1.3
3.0, 200, 2.7683, 1, 24.2, 1.3
4.0, 200, 2.7372, 1, , 1.3
2.0, 300, 2.7892, 1, 41.0, 2.0
3.0, 300, 2.7675, 1, 37.2, 2.0
4.0, 300, 2.7370, 1, 38.1, 2.0
"""
LAYER = ("--device", "kubota2013", "--set", "H_k=1.82T", "--set", "field.z=100mT", "--free", "alpha,volume")


def test_a_table_of_frequencies_and_line_widths_at_two_temperatures_is_fitted(llgrad, tmp_path):
    (tmp_path / "lines.csv").write_text(LINES)
    options = ("--read", "quantities=frequency,line_width", "--start", "alpha=0.0055", "--out", "f.json", "--plot", "p")
    ended = llgrad("fit", "lines.csv", *LAYER, *options)
    assert ended.status == 0, ended
    assert "line_width from 'FWHM' in kHz" in ended.err and "temperature from 'T' in K" in ended.err
    entry = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    for name, value in (("alpha", 0.005), ("volume", 2.26195e-23)):
        found = entry["parameters"][name]
        assert abs(found["value"] - value) < 3 * found["error"] < 0.09 * value
    assert (tmp_path / "p" / "fit.png").exists()


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        ("quantities=frequency,widths", "'widths' is no quantity that is read from a table; it can be frequency, line"),
        ("quantities=power", "lines.csv has no column of power; it has current"),
        ("settings=frequency", "'current' is in A, and the setting 'frequency' would be in T; settings are named as"),
        ("drive=1mT", "--read drive=1mT: expected amplitudes by input, as in drive=field_x=1mT"),
        (
            "settings=current",
            "a line_width at temperature = 0 K: without noise a line has no width; give the device its",
        ),
    ],
)
def test_a_table_of_orbits_that_cannot_be_read_so_is_refused(refused, tmp_path, read, sentence):
    (tmp_path / "lines.csv").write_text(LINES)
    assert sentence in refused("fit", "lines.csv", *LAYER, "--read", read)


def test_what_the_model_does_not_explain_is_said_first_and_ends_with_1(llgrad, tmp_path):
    """The same sentence on the first line, in the JSON, and on stderr; no error is told, and files are written."""
    (tmp_path / "table.csv").write_text(TABLE.replace("0,5277", "0,3").replace("0,3259", "0,6"))
    options = ("table.csv", "--device", "kubota2013", "--free", "alpha")
    ended = llgrad("fit", *options, "--out", "f.json", "--report", "r.html")
    first = ended.out.split("\n", 1)[0]
    assert ended.status == 1 and ended.err.endswith(f"llgrad: {first}\n")
    assert first.startswith("the model does not explain the data: χ² per degree of freedom is ")
    assert "±" not in ended.out and "Hz; " in ended.out.split("; residual rms ")[-1]
    assert first in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = llgrad("fit", *options, "--json")
    entry = json.loads(again.out)
    assert again.status == 1 and again.err == f"llgrad: {first}\n"
    assert entry["explanation"][0] == first and not entry["explained"] and entry["parameters"]["alpha"]["error"] is None
    assert json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["explanation"] == entry["explanation"]


def test_json_says_nothing_on_stderr(llgrad, short_trace):
    options = ("--device", "kubota2013", "--free", "alpha", "--json", "--m0", "1deg,1deg")
    ended = llgrad("fit", short_trace, *options)
    assert ended.err == "" and json.loads(ended.out)["converged"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--free", "current"], "current is free, but it is what the table sweeps"),
        (["--free", "alpha", "--columns", "mx"], "--columns chooses among those of a trace, and"),
        (["--free", "alpha", "--sine-current", "0.1mA,1GHz"], "a table of frequencies is that of free oscillations"),
    ],
)
def test_what_a_table_cannot_be_asked(refused, table, options, sentence):
    assert sentence in refused("fit", table, "--device", "kubota2013", *options)


def test_a_spectrum_is_fitted(llgrad, tmp_path):
    f = [0.2 + 0.004 * k for k in range(125)]
    rows = [f"{x},{4 / (1 + (2 * (x - 0.4402) / 0.035) ** 2) + 0.1 + 0.01 * (k % 3 - 1)}" for k, x in enumerate(f)]
    (tmp_path / "psd.csv").write_text("\n".join(["f (GHz),S (nV²/Hz)", *rows]) + "\n")
    options = ("--device", "kubota2013", "--free", "current", "--start", "current=2.2mA", "--noise", "0.05")
    ended = llgrad("fit", "psd.csv", *options, "--plot", "p")
    assert ended.err.startswith("llgrad: read psd.csv: Spectrum: 0.2 to 0.696 GHz")
    assert ended.status == 0 and "2.5" in ended.out.split("current")[1].split("±")[0] and "line_width" in ended.out
    assert (tmp_path / "p" / "fit.png").exists()


def test_how_a_spectrum_or_a_table_is_read_is_told(refused, tmp_path, short_trace):
    fit = ("--device", "kubota2013", "--free", "alpha")
    (tmp_path / "s.csv").write_text("f (GHz),Min (dBm),Max (dBm)\n1,-80,-70\n2,-80,-70\n3,-80,-70\n")
    assert "(--read level=Min on the command line)" in refused("fit", "s.csv", *fit)
    assert "(--read rbw=1MHz on the command line)" in refused("fit", "s.csv", *fit, "--read", "level=Max")
    options = ("--read", "level=Max", "--read", "rbw=1MHz", "--read", "filter=1.055", "--read", "averaging=log")
    assert "the spectrum has 3 readings" in refused("fit", "s.csv", *fit, *options)
    assert "--read rbw: '1mV' is in V, expected a quantity in Hz" in refused("fit", "s.csv", *fit, "--read", "rbw=1mV")
    assert "--read peak=G1: a spectrum is read by level, unit" in refused("fit", "s.csv", *fit, "--read", "peak=G1")
    (tmp_path / "t.csv").write_text("I (mA),f_G1 (GHz),f_G2 (GHz)\n1,2,3\n2,3,4\n")
    assert "choose one, as in peak='G1' (--read peak=G1 on the command line)" in refused("fit", "t.csv", *fit)
    assert "no column of frequencies named 'G3'" in refused("fit", "t.csv", *fit, "--read", "peak=G3")
    assert "a trace is read by channel" in refused("fit", short_trace, *fit, "--read", "peak=G1")


def test_the_line_of_a_network_analyser_needs_no_device(llgrad, refused, tmp_path):
    f = [4 + 0.01 * k for k in range(201)]
    s21 = [(1 - 0.3 / (1 + (2 * (x - 5) / 0.1) ** 2)) ** 0.5 for x in f]
    rows = [f"{x:.2f} 0 0 {s:.9f} 0 {s:.9f} 0 0 0" for x, s in zip(f, s21, strict=True)]
    (tmp_path / "fmr.s2p").write_text("\n".join(["# GHz S RI R 50", *reversed(rows)]) + "\n")
    ended = llgrad("fit", "fmr.s2p", "--out", "line.json")
    assert ended.status == 0 and ended.out.startswith("Peak: 5.00000") and "0.3 of the power into port 1" in ended.out
    assert "Touchstone, version 1: S parameters of 2 ports" in ended.err and "rows sorted by frequency" in ended.err
    entry = json.loads((tmp_path / "line.json").read_text())
    assert entry["format"] == "llgrad.line" and entry["line_width"]["value"] == pytest.approx(1e8, rel=1e-4)
    narrow = llgrad("fit", "fmr.s2p", "--read", "port=2", "--read", "window=4.7GHz:5.3GHz", "--json")
    assert json.loads(narrow.out)["frequency"]["value"] == pytest.approx(5e9, rel=1e-6) and narrow.err == ""
    for options, sentence in (
        (["--device", "kubota2013"], "--device has no use where fmr.s2p holds S parameters; leave it out"),
        (["--read", "port=3"], "port = 3, expected 1 to 2"),
        (["--read", "port=x"], "--read port=x: expected the number of a port"),
        (["--read", "peak=1"], "--read peak: S parameters are read by port=2, window=4GHz:6GHz"),
        (["--read", "window=4GHz"], "--read window=4GHz: expected LOW:HIGH"),
    ):
        assert sentence in refused("fit", "fmr.s2p", *options)


def test_a_trace_in_pieces(llgrad, short_trace):
    options = ("--device", "kubota2013", "--free", "alpha", "--columns", "mx,my,mz", "--segment", "70ps", "--json")
    entry = json.loads(llgrad("fit", short_trace, *options).out)
    assert entry["values"]["alpha"] == pytest.approx(0.005, abs=5 * entry["parameters"]["alpha"]["error"])
    assert "fitted in 8 pieces" in " ".join(entry["verdict"])


SWEEPS = "H (Oe) 5 GHz;V (uV) 5 GHz\n" + "".join(f"{100 * k};{k % 3}\n" for k in range(1, 30))
A_VALUE = {
    "accuracy": "1e-6",
    "field_unit": "Oe", "voltage_unit": "V", "min_field": "1kOe", "max_field": "3kOe", "frequencies": "5GHz:9GHz",
    "background": "linear", "shape": "lorentzian", "modulation": "1mT",
    "device": "kubota2013", "free": "alpha", "start": "alpha=0.01", "bounds": "alpha=0:1",
    "set_": "alpha=0.01", "read": "peak=G1", "method": "lm", "starts": "3", "spread": "0.3",
    "seed": "1", "m0": "1deg,0deg", "drive": "current=constant:1mA", "sine_current": "1mA,1GHz",
    "drive_csv": "drive.csv",
    "report": "page.html", "profiles": None, "intervals": None, "noise": "0.1", "time_limit": "9s", "segment": "1ns",
}  # fmt: skip
OPTIONS = {param.name: param for param in typer.main.get_command(app).commands["fit"].params}


def option(name):
    """One option of the command, with a value that suits it."""
    flag = max(OPTIONS[name].opts, key=len)
    return [flag] if A_VALUE[name] is None else [flag, A_VALUE[name]]


def test_every_option_is_for_something():
    others = FOR_EVERY_FILE | FOR_FOLDERS | {*NOT_IN_A_FILE}
    assert set(OPTIONS) - others == set(A_VALUE) and set(A_VALUE) >= FOR_SWEEPS


@pytest.mark.parametrize("name", sorted(A_VALUE))
def test_an_option_for_another_kind_of_file_is_refused(refused, short_trace, tmp_path, name):
    (tmp_path / "sweeps.csv").write_text(SWEEPS)
    flag, *_ = option(name)
    if name in FOR_SWEEPS:
        expected = f"{flag} is for field sweeps, and {short_trace} holds none; leave it out"
        assert refused("fit", short_trace, "--device", "kubota2013", "--free", "alpha", *option(name)) == expected
    else:
        expected = f"{flag} is for the fit of a device, and sweeps.csv holds field sweeps; leave it out"
        assert refused("fit", "sweeps.csv", *option(name)) == expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("spread", "--spread draws the starts after the first; add --starts 10, or leave it out"),
        ("seed", "--seed draws the starts after the first; add --starts 10, or leave it out"),
        ("profiles", "--profiles is for the report; add --report FILE, or leave it out"),
    ],
)
def test_an_option_that_needs_another_one(refused, short_trace, name, sentence):
    assert refused("fit", short_trace, "--device", "kubota2013", "--free", "alpha", *option(name)) == sentence
