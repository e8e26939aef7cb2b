"""`lg.sweep`: convert, check, look at every point."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind, counted
from llgrad.core.interrupts import ends_at_ctrl_c
from llgrad.core.record import as_number
from llgrad.core.speed.starting import check_platform
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.experiments.sweeps.axes import Axis, at, axes_of
from llgrad.experiments.sweeps.lines import onsets
from llgrad.experiments.sweeps.looking.points import Points, points_of, stiffness_of
from llgrad.experiments.sweeps.looking.resting import Resting, resting
from llgrad.experiments.sweeps.looking.searching import How, PointsFound, empty_search, look, refine, settle, spread
from llgrad.experiments.sweeps.measuring import NOISY, Wanted, measured, wanted_of
from llgrad.experiments.sweeps.record import Map
from llgrad.experiments.sweeps.regions import Region, regions_of
from llgrad.orbits.carried import held
from llgrad.orbits.cycle.finding import STIFF
from llgrad.orbits.equilibria.result import columns_of
from llgrad.orbits.flow import flow_of
from llgrad.orbits.lyapunov import lyapunov
from llgrad.orbits.results.locking import WEAK
from llgrad.orbits.results.precision import working
from llgrad.solve.parts.telling import Progress, Teller, seconds

ACCURACY: Final = 1e-8
ROUND: Final = 0.5
"""Part of the work that the search round states at rest is."""
BLOCK: Final = 1024
"""Points after which progress is told."""


@ends_at_ctrl_c
def sweep(
    model: Oscillator | OscillatorArray | System,
    parameters: Mapping[str, Any],
    *,
    quantities: str | Iterable[str] | Mapping[str, Mapping[str, Any]] | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    accuracy: float = ACCURACY,
    chaos: float | None = None,
    progress: Progress | None = None,
) -> Map:
    """The attracting orbit at every value of one parameter, or every pair of two, and its numbers; where there is none,
    why.

    Each point is looked at as `lg.orbit` does, all of them side by side; then orbits are continued from point to
    neighbouring point to where a run from the start does not reach them, so that a region of hysteresis is told whole.
    All states at rest are found at every point, too, and between the points the Hopf points at which they begin to
    oscillate, exactly. Computes in float64.

    Args:
        model: a device, an array of coupled devices, or a `System` of your own.
        parameters: {name: values} of one or two. A name is a path in the record ("current", "alpha", "field.z",
            "junction.R_P"), of an array that of each oscillator; a vector's own name is its length along its direction
            ("field"), "field.polar" and "field.azimuthal" are its angles [rad]. Values (P,) ascend or descend, in SI;
            or are a list of texts with units, or a range of text: "0:5mA:101", "0.1mA:10mA:51:log".
        quantities: names, or {name: options}, of what `llgrad.orbits.results.named` lists, as in
            ("frequency", "line_width") or {"locking": {"drive": {"field_x": 1e-5}}}. By default frequency, power into
            50 Ω (of a device with a junction, else the amplitude), line width (at a temperature) and return rate Γ.
        m0: where to start looking, as in `lg.orbit`.
        accuracy: largest relative error of the period and the states.
        chaos: length of a run [s] over which the largest Lyapunov exponent is taken (`lg.orbits.lyapunov`), at every
        point
            that neither repeats itself nor comes to rest.
        progress: True prints how far it is; a function is called with a dictionary with "fraction". A
            KeyboardInterrupt of the function gives what was found until then; Ctrl-C raises `lg.solvers.Interrupted`,
            whose `result` that is.

    Returns:
        Map: grids (P,) or (P, Q), NaN where there is no orbit; `regions` with their `sentences`.

    Raises ValueError for a parameter, a quantity or an option that there is not, for values that are none, for a device
    that has no orbit wherever it is (an array without a coupling), and for a line width at 0 K.

    >>> import llgrad as lg
    >>> found = lg.sweep(lg.presets.kubota2013(), {"current": "0.2mA:1mA:5"}, quantities="frequency")
    >>> found.regions.tolist(), (found["frequency"] / 1e9).round(3).tolist()
    ([4, 1, 1, 1, 1], [nan, 1.672, 0.957, 0.797, 0.718])
    """
    check_kind("model", model, (Oscillator, OscillatorArray, System), "see llgrad.presets, or write a System")
    check_platform()
    model = held(model, "sweep")
    if isinstance(model, OscillatorArray) and model.coupling is None:
        raise ValueError(
            "the oscillators of this array are not coupled, so each has a phase of its own and they have no common "
            "orbit; sweep one of them"
        )
    axes = axes_of(model, parameters)
    wanted = wanted_of(quantities, model, _temperature(model, axes))
    accuracy, chaos = as_number(accuracy), as_number(chaos)
    if isinstance(accuracy, bool) or not (isinstance(accuracy, (int, float)) and 1e-13 <= accuracy < 1):
        raise ValueError(f"accuracy = {accuracy!r}, expected a relative error between 1e-13 and 1, such as 1e-8")
    if chaos is not None and not (isinstance(chaos, (int, float)) and 0 < chaos < float("inf")):
        raise ValueError(f"chaos = {chaos!r}, expected the length of a run in seconds, such as 200e-9")
    with working():
        return _mapped(model, axes, wanted, m0, accuracy, chaos, Teller(_print if progress is True else progress, 0.0))


def _print(told: dict[str, Any]) -> None:
    """How far it is, on stderr."""
    left = "" if told["left"] is None else f", {seconds(told['left'])} left"
    print(f"looked at {told['fraction']:4.0%} of all points{left}", file=sys.stderr, flush=True)


def _temperature(model: Any, axes: tuple[Axis, ...]) -> np.ndarray | None:
    """All temperatures of a map; None of a system, which has none."""
    for axis in axes:
        if axis.name == "temperature":
            return axis.values
    record = model.oscillator if isinstance(model, OscillatorArray) else model
    return np.atleast_1d(np.asarray(record.temperature, float)) if isinstance(record, Oscillator) else None


def _mapped(
    model: Any,
    axes: tuple[Axis, ...],
    wanted: Wanted,
    m0: Any,
    accuracy: float,
    chaos: float | None,
    teller: Teller,
) -> Map:
    shape = tuple(len(axis.values) for axis in axes)
    values = np.stack(np.meshgrid(*(axis.values for axis in axes), indexing="ij"), -1).reshape(-1, len(axes))
    points = points_of(model, axes, values, m0)
    search = empty_search(points)
    notes = _search(points, shape, search, accuracy, teller)
    middle = at(model, [axis.name for axis in axes], [float(v) for v in values[len(values) // 2]])
    rest = resting(points, np.arange(points.number), middle)
    numbers = measured(points, search, model, axes, _with_doubts(wanted))
    stable = np.where(search.how == How.NOT_YET, -1, rest.stable)
    regions = _regions(search, stable, axes, shape)
    exponents = np.full(shape, np.nan)
    if chaos is not None:
        _tell_chaos(model, axes, values, m0, chaos, regions, exponents)
    ratio = numbers.get("noise_ratio", np.full(points.number, np.nan))
    return Map(
        device=model,
        axes=axes,
        quantities={name: numbers[name].reshape(shape) for name in wanted},
        options={name: dict(options) for name, options in wanted.items()},
        regions=regions,
        error=search.error.reshape(shape),
        noise_ratio=ratio.reshape(shape),
        continued=(search.how == How.FROM_NEIGHBOUR).reshape(shape),
        stable=stable.reshape(shape),
        rest=_rest_of(points, search, rest).reshape(*shape, -1),
        names=columns_of(flow_of(middle)),
        onsets=onsets(model, axes, rest),
        exponents=exponents,
        notes=(
            *notes,
            *_told_of_stiff(points, search),
            *_notes(ratio, _strength(numbers), None if isinstance(model, System) else rest, wanted),
        ),
    )


def _told_of_stiff(points: Points, search: PointsFound) -> tuple[str, ...]:
    """What must be known where the fastest motion was too fast for a run of its steps to be long enough."""
    neither = np.flatnonzero(search.how == How.NEITHER)
    if not len(neither) or points.static.shape.freedom <= 2:
        return ()
    stiffness = stiffness_of(points, neither)
    short = np.isfinite(stiffness) & (stiffness > STIFF)
    if not short.any():
        return ()
    return (
        f"at {counted(int(short.sum()), 'point')} that neither rest nor repeat themselves the fastest motion is up to "
        f"{stiffness[short].max():.3g} times faster than the turning, and runs are as many times too short to tell: "
        "there may be orbits; look there with lg.orbit, or make that motion slower",
    )


def _search(
    points: Points, shape: tuple[int, ...], search: PointsFound, accuracy: float, teller: Teller
) -> tuple[str, ...]:
    """Look at all points, block by block; what there is to say where it was interrupted."""
    everywhere = np.arange(points.number)
    missed: list[int] = []
    try:
        for begin in range(0, points.number, BLOCK):
            teller.tell(ROUND * begin / points.number)
            missed += look(points, everywhere[begin : begin + BLOCK], search).tolist()
        settle(points, np.array(missed, int), search, lambda part: teller.tell(ROUND + (1 - ROUND) * part))
        refine(points, everywhere, search, accuracy)
        spread(points, shape, search, accuracy)
        teller.tell(1.0)
    except KeyboardInterrupt:
        if not (search.how != How.NOT_YET).any():
            raise
        refine(points, everywhere, search, accuracy)
    done = int((search.how != How.NOT_YET).sum())
    return () if done == points.number else (f"interrupted: {done} of {points.number} points were looked at",)


def _with_doubts(wanted: Wanted) -> dict[str, Mapping[str, Any]]:
    """What is wanted, and what tells whether a line width and a locking range hold."""
    noise = {"noise_ratio": {}} if any(name in NOISY for name in wanted) else {}
    return {**noise, **({"return_rate": {}} if "locking" in wanted else {}), **wanted}


def _regions(search: PointsFound, stable: np.ndarray, axes: tuple[Axis, ...], shape: tuple[int, ...]) -> np.ndarray:
    place = next((i for i, axis in enumerate(axes) if axis.name == "current"), None)
    how, stable = search.how.reshape(shape), stable.reshape(shape)
    if place is None:
        return regions_of(how, stable, None)
    how, stable = np.moveaxis(how, place, 0), np.moveaxis(stable, place, 0)
    return np.moveaxis(regions_of(how, stable, axes[place].values), 0, place)


def _rest_of(points: Points, search: PointsFound, rest: Resting) -> np.ndarray:
    """The state at rest of each point (B, n): that to which a run from the start came, else the nearest one."""
    states = rest.nearest(points.starts)
    ended = search.how == How.REST
    states[ended] = search.ends[ended]
    states[np.isin(search.how, (How.NOT_YET, How.LOST, How.NEITHER))] = np.nan
    return states


def _tell_chaos(
    model: Any,
    axes: tuple[Axis, ...],
    values: np.ndarray,
    m0: Any,
    chaos: float,
    regions: np.ndarray,
    exponents: np.ndarray,
) -> None:
    """The exponent at every point that does neither."""
    names = [axis.name for axis in axes]
    for place in np.flatnonzero(regions.ravel() == Region.NEITHER).tolist():
        device = at(model, names, values[place].tolist())
        exponents.ravel()[place] = lyapunov(device, chaos, settling=chaos, m0=m0).exponent


def _strength(numbers: Mapping[str, np.ndarray]) -> np.ndarray:
    """2π times the half locking range over Γ, where one is wanted: what `Locking.strength` is."""
    return 2 * np.pi * numbers["locking"] / numbers["return_rate"] if "locking" in numbers else np.array([np.nan])


def _notes(ratio: np.ndarray, strength: np.ndarray, rest: Resting | None, wanted: Wanted) -> tuple[str, ...]:
    """What a reader must know about the numbers."""
    notes = []
    wide = int((ratio > 1).sum())
    if wide:
        notes.append(
            f"at {counted(wide, 'point')} 2π line width is above Γ: first order in the noise does not hold there, "
            "and the number is no line width (noise_ratio)"
        )
    if strong := int((strength >= WEAK).sum()):
        notes.append(
            f"at {counted(strong, 'point')} the half locking range is above {WEAK:g} Γ/2π: first order in the drive "
            "does not hold there, and the range is too wide (return_rate)"
        )
    # who asks for Γ, as all do who name no quantity, would have been given the line width beside it
    if "return_rate" in wanted and "line_width" not in wanted and not np.isfinite(ratio).any():
        notes.append("without a temperature, or noises, there is no line width")
    missing = 0 if rest is None else int((~rest.complete).sum())  # of a System it is seldom known how many there are
    if missing:
        notes.append(f"at {counted(missing, 'point')} it is not shown that all states at rest were found")
    return tuple(notes)
