"""From magnetisation to what the electrodes see: resistance, voltage, and the voltage that a load receives."""

from __future__ import annotations

from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import as_number, is_concrete
from llgrad.core.trajectory import Trajectory
from llgrad.devices.junction import Junction
from llgrad.observables.signal import cosine, device_of, each_run, per_oscillator

LOAD: Final = 50.0
"""Impedance [Ω] of microwave instruments and lines."""


def resistance(run: Trajectory, junction: Junction | None = None) -> Float[jax.Array, "*batch T"]:
    """Resistance R(m·p) [Ω] of the junction in the course of a run, at its current, (T,) or (T, N).

    The law is that of `junction`, or of the device's own. Raises ValueError where there is none.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013().replace(junction=lg.devices.ConductanceJunction(R_P=300.0, tmr=1.0))
    >>> run = lg.simulate(sto, duration=1e-9, dt=2e-12)
    >>> R = lg.observables.resistance(run)
    >>> R.shape, bool((R > 300).all() and (R < 600).all())
    ((501,), True)
    """
    return each_run(_resistance, run, _junction(run, junction))


def voltage(run: Trajectory, junction: Junction | None = None) -> Float[jax.Array, "*batch T"]:
    """Voltage V = I R(m·p) [V] across the junction, (T,) or (T, N); I is the direct current plus the drive's.

    The law is that of `junction`, or of the device's own. Raises ValueError where there is none.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013().replace(junction=lg.devices.ConductanceJunction(R_P=300.0, tmr=1.0))
    >>> run = lg.simulate(sto, duration=1e-9, dt=2e-12)
    >>> V = lg.observables.voltage(run)
    >>> bool(abs(V - 2.5e-3 * lg.observables.resistance(run)).max() < 1e-6)
    True
    """
    return each_run(_voltage, run, _junction(run, junction))


def load_voltage(run: Trajectory, junction: Junction | None = None, load: float = LOAD) -> Float[jax.Array, "*batch T"]:
    """Voltage [V] that a bias tee passes into a load: (V − ⟨V⟩) load/(⟨R⟩ + load), (T,) or (T, N).

    ⟨…⟩ is the mean over the run, so the run should hold whole periods, or many. Its spectrum in dBm is what a spectrum
    analyser shows. The law is that of `junction`, or of the device's own. Raises ValueError where there is none.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013().replace(junction=lg.devices.ConductanceJunction(R_P=300.0, tmr=1.0))
    >>> run = lg.simulate(sto, duration=1e-9, dt=2e-12)
    >>> bool(abs(lg.observables.load_voltage(run).mean()) < 1e-6)  # what a bias tee lets pass has no mean
    True
    """
    check_kind("load", load, (int, float, np.number, np.ndarray, jax.Array), "give an impedance in ohms, such as 50.0")
    if is_concrete(load := as_number(load)) and not (np.ndim(load) == 0 and 0 < load < np.inf):
        raise ValueError(f"load = {load}, expected an impedance in ohms, a positive number such as 50.0")
    return each_run(_load_voltage, run, _junction(run, junction), load)


def _junction(run: Trajectory, junction: Junction | None) -> Junction | None:
    check_kind("run", run, Trajectory, "give (run, junction), the run first, as lg.simulate gives one")
    if junction is not None:
        how = "leave it out where the device has one, or give such as ConductanceJunction(R_P=1e3, tmr=1.0)"
        check_kind("junction", junction, Junction, how)
    if junction is None and device_of(run).junction is None:
        raise ValueError(
            "this device has no junction, so its resistance is not known; give one, as in "
            "junction=ConductanceJunction(R_P=1e3, tmr=1.0), here or in device.replace(junction=…)"
        )
    return junction


def _resistance(run: Trajectory, junction: Junction | None) -> Any:
    angle = jnp.asarray(cosine(run))
    law = device_of(run).junction if junction is None else junction
    return jax.tree.map(lambda leaf: per_oscillator(leaf, angle), law).at_current(angle, _current(run, angle))


def _current(run: Trajectory, like: Any) -> Any:
    """The current [A] through the junction in the course of a run."""
    current = per_oscillator(device_of(run).current, like)
    if run.drive is not None and run.drive.current is not None:
        current = current + _over_time(run.drive.current(run.t), like)
    return current


def _voltage(run: Trajectory, junction: Junction | None) -> Any:
    ohms = _resistance(run, junction)
    return _current(run, ohms) * ohms


def _over_time(samples: Any, like: Any) -> Any:
    """Samples (T,) or (T, N) of a drive in the dtype and rank of `like`."""
    samples = jnp.asarray(samples, like.dtype)
    return samples if samples.ndim == like.ndim else samples[:, None]


def _load_voltage(run: Trajectory, junction: Junction | None, load: float) -> Any:
    volts, ohms = _voltage(run, junction), _resistance(run, junction)
    alternating = volts - jnp.mean(volts, axis=0, keepdims=True)
    return alternating * (load / (jnp.mean(ohms, axis=0, keepdims=True) + load))
