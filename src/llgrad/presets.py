"""Published devices, ready to simulate, and devices from files: `names()` lists them, `load(name)` gives one.

A function's docstring says where each number was read, and what of the source's results the device reproduces.
"""

from llgrad.physics.presets import (
    PRESETS,
    Preset,
    cheng2016,
    garcia2021,
    guslienko2014,
    kubota2013,
    lee2004,
    lepadatu2020,
    load,
    names,
    taniguchi2018,
    zhang2020,
)
from llgrad.physics.presets.files import load_device

__all__ = [
    "PRESETS",
    "Preset",
    "cheng2016",
    "garcia2021",
    "guslienko2014",
    "kubota2013",
    "lee2004",
    "lepadatu2020",
    "load",
    "load_device",
    "names",
    "taniguchi2018",
    "zhang2020",
]
