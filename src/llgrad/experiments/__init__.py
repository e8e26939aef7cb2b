"""Many runs of one device: maps over its parameters, loops, resonance maps, switching and dwell times."""

from llgrad.experiments.loops.loop import loop
from llgrad.experiments.loops.result import Jump, Loop
from llgrad.experiments.rectification import Microwave
from llgrad.experiments.resonances.resonance_map import ResonanceMap, resonance_map
from llgrad.experiments.sweeps.files import load_map
from llgrad.experiments.sweeps.record import Map
from llgrad.experiments.sweeps.regions import Region
from llgrad.experiments.sweeps.sweep import sweep
from llgrad.experiments.switching.dwelling import DwellTimes, dwell_times
from llgrad.experiments.switching.error_rate import ErrorRate, write_error_rate
from llgrad.experiments.switching.result import Switching
from llgrad.experiments.switching.switching import switching

__all__ = [
    "DwellTimes",
    "ErrorRate",
    "Jump",
    "Loop",
    "Map",
    "Microwave",
    "Region",
    "ResonanceMap",
    "Switching",
    "dwell_times",
    "load_map",
    "loop",
    "resonance_map",
    "sweep",
    "switching",
    "write_error_rate",
]
