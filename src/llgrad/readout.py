"""Bars in the plane of a film: the effects of the magnetisation on a current in them, and the resistances."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.physics.readout.bar import Film, HallBar
    from llgrad.physics.readout.effects import AHE, AMR, PHE, SMR, Magnetoresistance
    from llgrad.physics.readout.reading import longitudinal_resistance, transverse_resistance

__all__ = [
    "AHE",
    "AMR",
    "PHE",
    "SMR",
    "Film",
    "HallBar",
    "Magnetoresistance",
    "longitudinal_resistance",
    "transverse_resistance",
]

as_room(__name__)
