"""The pictures of a network on signals: one signal from input to answers, and what one pulse changes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from llgrad.datasets.samples.targets import TargetSignals
from llgrad.datasets.signals.signals import Signals
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.settings import Settings
from llgrad.networks.course import SPIN, courses
from llgrad.networks.frames.streaming import stream
from llgrad.networks.memory import pulse_response

MOST_FRAMES: Final = 200
"""Of a signal that is drawn."""


def signal_pictures(
    design: Design, before: Mapping[int, Settings], signals: Signals | TargetSignals
) -> dict[str, Callable[[], Any]]:
    """The pictures by name, each made when it is asked for.

    Args:
        design: the trained network.
        before: the settings of its arrays at the start, where they are known.
        signals: the first of them is shown.
    """
    figures: dict[str, Callable[[], Any]] = {"signal": functools.partial(_signal, design, signals)}
    ends = [""] if len(design.stages) == 1 else [f"-{number + 1}" for number in range(len(design.stages))]
    pulse = functools.cache(functools.partial(_pulses, design, before, signals))
    for number, end in enumerate(ends):
        figures[f"pulse{end}"] = functools.partial(_pulse, pulse, number)
    return figures


def _signal(design: Design, signals: Signals | TargetSignals) -> Any:
    """The last array's first component, the input, and what would be answered after each frame."""
    from llgrad.plot.networks.course import signal_course

    given = (signals.one(0) if isinstance(signals, Signals) else signals.values[0])[:MOST_FRAMES]
    answers, wanted = stream(design, given).answers, None
    last = courses(dataclasses.replace(design, shape=given.shape), given)[-1]
    if isinstance(signals, Signals):
        weights = np.exp(answers - answers.max(axis=1, keepdims=True))
        answers = weights / weights.sum(axis=1, keepdims=True)
    else:
        wanted = signals.labels[0][:MOST_FRAMES].astype(float)
        read = design.answered(signals.shape[0])
        wanted[: read.start] = np.nan
    spins = last.names == SPIN
    most = 1.0 if spins else float(np.abs(last.m[..., 0]).max()) or 1.0
    what = "$m_x$" if spins else last.names[0]
    names = signals.classes if isinstance(signals, Signals) else names_of_targets(signals)
    return signal_course(last.times, last.m[..., 0], given, answers, names, wanted, what, most)


def names_of_targets(signals: TargetSignals) -> tuple[str, ...]:
    """What the targets are called in a picture, also where they have numbers for names."""
    names = signals.classes
    if not all(name.isdecimal() for name in names):
        return names
    return ("target",) if len(names) == 1 else tuple(f"target {int(name) + 1}" for name in names)


def _pulses(design: Design, before: Mapping[int, Settings], signals: Signals | TargetSignals) -> Any:
    """What a pulse of one spread changes: (in the arrays before training, where known, and in the trained ones)."""
    after = pulse_response(design, signals.mean, signals.spread)
    if len(before) < len(design.stages):
        return None, after
    begun = design.with_settings(before[number] for number in range(len(design.stages)))
    return pulse_response(begun, signals.mean, signals.spread), after


def _pulse(pulses: Any, number: int) -> Any:
    from llgrad.plot.networks.course import pulse_response as draw

    before, after = pulses()
    return draw(None if before is None else before[number], after[number])
