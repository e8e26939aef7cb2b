"""Stacks of layers that are coupled by exchange: a synthetic antiferromagnet, and the sublattices of a real one."""

from __future__ import annotations

import math
from typing import Any, Final

from llgrad.core.constants import GAMMA_ELECTRON
from llgrad.core.vector import Vec3
from llgrad.physics.anisotropy import UniaxialAnisotropy
from llgrad.physics.electric.spin_orbit import SpinOrbitTorque
from llgrad.physics.stacks.coupling import InterlayerExchange
from llgrad.physics.stacks.layer import Layer
from llgrad.physics.stacks.stack import Stack


def lepadatu2020() -> Stack:
    """Synthetic antiferromagnet, Co90Fe10 of 4.9 nm and 2.9 nm with 0.6 nm of Ru between, at rest without a field;
    428 mT across its easy axis saturate it.

    Read in the files with which S. Lepadatu's article on Boris, J. Appl. Phys. 128, 243902 (2020), comes
    (SerbanL/Boris2 on GitHub, commit 5c6f4f2; the article itself was not compared): `BorisArticle/RKKY/rkky.py` has the
    thicknesses, `Boris/BorisMDB.txt` the material Co90Fe10/Ru: Ms = 1300 kA/m, J₁ = −1 mJ/m², J₂ = 0, K₁ = 3.7 kJ/m³,
    easy axis along x, damping 0.007, g 1.1 times 2 (it takes most of these from doi:10.1038/s41598-017-01748-7).

    There ten such pairs lie one on the other, polycrystalline, each coupled to the next; here one pair, of uniform easy
    axis. Not in those files: the shape of an element (a film there; 300 nm × 300 nm here, with the factors of a film).
    Reproduced: saturation across the easy axis at |J₁| Σ 1/(Ms tᵢ) + 2 K₁/Ms.

    >>> import llgrad as lg
    >>> saf = lg.presets.lepadatu2020()
    >>> [(layer.name, round(layer.thickness * 1e9, 1)) for layer in saf.layers]  # nm
    [('lower', 4.9), ('upper', 2.9)]
    """
    K1, Ms = 3.7e3, 1.3e6
    easy = UniaxialAnisotropy(H_k=2 * K1 / Ms, axis=Vec3(1.0, 0.0, 0.0))
    common: dict[str, Any] = {
        "Ms": Ms,
        "area": 9e-14,
        "alpha": 0.007,
        "gamma": 1.1 * 2 * MAGNETON_OVER_HBAR,
        "terms": (easy,),
    }
    return Stack(
        layers=(
            Layer("lower", thickness=4.9e-9, m=Vec3(1.0, 0.0, 0.0), **common),
            Layer("upper", thickness=2.9e-9, m=Vec3(-1.0, 0.0, 0.0), **common),
        ),
        couplings=(InterlayerExchange(("lower", "upper"), J1=-1e-3),),
    )


def cheng2016() -> Stack:
    """Two sublattices of NiO, an antiferromagnet with an easy and a hard axis, that a spin current along the easy axis
    drives into terahertz oscillation.

    Modelled by R. Cheng, D. Xiao, A. Brataas, Phys. Rev. Lett. 116, 207603 (2016), arXiv:1509.09229; its numbers were
    read in a reproduction of it (zhuzibn/2016_PRL_RanCheng on GitHub, commit fb51e74, Fig1.m and AFMm1m2_LLG, which
    says that they are those of the article's reference 30; of the article the abstract alone was read): ω_E = 27.4, ω_⊥
    = 0.023 (hard axis z) and ω_∥ = 0.001 (easy axis x) in 2π·THz, α = 0.0068.

    What is not printed there, or called unknown: magnetisation, thickness and area, and how many amperes make a spin
    torque. Only the product J₁/(Ms t) acts: Ms = 100 kA/m, 0.9 nm and 50 nm × 50 nm are chosen here, and the torque
    is 1 T/A on both sublattices, so that `terms.1.current` of a layer is γ⁻¹ times the ω_s of the article in teslas.
    Reproduced: the modes without torque, ω = ω_E √((ω_⊥ + 2ω_∥ ± ω_⊥)/ω_E − α²), at 0.1417 THz and 1.1316 THz (its
    Fig. 1), and the threshold ω_s = √(ω_⊥²/4 + α² (2ω_∥ + ω_⊥) ω_E) (its eq. 3), 457 mT; that
    what it excites is between the two modes in frequency (its abstract): 0.83 THz.

    >>> import llgrad as lg
    >>> afm = lg.presets.cheng2016()
    >>> [layer.name for layer in afm.layers], afm.couplings[0].between
    (['one', 'other'], ('one', 'other'))
    """
    tesla = 2 * math.pi * 1e12 / GAMMA_ELECTRON
    Ms, thickness = 1e5, 0.9e-9
    easy = UniaxialAnisotropy(H_k=0.001 * tesla, axis=Vec3(1.0, 0.0, 0.0))
    torque = SpinOrbitTorque(per_ampere=1.0, spin=Vec3(1.0, 0.0, 0.0))
    common: dict[str, Any] = {"Ms": Ms, "thickness": thickness, "area": 2.5e-15, "alpha": 0.0068, "H_k": -0.023 * tesla}
    common |= {"demag": Vec3(0.0, 0.0, 0.0), "terms": (easy, torque)}
    return Stack(
        layers=(Layer("one", m=Vec3(1.0, 0.0, 0.0), **common), Layer("other", m=Vec3(-1.0, 0.0, 0.0), **common)),
        couplings=(InterlayerExchange(("one", "other"), J1=-27.4 * tesla * Ms * thickness),),
    )


MAGNETON_OVER_HBAR: Final = 9.2740100783e-24 / 1.054571817e-34
"""μ_B/ħ [rad/(T s)]: γ of g = 1 (CODATA 2018)."""
