"""`llgrad study`, and `llgrad fit` of a folder."""

import json
import socket

import numpy as np
import pytest

import llgrad as lg
from llgrad.cli.studies import folder
from llgrad.cli.studies.spec import COMMON, KNOWN, read_spec
from llgrad.studies import workers

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


@pytest.mark.parametrize("more", [(), ("--retry-failed",)])
def test_a_folder_is_told_whether_what_failed_is_fitted_again(llgrad, wafer, monkeypatch, more):
    asked = []
    monkeypatch.setattr(folder, "carry_out", lambda work, out, how, *others: asked.append(how["retry_failed"]))
    assert llgrad("fit", "wafer", "--device", "kubota2013", "--free", "alpha", *more).status == 0
    assert asked == [bool(more)]


def test_a_single_recording_has_nothing_that_failed(llgrad, wafer):
    ended = llgrad("fit", "wafer/D1.npz", "--device", "kubota2013", "--free", "alpha", "--retry-failed")
    assert ended.status == 2 and "--retry-failed is for a folder, whose files are the rows of a study" in ended.err


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:{free}", r"no scheduler answers at tcp://127\.0\.0\.1:\d+ \(Connection refused\); give the"),
        ("tcp://no.such.host.invalid:8786", r"no scheduler answers at tcp://no\.such\.host\.invalid:8786 \("),
        ("tcp://127.0.0.1:many", "is no address"),
    ],
)
def test_a_scheduler_that_is_not_there_is_told_at_once(tmp_path, monkeypatch, address, said):
    monkeypatch.setattr(workers, "STARTING", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    work = lg.studies.Evaluations(lambda n: {"square": n**2}, [{"n": 1.0}])
    with pytest.raises(ValueError, match=said):
        lg.studies.study(work, tmp_path / "s", cluster=address.format(free=free))


def test_a_folder_refuses_what_is_for_one_recording(llgrad, wafer):
    ended = llgrad("fit", "wafer", "--device", "kubota2013", "--free", "alpha", "--starts", 3)
    assert ended.status == 2 and "--starts is for one recording" in ended.err
    assert "needs --free" in llgrad("fit", "wafer", "--device", "kubota2013").err
