"""The one interface of the physics: every torque is an effective field of the state and of what acts at the moment."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from llgrad.core.record import Record
from llgrad.core.vector import Vec3

UNITS: Final = {"t": "s", "current": "A", "field": "T"}


class Inputs:
    """What acts at a moment, by name: the time `t` [s], and what a drive, a coupling or noise brings.

    A field term has `t`, `current` [A] and `field` [T]; a `System` has `t`, the inputs that it declares, and `noise`.
    Raises AttributeError, with the names that there are, for any other, and TypeError where it is taken for a number.

    >>> import llgrad as lg
    >>> inputs = lg.systems.Inputs(0.0, None, {"current": 2.5e-3})
    >>> inputs.t, inputs.current
    (0.0, 0.0025)
    """

    def __init__(self, t: Any, noise: tuple[Any, ...] | None, given: Mapping[str, Any], asked: str = "") -> None:
        """`asked` is what is said where somebody asks for a `{name}` that is none of the `{known}`."""
        self._given = {"t": t, **({} if noise is None else {"noise": noise}), **given}
        self._asked = asked or "a rate asks for inputs.{name}, but its system has only {known}; declare it in `inputs`"

    def __getattr__(self, name: str) -> Any:
        given = self.__dict__.get("_given", {})
        if name not in given:
            raise AttributeError(self.__dict__.get("_asked", "{name}").format(name=name, known=", ".join(given)))
        return given[name]

    def _is_no_number(self, *_: Any) -> Any:
        parts = (f"inputs.{name}" + (f" [{UNITS[name]}]" if name in UNITS else "") for name in self._given)
        raise TypeError(f"what acts at a moment is taken for a number; take a part of it: {', '.join(parts)}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _is_no_number
    __pow__ = __rpow__ = __neg__ = __abs__ = __lt__ = __le__ = __gt__ = __ge__ = _is_no_number


class Watched(Inputs):
    """Inputs that remember what was asked for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if "seen" in self.__dict__:
            self.seen.add(name)
        return super().__getattr__(name)


def given_to_term(current: Any, field: Any, t: Any = 0.0, more: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
    """The arguments of a field term's `Inputs`: total current [A], field from outside [T] (a Vec3), time [s], and what
    comes by further terminals."""
    asked = "a field term asks for inputs.{name}, but it is given only {known}; declare it in `terminals`"
    return t, None, {"current": current, "field": field, **(more or {})}, asked


def inputs_of_term(current: Any, field: Any, t: Any = 0.0, more: Mapping[str, Any] | None = None) -> Inputs:
    """What a field term is given: the total current [A], the field from outside [T] (a Vec3), the time [s], and what
    comes by further terminals."""
    return Inputs(*given_to_term(current, field, t, more))


def terminals_of(parts: Iterable[Any]) -> dict[str, str]:
    """The units of all terminals that terms or couplings ask for, by name.

    Raises ValueError where two of them mean another unit by one name.
    """
    found: dict[str, str] = {}
    for part in parts:
        for name, unit in part.terminals.items():
            if found.setdefault(name, unit) != unit:
                raise ValueError(
                    f"the terminal {name!r} of {type(part).__name__} is in {unit}, and that of another term in "
                    f"{found[name]}; give one of them another name"
                )
    return found


class FieldTerm(Record):
    """An effective magnetic field B(m, inputs), in tesla, that enters the LLG line.

    A term of your own is one small class: fields declared with `quantity(unit)` are its parameters (differentiable, and
    free in a fit under the name `terms.<index>.<name>`), and `field` is written with arithmetic and `jax.numpy` on
    scalars:

    >>> import llgrad as lg
    >>> class Oersted(lg.physics.FieldTerm):
    ...     per_ampere: float = lg.quantity("T/A")
    ...     def field(self, m, inputs):
    ...         return lg.Vec3(0.0 * m.x, self.per_ampere * inputs.current, 0.0 * m.z)
    >>> device = lg.presets.kubota2013().replace(terms=(Oersted(per_ampere=0.5),))

    Raises ValueError where the class is defined, for a `field` that takes the current in place of the inputs.
    """

    terminals: ClassVar[Mapping[str, str]] = {}
    """Units of inputs beside t, current and field that `field` asks for, by name. A drive of a `Stack` acts on them;
    "voltage" is that across the junction."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.__dict__.get("field")
        if own is not None and list(inspect.signature(own).parameters)[1:] == ["m", "current"]:
            raise ValueError(
                f"{cls.__name__}.field(self, m, current) is of an earlier llgrad: write field(self, m, inputs), and "
                "inputs.current where it says current"
            )

    @abc.abstractmethod
    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        """Effective field [T] at magnetisation `m` (unit vector) and what acts at the moment: `inputs.current` [A], the
        whole current through the junction; `inputs.field` [T], a Vec3, all that is applied from outside, by the device,
        a drive and coupled neighbours; `inputs.t` [s], the time since the start of the run.

        Every component of `m`, the current and every parameter is one scalar, or an array of one value for each of
        N oscillators: write the formula for scalars and let it broadcast.
        """


def as_terms(value: Any) -> Any:
    """The terms of a device as a tuple: of one term, or a list of them."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
