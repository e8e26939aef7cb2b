"""Accuracy over drawn arrays."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tests.networks.small import classifier, labelled

import llgrad as lg
from llgrad.networks.prediction import _logits, predict
from llgrad.networks.robustness import curve, robustness

IMAGES = labelled(30)


def test_arrays_without_imperfections_are_as_good_as_the_design(key):
    design = classifier().design()
    ideal = np.mean(predict(design, IMAGES, batch=10).argmax(axis=1) == IMAGES.labels)
    found = lg.networks.accuracy_of_arrays(design, lg.networks.Imperfections(), IMAGES, key=key, arrays=3, batch=10)
    assert found.tolist() == [ideal] * 3


def test_a_key_draws_the_same_arrays_in_one_program(key):
    design, imperfections = classifier().design(), lg.networks.Imperfections(spread=0.3, read_noise=0.1)
    told = []
    first = lg.networks.accuracy_of_arrays(design, imperfections, IMAGES, key=key, arrays=5, batch=10, told=told.append)
    compiled = _logits._cached._cache_size()
    again = lg.networks.accuracy_of_arrays(design, imperfections, IMAGES, key=key, arrays=5, batch=10)
    other = lg.networks.accuracy_of_arrays(design, imperfections, IMAGES, key=jax.random.key(1), arrays=5, batch=10)
    assert first.tolist() == again.tolist() != other.tolist() and len(set(first.tolist())) > 1
    assert _logits._cached._cache_size() == compiled
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_a_curve_goes_from_none_to_twice_the_spread(key):
    design = classifier().design()
    rows = curve(design, lg.networks.Imperfections(spread=0.2), IMAGES, key=key, arrays=2, batch=10)
    assert [row.imperfections.spread for row in rows] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4])
    assert rows[0].std == 0.0
    same = robustness(design, lg.networks.Imperfections(spread=0.2), IMAGES, key=key, arrays=2, batch=10)
    assert same.accuracies.tolist() == rows[4].accuracies.tolist()
    wide = curve(design, lg.networks.Imperfections(spread=0.3), IMAGES, key=key, arrays=1, batch=10)
    assert [row.imperfections.spread for row in wide] == pytest.approx([0, 0.075, 0.15, 0.225, 0.3, 0.45])
    with pytest.raises(ValueError, match=r"a curve of accuracy against spread needs a spread"):
        curve(design, lg.networks.Imperfections(), IMAGES, key=key)


def test_statistics_are_of_the_arrays(key):
    design = classifier().design()
    found = robustness(design, lg.networks.Imperfections(spread=0.3), IMAGES, key=key, arrays=5, batch=10)
    entry = found.to_json()
    assert entry["mean"] == np.mean(found.accuracies) and entry["std"] == np.std(found.accuracies, ddof=1)
    assert entry["quantiles"]["0.5"] == np.median(found.accuracies) and entry["worst"] == found.accuracies.min()
    assert len(entry["accuracies"]) == entry["arrays"] == 5
    with pytest.raises(ValueError, match=r"arrays = 0, expected one or more"):
        robustness(design, lg.networks.Imperfections(), IMAGES, key=key, arrays=0)
