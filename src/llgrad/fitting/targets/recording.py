"""A recording that is ready to be fitted: parameters in, residuals out."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import set_leaf
from llgrad.core.speed.plain_methods import PlainMethods
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.fitting.targets.starting import StateForm, given_start, is_start

TILTS = ("m0.polar", "m0.azimuthal")
"""Free parameters of the starting state of a device: its tilts [rad] from a reference state along θ̂ and φ̂."""

RECORDER = ("delay", "bandwidth", "line_width")
"""Free parameters of the recorder, and of a line that noise has broadened."""

OF_FIELD = {"field_offset": "T", "axis_polar": "rad", "axis_azimuth": "rad"}
"""Free parameters of the field of a measured loop, with their units: what is beside the field that was set, and by
which angles its axis is elsewhere than was said."""

LINE = ("gain", "offset")
"""Free parameters of the recorder of a voltage: recorded = gain · signal + offset."""

PREFIX = "recorder."
"""Before the names of the recorder's parameters in a fit of a `System`, which may have a gain of its own."""

Model = Oscillator | System
Driven = Drive | Mapping[str, Waveform] | None
"""What acts on a device, or on a system, by its inputs."""


def recorder_path(model: Model, name: str) -> str:
    """The name that a parameter of the recorder has in a fit of a model.

    >>> from llgrad import presets
    >>> recorder_path(presets.kubota2013(), "gain")
    'gain'
    """
    return PREFIX + name if isinstance(model, System) else name


def recorder_name(model: Model, path: str) -> str:
    """Which of `RECORDER`, `OF_FIELD` and `LINE` a path means in a fit of a model; empty where it is none of them."""
    return next((name for name in (*RECORDER, *OF_FIELD, *LINE) if path == recorder_path(model, name)), "")


class RecordingSetup(PlainMethods):
    """What a recording is simulated with, the values of the parameters put in."""

    model: Any
    drive: Any
    m0: Any
    """The state in which the run begins."""
    delay: Any
    bandwidth: Any
    line_width: Any
    field_offset: Any = 0.0
    axis_polar: Any = 0.0
    axis_azimuth: Any = 0.0


class Recording(PlainMethods):
    """One experiment's data, and the function that predicts them.

    `places` says where each parameter of the problem goes: (path of the leaf, index in the vector of all parameters).
    """

    model: Model
    drive: Driven
    data: Any
    """Recorded values, (T, C)."""
    sigma: Any
    """Standard deviation of the values, broadcastable to (T, C); ones where it is not known."""
    delay: float = eqx.field(static=True)
    bandwidth: float | None = eqx.field(static=True)
    gain: float | None = eqx.field(static=True)
    """Of a voltage, over that of the junction (or over m·p, in volt, without one); None where it is found."""
    offset: float | None = eqx.field(static=True)
    """Of a voltage [V]; None where it is found."""
    places: tuple[tuple[str, int], ...] = eqx.field(static=True)
    row: int = eqx.field(static=True)
    """Which row of the problem's starting states is its own."""
    label: str = eqx.field(static=True)
    form: StateForm
    """Of the model's state."""
    by_itself: bool = eqx.field(static=True)
    """Whether the run begins where the system's own start says, which depends on its free parameters."""

    @abc.abstractmethod
    def predict(self, bound: RecordingSetup, mask: Any) -> tuple[Any, Any]:
        """Predicted values (T, C), and whether the runs went well."""

    @abc.abstractmethod
    def mask(self, horizon: Any) -> Any:
        """Which samples (T,) a window that ends at `horizon` [s] uses; all where it is infinite."""

    @property
    def power(self) -> float:
        """Σ(signal/σ)², the signal of a column that varies being its distance from its mean."""
        return signal_power(np.asarray(self.data), np.asarray(self.sigma))

    @property
    def resolution(self) -> float:
        """Steps of unbounded parameters that are smaller than this are lost in the rounding of what is predicted."""
        return 0.0

    @property
    def voltage_column(self) -> int | None:
        """The column that has a gain and an offset."""
        return None

    @property
    def of_voltage(self) -> bool:
        """Whether gain and offset would be those of a voltage of a device."""
        return not isinstance(self.model, System)

    @property
    def free_line(self) -> tuple[str, ...]:
        """Which of gain and offset are found."""
        if self.voltage_column is None:
            return ()
        paths = (recorder_path(self.model, name) for name in LINE)
        return tuple(path for path, held in zip(paths, (self.gain, self.offset), strict=True) if held is None)

    @property
    def line_units(self) -> dict[str, str]:
        """The units of gain and offset by their names."""
        gain, offset = (recorder_path(self.model, name) for name in LINE)
        if isinstance(self.model, System):
            return {gain: "1", offset: self.model.outputs.get(getattr(self, "columns", ("",))[0], "1")}
        return {gain: "V" if self.model.junction is None else "1", offset: "V"}

    def column_with_line(self, columns: tuple[str, ...]) -> int | None:
        """Which of the columns has a gain and an offset: a voltage, or the only signal of a system."""
        if isinstance(self.model, System):
            return None if (self.gain, self.offset) == (1.0, 0.0) else 0
        return columns.index("voltage") if "voltage" in columns else None

    @property
    def scaled_column(self) -> int | None:
        """The column whose gain or offset is unknown."""
        return self.voltage_column if self.free_line else None

    def whole_line(self, line: Any) -> tuple[Any, Any]:
        """(gain, offset) from those that are free, (k,), and those that are held."""
        left = iter([line[i] for i in range(len(self.free_line))])
        gain = next(left) if self.gain is None else self.gain
        return gain, next(left) if self.offset is None else self.offset

    def own_line(self, gain: Any, offset: Any) -> Any:
        """Those of (gain, offset) that are free, (k,)."""
        pairs = ((self.gain, gain), (self.offset, offset))
        return jnp.stack([jnp.asarray(value) for held, value in pairs if held is None])

    @property
    def clusters(self) -> int:
        """In so many independent pieces of equal size the residuals are correlated; 0 where they are not at all."""
        return 0

    def line(self, bound: RecordingSetup) -> Any:
        """Those of (gain, offset) that are free at their best, (k,), of a recording with a scaled column."""
        raise TypeError(f"{type(self).__name__} has no gain")

    def predict_on_line(self, bound: RecordingSetup, line: Any) -> tuple[Any, Any]:
        """What `predict` gives, at given values (k,) of what is free of gain and offset."""
        raise TypeError(f"{type(self).__name__} has no gain")

    def bind(self, values: Any, m0: Any) -> RecordingSetup:
        """Physical values (p,) and the reference state (3,) put into the device, the drive and the recorder."""
        model, drive, moved = self.model, self.drive, {}
        recorder: dict[str, Any] = {"delay": self.delay, "bandwidth": self.bandwidth, "line_width": None}
        for path, index in self.places:
            if is_start(path):
                moved[path] = values[index]
            elif name := recorder_name(self.model, path):
                recorder[name] = values[index]
            elif path.startswith("drive."):
                drive = set_leaf(drive, path.removeprefix("drive."), values[index])
            else:
                model = set_leaf(model, path, values[index])
        start = given_start(model, None) if self.by_itself else self.form.state(m0, moved)
        return RecordingSetup(model, drive, start, **recorder)

    def residuals(self, values: Any, m0: Any, horizon: Any) -> tuple[Any, Any]:
        """(Predicted − recorded)/σ, (T·C,), zero outside the window; and whether the runs went well."""
        mask = self.mask(horizon)
        predicted, fine = self.predict(self.bind(values, m0), mask)
        scaled = (predicted - self.data) / self.sigma
        return jnp.where(mask[:, None], scaled, jnp.zeros_like(scaled)).ravel(), fine


