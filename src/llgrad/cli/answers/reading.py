"""The data that `llgrad fit` is given: a trace, a table of frequencies, a spectrum, or a measured loop; and how
it was read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from llgrad.cli.device_options import names_in, quantity
from llgrad.cli.output import say
from llgrad.cli.progress import Report
from llgrad.datasets.formats import ARRAY_FILES
from llgrad.datasets.frequencies import FrequencyTable, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import read_trace
from llgrad.datasets.recordings.opening import is_recording
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.datasets.tables.table import read_table
from llgrad.datasets.trace import COLUMNS, Trace
from llgrad.devices.system import System
from llgrad.fitting.loops.measured import MeasuredLoop
from llgrad.fitting.loops.reading import looks_like_loop, read_loop
from llgrad.fitting.orbits.tables.reading import read_orbit_table
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.observables.receiver import FILTERS
from llgrad.observables.spectrum import Spectrum
from llgrad.orbits.results.named import QUANTITIES

FOR_TABLES = {"setting": "", "peak": "", "error": "", "area": "m²"}
FOR_ORBITS = {"quantities": "", "settings": "", "drive": "", "ratio": "1", "load": "Ω"}
"""And of a table of orbits: any of these, and not only the frequencies of one setting are read."""
FOR_LOOPS = {"angle": "", "field": "", "value": "", "field_unit": "", "value_unit": ""}
"""And of a measured loop, where `loop` is among the words, or the file has fields and no times."""
FOR_SPECTRA = {
    **{"level": "", "unit": "", "detector": "", "averaging": ""},
    **{"rbw": "Hz", "filter": "1", "load": "Ω", "current": "A"},
}
"""The arguments of a reader that `--read` gives, with their units; "" where they are words."""
FOR_TRACES = {"channel": "", "segment": "", "unit": "", "interval": "s", "window": ""}
"""And of a trace; a window is two times, as in window=2ns,5ns."""
Data = Trace | FrequencyTable | OrbitTable | Spectrum | MeasuredLoop


def read_data(
    path: pathlib.Path, columns: str | None, given: Mapping[str, str] | None = None, model: Any = None
) -> Data:
    """The table of frequencies or the spectrum, where the file is one, and else the trace, with the columns asked for
    ("mx,mz"); `given` are arguments of the reader, as text: {"peak": "G1"}. Of a System, `model`, the
    columns are its signals."""
    given = dict(given or {})
    text = not is_recording(path)
    of_trace = columns is not None or any(name in FOR_TRACES for name in given)
    if "loop" in given or (text and not of_trace and looks_like_loop(path)):
        return _loop(path, columns, {"loop": ""} | given)
    table, spectrum = text and looks_like_frequencies(path), text and looks_like_spectrum(path)
    if columns is not None and (table or spectrum):
        kind = "a table of frequencies" if table else "a spectrum"
        raise ValueError(f"--columns chooses among those of a trace, and {path} is {kind}; leave it out")
    if table and any(name in FOR_ORBITS for name in given):
        orbits = {name: _setting(name, text, FOR_ORBITS, "a table of orbits") for name, text in given.items()}
        if "drive" in orbits:
            orbits["drive"] = _drive(orbits["drive"])
        return read_orbit_table(path, **orbits)
    if table or spectrum:
        known, kind = (FOR_TABLES, "a table") if table else (FOR_SPECTRA, "a spectrum")
        settings = {name: _setting(name, text, known, kind) for name, text in given.items()}
        return read_frequencies(path, **settings) if table else read_spectrum(path, **settings)
    told = _told(given)
    names = None if columns is None else names_in("--columns", columns)
    if not isinstance(model, System):
        return read_trace(path, names, **told)
    units = {name: model.outputs.get(name, "1") for name in model.signals(model.start())}
    names = names or _recorded(path, units)
    if unknown := [name for name in names if name not in units]:
        kind = type(model).__name__
        raise ValueError(f"--columns {unknown[0]}: {kind} has no signal of this name; it has {', '.join(units)}")
    return read_trace(path, names, {name: units[name] for name in names if name not in COLUMNS}, **told)


def _told(given: Mapping[str, str]) -> dict[str, Any]:
    """What `--read` says of a trace. Raises ValueError for a word that is none, and for a window or a number unread."""
    told = {name: _setting(name, text, FOR_TRACES, "a trace") for name, text in given.items()}
    if "window" in told:
        ends = told["window"].split(",")
        if len(ends) != 2:
            raise ValueError(f"--read window={told['window']}: expected two times, as in window=2ns,5ns")
        told["window"] = tuple(quantity("--read window", end, "s") for end in ends)
    if "segment" in told:
        if not told["segment"].isdigit():
            raise ValueError(f"--read segment={told['segment']}: expected its number, from 1")
        told["segment"] = int(told["segment"])
    return told


def _recorded(path: pathlib.Path, units: Mapping[str, str]) -> list[str]:
    """The signals that a file has columns of. Raises ValueError where it has none."""
    if is_recording(path) or path.suffix.lower() in ARRAY_FILES:
        raise ValueError(f"{path} holds arrays; say which signals it has: --columns {','.join(list(units)[:2])}")
    found = [column.name for column in read_table(path).header]
    if not (names := [name for name in units if name in found]):
        raise ValueError(f"{path} has none of the signals {', '.join(units)}; its columns are {', '.join(found)}")
    return names


def _setting(name: str, text: str, known: Mapping[str, str], kind: str) -> Any:
    """An argument of a reader: text, or a number in its unit."""
    if name not in known:
        raise ValueError(f"--read {name}={text}: {kind} is read by {', '.join(known)}")
    if name == "filter" and not text[:1].isdigit():
        return text
    if name == "filter" and text in FILTERS:
        return text
    return quantity(f"--read {name}", text, known[name]) if known[name] else text


def _loop(path: pathlib.Path, columns: str | None, given: Mapping[str, str]) -> MeasuredLoop:
    """The loop in a file, of which `--read loop=resistance` says what was measured, if anything."""
    if columns is not None:
        raise ValueError("--columns chooses among those of a trace; of a loop give --read field=… and --read value=…")
    settings = {n: _setting(n, text, FOR_LOOPS, "a loop") for n, text in given.items() if n != "loop"}
    if given["loop"]:
        settings["quantity"] = given["loop"]
    if "angle" in settings:
        pair = settings["angle"].split(",")
        if len(pair) != 2:
            raise ValueError(
                f"--read angle={settings['angle']}: expected a polar and an azimuthal angle, from z and from x, as in "
                "angle=90deg,0deg"
            )
        settings["angle"] = [quantity("--read angle", text, "rad") for text in pair]
    return read_loop(path, **settings)


def _drive(text: str) -> dict[str, float]:
    """Amplitudes by input, from "field_x=1mT,current=10uA"."""
    found = {}
    for part in text.split(","):
        name, sign, value = part.strip().partition("=")
        if not sign:
            raise ValueError(f"--read drive={text}: expected amplitudes by input, as in drive=field_x=1mT")
        found[name] = quantity(f"--read drive={name}", value, "A" if name == "current" else "T")
    return found


def after_saying(path: pathlib.Path, data: Data, quiet: bool) -> Callable[[Report], Report]:
    """Reports of progress that first say, once, how the file was read (not where `quiet`).

    The first report comes when all checks are passed, so that a refused command says one sentence only.
    """
    how = repr(data) if isinstance(data, Spectrum) else "; ".join(data.understood) or repr(data)
    waiting = [] if quiet else [f"read {path.name}: {how}"]

    def saying(tell: Report) -> Report:
        def report(entry: dict[str, Any]) -> None:
            if waiting:
                say(waiting.pop())
            tell(entry)

        return report

    return saying


def data_unit(data: Data) -> str:
    """The unit of a recorded value: that of the columns, or hertz; 1 for a spectrum, whose noise is relative, and for
    several quantities."""
    if isinstance(data, OrbitTable):
        return (QUANTITIES[next(iter(data.measured))].unit or "1") if len(data.measured) == 1 else "1"
    if isinstance(data, MeasuredLoop):
        return data.unit
    if isinstance(data, FrequencyTable):
        return "Hz"
    if isinstance(data, Spectrum):
        return "1"
    return "V" if "voltage" in data.columns else "1"
