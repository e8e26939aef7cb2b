"""What is read of a run or a recording: amplitude, frequency, phase, spectrum, line width, resistance, voltage."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.observables.amplitude import amplitude
    from llgrad.observables.frequency import frequency
    from llgrad.observables.levels.telegraph import Telegraph, telegraph
    from llgrad.observables.line_width import LineWidth, line_width
    from llgrad.observables.phase import instantaneous_phase, phase
    from llgrad.observables.resistance import load_voltage, resistance, voltage
    from llgrad.observables.spectrum import Spectrum, spectrum

__all__ = [
    "LineWidth",
    "Spectrum",
    "Telegraph",
    "amplitude",
    "frequency",
    "instantaneous_phase",
    "line_width",
    "load_voltage",
    "phase",
    "resistance",
    "spectrum",
    "telegraph",
    "voltage",
]

as_room(__name__)
