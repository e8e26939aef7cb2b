"""The pictures of a limit cycle: its motion with its phase response, and its noise with the asymptotes of theory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.signals import Observable
from llgrad.plot.style import BLUE, GREEN, GREY, LABELS, ORANGE, PURPLE, VERMILION, figure, legend_above, scaled, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
PREFIXES: Final = {"T": ("mT", 1e-3), "A": ("mA", 1e-3), "V": ("mV", 1e-3)}
"""The unit in which a response to an input of this unit is shown."""
MOST: Final = 5
DECADES: Final = (1e-3, 1e1)
"""Offsets from so many times Γ/2π on to so many times it."""


def cycle(orbit: Orbit) -> Figure:
    """One period of a limit cycle, and below it the phase response ω R to each input: where a push speeds the
    oscillator up, and where it holds it back. Inputs of one unit share a panel.

    Args:
        orbit: what `lg.orbit` found.

    >>> import llgrad as lg
    >>> figure = lg.plot.cycle(lg.orbit(lg.presets.kubota2013()))
    >>> [axes.get_ylabel() for axes in figure.axes][-1]
    'ωR (rad/(ns mT))'
    """
    check_kind("orbit", orbit, Orbit, "give what lg.orbit found; a run is drawn by plot.orbit(run)")
    units = _units(orbit)
    with figure(2.6 + 1.9 * len(units)) as drawn:
        panels = np.atleast_1d(drawn.subplots(1 + len(units), 1, sharex=True))
        t = np.append(np.asarray(orbit.t), float(orbit.period)) * 1e9
        for place, (name, values) in enumerate(_signals(orbit)):
            panels[0].plot(t, _closed(values), color=COLOURS[place % len(COLOURS)], label=name)
        panels[0].set_ylabel("state")
        title(panels[0], f"{float(orbit.frequency) / 1e9:.6g} GHz, Γ = {float(orbit.return_rate) / 1e9:.4g} /ns")
        legend_above(panels[0], MOST)
        for panel, (unit, names) in zip(panels[1:], units.items(), strict=True):
            _responses(panel, orbit, t, unit, names)
        panels[-1].set_xlabel("time (ns)")
        panels[-1].set_xlim(0, t[-1])
        drawn.align_ylabels(list(panels))
    return drawn


def _responses(panel: Axes, orbit: Orbit, t: np.ndarray, unit: str, names: list[str]) -> None:
    responses = np.array([_closed(np.asarray(orbit.phase_response(name))) for name in names[:MOST]]) * 1e-9
    shown, scale = PREFIXES.get(unit) or _push_of_one_radian(responses, unit)
    for place, (name, response) in enumerate(zip(names, responses, strict=False)):
        panel.plot(t, response * scale, color=COLOURS[place], label=name.replace("_", " "))
    panel.axhline(0.0, color=GREY, linewidth=0.8)
    per = f"rad/ns per {shown}" if shown.startswith("1/") else f"rad/(ns {shown})"
    panel.set_ylabel("ωR (rad/ns)" if shown in ("", "1") else f"ωR ({per})")
    legend_above(panel, MOST)


def _push_of_one_radian(responses: np.ndarray, unit: str) -> tuple[str, float]:
    """The unit with the prefix of a push that turns the phase by a radian in a nanosecond, and how large it is."""
    largest = float(np.abs(responses).max())
    told, shown = scaled([1 / largest if largest else 1.0], unit)
    return shown, 1.0 / (largest * float(told[0])) if largest else 1.0


def _units(orbit: Orbit) -> dict[str, list[str]]:
    """The names of the inputs by their unit."""
    member = orbit.model.system if isinstance(orbit.model, SystemArray) else orbit.model
    own = member.inputs if isinstance(member, System) else {"current": "A"}
    found: dict[str, list[str]] = {}
    for name in orbit.flow.channels:
        found.setdefault(own.get(name, "T"), []).append(name)
    return found


def _signals(orbit: Orbit) -> list[tuple[str, np.ndarray]]:
    """Names and values (N,) of the first components of the state."""
    state, found = orbit.state, []
    named = state if isinstance(state, dict) else {"m": state} if isinstance(state, Vec3) else dict(enumerate(state))
    for name, value in named.items():
        if isinstance(value, Vec3):
            prefix = "" if len(found) == 0 and name == "m" else f"{name}: "
            found += [(f"{prefix}{LABELS[f'm{axis}']}", _first(getattr(value, axis))) for axis in "xyz"]
        else:
            found.append((str(name), _first(value)))
    return found[:MOST]


def _first(values: Any) -> np.ndarray:
    values = np.asarray(values)
    return values if values.ndim == 1 else values[:, 0]


def _closed(values: np.ndarray) -> np.ndarray:
    return np.append(values, values[0])


def phase_noise(orbit: Orbit, observable: Observable | str | None = None) -> Figure:
    """S_φ and S_a against the offset from the carrier, with the asymptotes of theory: Δf/(π f²) near the carrier, the
    same of the linear width Δf/(1 + ν²) far from it, and Γ/2π, where one goes over into the other.

    Args:
        orbit: what `lg.orbit` found, of a model with noise.
        observable: whose fundamental it is; see `Orbit.harmonics`.

    >>> import llgrad as lg
    >>> orbit = lg.orbit(lg.presets.kubota2013().replace(temperature=300.0))
    >>> lg.plot.phase_noise(orbit).axes[0].get_xscale()
    'log'
    """
    check_kind("orbit", orbit, Orbit, "give what lg.orbit found")
    width, corner = float(orbit.line_width), float(orbit.return_rate) / (2 * math.pi)
    if not width > 0:
        raise ValueError("this orbit has no noise, so no spectrum of it; give the device a temperature")
    if not corner > 0:
        raise ValueError(
            "this orbit repels, so no oscillator stays on it and there is no spectrum; take one that attracts"
        )
    f = np.geomspace(corner * DECADES[0], min(corner * DECADES[1], float(orbit.frequency) / 2.5), 120)
    noise = orbit.phase_noise(f, observable=observable)
    near = f"Δf/(πf²), Δf = {show(width, 'Hz')}"
    with figure(4.4) as drawn:
        axes = drawn.subplots()
        axes.loglog(f / 1e6, noise.phase, color=BLUE, label="$S_φ$ (rad²/Hz)")
        axes.loglog(f / 1e6, noise.amplitude, color=VERMILION, label="$S_a$ (1/Hz)")
        axes.loglog(f / 1e6, width / (math.pi * f**2), color=GREY, linestyle="--", linewidth=1.0, label=near)
        if not orbit.reason_against_split:
            linear = float(orbit.linear_width) / (math.pi * f**2)
            axes.loglog(f / 1e6, linear, color=GREY, linestyle=":", linewidth=1.2, label="without conversion")
        axes.axvline(corner / 1e6, color=GREEN, linewidth=1.0, label="Γ/2π")
        axes.set_ylim(float(np.min([np.min(noise.phase), np.min(noise.amplitude)])) / 5, None)
        axes.set_xlabel("offset (MHz)")
        axes.set_ylabel("spectral density")
        legend_above(axes, 3)
    return drawn
