"""A design as tables for people: CSV files in the units of the bench, each quantity marked as knob or fabrication."""

from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from llgrad.core.files import Path, writing
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.readout import OutputSignals, Signal
from llgrad.networks.bench.timeline import Frames, Pooling
from llgrad.networks.bench.wiring import NOUNS

NAMES_OF_FRAMES: Final = {
    Frames.WHOLE: "image",
    Frames.ROWS: "row",
    Frames.PIXELS: "pixel",
    Frames.SIGNAL: "frame",
}
OE: Final = 1e4
"""Oersted in a tesla."""


def tables_of(design: Design) -> dict[str, list[list[Any]]]:
    """The tables of a design by the names of their files: rows of cells, the first one the heads of the columns."""
    tables: dict[str, list[list[Any]]] = {}
    sources = _inputs(design)
    for number, stage in enumerate(design.stages, 1):
        end = "" if len(design.stages) == 1 else f"-{number}"
        tables[f"oscillators{end}.csv"] = _oscillators(stage)
        tables[f"coupling{end}.csv"] = _coupling(stage)
        tables[f"input_gains{end}.csv"] = _gains(stage, sources)
        sources = [
            f"read-out {read + 1}: {name} of oscillator {one + 1}"
            for read in range(stage.timeline.readouts)
            for one in range(stage.settings.count)
            for name in _named(design.readout.signal.passed_on)
        ]
    tables["readout.csv"] = _readout(design)
    tables["time_line.csv"] = _time_line(design)
    return tables


def save_tables(folder: Path, design: Design, *, overwrite: bool = False) -> list[pathlib.Path]:
    """Write the tables of a design into a folder; the files that were written."""
    written = []
    for name, rows in tables_of(design).items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([[_cell(cell) for cell in row] for row in rows])
        file = pathlib.Path(folder) / name
        with writing(file, overwrite) as target:
            target.write_text(text.getvalue(), encoding="utf-8")
        written.append(file)
    return written


def _cell(value: Any) -> Any:
    """Numbers with the seven digits that a float32 has."""
    return f"{float(value) + 0.0:.7g}" if isinstance(value, (float, np.floating)) else value


def _oscillators(stage: Stage) -> list[list[Any]]:
    settings, count = stage.settings, stage.settings.count
    wiring, unit, noun = settings.wiring, settings.wiring.input_unit, settings.wiring.noun
    columns: dict[str, Any] = {"oscillator": range(1, count + 1)}
    for setting in wiring.own:
        columns |= _columns(setting.about, setting.unit, settings.own[setting.name], setting.knob)
    columns |= _columns(f"input {noun} at zero input", unit, settings.offset)
    columns |= _columns(f"largest input {noun}", unit, np.full(count, settings.input_limit))
    if isinstance(stage.device, Oscillator):
        columns["volume (nm3) [fabrication]"] = np.full(count, float(stage.device.volume) * 1e27)
    return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _columns(about: str, unit: str, values: Any, knob: bool = True) -> dict[str, Any]:
    """The values in each unit of the bench, by the heads of their columns."""
    kind = "knob" if knob else "fabrication"
    return {
        f"{about}{shown} [{kind}]": np.asarray(values, float) * factor
        for shown, factor in ((f" ({name})" if name != "1" else "", factor) for name, factor in _scales(unit))
    }


def _scales(unit: str) -> tuple[tuple[str, float], ...]:
    """The units of a bench for an SI unit, and their numbers in it."""
    return {"T": (("Oe", OE), ("mT", 1e3)), "A": (("mA", 1e3),), "V": (("mV", 1e3),)}.get(unit, ((unit, 1.0),))


def _coupling(stage: Stage) -> list[list[Any]]:
    wiring, names = stage.settings.wiring, range(1, stage.settings.count + 1)
    (unit, scale), *_ = _scales(wiring.coupling_unit)
    emitted = "" if wiring.coupling is None else f" per unit {wiring.coupling[0]}"
    noun = NOUNS.get(wiring.coupling_unit, "" if wiring.coupling is None else wiring.coupling[1])
    head = [f"coupling {noun} ({unit}){emitted} [fabrication]: to oscillator", *(f"from {name}" for name in names)]
    values = np.asarray(stage.settings.coupling, float) * scale
    return [head, *([name, *row] for name, row in zip(names, values, strict=True))]


