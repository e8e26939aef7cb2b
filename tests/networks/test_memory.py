"""What one pulse changes: against exact courses, an array alone, and what it refuses."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from tests.networks.small import DEVICE, classifier

import llgrad as lg

SIGNAL: dict[str, Any] = {"frames": lg.networks.Frames.SIGNAL, "shape": (8, 2)}
TIMES = np.linspace(0, 8e-9, 401)


def test_time_constants_are_those_of_exact_courses():
    courses = {
        "slow": (np.exp(-TIMES / 2e-9), 2e-9),
        "fast": (1e-3 * np.exp(-TIMES / 0.5e-9), 0.5e-9),
        "one that rises first": (np.where(TIMES < 1e-9, TIMES / 1e-9, np.exp(-(TIMES - 1e-9) / 1e-9)), 1e-9),
        "one that comes back": (np.where(TIMES < 4e-9, np.exp(-TIMES / 1e-9), 0.9 * (TIMES < 6e-9)), 6e-9),
        "one that stays": (np.ones_like(TIMES), np.inf),
        "one that grows": (TIMES, np.inf),
    }
    deviations = np.stack([course for course, _ in courses.values()], axis=1)
    found = lg.networks.PulseResponse(TIMES, deviations, 1e-10).time_constants
    np.testing.assert_allclose(found, [wanted for _, wanted in courses.values()], rtol=5e-3)


def test_an_oscillator_alone_forgets_a_small_pulse_at_the_rate_of_its_slowest_mode():
    """In a field along z, without current: m precesses about the field, damped by Re λ of its mode at rest."""
    device = DEVICE.replace(alpha=0.05, current=0.0)
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            device, key=jax.random.key(0), classes=3, oscillators=4, hold=0.1e-9, dt=5e-12, coupling=False, **SIGNAL
        )
    design = network.design()
    stage = design.stages[0]
    still = stage.settings.replace(offset=0 * stage.settings.offset, current=0 * stage.settings.current)
    found = lg.networks.pulse_response(design.with_settings([still]), [0.0, 0.0], [0.02, 0.0], before=400, after=300)[0]
    for number, field in enumerate(np.asarray(still.field, float)):
        rest = lg.orbits.equilibria(device.replace(field=(0.0, 0.0, float(field))))
        (up,) = (one for one in rest if one.stable and one.state[2] > 0)  # where the start (0.6, 0, 0.8) goes
        slowest = -np.real(np.asarray(up.eigenvalues)).max()
        np.testing.assert_allclose(found.time_constants[number], 1 / slowest, rtol=1e-3)


REFUSED: list[tuple[Any, str]] = [
    (lambda: lg.networks.pulse_response(classifier().design(), [0.0] * 16, [1.0] * 16), "is made for images"),
    (lambda: lg.networks.pulse_response(classifier(**SIGNAL).design(), [0.0], [1.0]), "frame has the shape .1,., exp"),
    (lambda: lg.networks.pulse_response(classifier(**SIGNAL).design(), [0.0, 0.0], [1.0, np.nan]), "height has the"),
    (lambda: lg.networks.pulse_response(classifier(**SIGNAL).design(), [0.0, 0.0], [0.0, 0.0]), "changes nothing"),
    (lambda: lg.networks.pulse_response(classifier(**SIGNAL).design(), [0, 0], [1, 1], after=1), "after = 1, expected"),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_cannot_be_is_said_in_one_sentence(make: Any, sentence: str):
    with pytest.raises(ValueError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)
