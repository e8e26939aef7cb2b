"""The network that the options of `llgrad train` describe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jax
import numpy as np

from llgrad.cli.device_options import assignments, device_with, names_in, quantity, unit_of
from llgrad.cli.networks.defaults import DEVICE, Defaults
from llgrad.cli.networks.imperfections import UNITS, imperfections_of
from llgrad.cli.networks.learning.options import NetworkKind
from llgrad.core.record import leaf_units
from llgrad.datasets.samples.kinds import Samples, SampleSet, noun_of
from llgrad.datasets.samples.sequences import Sequences
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.datasets.signals.signals import Signals
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork, uncoupled
from llgrad.networks.bench.timeline import Frames, Pooling
from llgrad.networks.bench.wiring import terminals_of
from llgrad.networks.network import Network
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.layer import Limits, Part, Trainable, name_of
from llgrad.networks.trained.plan import part_of
from llgrad.networks.trained.regressor import OscillatorRegressor

SEQUENCE_HOLD: Final = 0.05e-9
"""Time for which one of many frames is shown [s]."""
SEQUENCE_STEPS: Final = 2
"""Time steps in it."""

LIMITS: Final = {"max_field": "T", "max_current": "A", "max_coupling": "T"}
READING: Final = ("every", "pooling", "segment", "truncate")
OF_OSCILLATORS: Final = (
    *(
        "device",
        "frames",
        "duration",
        "dt",
        "readouts",
        "frames_read",
        *READING,
        "patch",
        "signal",
        "input",
        "couple",
        "setting",
    ),
    *("no_coupling", "also", "only", *LIMITS, *UNITS, "bits"),
)
"""Options that mean nothing without oscillators, by the names of their arguments."""


def flag(name: str) -> str:
    """The option of an argument."""
    return "--train" if name == "also" else f"--{name.replace('_', '-')}"


def network_of(defaults: Defaults, given: Mapping[str, Any], data: SampleSet, seed: int) -> Network:
    """A network with random weights for these images.

    Args:
        defaults: what holds where nothing is given.
        given: the options that were given, by the names of their arguments.
        data: the images.
        seed: of the weights.
    """
    kind, counts = (
        given.get("network", NetworkKind.OSCILLATORS),
        _counts(given.get("oscillators")) or defaults.oscillators,
    )
    shape, classes, key = data.train.shape, len(data.train.classes), jax.random.key(seed)
    with jax.enable_x64(False):
        if kind is NetworkKind.OSCILLATORS:
            return _of_oscillators(defaults, counts, given, data.train, key)
        if isinstance(data.train, TargetSignals):
            raise ValueError(
                f"--network {kind.value} tells classes apart, and these signals have targets; leave it out"
            )
        foreign = OF_OSCILLATORS if kind is NetworkKind.TANH else (*OF_OSCILLATORS, "oscillators")
        if idle := [name for name in foreign if name in given]:
            raise ValueError(f"{flag(idle[0])} is for oscillators; leave it out with --network {kind.value}")
        if isinstance(data.train.batch(np.arange(len(data.train))), Sequences):
            raise ValueError(
                f"--network {kind.value} needs signals of one number of frames; add --front segments:count=8"
            )
        if kind is NetworkKind.SOFTMAX:
            return SoftmaxNetwork.create(shape, classes)
        if len(counts) != 1 or min(counts) < 1:
            raise ValueError("--network tanh has a single layer; give one number of at least 1 as --oscillators")
        return TanhNetwork.create(shape, classes, counts[0], key, data.train.mean)


def _of_oscillators(
    defaults: Defaults,
    counts: tuple[int, ...],
    given: Mapping[str, Any],
    images: Samples,
    key: Any,
) -> Network:
    framed = isinstance(images, (Signals, TargetSignals))
    frames = Frames.SIGNAL if framed else Frames(given["frames"].value if "frames" in given else "whole")
    times = {name: quantity(flag(name), given[name], "s") for name in ("duration", "dt") if name in given}
    hold = times.get("duration", defaults.duration if frames is Frames.WHOLE else SEQUENCE_HOLD)
    if frames is not Frames.WHOLE and "patch" in given:
        raise ValueError(f"--patch is laid over the whole image; leave it out with --frames {frames.value}")
    device = device_with(given.get("device", DEVICE), {})
    spins = isinstance(device, Oscillator)
    if not spins and "duration" not in given:
        raise ValueError(
            f"--duration is needed for a {type(device).__name__}: how long a frame is shown, such as 2ns; about as "
            "long as the device remembers"
        )
    steps = defaults.steps if frames is Frames.WHOLE else SEQUENCE_STEPS
    options = {
        "oscillators": counts,
        "hold": hold,
        "dt": times.get("dt", hold / steps if spins else None),
        "readouts": given.get("readouts", defaults.readouts if frames is Frames.WHOLE else 1),
        "segment": given.get("segment"),
        "truncate": given.get("truncate"),
        "input": given.get("input", "field_x"),
        "coupling": _pair(given["couple"]) if "couple" in given else True,
        "settings": _settings(device, given["setting"]) if "setting" in given else None,
        "signal": _signal(device, given.get("signal")),
        "limits": _limits(device, given),
        "imperfections": imperfections_of({name: given.get(name) for name in UNITS}, given.get("bits")),
    }
    if isinstance(images, TargetSignals):
        made: OscillatorClassifier = _regressor(device, images, key, given, options)
    else:
        made = _classifier(device, images, frames, key, given, options)
    made = dataclasses.replace(made, trained=_trained(given, made))
    return uncoupled(made) if "no_coupling" in given else made


def _classifier(
    device: Any, images: Any, frames: Frames, key: Any, given: Mapping[str, Any], options: dict[str, Any]
) -> OscillatorClassifier:
    """Of images, or of signals with classes."""
    return OscillatorClassifier.create(
        device,
        shape=images.shape,
        classes=len(images.classes),
        key=key,
        frames=frames,
        patch=_patch(given.get("patch")),
        centre=images.mean,
        spread=images.spread if frames is Frames.SIGNAL else None,
        **_reading(frames, images, given),
        **options,
    )


def _regressor(
    device: Any, signals: TargetSignals, key: Any, given: Mapping[str, Any], options: dict[str, Any]
) -> OscillatorRegressor:
    """Of signals with targets: each frame, or every k-th, is answered after the washout."""
    if idle := [name for name in ("frames_read", "pooling") if name in given]:
        raise ValueError(
            f"{flag(idle[0])} is for classes; signals with targets are answered at each frame after --washout"
        )
    washout, every = given.get("washout", 0), given.get("every", 1)
    return OscillatorRegressor.of(device, signals, key=key, washout=washout, every=every, **options)


def _reading(frames: Frames, images: Samples, given: Mapping[str, Any]) -> dict[str, Any]:
    """Which frames are read, and how. Raises ValueError where there are fewer."""
    shape, every = images.shape, given.get("every", 1)
    count = -(-frames.count(shape) // every)
    if given.get("frames_read", 1) > count:
        kind, few = noun_of(images), "" if every == 1 else f", of which --every {every} leaves {count}"
        raise ValueError(f"--frames-read {given['frames_read']}: these {kind} have {frames.count(shape)} frames{few}")
    differ = isinstance(images, Signals) and bool((images.lengths != images.longest).any())
    pooling = Pooling(given["pooling"].value) if "pooling" in given else Pooling.MEAN if differ else Pooling.TOGETHER
    usual = {Frames.WHOLE: 1, Frames.ROWS: count, Frames.PIXELS: min(shape[1], count), Frames.SIGNAL: 1}
    last = None if pooling is Pooling.MEAN else usual[frames]
    return {"frames_read": given.get("frames_read", last), "every": every, "pooling": pooling}


def _signal(device: Oscillator | System, given: Any) -> Any:
    return tuple(names_in("--signal", given)) if isinstance(given, str) and isinstance(device, System) else given


def _pair(text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise ValueError(f"--couple {text}: expected what is emitted and where it is received, such as x,field_x")
    return parts[0], parts[1]


def _settings(device: Oscillator | System, texts: list[str]) -> dict[str, tuple[float, float]]:
    """The ranges of settings, in SI."""
    units = {**leaf_units(device), **terminals_of(device)}
    found = {}
    for name, text in assignments("--setting", texts).items():
        low, colon, high = text.partition(":")
        if not colon:
            raise ValueError(f"--setting {name}={text}: expected a range, such as --setting current=0mA:5mA")
        unit = unit_of(name, units)
        found[name] = (quantity(f"--setting {name}", low, unit), quantity(f"--setting {name}", high, unit))
    return found


def _counts(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise ValueError(f"--oscillators {text}: expected a whole number, or one for each array, such as 128,64")
    return tuple(int(part) for part in text.split(","))


def _patch(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"--patch {text}: expected the side of a patch and the stride, in pixels, such as 5,3")
    return int(parts[0]), int(parts[1])


def _limits(device: Oscillator | System, given: Mapping[str, Any]) -> Limits | None:
    """The limits that were given; None where none was. Raises ValueError for one that means nothing here."""
    found = {name: quantity(flag(name), given[name], unit) for name, unit in LIMITS.items() if name in given}
    if bad := [name for name, value in found.items() if value <= 0]:
        raise ValueError(f"{flag(bad[0])} {given[bad[0]]}: expected more than zero; it holds either way")
    fed = {**leaf_units(device), **terminals_of(device)}.get(given.get("input", "field_x"))
    changed: dict[str, Any] = {"coupling": found["max_coupling"]} if "max_coupling" in found else {}
    for name, part in (("max_field", "field"), ("max_current", "current")):
        if (value := found.get(name)) is not None:
            changed |= {"input": value} if fed == LIMITS[name] else {}
            changed |= {part: (-value, value)} if isinstance(device, Oscillator) else {}
            if not isinstance(device, Oscillator) and fed != LIMITS[name]:
                raise ValueError(
                    f"{flag(name)} limits an input by a {part}, and this one is in {fed}; the settings of a "
                    f"{type(device).__name__} have their ranges in --setting"
                )
    return Limits(**changed) if changed else None


def _trained(given: Mapping[str, Any], network: OscillatorClassifier) -> tuple[Trainable, ...]:
    """The parts that training may change: the default ones and more, or only some."""
    if "also" in given and "only" in given:
        raise ValueError("--train adds to what is trained by default and --only replaces it; give one of them")
    usual = [name_of(part) for part in network.trained]
    names = set(_parts("--only", given["only"], network.parts) if "only" in given else usual)
    names |= set(_parts("--train", given.get("also", ""), network.parts))
    if "no_coupling" in given:
        names.discard(Part.COUPLING.value)
    if not names:
        raise ValueError("--only coupling leaves nothing to train with --no-coupling")
    return tuple(part_of(name) for name in network.parts if name in names)


def _parts(option: str, text: str, known: Sequence[str]) -> list[str]:
    names = names_in(option, text) if text else []
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{option} {text}: there is no {unknown[0]!r} to train; expected {', '.join(known)}")
    return names
