"""The shapes of a line: Lorentzians, and their derivatives as a lock-in amplifier gives them for a modulated field.

With x = (H − H_r)/w, where w is the half width at half maximum of the absorption, both parts of a Lorentzian line are
those of one complex number,

    1/(1 − ix) = 1/(1 + x²) + i x/(1 + x²),

the symmetric part (absorption) and the antisymmetric part (dispersion). Where the field is modulated, H + a cos θ, a
lock-in amplifier shows the first harmonic, (1/π) ∫ P(H + a cos θ) cos θ dθ over a period. For 1/(1 − ix) that integral
is elementary: with m = a/w and s = √((1 − ix)² + m²) it is m g,

    g(x; m) = 2i/(s (s + 1 − ix)),   g(x; 0) = i/(1 − ix)² = d/dx 1/(1 − ix).

Its real part is the derivative of the symmetric line, broadened by the modulation: H. Wahlquist, J. Chem. Phys. 35,
1708 (1961), whose first harmonic it is. The peaks of the derivative of the symmetric part lie ΔH_pp = 2w/√3 apart for a
small modulation, and about 2a for a large one; to the eye it is a line of the half width √(w² + a²). A microwave phase,
or the eddy currents of a thick conductor (F. J. Dyson, Phys. Rev. 98, 349 (1955)), mixes the two parts; the phase of
the lock-in amplifier scales the whole line and mixes nothing.
"""

from __future__ import annotations

import enum
from typing import Any, Final

import numpy as np

PEAK_TO_PEAK: Final = 2 / 3**0.5
"""ΔH_pp/w of the derivative of a Lorentzian, with w the half width at half maximum."""


class LineShape(enum.Enum):
    """What a line looks like against the field.

    >>> import llgrad as lg
    >>> lg.fitting.LineShape("derivative").words
    'derivatives of Lorentzians'
    """

    LORENTZIAN = "lorentzian"
    """S/(1 + x²) + A x/(1 + x²)."""
    DERIVATIVE = "derivative"
    """The same, as the first harmonic of a modulated field: S d/dx (…) + A d/dx (…) for a small modulation."""

    @property
    def words(self) -> str:
        """What to call it in a sentence."""
        return "Lorentzians" if self is LineShape.LORENTZIAN else "derivatives of Lorentzians"


def line_shape(shape: LineShape, x: Any, modulation: Any = 0.0) -> Any:
    """The complex line at x = (H − H_r)/w: its real part goes with S, its imaginary part with A.

    `modulation` is m = a/w, the amplitude (half the peak-to-peak value) of the modulated field in half widths.

    >>> line_shape(LineShape.LORENTZIAN, 1.0), line_shape(LineShape.DERIVATIVE, 0.0)
    (np.complex128(0.5+0.5j), np.complex128(1j))
    """
    pole = 1 - 1j * np.asarray(x)
    if shape is LineShape.LORENTZIAN:
        return 1 / pole
    root = np.sqrt(pole * pole + modulation * modulation)
    return 2j / (root * (root + pole))


def slopes(shape: LineShape, x: Any, modulation: Any = 0.0) -> tuple[Any, Any]:
    """The derivatives of `line_shape` by x and by the modulation m."""
    pole = 1 - 1j * np.asarray(x)
    if shape is LineShape.LORENTZIAN:
        return 1j / (pole * pole), 0.0 * pole
    root = np.sqrt(pole * pole + modulation * modulation)
    line = 2j / (root * (root + pole))
    by_root = -line * (2 * root + pole) / (root * (root + pole))
    by_pole = by_root * pole / root - line / (root + pole)
    return -1j * by_pole, by_root * modulation / root
