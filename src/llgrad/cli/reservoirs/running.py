"""What `llgrad reservoir` does between its options and its answer."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from llgrad.cli.device_options import assignments, quantity
from llgrad.cli.progress import Report
from llgrad.core.run_record import run_record
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.coupling import FieldCoupling
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.reservoir.baselines import EchoStateNetwork, LinearTaps
from llgrad.reservoir.checking import checked_input
from llgrad.reservoir.estimator import Reservoir, WithReadout
from llgrad.reservoir.measures.information import InformationCapacity, information_capacity
from llgrad.reservoir.measures.memory import MemoryCapacity, memory_capacity
from llgrad.reservoir.tasks.named import TASKS, task_of
from llgrad.reservoir.tasks.task import SignalTask
from llgrad.reservoir.tuning.aims import TuningAim, aim_of_task, capacity_aim

if TYPE_CHECKING:
    from llgrad.reservoir.tuning.tune import Tuned

CAPACITY: Final = "capacity"
RADII: Final = (0.5, 0.8, 0.95)
GAINS: Final = (0.1, 0.3, 1.0)
"""Of the echo-state networks, the best of which on the fitted half is told."""
TAPS: Final = 30
FEWEST: Final = 10
"""Weights of a unit of a small network."""
WASHOUT: Final = 100
"""Symbols at the beginning that are not used, as of a `Reservoir` where nobody says."""
SHORTEST: Final = 4 * (WASHOUT + 8)
"""Symbols of which each quarter leaves two to choose a penalty by."""
DELAYS: Final = {1: 50, 2: 15, 3: 8, 4: 5, 5: 4}


class AskedTask(NamedTuple):
    """What is to be done."""

    task: str
    length: int
    seed: int
    ranges: tuple[str, ...]
    steps: int
    starts: int
    file: pathlib.Path | None


@dataclass(frozen=True)
class TaskAnswer:
    """What was found."""

    reservoir: Reservoir
    task: SignalTask
    rows: dict[str, float]
    """Error or capacity on what was not fitted, by what it is of."""
    capacity: InformationCapacity | MemoryCapacity | None
    tuned: Tuned | None
    readings: int

    @property
    def measure(self) -> str:
        """What the numbers are."""
        return "NRMSE" if self.capacity is None else "capacity"

    def told(self) -> str:
        """The answer as text."""
        lines = [f"{self.task.name}, {len(self.task)} symbols, {self.readings} readings: {self.task.about}"]
        lines += [f"  {name:<22} {self.measure} {value:.4g}" for name, value in self.rows.items()]
        lines += [f"  {line}" for line in str(self.capacity or "").splitlines()]
        return "\n".join([*lines, *([str(self.tuned)] if self.tuned else [])])

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record."""
        entry = run_record("reservoir", seed=self.reservoir.seed, dtype="float64")
        entry |= {"task": self.task.name, "length": len(self.task), "readings": self.readings}
        entry |= {"measure": self.measure, "values": self.rows}
        entry |= {} if self.capacity is None else {"capacity": self.capacity.to_json()}
        return entry | ({} if self.tuned is None else {"tuning": self.tuned.to_json()})


def check_task(name: str, length: int) -> None:
    """Raise ValueError for a task that there is not, and for fewer symbols than a quarter of which can be fitted: of
    half, the echo-state network beside is chosen on a half."""
    if name not in (*TASKS, CAPACITY):
        raise ValueError(f"task {name!r}: expected one of {', '.join((*TASKS, CAPACITY))}")
    if length < SHORTEST:
        raise ValueError(
            f"--length {length}: expected {SHORTEST} symbols or more; half of them are fitted and half tested, and "
            f"the first {WASHOUT} of a part do not count"
        )


def array_of(device: Oscillator | System, count: int, coupling: str, seed: int) -> Any:
    """The device, or an array of many with a random coupling."""
    if count < 1:
        raise ValueError(f"--oscillators {count}: expected one or more")
    radius = 0.0 if coupling == "0" else quantity("--coupling", coupling, "T")
    if count == 1:
        if radius:
            raise ValueError("--coupling is for an array; add --oscillators, such as --oscillators 100")
        return device
    if isinstance(device, System):
        if radius:
            raise ValueError(f"--coupling is a field on oscillators, and the device is a {type(device).__name__}")
        return SystemArray(device, count)
    if not radius:
        return OscillatorArray(device, count)
    weights = np.random.default_rng(seed).standard_normal((count, count)) * (1 - np.eye(count))
    return OscillatorArray(device, count, FieldCoupling(weights * radius / np.abs(np.linalg.eigvals(weights)).max()))


