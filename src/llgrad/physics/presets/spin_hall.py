"""Layers on a heavy metal, whose current turns them by its spin Hall effect."""

from __future__ import annotations

import math
from typing import Any

from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR
from llgrad.core.vector import Vec3
from llgrad.devices.geometry import Ellipse
from llgrad.devices.junction import ConductanceJunction, LinearJunction
from llgrad.devices.ranges import direction
from llgrad.physics.electric.spin_orbit import SpinOrbitTorque
from llgrad.physics.stacks.barrier import Barrier
from llgrad.physics.stacks.layer import Layer
from llgrad.physics.stacks.stack import Stack


def camsari2017() -> Stack:
    """Probabilistic bit: a circular layer without a preferred direction in its plane, at 300 K, which a current of some
    µA in the heavy metal below holds to one side.

    K. Y. Camsari, R. Faria, B. M. Sutton, S. Datta, Phys. Rev. X 7, 031014 (2017), arXiv:1610.00377, whose text was
    read; its Table I: Ms = 300 emu/cc, a disk of 15 nm × 0.5 nm, α = 0.1, MTJ of G₀ = 176 µS and polarisation P = 0.5
    with G = G₀ (1 + P² m_z) (eq. 7), heavy metal of L = W = 15 nm, 3.15 nm thick, spin Hall angle 0.5, spin relaxation
    length 2.1 nm, 300 K. The field is −4π Ms m_x x̂, x across the layer, and the spins are along z (eq. 11): no
    anisotropy. All of the spin current is taken by the layer, and the current of the reading does nothing, as there.

    Not in that table: γ (the electron's here).
    Reproduced: β = I_s/I_c = θ (L/t) (1 − sech(t/λ)) (eq. 5), 1.37 by these numbers where the text says "≈ 1.5"; the
    thermal spin current 4 e α k_B T/ħ (eq. 6), 2.5 µA at α = 0.1; that ten times this hold it, and that for a layer
    without a field ⟨m_z⟩ does not depend on the volume: coth x − 1/x, x = 2 I_s/I_th.

    >>> import llgrad as lg
    >>> bit = lg.presets.camsari2017()
    >>> [layer.name for layer in bit.layers], bit.temperature
    (['free', 'reference'], 300.0)
    """
    Ms, thickness, area = 300e3, 0.5e-9, math.pi / 4 * 15e-9**2
    gain = 0.5 * 15 / 3.15 * (1 - 1 / math.cosh(3.15 / 2.1))
    metal = SpinOrbitTorque(
        per_ampere=gain * HBAR / (2 * ELEMENTARY_CHARGE * Ms * area * thickness), spin=Vec3(0.0, 0.0, 1.0)
    )
    common: dict[str, Any] = {"Ms": Ms, "thickness": thickness, "area": area}
    free = Layer("free", **common, alpha=0.1, demag=Vec3(1.0, 0.0, 0.0), m=Vec3(0.0, 1.0, 0.0), terms=(metal,))
    reference = Layer("reference", **common, m=Vec3(0.0, 0.0, 1.0), fixed=True)
    P2 = 0.5**2
    junction = ConductanceJunction(R_P=1 / (176e-6 * (1 + P2)), tmr=2 * P2 / (1 - P2))
    return Stack(layers=(free, reference), barriers=Barrier(("free", "reference"), junction), temperature=300.0)


def mcgoldrick2022() -> Stack:
    """Three-terminal spin Hall oscillator: an in-plane ellipse on a heavy metal strip, in a field along its short axis,
    which 0.4 mA in the strip drive into oscillation at 2.18 GHz.

    B. C. McGoldrick, J. Z. Sun, L. Liu, Phys. Rev. Appl. 17, 014006 (2022), arXiv:2110.08885; its numbers were read in
    the model that comes with it (bcmcgold/va-shno on GitHub, commit 5b72126, `shno.va` and `tables/`; of the article
    the abstract alone was read): Ms = 800 kA/m, an ellipse of 200 nm × 120 nm × 1.5 nm, α = 0.02, spin Hall angle 0.07,
    a strip of 200 nm × 5 nm and 200 Ω, R_P = 1200 Ω and R_AP = 2400 Ω with R linear in m_x, spins at 30°.

    The comment there takes these 30° from the x axis; its equations (sin in what is odd, cos in what is even about the
    field) take them from the field's axis y, and so does this. Not in those files, and chosen here for the frequencies
    in its table: the field, 20 mT, and the perpendicular anisotropy, 434 mT; the demagnetising factors are those of the
    elliptic cylinder (`lg.devices.ellipse`).
    Reproduced: the frequency at all 17 voltages of its table from 68 mV to 100 mV, 12.4 to 14.2 rad/ns, within 1.8 %
    (by two chosen numbers). Not reproduced: where it begins, at 64 mV here and at 60 mV or less in the table, whose
    first frequencies are 10 % lower and more; and beyond 80 mV the size of the orbit (the first harmonic of m_x becomes
    1.15 here and 1.00 there).

    >>> import llgrad as lg
    >>> oscillator = lg.presets.mcgoldrick2022()
    >>> [layer.name for layer in oscillator.layers], sorted(oscillator.inputs)
    (['free', 'reference'], ['current', 'field_x', 'field_y', 'field_z', 'heavy_metal_current', 'voltage'])
    """
    body = Ellipse((100e-9, 60e-9), 1.5e-9)
    Ms, thickness, area = 800e3, 1.5e-9, body.area
    turned = math.radians(30.0)
    per_ampere = HBAR * 0.07 / (2 * ELEMENTARY_CHARGE * Ms * 200e-9 * 5e-9 * thickness)
    strip = SpinOrbitTorque(per_ampere, spin=Vec3(math.sin(turned), -math.cos(turned), 0.0), current=0.4e-3)
    common: dict[str, Any] = {"Ms": Ms, "thickness": thickness, "area": area}
    free = Layer("free", **common, alpha=0.02, H_k=0.434, demag=body.demag, m=direction(1.45, 1.3), terms=(strip,))
    reference = Layer("reference", **common, m=Vec3(1.0, 0.0, 0.0), fixed=True)
    barrier = Barrier(("free", "reference"), LinearJunction(R_P=1200.0, delta_R=1200.0))
    return Stack(layers=(free, reference), barriers=barrier, field=Vec3(0.0, 0.02, 0.0))
