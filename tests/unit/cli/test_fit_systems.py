"""`llgrad fit` of devices that are no Oscillator."""

import numpy as np
import pytest

import llgrad as lg


@pytest.fixture(autouse=True)
def recorded(tmp_path):
    model = lg.systems.AmplitudeModel(omega_0=2e9, N=-5e8, Gamma_G=2e8, Q=0.5, sigma=4e11, current=1.0e-3)
    lg.save_device(tmp_path / "model.json", model)
    run = lg.simulate(model, duration=6e-9, dt=20e-12)
    columns = [np.asarray(run.signal(name).values) for name in run.model.signals(run.state)[:2]]
    names = run.model.signals(run.state)[:2]
    rows = [f"{t * 1e9:.6f},{a:.9f},{b:.9f}" for t, a, b in zip(np.asarray(run.t), *columns, strict=True)]
    (tmp_path / "trace.csv").write_text("\n".join([f"t (ns),{names[0]},{names[1]}", *rows, ""]))


def test_an_amplitude_model_is_fitted_by_the_signals_in_the_file(llgrad):
    ended = llgrad("fit", "trace.csv", "--device", "model.json", "--free", "omega_0", "--start", "omega_0=1.9e9rad/s")
    assert ended.status == 0, ended.err
    assert "omega_0    2" in ended.out and "the model explains the data" in ended.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--columns", "mx"), "AmplitudeModel has no signal of this name"),
        (("--m0", "1deg,0deg"), "this is a AmplitudeModel"),
    ],
)
def test_what_is_refused(refused, words, sentence):
    assert sentence in refused("fit", "trace.csv", "--device", "model.json", "--free", "omega_0", *words)
