"""`llgrad simulate`: what it does, and every mistake in a sentence."""

import json

import numpy as np
import pytest

from llgrad import presets
from llgrad.cli import simulate as module
from llgrad.core.files import read_npz
from llgrad.core.status import SimulationError
from llgrad.datasets.reader import read_trace
from llgrad.solve.simulate import simulate

SHORT = ("simulate", "kubota2013", "--duration", "1ns", "--dt", "5ps")
SHORTER = (*SHORT[:-1], "1ps")


def test_a_run_tells_frequency_and_mean(llgrad):
    ended = llgrad("simulate", "kubota2013", "--duration", "60ns")
    assert ended.status == 0 and ended.err == ""
    assert "steps of 4.35" in ended.out and "m·p oscillates at 440." in ended.out


def test_json_is_one_object_that_begins_with_the_record(llgrad):
    ended = llgrad(*SHORT, "--current", "2mA", "--field", "0.3kOe", "--json")
    entry = json.loads(ended.out)
    assert list(entry)[:2] == ["format", "format_version"] and entry["format"] == "llgrad.trajectory"
    assert entry["device"]["current"] == {"value": 2e-3, "unit": "A"}
    assert entry["device"]["field"]["value"] == [0.0, 0.0, pytest.approx(0.03)]
    assert (entry["status"], entry["stats"]["steps"], entry["dtype"]) == ("finished", 200, "float64")
    assert ended.err == ""


def test_an_accuracy_chooses_the_step(llgrad):
    """As many states as without it, from fewer steps, and a sentence about the error."""
    given = ("simulate", "kubota2013", "--duration", "5ns", "--accuracy", "1e-8")
    entry = json.loads(llgrad(*given, "--json").out)
    assert entry["stats"]["stepper"] == "DormandPrince8" and entry["stats"]["samples"] > 1
    assert 0 < entry["stats"]["error"] <= 1e-8
    ended = llgrad(*given)
    assert "estimated error of the last state: " in ended.out
    assert "leave one of the two out" in llgrad(*given, "--dt", "1ps").err


def test_npz_holds_the_run(llgrad, tmp_path):
    assert "wrote run.npz" in llgrad(*SHORT, "--save-every", "10", "--out", "run.npz").out
    record, arrays = read_npz(tmp_path / "run.npz", "trajectory")
    direct = simulate(presets.kubota2013(), duration=1e-9, dt=5e-12)
    np.testing.assert_allclose(arrays["m"], np.asarray(direct.m)[::10], atol=1e-12)
    assert arrays["t"][1] == pytest.approx(50e-12)
    assert record["command"] == "llgrad simulate kubota2013 --duration 1ns --dt 5ps --save-every 10 --out run.npz"
    assert record["seed"] is None


def test_csv_is_a_trace_with_its_record(llgrad, tmp_path):
    llgrad(*SHORT, "--out", "run.csv")
    trace = read_trace(tmp_path / "run.csv")
    assert trace.t.size == 201 and list(trace.columns) == ["mx", "my", "mz"]
    record = json.loads(next(note for note in trace.notes if note.startswith("run record: "))[12:])
    assert record["format"] == "llgrad.trajectory"


def test_every_option_of_the_device_arrives(llgrad):
    options = ("--field-x", "1mT", "--field-y", "-2mT", "--field-z", "3mT", "--alpha", "0.02", "--set", "H_k=18000Oe")
    device = json.loads(llgrad(*SHORT, *options, "--set", "lambda_=0.3", "--m0", "90deg,0deg", "--json").out)["device"]
    assert device["field"]["value"] == pytest.approx([1e-3, -2e-3, 3e-3])
    assert [device[name]["value"] for name in ("alpha", "H_k", "lambda_")] == pytest.approx([0.02, 1.8, 0.3])


