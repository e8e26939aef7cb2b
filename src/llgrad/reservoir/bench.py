"""A fitted reservoir as a bench design: one file of everything that predicts, and tables of what is set, fed and read.

A design that was loaded answers with the same bits.
"""

from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.core.files import Path, read_json, write_json, writing
from llgrad.core.record import from_json, to_json
from llgrad.core.run_record import run_record
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.reservoir.checking import checked_input
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.readout import RidgeReadout
from llgrad.reservoir.running import component_places, count_of

KIND: Final = "reservoir_design"
RESET: Final = (
    "before each signal every oscillator is brought into its own start; it is not reset between symbols, and what is "
    "fed back before the first reading is the reading of that state"
)
MOST_BITS: Final = 24


def save_reservoir(path: Path, reservoir: Reservoir, *, overwrite: bool = False, **record: Any) -> None:
    """Write a fitted reservoir as JSON: devices, what acts on them at each node, when they are read, and the read-out.

    Args:
        path: a name that ends in .json.
        reservoir: after `fit`.
        overwrite: whether a file that is there is replaced.
        record: for the run record: data_hash, command.

    Raises ValueError for a reservoir without a read-out, and one that is read by a function, which no file holds.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=10, washout=20)
    >>> task = lg.reservoir.narma(2, length=300, seed=1)
    >>> save_reservoir("reservoir.json", reservoir.fit(task.signal, task.target))
    >>> same = load_reservoir("reservoir.json").predict(task.signal) == reservoir.predict(task.signal)
    >>> bool(same.all())
    True
    """
    check_kind("reservoir", reservoir, Reservoir, "give (path, reservoir), a lg.reservoir.Reservoir that was fitted")
    readout, names = _readout(reservoir), _read(reservoir)
    features = readout_features(reservoir)
    wiring = reservoir.wiring(features)
    unit = input_unit(reservoir)
    node = wiring.hold / wiring.nodes
    entry = run_record(KIND, dtype="float64", **{"seed": int(reservoir.seed), **record}) | {
        "model": to_json(reservoir.model),
        "input": reservoir.input,
        "time_line": {
            "reset": RESET,
            "hold": {"value": wiring.hold, "unit": "s"},
            "nodes": wiring.nodes,
            "steps": wiring.steps,
            "read_at": {"value": [node * (place + 1) for place in range(wiring.nodes)], "unit": "s"},
            "washout": int(reservoir.washout),
        },
        "settings": {
            "mask": {"value": np.asarray(wiring.mask, float).tolist(), "unit": "1"},
            "gain": {"value": float(wiring.gain), "unit": unit},
            "bias": {"value": np.asarray(wiring.bias, float).tolist(), "unit": unit},
            "feedback": {"value": float(wiring.feedback), "unit": f"{unit} per unit read"},
            "delay": wiring.delay,
        },
        "noise": float(reservoir.noise),
        "readout": {
            "read": list(names),
            "weights": readout.weights.tolist(),
            "offset": readout.offset.tolist(),
            "penalty": float(readout.penalty),
            "flat": bool(reservoir._flat),
        },
    }
    write_json(path, entry, overwrite)


def load_reservoir(path: Path) -> Reservoir:
    """The fitted reservoir of a file that `save_reservoir` wrote: its answers are the same bits.

    Raises FileNotFoundError where there is none, ValueError, in one sentence, for a file that is another or damaged.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=10, washout=20)
    >>> task = lg.reservoir.narma(2, length=300, seed=1)
    >>> save_reservoir("again.json", reservoir.fit(task.signal, task.target))
    >>> load_reservoir("again.json").nodes
    10
    """
    entry = read_json(path, KIND)
    try:
        return _made(entry)
    except KeyError as missing:
        raise ValueError(f"{path}: this design has no entry {missing}; the file is damaged") from None
    except (TypeError, AttributeError, IndexError, OverflowError):
        raise ValueError(f"{path}: an entry of this design is not what it should be; the file is damaged") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def at_resolution(reservoir: Reservoir, bits: int) -> Reservoir:
    """The same with converters of a bench: weights of the mask, and biases, are multiples of their largest over
    2^(bits − 1) − 1, the sign counted. The read-out stays as it was fitted.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0)
    >>> coarse = at_resolution(lg.reservoir.Reservoir(device, hold=1e-9, mask=[0.3, 1.0], nodes=2), bits=2)
    >>> coarse.mask.ravel().tolist()
    [0.0, 1.0]
    """
    check_kind("reservoir", reservoir, Reservoir, "give (reservoir, bits)")
    steps = 2 ** (_checked_bits(bits) - 1) - 1
    wiring = reservoir.wiring(readout_features(reservoir))

    def rounded(values: Any) -> np.ndarray:
        array = np.asarray(values, float)
        largest = np.abs(array).max()
        return array if largest == 0 else np.round(array / largest * steps) / steps * largest

    params: dict[str, Any] = reservoir.get_params()
    coarse = Reservoir(**{**params, "mask": rounded(wiring.mask), "bias": rounded(wiring.bias)})
    if hasattr(reservoir, "readout_"):
        coarse.readout_, coarse._flat, coarse.features = reservoir.readout_, reservoir._flat, reservoir.features
    return coarse


def _checked_bits(bits: Any) -> int:
    found = checked_number("bits", bits, low=2, whole=True)
    if found > MOST_BITS:
        raise ValueError(f"bits = {bits!r}, expected a resolution between 2 and {MOST_BITS} bits")
    return found


