"""What stands between a device and an instrument, taken out: cables, probes and bias tees, known by their S parameters.

A two-port of reference resistances Z₁ (the device's side) and Z₂ is a chain matrix A, B, C, D. A device of source
resistance R_s gives into a load R_L through it

    V = V₀ H,  H = (R_s + R_L)/(A R_L + B + C R_s R_L + D R_s),

where V₀ is what it would give right into the load. With R_s = Z₁ and R_L = Z₂ = Z₁, H is S₂₁.

Source: D. A. Frickey, "Conversions between S, Z, Y, h, ABCD, and T parameters which are valid for complex source and
load impedances", IEEE Trans. Microwave Theory Tech. 42, 205 (1994), table I, recalled; checked against scikit-rf.
"""

from __future__ import annotations

import math
from typing import Final, TypeVar

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show
from llgrad.datasets.touchstone.scattering import Scattering
from llgrad.datasets.trace import Trace
from llgrad.observables.spectrum import Spectrum

WEAKEST: Final = 1e-3
"""What is weakened to less than this part of its amplitude (−60 dB) is not made out of what was recorded."""
COARSEST: Final = math.pi / 2
"""By more than this, the phase may not turn from one frequency of a fixture to the next."""
Data = TypeVar("Data", Trace, Spectrum, Scattering)


def deembed(
    data: Data,
    fixture: Scattering,
    *,
    behind: Scattering | None = None,
    source: float | None = None,
    load: float | None = None,
    band: tuple[float, float] | None = None,
) -> Data:
    """What would have been recorded had the device been connected without its fixture.

    Of a trace or a spectrum: divided by H (|H|² of a density), see above. Of S parameters: the fixture is taken from
    port 1, and one `behind` from port 2, by their transfer matrices, T = T_fixture⁻¹ T_measured T_behind⁻¹.

    Args:
        data: Trace (evenly spaced; voltages), Spectrum, or Scattering of one or two ports.
        fixture: its S parameters, as `read_touchstone` gives them; port 1 is on the device's side, of S parameters on
            the analyser's.
        behind: the fixture behind port 2 of measured S parameters, its port 1 on the device's side.
        source: resistance of the device [Ω], that of the fixture's port 1 if not given.
        load: resistance of the instrument [Ω], that of the fixture's port 2 if not given.
        band: lowest and highest frequency [Hz] that are kept, where the fixture is not known at all that are needed:
            from 0 to half the sampling rate for a trace. What is outside of it is gone from the result.

    Raises ValueError for a fixture that is not a two-port, is not known where it is needed, is known at frequencies too
    far apart, or weakens by more than 60 dB.

    >>> pad = Scattering([0.0, 1e9, 5e9], [[[0.0, 0.5], [0.5, 0.0]]] * 3)
    >>> trace = Trace(1e-10 * np.arange(64), {"voltage": np.sin(2 * np.pi * 1.25e9 * 1e-10 * np.arange(64))})
    >>> found = deembed(trace, pad)
    >>> round(float(np.abs(found.columns["voltage"]).max()), 2)
    2.0
    """
    check_kind("fixture", fixture, Scattering, "read it with read_touchstone")
    check_kind("data", data, (Trace, Spectrum, Scattering), "give what was recorded through the fixture")
    for name, one in (("fixture", fixture), ("behind", behind)):
        if one is not None and one.s.shape[1] != 2:
            raise ValueError(
                f"{name} has {one.s.shape[1]} ports, expected 2: that of the device and that of the instrument"
            )
    if isinstance(data, Scattering):
        if source is not None or load is not None or band is not None:
            raise ValueError("source, load and band are for traces and spectra; S parameters have their own references")
        return _of_scattering(data, fixture, behind)
    if behind is not None:
        raise ValueError(
            "behind is for S parameters of two ports; a trace or a spectrum was recorded through one fixture"
        )
    r_source, r_load = (
        _resistance(name, value, usual)
        for name, value, usual in (("source", source, fixture.reference[0]), ("load", load, fixture.reference[1]))
    )
    weakened = transfer(fixture, r_source, r_load)
    if isinstance(data, Trace):
        return _of_trace(data, fixture.frequency, weakened, band)
    return _of_spectrum(data, fixture.frequency, weakened, band)