def test_noise_is_reproducible_by_its_seed(llgrad):
    def mean(*options):
        return json.loads(llgrad(*SHORTER, "--temperature", "300K", "--json", *options).out)["summary"]["mean_m"]

    assert mean("--seed", "3") == mean("--seed", "3") != mean("--seed", "4")
    assert mean() == mean("--seed", "0")


def test_drives_arrive_and_add(llgrad, tmp_path):
    (tmp_path / "pulse.csv").write_text("t (ns), field (Oe)\n0, 0\n0.1, 100\n0.2, 0\n")
    options = (
        "--sine-current",
        "0.1mA,1.5GHz",
        "--drive",
        "current=step:0.2mA,0.5ns",
        "--drive",
        "field_x=csv:pulse.csv",
    )
    drive = json.loads(llgrad(*SHORTER, *options, "--json").out)["drive"]
    assert [part["type"] for part in drive["current"]["parts"]] == ["Step", "Sine"]
    assert drive["current"]["parts"][1]["frequency"] == {"value": 1.5e9, "unit": "Hz"}
    assert drive["field_x"]["values"]["value"] == pytest.approx([0.0, 0.01, 0.0])


def test_the_engines_agree(llgrad):
    means = [json.loads(llgrad(*SHORT, "--engine", engine, "--json").out) for engine in ("native", "xla", "diffrax")]
    assert [entry["stats"]["engine"] for entry in means] == ["native", "XLA", "Diffrax"]
    native, xla, diffrax = (entry["summary"]["mean_m"] for entry in means)
    assert native == pytest.approx(xla, abs=1e-12) and diffrax == pytest.approx(xla, abs=1e-6)


