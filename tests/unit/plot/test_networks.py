"""Pictures of networks: truthful, labelled with units, 900 pixels wide, and of whatever a run may hold."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.plot.conftest import check_whole

from llgrad import plot, presets
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.wiring import DeviceWiring
from llgrad.networks.memory import PulseResponse

CLASSES = ("cat", "dog", "fox")
LABELS, TAKEN = np.array([0, 0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 2, 2, 2, 0])
ROWS = [
    {"epoch": 1, "loss": 1.5, "accuracy": 0.5, "validation_loss": 0.8, "validation_accuracy": 0.75},
    {"epoch": 2, "loss": 0.6, "accuracy": 0.98, "validation_loss": 0.5, "validation_accuracy": 0.9},
    {"epoch": 3, "loss": 0.5, "accuracy": 1.0, "validation_loss": 0.4, "validation_accuracy": 0.9},
]


def settings(seed, coupling=1.0):
    rng = np.random.default_rng(seed)
    weights, field = coupling * rng.normal(size=(6, 6)) * 1e-3, rng.uniform(1e-2, 2e-2, 6)
    current = np.full(6, 1.5e-3) if seed == 0 else rng.uniform(1e-3, 2e-3, 6)
    own = {"field": field, "current": current, "alpha": np.full(6, 0.005)}
    return Settings(DeviceWiring.of(presets.kubota2013()), np.zeros((20, 6)), np.zeros(6), 0.1, weights, own)


def response(constant):
    times = np.linspace(0, 8e-9, 101)
    return PulseResponse(times, np.exp(-times[:, None] / (constant * np.array([0.5, 1.0, 1.2]))), 1e-10)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    images, times, m = rng.random((7, 4, 5)), np.linspace(0, 4e-10, 5), rng.uniform(-1, 1, (5, 6, 3))
    return {
        "learning": plot.learning_curves(ROWS, least_loss=0.45),
        "without accuracy": plot.learning_curves([{"epoch": 1, "loss": 2.0, "accuracy": None}]),
        "one epoch": plot.learning_curves([{"epoch": 1, "loss": 2.0, "accuracy": 0.2}], least_loss=0.5),
        "without a mistake": plot.learning_curves([{"epoch": 1, "loss": 2.0, "accuracy": 1.0}]),
        "confusion": plot.confusion(LABELS, TAKEN, CLASSES),
        "confusion of long names": plot.confusion(LABELS, TAKEN, [f"a long {name}" for name in CLASSES]),
        "examples": plot.examples(images, LABELS, TAKEN, np.full(7, 0.625), CLASSES),
        "confusion of signals": plot.confusion(LABELS, TAKEN, CLASSES, "signals"),
        "response": plot.response(times, m, images[0]),
        "response to a signal": plot.response(times, m, images[0], what="Signal"),
        "learning of a regression": plot.learning_curves(ROWS, regression=True),
        "predictions": plot.predictions(m[:, :, :2], m[:, :, :2] + 0.1, ["a target", "b"]),
        "signal": plot.signal_course(times, m[..., 0], m[0], np.full((6, 3), 0.3), CLASSES),
        "signal of many": plot.signal_course(times, m[..., 0], rng.random((6, 20)), np.full((6, 7), 0.3), "abcdefg"),
        "signal with targets": plot.signal_course(times, m[..., 0], m[0], m[0][:, :1], ["y"], m[0][:, 1:2]),
        "pulse": plot.pulse_response(response(2e-9), response(1e-9)),
        "pulse without a start": plot.pulse_response(None, response(1e-9)),
        "pulse that is never forgotten": plot.pulse_response(response(1e-9), response(1.0)),
        "settings": plot.settings(settings(0), settings(1)),
        "settings without a start": plot.settings(None, settings(0, coupling=0.0)),
    }


def test_every_picture_is_900_pixels_wide_and_nothing_is_cut(pictures):
    for name, figure in pictures.items():
        check_whole(name, figure)


def test_axes_carry_units(pictures):
    def labels(name):
        return {label for axes in pictures[name].axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label}

    assert labels("learning of a regression") == {"epoch", "mean square error / variance", "NRMSE"}
    assert labels("pulse") >= {"time since the pulse (ns)", "time constant (ns)", "oscillators"}
    assert labels("signal with targets") == {"input", "oscillator", "y", "time (ps)", "$m_x$"}
    assert labels("learning") == {"epoch", "cross entropy (nat)", "error rate (%)"}
    assert labels("response") == {"time (ps)", "oscillator", "component of m (unit vector)"}
    assert {"field along z (mT)", "current (mA)", "damping α", "coupling field (mT)"} < labels("settings")


def test_the_curves_are_the_metrics_and_a_perfect_epoch_stands_at_zero(pictures):
    losses, errors = pictures["learning"].axes
    training, validation, least = losses.lines
    assert list(training.get_ydata()) == [1.5, 0.6, 0.5] and list(validation.get_ydata()) == [0.8, 0.5, 0.4]
    assert list(least.get_ydata()) == [0.45, 0.45]
    np.testing.assert_allclose(errors.lines[0].get_ydata(), [50, 2, 1])
    assert [errors.yaxis.get_major_formatter()(value, 0) for value in (1.0, 2.0, 50.0)] == ["0", "2", "50"]
    assert len(pictures["without accuracy"].axes[1].lines) == 0


def test_the_confusion_matrix_counts(pictures):
    axes = pictures["confusion"].axes[0]
    table = np.zeros((3, 3), int)
    for text in axes.texts:
        column, row = text.get_position()
        table[row, column] = int(text.get_text())
    assert table.tolist() == [[2, 0, 0], [0, 1, 1], [1, 0, 2]]
    assert axes.get_title(loc="left") == "71.43 % of 7 images recognised"
    assert [label.get_text() for label in axes.get_yticklabels()] == list(CLASSES)


def test_what_is_drawn_of_signals_speaks_of_signals(pictures):
    axes = pictures["confusion of signals"].axes[0]
    assert (axes.get_ylabel(), axes.get_title(loc="left")) == ("signal of", "71.43 % of 7 signals recognised")
    axes = pictures["response to a signal"].axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel(), axes.get_title(loc="left")) == ("frame", "feature", "Signal")


def test_epochs_are_whole_numbers(pictures):
    assert [tick for tick in pictures["one epoch"].axes[1].get_xticks() if tick != round(tick)] == []


def test_examples_begin_with_the_mistakes(pictures):
    titles = [axes.get_title() for axes in pictures["examples"].axes]
    assert titles[:3] == ["fox, 62 %\n(is dog)", "cat, 62 %\n(is fox)", "cat, 62 %"]
    assert titles[7:] == [""] * 17


def test_the_settings_are_the_numbers(pictures):
    coupling, field, current, alpha = pictures["settings"].axes[:4]
    np.testing.assert_allclose(coupling.images[0].get_array(), settings(1).coupling * 1e3)
    counts = [sum(bar.get_height() for bar in bars) for bars in field.containers]
    assert counts == [6, 6]
    assert [line.get_xdata()[0] for line in current.lines] == pytest.approx([1.5]) and len(current.containers) == 1
    assert [text.get_text() for text in alpha.texts] == ["0.005 on every oscillator,\nbefore and after"]
    coupling, _, current, _ = pictures["settings without a start"].axes
    assert [text.get_text() for text in coupling.texts] == ["none"]
    assert [text.get_text() for text in current.texts] == ["1.5 mA on every oscillator"]


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(ValueError, match="no finished epoch to draw"):
        plot.learning_curves([])
    with pytest.raises(ValueError, match="there is no image to draw"):
        plot.examples(np.zeros((0, 2, 2)), [], [], [], CLASSES)
    with pytest.raises(ValueError, match="expected \\(T,\\) and \\(T, oscillators, 3\\)"):
        plot.response(np.arange(3.0), np.zeros((4, 2, 3)), np.zeros((2, 2)))
