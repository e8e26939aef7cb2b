"""The network that the options of `llgrad train` describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jax

from llgrad.cli.device_options import oscillator_with, quantity
from llgrad.cli.networks.defaults import DEVICE, Defaults
from llgrad.cli.networks.imperfections import UNITS, imperfections_of
from llgrad.cli.networks.learning.options import NetworkKind
from llgrad.datasets.images.images import Images, ImageSet
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork, uncoupled
from llgrad.networks.bench.readout import Signal
from llgrad.networks.bench.timeline import Frames
from llgrad.networks.network import Network
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.layer import KNOBS_AND_COUPLING, Limits, Part, usual_limits

SEQUENCE_HOLD: Final = 0.05e-9
"""Time for which one of many frames is shown [s]."""
SEQUENCE_STEPS: Final = 2
"""Time steps in it."""

LIMITS: Final = {"max_field": "T", "max_current": "A", "max_coupling": "T"}
OF_OSCILLATORS: Final = (
    *("device", "frames", "duration", "dt", "readouts", "frames_read", "patch", "signal", "no_coupling"),
    *("also", "only", *LIMITS, *UNITS, "bits"),
)
"""Options that mean nothing without oscillators, by the names of their arguments."""


def flag(name: str) -> str:
    """The option of an argument."""
    return "--train" if name == "also" else f"--{name.replace('_', '-')}"


def network_of(defaults: Defaults, given: Mapping[str, Any], data: ImageSet, seed: int) -> Network:
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
        foreign = OF_OSCILLATORS if kind is NetworkKind.TANH else (*OF_OSCILLATORS, "oscillators")
        if idle := [name for name in foreign if name in given]:
            raise ValueError(f"{flag(idle[0])} is for oscillators; leave it out with --network {kind.value}")
        if kind is NetworkKind.SOFTMAX:
            return SoftmaxNetwork.create(shape, classes)
        if len(counts) != 1 or min(counts) < 1:
            raise ValueError("--network tanh has a single layer; give one number of at least 1 as --oscillators")
        return TanhNetwork.create(shape, classes, counts[0], key, data.train.mean)


def _of_oscillators(
    defaults: Defaults,
    counts: tuple[int, ...],
    given: Mapping[str, Any],
    images: Images,
    key: Any,
) -> Network:
    shape, classes = images.shape, len(images.classes)
    frames = given.get("frames", Frames.WHOLE)
    times = {name: quantity(flag(name), given[name], "s") for name in ("duration", "dt") if name in given}
    hold = times.get("duration", defaults.duration if frames is Frames.WHOLE else SEQUENCE_HOLD)
    if frames is not Frames.WHOLE and "patch" in given:
        raise ValueError(f"--patch is laid over the whole image; leave it out with --frames {frames.value}")
    last = {Frames.WHOLE: 1, Frames.ROWS: shape[0], Frames.PIXELS: shape[1]}[frames]
    if given.get("frames_read", 1) > frames.count(shape):
        raise ValueError(f"--frames-read {given['frames_read']}: these images have {frames.count(shape)} frames")
    device = oscillator_with(given.get("device", DEVICE), {}, "the arrays of a network are of oscillators")
    made = OscillatorClassifier.create(
        device,
        shape=shape,
        classes=classes,
        key=key,
        oscillators=counts,
        hold=hold,
        dt=times.get("dt", hold / (defaults.steps if frames is Frames.WHOLE else SEQUENCE_STEPS)),
        frames=frames,
        readouts=given.get("readouts", defaults.readouts if frames is Frames.WHOLE else 1),
        frames_read=given.get("frames_read", last),
        patch=_patch(given.get("patch")),
        centre=images.mean,
        signal=given.get("signal", Signal.MAGNETISATION),
        limits=_limits(device, hold, frames.count(shape), given),
        trained=_trained(given),
        imperfections=imperfections_of({name: given.get(name) for name in UNITS}, given.get("bits")),
    )
    return uncoupled(made) if "no_coupling" in given else made


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


def _limits(device: Oscillator, hold: float, frames: int, given: Mapping[str, Any]) -> Limits | None:
    """The usual limits with those that were given in their place; None where none was."""
    found = {name: quantity(flag(name), given[name], unit) for name, unit in LIMITS.items() if name in given}
    if bad := [name for name, value in found.items() if value <= 0]:
        raise ValueError(f"{flag(bad[0])} {given[bad[0]]}: expected more than zero; it holds either way")
    if not found:
        return None
    changed: dict[str, Any] = {}
    if (field := found.get("max_field")) is not None:
        changed |= {"input": field, "field": (-field, field)}
    if (current := found.get("max_current")) is not None:
        changed["current"] = (-current, current)
    if (coupling := found.get("max_coupling")) is not None:
        changed["coupling"] = coupling
    return usual_limits(device, hold, frames)._replace(**changed)


def _trained(given: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts that training may change: the default ones and more, or only some."""
    if "also" in given and "only" in given:
        raise ValueError("--train adds to what is trained by default and --only replaces it; give one of them")
    parts = set(_parts("--only", given["only"])) if "only" in given else set(KNOBS_AND_COUPLING)
    parts |= set(_parts("--train", given.get("also", "")))
    if "no_coupling" in given:
        parts.discard(Part.COUPLING)
    if not parts:
        raise ValueError("--only coupling leaves nothing to train with --no-coupling")
    return tuple(part for part in Part if part in parts)


def _parts(option: str, text: str) -> list[Part]:
    names = [name.strip() for name in text.split(",")] if text else []
    known = [part.value for part in Part]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{option} {text}: there is no {unknown[0]!r} to train; expected {', '.join(known)}")
    return [Part(name) for name in names]
