"""`llgrad orbit`: the limit cycle of a device, without a long simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final

import jax
import numpy as np
import typer

from llgrad.cli.device_options import (
    AlphaOption,
    CurrentOption,
    DeviceArgument,
    FieldOption,
    SetOption,
    StateOption,
    device_with,
    field_values,
    start_of,
    values_given,
)
from llgrad.cli.drive_options import weak_drive
from llgrad.cli.output import (
    FAILED_RUN,
    ForceOption,
    JsonOption,
    Outputs,
    PlotOption,
    check_outputs,
    command_line,
    print_json,
    save_pictures,
    say,
)
from llgrad.cli.progress import working
from llgrad.core.run_record import run_record
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS
from llgrad.orbits.cycle.finding import ACCURACY
from llgrad.orbits.cycle.finding import orbit as find
from llgrad.orbits.cycle.reasons import NoCycle
from llgrad.orbits.results.locking import WEAK
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.quantities import reason_against_slow_mode
from llgrad.plot.style import scaled

RATIOS: Final = (1, 2, 0.5)
HARMONICS: Final = 3
ROUNDING: Final = 1e-11
"""Of the largest of some numbers, below which one is nothing but rounding."""


def orbit(
    device: DeviceArgument,
    current: CurrentOption = None,
    field: FieldOption = None,
    alpha: AlphaOption = None,
    temperature: Annotated[str | None, typer.Option(help="Temperature, such as 300K: line width and noise.")] = None,
    set_: SetOption = None,
    m0: StateOption = None,
    lock: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL=AMPLITUDE", help="A weak drive, such as field_x=0.1Oe: its locking ranges."),
    ] = None,
    accuracy: Annotated[float, typer.Option(help="Largest relative error of period and states.")] = ACCURACY,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find the limit cycle of a device by shooting over one period: frequency, stability, line width, locking.

    Where there is none, a sentence says why, and the exit status is 1.
    """
    outputs = check_outputs(None, (), plot, ("cycle", "phase_noise"), force)
    shortcuts = {"current": current, "alpha": alpha, "temperature": temperature}
    values = values_given(shortcuts, field_values(field, None, None, None), set_)
    model = device_with(device, values)
    drive = weak_drive(lock, model.inputs if isinstance(model, System) else CHANNEL_UNITS)
    record = run_record("orbit", device=model, dtype="float64", command=command_line())
    start = start_of(model, m0)
    try:
        found = working("looking for the orbit", lambda _: _told(find(model, m0=start, accuracy=accuracy), drive))
    except NoCycle as reason:
        if json:
            print_json(record | {"orbit": None, "reason": str(reason)})
        else:
            say(str(reason))
        raise typer.Exit(FAILED_RUN) from None
    _report(device, found, record, outputs, json)


def _told(orbit: Orbit, drive: Mapping[str, float]) -> tuple[Orbit, dict[str, Any]]:
    """The orbit, and its results for a reader: plain numbers in SI."""
    multipliers = np.asarray(orbit.multipliers)
    found: dict[str, Any] = {
        "frequency": float(orbit.frequency),
        "period": float(orbit.period),
        "error": float(orbit.error),
        "return_rate": float(orbit.return_rate),
        "multipliers": [[float(v.real), float(v.imag)] for v in multipliers],
        "note": orbit.note,
        "sensitivity": {name: _sensitivity(orbit, name) for name in orbit.flow.channels},
        "input_units": dict(orbit.model.inputs if isinstance(orbit.model, System) else CHANNEL_UNITS),
        "observable": component_names(orbit.state)[0] if isinstance(orbit.model, System) else "m·p",
        "harmonics": _without_rounding(2 * np.abs(np.asarray(orbit.harmonics())[1 : HARMONICS + 1])).tolist(),
        "line_width": float(orbit.line_width) or None,
        "line_width_holds": orbit.line_width_holds,
        "power_dbm": None if getattr(orbit.model, "junction", None) is None else float(orbit.power_dbm()),
    }
    slow = not reason_against_slow_mode(multipliers) and not orbit.reason_against_split
    found["nonlinearity"] = float(orbit.nonlinearity()) if slow else None
    found["locking"] = {str(ratio): _locking(orbit, drive, ratio) for ratio in RATIOS} if drive else None
    return orbit, found


def _sensitivity(orbit: Orbit, name: str) -> float:
    """df/du [Hz per unit], 0 where a symmetry makes it so and a mean over the orbit leaves rounding."""
    response = np.asarray(orbit.phase_response(name)) / (2 * math.pi)
    return float(_without_rounding(np.array([np.mean(response), np.abs(response).max()]))[0])


def _without_rounding(values: np.ndarray) -> np.ndarray:
    """Numbers, 0 for what is nothing beside the largest."""
    return np.where(np.abs(values) < ROUNDING * np.abs(values).max(), 0.0, values)


