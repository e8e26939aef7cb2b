"""A Hall bar: films side by side in the path of a current in the plane, and the geometry in which they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.record import Record, is_concrete, quantity, vector
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import positive
from llgrad.devices.ranges import check_unit_vector
from llgrad.physics.electric.spin_orbit import HEAVY_METAL
from llgrad.physics.readout.effects import Magnetoresistance, SheetTensor

SIGNALS: Final[Mapping[str, str]] = {
    "longitudinal": "Ω",
    "transverse": "Ω",
    "longitudinal_voltage": "V",
    "transverse_voltage": "V",
}
"""What a bar tells, with its unit."""
RIGHT: Final = 1e-6


def _several(value: Any) -> Any:
    """A list as a tuple, and one record as a tuple of one."""
    return (value,) if isinstance(value, Record) else tuple(value) if isinstance(value, list) else value


class Film(Record):
    """One film of a `HallBar`: its sheet resistance, and what its magnetisation does to it.

    Args:
        sheet_resistance: ρ/thickness [Ω per square], without the effects.
        effects: `AMR`, `SMR`, `AHE`, `PHE`, or a `Magnetoresistance` of your own; none of a metal that only shunts.
        layer: name of the layer of a `Stack` whose magnetisation acts; None for the only one that moves.

    >>> import llgrad as lg
    >>> film = lg.readout.Film(200.0, (lg.readout.AMR(2.0), lg.readout.AHE(0.5)))
    >>> bar = lg.readout.HallBar(film, length=20e-6, width=5e-6)
    >>> [round(float(R), 6) for R in bar.resistances(lg.Vec3(0.6, 0.0, 0.8))]
    [802.88, 0.4]
    """

    sheet_resistance: float = quantity("Ω", about="sheet resistance, per square", bound=positive())
    effects: tuple[Magnetoresistance, ...] = eqx.field(converter=_several, default=())
    layer: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        R = self.sheet_resistance
        if is_concrete(R) and not np.all(np.asarray(R) > 0):
            raise ValueError(f"Film: sheet_resistance = {R} Ω, expected a positive one; ρ/thickness, per square")
        for effect in self.effects if isinstance(self.effects, tuple) else (self.effects,):
            if not isinstance(effect, Magnetoresistance):
                raise ValueError(
                    f"Film: effects holds {type(effect).__name__}, expected AMR(…), SMR(…), AHE(…), PHE(…)"
                )

    def tensor(self, m: tuple[Number, Number, Number]) -> SheetTensor:
        """Its sheet resistances [Ω] at m in the frame of the bar."""
        none = 0.0 * m[0]
        total = SheetTensor(self.sheet_resistance + none, self.sheet_resistance + none, none, none)
        for effect in self.effects:
            total = total.plus(effect.tensor(*m))
        return total


class HallBar(Record):
    """A bar in which a current flows in the plane, read along it and across it.

    With ĵ the direction of a positive current, n̂ the normal of the films and t̂ = n̂ × ĵ,

        R_long = (length/width) ρ_jj,   R_trans = ρ_tj   [Ω],

    the field along ĵ and along t̂ per current, no current flowing across. Films lie in parallel: their conductivity
    tensors add, ρ = (Σ ρ_k⁻¹)⁻¹, so that a metal beside a magnet shunts both readings, the transverse one by the square
    of its share.

    Args:
        films: `Film`s, one or several.
        length: ℓ between the contacts along the bar [m]. width: w [m].
        flow: ĵ, a unit vector. normal: n̂, across it.
        current: direct current [A] through the bar; None: that of the `SpinOrbitTorque` of the stack that it is in. A
            drive of a `Stack` acts on both, as "heavy_metal_current".
        name: begins the names of its signals, where a stack has several ("hall" gives "hall.transverse").

    `lg.readout.longitudinal_resistance` and `lg.readout.transverse_resistance` read a run or measured directions. In
    the `readouts` of a `Stack` it gives the signals "longitudinal" and "transverse" [Ω], "longitudinal_voltage" and
    "transverse_voltage" [V]; in the `observe` of a system of your own, and as an observable of an
    orbit, write `bar.resistances(m)`.

    Raises ValueError for a flow and a normal that are no unit vectors at a right angle, and for lengths that are none.

    >>> import llgrad as lg
    >>> film = lg.readout.Film(200.0, (lg.readout.AMR(1.5), lg.readout.AHE(0.4)))
    >>> bar = lg.readout.HallBar(film, length=20e-6, width=5e-6)
    >>> along, across = bar.resistances(lg.direction("90deg", "45deg"))
    >>> round(along, 6), round(across, 6)
    (803.0, 0.75)
    """

    films: tuple[Film, ...] = eqx.field(converter=_several)
    length: float = quantity("m", about="length ℓ between the contacts", bound=positive())
    width: float = quantity("m", about="width w", bound=positive())
    flow: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="direction ĵ of a positive current")
    normal: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="normal n̂ of the films")
    current: Number | None = quantity("A", default=None, about="direct current through the bar")
    name: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        films = self.films if isinstance(self.films, tuple) else (self.films,)
        if not films:
            raise ValueError("this bar has no film to carry a current; give films=lg.readout.Film(sheet_resistance, …)")
        for film in films:
            if not isinstance(film, Film):
                raise ValueError(
                    f"HallBar: films holds {type(film).__name__}, expected lg.readout.Film(sheet_resistance, …)"
                )
        for name in ("length", "width"):
            value = getattr(self, name)
            if is_concrete(value) and not np.all((np.asarray(value) > 0) & (np.asarray(value) < 0.1)):
                raise ValueError(f"HallBar: {name} = {value} m, expected a positive length in metres, such as 5e-6")
        check_unit_vector("HallBar: flow", self.flow)
        check_unit_vector("HallBar: normal", self.normal)
        parts = [c for v in (self.flow, self.normal) for c in (v.x, v.y, v.z)]
        if all(is_concrete(c) for c in parts) and np.any(np.abs(self.flow.dot(self.normal)) > RIGHT):
            raise ValueError(
                f"HallBar: flow = {self.flow} and normal = {self.normal}, expected them at a right angle: the current "
                "flows in the plane of the films"
            )
        if self.name is not None and not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ValueError(f"HallBar: name = {self.name!r}, expected a word such as 'hall', without dots")

    @property
    def outputs(self) -> dict[str, str]:
        """Unit of each of its signals, by name."""
        return {self._named(name): unit for name, unit in SIGNALS.items()}

    def _named(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name

    @property
    def layers(self) -> tuple[str | None, ...]:
        """Names of the layers that it reads, None for the only one that moves."""
        return tuple(dict.fromkeys(film.layer for film in self.films if film.effects))

    def in_frame(self, m: Vec3) -> tuple[Number, Number, Number]:
        """m·ĵ, m·t̂ and m·n̂, any one shape."""
        return m.dot(self.flow), m.dot(self.normal.cross(self.flow)), m.dot(self.normal)

    def resistances(self, m: Vec3 | Mapping[str | None, Vec3]) -> tuple[Number, Number]:
        """Longitudinal and transverse resistance [Ω] at a direction, or at those of layers by name; any one shape.

        Raises ValueError for the direction of a layer that is not given.
        """
        if not isinstance(m, Vec3) and (missing := [name for name in self.layers if name not in m]):
            raise ValueError(
                f"this bar reads the layer {missing[0]!r}, and directions are given of {', '.join(map(str, m))}"
            )
        if isinstance(m, Vec3) and len(self.layers) > 1:
            raise ValueError(f"this bar reads {len(self.layers)} layers; give their directions by name")
        some = m if isinstance(m, Vec3) else m[(self.layers or tuple(m))[0]]
        tensors = [
            film.tensor(self.in_frame(m if isinstance(m, Vec3) else m[film.layer] if film.effects else some))
            for film in self.films
        ]
        along, across = tensors[0].along, tensors[0].symmetric + tensors[0].hall
        if len(tensors) > 1:
            along, across = _in_parallel(tensors)
        return (self.length / self.width) * along, across

    def observed(self, m: Vec3 | Mapping[str | None, Vec3], current: Number) -> dict[str, Any]:
        """Its signals at directions, for a current [A] through it."""
        along, across = self.resistances(m)
        values = (along, across, current * along, current * across)
        return {self._named(name): value for name, value in zip(SIGNALS, values, strict=True)}


def bar_current(bar: HallBar, terms: Any) -> Any:
    """The direct current [A] of a bar: its own, or that of terms in a heavy metal.

    Raises ValueError where the bar has none of its own and those of the terms differ.
    """
    if bar.current is not None:
        return bar.current
    currents = [term.current for term in terms if HEAVY_METAL in term.terminals and hasattr(term, "current")]
    known = {float(current) for current in currents if isinstance(current, float)}
    if len(known) > 1:
        raise ValueError(
            f"the currents in the metals of this stack are {', '.join(f'{c:g}' for c in sorted(known))} A; say which "
            "one the bar carries: HallBar(…, current=…)"
        )
    return currents[0] if currents else 0.0


def _in_parallel(tensors: list[SheetTensor]) -> tuple[Any, Any]:
    """ρ_jj and ρ_tj of films whose conductivity tensors add."""
    jj = tt = jt = tj = 0.0
    for one in tensors:
        forth, back = one.symmetric + one.hall, one.symmetric - one.hall
        determinant = one.along * one.across - forth * back
        jj, tt = jj + one.across / determinant, tt + one.along / determinant
        tj, jt = tj - forth / determinant, jt - back / determinant
    determinant = jj * tt - tj * jt
    return tt / determinant, -tj / determinant
