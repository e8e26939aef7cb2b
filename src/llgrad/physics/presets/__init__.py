"""Published devices, ready to simulate, one file for each kind; `names()` lists them, `load(name)` gives one.

A function's docstring says where each number was read, and what of the source's results the device reproduces.
"""

from llgrad.physics.presets.in_plane import lee2004
from llgrad.physics.presets.named import PRESETS, Preset, load, names
from llgrad.physics.presets.perpendicular import kubota2013

__all__ = ["PRESETS", "Preset", "kubota2013", "lee2004", "load", "names"]
