"""Free layers whose easy axis lies in the plane, with a polariser in it."""

from __future__ import annotations

import math
from typing import Final

from llgrad.core.vector import Vec3
from llgrad.devices.geometry import Ellipse
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import direction

LEE: Final = Ellipse((64.8e-9, 36e-9), 3e-9)


def lee2004() -> Oscillator:
    """In-plane free layer with an in-plane polariser, an ellipse of cobalt, at 4 mA and 200 mT along its long axis.

    The numbers are those of OOMMF's sample file `app/oxs/local/spinxfer.mif` (OOMMF 2.1a0), "based on simulations in"
    K. J. Lee, A. Deac, O. Redon, J. P. Nozières, B. Dieny, Nature Materials 3, 877 (2004): Ms = 1420 kA/m, an ellipse
    of 129.6 nm × 72 nm × 3 nm, α = 0.014, P = 0.5669, Λ = 1, the polariser 1° off the long axis, −4 mA as OOMMF counts,
    γ = 2.211e5 m/(A s). The article itself was not compared. Not in that file: the field (it has none; 200 mT along the
    polariser is chosen here, which holds m parallel and lets the current drive an orbit), the demagnetising factors
    (those of the elliptic cylinder, see `lg.devices.ellipse`). In that file and not here: exchange, the current's own
    field, a point contact.

    Reproduced: no result of the article. Its text could not be read, and its subject (recalled) is incoherent spin
    waves within the layer, which one vector does not have. Take it as an ellipse of cobalt with a polariser.

    >>> import llgrad as lg
    >>> sto = lg.presets.lee2004()
    >>> round(sto.current * 1e3), round(sto.Ms / 1e3)  # mA, kA/m
    (4, 1420)
    """
    return Oscillator(
        Ms=1420e3,
        volume=LEE.volume,
        demag=LEE.demag,
        alpha=0.014,
        gamma=2.211e5 / (4e-7 * math.pi),
        polarization=0.5669,
        polariser=direction(math.pi / 2, math.radians(1.0)),
        current=4e-3,
        field=Vec3(0.2, 0.0, 0.0),
    )
