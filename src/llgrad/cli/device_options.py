"""Devices and their values on the command line: a preset or a file, and quantities with units."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer

from llgrad.cli.commands.completing import presets
from llgrad.core.rechecking import rechecked
from llgrad.core.record import Record, leaf_units, rows_of, set_leaf
from llgrad.core.units import read_quantity, read_vector
from llgrad.core.vector import Vec3
from llgrad.devices.geometry import SHAPE, Shape, shape_of
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.physics.presets.files import read_device

CurrentOption = Annotated[str | None, typer.Option(help="Direct current, such as 2.5mA, or its density: 3MA/cm2.")]
FieldOption = Annotated[
    str | None,
    typer.Option(help="Applied field along z, such as 200Oe, or a vector: 300Oe,0Oe,0Oe; 300Oe at 90deg,0deg."),
]
AlphaOption = Annotated[str | None, typer.Option(help="Gilbert damping.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any value of the device, with its unit: --set H_k=18616Oe, polariser=90deg,0deg, ellipse.diameters=…",
    ),
]
WithinOption = Annotated[
    list[str] | None,
    typer.Option(
        "--within",
        metavar="NAME=LOW:HIGH",
        help="Of a state's number that is of no unit vector, between which values it is looked for: --within x=-3:3.",
    ),
]
AccuracyOption = Annotated[
    float | None, typer.Option(help="Largest error of the last state of a run; chooses the time step: 1e-6.")
]
StateOption = Annotated[
    str | None,
    typer.Option(
        "--m0", metavar="THETA,PHI", help="Starting state by its angles: 10deg,0deg. Default: 1° off the axis."
    ),
]
DEVICE_HELP = "A preset (see llgrad devices), or a .json or .toml file."
DeviceArgument = Annotated[str, typer.Argument(help=DEVICE_HELP, autocompletion=presets)]

ANGLES: Final = ("polar", "azimuth")
"""Of a vector that is given beside them, and is turned."""
_OF_A_RECORDING: Final = ("delay", "bandwidth", "gain", "offset", "line_width", "m0.polar", "m0.azimuthal")


def device_with(name: str, values: Mapping[str, str]) -> Oscillator | System:
    """The device of a preset or a file, with quantities such as {"current": "2.5mA"} put in."""
    device, area = read_device(name)
    return with_values(device, values, area)


def oscillator_with(name: str, values: Mapping[str, str], why: str) -> Oscillator:
    """The same for what only an Oscillator serves, and `why`. Raises ValueError for a device of another kind."""
    found = device_with(name, values)
    if not isinstance(found, Oscillator):
        raise ValueError(f"{name} is a {type(found).__name__}, expected an Oscillator: {why}")
    return found


Device = TypeVar("Device", bound=Record)


def with_values(device: Device, values: Mapping[str, str], area: float | None = None) -> Device:
    """The device with quantities put in, all checked together: leaves ("field.x"), whole vectors ("field",
    "polariser"), and an Oscillator's shape ("ellipse.diameters", "ellipse.thickness", "area", "thickness").

    `area` [m²] makes a current of a current density.
    """
    absent = _absent(device)
    units = leaf_units(device) | {path: unit for path, (unit, is_vector) in absent.items() if not is_vector}
    given, shape = dict(values), _shape_of(values, device)
    for name in [name for name in given if name.partition(".")[0] in SHAPE]:
        del given[name]
    if shape.demag is not None:
        twice = [name for name in given if name.partition(".")[0] in ("volume", "demag")]
        if twice:
            raise ValueError(f"{twice[0]} beside the ellipse would say the shape twice; give one of them")
        device = set_leaf(device, "demag", shape.demag)
    if shape.volume is not None:
        device = set_leaf(device, "volume", shape.volume)
    vectors = {path: unit for path, value, unit, _ in rows_of(device) if isinstance(value, Vec3)}
    vectors |= {path: unit for path, (unit, is_vector) in absent.items() if is_vector}
    for name, text in given.items():
        if name in vectors:
            device = set_leaf(device, name, vector(name, text, vectors[name]))
        else:
            value = quantity(name, text, unit_of(name, units), area if shape.area is None else shape.area)
            device = set_leaf(device, name, value)
    return rechecked(device)


def _absent(record: Record, prefix: str = "") -> dict[str, tuple[str, bool]]:
    """Unit, and whether it is a vector, of every quantity that a device can have and has not, such as a temperature."""
    found: dict[str, tuple[str, bool]] = {}
    for field in dataclasses.fields(record):
        value, unit = getattr(record, field.name), field.metadata.get("unit")
        parts = (
            {f"{prefix}{field.name}.{place}.": part for place, part in enumerate(value)}
            if isinstance(value, tuple)
            else {f"{prefix}{field.name}.": value}
        )
        for path, part in parts.items():
            found |= _absent(part, path) if isinstance(part, Record) else {}
        if value is None and unit is not None:
            found[prefix + field.name] = unit, field.metadata.get("vector", False)
    return found


def _shape_of(values: Mapping[str, str], device: Record) -> Shape:
    """The shape that --set ellipse.diameters=…, area=… or thickness=… describe. Raises ValueError for another device
    than an Oscillator."""
    if not isinstance(device, Oscillator):
        if asked := [name for name in values if name.partition(".")[0] in SHAPE]:
            raise ValueError(
                f"{asked[0]} is the shape of an Oscillator, and this is a {type(device).__name__}; set the values of "
                "its parts, as its card names them"
            )
        return Shape()
    given: dict[str, Any] = {name: values[name] for name in ("area", "thickness") if name in values}
    axes = {name.partition(".")[2]: text for name, text in values.items() if name.startswith("ellipse.")}
    if axes or "ellipse" in values:
        given["ellipse"] = axes
    return shape_of(given, None if "area" in given and "thickness" in given else float(device.volume))


_EXAMPLES: Final = {
    "--setting": "current=0mA:5mA",
    "--tune": "gain=0T:50mT",
    "--lock": "field_x=0.1Oe",
    "--read": "channel=CH1",
    "--bounds": "alpha=0.001:0.1",
    "--vary": "field.x=0mT:50mT:3",
    "--free": "current=1mA:3mA",
    "--spread": "alpha=5%",
    "--sweep": "voltage=-1V:1V",
    "--within": "x=-3:3",
}


def assignments(option: str, texts: Iterable[str] | None) -> dict[str, str]:
    """{"alpha": "0.01"} of ["alpha=0.01"], as an option that may be repeated gives it. Raises ValueError for a name
    that comes twice."""
    found: dict[str, str] = {}
    example = _EXAMPLES.get(option, "alpha=0.01")
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError(f"{option} {text!r}: expected NAME=VALUE, such as {option} {example}")
        if name.strip() in found:
            raise ValueError(
                f"{option} gives {name.strip()} twice ({found[name.strip()]}, {value.strip()}); give it once"
            )
        found[name.strip()] = value.strip()
    check_apart(option, list(found))
    return found


def names_in(option: str, text: str) -> list[str]:
    """["alpha", "field.z"] of "alpha,field.z". Raises ValueError for a name that comes twice, for a vector beside its
    own component, and for a place that is empty; of nothing but commas there are none."""
    names = [name.strip() for name in text.split(",")]
    if not any(names):
        return []
    if not all(names):
        raise ValueError(
            f"{option} {text!r}: a name is missing before or after a comma; give names as in alpha,field.z"
        )
    check_apart(option, names)
    return names


def check_apart(option: str, names: Sequence[str]) -> None:
    """Raise ValueError where two names are one, or a vector and its component."""
    for place, name in enumerate(names):
        for other in names[:place]:
            if name == other:
                raise ValueError(f"{option} names {name} twice; name it once")
            whole, part = sorted((name, other), key=len)
            if _same(whole, part) and part.rpartition(".")[2] not in ANGLES:
                raise ValueError(f"{option} names {whole} and {part}, which is part of it; name one of them")


def ranges_within(texts: Iterable[str] | None) -> dict[str, tuple[float, float]] | None:
    """{"x": (-3.0, 3.0)} of ["x=-3:3"], as the state has them; None of none. Raises ValueError for what is no range."""
    found = {}
    for name, text in assignments("--within", texts).items():
        try:
            low, high = map(float, text.split(":"))
        except ValueError:
            raise ValueError(
                f"--within {name}={text}: expected NAME=LOW:HIGH, two numbers as the state has them, such as x=-3:3"
            ) from None
        found[name] = low, high
    return found or None


def values_given(
    options: Mapping[str, str | None], fields: Mapping[str, str], set_: Iterable[str] | None
) -> dict[str, str]:
    """What the options of their own, the components of the field, and --set say of a device, by name.

    Raises ValueError for a value that is said twice.
    """
    found = {name: text for name, text in options.items() if text is not None} | dict(fields)
    given = assignments("--set", set_)
    if twice := [name for name in given for other in found if _same(name, other)]:
        raise ValueError(f"{twice[0]} is given by an option of its own and by --set; give it once")
    return found | given


def _same(name: str, other: str) -> bool:
    """Whether two names are of one value, or of a vector and its component."""
    return name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.")


def unit_of(name: str, units: Mapping[str, str]) -> str:
    """The unit of a parameter. Raises ValueError, with the nearest name, for an unknown one."""
    if name in _OF_A_RECORDING and name not in units:
        raise ValueError(
            f"{name} belongs to a recording and is no value of a device: llgrad fit finds it with --free {name}"
        )
    if name not in units:
        near = difflib.get_close_matches(name, units, n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{guess}; it can be {', '.join(units)}")
    return units[name]


def quantity(name: str, text: str, unit: str, area: float | None = None) -> float:
    """The SI value of a quantity, with the name of the option or parameter in the error."""
    try:
        return read_quantity(text, unit, area)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def vector(name: str, text: str, unit: str) -> Vec3:
    """The vector of "300Oe, 0Oe, 0Oe", "300Oe at 90deg, 0deg", or of a direction's "90deg, 0deg"."""
    try:
        return Vec3(*map(float, read_vector(text, unit)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def field_values(along_z: str | None, x: str | None, y: str | None, z: str | None) -> dict[str, str]:
    """The values of --field, a strength along z or a whole vector, and of --field-x, --field-y and --field-z."""
    if along_z is not None and ("," in along_z or " at " in along_z):
        if not x is y is z is None:
            raise ValueError(f"--field {along_z!r} gives all components; leave out --field-x, --field-y and --field-z")
        return {"field": along_z}
    if along_z is not None and z is not None:
        raise ValueError("--field and --field-z are the same; give one of them")
    parts = {"field.x": x, "field.y": y, "field.z": along_z if z is None else z}
    return {name: text for name, text in parts.items() if text is not None}


def starting_state(text: str | None) -> Any:
    """m0 of "10deg,0deg", or of "1,0,0"; None of None."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) not in (2, 3):
        raise ValueError(f"--m0 {text!r}: expected two angles, such as --m0 10deg,0deg, or three components")
    return vector("--m0", text, "1")


def start_of(model: Oscillator | System, m0: str | None) -> Any:
    """The starting state that is asked for. Raises ValueError for a system, whose start is among its values."""
    if isinstance(model, System) and m0 is not None:
        raise ValueError(
            f"--m0 is the start of one magnetisation, and this is a {type(model).__name__}; it starts where its values "
            "say, as in --set layers.0.m=10deg,0deg of a Stack"
        )
    return starting_state(m0)
