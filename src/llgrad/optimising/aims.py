"""What is to be as small or as large as it can be: a number of the orbit, of the device, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from llgrad.core.arguments.kinds import wrong_kind
from llgrad.orbits.cycle.finding import orbit as find
from llgrad.orbits.results.named import QUANTITIES, checked


class Measure:
    """A number of a device. Two that ask for the same are equal, so that a compiled program serves both."""

    name: str
    unit: str
    of_orbit: bool

    def of(self, device: Any, drive: Any, orbit: Any) -> Any:
        """The number ()."""
        raise TypeError(f"{type(self).__name__} has no number")


@dataclass(frozen=True)
class OrbitNumber(Measure):
    """A number of the orbit, by its name or by a function."""

    name: str
    unit: str
    options: tuple[Any, ...]
    """Pairs of name and value, in which mappings are tuples too."""
    function: Callable[..., Any]
    """orbit, options → number."""
    of_orbit = True

    def of(self, device: Any, drive: Any, orbit: Any) -> Any:
        return self.function(orbit, **_thawed(self.options))

    def __call__(self, device: Any) -> Any:
        """The number of a device whose orbit is looked for."""
        return self.of(device, None, find(device))


@dataclass(frozen=True)
class DeviceNumber(Measure):
    """A function of the device, or of the device and its drive."""

    name: str
    unit: str
    function: Callable[..., Any]
    of_orbit = False

    def of(self, device: Any, drive: Any, orbit: Any) -> Any:
        return self.function(device) if drive is None else self.function(device, drive)

    def __call__(self, device: Any, drive: Any = None) -> Any:
        """The number of a device, or of a device and its drive."""
        return self.of(device, drive, None)


@dataclass(frozen=True)
class Parameter(Measure):
    """One of the numbers that are searched, or held."""

    name: str
    unit: str
    of_orbit = False


class Named(NamedTuple):
    """What is asked for by a word: a number of the orbit, or a parameter. Which, the device decides."""

    name: str


class Aim(NamedTuple):
    """A measure that is to be small (sign 1) or large (sign −1)."""

    measure: Any
    """A Measure, or a Named of which the device decides what it is."""
    sign: int

    @property
    def word(self) -> str:
        """What is done to it."""
        return "smallest" if self.sign > 0 else "largest"


def of_orbit(what: str | Callable[..., Any], *, unit: str = "", **options: Any) -> OrbitNumber:
    """A number of a device's limit cycle, for an aim or a limit: by its name, with its options, or by a function of the
    orbit. It is itself a function of the device.

    Args:
        what: "frequency", "line_width", "power", … (the names of `Orbit`), or a function of an `Orbit`.
        unit: unit of a function's number, for reports; a name has its own.
        options: those of the name, as `drive={"field_x": 1e-5}` of "locking", `input="current"` of "sensitivity".

    Raises ValueError for a name or an option that there is not.

    >>> import llgrad as lg
    >>> round(float(of_orbit("frequency")(lg.presets.kubota2013())) / 1e9, 4)
    0.4402
    """
    if isinstance(what, str):
        quantity = checked(what, options)
        if unit:
            raise ValueError(f"unit = {unit!r}: {what!r} has a unit of its own, {quantity.unit or '1'}; leave it out")
        return OrbitNumber(what, quantity.unit or "1", _frozen(options), quantity.of)
    if not callable(what):
        raise ValueError(wrong_kind("what", what, "the name of a number of an orbit, or a function of one", _SEE))
    return OrbitNumber(_name_of(what), unit or "1", _frozen(options), what)


def of_device(function: Callable[..., Any], *, unit: str = "1") -> DeviceNumber:
    """A function of the device, or of (device, drive), with the SI unit of its number, for an aim or a limit.

    >>> import llgrad as lg
    >>> power = of_device(lambda sto: 1e3 * sto.current**2, unit="W")
    >>> power.unit, power(lg.presets.kubota2013())
    ('W', 0.00625)
    """
    if not callable(function) or isinstance(function, (type, Measure)):
        raise ValueError(
            wrong_kind("function", function, "a function of the device", "for the orbit see lg.optimising.of_orbit")
        )
    return DeviceNumber(_name_of(function), unit, function)


_SEE = 'as "line_width", or a function of the Orbit'


def minimise(what: str | Callable[..., Any], *, unit: str = "", **options: Any) -> Aim:
    """The aim of `lg.optimise` that a number be as small as it can be.

    Args:
        what: the name of a number of the orbit ("line_width") with its `options`, or of a parameter ("current"); a
            function of the device, or of (device, drive) where a drive is given, to a number (); or
            `lg.optimising.of_orbit(…)`.
        unit: unit of a function's number, for reports.
        options: of a number of the orbit, as in `lg.optimising.of_orbit`.

    >>> minimise("line_width").word
    'smallest'
    """
    return Aim(measure_of("what", what, unit, options), 1)


def maximise(what: str | Callable[..., Any], *, unit: str = "", **options: Any) -> Aim:
    """The aim of `lg.optimise` that a number be as large as it can be; arguments as of `lg.minimise`.

    >>> maximise("locking", drive={"field_x": 1e-5}).word
    'largest'
    """
    return Aim(measure_of("what", what, unit, options), -1)


def measure_of(argument: str, what: Any, unit: str = "", options: Mapping[str, Any] | None = None) -> Measure | Named:
    """What a user names. Raises ValueError for what is no number of a device."""
    options = options or {}
    if isinstance(what, str):
        return of_orbit(what, unit=unit, **options) if what in QUANTITIES or options or unit else Named(what)
    if isinstance(what, (OrbitNumber, DeviceNumber)) and not (unit or options):
        return what
    if not callable(what) or isinstance(what, type):
        how = 'as lg.minimise("line_width")'
        raise ValueError(wrong_kind(argument, what, "a name, or a function of the device", how))
    if options:
        raise ValueError(f"{next(iter(options))}= is an option of a number of the orbit, and {argument} is a function")
    return of_device(what, unit=unit or "1")


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "objective" if name == "<lambda>" else name


def _frozen(value: Any) -> Any:
    """Mappings as sorted tuples, so that equal options are equal and have a hash."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, _Items(_frozen(v)) if isinstance(v, Mapping) else v) for key, v in value.items()))
    return value


class _Items(NamedTuple):
    """A mapping that was frozen."""

    pairs: tuple[Any, ...]


def _thawed(items: tuple[Any, ...]) -> dict[str, Any]:
    return {key: _thawed(value.pairs) if isinstance(value, _Items) else value for key, value in items}
