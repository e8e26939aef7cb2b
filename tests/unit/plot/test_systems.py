"""Pictures of systems of one's own: runs, signals, orbits and fits, whatever the state is made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.fitting.test_systems import fitted, recorded
from tests.unit.observables.test_system_signals import PUSH, READER
from tests.unit.plot.conftest import check_whole
from tests.unit.solve.systems import DRIVES, MEMBERS

import llgrad as lg
from llgrad.solve.simulate import simulate_quietly


def run_of(name):
    return simulate_quietly(MEMBERS[name], duration=60 * 4e-12, dt=4e-12, drive=DRIVES.get(name))


@pytest.fixture(scope="module")
def result():
    return fitted("Hopf", recorded("Hopf"))


def lines(figure):
    return [line for axes in figure.axes for line in axes.lines]


@pytest.mark.parametrize("name", MEMBERS)
def test_every_component_of_a_run_is_drawn(name):
    run = run_of(name)
    drawn = lg.plot.trace(run)
    check_whole(name, drawn)
    assert len(lines(drawn)) == len(run.signals)
    parts = {signal.rpartition(".")[0] for signal in run.signals}
    assert len(drawn.axes) == len(parts)  # a panel for each unit vector
    check_whole(name, lg.plot.orbit(run))


def test_outputs_are_drawn_with_their_units():
    run = lg.simulate(READER, duration=20e-9, dt=2e-11, drive=PUSH)
    labels = [axes.get_ylabel() for axes in lg.plot.trace(run).axes]
    assert labels == ["voltage (µV)", "re (mm)"]
    spectrum = lg.plot.spectrum(run.signal("voltage"))
    check_whole("spectrum", spectrum)
    assert "V²/Hz" in spectrum.axes[0].get_ylabel()
    assert [axes.get_ylabel() for axes in lg.plot.trace(run.signal("im")).axes] == ["im"]


def test_an_orbit_in_the_plane_goes_through_the_states():
    run = run_of("Vortex")
    drawn = lg.plot.orbit(run)
    np.testing.assert_array_equal(lines(drawn)[0].get_xdata(), run.state[0])
    assert drawn.axes[0].get_xlabel() == "component 0"


def test_a_fit_and_its_page_name_the_columns_and_the_start(result):
    drawn = lg.plot.fit(result)
    check_whole("fit", drawn)
    assert [axes.get_ylabel() for axes in drawn.axes] == ["re", "residual ($10^{-3}$)"]
    page = lg.plot.report(result)
    for words in (
        "Fit of gain, saturation, frequency",
        'scope="col">im</th><th scope="col">re</th>',
        "1/s",
        "As given.",
    ):
        assert words in page
    assert "m_x" not in page


class Walk(lg.System):
    """Three numbers."""

    def start(self):
        return {"a": 0.0, "b": 1.0, "c": 2.0}

    def rate(self, state, inputs):
        return {name: -1e9 * value for name, value in state.items()}


def many():
    return jax.vmap(lambda f: lg.simulate(MEMBERS["Hopf"].replace(frequency=f), duration=1e-10, dt=1e-11))(
        jnp.asarray([1e9, 2e9])
    )


REFUSED = {
    "three numbers": (lambda: lg.plot.orbit(lg.simulate(Walk(), duration=1e-10, dt=1e-11)), "has a, b, c; draw it"),
    "many runs": (lambda: lg.plot.trace(many()), "one run of a batch"),
    "a signal of many": (lambda: lg.plot.trace(many().signal("re")), "one run of a batch"),
    "orbits of many": (lambda: lg.plot.orbit(many()), "one run of a batch"),
    "several units": (
        lambda: lg.plot.spectrum(lg.simulate(READER, duration=1e-9, dt=1e-11)),
        r"several units \(V, m\).*spectrum\(run.signal\('voltage'\)\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drawn_is_refused(name):
    draw, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        draw()