def test_pictures_are_written_into_a_new_folder(llgrad, tmp_path):
    ended = llgrad(*SHORT, "--plot", "a/pictures")
    assert "wrote a/pictures/orbit.png" in ended.out
    files = sorted((tmp_path / "a/pictures").iterdir())
    assert [file.name for file in files] == ["orbit.png", "spectrum.png", "trace.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


def test_a_device_at_rest_has_no_frequency_and_no_spectrum(llgrad, tmp_path):
    ended = llgrad(*SHORT, "--current", "0mA", "--m0", "0deg,0deg", "--plot", "p")
    assert ended.status == 0 and "no oscillation" in ended.out
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == ["orbit.png", "trace.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["kubota"], "unknown device 'kubota'; the presets are kubota2013, "),
        (["--set", "delay=1ns"], "delay belongs to a recording and is no value of a device: llgrad fit finds it with"),
        (["--set", "alhpa=0.1"], "unknown parameter 'alhpa' (did you mean 'alpha'?); it can be Ms, volume, alpha,"),
        (["--set", "terms.0.x=1"], "unknown parameter 'terms.0.x'"),
        (["--set", "alpha"], "--set 'alpha': expected NAME=VALUE, such as --set alpha=0.01"),
        (["--current", "2.5"], "current: '2.5' has no unit; expected a quantity in A, such as 2.5mA"),
        (["--current", "2.5ns"], "current: '2.5ns' is in s, expected a quantity in A, such as 2.5mA"),
        (["--current", "2.5mAmp"], "current: unknown unit 'mAmp'"),
        (["--current", "much"], "current: 'much' is not a quantity"),
        (["--current", "2.5A"], "current = 2.5 A is out of range"),
        (["--alpha", "-0.1"], "damping cannot be negative"),
        (["--field", "1mT", "--field-z", "1mT"], "--field and --field-z are the same; give one of them"),
        (["--duration", "-1ns"], "duration = -1e-09, expected a time in seconds, zero or more"),
        (["--duration", "1e999ns"], "--duration: '1e999ns' is not a finite number"),
        (["--duration", "1ms"], "this run keeps 2e+08 states; keep fewer, for example with --save-every 201"),
        (["--dt", "1ns"], "the largest safe dt is 26.15 ps"),
        (["--dt", "0ps"], "dt = 0.0, expected a positive number"),
        (["--save-every", "0"], "Invalid value for '--save-every'"),
        (["--m0", "10deg"], "--m0 '10deg': expected two angles, such as --m0 10deg,0deg"),
        (["--m0", "90,0"], "--m0: '90' has no unit; expected an angle, such as 90deg"),
        (["--m0", "90rad,0rad"], "--m0: '90rad' is more than a full turn; did you mean degrees"),
        (["--field", "300,0,0"], "field: '300' has no unit; expected a quantity in T"),
        (["--field", "300Oe,0Oe,0Oe", "--field-x", "1Oe"], "gives all components; leave out --field-x"),
        (["--set", "polariser=90deg"], "polariser: '90deg' is no vector; expected three components (x, y, z)"),
        (["--set", "ellipse.diameters=9nm,9nm"], "an ellipse is {diameters: ['160nm', '80nm'], thickness: '5nm'}"),
        (["--engine", "cuda"], "'cuda' is not one of 'native', 'xla', 'diffrax'"),
        (["--seed", "1"], "--seed sets the thermal noise, and this device is at 0 K"),
        (["--sine-current", "0.1mA"], "a sine takes amplitude, frequency, [phase], got 1 values"),
        (["--sine-current", "1Oe,1GHz"], "'1Oe' is in T, expected a quantity in A"),
        (["--drive", "current"], "drive 'current': expected CHANNEL=KIND:VALUES"),
        (["--drive", "field=sine:1Oe,1GHz"], "unknown channel 'field'; it can be current, field_x, field_y, field_z"),
        (["--drive", "current=0.1mA,1GHz"], "'0.1mA,1GHz' is no KIND:VALUES, such as sine:0.1mA,1.5GHz"),
        (["--drive", "current=sine:1mA,1GHz+1mA,2GHz"], "a further waveform has its kind: …+sine:1mA,…"),
        (
            ["--drive", "current=sine:1mA,1GHz,0rad,1mA,2GHz"],
            "got 5 values; a further waveform of this channel is joined",
        ),
        (
            ["--drive", "current=sine:1mA,amplitude=1mA"],
            "a sine takes amplitude, frequency, [phase]; amplitude is given",
        ),
        (["--drive", "current=sine:amplitude=1mA,1GHz"], "values without a name come before those with one"),
        (["--drive", "current=sine:1mA,colour=1GHz"], "colour is not among them"),
        (["--drive", "current=sine:frequency=1GHz"], "got 1 values; amplitude is missing"),
        (["--drive", "current=saw:1mA"], "unknown waveform 'saw'; it can be constant, step, pulse, sine, chirp, csv"),
        (["--drive-csv", "none.csv"], "none.csv does not exist; check the name and the folder"),
        (["--out", "run.txt"], "--out run.txt: expected a name that ends in .npz or .csv"),
        (["--out", "nowhere/run.npz"], "the folder nowhere does not exist; make it first"),
    ],
)
def test_bad_input_gets_one_sentence(refused, arguments, sentence):
    step = [] if "--dt" in arguments else ["--dt", "5ps"]
    device = [] if arguments[0] == "kubota" else ["kubota2013", *step]
    assert sentence in refused("simulate", *device, *arguments)


def test_existing_files_are_kept_without_force(llgrad, refused, tmp_path):
    (tmp_path / "run.npz").write_text("old")
    said = refused(*SHORT, "--out", "run.npz")
    assert said == "run.npz exists already and is kept; choose another name, or add --force"
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "orbit.png").write_text("old")
    assert "p/orbit.png exists already and is kept" in refused(*SHORT, "--plot", "p")
    assert "is a file, expected the name of a folder" in refused(*SHORT, "--plot", "run.npz")
    assert llgrad(*SHORT, "--out", "run.npz", "--plot", "p", "--force").status == 0
    assert read_npz(tmp_path / "run.npz", "trajectory")


