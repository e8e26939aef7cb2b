"""`lg.experiments.resonance_map`: modes, absorbed power and spin-diode voltage of a device over field and frequency."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind, checked_path
from llgrad.core.files import Path, write_json, write_npz
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.loops.loop import STEPS, one_sweep
from llgrad.experiments.loops.result import Loop
from llgrad.experiments.loops.swept import Angle, Device, range_of, swept
from llgrad.experiments.rectification import Microwave
from llgrad.experiments.resonances.second_order import responses
from llgrad.orbits.carried import held
from llgrad.physics.stacks.stack import Stack

USUAL: Final = 1e-4
"""Amplitude [T] of the microwave field where none is given."""


@dataclass(frozen=True)
class ResonanceMap:
    """What a weak microwave does to a device over field (P) and frequency (F).

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.01, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.resonance_map(film, 0.3, 0.1, [6e9, 8e9], steps=4)
    >>> found.fields.round(2).tolist(), bool((found.power > 0).all()), found.voltage
    ([0.3, 0.25, 0.2, 0.15, 0.1], True, None)
    """

    loop: Loop
    """The states at rest, their modes (`frequencies`, `widths`) and jumps: one sweep of the field."""
    frequencies: np.ndarray
    """Of the microwave (F,) [Hz]."""
    microwave: Microwave
    power: np.ndarray
    """Absorbed from the microwave field (F, P) [W]."""
    voltage: np.ndarray | None
    """Rectified (F, P) [V]; None without a junction."""

    @property
    def fields(self) -> np.ndarray:
        """(P,) [T], in the order in which they are swept."""
        return self.loop.values[0]

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        loop = self.loop.to_json()
        return run_record("resonance_map", device=self.loop.device) | {
            "fields_T": self.fields.tolist(),
            "frequencies_Hz": self.frequencies.tolist(),
            "microwave_current_A": float(self.microwave.current),
            "microwave_field_T": [float(getattr(self.microwave.field, axis)) for axis in "xyz"],
            "power_W": self.power.tolist(),
            "voltage_V": None if self.voltage is None else self.voltage.tolist(),
            "sweep": {name: loop[name] for name in ("angle_rad", "notes", "jumps", "columns")},
        }

    def save(self, path: Path, *, overwrite: bool = False) -> pathlib.Path:
        """Write it as .json (`to_json`) or its arrays as .npz.

        Raises ValueError for another ending, FileExistsError and others as `core.files.check_target` does.
        """
        file = checked_path("path", path)
        if file.suffix.lower() == ".json":
            write_json(file, self.to_json(), overwrite)
        elif file.suffix.lower() == ".npz":
            arrays = {"fields": self.fields, "frequencies": self.frequencies, "power": self.power}
            arrays |= {} if self.voltage is None else {"voltage": self.voltage}
            arrays |= {"mode_frequencies": self.loop.frequencies[0], "mode_widths": self.loop.widths[0]}
            write_npz(file, run_record("resonance_map", device=self.loop.device), arrays, overwrite)
        else:
            raise ValueError(f"path = {str(path)!r}, expected a name that ends in .json or .npz")
        return file

    def __repr__(self) -> str:
        ends = [show(float(f"{edge:.5g}"), "T") for edge in self.fields[[0, -1]]]
        ends += [show(float(f"{edge:.5g}"), "Hz") for edge in self.frequencies[[0, -1]]]
        lines = [f"Resonance map from {ends[0]} to {ends[1]}, {ends[2]} to {ends[3]}"]
        for mode in range(self.loop.frequencies.shape[-1]):
            f, w = self.loop.frequencies[0, :, mode], self.loop.widths[0, :, mode]
            if not np.isfinite(f).any():
                continue
            told = [
                show(float(f"{number:.5g}"), "Hz") for part in (f, w) for number in (np.nanmin(part), np.nanmax(part))
            ]
            lines.append(f"  mode {mode + 1}: {told[0]} to {told[1]}, width {told[2]} to {told[3]}")
        largest = np.abs(self.power).max()
        if largest:
            lines.append(f"  absorbs up to {show(float(f'{largest:.4g}'), 'W')}")
        if self.voltage is not None:
            lines.append(f"  rectifies up to {show(float(f'{np.abs(self.voltage).max():.4g}'), 'V')}")
        lines += [f"  jumps at field = {show(float(f'{jump.value:.6g}'), 'T')}" for jump in self.loop.jumps]
        return "\n".join(lines)


def resonance_map(
    device: Device,
    start: float,
    stop: float,
    frequencies: Sequence[float] | Float[ArrayLike, "F"],
    *,
    angle: Angle = (0.0, 0.0),
    microwave: Microwave | None = None,
    steps: int = STEPS,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
) -> ResonanceMap:
    """Modes, absorbed power and spin-diode voltage as a field is swept slowly, at many microwave frequencies.

    The states at rest are those of one sweep of `lg.experiments.loop`, jumps included. Power and voltage are of the
    second order in the microwave, exact in everything else (`second_order`); a precession of more than a tenth of a
    radian is beyond.

        P = −(ω/2) Σ Ms V Im(δm · b*),   V = ⟨I R⟩ with the microwave minus that without.

    Args:
        device: Oscillator or Stack; the spin-diode voltage needs a junction, or barriers.
        start: first field [T] along the axis of `angle`.
        stop: last field [T].
        frequencies: of the microwave (F,) [Hz].
        angle: polar and azimuthal angle [rad] of the field's axis, as in `lg.experiments.loop`.
        microwave: amplitudes of its current [A] and field [T]; by default a field of 0.1 mT in the plane, across the
            axis.
        steps: of the sweep, which has steps + 1 fields.
        m0: state that relaxes to the first one; by default all layers along the field.

    Raises ValueError as `lg.experiments.loop` does, for frequencies that are not positive, and for a microwave that is
    nothing.

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.01, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.resonance_map(film, 0.3, 0.1, [6e9, 8e9], steps=4)
    >>> round(float(found.loop.frequencies[0, 0, 0]) / 1e9, 4), found.power.shape  # γ(H + H_k)/2π(1 + α²)
    (11.2089, (2, 5))
    """
    check_kind("device", device, (Oscillator, Stack), "see llgrad.presets, or lg.Stack for one of several layers")
    f = np.atleast_1d(np.asarray(frequencies, float))
    if f.ndim != 1 or not f.size or not np.isfinite(f).all() or (f <= 0).any():
        some = np.ravel(f)[:1] if f.ndim != 1 else f[~(np.isfinite(f) & (f > 0))][:1]
        got = f"{some[0]:g} Hz among {f.size} of the shape {f.shape}" if some.size else "none"
        raise ValueError(f"frequencies: got {got}, expected a list of positive ones in hertz, such as [5e9, 6e9]")
    found = one_sweep(device, "field", start, stop, angle=angle, steps=steps, m0=m0)
    if not isinstance(found, Loop):
        raise ValueError(f"angle = {angle!r}, expected one pair of angles; make a map of each")
    if microwave is None:
        azimuth = found.angle[1]
        microwave = Microwave(field=Vec3(-USUAL * math.sin(azimuth), USUAL * math.cos(azimuth), 0.0))
    check_kind("microwave", microwave, Microwave, "see lg.experiments.Microwave")
    if not (microwave.current or any(getattr(microwave.field, axis) for axis in "xyz")):
        raise ValueError("this microwave is nothing: give it a current or a field")
    numbers = held(device, "resonance_map").replace(temperature=None if isinstance(device, Stack) else 0.0)
    with jax.enable_x64(True):
        family = swept(numbers, range_of(numbers, "field", start, stop, steps), found.angle)
        asked = (jnp.asarray(f), held(microwave, "resonance_map"))
        each = jax.jit(jax.vmap(lambda value, y: responses(family, value, y, *asked)))
        power, voltage = (np.asarray(part).T for part in each(jnp.asarray(found.values[0]), jnp.asarray(found.y[0])))
    return ResonanceMap(found, f, microwave, power, None if found.resistance is None else voltage)
