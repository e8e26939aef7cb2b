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
