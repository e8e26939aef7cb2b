"""A design as one JSON file: everything that predicts, every number exactly. What is loaded predicts the same bits."""

from __future__ import annotations

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
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.readout import OutputSignals, Readout, Signal
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Frames, Pooling, Timeline
from llgrad.networks.bench.wiring import DeviceWiring

KIND: Final = "design"
STEPPER: Final = "RK4"
"""What a design integrates with."""

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

    >>> import jax, llgrad as lg
    >>> with jax.enable_x64(False):
    ...     network = lg.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16
    ...     )
    ...     lg.networks.save_design("design.json", network.design())
    >>> lg.networks.load_design("design.json").shape
    (8, 8)
    """
    check_kind("design", design, Design, "give (path, design), as network.design() makes one")
    about = {"shape": design.shape, "scale": design.scale, "classes": design.classes}
    entry = run_record(KIND, device=design.stages[0].device, dtype="float32", **record) | {
        "images": {**(images or {}), **about},
        "stepper": STEPPER,
        "reset": RESET,
        "arrays": [_stage_entry(stage) for stage in design.stages],
        "readout": {
            "signal": signal_entry(design.readout.signal),
            "weights": _numbers(design.readout.weights),
            "bias": _numbers(design.readout.bias),
        },
    }
    write_json(path, entry, overwrite)


def load_design(path: Path) -> Design:
    """The design of a file that `save_design` wrote: its logits are the same bits.

    Raises FileNotFoundError where there is none, ValueError, in one sentence, for a file that is another or damaged.

    >>> import jax, llgrad as lg
    >>> import numpy as np
    >>> images = np.zeros((2, 8, 8), np.float32)
    >>> with jax.enable_x64(False):
    ...     network = lg.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16
    ...     )
    ...     lg.networks.save_design("same.json", network.design())
    ...     same = lg.networks.load_design("same.json")(images) == network.design()(images)
    >>> bool(same.all())
    True
    """
    return design_of(path, read_json(path, KIND))


def design_of(path: Path, entry: Mapping[str, Any]) -> Design:
    """The design of an entry that was read from a file."""
    try:
        if entry["stepper"] != STEPPER:
            raise ValueError(f"its stepper is {entry['stepper']!r}, expected {STEPPER}")
        images, read = entry["images"], entry["readout"]
        bias = _array(read["bias"], "the bias")
        readout = Readout(_array(read["weights"], "the read-out weights"), bias, signal_of(read["signal"]))
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


def signal_entry(signal: Signal | OutputSignals) -> Any:
    """What is read, ready for JSON."""
    return signal.value if isinstance(signal, Signal) else {name: list(v) for name, v in signal._asdict().items()}


def signal_of(entry: Any) -> Signal | OutputSignals:
    """What `signal_entry` wrote."""
    if not isinstance(entry, Mapping):
        return Signal(entry)
    numbers = (tuple(map(float, entry[name])) for name in ("offsets", "scales"))
    return OutputSignals(tuple(map(str, entry["names"])), *numbers)


def start_entry(start: Any) -> Any:
    """The state after a reset, ready for JSON: components in order, or by name."""
    return [start.x, start.y, start.z] if isinstance(start, Vec3) else dict(start)


def _stage_entry(stage: Stage) -> dict[str, Any]:
    timeline, given = stage.timeline, stage.settings
    units, wiring = given.units, given.wiring
    limit = {"value": given.input_limit, "unit": wiring.input_unit, "kind": "knob"}
    settings: dict[str, Any] = {"input_limit": limit}
    for name, value in given.varying.items():
        kind = "knob" if name in given.knobs else "fabrication"
        settings[name] = {"value": _numbers(value), "unit": units[name], "kind": kind}
    return {
        "device": to_json(stage.device),
        "input": wiring.input,
        "coupled": None if wiring.coupling is None else list(wiring.coupling),
        "time_line": {
            "hold": {"value": timeline.hold, "unit": "s"},
            "dt": {"value": timeline.dt, "unit": "s"},
            "start": {"value": start_entry(timeline.start), "unit": "1"},
            "frames": timeline.frames.value,
            "readouts": timeline.readouts,
            "frames_read": timeline.frames_read,
            "every": timeline.every,
            "pooling": timeline.pooling.value,
        },
        "settings": settings,
    }


def _stage(entry: Mapping[str, Any]) -> Stage:
    device, time, given = from_json(entry["device"]), entry["time_line"], entry["settings"]
    if not isinstance(device, (Oscillator, System)):
        raise ValueError(f"its device is of the type {type(device).__name__}, expected an Oscillator or a System")
    timeline = Timeline(
        _value(time, "hold", "s"),
        _value(time, "dt", "s"),
        _value(time, "start", "1"),
        Frames(time["frames"]),
        int(time["readouts"]),
        None if time["frames_read"] is None else int(time["frames_read"]),
        int(time.get("every", 1)),
        Pooling(time.get("pooling", "together")),
    )
    coupled = entry.get("coupled", True)  # a design of before is of oscillators, which are coupled in the usual way
    pair = (str(coupled[0]), str(coupled[1])) if isinstance(coupled, list) else coupled is True
    names = [name for name in given if name not in ("input_limit", "gains", "offset", "coupling")]
    wiring = DeviceWiring.of(device, entry.get("input", "field_x"), pair, names)

    def array(name: str, unit: str) -> Any:
        return _array(_value(given, name, unit), f"the setting {name}")

    settings = Settings(
        gains=array("gains", wiring.input_unit),
        offset=array("offset", wiring.input_unit),
        input_limit=float(_value(given, "input_limit", wiring.input_unit)),
        coupling=array("coupling", wiring.coupling_unit),
        own={setting.name: array(setting.name, setting.unit) for setting in wiring.own},
        wiring=wiring,
    )
    return Stage(device, settings, timeline)


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
        for name, value in stage.settings.varying.items():
            shapes[f"{name} of array {number}"] = value.shape, wanted.get(name, (count,))
        inputs = design.readout.signal.passed_on.width * count * timeline.readouts
    read = timeline.readouts * timeline.weighed(frames) * count * design.readout.signal.width
    classes = len(design.classes) or design.readout.bias.size
    shapes["the bias"] = design.readout.bias.shape, (classes,)
    shapes["the read-out weights"] = design.readout.weights.shape, (read, classes)
    for name, (shape, expected) in shapes.items():
        if shape != expected:
            raise ValueError(f"{name} has the shape {shape}, expected {expected}; the file is damaged")
