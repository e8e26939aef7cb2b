"""Pictures of reservoirs: whole, readable, and truthful."""

import numpy as np
import pytest
from tests.unit.plot.conftest import check_whole

import llgrad as lg

DELAYS = {1: 50, 2: 15, 3: 4, 4: 3, 5: 2}


@pytest.fixture(scope="module")
def measured():
    u = np.random.default_rng(0).uniform(-1, 1, 1500)
    states = np.stack([u[3:], u[2:-1] * u[3:], u[:-3] + 0.3 * u[1:-2]], axis=1)
    taps = lg.reservoir.LinearTaps(taps=4, washout=10)
    return {
        "information": lg.reservoir.information_capacity(states, u, DELAYS, shuffles=5),
        "memory": lg.reservoir.memory_capacity(taps, lg.reservoir.short_term_memory(400, delays=12)),
        "little memory": lg.reservoir.memory_capacity(taps, lg.reservoir.parity(400, delays=1)),
    }


@pytest.mark.parametrize("name", ["information", "memory", "little memory"])
def test_a_capacity_is_drawn_with_room_above_its_bars_and_whole_delays(measured, name):
    figure = lg.plot.capacity(measured[name])
    check_whole(name, figure)
    axes = figure.axes[0]
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]
    assert max(tops) < axes.get_ylim()[1]
    assert [tick for tick in axes.get_xticks() if tick != round(tick)] == []


@pytest.mark.parametrize("task", [lg.reservoir.narma(2, length=200), lg.reservoir.short_term_memory(200, delays=5)])
def test_a_reservoir_at_work_is_drawn_with_a_scale_of_its_readings(task):
    device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    made = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=4, washout=20)
    figure = lg.plot.reservoir(made.fit(task.signal, task.target), task)
    check_whole(task.name, figure)
    assert any("deviations" in axes.get_ylabel() for axes in figure.axes)
