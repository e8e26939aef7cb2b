"""Pictures of maps."""

import dataclasses

import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE
from tests.unit.plot.conftest import check_whole

import llgrad as lg
from llgrad import plot


@pytest.fixture(scope="module")
def found():
    return lg.sweep(AMPLITUDE, {"supercriticality": [0.5, 1.5, 3.0], "damping": [0.5e8, 1e8]})


def line(found):
    """The first column of a map as a sweep."""
    grids = ("regions", "error", "noise_ratio", "continued", "stable", "rest", "exponents")
    cut = {name: getattr(found, name)[:, 0] for name in grids}
    values = {name: grid[:, 0] for name, grid in found.quantities.items()}
    onsets = found.onsets._replace(values=found.onsets.values[:, :1])
    return dataclasses.replace(found, axes=found.axes[:1], quantities=values, onsets=onsets, **cut)


def test_pictures_are_whole(found):
    check_whole("regions", plot.phase_diagram(found))
    check_whole("line width", plot.phase_diagram(found, "line_width"))
    check_whole("sweep", plot.sweep(line(found)))


def test_numbers_and_units_are_drawn(found):
    axes, bar = plot.phase_diagram(found, "frequency").axes
    np.testing.assert_allclose(axes.collections[1].get_array(), np.ma.masked_invalid(found["frequency"] / 1e6).T)
    assert bar.get_ylabel() == "frequency (MHz)" and axes.get_ylabel() == "damping (1/µs)"
    panels = plot.sweep(line(found)).axes
    np.testing.assert_allclose(panels[0].lines[0].get_ydata(), found["frequency"][:, 0] / 1e6)
    shown = [panel.get_ylabel().replace("\n", " ").split(" (")[0] for panel in panels]
    assert shown == ["frequency", "amplitude of the observable", "line width", "return rate Γ"]


def test_numbers_beyond_first_order_are_marked_in_a_sweep(found):
    noisy = dataclasses.replace(line(found), noise_ratio=np.array([np.nan, 2.0, 0.5]))
    figure = plot.sweep(noisy)
    check_whole("sweep", figure)
    widths = {panel.get_ylabel().split("\n")[0]: panel for panel in figure.axes}["line width"]
    (marked,) = [each for each in widths.lines if each.get_marker() == "o"]
    assert marked.get_xdata().tolist() == [1.5]
    assert "beyond first order" in [text.get_text() for text in figure.legends[0].get_texts()]
    quiet = dataclasses.replace(noisy, noise_ratio=np.full(3, 0.5))
    assert "beyond first order" not in [text.get_text() for text in plot.sweep(quiet).legends[0].get_texts()]


def test_the_border_of_first_order_is_named_where_it_is_drawn(found):
    for ratio in ([[2.0, 2.0]] * 3, [[0.5, 0.5]] * 3, [[np.nan, np.nan], [2.0, 2.0], [0.5, 0.5]]):
        noisy = dataclasses.replace(found, noise_ratio=np.array(ratio))
        check_whole(f"line width, {ratio}", plot.phase_diagram(noisy, "line_width"))


def test_what_cannot_be_drawn_is_told(found):
    with pytest.raises(ValueError, match="'power' was not computed; there are frequency"):
        plot.phase_diagram(found, "power")
    with pytest.raises(ValueError, match=r"see llgrad\.plot\.sweep"):
        plot.phase_diagram(line(found))
    with pytest.raises(ValueError, match=r"see llgrad\.plot\.phase_diagram"):
        plot.sweep(found)
