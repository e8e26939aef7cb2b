"""`llgrad study`, and `llgrad fit` of a folder."""

import json

import numpy as np
import pytest

import llgrad as lg
from llgrad.cli.studies.spec import COMMON, KNOWN, read_spec

DEVICE = lg.presets.kubota2013().replace(current=0.6e-3)


@pytest.fixture
def wafer(tmp_path):
    (tmp_path / "wafer").mkdir()
    for place, alpha in enumerate((0.004, 0.006)):
        run = lg.simulate(DEVICE.replace(alpha=alpha), duration=1e-9, dt=2e-12, m0=(0.6, 0, 0.8), save=lg.Every(5))
        np.savez(tmp_path / "wafer" / f"D{place}.npz", t=run.t, mx=run.mx, my=run.my, mz=run.mz)
    (tmp_path / "wafer" / "D2.csv").write_text("no trace\n")
    (tmp_path / "places.csv").write_text("name,x (mm),y (mm),split\nD0,0,1,A\nD1,2,1,B\n")


SPEC = """
device = "kubota2013"
files = "wafer/*.npz"
free = ["alpha", "current"]
labels = "places.csv"
settings = {H_k = ["1.8616T"]}
start = {current = "0.5mA"}
bounds = {alpha = "0.001:0.1"}
"""


def test_a_study_and_a_folder(llgrad, wafer, tmp_path):
    (tmp_path / "all.toml").write_text(SPEC)
    ended = llgrad("study", "all.toml", "--workers", 0, "--report", "all.html", "--plot", "pictures")
    assert ended.status == 0, ended.err
    assert "fits: 2 rows, 2 good, 0 failed" in ended.out and (tmp_path / "pictures" / "distributions.png").exists()
    assert 'id="wafer"' in (tmp_path / "all.html").read_text()
    found = lg.studies.load_study(tmp_path / "all")
    assert found["alpha"] == pytest.approx([0.004, 0.006], rel=1e-6)
    assert found["x"].tolist() == [0.0, 2e-3] and found["split"].tolist() == ["A", "B"]
    again = llgrad("study", "all.toml", "--workers", 0, "--json")
    assert json.loads(again.out)["populations"]["alpha"]["mean"] == pytest.approx(0.005, rel=1e-6)


def test_failed_rows_are_done_again(llgrad, wafer, tmp_path):
    (tmp_path / "all.toml").write_text(
        SPEC.replace("wafer/*.npz", "wafer/D[02].*").replace('labels = "places.csv"', "")
    )
    ended = llgrad("study", "all.toml", "--workers", 0)
    assert ended.status == 1 and "1 of 2 rows failed (--retry-failed does them again); D2: " in ended.err
    before = (tmp_path / "all" / "results.parquet").stat().st_mtime_ns
    ended = llgrad("study", "all.toml", "--workers", 0, "--retry-failed", "--report", "all.html")
    assert ended.status == 1 and "1 of 2 rows failed" in ended.err
    assert (tmp_path / "all" / "results.parquet").stat().st_mtime_ns > before
    ended = llgrad("study", "all.toml", "--workers", 0, "--retry-failed", "--report", "all.html", "--force")
    assert ended.status == 1 and lg.studies.load_study(tmp_path / "all")["alpha"][0] == pytest.approx(0.004, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"kubota2013"', '"nothing"'), "nothing"),
        (("files", "file"), "has no entry 'file'"),
        (('"current"]', '"current", "alhpa"]'), "unknown parameter 'alhpa'"),
        (("wafer/*.npz", "wafer/*.tdms"), "has no recordings"),
        (("H_k", "H"), "the setting 'H' is none of the device"),
        (('device = "kubota2013"', ""), "it needs device"),
        (("device =", "device ="), "places.csv: the column x has no unit"),
    ],
)
def test_a_wrong_file_is_a_sentence(llgrad, wafer, tmp_path, change, said):
    (tmp_path / "all.toml").write_text(SPEC.replace(*change))
    if change[0] == change[1]:
        (tmp_path / "places.csv").write_text("name,x,y\nD0,0,1\n")
    ended = llgrad("study", "all.toml", "--workers", 0)
    assert ended.status == 2 and said in ended.err and ended.err.count("\n") == 1
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KNOWN for name in {**COMMON, **KNOWN[kind]}])
def test_every_entry_of_a_wrong_kind_is_a_sentence(refused, tmp_path, kind, name):
    text = "" if name == "kind" else f'kind = "{kind}"\n'
    (tmp_path / "all.toml").write_text(f"{text}{name} = 1979-05-27\n")
    said = refused("study", "all.toml")
    assert said.startswith("all.toml: ") and (f"{name} = " in said or "has no entry" in said)


def test_names_with_a_dot_are_tables_too(llgrad, wafer, tmp_path):
    (tmp_path / "all.toml").write_text(
        'device = "kubota2013"\nfiles = "wafer/D0.npz"\nfree = ["field.z"]\n[start]\nfield.z = "0.01T"\n'
        "[settings]\ndemag.z = [0.9]\n"
    )
    work = read_spec(tmp_path / "all.toml")
    assert work.settings == {"demag.z": (0.9,)} and float(work.devices[""].field.z) == 0.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[set]\nalpha = [1]", "set: alpha = [1], expected one value with its unit"),
        ("[settings]\nalpha = [true]", "settings: alpha = [True], expected a list of values"),
        ("[settings]\nalfa = [1]", "the setting 'alfa' is none of the device; it has Ms, "),
    ],
)
def test_wrong_values_in_tables_are_a_sentence(refused, tmp_path, text, said):
    (tmp_path / "all.toml").write_text(f'kind = "simulations"\ndevice = "kubota2013"\nduration = "1ns"\n{text}\n')
    assert said in refused("study", "all.toml")


def test_a_file_of_bytes_is_a_sentence(refused, tmp_path):
    (tmp_path / "all.toml").write_bytes(b"\xdb\x00")
    assert refused("study", "all.toml").startswith("all.toml is no TOML file: ")
    (tmp_path / "all.toml").write_text("a = " + "[" * 9999)
    assert refused("study", "all.toml") == "all.toml is no TOML file: its entries are nested too deep"


def test_a_folder_refuses_what_is_for_one_recording(llgrad, wafer):
    ended = llgrad("fit", "wafer", "--device", "kubota2013", "--free", "alpha", "--starts", 3)
    assert ended.status == 2 and "--starts is for one recording" in ended.err
    assert "needs --free" in llgrad("fit", "wafer", "--device", "kubota2013").err
