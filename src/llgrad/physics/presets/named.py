"""The one table of published devices by name: their kind, what makes them, and where their numbers were read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.physics.presets import chain, in_plane, perpendicular, spin_hall, stacks, voltage, vortex


class Preset(NamedTuple):
    """One published device.

    >>> import llgrad as lg
    >>> preset = lg.presets.PRESETS["kubota2013"]
    >>> preset.kind, preset.make().alpha
    ('perpendicular oscillator', 0.005)
    """

    kind: str
    """What it is, in a few words: devices of one kind stand together."""
    make: Callable[[], Oscillator | System]
    """The function that gives the record."""
    source: str
    """Where its numbers were read."""
    area: float | None = None
    """The area [m²] that its current flows through, where the record does not tell."""


PRESETS: Final[dict[str, Preset]] = {
    "kubota2013": Preset(
        "perpendicular oscillator", perpendicular.kubota2013, "arXiv:2312.01121", perpendicular.KUBOTA_AREA
    ),
    "garcia2021": Preset(
        "perpendicular junction",
        perpendicular.garcia2021,
        "arXiv:2106.04976, read in ARM-software/mram_simulation_framework",
        perpendicular.GARCIA_AREA,
    ),
    "lee2004": Preset(
        "in-plane oscillator",
        in_plane.lee2004,
        "OOMMF 2.1a0 (spinxfer.mif; no result of its paper is reproduced)",
        in_plane.LEE.area,
    ),
    "lepadatu2020": Preset(
        "synthetic antiferromagnet", stacks.lepadatu2020, "J. Appl. Phys. 128, 243902 (2020), read in SerbanL/Boris2"
    ),
    "zhang2020": Preset(
        "voltage-controlled junction",
        voltage.zhang2020,
        "IEEE Access 8, 50792 (2020), read in ferrispnugraha/vgsot_python_model",
    ),
    "cheng2016": Preset(
        "antiferromagnetic spin Hall oscillator",
        stacks.cheng2016,
        "Phys. Rev. Lett. 116, 207603 (2016), read in zhuzibn/2016_PRL_RanCheng",
    ),
    "mcgoldrick2022": Preset(
        "spin Hall oscillator",
        spin_hall.mcgoldrick2022,
        "Phys. Rev. Appl. 17, 014006 (2022), read in bcmcgold/va-shno",
    ),
    "camsari2017": Preset(
        "probabilistic bit", spin_hall.camsari2017, "Phys. Rev. X 7, 031014 (2017), arXiv:1610.00377"
    ),
    "guslienko2014": Preset("vortex oscillator", vortex.guslienko2014, "Nanoscale Res. Lett. 9, 386 (2014)"),
    "taniguchi2018": Preset(
        "two junctions in series",
        chain.taniguchi2018,
        "arXiv:1712.04591 (its circuit, of which the abstract was read; resistances chosen)",
    ),
}


def names() -> list[str]:
    """The names of the presets.

    >>> import llgrad as lg
    >>> "kubota2013" in lg.presets.names()
    True
    """
    return list(PRESETS)


def load(name: str) -> Oscillator | System:
    """The preset of a name. Raises ValueError, with the names there are, for another.

    >>> import llgrad as lg
    >>> lg.presets.load("kubota2013").alpha
    0.005
    """
    if name not in PRESETS:
        raise ValueError(
            f"unknown device {name!r}; the presets are {', '.join(PRESETS)}, or give a .json or .toml file"
        )
    return PRESETS[name].make()