def save_reservoir_tables(folder: Path, reservoir: Reservoir, *, overwrite: bool = False) -> list[pathlib.Path]:
    """Write what a person sets up into a folder, as CSV; the files that were written."""
    written = []
    for name, rows in tables_of(reservoir).items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [[f"{cell:.9g}" if isinstance(cell, float) else cell for cell in row] for row in rows]
        )
        file = pathlib.Path(folder) / name
        with writing(file, overwrite) as target:
            target.write_text(text.getvalue(), encoding="utf-8")
        written.append(file)
    return written


def tables_of(reservoir: Reservoir) -> dict[str, list[list[Any]]]:
    """The tables by the names of their files: rows of cells, the first one the heads of the columns."""
    readout, names = _readout(reservoir), _read(reservoir)
    wiring, unit = reservoir.wiring(readout_features(reservoir)), input_unit(reservoir)
    features, nodes, count = wiring.mask.shape
    node = 1e9 * wiring.hold / nodes
    bias = np.broadcast_to(np.asarray(wiring.bias, float), (count,))
    line: list[list[Any]] = [["time in the symbol (ns)", "event"]]
    for place in range(nodes):
        line += [[place * node, f"input of node {place + 1} on"], [(place + 1) * node, f"read node {place + 1}"]]
    if wiring.delay:
        how = f"feed back {float(wiring.feedback):.9g} {unit} per unit of what was read {wiring.delay} nodes before"
        line.insert(1, [0.0, how])
    drive: list[list[Any]] = [["node", "oscillator", f"without a signal ({unit})"]]
    drive[0] += [f"per unit of feature {one + 1} ({unit})" for one in range(features)]
    acting = float(wiring.gain) * np.asarray(wiring.mask, float)
    drive += [
        [place + 1, one + 1, float(bias[one]), *map(float, acting[:, place, one])]
        for place in range(nodes)
        for one in range(count)
    ]
    answers = readout.weights.shape[1]
    weights: list[list[Any]] = [
        ["node", "oscillator", "read", *(f"weight for answer {one + 1}" for one in range(answers))]
    ]
    keys = [(place + 1, one + 1, name) for place in range(nodes) for one in range(count) for name in names]
    weights += [[*key, *map(float, row)] for key, row in zip(keys, readout.weights, strict=True)]
    weights += [["", "", "offset", *map(float, readout.offset)]]
    return {"time_line.csv": line, "drive.csv": drive, "readout.csv": weights}


def input_unit(reservoir: Reservoir) -> str:
    """The unit of what the signal acts on."""
    channel, member = (
        checked_input(reservoir.model, reservoir.input),
        getattr(reservoir.model, "system", reservoir.model),
    )
    return (member.inputs if isinstance(member, System) else CHANNEL_UNITS)[channel]


def readout_features(reservoir: Reservoir) -> int:
    """Features of a symbol that a mask was made for; one where it is drawn."""
    if reservoir.mask is None:
        return reservoir.features
    array = np.asarray(reservoir.mask)
    return array.shape[0] if array.ndim == 3 else 1


def _readout(reservoir: Reservoir) -> RidgeReadout:
    reservoir._fitted()
    return reservoir.readout_


def _read(reservoir: Reservoir) -> tuple[str, ...]:
    """The names of what is read. Raises ValueError for a function."""
    if callable(reservoir.read):
        raise ValueError("read is a function, which no file holds; name components, as in read=('mx', 'my')")
    places = component_places(reservoir.model)
    chosen = reservoir.reading.places  # pyright: ignore[reportFunctionMemberAccess]
    return tuple(name for place in chosen for name, own in places.items() if own == place)


def _made(entry: Mapping[str, Any]) -> Reservoir:
    model = from_json(entry["model"])
    if not isinstance(model, (Oscillator, OscillatorArray, System, SystemArray)):
        raise ValueError(
            f"its model is of the type {type(model).__name__}, expected an oscillator, a system or an array"
        )
    line, settings, read = entry["time_line"], entry["settings"], entry["readout"]
    mask = np.array(settings["mask"]["value"], float)
    if mask.ndim != 3 or mask.shape[1:] != (line["nodes"], count_of(model)):
        raise ValueError(
            f"its mask has the shape {mask.shape}, which does not fit the nodes and oscillators; it is damaged"
        )
    bias = np.array(settings["bias"]["value"], float)
    hold, nodes = float(line["hold"]["value"]), int(line["nodes"])
    made = Reservoir(
        model,
        hold=hold,
        input=str(entry["input"]),
        gain=float(settings["gain"]["value"]),
        bias=float(bias) if bias.ndim == 0 else bias,
        nodes=nodes,
        mask=mask,
        feedback=float(settings["feedback"]["value"]),
        delay=int(settings["delay"]) or None,
        read=tuple(map(str, read["read"])),
        noise=float(entry["noise"]),
        dt=hold / (nodes * int(line["steps"])),
        washout=int(line["washout"]),
        seed=int(entry["seed"]),
    )
    weights, offset = np.array(read["weights"], float), np.array(read["offset"], float)
    wide = nodes * count_of(model) * len(read["read"])
    if weights.shape != (wide, offset.size) or offset.ndim != 1 or not np.isfinite(weights).all():
        raise ValueError(f"its weights have the shape {weights.shape}, expected ({wide}, {offset.size}); it is damaged")
    made.readout_, made._flat = RidgeReadout(weights, offset, float(read["penalty"])), bool(read["flat"])
    made.features = mask.shape[0]
    made.wiring(mask.shape[0])  # what cannot be is told now
    input_unit(made)
    _read(made)
    return made
