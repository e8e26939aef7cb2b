"""The shape of a free layer: from an ellipse's axes to volume, area and demagnetising factors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.core.units import read_quantity
from llgrad.core.vector import Vec3

SHAPE: Final = ("ellipse", "area", "thickness")
"""What a device file and --set may hold beside a record's own quantities, to find volume, demag and area from."""

_KEYS: Final = {"diameters", "semi_axes", "thickness"}

ANGLES: Final = 2048
"""Points of the average over the azimuth; the integrand is smooth and periodic, so the error falls exponentially."""


class Ellipse(NamedTuple):
    """An elliptic layer; the axes lie along x and y.

    >>> import llgrad as lg
    >>> layer = lg.devices.ellipse(diameters=(120e-9, 60e-9), thickness=2e-9)
    >>> layer.semi_axes, round(layer.volume * 1e24, 2)  # m; volume in 1e-24 m³
    ((6e-08, 3e-08), 11.31)
    >>> [round(float(n), 4) for n in (layer.demag.x, layer.demag.y, layer.demag.z)]
    [0.0203, 0.0536, 0.926]
    """

    semi_axes: tuple[float, float]
    """Along x and y [m]."""
    thickness: float
    """Along z [m]."""

    @property
    def area(self) -> float:
        """π a b [m²]."""
        return math.pi * self.semi_axes[0] * self.semi_axes[1]

    @property
    def volume(self) -> float:
        """π a b t [m³]."""
        return self.area * self.thickness

    @property
    def demag(self) -> Vec3:
        """Magnetometric demagnetising factors (N_x, N_y, N_z) of the elliptic cylinder; their sum is 1.

        In Fourier space (M. Beleggia, M. De Graef, Y. T. Millev, D. A. Goode, G. Rowlands, J. Phys. D 38, 3333 (2005))
        an ellipse becomes a circle by a change of scale of its two axes, so N_z is the mean over the azimuth ψ of the
        factor N(τ) of circular cylinders of length over radius τ(ψ) = t √(cos²ψ/a² + sin²ψ/b²), and N_x is the mean of
        (1 − N) cos²ψ/a² over cos²ψ/a² + sin²ψ/b². The factor of a circular cylinder is exact, from Lorenz's inductance
        of a solenoid (R. I. Joseph, J. Appl. Phys. 37, 4639 (1966)).
        """
        psi = (np.arange(ANGLES) + 0.5) * (math.pi / 2 / ANGLES)
        along_x, along_y = (np.cos(psi) / self.semi_axes[0]) ** 2, (np.sin(psi) / self.semi_axes[1]) ** 2
        flat = _circular_factor(self.thickness * np.sqrt(along_x + along_y))
        rest = (1 - flat) / (along_x + along_y)
        return Vec3(float(np.mean(rest * along_x)), float(np.mean(rest * along_y)), float(np.mean(flat)))


def ellipse(
    *,
    thickness: float | str,
    diameters: Sequence[float | str] | str | None = None,
    semi_axes: Sequence[float | str] | str | None = None,
) -> Ellipse:
    """An elliptic layer by its diameters or its semi-axes (along x, along y) and its thickness: area, volume and demag.

    Args:
        thickness: of the free layer, in metres, or text with a unit: "2nm".
        diameters: the two full axes, in metres or as text: (160e-9, 80e-9), "160nm, 80nm". A circle has two equal ones.
        semi_axes: half of them, instead.

    Raises ValueError unless one of the two is given, for lengths that are not positive, and for lengths above 1 mm.

    >>> import llgrad as lg
    >>> layer = lg.devices.ellipse(diameters=(160e-9, 80e-9), thickness=5e-9)
    >>> sto = lg.Oscillator(Ms=8e5, volume=layer.volume, demag=layer.demag)
    >>> [round(n, 4) for n in (sto.demag.x, sto.demag.y, sto.demag.z)]
    [0.0331, 0.0863, 0.8805]
    """
    if (diameters is None) == (semi_axes is None):
        raise ValueError("an ellipse takes diameters or semi_axes, one of the two, and its thickness")
    name, given = ("semi_axes", semi_axes) if diameters is None else ("diameters", diameters)
    pair = _lengths(name, given)
    if len(pair) != 2:
        raise ValueError(f"{name} = {given!r}, expected two lengths, along x and along y, such as '160nm, 80nm'")
    height = _lengths("thickness", thickness)
    if len(height) != 1:
        raise ValueError(f"thickness = {thickness!r}, expected one length, such as 2nm")
    half = 1.0 if diameters is None else 0.5
    return Ellipse((pair[0] * half, pair[1] * half), height[0])


