"""From a device record to its equation of motion: the terms it consists of, in tesla and nanoseconds."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.field_term import FieldTerm, Watched, given_to_term, inputs_of_term, terminals_of
from llgrad.core.vector import Vec3
from llgrad.devices.junction import Junction
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import NORMALS, TIME, Layout, mixed_names
from llgrad.physics.anisotropy import PerpendicularAnisotropy
from llgrad.physics.applied import AppliedField
from llgrad.physics.demagnetisation import Demagnetisation
from llgrad.physics.llg import llg
from llgrad.physics.slonczewski import SlonczewskiTorque, torque_per_ampere

BUILT_IN: Final = 4
"""Terms that every equation has; the device's own follow."""


class Equation(eqx.Module):
    """The right-hand side of one macrospin, or elementwise of N: the function that every engine integrates.

    Its leaves are the parameters; each is a scalar or an (N,) array. Time is in nanoseconds, so that every number is
    near 1 and float32 has room.
    """

    gamma: Any
    """Gyromagnetic ratio [rad/(T ns)]."""
    alpha: Any
    """Gilbert damping."""
    current: Any
    """Direct current [A]."""
    terms: tuple[FieldTerm, ...]
    """The effective fields."""
    junction: Junction | None = None
    """The law of the resistance, where a term asks for the voltage."""
    emits: tuple[int, ...] = eqx.field(static=True, default=())
    """Components of m that an oscillator of an array emits."""
    receives: tuple[str, ...] = eqx.field(static=True, default=())
    """Channels that what it receives is added to, in order."""

    layout: ClassVar[Layout] = Layout(("x", "y", "z"), ((0, 1, 2),))
    channels: ClassVar[tuple[str, ...]] = ("current", "field_x", "field_y", "field_z", TIME)
    """What a drive can have, and the time [ns], which is sampled like a drive where a term uses it; in the order in
    which kernels take it."""
    timed: ClassVar[bool] = False
    normals: ClassVar[tuple[str, ...]] = NORMALS
    for_one: ClassVar[bool] = False

    @property
    def uses_time(self) -> bool:
        """Whether a term of the device's own asks for the time."""
        return len(self.terms) > BUILT_IN and bool(names_of_timed(self.terms[BUILT_IN:]))

    @property
    def mixed(self) -> tuple[str, ...]:
        """Names of the numbers that an oscillator of an array receives."""
        return mixed_names(len(self.receives))

    def emitted(self, state: Sequence[Any]) -> list[Any]:
        """The numbers that an oscillator of an array emits."""
        return [state[place] for place in self.emits]

    def slope(self, state: Sequence[Any], given: Mapping[str, Any], sigma: Any = None) -> tuple[Any, ...]:
        """d/dt [1/ns] of the components of m, from what changes during a run: drive, what is received from the others,
        time [ns], and unit normal numbers times `sigma` [T].
        """
        given = dict(given)
        for name, mixed in zip(self.receives, self.mixed, strict=True):
            given[name] = given.get(name, 0.0) + given[mixed]
        m, field = Vec3(*state), Vec3(*(given.get(name, 0.0) for name in self.channels[1:4]))
        total = self.effective_field(m, field, given.get("current", 0.0), given.get(TIME, 0.0))
        if sigma is not None:
            total = total + Vec3(*(given[name] for name in NORMALS)) * sigma
        rate = llg(m, total, self.gamma, self.alpha)
        return rate.x, rate.y, rate.z

    def __call__(self, m: Vec3, field: Vec3, current: Any) -> Vec3:
        """dm/dt [1/ns] at `m`, with `field` [T] and `current` [A] added to the device's own (drive, coupling), at time
        0."""
        return llg(m, self.effective_field(m, field, current), self.gamma, self.alpha)

    def effective_field(self, m: Vec3, field: Vec3, current: Any, time: Any = 0.0) -> Vec3:
        """The sum of all terms and of the added `field` [T], at a time [ns]."""
        first = self.terms[0]
        applied = first.applied + field if isinstance(first, AppliedField) else field
        whole = self.current + current
        inputs = inputs_of_term(whole, applied, time * 1e-9, self.from_terminals(m, whole))
        for term in self.terms:
            field = field + term.field(m, inputs)
        return field

    def from_terminals(self, m: Vec3, current: Any) -> dict[str, Any]:
        """What comes by the terminals of the terms: nothing but the voltage across the junction."""
        found: dict[str, Any] = dict.fromkeys(terminals_of(self.terms), 0.0)
        if "voltage" in found and self.junction is not None:
            polariser = next(term.polariser for term in self.terms if isinstance(term, SlonczewskiTorque))
            found["voltage"] = current * self.junction.at_current(m.dot(polariser), current)
        return found


@functools.lru_cache(maxsize=256)
def _timed(terms: Any, kinds: tuple[Any, ...]) -> tuple[str, ...]:
    """`names_of_timed` of terms of a form, whose leaves are of these kinds."""
    found = []

    def ask(leaves: list[Any], number: Any) -> list[Any]:
        direction, fields = Vec3(number, number, number), []
        for place, term in enumerate(jax.tree.unflatten(terms, leaves)):
            more = dict.fromkeys(term.terminals, number)
            inputs = Watched(*given_to_term(number, direction, number, more))
            fields.append(term.field(direction, inputs))
            if "t" in inputs.seen:
                found.append(f"{type(term).__name__} (terms.{place})")
        return fields

    number = jax.ShapeDtypeStruct((), jnp.result_type(float))
    jax.eval_shape(ask, [jax.ShapeDtypeStruct(*kind) for kind in kinds], number)
    return tuple(found)


def names_of_timed(terms: tuple[FieldTerm, ...]) -> tuple[str, ...]:
    """Which of a device's own terms ask for the time, as a user knows them."""
    leaves, tree = jax.tree.flatten(terms)
    return _timed(tree, tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves))


def still_equation(
    device: Oscillator, what: str, emits: tuple[int, ...] = (), receives: tuple[str, ...] = ()
) -> Equation:
    """The equation of motion of a device whose terms do not change with time, for `what` there is only then.

    Raises ValueError where the field of one of its terms does.
    """
    if timed := names_of_timed(device.terms):
        raise ValueError(
            f"the field of {', '.join(timed)} asks for the time, and with a field that changes there is no {what}; use "
            "simulate, or a term without inputs.t"
        )
    return equation_of_motion(device, emits, receives)


def equation_of_motion(device: Oscillator, emits: tuple[int, ...] = (), receives: tuple[str, ...] = ()) -> Equation:
    """The equation of motion of an oscillator (or, with (N,) leaves, of N of them that emit and receive).

    The terms are, in order: applied field, perpendicular anisotropy, demagnetisation, spin torque, and the device's own
    """
    built_in = (
        AppliedField(device.field),
        PerpendicularAnisotropy(device.H_k, device.H_k2),
        Demagnetisation(device.Ms, device.demag),
        SlonczewskiTorque(
            torque_per_ampere(device.polarization, device.Ms, device.volume),
            device.lambda_,
            device.field_like,
            device.polariser,
        ),
    )
    junction = device.junction if "voltage" in terminals_of(device.terms) else None
    terms = (*built_in, *device.terms)
    return Equation(device.gamma * 1e-9, device.alpha, device.current, terms, junction, emits, receives)
