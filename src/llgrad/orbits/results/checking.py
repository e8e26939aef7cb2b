"""What the methods of an `Orbit` are given, checked: a sentence in place of a number that means nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import as_count, as_number, is_concrete
from llgrad.devices.junction import Junction
from llgrad.orbits.cycle.solving import Closed
from llgrad.orbits.flow import Flow
from llgrad.orbits.results import quantities
from llgrad.orbits.results.signals import Observable
from llgrad.solve.step_size import is_traced

NOTHING: Final = 1e-10
"""A fundamental below this part of the largest number of a signal is rounding."""


def amplitudes_of(drive: Any) -> Mapping[str, Any]:
    """Amplitudes by input. Raises ValueError for what is no such mapping, and for an amplitude that is no number."""
    if not isinstance(drive, Mapping) or not drive:
        raise ValueError(f"drive = {drive!r}, expected amplitudes by input, as {{'field_x': 1e-5}} (tesla)")
    for name, value in drive.items():
        if not _is_number(value, complex):
            raise ValueError(
                f"drive[{name!r}] = {str(value)[:80]!r}, expected the amplitude of one tone, a finite number in the "
                "input's SI unit, such as 1e-5; of several tones ask one by one"
            )
    return drive


def strengths_of(flicker: Any) -> Mapping[str, Any]:
    """Strengths of 1/f noise by input. Raises ValueError for what is no such mapping, and for what is no strength."""
    if flicker is None:
        return {}
    if not isinstance(flicker, Mapping):
        raise ValueError(f"flicker = {flicker!r}, expected the density at 1 Hz by input, as {{'current': 1e-14}} (A²)")
    for name, value in flicker.items():
        number = as_number(value)
        if not _is_number(number, float) or (not is_traced(number) and np.real(number) < 0):
            raise ValueError(
                f"flicker[{name!r}] = {value!r}, expected the density at 1 Hz: a finite number, 0 or above, in the "
                "unit of the input squared"
            )
    return flicker


def offsets_of(f: Sequence[float] | Any, dtype: Any) -> Any:
    """Offset frequencies (F,) [Hz]. Raises ValueError for one that is none."""
    known = None if is_traced(f) else np.asarray(f)
    if known is None or np.issubdtype(known.dtype, np.number):
        offsets = jnp.atleast_1d(jnp.asarray(f, dtype))
        values = np.asarray(offsets) if known is not None else np.ones(1)
        if offsets.ndim == 1 and np.all((values > 0) & np.isfinite(values)):
            return offsets
    raise ValueError(f"f = {f!r}, expected offset frequencies in hertz above 0, (F,)")


def check_into_load(load: Any, junction: Any, harmonic: Any, count: int) -> int:
    """The harmonic. Raises ValueError for a load, a junction or a harmonic that is none."""
    if not _is_number(load, float) or (not is_traced(load) and not float(load) > 0):
        raise ValueError(f"load = {load!r}, expected an impedance in ohms, a positive number such as 50.0")
    if junction is not None and not isinstance(junction, Junction):
        raise ValueError(
            f"junction = {junction!r}, expected a law of the resistance, such as ConductanceJunction(R_P=1e3, tmr=1.0)"
        )
    number = as_count(harmonic)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < count:
        raise ValueError(f"harmonic = {harmonic!r}, expected 1 for the fundamental, or up to {count - 1}")
    return number


def check_fundamental(flow: Flow, closed: Closed, observable: Observable) -> None:
    """Raise ValueError where a signal has no fundamental, so that it has no phase; of values that are known."""
    size = jnp.abs(jax.lax.stop_gradient(quantities.harmonics(flow, closed, observable)))
    if not is_concrete(size):
        return
    known = np.asarray(size)
    if known[1] > NOTHING * known.max():
        return
    largest = 1 + int(np.argmax(known[1:]))
    repeats = (
        f"its largest harmonic is number {largest}: see harmonics()"
        if known[largest] > NOTHING * known.max()
        else "it does not change along the orbit"
    )
    raise ValueError(f"this observable has no fundamental, and so no phase: {repeats}; take another observable")


def _is_number(value: Any, kind: type) -> bool:
    """Whether a value is a traced number, or one that is finite."""
    if isinstance(value, (bool, str, bytes)) or value is None:
        return False
    if is_traced(value):
        return True
    known = np.asarray(value)
    wanted = np.number if kind is complex else (np.floating, np.integer)
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    return known.shape == () and any(np.issubdtype(known.dtype, one) for one in kinds) and bool(np.isfinite(known))