def chain(s: np.ndarray, first: float, second: float) -> np.ndarray:
    """2 S₂₁ times the chain matrix (…, 2, 2) of S parameters with real references [Ω]; without S₂₁ it is finite where
    nothing passes."""
    a, b, c, d = s[..., 0, 0], s[..., 0, 1], s[..., 1, 0], s[..., 1, 1]
    ratio, product = math.sqrt(first / second), math.sqrt(first * second)
    rows = [
        [((1 + a) * (1 - d) + b * c) * ratio, ((1 + a) * (1 + d) - b * c) * product],
        [((1 - a) * (1 - d) - b * c) / product, ((1 - a) * (1 + d) + b * c) / ratio],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def transfer(fixture: Scattering, source: float, load: float) -> np.ndarray:
    """H (F,), the voltage at the load over what the device would give right into it."""
    matrix = chain(fixture.s, *fixture.reference)
    below = matrix[:, 0, 0] * load + matrix[:, 0, 1] + matrix[:, 1, 0] * source * load + matrix[:, 1, 1] * source
    return 2 * fixture.s[:, 1, 0] * (source + load) / below


def _resistance(name: str, value: float | None, usual: float) -> float:
    found = usual if value is None else value
    if not (isinstance(found, (int, float)) and math.isfinite(found) and found > 0):
        raise ValueError(f"{name} = {value!r}, expected a resistance in ohm, above zero")
    return float(found)


def _between(known: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Complex numbers at other frequencies: their size and their phase, which must not turn too far between two."""
    turns = np.abs(np.angle(values[1:] * np.conj(values[:-1])))
    inside = (known[1:] >= wanted.min()) & (known[:-1] <= wanted.max())
    if (far := np.flatnonzero((turns > COARSEST) & inside)).size:
        raise ValueError(
            f"the phase of the fixture turns by {math.degrees(turns[far[0]]):.0f}° from "
            f"{show(float(known[far[0]]), 'Hz')} to the next frequency; measure it at more frequencies"
        )
    size = np.interp(wanted, known, np.abs(values))
    return size * np.exp(1j * np.interp(wanted, known, np.unwrap(np.angle(values))))


def _band(f: np.ndarray, known: np.ndarray, band: tuple[float, float] | None, what: str) -> np.ndarray:
    """Which of the frequencies are kept. Raises ValueError where the fixture is not known at one of them."""
    if band is not None and not (len(band) == 2 and 0 <= band[0] < band[1]):
        raise ValueError(f"band = {band!r}, expected the lowest and the highest frequency in hertz")
    kept = np.ones(f.shape, bool) if band is None else (f >= band[0]) & (f <= band[1])
    if kept.sum() < 2:
        raise ValueError(f"band = {band!r} keeps no two frequencies of {what}")
    low, high = float(f[kept][0]), float(f[kept][-1])
    if low < known[0] or high > known[-1]:
        ends = " to ".join(show(float(end), "Hz") for end in (known[0], known[-1]))
        raise ValueError(
            f"the fixture is known from {ends}, and {what} needs it from {show(low, 'Hz')} to {show(high, 'Hz')}; "
            f"give a band within it, as in band=({known[0]:g}, {known[-1]:g})"
        )
    return kept


def _weakened(f: np.ndarray, known: np.ndarray, weakened: np.ndarray) -> np.ndarray:
    found = _between(known, weakened, f)
    if (weak := np.flatnonzero(np.abs(found) < WEAKEST)).size:
        raise ValueError(
            f"the fixture lets less than {WEAKEST:g} of the amplitude through at {show(float(f[weak[0]]), 'Hz')}, "
            "where what was recorded is noise; give a band without it"
        )
    return found


def _of_trace(data: Trace, known: np.ndarray, weakened: np.ndarray, band: tuple[float, float] | None) -> Trace:
    """By a discrete Fourier transform of the trace with its mirror images at both ends; what the delay of the fixture
    brings in from behind the end is cut off."""
    if not data.evenly_spaced:
        raise ValueError("the trace is unevenly spaced; a fixture is taken out of evenly spaced samples")
    if unfit := [name for name, unit in data.units.items() if unit != "V"]:
        raise ValueError(f"the column {unfit[0]!r} is no voltage, and no fixture stands before it; select the voltage")
    size, margin = data.t.size, data.t.size - 1
    f = np.fft.rfftfreq(size + 2 * margin, data.dt)
    kept = _band(f, known, band, "the trace")
    factor = np.zeros(f.shape, complex)
    found = _weakened(f[kept], known, weakened)
    factor[kept] = 1 / found
    phase = np.unwrap(np.angle(found))
    delay = max(float(-np.polyfit(f[kept], phase, 1)[0] / (2 * math.pi)), 0.0)
    lost = math.ceil(delay / data.dt)
    if size - lost < 2:
        raise ValueError(f"the fixture delays by {show(delay, 's')}, and the trace is no longer than that")
    columns = {}
    for name, values in data.columns.items():
        wide = np.pad(values, margin, mode="reflect")
        columns[name] = np.fft.irfft(np.fft.rfft(wide) * factor, wide.size)[margin : margin + size - lost]
    said = f"a fixture taken out, delay {show(delay, 's')}" + (f", the last {lost} samples cut off" if lost else "")
    said += "" if band is None else f", {show(band[0], 'Hz')} to {show(band[1], 'Hz')} kept"
    found_trace = data.with_columns(data.t[: size - lost], columns)
    return Trace(found_trace.t, columns, data.notes, (*data.understood, said), dict(data.own))


def _of_spectrum(data: Spectrum, known: np.ndarray, weakened: np.ndarray, band: tuple[float, float] | None) -> Spectrum:
    kept = _band(data.frequency, known, band, "the spectrum")
    f = np.asarray(data.frequency)[kept]
    density = np.asarray(data.density)[..., kept] / np.abs(_weakened(f, known, weakened)) ** 2
    return Spectrum(f, density, data.unit, data.receiver, (*data.understood, "a fixture taken out"))


def _of_scattering(data: Scattering, fixture: Scattering, behind: Scattering | None) -> Scattering:
    ports = data.s.shape[1]
    if ports > 2 or (behind is not None and ports != 2):
        raise ValueError(
            f"S parameters of {ports} ports; a fixture is taken from one or two ports, and behind from two"
        )
    sides = [("fixture", fixture, 0, 0)] + ([] if behind is None else [("behind", behind, 1, 1)])
    for name, one, port, own in sides:
        if not math.isclose(one.reference[own], data.reference[port], rel_tol=1e-9):
            raise ValueError(
                f"port {own + 1} of {name} has the reference {one.reference[own]:g} Ω, and port {port + 1} of the "
                f"measurement {data.reference[port]:g} Ω; give both with the same"
            )
    first = _at(fixture, data.frequency)
    reference = [fixture.reference[1], *data.reference[1:]]
    if ports == 1:
        over = data.s[:, 0, 0] - first[:, 0, 0]
        s = (over / (first[:, 0, 1] * first[:, 1, 0] + first[:, 1, 1] * over))[:, None, None]
    else:
        inner = np.linalg.solve(_transfer_matrix(first), _transfer_matrix(data.s))
        if behind is not None:
            inner = inner @ np.linalg.inv(_transfer_matrix(_at(behind, data.frequency)))
            reference[1] = behind.reference[0]
        s = _from_transfer_matrix(inner)
    return Scattering(data.frequency, s, reference, data.notes, (*data.understood, "a fixture taken out"))


def _at(fixture: Scattering, f: np.ndarray) -> np.ndarray:
    """The S parameters of a fixture at frequencies, all of which it must be known at."""
    _band(f, fixture.frequency, None, "the measurement")
    _weakened(f, fixture.frequency, fixture.s[:, 1, 0])
    found = np.empty((f.size, 2, 2), complex)
    for row, column in np.ndindex(2, 2):
        values = fixture.s[:, row, column]
        if row == column:  # a reflection may be zero, where it has no phase
            found[:, row, column] = np.interp(f, fixture.frequency, values)
        else:
            found[:, row, column] = _between(fixture.frequency, values, f)
    return found


def _transfer_matrix(s: np.ndarray) -> np.ndarray:
    """(b₁, a₁) = T (a₂, b₂), which multiply along a chain."""
    determinant = s[..., 0, 0] * s[..., 1, 1] - s[..., 0, 1] * s[..., 1, 0]
    if (np.abs(s[..., 1, 0]) < 1e-12).any():
        raise ValueError("nothing passes from port 1 to port 2 at some frequency, so that there is no transfer matrix")
    rows = [[-determinant, s[..., 0, 0]], [-s[..., 1, 1], np.ones_like(determinant)]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2) / s[..., 1, 0][..., None, None]


def _from_transfer_matrix(t: np.ndarray) -> np.ndarray:
    a, b, c, d = t[..., 0, 0], t[..., 0, 1], t[..., 1, 0], t[..., 1, 1]
    rows = [[b / d, a - b * c / d], [1 / d, -c / d]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
