"""`llgrad fit line.s2p`: the line that a port of a network analyser absorbs, with its errors."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from llgrad.cli.device_options import quantity
from llgrad.cli.output import check_outputs, command_line, deliver, say
from llgrad.core.run_record import hash_of, run_record
from llgrad.datasets.peaks import Window, peak_of
from llgrad.datasets.reader import describe
from llgrad.datasets.touchstone.reader import read_touchstone


def fit_line(
    path: pathlib.Path, given: Mapping[str, str], *, out: pathlib.Path | None, json: bool, force: bool
) -> None:
    """Read S parameters, find the strongest line of 1 − Σ|S|² at a port, and tell it. `given`: "port", "window"."""
    if unknown := given.keys() - {"port", "window"}:
        raise ValueError(f"--read {min(unknown)}: S parameters are read by port=2, window=4GHz:6GHz")
    outputs = check_outputs(out, (".json",), None, (), force)
    scattering = read_touchstone(path)
    port = given.get("port", "1")
    if not port.isdecimal():
        raise ValueError(f"--read port={port}: expected the number of a port, such as 1")
    lost = scattering.lost(int(port))
    peak = peak_of(lost, _window(given.get("window")))
    if not json:
        say(f"read {path.name}: {describe(scattering)}")
    entry = run_record("line", data_hash=hash_of([lost.frequency, lost.density]), dtype="float64") | {
        "what": f"1 - sum |S|^2 of the waves that leave when port {port} is driven",
        "frequency": {"value": peak.frequency, "error": peak.frequency_error, "unit": "Hz"},
        "line_width": {"value": peak.line_width, "error": peak.line_width_error, "unit": "Hz"},
        "absorbed": peak.height,
        "background": peak.background,
        "notes": list(peak.notes),
        "understood": list(scattering.understood),
        "command": command_line(),
    }
    deliver(f"{peak}; {peak.height:.3g} of the power into port {port} is absorbed", entry, {}, outputs, json)


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError(f"--read window={text}: expected LOW:HIGH, such as 4GHz:6GHz")
    return quantity("--read window", low.strip(), "Hz"), quantity("--read window", high.strip(), "Hz")
