"""Every picture: drawn without pyplot, labelled with units, 900 pixels wide, nothing cut, and truthful."""

import sys
from types import SimpleNamespace

import matplotlib
import matplotlib.figure
import numpy as np
import pytest
from tests.unit.plot.conftest import check_whole, is_that, lines_of, named_lines, overlapping

from llgrad import plot, presets
from llgrad.datasets.trace import Trace
from llgrad.devices.array import OscillatorArray
from llgrad.observables.spectrum import spectrum
from llgrad.solve.simulate import simulate


@pytest.fixture(scope="module")
def run():
    return simulate(presets.kubota2013(), duration=3e-9, dt=5e-12)


@pytest.fixture(scope="module")
def array_run():
    device = presets.kubota2013().replace(current=np.linspace(2e-3, 3e-3, 6))
    return simulate(OscillatorArray(device, 6), duration=2e-9, dt=5e-12)


@pytest.fixture(scope="module")
def result(run):
    rng = np.random.default_rng(0)
    prediction = {f"m{axis}": np.asarray(run.m)[:, i] for i, axis in enumerate("xyz")}
    data = Trace(run.t, {name: values + 1e-3 * rng.normal(size=values.size) for name, values in prediction.items()})
    stages = [(f"window {w} of 7", i, 10.0 ** (w - i)) for w in range(1, 8) for i in range(5)]
    history = [{"stage": stage, "iteration": i, "cost": cost} for stage, i, cost in stages]
    return SimpleNamespace(data=data, prediction=prediction, history=history)


@pytest.fixture(scope="module")
def voltage(run):
    data = Trace(run.t, {"voltage": 3e-3 * np.asarray(run.mx)})
    return SimpleNamespace(data=data, prediction={"voltage": 3.01e-3 * np.asarray(run.mx)}, history=[])


@pytest.fixture(scope="module")
def pictures(run, array_run, result, voltage):
    """Every kind of picture of every kind of source."""
    return {
        "trace of a run": plot.trace(run),
        "trace of an array": plot.trace(array_run),
        "trace of data": plot.trace(result.data),
        "trace of a voltage": plot.trace(voltage.data),
        "trace of both": plot.trace(Trace(run.t, {**result.data.columns, **voltage.data.columns})),
        "fit": plot.fit(result),
        "fit of a voltage": plot.fit(voltage),
        "orbit of a run": plot.orbit(run),
        "orbit of an array": plot.orbit(array_run),
        "spectrum of a run": plot.spectrum(run),
        "spectrum of an array": plot.spectrum(array_run),
        "spectrum of data": plot.spectrum(result.data),
        "spectrum of a spectrum": plot.spectrum(spectrum(np.asarray(run.mx), run.dt)),
        "history": plot.history(result),
    }


def test_every_picture_is_900_pixels_wide_and_nothing_is_cut(pictures):
    for name, figure in pictures.items():
        check_whole(name, figure)


def test_axes_carry_units(pictures):
    def labels(name):
        return [label for axes in pictures[name].axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label]

    assert labels("trace of a run") == ["time (ns)", "magnetisation (unit vector)"]
    assert "voltage (mV)" in labels("trace of a voltage")
    assert {"voltage (mV)", "residual (µV)", "time (ns)"} == set(labels("fit of a voltage"))
    assert labels("spectrum of a run") == ["frequency (GHz)", "power spectral density (1/Hz)"]
    assert labels("history") == ["iteration", "cost: sum of squared residuals"]


def test_the_curves_are_the_data(pictures, run, result, voltage):
    lines = pictures["trace of a run"].axes[0].lines
    for i, line in enumerate(lines):
        np.testing.assert_allclose(line.get_ydata(), np.asarray(run.m)[:, i])
        np.testing.assert_allclose(line.get_xdata(), np.asarray(run.t) * 1e9)
    recorded, fitted = pictures["fit of a voltage"].axes[0].lines
    np.testing.assert_allclose(recorded.get_ydata(), voltage.data.columns["voltage"] * 1e3)
    np.testing.assert_allclose(fitted.get_ydata(), voltage.prediction["voltage"] * 1e3)
    residual = pictures["fit"].axes[-1].lines[0].get_ydata()
    np.testing.assert_allclose(residual, (result.data.columns["mx"] - result.prediction["mx"]) * 1e3, atol=1e-12)


def test_the_orbit_marks_start_and_end(pictures, run):
    start, end = pictures["orbit of a run"].axes[0].collections[-2:]
    for marker, m in ((start, run.m[0]), (end, run.m[-1])):
        np.testing.assert_allclose([float(values[0]) for values in marker._offsets3d], m)


def test_the_history_has_one_line_for_each_window(pictures):
    lines = pictures["history"].axes[0].lines
    assert [line.get_label() for line in lines] == [f"window {w} of 7" for w in range(1, 8)]
    assert len({tuple(line.get_color()) for line in lines}) == 7
    assert pictures["history"].axes[0].get_yscale() == "log"


def test_nothing_global_is_touched(pictures):
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    assert matplotlib.rcParams["axes.spines.top"] is True


def test_what_cannot_be_drawn_is_told(run, voltage):
    with pytest.raises(ValueError, match="expected a Trajectory or a Trace, got list"):
        plot.trace([1, 2])
    with pytest.raises(ValueError, match="an orbit needs mx, my and mz, this trace has voltage"):
        plot.orbit(voltage.data)
    with pytest.raises(ValueError, match="no history to draw"):
        plot.history(voltage)
    batch = SimpleNamespace(t=np.zeros((2, 5)), m=np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match="plot one run of a batch at a time"):
        plot.trace(batch)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_saving(pictures, tmp_path, ending):
    target = tmp_path / f"a.{ending}"
    plot.save(pictures["spectrum of a run"], target)
    assert target.read_bytes()[:4] in (b"\x89PNG", b"%PDF", b"<?xm")
    with pytest.raises(FileExistsError, match="exists already"):
        plot.save(pictures["history"], target)
    plot.save(pictures["history"], target, overwrite=True)
    with pytest.raises(ValueError, match=r"a picture can be \.png, \.pdf, \.svg"):
        plot.save(pictures["history"], tmp_path / "a.jpeg2")


def test_a_title_below_a_legend_is_found():
    figure = matplotlib.figure.Figure(figsize=(9, 4))
    axes = figure.subplots()
    axes.plot([0, 1], label="a long name " * 5)
    axes.set_title("a title", loc="left")
    assert overlapping(figure) == []
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    assert len(overlapping(figure)) == 1


def test_a_legend_that_names_what_is_not_drawn_is_found():
    figure = matplotlib.figure.Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="C0", label="there")
    axes.plot([], [], "--", color="C0", label="not there")
    axes.legend()
    figure.draw_without_rendering()
    found = [any(is_that(handle, line) for line in lines_of(figure)) for _, handle in named_lines(figure)]
    assert found == [True, False]
