"""`tune`: a reservoir's numbers by the gradient of a loss, from several starts side by side."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.core.files import read_npz, write_npz
from llgrad.core.run_record import hash_of, run_record
from llgrad.core.speed.starting import check_platform
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.tasks.task import SignalTask
from llgrad.reservoir.tuning.aims import TuningAim, aim_of_task
from llgrad.reservoir.tuning.free import EDGE, Tunable, free_of, tuned
from llgrad.reservoir.tuning.judging import Judge

LARGEST: Final = 1.0
"""Norm to which a gradient is cut: near chaos it says nothing about how far to go."""
KIND: Final = "tuning of a reservoir"
KEPT_EVERY: Final = 10
"""Steps from one checkpoint to the next."""


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.02, nodes=5, washout=20)
    >>> free = {"gain": (0, 0.5), "field.z": (0.1, 1)}
    >>> found = lg.reservoir.tune(reservoir, lg.reservoir.narma(2, length=200), free, steps=3)
    >>> sorted(found.values), found.loss < found.start
    (['field.z', 'gain'], True)
    """

    reservoir: Reservoir
    """With the best numbers; not fitted yet."""
    loss: float
    start: float
    """The loss of the reservoir as it was given."""
    values: dict[str, np.ndarray]
    history: np.ndarray
    """The lowest loss up to each step, (steps + 1,)."""
    simulations: float
    """What it cost in forward simulations of the signal: a step of the gradient counts as many as fit into its time."""
    step_cost: float
    """Time of a step of the gradient over that of a forward simulation."""
    seconds: float
    aim: TuningAim = field(repr=False)

    def __repr__(self) -> str:
        numbers = [f"{name} = {_told(value)}" for name, value in self.values.items()]
        return (
            f"{self.aim.told(self.start)} as given, {self.aim.told(self.loss)} tuned: {', '.join(numbers)}\n"
            f"  at the cost of {self.simulations:.0f} simulations ({self.seconds:.1f} s; a step of the gradient is "
            f"{self.step_cost:.1f} of them)"
        )

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """Numbers by name."""
        return {
            "loss": self.loss,
            "start": self.start,
            "values": self.values,
            "history": self.history,
            "simulations": self.simulations,
            "step_cost": self.step_cost,
            "seconds": self.seconds,
        }


def _told(value: np.ndarray) -> str:
    return f"{float(value):.4g}" if value.ndim == 0 else f"{value.size} numbers"


def tune(
    reservoir: Reservoir,
    aim: TuningAim | SignalTask,
    free: Mapping[str, Any],
    *,
    steps: int = 100,
    rate: float = 0.1,
    starts: int = 1,
    screened: int = 0,
    seed: int = 0,
    progress: Callable[[dict[str, Any]], object] | None = None,
    checkpoint: str | pathlib.Path | None = None,
) -> Tuned:
    """Tune numbers of a reservoir by the gradient of a loss: the read-out is the ridge regression of the first part of
    the signal in closed form, the loss that of its answers on the rest, and the derivative goes through both and
    through the dynamics (by the native engine's adjoint).

    Adam on unbounded numbers u, value = low + (high − low)/(1 + e^{−u}), whose rate falls to zero as a cosine;
    gradients are cut to a norm of 1, and one that is not finite moves nothing. The best of all steps is kept.

    Args:
        reservoir: where it starts. aim: a task of `narma` and its like, or a `capacity_aim`.
        free: ranges by name: "gain", "bias", "feedback", "mask", numbers of the model by their path ("current",
            "field.z"; of an array each oscillator has its own), "coupling" of an array (the diagonal stays 0).
        steps, rate: of Adam. starts: how many are followed at once, side by side: the reservoir as given, and the best
            others of `screened` that are drawn evenly in the ranges (by default as many as are followed).
        progress: called with {"fraction": …, "cost": …} after each step. checkpoint: a file (.npz) that is written
            every ten steps; where it exists already, of the same arguments, the search goes on from there.

    Raises ValueError where no start gives a finite loss.

    >>> import llgrad as lg
    >>> from llgrad.reservoir import Reservoir, narma
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.02, nodes=5, washout=20)
    >>> found = tune(reservoir, narma(2, length=200), {"gain": (0, 0.5), "field.z": (0.1, 1)}, steps=3)
    >>> found.loss < found.start
    True
    """
    check_kind("reservoir", reservoir, Reservoir, "give a Reservoir")
    check_platform()
    check_kind("aim", aim, (TuningAim, SignalTask), "give a task, such as narma(10), or a capacity_aim")
    aim = aim_of_task(aim) if isinstance(aim, SignalTask) else aim
    steps = checked_number("steps", steps, low=1, whole=True)
    starts = checked_number("starts", starts, low=1, whole=True)
    screened = checked_number("screened", screened, low=0, whole=True)
    rng = np.random.default_rng(checked_number("seed", seed, low=0, whole=True))
    known = free_of(reservoir, free, aim.signal.shape[1])
    judge, begun = Judge(reservoir, aim, known), time.perf_counter()
    search = _Search(judge, known, steps, rate, checkpoint)
    if not search.resumed():
        search.begin(starts, screened, rng)
    while search.step < steps:
        search.advance()
        if progress is not None:
            progress({"fraction": search.step / steps, "cost": search.best, "stage": aim.told(search.best)})
    cost = _cost(judge, starts)
    found = {name: np.asarray(value) for name, value in judge.physical(search.kept).items()}
    return Tuned(
        tuned(reservoir, found),
        search.best,
        search.history[0],
        found,
        np.array(search.history[1:]),
        search.screened + search.step * starts * cost,
        cost,
        search.before + time.perf_counter() - begun,
        aim,
    )


