"""A simulation as a module of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from llgrad.core.arguments.kinds import check_kind, wrong_kind
from llgrad.core.record import as_number
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import check_drive
from llgrad.kernels.steppers import RK4, Heun, Stepper
from llgrad.solve.saving import End, Every, Interval
from llgrad.solve.step_size import suggest_dt
from llgrad.solve.systems import drive_of_system, step_of_system, waveforms_of
from llgrad.solve.task import Engine
from llgrad.torch.bounded import ProgramModule, check_batch, check_starts, check_status, common_batch, dtype_of
from llgrad.torch.bridge import TensorProgram
from llgrad.torch.compiled import called
from llgrad.torch.library import torch
from llgrad.torch.parameters import free_numbers, named, physical, table_of_bounds
from llgrad.torch.runs import SEED, Runs, check_inputs, signals_of, with_values


class Simulator(ProgramModule):
    """`lg.simulate` as a module: its parameters are numbers of the device within physical bounds, its inputs what
    differs from run to run, its output the run.

    `free` holds the parameters, unbounded numbers u by name, of which `values` are the physical ones, as in
    low + (high − low)/(1 + e^{−u}) between two limits: an optimiser may go anywhere, and the learning rate of all is
    about that of a network. Inputs have any leading axes (…), which make a batch that runs side by side in llgrad.

    >>> import llgrad as lg
    >>> from llgrad.torch.library import torch
    >>> device = lg.presets.kubota2013()
    >>> model = lg.torch.Simulator(
    ...     device, duration=1e-9, dt=5e-12, free={"alpha": (0.001, 0.1)}, given=["current"], dtype=torch.float64
    ... )
    >>> runs = model(current=torch.tensor([1.5e-3, 2.0e-3], dtype=torch.float64))
    >>> tuple(runs.shape)
    (2, 201, 3)
    >>> runs[..., 2].mean().backward()
    >>> round(model.values()["alpha"].item(), 6) == device.alpha, bool(model.free["alpha"].grad != 0)
    (True, True)
    """

    def __init__(
        self,
        model: Oscillator | OscillatorArray | System | SystemArray,
        *,
        duration: float,
        dt: float | None = None,
        free: Mapping[str, Any] | Iterable[str] = (),
        given: Iterable[str] = (),
        driven: Iterable[str] = (),
        m0: Any = None,
        drive: Any = None,
        signals: Iterable[str] | None = None,
        save: Every | End | Interval = Every(1),
        stepper: Stepper | None = None,
        engine: Engine | None = None,
        noise: bool = False,
        throw: bool = True,
        dtype: torch.dtype | None = None,
    ):
        """
        Args:
            model: the device, the array, the system, or the array of systems.
            duration: simulated time [s].
            dt: largest time step [s]; None takes what suits the model as it is given (`lg.solvers.suggest_dt`). Where
                something is `driven` it is needed, no longer than the time between two samples.
            free: what is trained, by path ("alpha", "field.z", "terms.0.H_k"), each with (low, high) in SI or as
                quantities ("0 mA", "5 mA"), a bound of `lg.systems`, or None for the usual one; names alone are fine.
            given: what each call is given instead: paths, inputs of a System (steady values), and "m0", the starting
                state (…, 3) of an oscillator.
            driven: what each call drives: "current", "field_x", … of an oscillator, inputs of a System. A call gives
                samples (…, K), evenly from t = 0 to the end, between which the drive is linear; they are added to
                what the device has.
            m0: starting state, where no call gives it; see `lg.simulate`.
            drive: what acts in every run besides.
            signals: of a System: what is returned, components and outputs by name; None takes every component.
            save: which states are kept.
            stepper: of a run; None takes the usual one.
            engine: of a run; None takes the usual one.
            noise: whether each call takes a `seed`; a device with a temperature, or a System with noises, needs it.
            throw: raise SimulationError where a run went wrong.
            dtype: of the parameters; None takes PyTorch's default.

        Raises ValueError, in one sentence, for a name that the model has not, for one that is named twice, and where
        nothing is free, given or driven.
        """
        super().__init__()
        check_kind("model", model, (Oscillator, OscillatorArray, System, SystemArray), "see llgrad.presets")
        given, driven = _tuple(given), _tuple(driven)
        numbers = free_numbers(model, free)
        check_inputs(model, [one.path for one in numbers], given, driven)
        stepper = stepper or (Heun() if noise else RK4())
        channels = _channels(model, drive)
        step = _step(model, channels, drive, stepper, driven, dt)
        self.runs = Runs(
            model,
            _seconds("duration", duration),
            step,
            save,
            stepper,
            engine,
            m0,
            channels,
            numbers,
            *(given, driven, signals_of(model, signals), noise),
        )
        self.throw = throw
        self.names = tuple(map(named, self.runs.paths))
        self.shapes = tuple(map(self.runs.shape_of, self.runs.paths))
        self.cores = tuple(map(len, self.shapes))
        dtype = dtype_of(dtype)
        self.free = torch.nn.ParameterDict(
            {one.name: torch.nn.Parameter(torch.tensor(one.start.tolist(), dtype=dtype)) for one in numbers}
        )
        self.register_buffer("bounds", table_of_bounds(numbers))
        self.register_buffer("t", torch.tensor(self.runs.times().tolist(), dtype=dtype), persistent=False)
        self._begin()

    def forward(self, **inputs: Any) -> Float[torch.Tensor, "..."]:
        """Runs (…, T, 3), or (…, T, N, 3) of an array of oscillators; of a System signals (…, T, S), or (…, T, N, S),
        at the times `t` [s].

        Args:
            inputs: what is `given` and `driven`, by name with _ for a dot ("field_z"), tensors (…) and (…, K), of an
                array (…, K, N); with `noise` also a `seed`, a whole number: the noise is a function of it, of the place
                in the batch, and of the step.

        Raises ValueError for a name that is missing or not known, and for shapes that do not go together;
        SimulationError for a run that went wrong.
        """
        seed = inputs.pop(SEED, None) if self.runs.noise else None
        self._check(inputs, seed)
        tensors, batch = [self.free[one.name] for one in self.runs.free], ()
        if self.names:
            given = [inputs[name] for name in self.names]
            axes = [one.shape[: one.ndim - core] for one, core in zip(given, self.cores, strict=True)]
            batch = axes[0] if axes.count(axes[0]) == len(axes) else common_batch(self.names, axes)
            for one, own in zip(given, axes, strict=True):
                tensors.append(one if len(batch) == 1 and own == batch else _in_a_row(one, own, batch))
        if seed is not None:
            tensors.append(torch.as_tensor(seed, dtype=torch.int32))
        values = called(self.program, self.number, *tensors)
        return values if not self.names or len(batch) == 1 else values.reshape(batch + values.shape[1:])

    def values(self) -> dict[str, Float[torch.Tensor, "..."]]:
        """The physical value [SI] of each parameter by its path; differentiable, for a penalty on it, say."""
        free = [self.free[one.name] for one in self.runs.free]
        return self.physical(*free) if free else {}

    def device(self) -> Oscillator | OscillatorArray | System | SystemArray:
        """The model with the values as they are now: what `lg.simulate` and `lg.save_device` take."""
        values = {path: value.detach().cpu().tolist() for path, value in self.values().items()}
        exact = {path: np.asarray(value) if isinstance(value, list) else value for path, value in values.items()}
        return with_values(self.runs.model, exact)

    def extra_repr(self) -> str:
        """What is trained and what each call gives, for `print`."""
        runs = self.runs
        free = ", ".join(f"{one.path} {one.bound.describe(one.unit)}" for one in runs.free)
        parts = (("free", free), ("given", ", ".join(runs.given)), ("driven", ", ".join(runs.driven)))
        told = "; ".join(f"{name}: {value}" for name, value in parts if value)
        return f"{type(runs.model).__name__}, {runs.duration * 1e9:g} ns in steps of {runs.dt * 1e12:g} ps; {told}"

    def _make_program(self) -> TensorProgram:
        numbers, names = self.runs.free, [*(f"free[{one.name!r}]" for one in self.runs.free), *self.names, SEED]
        self.physical = TensorProgram(lambda *free: (physical(numbers, free), None))
        return TensorProgram(self.runs.function, check_status if self.throw else check_starts, names.__getitem__)

    def _check(self, inputs: Mapping[str, Any], seed: Any) -> None:
        """Raise ValueError for inputs that do not go together."""
        if inputs.keys() != set(self.names) or (seed is None) == self.runs.noise:
            raise ValueError(self._wrong_names(inputs, seed))
        for name, shape in zip(self.names, self.shapes, strict=True):
            value = inputs[name]
            if isinstance(value, torch.Tensor) and not value.is_floating_point():
                raise ValueError(f"{name} is a tensor of {value.dtype}, expected one of floats; convert it with .to(…)")
            if not isinstance(value, torch.Tensor):
                raise ValueError(wrong_kind(name, value, "a tensor of floats", "give torch.tensor(…, dtype=…)"))
            check_batch(name, tuple(value.shape[: value.ndim - len(shape)]))
            own = tuple(value.shape[value.ndim - len(shape) :])
            if len(own) != len(shape) or any(b is not None and a != b for a, b in zip(own, shape, strict=True)):
                wanted = ", ".join(["…", *("K" if length is None else str(length) for length in shape)])
                raise ValueError(f"{name} has the shape {tuple(value.shape)}, expected ({wanted})")

    def _wrong_names(self, inputs: Mapping[str, Any], seed: Any) -> str:
        wanted = [*self.names, *([SEED] if self.runs.noise else [])]
        got = [*inputs, *([SEED] if seed is not None else [])]
        return (
            f"this Simulator is called with {', '.join(got) or 'nothing'}, expected "
            f"{', '.join(f'{name}=' for name in wanted) or 'nothing'}"
        )


def _seconds(name: str, given: Any) -> float:
    """A time. Raises ValueError for what is no number: the module's program is made for one."""
    value = given.item() if isinstance(given, torch.Tensor) and given.numel() == 1 else as_number(given)
    if isinstance(value, bool) or not (isinstance(value, (int, float)) and 0 < value < math.inf):
        raise ValueError(f"{name} = {given!r}, expected a time in seconds, such as 1e-9")
    return float(value)


def _in_a_row(given: Any, axes: tuple[int, ...], batch: tuple[int, ...]) -> Any:
    """An input (…, own) as (B, own) of a batch, in which it has the axes (…)."""
    own = given.shape[len(axes) :]
    return given.expand(batch + own).reshape((-1, *own))


def _tuple(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _channels(model: Any, drive: Any) -> Mapping[str, Waveform]:
    """What acts in every run, by channel. Raises ValueError for what is no drive of the model."""
    if isinstance(model, (System, SystemArray)):
        return drive_of_system(model, waveforms_of(model, drive))
    found = check_drive(drive)
    return {} if found is None else found.channels()


def _step(
    model: Any, channels: Mapping[str, Waveform], drive: Any, stepper: Stepper, driven: tuple[str, ...], dt: Any
) -> float:
    """The step: as given, or what suits the model. Raises ValueError where samples of calls would have to be known."""
    if dt is not None:
        return _seconds("dt", dt)
    if driven:
        raise ValueError("dt is needed where something is driven: no longer than the time between two samples [s]")
    if isinstance(model, (System, SystemArray)):
        return step_of_system(model, dict(channels), stepper, None)
    return suggest_dt(model, drive, stepper)