def _gains(stage: Stage, sources: Sequence[str]) -> list[list[Any]]:
    wiring, names = stage.settings.wiring, range(1, stage.settings.count + 1)
    (unit, scale), *_ = _scales(wiring.input_unit)
    head = [f"input {wiring.noun} ({unit}) per unit input [knob]: from", *(f"to oscillator {name}" for name in names)]
    values = np.asarray(stage.settings.gains, float) * scale
    return [head, *([name, *row] for name, row in zip(sources, values, strict=True))]


def _inputs(design: Design) -> list[str]:
    """What is fed into the first array."""
    H, W = design.shape
    return {
        Frames.WHOLE: [f"pixel ({row + 1}, {column + 1})" for row in range(H) for column in range(W)],
        Frames.ROWS: [f"pixel {column + 1} of the row" for column in range(W)],
        Frames.PIXELS: ["pixel"],
        Frames.SIGNAL: [f"feature {feature + 1}" for feature in range(W)],
    }[design.stages[0].timeline.frames]


def _readout(design: Design) -> list[list[Any]]:
    stage, signal = design.stages[-1], design.readout.signal
    names = design.classes or tuple(map(str, range(design.readout.bias.shape[0])))
    read = _named(signal)
    timeline = stage.timeline
    times: list[Any] = [1e9 * time for time in timeline.read_times(_frames(design))]
    if timeline.pooling is not Pooling.TOGETHER:
        what = "mean of the frames read" if timeline.pooling is Pooling.MEAN else "each frame read"
        inside = [1e9 * timeline.hold * (index + 1) / timeline.readouts for index in range(timeline.readouts)]
        times = [f"{what}, {time:.7g} in the frame" for time in inside]
    keys = [(time, one + 1, what) for time in times for one in range(stage.settings.count) for what in read]
    values = np.asarray(design.readout.weights, float)
    rows = ([*key, *row] for key, row in zip(keys, values, strict=True))
    bias = ["", "", "bias", *np.asarray(design.readout.bias, float)]
    return [["time (ns)", "oscillator", "signal", *(f"weight for {name} [knob]" for name in names)], *rows, bias]


def _named(signal: Signal | OutputSignals) -> tuple[str, ...]:
    """What is read, with what is taken off and what it is divided by."""
    if isinstance(signal, Signal):
        return signal.names
    return tuple(
        name
        if (offset, scale) == (0.0, 1.0)
        else f"({name} {'+' if offset < 0 else '-'} {abs(offset):.7g})/{scale:.7g}"
        for name, offset, scale in zip(*signal, strict=True)
    )


def _time_line(design: Design) -> list[list[Any]]:
    rows: list[list[Any]] = [["array", "time (ns)", "event"]]
    for number, stage in enumerate(design.stages, 1):
        rows += [[number, 1e9 * time, event] for time, event in _events(design, stage)]
    return rows


def _events(design: Design, stage: Stage) -> Iterator[tuple[float, str]]:
    """(time [s], what happens) in the order of time."""
    timeline, frames = stage.timeline, _frames(design)
    start, noun = timeline.start, NAMES_OF_FRAMES[timeline.frames]
    begun = f"m = ({start.x:g}, {start.y:g}, {start.z:g})" if isinstance(start, Vec3) else _listed(start)
    yield 0.0, f"reset ends: {begun}"
    reads = set(_rounded(timeline.read_times(frames)))
    all_reads = _rounded((index + 1) / timeline.readouts * timeline.hold for index in range(timeline.readouts * frames))
    used = reads if stage is design.stages[-1] else set(all_reads)
    for frame in range(frames):
        yield frame * timeline.hold, f"input on: {noun} {frame + 1} of {frames}"
        for time in all_reads[frame * timeline.readouts : (frame + 1) * timeline.readouts]:
            if time in used:
                yield time, "read-out"
    yield frames * timeline.hold, "input off"


def _listed(state: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} = {number:g}" for name, number in state)


def _rounded(times: Iterable[float]) -> list[float]:
    return [round(time, 18) for time in times]


def _frames(design: Design) -> int:
    return design.stages[0].timeline.frames.count(design.shape)