def _locking(orbit: Orbit, drive: Mapping[str, float], ratio: float) -> dict[str, Any]:
    lock = orbit.locking(drive, ratio)
    low, high = lock.drive_range
    return {
        "half_width": float(lock.half_width),
        "centre": float(lock.centre),
        "drive_range": [float(low), float(high)],
        "lag_at_centre": float(lock.lag(ratio * lock.centre)),
        "over_return_rate": float(lock.strength),
    }


def _report(name: str, found: tuple[Orbit, dict[str, Any]], record: dict, outputs: Outputs, json: bool) -> None:
    orbit, told = found
    kept = outputs
    if told["line_width"] is None:
        kept = outputs._replace(pictures={k: file for k, file in outputs.pictures.items() if k != "phase_noise"})
    with jax.enable_x64(True):
        save_pictures(kept, _figures(orbit))
    if json:
        print_json(record | {"orbit": told, "files": [str(file) for file in kept.written()]})
        return
    print("\n".join(_lines(name, told)))
    for file in kept.written():
        print(f"wrote {file}")


def _figures(orbit: Orbit) -> dict[str, Any]:
    from llgrad import plot

    return {"cycle": lambda: plot.cycle(orbit), "phase_noise": lambda: plot.phase_noise(orbit)}


def _lines(name: str, told: Mapping[str, Any]) -> list[str]:
    """The table of a result."""
    rate = told["return_rate"]
    rows = [
        ("frequency", f"{told['frequency'] / 1e9:.7g} GHz"),
        ("period", f"{told['period'] * 1e9:.7g} ns (relative error {told['error']:.1g})"),
        (
            "return rate Γ",
            f"{rate / 1e9:.6g} /ns, Γ/2π = {rate / (2e6 * math.pi):.5g} MHz",
        ),
        ("multipliers", ", ".join(_complex(*v) for v in told["multipliers"])),
        *_by_inputs(told["sensitivity"], told["input_units"]),
        (
            f"amplitude of {told['observable']}",
            ", ".join(f"{v:.4g}" for v in told["harmonics"]) + " (fundamental and harmonics)",
        ),
    ]
    if told["power_dbm"] is not None:
        rows.append(("power into 50 Ω", f"{told['power_dbm']:.4g} dBm"))
    if told["line_width"] is not None:
        rows.append(("line width", f"{told['line_width'] / 1e6:.6g} MHz"))
        rows.append(("", told["line_width_holds"]))
    if told["nonlinearity"] is not None:
        rows.append(("nonlinearity ν", f"{told['nonlinearity']:.5g}"))
    for ratio, lock in (told["locking"] or {}).items():
        low, high = lock["drive_range"]
        digits = max(8, math.ceil(math.log10(high / (high - low))) + 2) if high > low else 8  # so that they differ
        weak = "" if lock["over_return_rate"] < WEAK else f"; {lock['over_return_rate']:.2g} Γ: too wide for theory"
        width, unit = scaled([lock["half_width"]], "Hz")
        text = f"±{width[0]:.7g} {unit}: drives from {low / 1e9:.{digits}g} to {high / 1e9:.{digits}g} GHz{weak}"
        if lock["half_width"] == 0:
            text = f"by no drive, in {'second' if ratio == '0.5' else 'first'} order"
        rows.append((f"locks at {'f/2' if ratio == '0.5' else 'f' if ratio == '1' else ratio + ' f'}", text))
    if told["note"]:
        rows.append(("note", told["note"]))
    width = max(len(label) for label, _ in rows)
    return [f"{name}: a limit cycle", *(f"  {label:<{width}}  {text}" for label, text in rows)]


def _by_inputs(sensitivity: Mapping[str, float], units: Mapping[str, str]) -> list[tuple[str, str]]:
    """How the frequency follows each input; current and field first, the components of a field together."""
    fields = [f"field_{axis}" for axis in "xyz"]
    rest = dict(sensitivity)
    rows = []
    if units.get("current") == "A":
        rows.append(("df/dI", f"{rest.pop('current') / 1e12:.6g} GHz/mA"))
    if set(fields) <= set(rest):
        parts = ", ".join(f"{rest.pop(name) / 1e9:.5g}" for name in fields)
        rows.append(("df/dB", f"({parts}) GHz/T"))
    for name, value in rest.items():
        unit = units[name]
        of = unit if unit.isalpha() else f"({unit})"
        rows.append((f"df/d{name}", f"{value:.6g} Hz" if unit == "1" else f"{value / 1e9:.6g} GHz/{of}"))
    return rows


def _complex(real: float, imaginary: float) -> str:
    return f"{real:.7g}" if abs(imaginary) < 1e-12 else f"{real:.7g} {imaginary:+.7g}i"
