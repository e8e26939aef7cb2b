"""The arrays of a network before they are drawn: what is asked for, checked, with what holds where nobody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.record import have_shapes_of_one
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.networks.bench.readout import OutputSignals, Signal
from llgrad.networks.bench.timeline import Frames, Pooling, Timeline
from llgrad.networks.bench.wiring import Device, DeviceWiring
from llgrad.networks.trained.encoder import Encoder
from llgrad.networks.trained.layer import (
    KNOBS_AND_COUPLING,
    Bounds,
    Limits,
    Part,
    Scales,
    Trainable,
    TrainedLayer,
    bounds_of,
    check_positive,
    name_of,
)
from llgrad.networks.trained.natural import natural_scales, natural_step, usual_limits

SPIN_HOLD = 0.44e-9
"""Time for which a frame is held by oscillators where nobody says [s]."""


class ArrayPlan(NamedTuple):
    """What all arrays of a network have in common."""

    device: Device
    timeline: Timeline
    wiring: DeviceWiring
    limits: Limits
    bounds: Bounds
    scales: Scales
    signal: Signal | OutputSignals
    trained: tuple[Trainable, ...]

    @classmethod
    def of(
        cls,
        device: Device,
        frames: Frames,
        shape: tuple[int, int],
        hold: float | None,
        dt: float | None,
        readouts: int,
        reading: tuple[int | None, int, Pooling],
        terminal: str,
        coupling: tuple[str, str] | bool,
        settings: Mapping[str, tuple[float, float]] | None,
        signal: Signal | OutputSignals | str | Sequence[str] | None,
        start: Any,
        limits: Limits | None,
        units: tuple[float | None, float | None],
        trained: tuple[Trainable, ...] | None,
    ) -> Self:
        """From the arguments of `OscillatorClassifier.create`."""
        hold = _checked(device, hold, settings)
        _check_reading(frames, shape, reading)
        step = natural_step(device, hold) if dt is None else dt
        timeline = Timeline(hold, step, _start(device, start), frames, readouts, *reading)
        wiring = DeviceWiring.of(device, terminal, coupling, settings or ())
        count, spins = frames.count(shape), isinstance(device, Oscillator)
        for value, of in zip(units, (wiring.input_unit, wiring.coupling_unit), strict=True):
            if value is not None:
                check_positive("unit =", value, of)
        if spins and terminal != "current":
            units = (units[0], units[1] or units[0])
        units = (units[0], 1.0 if wiring.coupling is None else units[1])
        natural = natural_scales(device, wiring, timeline, count) if None in units else Scales(*map(float, units))  # type: ignore[arg-type]
        scales = Scales(*(own if given is None else given for own, given in zip(natural, units, strict=True)))
        usual = usual_limits(device, hold, count, None if spins and terminal != "current" else natural)
        limits = Limits() if limits is None else limits
        check_kind("limits", limits, Limits, "such as lg.networks.Limits(current=(0.0, 3e-3)), or None")
        given = {name: value for name, value in limits._asdict().items() if value is not None}
        limits = usual._replace(**given)
        bounds = bounds_of(device, wiring, limits, settings or {})
        read, parts = _signal(device, signal), _trained(wiring, device, trained)
        return cls(device, timeline, wiring, limits, bounds, scales, read, parts)

    def layer(self, count: int, encoder: Encoder, key: Any) -> TrainedLayer:
        """An array of so many devices, drawn by a key."""
        return TrainedLayer.create(
            self.device, count, encoder, self.timeline, self.wiring, self.limits, self.bounds, self.scales, key
        )


def _check_reading(frames: Any, shape: tuple[int, int], reading: tuple[Any, Any, Any]) -> None:
    """Raise ValueError for frames that are cut or read as they cannot be."""
    number, every, pooling = reading
    check_kind("frames", frames, Frames, "such as lg.networks.Frames.SIGNAL")
    check_kind("pooling", pooling, Pooling, "such as lg.networks.Pooling.MEAN")
    if number is not None and pooling is Pooling.TOGETHER:
        most = -(-frames.count(shape) // checked_count("every", every, 1, "one or more, a whole number"))
        if checked_count("frames_read", number, 1, "one or more, a whole number") > most:
            raise ValueError(
                f"frames_read = {number}, and of {frames.count(shape)} frames every = {every} leaves {most}; give "
                "as many, or None for all"
            )


def part_of(name: str) -> Trainable:
    """The part of a name; else it is that of a setting."""
    return next((part for part in Part if part.value == name), name)


def _checked(device: Device, hold: float | None, settings: Any) -> float:
    """The time for which a frame is held. Raises ValueError for a device that no array can be made of."""
    check_kind("device", device, (Oscillator, System), "give one device, such as lg.presets.kubota2013()")
    check_platform()
    kind = type(device).__name__
    if isinstance(device, Oscillator):
        if settings is not None:
            raise ValueError(
                "settings are for a System; an Oscillator has field along z, current and damping, within its limits"
            )
        return SPIN_HOLD if hold is None else hold
    if not have_shapes_of_one(device):
        raise ValueError(f"this {kind} has a table, which devices in an array cannot have; give it as numbers")
    if hold is None:
        raise ValueError(
            f"hold is needed for {kind}: the time in seconds for which a frame is held, such as 2e-9; it shall be "
            "about as long as the device remembers"
        )
    return hold


def _start(device: Device, given: Any) -> Any:
    """The state after the reset, as a time line has it. Raises ValueError for another form."""
    if isinstance(device, Oscillator):
        given = (0.6, 0.0, 0.8) if given is None else given
        if isinstance(given, Mapping):
            raise ValueError("start names components, expected a unit vector (x, y, z) for an Oscillator")
        found = np.asarray([given.x, given.y, given.z] if isinstance(given, Vec3) else given)
        if found.shape != (3,) or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
            raise ValueError(f"start = {given!r}, expected a unit vector (x, y, z) for an Oscillator")
        return given if isinstance(given, Vec3) else Vec3(*map(float, found))

    own = device.start()
    known = component_names(own)
    if given is None:
        given = {name: float(number) for name, number in zip(known, jax.tree.leaves(own), strict=True)}
    if not isinstance(given, Mapping) or set(given) != set(known):
        raise ValueError(
            f"start = {given!r}, expected the components of {type(device).__name__} by name: {', '.join(known)}"
        )
    return {name: given[name] for name in known}


def _signal(device: Device, given: Any) -> Signal | OutputSignals:
    """What is read of a device. Raises ValueError for what it has not."""
    if isinstance(device, Oscillator):
        known = [one.value for one in Signal]
        if given is not None and not isinstance(given, Signal) and given not in known:
            raise ValueError(f"signal = {given!r}, expected one of an Oscillator: {', '.join(known)}")
        return Signal.MAGNETISATION if given is None else Signal(given)
    if isinstance(given, Signal):
        raise ValueError(
            f"signal = {given}, which is an Oscillator's; name what is read of {type(device).__name__}: "
            f"{', '.join(device.signals(device.start()))}"
        )
    return (
        given
        if isinstance(given, OutputSignals)
        else OutputSignals.plain(device, (given,) if isinstance(given, str) else given or ())
    )


def _trained(wiring: DeviceWiring, device: Device, given: tuple[Trainable, ...] | None) -> tuple[Trainable, ...]:
    """What is trained. Raises ValueError for what there is not."""
    knobs = tuple(part_of(setting.part) for setting in wiring.own if setting.knob)
    coupled = () if wiring.coupling is None else (Part.COUPLING,)
    if given is None:
        spins = isinstance(device, Oscillator) and wiring.coupling is not None
        return KNOBS_AND_COUPLING if spins else (Part.INPUT, *coupled, *knobs, Part.READOUT)
    given = (given,) if isinstance(given, (str, Part)) else given
    own = tuple(setting.part for setting in wiring.own)
    known = [Part.INPUT.value, *map(name_of, coupled), *own, Part.READOUT.value]
    if unknown := [name_of(part) for part in given if name_of(part) not in known]:
        raise ValueError(f"trained has {unknown[0]!r}, which this network has not; it has {', '.join(known)}")
    return tuple(given)
