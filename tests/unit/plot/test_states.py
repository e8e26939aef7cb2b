"""Pictures of states: branches, loops, resonances, harmonics."""

import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE
from tests.unit.plot.conftest import check_whole, named_lines

import llgrad as lg
from llgrad import plot

FILM = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
SLANTED = (np.pi / 4, 0.0)
ALONG = (0.0, 0.0)


def legend_of(figure):
    return [text for text, _ in named_lines(figure)]


def test_branches_are_named_as_they_are_drawn():
    found = lg.follow(AMPLITUDE, "supercriticality", 0.5, 3.0)
    figure = plot.branches(found)
    check_whole("amplitude", figure)
    assert legend_of(figure) == ["stable", "unstable", "stable cycle", "Hopf"]
    still = plot.branches(lg.follow(AMPLITUDE, "supercriticality", 0.5, 0.9))
    check_whole("at rest", still)
    assert legend_of(still) == ["stable"]


def test_components_of_one_magnetisation_are_written_as_in_other_pictures():
    found = lg.follow(FILM, "field.z", 0.05, 0.2, cycles=False)
    assert [axes.get_ylabel() for axes in plot.branches(found).axes] == ["$m_x$", "$m_z$"]


@pytest.mark.parametrize(("start", "jumps"), [(0.2, True), (0.1, False)])
def test_jumps_are_named_where_there_are_some(start, jumps):
    stop = -start if jumps else 0.05
    looped = plot.loop(lg.experiments.loop(FILM, "field", start, stop, angle=SLANTED, steps=10))
    found = lg.experiments.resonance_map(FILM, start, stop, np.linspace(1e9, 9e9, 5), steps=10, angle=SLANTED)
    resonance = plot.resonance_map(found)
    for name, figure in (("loop", looped), ("resonance", resonance)):
        check_whole(name, figure)
        assert ("jump" in legend_of(figure)) is jumps
    assert "mode" in legend_of(resonance)
    (modes,) = [each for each in resonance.axes[0].lines if each.get_linestyle() == "--" and len(each.get_xdata())]
    assert np.isnan(modes.get_ydata()).any() == jumps, "no mode goes on through a jump"
