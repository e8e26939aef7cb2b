"""Published devices, ready to simulate. Each names its source; `names()` lists them for the command line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from llgrad.core.vector import Vec3
from llgrad.devices.geometry import Ellipse
from llgrad.devices.oscillator import Oscillator, ellipse_volume
from llgrad.devices.ranges import direction


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


def lee2004() -> Oscillator:
    """In-plane free layer with an in-plane polariser, an ellipse of cobalt, at 4 mA and 200 mT along its long axis.

    The numbers are those of OOMMF's sample file `app/oxs/local/spinxfer.mif` (OOMMF 2.1a0), "based on simulations in"
    K. J. Lee, A. Deac, O. Redon, J. P. Nozières, B. Dieny, Nature Materials 3, 877 (2004): Ms = 1420 kA/m, an ellipse
    of 129.6 nm × 72 nm × 3 nm, α = 0.014, P = 0.5669, Λ = 1, the polariser 1° off the long axis, −4 mA as OOMMF counts,
    γ = 2.211e5 m/(A s). The article itself was not compared. Not in that file: the field (it has none; 200 mT along the
    polariser is chosen here, which holds m parallel and lets the current drive an orbit), the demagnetising factors
    (those of the elliptic cylinder, see `lg.ellipse`). In that file and not here: exchange, the current's own field, a
    point contact.
    """
    return Oscillator(
        Ms=1420e3,
        volume=_LEE.volume,
        demag=_LEE.demag,
        alpha=0.014,
        gamma=2.211e5 / (4e-7 * math.pi),
        polarization=0.5669,
        polariser=direction(math.pi / 2, math.radians(1.0)),
        current=4e-3,
        field=Vec3(0.2, 0.0, 0.0),
    )


_LEE: Final = Ellipse((64.8e-9, 36e-9), 3e-9)

PRESETS: Final[dict[str, Callable[[], Oscillator]]] = {"kubota2013": kubota2013, "lee2004": lee2004}

AREAS: Final = {"kubota2013": math.pi * 60e-9**2, "lee2004": _LEE.area}
"""The area [m²] that the current of each preset flows through."""


def names() -> list[str]:
    """The names of the presets."""
    return list(PRESETS)


def load(name: str) -> Oscillator:
    """The preset of a name. Raises ValueError, with the names there are, for another."""
    if name not in PRESETS:
        raise ValueError(
            f"unknown device {name!r}; the presets are {', '.join(PRESETS)}, or give a .json or .toml file"
        )
    return PRESETS[name]()