def reservoir_of(model: Any, **options: Any) -> Reservoir:
    """The reservoir of the options, quantities as they were written."""
    channel = checked_input(model, options.pop("input"))
    member = getattr(model, "system", model)
    unit = (member.inputs if isinstance(member, System) else CHANNEL_UNITS)[channel]
    for name in ("gain", "feedback"):
        text = options[name]
        options[name] = 0.0 if text == "0" else quantity(f"--{name}", text, unit)
    options["hold"] = quantity("--hold", options["hold"], "s")
    options["read"] = options["read"] or ("mx" if isinstance(model, (Oscillator, OscillatorArray)) else None)
    return Reservoir(model, input=channel, **options)


def answered(asked: AskedTask, given: Reservoir, report: Report) -> TaskAnswer:
    """Tune where ranges are given, fit, test, and compare."""
    if asked.task == CAPACITY:
        u = np.random.default_rng([asked.seed, 1]).uniform(-1, 1, (asked.length, 1))
        task = SignalTask(CAPACITY, u, u, ("0",), "information processing capacity, input even in [−1, 1]")
        aim: TuningAim | None = capacity_aim(asked.length // 2, seed=asked.seed) if asked.ranges else None
    else:
        task = task_of(asked.task, asked.length, asked.seed)
        aim = aim_of_task(TASKS[asked.task](length=asked.length // 2, seed=asked.seed + 1)) if asked.ranges else None
    found = None if aim is None else _tuned(asked, given, aim, report)
    best = given if found is None else found.reservoir
    rivals: dict[str, WithReadout] = {"as given": given} if found is not None else {}
    rivals |= {"tuned" if found is not None else "reservoir": best}
    wide = best.states(task.signal).shape[1]
    fit, _ = task.split(0.5)
    rivals["echo-state network"] = _network(wide, fit, best.noise, asked)
    rivals[f"{TAPS} linear taps"] = LinearTaps(TAPS, noise=best.noise)
    measured = {name: _measured(one, task) for name, one in rivals.items()}
    rows = {name: value for name, (value, _) in measured.items()}
    capacity = measured["tuned" if found is not None else "reservoir"][1]
    return TaskAnswer(best, task, rows, capacity, found, wide)


def _tuned(asked: AskedTask, given: Reservoir, aim: TuningAim, report: Report) -> Tuned:
    from llgrad.reservoir.tuning.tune import tune  # optax, which no other command needs before it begins

    ranges = {name: tuple(text.split(":")) for name, text in assignments("--tune", list(asked.ranges)).items()}
    settings: dict[str, Any] = {"steps": asked.steps, "starts": asked.starts, "screened": 8 * asked.starts}
    return tune(given, aim, ranges, **settings, seed=asked.seed, progress=report, checkpoint=asked.file)


def _network(size: int, fit: SignalTask, noise: float, asked: AskedTask) -> EchoStateNetwork:
    """The echo-state network of equal size that is the best of nine on the fitted half."""
    density = min(1.0, max(0.1, FEWEST / size))
    networks = [
        EchoStateNetwork(size, radius=r, gain=g, bias=0.5, density=density, noise=noise) for r in RADII for g in GAINS
    ]
    if asked.task == CAPACITY:
        return max(networks, key=lambda one: _measured(one, fit)[0])
    return min(networks, key=lambda one: float(np.mean(_held_out(one, fit))))


def _held_out(one: WithReadout, task: SignalTask) -> np.ndarray:
    """NRMSE on the second half of a task."""
    fit, rest = task.split(0.5)
    return one.fit(fit.signal, fit.target).errors(rest.signal, rest.target)


def _measured(one: WithReadout, task: SignalTask) -> tuple[float, Any]:
    """The error or the capacity, and what tells more of it."""
    if task.name == CAPACITY:
        washout = int(one.washout)
        found = information_capacity(one.states(task.signal)[washout:], task.signal, DELAYS, shuffles=50)
        return found.total, found
    if task.name in ("stm", "parity"):
        memory = memory_capacity(one, task)
        return memory.total, memory
    return float(_held_out(one, task)[0]), None
