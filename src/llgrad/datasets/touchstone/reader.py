"""S parameters from Touchstone files (.s1p, .s2p, …, .ts), of versions 1 and 2.

They are read here, not by scikit-rf: scikit-rf 2.2 takes the Y and G parameters of version 1, which are normalised, for
y R² (it multiplies all by R), drops the rows of a two-port from the first frequency that falls (it takes them for
noise data), and refuses option lines whose words are left out or stand in another order.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.units import show
from llgrad.datasets.touchstone.scattering import HIGHEST, LARGEST, Scattering
from llgrad.datasets.touchstone.text import (
    UNITS,
    Options,
    Row,
    TouchstoneText,
    numbers_behind,
    parts_of,
    positive_integer,
)

_SUFFIX: Final = re.compile(r"\.[syzgh](\d+)p", re.IGNORECASE)
_PORTS_OF_A_ROW: Final = {3: 1, 9: 2}
_NOISE: Final = 5
"""Numbers in a row of noise parameters."""
_MIXED: Final = {"g": (1.0, -1.0), "h": (-1.0, 1.0)}
"""For each port of a hybrid matrix, whether it is driven by a voltage (1) or by a current (−1)."""


def is_touchstone(path: str | os.PathLike[str]) -> bool:
    """Whether the name of a file is that of a Touchstone file."""
    suffix = Path(path).suffix
    return _SUFFIX.fullmatch(suffix) is not None or suffix.lower() == ".ts"


def read_touchstone(path: str | os.PathLike[str]) -> Scattering:
    """The S parameters in a Touchstone file (.s1p, .s2p, …, .ts), of version 1 or 2.

    Every row is read, in whatever order the frequencies stand. The words of the option line may stand in any order, or
    be left out (GHz, S, MA, R 50 are the defaults of the format). Y, Z, G and H parameters become S parameters; in
    version 1 they are normalised to the reference resistance, in version 2 they are in siemens and ohm.
    `describe` tells how the file was understood.

    Raises ValueError, in one sentence that names the file and the line, for a row that is too short or too long, a
    number that is not finite, a frequency that comes twice, mixed-mode data, and an unknown word or keyword.

    Source: Touchstone File Format Specification, version 2.1, IBIS Open Forum, 2024.

    >>> from pathlib import Path
    >>> _ = Path("line.s1p").write_text("# MHz RI R 75\\n2000 0.5 0\\n1000 0.4 0.3\\n")
    >>> read_touchstone("line.s1p")
    Scattering: 1 ports, 2 frequencies from 1 GHz to 2 GHz
    """
    path = checked_path("path", path)
    parts = parts_of(path)
    ports = _ports(path, parts)
    places, per_point = _places(path, parts, ports)
    points, noise = _points(path, parts, ports, per_point)
    numbers = np.array([values for _, values in points])
    f, order = _frequencies(path, points, UNITS[parts.options.unit])
    flat = _complex(numbers[:, 1:], parts.options.form)
    raw = np.zeros((len(points), ports, ports), complex)
    for index, (row, column) in enumerate(places):
        raw[:, row, column] = flat[:, index]
        if per_point < 2 * ports * ports:
            raw[:, column, row] = flat[:, index]
    reference = _reference(path, parts, ports)
    try:
        s = _scattering(raw[order], parts, reference)
        return Scattering(f, s, reference, parts.notes, _understood(parts, ports, f, order, noise, reference))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _ports(path: Path, parts: TouchstoneText) -> int:
    said = positive_integer(path, parts.said, "number of ports")
    if "mixed-mode order" in parts.said:
        raise ValueError(f"{path} has mixed-mode parameters, which are not read; export those of single ports")
    match = _SUFFIX.fullmatch(path.suffix)
    ports = said or (int(match[1]) if match else _PORTS_OF_A_ROW.get(len(parts.rows[0][1])))
    if not ports:
        raise ValueError(f"{path} does not say how many ports there are; name the file .s1p, .s2p, …")
    if ports > 99:
        raise ValueError(f"{path} is of {ports} ports, expected 99 at most")
    if match and said and int(match[1]) != said:
        raise ValueError(f"{path} says {said} ports, and its name {match[1]}; mend one of them")
    return ports


def _places(path: Path, parts: TouchstoneText, ports: int) -> tuple[list[tuple[int, int]], int]:
    """Row and column of each complex number of a point, and how many real numbers a point has besides its frequency."""
    form = parts.said.get("matrix format", "full").lower()
    if form not in ("full", "lower", "upper"):
        raise ValueError(f"{path}: [Matrix Format] {form!r} is unknown; expected Full, Lower or Upper")
    inside = {"full": lambda i, j: True, "lower": lambda i, j: j <= i, "upper": lambda i, j: j >= i}[form]
    places = [(i, j) for i in range(ports) for j in range(ports) if inside(i, j)]
    first = parts.said.get("two-port data order", "21_12" if parts.version == 1 else None)
    if ports == 2 and form == "full":
        if first not in ("21_12", "12_21"):
            raise ValueError(f"{path} needs [Two-Port Data Order] 21_12 or 12_21, as S21 or S12 comes first")
        if first == "21_12":
            places = [(0, 0), (1, 0), (0, 1), (1, 1)]
    return places, 2 * len(places)


def _points(path: Path, parts: TouchstoneText, ports: int, per_point: int) -> tuple[list[Row], int]:
    """The numbers of each frequency, which may go on in further lines, and the number of rows of noise parameters."""
    points: list[Row] = []
    waiting: list[float] = []
    rows, size = parts.rows, 1 + per_point
    noise_from = _noise_from(rows) if ports == 2 and parts.version == 1 else len(rows)
    for number, values in rows[:noise_from]:
        waiting += values
        if len(waiting) > size:
            raise ValueError(
                f"{path}, line {number}: expected {size} numbers for a frequency of {ports} ports, got "
                f"{len(waiting)}; mend the row, or the number of ports in the name"
            )
        if len(waiting) == size:
            points.append((number, waiting))
            waiting = []
    if waiting:
        raise ValueError(f"{path} ends within a frequency: {len(waiting)} of {size} numbers; the file is cut off")
    count = positive_integer(path, parts.said, "number of frequencies")
    if count is not None and count != len(points):
        raise ValueError(f"{path} says {count} frequencies, and has {len(points)}; the file is cut off or damaged")
    return points, len(rows) - noise_from


def _noise_from(rows: list[Row]) -> int:
    """Where the noise parameters of a two-port begin: rows of five numbers at the end, from a lower frequency on.

    Where the frequencies before do not increase, as the format asks for, such a row may as well be one cut off.
    """
    first = len(rows)
    while first > 0 and len(rows[first - 1][1]) == _NOISE:
        first -= 1
    before = [values[0] for _, values in rows[:first]]
    follows = 0 < first < len(rows) and rows[first][1][0] <= before[-1] and bool((np.diff(before) > 0).all())
    return first if follows else len(rows)


def _frequencies(path: Path, points: list[Row], unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies [Hz], increasing, and the order of the points that they come from."""
    written = np.array([values[0] for _, values in points]) * unit
    order = np.argsort(written, kind="stable")
    f = written[order]
    if (twice := np.flatnonzero(np.diff(f) == 0)).size:
        one, other = (points[order[twice[0] + i]][0] for i in (0, 1))
        said = show(float(f[twice[0]]), "Hz")
        raise ValueError(f"{path}: {said} stands in the lines {one} and {other}; remove one of them")
    if not 0 <= f[0] <= f[-1] < HIGHEST:
        raise ValueError(f"{path}: frequencies from {f[0]:g} to {f[-1]:g} Hz cannot be meant; look at the option line")
    return f, order


