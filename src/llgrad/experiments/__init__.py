"""Many runs of one device: maps over its parameters, loops, resonance maps, switching and dwell times."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.experiments.harmonics.effective_fields import (
        EffectiveFields,
        effective_fields,
        effective_fields_in_plane,
    )
    from llgrad.experiments.harmonics.harmonic_hall import harmonic_hall
    from llgrad.experiments.harmonics.result import HarmonicHall
    from llgrad.experiments.loops.loop import loop
    from llgrad.experiments.loops.result import Jump, Loop
    from llgrad.experiments.rectification import Microwave
    from llgrad.experiments.resonances.resonance_map import ResonanceMap, resonance_map
    from llgrad.experiments.spin_diode import SpinDiode, spin_diode
    from llgrad.experiments.sweeps.files import load_map
    from llgrad.experiments.sweeps.record import Map
    from llgrad.experiments.sweeps.regions import Region
    from llgrad.experiments.sweeps.sweep import sweep
    from llgrad.experiments.switching.dwelling import DwellTimes, dwell_times
    from llgrad.experiments.switching.error_rate import ErrorRate, write_error_rate
    from llgrad.experiments.switching.result import Switching
    from llgrad.experiments.switching.switching import switching
    from llgrad.experiments.synchronisation import Synchronisation, synchronisation

__all__ = [
    "DwellTimes",
    "EffectiveFields",
    "ErrorRate",
    "HarmonicHall",
    "Jump",
    "Loop",
    "Map",
    "Microwave",
    "Region",
    "ResonanceMap",
    "SpinDiode",
    "Switching",
    "Synchronisation",
    "dwell_times",
    "effective_fields",
    "effective_fields_in_plane",
    "harmonic_hall",
    "load_map",
    "loop",
    "resonance_map",
    "spin_diode",
    "sweep",
    "switching",
    "synchronisation",
    "write_error_rate",
]

as_room(__name__)
