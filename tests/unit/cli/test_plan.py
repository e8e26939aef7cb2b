"""`llgrad plan`: from a device and from the file of a fit; every mistake in a sentence."""

import json

import pytest

DEVICE = ("kubota2013", "--free", "current,alpha", "--noise", "0.01", "--duration", "1ns", "--settling", "0s")


def test_a_plan_from_a_device(llgrad, tmp_path):
    ended = llgrad(
        "plan", *DEVICE, "--currents", "2mA:3mA:2", "--fields", "200Oe,500Oe", "--out", "p.json", "--plot", "p"
    )
    assert (ended.status, ended.err) == (0, "")
    assert "4 candidates" in ended.out and "measure at current = " in ended.out
    entry = json.loads((tmp_path / "p.json").read_text())
    assert entry["format"] == "llgrad.plan" and entry["command"].startswith("llgrad plan")
    assert sorted({c["settings"]["field.z"]["value"] for c in entry["candidates"]}) == pytest.approx([0.02, 0.05])
    assert (tmp_path / "p" / "plan.png").read_bytes()[:4] == b"\x89PNG"


def test_a_plan_from_the_file_of_a_fit(llgrad, short_trace, tmp_path):
    llgrad("fit", short_trace, "--device", "kubota2013", "--free", "alpha", "--out", "fit.json")
    ended = llgrad(
        *("plan", "fit.json", "--duration", "1ns", "--settling", "0s", "--json"),
        *("--vary", "field.x=0mT:10mT:2", "--plot", "p"),
    )
    entry, fitted = json.loads(ended.out), json.loads((tmp_path / "fit.json").read_text())
    assert entry["recorder"]["noise"] == pytest.approx(fitted["noise"]), "that of the fit"
    assert entry["before"]["errors"]["alpha"] == pytest.approx(fitted["parameters"]["alpha"]["error"], rel=1e-6)
    assert entry["candidates"][0]["errors"]["alpha"] < entry["before"]["errors"]["alpha"]
    assert (tmp_path / "p" / "plan.png").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (DEVICE, "no candidates: give --currents 1mA:3mA:5, --fields 0Oe:3kOe:7, or both"),
        ([*DEVICE, "--currents", "1mA:3mA"], "--currents 1mA:3mA: expected LOW:HIGH:COUNT"),
        ([*DEVICE, "--currents", "3mA:1mA:3"], "expected a lower value before a higher one"),
        ([*DEVICE, "--currents", "1:3:3"], "--currents: '1' has no unit; expected a quantity in A"),
        ([*DEVICE, "--fields", "1mA:3mA:3"], "--fields: '1mA' is in A, expected a quantity in T"),
        ([*DEVICE, "--vary", "curent=1mA:3mA:3"], "unknown parameter 'curent' (did you mean 'current'?)"),
        (["kubota2013", "--currents", "1mA,2mA"], "--free is missing: for a device, name what is unknown"),
        (["kubota2013", "--free", "alhpa", "--currents", "1mA"], "(did you mean 'alpha'?)"),
        (["kubota2013", "--free", "alpha", "--currents", "1mA"], "a plan needs the noise of a recorded value"),
        (["kubota", "--free", "alpha", "--currents", "1mA"], "unknown device 'kubota'"),
        (["none.json", "--free", "alpha", "--currents", "1mA"], "the device file none.json does not exist"),
        ([*DEVICE, "--currents", "1mA", "--out", "p.csv"], "--out p.csv: expected a name that ends in .json"),
    ],
)
def test_bad_input_gets_one_sentence(refused, arguments, sentence):
    assert sentence in refused("plan", *arguments)
