"""Physical constants in SI units: the only file that holds one.

Source: CODATA 2022 (Mohr, Newell, Taylor, Tiesinga, Rev. Mod. Phys. 97, 025002 (2025)); ħ, e and k_B are exact since
2019.
"""

from typing import Final

HBAR: Final = 1.054571817646156391e-34
"""Reduced Planck constant [J s]."""

ELEMENTARY_CHARGE: Final = 1.602176634e-19
"""Elementary charge [C]."""

BOLTZMANN: Final = 1.380649e-23
"""Boltzmann constant [J/K]."""

MU_0: Final = 1.25663706127e-6
"""Vacuum permeability [T m/A]."""

GAMMA_ELECTRON: Final = 1.76085962784e11
"""Gyromagnetic ratio of the free electron [rad/(T s)]."""

# What other programs hold these to be: a conversion gives their device only with their numbers.

CMTJ_GYROMAGNETIC_RATIO: Final = 220880.0
"""γ µ0 of cmtj [m/(A s)] (core/constants.hpp, GYRO)."""

CMTJ_MU_0: Final = 12.566e-7
"""Vacuum permeability of cmtj [T m/A], rounded (core/constants.hpp, MAGNETIC_PERMEABILITY)."""

CMTJ_ELEMENTARY_CHARGE: Final = 1.60217662e-19
"""Elementary charge of cmtj [C] (core/constants.hpp, ELECTRON_CHARGE)."""

MUMAX_GAMMA: Final = 1.7595e11
"""γ of mumax3 [rad/(T s)] (engine/torque.go, GammaLL)."""
