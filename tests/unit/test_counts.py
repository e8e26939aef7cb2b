"""Every count of signals, networks, training and reservoirs refuses in a sentence what is no whole number."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import jax
import numpy as np
import pytest
from tests.networks.small import DEVICE, classifier, labelled

import llgrad as lg

ROOMS: Final = (lg.reservoir, lg.networks, lg.training, lg.data)
BAD: Final = (2.5, True, -1, math.nan, math.inf, "3")
"""None of them is a count of anything."""
COUNT: Final = re.compile(r"\bint\b")

KEY = jax.random.key(0)
TONE = np.sin(0.7 * np.arange(120.0))
SIGNALS = lg.data.Signals(np.ones((6, 5)), [0, 0, 0, 1, 1, 1], indices=[0, 1, 2] * 2)
PIECES = lg.data.TargetSignals.next_steps(TONE, frames=20)
DIGITS = lg.load_images("digits")
STO = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
NETWORK, IMAGES = classifier(), labelled(6)
COURSE = lg.networks.OscillatorClassifier.create(
    DEVICE, shape=(5, 1), classes=2, key=KEY, oscillators=2, hold=0.1e-9, frames=lg.networks.Frames.SIGNAL
)
TASK = lg.reservoir.narma(2, length=200)
FREE = {"gain": (0.0, 0.5)}


def reservoir(**given: Any) -> lg.reservoir.Reservoir:
    return lg.reservoir.Reservoir(STO, **{"hold": 1e-9, "input": "field_x", "gain": 0.1, "washout": 20, **given})


def network(**given: Any) -> Any:
    return lg.OscillatorClassifier.create(
        DEVICE, **{"shape": (4, 4), "classes": 3, "key": KEY, "oscillators": 2, "hold": 0.1e-9, **given}
    )


# How each is called with a count, by its name and the parameter that is one.
CALLED: Final[dict[str, Callable[..., Any]]] = {
    "EchoStateNetwork": lg.reservoir.EchoStateNetwork,
    "LinearTaps": lg.reservoir.LinearTaps,
    "Reservoir": reservoir,
    "Reservoir.wiring": reservoir().wiring,
    "at_resolution": lambda **given: lg.reservoir.at_resolution(reservoir(), **given),
    "capacity_aim": lg.reservoir.capacity_aim,
    "consistency": lambda **given: lg.reservoir.consistency(reservoir(), TASK.signal, **given),
    "driven_exponent": lambda **given: lg.reservoir.driven_exponent(reservoir(), TASK.signal, **given),
    "information_capacity": lambda **given: lg.reservoir.information_capacity(
        TASK.signal, TASK.signal, **{"delays": {1: 2}, **given}
    ),
    "mackey_glass": lg.reservoir.mackey_glass,
    "narma": lambda **given: lg.reservoir.narma(**{"order": 2, **given}),
    "parity": lg.reservoir.parity,
    "ranks": lambda **given: lg.reservoir.ranks(reservoir(), **given),
    "short_term_memory": lg.reservoir.short_term_memory,
    "sine_square": lg.reservoir.sine_square,
    "tune": lambda **given: lg.reservoir.tune(reservoir(), TASK, FREE, **given),
    "tuning_grid": lambda **given: lg.reservoir.tuning_grid(reservoir(), TASK, FREE, **given),
    "Bench": lg.networks.Bench,
    "Imperfections": lg.networks.Imperfections,
    "OscillatorClassifier.create": network,
    "OscillatorRegressor.of": lambda **given: lg.networks.OscillatorRegressor.of(
        DEVICE, PIECES, **{"key": KEY, **given}
    ),
    "SoftmaxNetwork.create": lambda **given: lg.networks.SoftmaxNetwork.create(
        **{"shape": (4, 4), "classes": 3, **given}
    ),
    "TanhNetwork.create": lambda **given: lg.networks.TanhNetwork.create(
        **{"shape": (4, 4), "classes": 3, "count": 2, "key": KEY, **given}
    ),
    "Timeline": lambda **given: lg.networks.Timeline(hold=1e-9, dt=1e-10, **given),
    "accuracy_of_arrays": lambda **given: lg.networks.accuracy_of_arrays(
        NETWORK.design(), lg.networks.Imperfections(), IMAGES, **{"key": KEY, **given}
    ),
    "linear_softmax": lambda **given: lg.networks.linear_softmax(lg.data.SignalSet.stratified(SIGNALS), **given),
    "pulse_response": lambda **given: lg.networks.pulse_response(COURSE.design(), [0.0], [0.3], **given),
    "EveryEpochs": lg.training.EveryEpochs,
    "Recipe": lg.training.Recipe,
    "SignalAugmentation": lg.training.SignalAugmentation,
    "SignalAugmentation.copies": lambda **given: lg.training.SignalAugmentation(noise=0.1).copies(SIGNALS, **given),
    "stream": lambda **given: lg.networks.stream(
        COURSE, np.zeros((3, 1)), imperfections=lg.networks.Imperfections(spread=0.1), **given
    ),
    "evaluate": lambda **given: lg.evaluate(NETWORK, IMAGES, **given),
    "Deltas": lg.data.Deltas,
    "LogMel": lg.data.LogMel,
    "RawSamples": lg.data.RawSamples,
    "Segments": lg.data.Segments,
    "SignalSet.by_index": lambda **given: lg.data.SignalSet.by_index(SIGNALS, **given),
    "SignalSet.stratified": lambda **given: lg.data.SignalSet.stratified(SIGNALS, **given),
    "SignalSet.from_images": lambda **given: lg.data.SignalSet.from_images(
        DIGITS, **({} if "frames" in given else {"by": "rows"}), **given
    ),
    "Signals.from_images": lambda **given: lg.data.Signals.from_images(
        DIGITS.test, **({} if "frames" in given else {"by": "rows"}), **given
    ),
    "Signals.padded": SIGNALS.padded,
    "TargetSignals.next_steps": lambda **given: lg.data.TargetSignals.next_steps(TONE, **given),
    "TargetSignals.cut": PIECES.cut,
    "ImageSet.permuted": DIGITS.permuted,
    "Images.permuted": DIGITS.test.permuted,
    "load_images": lambda **given: lg.load_images("digits", **given),
    "read_targets": lambda **given: lg.data.read_targets("wave.csv", **given),
}

ANSWERS: Final = {
    "Consistency",
    "InformationCapacity",
    "LinearSoftmax",
    "MemoryCapacity",
    "Ranks",
    "TuningGrid",
}
"""What is found, and so not made by a user."""
OTHERS: Final = {
    "Design",  # made by network.design()
    "OscillatorClassifier",  # made by create
    "OscillatorRegressor",  # made by of
    "Signals.replaced",  # for front ends
    "TrainingError",
    "Trace.first",
    "Scattering.lost",
    "read_trace",
    "read_waveform",
}
PLACES: Final = {"frames", "number", "epochs"}
"""Of methods that tell something of what is there already: Timeline.read(frames), Signals.one(number)."""


def parts_of(name: str, one: Any) -> Iterator[tuple[str, Any]]:
    """A public thing, and of a class its public methods."""
    yield name, one
    for part, value in vars(one).items() if inspect.isclass(one) else ():
        if not part.startswith("_") and inspect.isroutine(getattr(value, "__func__", value)):
            yield f"{name}.{part}", getattr(one, part)


def public(name: str) -> Any:
    """What stands in a room by a name, or in a class there."""
    first, *rest = name.split(".")
    one = next(getattr(room, first) for room in ROOMS if first in room.__all__)
    return getattr(one, rest[0]) if rest else one


def counted() -> list[tuple[str, str]]:
    """(name, parameter) of all that takes a count."""
    found = []
    for room in ROOMS:
        for name in (name for name in room.__all__ if name not in ANSWERS | OTHERS):
            for full, part in parts_of(name, getattr(room, name)):
                if full in OTHERS:
                    continue
                for parameter in inspect.signature(part).parameters.values():
                    told = full not in CALLED and "." in full and parameter.name in PLACES | {"shape"}
                    if COUNT.search(str(parameter.annotation)) and not told:
                        found.append((full, parameter.name))
    return found


@pytest.mark.parametrize(("name", "parameter"), counted())
@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_count_that_is_none_is_refused_in_a_sentence(name, parameter, bad):
    with pytest.raises(ValueError) as told:
        CALLED[name](**{parameter: bad})
    sentence = str(told.value)
    assert parameter in sentence and "expected" in sentence and "\n" not in sentence


@pytest.mark.parametrize("name", [name for name in CALLED if "key" in inspect.signature(public(name)).parameters])
@pytest.mark.parametrize("bad", [0, "a", 3.5, np.zeros(3)], ids=repr)
def test_a_seed_is_no_key(name, bad):
    with pytest.raises(
        ValueError, match=r"^key = .*, expected a key for random numbers; give key=jax\.random\.key\(0\)$"
    ):
        CALLED[name](key=bad)


@pytest.mark.parametrize("made", [lg.reservoir.LinearTaps(taps=3), lg.reservoir.EchoStateNetwork(size=3), reservoir()])
def test_an_estimator_that_refuses_a_change_stays_what_it_was(made):
    before = made.get_params()
    with pytest.raises(ValueError, match=r"washout = 2\.5, expected a whole number"):
        made.set_params(seed=3, washout=2.5)
    assert made.get_params() == before