def signal_power(data: np.ndarray, sigma: np.ndarray) -> float:
    """Σ(signal/σ)² of columns (T, C), the signal of a column that varies being its distance from its mean."""
    moving = data - data.mean(axis=0) if data.shape[0] > 1 else data
    signal = np.where(np.ptp(data, axis=0) > 0, moving, data)
    return float(np.sum((signal / sigma) ** 2))


def with_free_leaves(model: Any, drive: Any, paths: list[str]) -> tuple[Any, Any]:
    """The device and the drive with arrays in place of the free numbers: only these are traced, others are built in."""
    for path in paths:
        if path.startswith("drive."):
            drive = set_leaf(drive, path.removeprefix("drive."), jnp.asarray(0.0))
        elif not is_start(path) and not recorder_name(model, path):
            model = set_leaf(model, path, jnp.asarray(0.0))
    return model, drive


def lines_said(problem: Any) -> list[str]:
    """What was done with gain and offset of each voltage that has a junction or a held value."""
    said = []
    for recording in problem.recordings:
        if not recording.of_voltage:
            said += _line_of_system(recording)
            continue
        free, junction = recording.free_line, recording.model.junction is not None
        if recording.voltage_column is None or (len(free) == len(LINE) and not junction):
            continue
        suffix = f" [{recording.label}]" if len(problem.recordings) > 1 else ""
        pairs = zip(LINE, (recording.gain, recording.offset), ("1" if junction else "V", "V"), strict=True)
        held = [f"{name} = {show(value, unit)}" for name, value, unit in pairs if value is not None]
        plain = junction and (recording.gain, recording.offset) == (1.0, 0.0)
        sentences = [f"{' and '.join(free)} of the voltage{suffix} {_are(free)} found beside that of the junction"]
        of_junction = (
            ": it is taken for that of the junction itself; free gain and offset to find them" if plain else ""
        )
        sentences = sentences if free and junction else []
        if held:
            sentences.append(f"{' and '.join(held)} of the voltage{suffix} {_are(held)} held{of_junction}")
        said += sentences
    return said


def _line_of_system(recording: Recording) -> list[str]:
    """What was done with gain and offset of a signal where they are not 1 and 0."""
    place, pairs = (
        recording.voltage_column,
        zip(recording.line_units.items(), (recording.gain, recording.offset), strict=True),
    )
    if place is None:
        return []
    held = [f"{name} = {show(value, unit)}" for (name, unit), value in pairs if value is not None]
    found = recording.free_line
    sentences = [f"{' and '.join(found)} {_are(found)} found"] if found else []
    return ["; ".join(sentences + ([f"{' and '.join(held)} {_are(held)} held"] if held else []))]


def _are(names: Any) -> str:
    return "is" if len(names) == 1 else "are"