def _cost(judge: Judge, starts: int) -> float:
    """Time of the gradient of some settings over that of their forward runs, in the same lanes."""
    u = {one.name: np.stack([one.unbounded(one.start)] * starts) for one in judge.free}
    for _ in range(3):
        judge.values(u)
    runs, seconds = judge.runs, judge.seconds
    if runs["gradients"] < 2:
        judge.gradients(u)
        judge.gradients(u)
    forward = _shortest(judge, u)
    return max(1.0, seconds["gradients"] / (runs["gradients"] - 1) / forward)


def _shortest(judge: Judge, u: Any) -> float:
    """Time of a forward run, the shorter of two."""
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        judge.values(u)
        times.append(time.perf_counter() - begun)
    return min(times)


class _Search:
    """Adam from several starts, and its file."""

    def __init__(self, judge: Judge, free: tuple[Tunable, ...], steps: int, rate: float, file: Any) -> None:
        self.judge, self.free, self.file = judge, free, None if file is None else pathlib.Path(file)
        self.rate, self.steps = checked_number("rate", rate, low=0.0), steps
        self.step, self.best, self.before, self.screened = 0, np.inf, 0.0, 0
        self.history: list[float] = []
        self.since = time.perf_counter()
        self.u: dict[str, Any] = {}
        self.kept: dict[str, Any] = {}
        self.method = optax.adam(optax.cosine_decay_schedule(self.rate, steps))
        self.state: Any = None

    def begin(self, starts: int, screened: int, rng: np.random.Generator) -> None:
        """Choose where to start."""
        given = {one.name: one.unbounded(one.start) for one in self.free}
        first = self.judge.values({name: value[None] for name, value in given.items()})[0]
        self.screened = 1
        chosen = [given]
        if starts > 1:
            count = max(screened, starts - 1)
            drawn = [{one.name: _drawn(one, rng) for one in self.free} for _ in range(count)]
            losses = np.concatenate([self._several(part) for part in np.array_split(np.array(drawn), _parts(count))])
            self.screened += count
            chosen += [drawn[i] for i in np.argsort(losses)[: starts - 1]]
        self.u = {one.name: np.stack([start[one.name] for start in chosen]) for one in self.free}
        self.history = [float(first)]
        self.state = self._unmoved()
        self.kept = {name: value[0] for name, value in self.u.items()}

    def _several(self, settings: Any) -> np.ndarray:
        return self.judge.values({one.name: np.stack([s[one.name] for s in settings]) for one in self.free})

    def advance(self) -> None:
        """A step of all starts."""
        losses, slopes = self.judge.gradients(self.u)
        losses = np.where(np.isfinite(losses), losses, np.inf)
        if self.step == 0 and not np.isfinite(losses).any():
            raise ValueError(
                "no start gives a finite loss: the runs diverge, or the read-out cannot be solved; narrow the ranges, "
                "or give a shorter dt"
            )
        place = int(np.argmin(losses))
        if losses[place] < self.best:
            self.best, self.kept = float(losses[place]), {name: value[place] for name, value in self.u.items()}
        self.history.append(self.best)
        self._move(_cut(slopes, losses))
        if self.file is not None and self.step % KEPT_EVERY == 0:
            self._write()

    @jax.enable_x64(True)
    def _unmoved(self) -> Any:
        """What Adam knows before the first step."""
        return self.method.init(jax.tree.map(jnp.asarray, self.u))

    @jax.enable_x64(True)
    def _move(self, slopes: dict[str, np.ndarray]) -> None:
        """A step of Adam (D. P. Kingma, J. Ba, arXiv:1412.6980), with a rate that falls to zero as a cosine."""
        self.step += 1
        with jax.numpy_dtype_promotion("standard"):  # optax counts in whole numbers and multiplies them with others
            found: Any = self.method.update(jax.tree.map(jnp.asarray, slopes), self.state)
        by, self.state = found
        self.u = {name: value + np.asarray(by[name]) for name, value in self.u.items()}

    def _write(self) -> None:
        arrays = {f"u.{name}": value for name, value in self.u.items()}
        arrays |= {f"kept.{name}": value for name, value in self.kept.items()}
        arrays |= {f"state.{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(self.state))}
        elapsed = self.before + time.perf_counter() - self.since
        arrays |= {"numbers": np.array([self.step, self.best, elapsed, self.screened]), "ranges": self._ranges()}
        record = run_record(KIND, data_hash=self._asked())
        write_npz(str(self.file), record, arrays | {"history": np.array(self.history)}, overwrite=True)

    def _asked(self) -> str:
        """A hash of the device, the signal, what it is tuned for, and how."""
        judge = self.judge
        parts = jax.tree.leaves((judge.model, judge.wiring, judge.aim, judge.noise))
        how = [self.steps, self.rate, judge.aim.cut, judge.aim.penalty, judge.washout, judge.reservoir.seed]
        how += [judge.wiring.hold, judge.wiring.steps, judge.wiring.delay]
        return hash_of([*parts, how])

    def _ranges(self) -> np.ndarray:
        """What a file must have in common with this search."""
        return np.array([[one.low, one.high, one.start.size] for one in self.free])

    def resumed(self) -> bool:
        """Whether the search goes on from its file. Raises ValueError for the file of another search."""
        if self.file is None or not self.file.exists():
            return False
        record, found = read_npz(self.file, KIND)
        names = {key.partition(".")[2] for key in found if key.startswith("u.")}
        if names != {one.name for one in self.free} or not np.array_equal(found["ranges"], self._ranges()):
            raise ValueError(f"{self.file} is of a search for other numbers; give another file, or remove it")
        if record.get("data_hash") != self._asked():
            raise ValueError(
                f"{self.file} is of a search with another device, signal, aim or number of steps; give another file, "
                "or remove it"
            )
        step, self.best, self.before, screened = found["numbers"].tolist()
        self.history, self.step, self.screened = found["history"].tolist(), int(step), int(screened)
        self.u, self.kept = ({name: found[f"{part}.{name}"] for name in names} for part in ("u", "kept"))
        leaves, tree = jax.tree.flatten(self._unmoved())
        with jax.enable_x64(True):
            kept = [jnp.asarray(found[f"state.{i}"], leaf.dtype) for i, leaf in enumerate(leaves)]
        self.state = jax.tree.unflatten(tree, kept)
        return True


def _parts(count: int) -> int:
    return max(1, count // 64)


def _drawn(one: Tunable, rng: np.random.Generator) -> np.ndarray:
    """Unbounded numbers of values that are drawn evenly in a range; of many, as given."""
    if one.start.ndim:
        return one.unbounded(one.start)
    fraction = rng.uniform(EDGE, 1 - EDGE)
    return np.asarray(np.log(fraction / (1 - fraction)))


def _cut(slopes: dict[str, np.ndarray], losses: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients of a norm of 1 at most in each start, none where it is not finite."""
    count = len(losses)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = np.sqrt(sum((np.abs(value).reshape(count, -1) ** 2).sum(axis=1) for value in slopes.values()))
    good = np.isfinite(norm) & np.isfinite(losses)
    factor = np.where(good, np.minimum(1.0, LARGEST / np.where(good & (norm > 0), norm, 1.0)), 0.0)
    shaped = {name: factor.reshape(-1, *[1] * (value.ndim - 1)) for name, value in slopes.items()}
    return {name: np.where(shaped[name] > 0, value, 0.0) * shaped[name] for name, value in slopes.items()}
