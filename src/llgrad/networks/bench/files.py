"""A design as one JSON file: everything that predicts, every number exactly. What is loaded predicts the same bits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.files import Path, read_json, write_json
from llgrad.core.record import from_json, to_json
from llgrad.core.run_record import run_record
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.readout import Readout, Signal
from llgrad.networks.bench.settings import KNOBS, Settings
from llgrad.networks.bench.timeline import Frames, Timeline

KIND: Final = "design"
STEPPER: Final = "RK4"
"""What a design integrates with."""

ARRAYS: Final = {
    field.name: field.metadata["unit"] for field in dataclasses.fields(Settings) if field.name != "input_limit"
}
"""The settings that have a number for each oscillator, or more, with their units."""

RESET: Final = (
    "before each image a field pulse along `start` puts every oscillator into that state; it is not reset between the "
    "frames of an image"
)


def save_design(
    path: Path,
    design: Design,
    *,
    overwrite: bool = False,
    images: Mapping[str, Any] | None = None,
    **record: Any,
) -> None:
    """Write a design as JSON.

    Args:
        path: a name that ends in .json.
        design: what to write.
        overwrite: whether a file that is there is replaced.
        images: more about the images, such as where they are.
        record: for the run record: seed, data_hash, command.
    """
    check_kind("design", design, Design, "give (path, design), as network.design() makes one")
    about = {"shape": design.shape, "scale": design.scale, "classes": design.classes}
    entry = run_record(KIND, device=design.stages[0].device, dtype="float32", **record) | {
        "images": {**(images or {}), **about},
        "stepper": STEPPER,
        "reset": RESET,
        "arrays": [_stage_entry(stage) for stage in design.stages],
        "readout": {
            "signal": design.readout.signal.value,
            "weights": _numbers(design.readout.weights),
            "bias": _numbers(design.readout.bias),
        },
    }
    write_json(path, entry, overwrite)


def load_design(path: Path) -> Design:
    """The design of a file that `save_design` wrote: its logits are the same bits.

    Raises FileNotFoundError where there is none, ValueError, in one sentence, for a file that is another or damaged.
    """
    return design_of(path, read_json(path, KIND))


def design_of(path: Path, entry: Mapping[str, Any]) -> Design:
    """The design of an entry that was read from a file."""
    try:
        if entry["stepper"] != STEPPER:
            raise ValueError(f"its stepper is {entry['stepper']!r}, expected {STEPPER}")
        images, read = entry["images"], entry["readout"]
        bias = _array(read["bias"], "the bias")
        readout = Readout(_array(read["weights"], "the read-out weights"), bias, Signal(read["signal"]))
        design = Design(
            stages=tuple(_stage(one) for one in entry["arrays"]),
            readout=readout,
            shape=(int(images["shape"][0]), int(images["shape"][1])),
            scale=float(images["scale"]),
            classes=tuple(map(str, images["classes"])),
        )
        _check(design)
    except KeyError as missing:
        raise ValueError(f"{path}: this design has no entry {missing}; the file is damaged") from None
    except (TypeError, IndexError, AttributeError, OverflowError):
        raise ValueError(f"{path}: an entry of this design is not what it should be; the file is damaged") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return design


def _stage_entry(stage: Stage) -> dict[str, Any]:
    timeline = stage.timeline
    settings: dict[str, Any] = {"input_limit": {"value": stage.settings.input_limit, "unit": "T", "kind": "knob"}}
    for name, unit in ARRAYS.items():
        kind = "knob" if name in KNOBS else "fabrication"
        settings[name] = {"value": _numbers(getattr(stage.settings, name)), "unit": unit, "kind": kind}
    return {
        "device": to_json(stage.device),
        "time_line": {
            "hold": {"value": timeline.hold, "unit": "s"},
            "dt": {"value": timeline.dt, "unit": "s"},
            "start": {"value": [timeline.start.x, timeline.start.y, timeline.start.z], "unit": "1"},
            "frames": timeline.frames.value,
            "readouts": timeline.readouts,
            "frames_read": timeline.frames_read,
        },
        "settings": settings,
    }


def _stage(entry: Mapping[str, Any]) -> Stage:
    device, time = from_json(entry["device"]), entry["time_line"]
    if not isinstance(device, Oscillator):
        raise ValueError(f"its device is of the type {type(device).__name__}, expected Oscillator")
    timeline = Timeline(
        _value(time, "hold", "s"),
        _value(time, "dt", "s"),
        _value(time, "start", "1"),
        Frames(time["frames"]),
        int(time["readouts"]),
        int(time["frames_read"]),
    )
    values: dict[str, Any] = {"input_limit": float(_value(entry["settings"], "input_limit", "T"))}
    for name, unit in ARRAYS.items():
        values[name] = _array(_value(entry["settings"], name, unit), f"the setting {name}")
    return Stage(device, Settings(**values), timeline)


def _value(entry: Mapping[str, Any], name: str, unit: str) -> Any:
    found = entry[name]
    if found["unit"] != unit:
        raise ValueError(f"{name} is stored in {found['unit']!r}, expected {unit!r}; convert the file to SI")
    return found["value"]


def _numbers(array: Any) -> Any:
    """Nested lists: JSON holds every float32 exactly."""
    return np.asarray(array, np.float32).astype(float).tolist()


def _array(values: Any, name: str) -> Any:
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large for float32 is not finite then
            array = np.asarray(values, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(math.nan, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has an entry that is not a finite number; the file is damaged")
    with jax.enable_x64(False):
        return jnp.asarray(array)


def _check(design: Design) -> None:
    """Raise ValueError where the arrays of a design do not fit together."""
    frames = design.stages[0].timeline.frames.count(design.shape)
    inputs, count, timeline = design.shape[0] * design.shape[1] // frames, 0, design.stages[0].timeline
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for number, stage in enumerate(design.stages, 1):
        count, timeline = stage.settings.count, stage.timeline
        wanted = {"gains": (inputs, count), "coupling": (count, count)}
        for name in ARRAYS:
            shapes[f"{name} of array {number}"] = getattr(stage.settings, name).shape, wanted.get(name, (count,))
        inputs = 3 * count * timeline.readouts
    read = timeline.readouts * min(timeline.frames_read, frames) * count * design.readout.signal.width
    classes = len(design.classes) or design.readout.bias.size
    shapes["the bias"] = design.readout.bias.shape, (classes,)
    shapes["the read-out weights"] = design.readout.weights.shape, (read, classes)
    for name, (shape, expected) in shapes.items():
        if shape != expected:
            raise ValueError(f"{name} has the shape {shape}, expected {expected}; the file is damaged")