def _circular_factor(ratio: np.ndarray) -> np.ndarray:
    """N_z of circular cylinders of length over radius `ratio`."""
    from scipy.special import ellipe, ellipkm1  # slow to import, and only a shape needs it

    m = 4 / (4 + ratio**2)
    rest = ratio**2 / (4 + ratio**2)  # 1 − m, without loss of digits where the cylinder is flat
    flux = ((2 * m - 1) * ellipe(m) + rest * ellipkm1(rest)) / m**1.5 - 1
    return 1 - 8 * flux / (3 * math.pi * ratio)


def _lengths(name: str, given: Any) -> list[float]:
    """One or more lengths [m]: numbers in metres from Python, text with a unit from anywhere."""
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",")]
    parts: list[Any] = [given] if isinstance(given, (int, float, Mapping)) else list(given)
    try:
        read = [read_quantity(part, "m") if isinstance(part, (str, Mapping)) else float(part) for part in parts]
        values = [float(one) for part in read for one in np.ravel(part)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None
    for value in values:
        if not 0 < value <= 1e-3:
            raise ValueError(
                f"{name} = {value:g} m is out of range, expected a positive length of nanometres to micrometres; "
                f"did you mean {value:g} nm?"
            )
    return values


class Shape(NamedTuple):
    """What the shape of a device settles; None where it says nothing."""

    volume: float | None = None
    demag: Vec3 | None = None
    area: float | None = None


def shape_of(given: Mapping[str, Any], volume: float | None) -> Shape:
    """The shape that `ellipse`, `area` and `thickness` describe, as a file or --set holds them (with units).

    Args:
        given: some of the entries of `SHAPE`.
        volume: that of the device where it is known [m³].

    Raises ValueError where they contradict each other or say too little.
    """
    if "ellipse" in given:
        extra = [name for name in ("area", "thickness") if name in given]
        entry = given["ellipse"]
        if extra or not isinstance(entry, Mapping) or not {"thickness"} < set(entry) <= _KEYS:
            raise ValueError(
                "an ellipse is {diameters: ['160nm', '80nm'], thickness: '5nm'}, or with semi_axes"
                + (f"; {' and '.join(extra)} beside it would say its shape twice" if extra else "")
            )
        layer = ellipse(**{name: _with_units(f"ellipse.{name}", value) for name, value in entry.items()})
        return Shape(layer.volume, layer.demag, layer.area)
    area = one_quantity("area", given["area"], "m²") if "area" in given else None
    thickness = one_quantity("thickness", given["thickness"], "m") if "thickness" in given else None
    if area is not None and thickness is not None:
        if volume is not None and not math.isclose(volume, area * thickness, rel_tol=1e-6):
            raise ValueError(
                f"volume = {volume:g} m³ is not area × thickness = {area * thickness:g} m³; give two of the three"
            )
        return Shape(area * thickness, None, area)
    if thickness is not None and volume is None:
        raise ValueError("thickness alone gives no volume; give the volume, the area, or an ellipse beside it")
    return Shape(None, None, area if thickness is None or volume is None else volume / thickness)


def one_quantity(name: str, value: Any, unit: str) -> float:
    """One positive quantity, as a file holds it."""
    found = _named(name, value, unit)
    if np.ndim(found) or not found > 0:
        raise ValueError(f"{name} = {value!r}, expected one positive quantity in {unit}")
    return float(found)


def _with_units(name: str, value: Any) -> Any:
    """A length as it stands in a file, where a bare number is refused; Python's numbers are metres."""
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, (str, Mapping)):
            _named(name, part, "m")
    return value


def _named(name: str, value: Any, unit: str) -> Any:
    try:
        return read_quantity(value, unit)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
