"""Free layers that are perpendicular to the plane, and a polariser in it."""

from __future__ import annotations

import math
from typing import Final

from llgrad.core.vector import Vec3
from llgrad.devices.junction import ConductanceJunction
from llgrad.devices.oscillator import Oscillator, ellipse_volume


def kubota2013() -> Oscillator:
    """Perpendicular free layer with an in-plane polariser, at 2.5 mA and 200 Oe along z, where it oscillates at 0.440
    GHz.

    Measured by H. Kubota et al., Appl. Phys. Express 6, 103003 (2013); modelled by T. Taniguchi et al., ibid. 123003;
    these numbers were published with arXiv:2312.01121: λ = 0.288 as printed. The two articles themselves were not
    compared: their numbers could not be read.
    Reproduced: the trajectory that was published with them, sample by sample.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> round(float(lg.orbit(sto).frequency) / 1e9, 4)  # GHz
    0.4402
    """
    return Oscillator.from_cgs(
        Ms=1448.3,
        volume=ellipse_volume(60e-7, 60e-7, 2e-7),
        H_k=18616.0,
        gamma=1.764e7,
        alpha=0.005,
        demag=(0.0, 0.0, 1.0),
        polarization=0.537,
        lambda_=0.288,
        polariser=(1.0, 0.0, 0.0),
        current=2.5,
        field=(0.0, 0.0, 200.0),
    )


def garcia2021() -> Oscillator:
    """Perpendicular free layer with a perpendicular polariser, a memory cell of 50 nm, which 100 µA turn away from it.

    The numbers are the defaults of the compact model that comes with F. García-Redondo et al., arXiv:2106.04976
    (ARM-software/mram_simulation_framework on GitHub, `llg_parameters.va`, `dimension_parameters.va` and
    `mtj_subcircuit.scs` of commit 727de96; of the article the abstract alone was read): Ms = 1200 kA/m, K_i = 1 mJ/m²,
    1 nm thick, 50 nm across, α = 0.01, N = (0.029, 0.029, 0.941), P = 0.75, Λ = 1, R_P = 6 kΩ, TMR = 2 P²/(1 − P²).

    Not in those files: γ (the electron's here), and the temperature (0 K here). Their −100 µA are 100 µA here, where a
    positive current drives m away from the polariser. The voltage's effect on the anisotropy (ξ = 61 fJ/(V m), barrier
    1.6 nm) is off there, and here.
    Reproduced: this current turns the layer over within the 15 ns of their `test_sllgs_solver.py`; by the linear theory
    the threshold is α (H_k − µ0 Ms (N_z − N_x))/(ħ P/(2 e Ms V)) = 27.8 µA.

    >>> import llgrad as lg
    >>> cell = lg.presets.garcia2021()
    >>> round(cell.current * 1e6), round(cell.H_k, 3)  # µA, T
    (100, 1.667)
    """
    thickness = 1e-9
    return Oscillator(
        Ms=1.2e6,
        volume=GARCIA_AREA * thickness,
        H_k=2 * 1e-3 / (1.2e6 * thickness),
        alpha=0.01,
        demag=Vec3(0.029, 0.029, 0.941),
        polarization=0.75,
        polariser=Vec3(0.0, 0.0, 1.0),
        current=100e-6,
        junction=ConductanceJunction(R_P=6e3, tmr=2 * 0.75**2 / (1 - 0.75**2)),
    )


GARCIA_AREA: Final = math.pi / 4 * 50e-9**2
KUBOTA_AREA: Final = math.pi * 60e-9**2
