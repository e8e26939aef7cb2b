"""Free layers that are perpendicular to the plane, and a polariser in it."""

from __future__ import annotations

import math
from typing import Final

from llgrad.devices.oscillator import Oscillator, ellipse_volume


def kubota2013() -> Oscillator:
    """Perpendicular free layer with an in-plane polariser, at 2.5 mA and 200 Oe along z, where it oscillates at 0.440
    GHz.

    Measured by H. Kubota et al., Appl. Phys. Express 6, 103003 (2013); modelled by T. Taniguchi et al., ibid. 123003;
    these
    numbers were published with arXiv:2312.01121: λ = 0.288 as printed.
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


KUBOTA_AREA: Final = math.pi * 60e-9**2
