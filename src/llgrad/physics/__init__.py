"""The terms of the equation: fields, anisotropies, torques, stray fields, and what each of them does at a state."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.core.field_term import FieldTerm
    from llgrad.physics.anisotropy import PerpendicularAnisotropy, UniaxialAnisotropy
    from llgrad.physics.applied import AppliedField
    from llgrad.physics.arrays.apart import keep_apart
    from llgrad.physics.arrays.dipolar import DipolarCoupling
    from llgrad.physics.cubic import CubicAnisotropy
    from llgrad.physics.demagnetisation import Demagnetisation, prism_factors
    from llgrad.physics.dipolar import dipolar_tensors
    from llgrad.physics.electric.biased import BiasedJunction, TabulatedJunction
    from llgrad.physics.electric.oersted import OerstedField
    from llgrad.physics.electric.spin_orbit import SpinOrbitTorque
    from llgrad.physics.electric.voltage import VoltageAnisotropyTable, VoltageControlledAnisotropy
    from llgrad.physics.slonczewski import SlonczewskiTorque
    from llgrad.physics.torques import Torques, torque_at

__all__ = [
    "AppliedField",
    "BiasedJunction",
    "CubicAnisotropy",
    "Demagnetisation",
    "DipolarCoupling",
    "FieldTerm",
    "OerstedField",
    "PerpendicularAnisotropy",
    "SlonczewskiTorque",
    "SpinOrbitTorque",
    "TabulatedJunction",
    "Torques",
    "UniaxialAnisotropy",
    "VoltageAnisotropyTable",
    "VoltageControlledAnisotropy",
    "dipolar_tensors",
    "keep_apart",
    "prism_factors",
    "torque_at",
]

as_room(__name__)
