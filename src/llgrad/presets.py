"""Published devices, ready to simulate, and devices from files: `names()` lists them, `load(name)` gives one.

A function's docstring says where each number was read, and what of the source's results the device reproduces. Most
articles could not be read as such: their numbers come from the programs and files that are named there, and only
`camsari2017` has those of an article's own table.
"""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.physics.presets.chain import taniguchi2018
    from llgrad.physics.presets.files import load_device
    from llgrad.physics.presets.in_plane import lee2004
    from llgrad.physics.presets.named import PRESETS, Preset, load, names
    from llgrad.physics.presets.perpendicular import garcia2021, kubota2013
    from llgrad.physics.presets.spin_hall import camsari2017, mcgoldrick2022
    from llgrad.physics.presets.stacks import cheng2016, lepadatu2020
    from llgrad.physics.presets.voltage import zhang2020
    from llgrad.physics.presets.vortex import guslienko2014

__all__ = [
    "PRESETS",
    "Preset",
    "camsari2017",
    "cheng2016",
    "garcia2021",
    "guslienko2014",
    "kubota2013",
    "lee2004",
    "lepadatu2020",
    "load",
    "load_device",
    "mcgoldrick2022",
    "names",
    "taniguchi2018",
    "zhang2020",
]

as_room(__name__)