def test_a_run_that_fails_ends_with_1_and_leaves_nothing(llgrad, tmp_path, monkeypatch):
    def fails(*arguments, **options):
        raise SimulationError("became non-finite at t = 1 ns; check the drive")

    monkeypatch.setattr(module, "run_device", fails)
    ended = llgrad(*SHORT, "--out", "run.npz", "--plot", "p")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "llgrad: the run failed: became non-finite at t = 1 ns; check the drive\n"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stopped(monkeypatch):
    """Have the next run go in many parts, and be interrupted when so much of it is done."""
    monkeypatch.setattr("llgrad.solve.parts.running.steps_of_a_part", lambda task, engine: 40)

    def at(fraction):
        def stopping(*arguments, progress, **options):
            def tell(told):
                if told["fraction"] >= fraction:
                    raise KeyboardInterrupt
                progress(told)

            return simulate(*arguments, progress=tell, **options)

        monkeypatch.setattr(module, "run_device", stopping)

    return at


@pytest.mark.parametrize("options", [(), ("--temperature", "300K", "--seed", "3"), ("--sine-current", "0.1mA,2GHz")])
def test_a_file_of_an_interrupted_run_is_continued(llgrad, stopped, tmp_path, options):
    stopped(2.0)
    llgrad(*SHORT, *options, "--out", "whole.npz")
    stopped(0.45)
    ended = llgrad(*SHORT, *options, "--out", "run.npz")
    assert ended.status == 130 and "interrupted at t = 0.6 ns" in ended.out and "wrote run.npz" in ended.out
    assert ended.err == "llgrad: interrupted; run.npz holds what there is; the same command with --continue goes on\n"
    assert len(read_npz(tmp_path / "run.npz", "trajectory")[1]["t"]) == 121
    stopped(0.7)
    assert llgrad(*SHORT, *options, "--out", "run.npz", "--continue").status == 130
    stopped(2.0)
    ended = llgrad(*SHORT, *options, "--out", "run.npz", "--continue")
    assert ended.status == 0 and "finished" in ended.out
    (record, arrays), (_, whole) = (read_npz(tmp_path / name, "trajectory") for name in ("run.npz", "whole.npz"))
    assert record["status"] == "finished" and record["command"].endswith("--continue")
    for name in ("t", "m"):
        assert arrays[name].tobytes() == whole[name].tobytes()


def test_what_cannot_be_continued_is_a_sentence(llgrad, refused, stopped, tmp_path):
    stopped(0.45)
    llgrad(*SHORT, "--out", "run.npz")
    going_on = (*SHORT, "--out", "run.npz", "--continue")
    assert "say which: --out run.npz --continue" in refused(*SHORT, "--continue")
    assert "run.csv is none; .csv keeps fewer digits" in refused(*SHORT, "--out", "run.csv", "--continue")
    assert "none.npz does not exist" in refused(*SHORT, "--out", "none.npz", "--continue")
    assert "run with another device; repeat the command with which it was begun" in refused(*going_on, "--alpha", "0.1")
    assert "another drive" in refused(*going_on, "--sine-current", "0.1mA,2GHz")
    assert "the file holds a run with stepper = RK4" in refused(
        *(w for w in going_on if w not in ("--dt", "5ps")), "--accuracy", "1e-8"
    )
    assert "the file holds a run with dt = 5 ps" in refused(*(word.replace("5ps", "1ps") for word in going_on))
    stopped(2.0)
    assert llgrad(*going_on).status == 0
    assert "the run in run.npz is finished" in refused(*going_on)


def test_an_interrupted_run_without_a_file_is_told_of(llgrad, stopped):
    stopped(0.45)
    ended = llgrad(*SHORT)
    assert ended.status == 130 and ended.err.endswith("with --out run.npz the run could be continued\n")
    stopped(0.0)
    ended = llgrad(*SHORT)
    assert (ended.status, ended.out, ended.err) == (130, "", "llgrad: interrupted; nothing was written\n")
