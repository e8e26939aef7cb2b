"""`--continue`: the interrupted run that a file holds."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from llgrad.cli.answers.signals import state_of
from llgrad.core.files import plain, read_npz
from llgrad.core.record import to_json
from llgrad.core.status import Outcome, Status
from llgrad.core.trajectory import Stats, SystemTrajectory, Trajectory
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System

ContinueOption = Annotated[
    bool, typer.Option("--continue", help="Go on with the interrupted run in --out; all else as it was begun.")
]


def checked_target(out: pathlib.Path | None) -> pathlib.Path:
    """The file that is continued. Raises ValueError where none is given, and FileNotFoundError where none is there."""
    if out is None:
        raise ValueError("--continue goes on with the run in a file; say which: --out run.npz --continue")
    if out.suffix.lower() != ".npz":
        raise ValueError(f"--continue goes on with the run in a .npz file, and {out} is none; .csv keeps fewer digits")
    if not out.exists():
        raise FileNotFoundError(f"{out} does not exist: there is nothing to continue; leave --continue out")
    return out


def drive_entry(drive: Any) -> dict[str, Any] | None:
    """A drive, or waveforms by name, for a file."""
    if isinstance(drive, Mapping):
        return {name: to_json(waveform) for name, waveform in drive.items()}
    return None if drive is None else to_json(drive)


def interrupted_run(
    file: pathlib.Path, model: Oscillator | System, drive: Any, seed: int | None
) -> Trajectory | SystemTrajectory:
    """The run that a file holds. Raises ValueError where it is one of another device, drive or seed, or is finished."""
    record, arrays = read_npz(file, "trajectory")
    if record.get("status") == "finished":
        raise ValueError(f"the run in {file} is finished: there is nothing to continue")
    mine = {"device": to_json(model), "drive": drive_entry(drive), "seed": seed}
    for name, value in mine.items():
        if record.get(name) != json.loads(json.dumps(plain(value))):
            raise ValueError(
                f"{file} holds a run with another {name}; repeat the command with which it was begun and add "
                f"--continue: {record.get('command')}"
            )
    stats: dict[str, Any] = {**record["stats"]}
    stats["error"] = math.nan if stats.get("error") is None and stats.get("samples", 1) > 1 else stats.get("error")
    end = float(arrays["t"][-1])
    status = Status(int(Outcome.INTERRUPTED), end)
    times: Any = arrays["t"]
    if isinstance(model, System):
        state = state_of(arrays, model.start())
        return SystemTrajectory(times, state, status, model, drive, Stats(**stats))
    directions: Any = arrays["m"]
    return Trajectory(times, directions, status, model, drive, Stats(**stats))
