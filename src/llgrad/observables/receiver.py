"""What a spectrum analyser makes of noise: its filter is wider than it says, and some averages read too low.

A line of an oscillator is noise to an analyser where it is wider than the resolution bandwidth.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

GAUSSIAN: Final = math.sqrt(math.pi / (4 * math.log(2)))


def _synchronous(poles: int) -> float:
    """Noise bandwidth over 3 dB bandwidth of equal poles, |H|² = (1 + x²)⁻ⁿ."""
    area = math.sqrt(math.pi) * math.gamma(poles - 0.5) / math.gamma(poles)
    return area / (2 * math.sqrt(2 ** (1 / poles) - 1))


FILTERS: Final[dict[str, float]] = {
    "gaussian": GAUSSIAN,
    "gaussian, 6 dB": GAUSSIAN / math.sqrt(2),
    "gaussian, impulse": 1 / math.sqrt(2),
    "4 poles": _synchronous(4),
    "5 poles": _synchronous(5),
    "flat": 1.0,
}
"""Noise bandwidth of a resolution filter over the width that its RBW names: by 3 dB, 6 dB, or the impulse bandwidth."""
DETECTORS: Final = ("sample", "rms", "average", "peak", "minimum peak", "auto peak", "quasi peak")
AVERAGES: Final[dict[str, float]] = {
    "power": 0.0,
    "voltage": 10 * math.log10(math.pi / 4),
    "log": -10 * 0.5772156649015329 / math.log(10),
}
"""What an average of Gaussian noise reads above its power [dB]: of power, of the envelope, of its logarithm (−2.51)."""


class Receiver(NamedTuple):
    """How levels in a resolution bandwidth were read; None is what nobody said.

    `filter` is one of `FILTERS`, or a number: noise bandwidth over `rbw` (digital filters: about 1.055).

    >>> Receiver(1e6).noise_bandwidth, Receiver(1e6, averaging="log").bias
    (1064467.0..., -2.506...)

    Source: Agilent, Spectrum Analysis Basics, application note 150 (2006), chapter 5: the noise bandwidth of filters
    that are nearly Gaussian is 1.05 to 1.13 times that of 3 dB; averages of the logarithm read noise 2.5 dB low, of the
    voltage 1.05 dB.
    """

    rbw: float
    """Resolution bandwidth [Hz]."""
    filter: str | float = "gaussian"
    detector: str | None = None
    averaging: str | None = None

    @property
    def ratio(self) -> float:
        """Noise bandwidth over resolution bandwidth."""
        return FILTERS[self.filter] if isinstance(self.filter, str) else float(self.filter)

    @property
    def noise_bandwidth(self) -> float:
        """Width [Hz] of the rectangle that passes as much noise as the filter."""
        return self.ratio * self.rbw

    @property
    def bias(self) -> float:
        """What noise is read above its power [dB], where that is known: of peaks, and averages over them, it is not."""
        known = self.detector in (None, "sample", "average")
        return AVERAGES[self.averaging] if self.averaging is not None and known else 0.0


def checked(rbw: float, filter: str | float, detector: str | None, averaging: str | None) -> Receiver:
    """A receiver of values that a user gave. Raises ValueError for one that is unknown."""
    if not (math.isfinite(rbw) and rbw > 0):
        raise ValueError(f"rbw = {rbw:g} Hz, expected a positive resolution bandwidth")
    if isinstance(filter, str) and filter not in FILTERS:
        raise ValueError(f"filter = {filter!r} is unknown; expected {_listed(FILTERS)}, or noise bandwidth over RBW")
    if not isinstance(filter, str) and not 0.1 < float(filter) < 10:
        raise ValueError(f"filter = {filter:g}, expected noise bandwidth over RBW, such as 1.065")
    if detector is not None and detector not in DETECTORS:
        raise ValueError(f"detector = {detector!r} is unknown; expected {_listed(DETECTORS)}")
    if averaging is not None and averaging not in AVERAGES:
        raise ValueError(f"averaging = {averaging!r} is unknown; expected {_listed(AVERAGES)}")
    return Receiver(float(rbw), filter, detector, averaging)


def _listed(names: object) -> str:
    return ", ".join(repr(name) for name in names)  # pyright: ignore[reportGeneralTypeIssues]
