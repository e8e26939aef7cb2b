"""Junctions whose anisotropy follows a voltage."""

from __future__ import annotations

import math
from typing import Any, Final

from llgrad.core.constants import MU_0
from llgrad.core.vector import Vec3
from llgrad.devices.junction import ConductanceJunction
from llgrad.physics.electric.spin_orbit import SpinOrbitTorque
from llgrad.physics.electric.voltage import VoltageControlledAnisotropy
from llgrad.physics.stacks.barrier import Barrier
from llgrad.physics.stacks.layer import Layer
from llgrad.physics.stacks.stack import Stack


def zhang2020() -> Stack:
    """Voltage-gated spin–orbit junction: a perpendicular layer on an antiferromagnetic metal strip, whose anisotropy
    1.494 V across its barrier take away.

    Modelled by K. Zhang et al., IEEE Access 8, 50792 (2020); its numbers were read in a reproduction of it
    (ferrispnugraha/vgsot_python_model on GitHub, commit 56cc554; of the article the abstract alone was read): Ms = 625
    kA/m, K_i = 0.32 mJ/m², 1.1 nm thick, 50 nm across, α = 0.05, VCMA coefficient 60 fJ/(V m), barrier 1.4 nm, R A =
    650 Ω µm², TMR 1, spin Hall angle 0.25 of a strip 50 nm × 3 nm, exchange bias −50 Oe along y, g = 2, N_x = N_y = π
    t/4D.

    A positive voltage lowers the anisotropy: `per_volt` is negative. The signs of currents are those of that file,
    where −x is the spin that a positive current in the strip brings: its torque draws m towards +x. Spin-transfer
    torque, field-like torque and noise are off, as in its Figs. 3a and 5; the angular law of the resistance (linear
    conductance) is chosen here, and the TMR does not fall with the voltage, as there to half at 0.5 V. Beside the 60
    fJ/(V m) of that file stands a comment of 75.
    Reproduced: the anisotropy is gone at 1.4937 V; without a voltage −95 µA switch it and −85 µA do not; at the current
    whose field cancels the bias (−6.26 µA), 1.333 V switch it and 1.300 V do not, within 25 ns.

    >>> import llgrad as lg
    >>> junction = lg.presets.zhang2020()
    >>> [layer.name for layer in junction.layers], sorted(junction.inputs)
    (['free', 'reference'], ['current', 'field_x', 'field_y', 'field_z', 'heavy_metal_current', 'voltage'])
    """
    Ms, thickness, area = 0.625e6, 1.1e-9, math.pi / 4 * 50e-9**2
    N = math.pi * thickness / (4 * 50e-9)
    gate = VoltageControlledAnisotropy.of_interface(-60e-15, Ms=Ms, thickness=thickness, barrier=1.4e-9)
    strip = SpinOrbitTorque.of_metal(
        0.25, Ms=Ms, thickness=thickness, section=50e-9 * 3e-9, flow=(0.0, -1.0, 0.0), normal=(0.0, 0.0, 1.0)
    )
    common: dict[str, Any] = {"Ms": Ms, "thickness": thickness, "area": area}
    free = Layer(
        "free",
        **common,
        alpha=0.05,
        gamma=2 * ELECTRON_MAGNETON,
        H_k=2 * 0.32e-3 / (Ms * thickness),
        demag=Vec3(N, N, 1 - 2 * N),
        terms=(strip, gate),
    )
    reference = Layer("reference", **common, m=Vec3(0.0, 0.0, 1.0), fixed=True)
    barrier = Barrier(("free", "reference"), ConductanceJunction(R_P=650e-12 / area, tmr=1.0))
    return Stack(
        layers=(free, reference), barriers=(barrier,), field=Vec3(0.0, -50e3 / (4 * math.pi) * MU_0, 0.0), voltage=0.0
    )


ELECTRON_MAGNETON: Final = 9.274e-24 / 1.054e-34
"""μ_B/ħ [rad/(T s)] as the source has it."""