def _complex(pairs: np.ndarray, form: str) -> np.ndarray:
    first, second = pairs[:, 0::2], pairs[:, 1::2]
    if form == "ri":
        return first + 1j * second
    size = first if form == "ma" else 10.0 ** (np.minimum(first, 2000.0) / 20)
    return size * np.exp(1j * np.deg2rad(np.fmod(second, 360.0)))


def _reference(path: Path, parts: TouchstoneText, ports: int) -> tuple[float, ...]:
    given = parts.options.reference
    if parts.version == 2 and "reference" in parts.said:
        given = tuple(numbers_behind(path, parts.said, "reference"))
    if len(given) not in (1, ports) or min(given) <= 0:
        raise ValueError(
            f"{path} gives {len(given)} reference resistances {given} for {ports} ports; expected one each"
        )
    return given if len(given) == ports else given * ports


def _scattering(raw: np.ndarray, parts: TouchstoneText, reference: tuple[float, ...]) -> np.ndarray:
    """S parameters from any kind, by v = a + b and i = a − b of each port, in units of √R and 1/√R.

    With D = −1 for a port that a voltage drives and 1 for one that a current drives, what drives is a − D b and what
    answers is a + D b: a normalised matrix P of any kind gives b = D (1 + P)⁻¹ (P − 1) a.
    """
    kind = parts.options.parameter
    if kind == "s":
        return raw
    ports = raw.shape[-1]
    if kind in _MIXED and ports != 2:
        raise ValueError(f"{kind.upper()} parameters are those of two ports, and there are {ports}")
    by_voltage = np.array(_MIXED[kind] if kind in _MIXED else [1.0 if kind == "y" else -1.0] * ports)
    if parts.version == 2:  # in siemens and ohm
        scale = np.asarray(reference) ** (by_voltage / 2)
        raw = raw * (scale[:, None] * scale)
    one = np.eye(ports)
    if not np.isfinite(raw).all() or np.abs(raw).max() > LARGEST**2:
        raise ValueError(f"a {kind.upper()} parameter is too large to be meant; remove its frequency")
    if (np.linalg.cond(one + raw) > 1e12).any():
        raise ValueError(
            f"its {kind.upper()} parameters have no S parameters at some frequency: 1 + {kind} is singular"
        )
    return -by_voltage[:, None] * np.linalg.solve(one + raw, raw - one)


def _understood(
    parts: TouchstoneText, ports: int, f: np.ndarray, order: np.ndarray, noise: int, reference: tuple[float, ...]
) -> tuple[str, ...]:
    options = parts.options
    kind = options.parameter.upper()
    how = {"ri": "real and imaginary parts", "ma": "magnitudes and angles", "db": "decibels and angles"}[options.form]
    ohms = ", ".join(f"{r:g}" for r in dict.fromkeys(reference))
    normalised = "" if kind == "S" else (" normalised" if parts.version == 1 else " in siemens and ohm")
    found = [
        f"Touchstone, version {parts.version}: {kind} parameters{normalised} of {ports} port{'s' if ports > 1 else ''} "
        f"as {how}, reference {ohms} Ω",
        f"{f.size} frequencies from {show(float(f[0]), 'Hz')} to {show(float(f[-1]), 'Hz')}",
    ]
    if (np.diff(order) != 1).any():
        found.append("rows sorted by frequency")
    if noise:
        found.append(f"{noise} rows of noise parameters left out")
    if options == Options() and "version" not in parts.said:
        found.append("option line of the defaults: GHz S MA R 50")
    return tuple(found)
