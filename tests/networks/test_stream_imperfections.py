"""A stream of a real array: its answers are those to the whole signal up to each frame, however it is cut."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from tests.networks.small import bits, classifier, pixels

import llgrad as lg

Pooling, stream = lg.networks.Pooling, lg.networks.stream
Imperfections = lg.networks.Imperfections
T, F = 6, 3
SIGNAL: dict[str, Any] = {"frames": lg.networks.Frames.SIGNAL, "shape": (T, F)}
KEY = jax.random.key(7)
CASES: dict[str, tuple[Imperfections, dict[str, Any]]] = {
    "spread, bits, heat and noise of the mean": (
        Imperfections(spread=0.1, bits=6, temperature=300.0, read_noise=0.02),
        {"pooling": Pooling.MEAN, "frames_read": None, "every": 2},
    ),
    "slow and late edges": (Imperfections(rise_time=50e-12, jitter=20e-12), {}),
    "1/f noise": (Imperfections(flicker=0.05), {}),
    "1/f noise with late edges, two arrays in sequence": (
        Imperfections(flicker=0.05, jitter=20e-12),
        {"oscillators": (4, 3)},
    ),
    "late edges, heat, two arrays in sequence": (
        Imperfections(jitter=20e-12, temperature=300.0, read_noise=0.02),
        {"oscillators": (4, 3), "readouts": 2},
    ),
}


@pytest.mark.parametrize(("imperfections", "options"), CASES.values(), ids=CASES)
def test_a_stream_in_pieces_is_the_drawn_array_on_the_whole_signal(imperfections: Imperfections, options: Any):
    design, given = classifier(None, **SIGNAL, **options).design(), pixels(2, (T, F))
    whole = stream(design, given, imperfections=imperfections, key=KEY)
    held, parts = None, []
    for first, last in ((0, 1), (1, 4), (4, 6)):
        part, held = stream(design, given[:, first:last], held, imperfections, KEY)
        parts.append(part)
    assert bits(np.concatenate(parts, axis=1)) == bits(whole.answers)
    with jax.enable_x64(False):
        made, run = jax.random.split(KEY)
        drawn = imperfections.drawn(design, made)
        for count in (1, 4, T):
            answers = eqx.filter_jit(imperfections.logits)(drawn, given[:, :count], run)
            np.testing.assert_allclose(whole.answers[:, count - 1], answers, atol=2e-5)
    ideal = stream(design, given).answers
    assert np.abs(whole.answers - ideal).max() > 1e-3
    other = stream(design, given, imperfections=imperfections, key=jax.random.key(8)).answers
    assert np.abs(whole.answers - other).max() > 1e-3


def test_the_ideal_array_is_the_limit_of_none():
    design, given = classifier(None, **SIGNAL).design(), pixels(1, (T, F))
    found = stream(design, given, imperfections=Imperfections(), key=KEY).answers
    np.testing.assert_allclose(found, stream(design, given).answers, atol=3e-6)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"imperfections": Imperfections(spread=0.1)}, "imperfections are drawn by a key: give both"),
    ({"key": KEY}, "imperfections are drawn by a key: give both"),
    ({"imperfections": 0.1, "key": KEY}, "imperfections"),
    ({"imperfections": Imperfections(jitter=1e-12), "key": KEY, "held": True}, "or of an array with other imperf"),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_does_not_fit_is_said_in_one_sentence(options: Any, sentence: str):
    network, given = classifier(None, **SIGNAL), pixels(1, (T, F))
    options = options | ({"held": stream(network, given).held} if "held" in options else {})
    with pytest.raises((ValueError, TypeError), match=sentence) as caught:
        stream(network, given, **options)
    assert "\n" not in str(caught.value)
