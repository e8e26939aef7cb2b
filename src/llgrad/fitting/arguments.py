"""Arguments of a fit that would change nothing: each is refused in a sentence, as is what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llgrad.core.arguments.kinds import check_kind
from llgrad.datasets.trace import Trace
from llgrad.fitting.assembly import PreparedFit
from llgrad.fitting.methods.base import Method
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.guesses import Guess, has_slopes, is_screened
from llgrad.fitting.methods.starts import Starts
from llgrad.fitting.targets.experiment import Experiment
from llgrad.fitting.targets.recording import Model, recorder_path
from llgrad.fitting.targets.starting import is_start
from llgrad.kernels.steppers import Stepper


def checked_free(free: Any) -> Any:
    """The free parameters: a name, names, or names with bounds. Raises ValueError for anything else."""
    names = [free] if isinstance(free, str) else list(free) if isinstance(free, Iterable) else None
    if names is None or not all(isinstance(name, str) for name in names):
        raise ValueError(f"free = {free!r}, expected names of parameters, such as free=['alpha', 'current', 'field.z']")
    for place, name in enumerate(names):
        for other in names[:place]:
            whole, part = sorted((name, other), key=len)
            if whole == part or part.startswith(f"{whole}."):
                what = f"{name} twice" if whole == part else f"{whole} and {part}, which is part of it"
                raise ValueError(f"free names {what}: their values could not be told apart; name one")
    return free if isinstance(free, (str, Mapping)) else names


def check_search(method: Any, stepper: Any, guess: Any, starts: Any, time_limit: Any = None) -> None:
    """Raise ValueError for a setting of a search that is of another kind, and for a limit [s] that is no time."""
    for name, value, kind, example in (
        ("method", method, Method, "such as lg.fitting.LevenbergMarquardt()"),
        ("stepper", stepper, Stepper, "such as lg.solvers.RK4()"),
        ("guess", guess, Guess, "such as lg.fitting.Guess()"),
        ("starts", starts, Starts, "such as lg.fitting.Starts(count=16, spread=0.3)"),
    ):
        if value is not None:
            check_kind(name, value, kind, example)
    if time_limit is not None and not time_limit >= 0:
        raise ValueError(f"time_limit = {time_limit!r}, expected a time in seconds, zero or more, or None for no limit")


def check_pieces(
    model: Model, experiments: tuple[Experiment, ...], free: Iterable[str], stepping: Mapping[str, Any]
) -> None:
    """Raise ValueError where what is free belongs to the beginning of a trace, and all of them are in pieces; and where
    it is told how runs are stepped, and there are none."""
    used = [name for name, value in stepping.items() if value is not None]
    if used and not any(isinstance(one.data, Trace) for one in experiments):
        raise ValueError(
            f"{used[0]} is of runs in time, and tables and spectra are fitted through closed orbits, found by "
            "shooting; leave it out"
        )
    names = [free] if isinstance(free, str) else list(free)
    whole = [e for e in experiments if isinstance(e.data, Trace) and e.segment is None]
    own = [name for name in names if is_start(name) or name.split("[")[0] == recorder_path(model, "delay")]
    if own and not whole and any(e.segment is not None for e in experiments):
        raise ValueError(
            f"{own[0]} is free, but it belongs to the beginning of a trace, and each piece of one in segments has a "
            "beginning of its own; leave it out"
        )


def check_used(prepared: PreparedFit, method: Method, guess: Guess | None, starts: Starts, key: Any) -> None:
    """Raise ValueError for a guess, starts or a key that this fit has no use for."""
    screened = is_screened(prepared, guess or Guess(slopes=False))
    one_grid = isinstance(method, GridSearch)
    if one_grid and starts.count > 1:
        raise ValueError(
            f"a GridSearch has one grid around the given start, and {starts.count} starts would change nothing; leave "
            "starts out, or choose another method"
        )
    used = screened or (has_slopes(prepared) and not one_grid)
    if guess is not None and (guess.slopes or guess.screen) and not used:
        raise ValueError(
            f"{guess!r} would change nothing here: slopes are guessed from traces of mx, my and mz (not for a grid), "
            "and a screening is for a starting state or a delay that is not known; leave guess out"
        )
    if key is not None and starts.count == 1 and not screened:
        raise ValueError(
            "a key (a seed) would change nothing: this fit draws nothing at random, as it has one start and no "
            "screening; leave it out, or ask for several starts"
        )
