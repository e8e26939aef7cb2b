"""A circuit as a `System`: every engine, derivative, fit and orbit takes it as it takes any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.field_term import Inputs
from llgrad.core.record import Record, is_concrete, vector
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bias import still
from llgrad.devices.junction import Junction
from llgrad.devices.system import System
from llgrad.physics.circuits import members
from llgrad.physics.circuits.connections import Part, checked_part, elements_of
from llgrad.physics.circuits.elements import Capacitor, CurrentSource, Element, Inductor, Resistor, VoltageSource
from llgrad.physics.circuits.network import CURRENT, FOLLOWING, OHMIC, VOLTAGE, Port, solved, solved_by_voltages

FIELDS: Final = {"field_x": "T", "field_y": "T", "field_z": "T"}
"""Inputs of every circuit beside its sources."""
TAKEN: Final = ("current", "voltage", *FIELDS)
"""No names of elements."""


class Circuit(System):
    """A source and a network of junctions, loads and reactive elements, by Kirchhoff's laws at every moment.

    The currents and voltages are not approximated: at each state they solve the network with the resistances
    R_j(m_j) that its junctions have there, so that each device feels what all others do; resistances R_j(m_j, V_j) that
    follow the voltages are solved with them (see `lg.physics.BiasedJunction`). The voltage of a `Capacitor`
    and the current of an `Inductor` are states of their own.

    Args:
        source: `CurrentSource(I)` or `VoltageSource(V, resistance)`.
        network: what it drives: an `Oscillator` with a junction or a `Stack` with barriers, without currents of their
            own, or a `Heated` one of these; `Resistor`, `Capacitor`, `Inductor`, further sources; `Series(…)` and
            `Parallel(…)` of these, nested as you like. A current of the source enters each at its first end: it is the
            device's `current`.
        names: of the devices, in order; "junction0", "junction1", … where they are left out. Elements have names of
            their own: `Resistor(50.0, name="load")`, else "resistor0", …
        field: applied field [T] on all devices, added to their own.

    The state of a run is a dictionary by these names: `run.junction0` is the direction of an oscillator, of a stack a
    dictionary of its layers', of a capacitor {"voltage": …}, of an inductor {"current": …}.

    Signals: "current" and "voltage", of the source, at the network; of every device and element "<name>.current" and
    "<name>.voltage", of devices "<name>.resistance" and what a stack records, of resistors "<name>.power". Inputs:
    "current" or "voltage", added to the source's; those of further sources by their names; "field_x", … of all
    devices, and further terminals of stacks, of all that have them alike.

    Raises ValueError, in one sentence, for a circuit that cannot be: without a source, with a device whose resistance
    is not known, with a short circuit.

    >>> import llgrad as lg
    >>> junction = lg.devices.LinearJunction(R_P=300.0, delta_R=200.0)
    >>> sto = lg.presets.kubota2013().replace(junction=junction, current=0.0)
    >>> pair = lg.circuits.Series(sto, sto.replace(H_k=1.8620))
    >>> load = lg.circuits.Resistor(800.0, name="load")
    >>> circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(4e-3), lg.circuits.Parallel(pair, load))
    >>> run = lg.simulate(circuit, duration=1e-9, dt=2e-12)
    >>> shares = run.signal("junction0.current").values + run.signal("load.current").values
    >>> bool(abs(shares - 4e-3).max() < 1e-9)
    True
    """

    source: CurrentSource | VoltageSource
    network: Record
    names: tuple[str, ...] = eqx.field(
        static=True, default=(), converter=lambda v: (v,) if isinstance(v, str) else tuple(v)
    )
    field: Vec3 = vector("T", default=(0.0, 0.0, 0.0), about="applied field on all devices")

    def __init__(self, source: Any, network: Any, names: Any = (), field: Any = (0.0, 0.0, 0.0)) -> None:
        if not isinstance(source, (CurrentSource, VoltageSource)):
            raise ValueError(
                f"this circuit has no source: source is {type(source).__name__}, expected "
                "lg.circuits.CurrentSource(…) or "
                "lg.circuits.VoltageSource(…), and then the network that it drives"
            )
        self.source, self.network, self.names, self.field = source, checked_part(network), names, field

    def __check_init__(self) -> None:
        check_platform()
        found = list(self.devices)
        if self.names and len(self.names) != len(found):
            raise ValueError(f"names has {len(self.names)} names, and this circuit has {len(found)} devices; name each")
        known = [name for name, _ in self._listed()]
        for name in known:
            if not (isinstance(name, str) and name.isidentifier()) or name in TAKEN or known.count(name) > 1:
                why = "another one has it" if known.count(name) > 1 else "expected a word such as 'load'"
                raise ValueError(f"a part of this circuit has the name {name!r}: {why}")
        for name, device in self.devices.items():
            self._check_resistance(name, device)
        ports = self._ports(self._some_state(), self._nothing)
        ohmic = [Port(OHMIC, 0.0, 1.0) if port.kind == FOLLOWING else port for port in ports]
        solved(self.source, self.network, ohmic)
        if not self._some_state():
            raise ValueError("nothing in this circuit moves; give it an oscillator, a stack, or a capacitor")

    @staticmethod
    def _check_resistance(name: str, device: members.Device) -> None:
        laws = members.laws_of(device)
        if not all(is_concrete(leaf) for leaf in jax.tree.leaves(laws)):
            return
        with jax.ensure_compile_time_eval():
            lowest = members.lowest_resistance(device)
        if not lowest > 0:
            raise ValueError(
                f"the resistance of {name} falls to {lowest:g} Ω, a junction without resistance; give its R_P in ohms"
            )
        if (falls := members.falling_current(device)) is not None:
            raise ValueError(
                f"the current of {name} falls with its voltage, from {falls:.3g} V on, so that a circuit has several "
                "solutions; give a law whose current V/R(c, V) rises with V"
            )

    # ---- its parts

    @property
    def elements(self) -> dict[str, Part]:
        """All devices and elements by name, the source first."""
        return dict(self._listed())

    def _listed(self) -> list[tuple[str, Part]]:
        counts: dict[str, int] = {}
        found, names, devices = [], iter(self.names), 0
        for part in (self.source, *elements_of(self.network)):
            if isinstance(part, Element):
                number = counts[part.word] = counts.get(part.word, -1) + 1
                found.append((getattr(part, "name", None) or f"{part.word}{number}", part))
            else:
                found.append((next(names, f"junction{devices}"), part))
                devices += 1
        return found

    @property
    def devices(self) -> dict[str, members.Device]:
        """The oscillators, stacks and heated ones by name."""
        return {name: part for name, part in self.elements.items() if not isinstance(part, Element)}

    @property
    def _laws(self) -> list[Junction]:
        """Those of all resistances."""
        return [law for device in self.devices.values() for law in members.laws_of(device)]

    def _driven(self) -> dict[str, str]:
        """The input that drives each source, by the source's name."""
        sources = [name for name, part in self.elements.items() if isinstance(part, (CurrentSource, VoltageSource))]
        first = "current" if isinstance(self.source, CurrentSource) else "voltage"
        return {name: name if place else first for place, name in enumerate(sources)}

    # ---- as a system

    @property
    def inputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each input, by name."""
        found = {by: self.elements[name].unit for name, by in self._driven().items()} | FIELDS
        for device in self.devices.values():
            found |= members.terminals_of(device)
        return found

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Three for each oscillator and free layer at a temperature."""
        return sum(members.noises_of(device) for device in self.devices.values())

    @property
    def limits(self) -> Mapping[str, tuple[float, float]]:  # type: ignore[override]
        """Those of heated devices."""
        heated = {name: device.limits for name, device in self.devices.items() if isinstance(device, System)}
        return {f"{name}.{part}": ends for name, limits in heated.items() for part, ends in limits.items()}

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each signal."""
        found = {"current": "A", "voltage": "V"}
        for name, part in list(self.elements.items())[1:]:
            found |= {f"{name}.current": "A", f"{name}.voltage": "V"}
            found |= {f"{name}.power": "W"} if isinstance(part, Resistor) else {}
            if not isinstance(part, Element):
                found |= {f"{name}.{output}": unit for output, unit in members.outputs_of(part).items()}
        return found

    def start(self) -> dict[str, Any]:
        """Every device where it starts by itself; reactive elements as they were given, or at rest."""
        found = {name: members.start_of(device) for name, device in self.devices.items()}
        return found | self._at_rest(found)

    def _at_rest(self, found: dict[str, Any]) -> dict[str, Any]:
        """The voltages of capacitors and the currents of inductors at the start: as given, or those for which nothing
        flows into the first and nothing drops at the second."""
        reactive = self._reactive
        given = {name: part.voltage if isinstance(part, Capacitor) else part.current for name, part in reactive.items()}
        if None not in given.values():
            return _reactive_state(reactive, list(given.values()))
        open_and_short = {Capacitor: Port(CURRENT, 0.0), Inductor: Port(VOLTAGE, 0.0)}
        known = found | _reactive_state(reactive, list(given.values()))

        def ports(circuit: Self, known: Any, driven: Any) -> list[Port]:
            return [
                open_and_short[type(part)] if given.get(name, 0.0) is None else _port(name, part, known, driven)
                for name, part in circuit.elements.items()
            ]

        try:
            each = self._by_kirchhoff(ports, known, dict.fromkeys(self._driven(), 0.0))
        except ValueError as error:
            raise ValueError(
                f"this circuit has no rest to start from: with capacitors open and inductors shorted, {error}; else "
                "give each Capacitor a voltage=… and each Inductor a current=… at the start"
            ) from None
        rest = [each[name][isinstance(part, Inductor)] for name, part in reactive.items()]
        return _reactive_state(reactive, [r if g is None else g for r, g in zip(rest, given.values(), strict=True)])

    def rate(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """d/dt [1/s] of every device and reactive element."""
        solved, found, noise = self._solved(state, inputs), {}, 0
        for name, part in self.elements.items():
            voltage, current = solved[name]
            if isinstance(part, Capacitor):
                found[name] = {"voltage": current / part.capacitance}
            elif isinstance(part, Inductor):
                found[name] = {"current": voltage / part.inductance}
            elif not isinstance(part, Element):
                given = self._given(part, current, inputs, noise)
                noise += members.noises_of(part)
                found[name] = members.rate_of(part, state[name], given)
        return found

    def _given(self, device: members.Device, current: Any, inputs: Inputs, noise: int = 0) -> Inputs:
        """What acts on a device: its current, the applied field, its terminals, and its noises from a place on."""
        applied = {f"field_{axis}": getattr(self.field, axis) + getattr(inputs, f"field_{axis}") for axis in "xyz"}
        more = {name: getattr(inputs, name) for name in members.terminals_of(device)}
        noises = tuple(inputs.noise[noise : noise + members.noises_of(device)])
        return Inputs(inputs.t, noises, {"current": current, "voltage": 0.0} | applied | more)

    def _solved(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, tuple[Any, Any]]:
        """Voltage and current of every element and device, by name, at a state."""
        return self._by_kirchhoff(Circuit._ports, state, inputs)

    def _ports(self, state: Mapping[str, Any], inputs: Inputs) -> list[Port]:
        driven = {name: getattr(inputs, by) for name, by in self._driven().items()}
        return [_port(name, part, state, driven) for name, part in self.elements.items()]

    def _by_kirchhoff(self, ports: Callable[[Self, Any, Any], list[Port]], state: Any, given: Any) -> dict[str, Any]:
        """Voltage and current of every element and device, by name; `ports` of a circuit, a state and what is given."""
        these = ports(self, state, given)
        steps = [law.steps for law in self._laws if law.follows_voltage]
        if not steps:
            return dict(zip(self.elements, solved(self.source, self.network, these), strict=True))
        constant = ports(still(self), still(state), still(given))
        found = solved_by_voltages(self.source, self.network, these, constant, max(steps))
        return dict(zip(self.elements, found, strict=True))

    @property
    def _reactive(self) -> dict[str, Capacitor | Inductor]:
        """The capacitors and inductors by name."""
        return {name: part for name, part in self.elements.items() if isinstance(part, (Capacitor, Inductor))}

    def _some_state(self) -> dict[str, Any]:
        """A state of the form of the start."""
        found = {name: members.some_state_of(device) for name, device in self.devices.items()}
        return found | _reactive_state(self._reactive, [0.0] * len(self._reactive))

    @property
    def _nothing(self) -> Inputs:
        """No drive and no noise."""
        return Inputs(0.0, (0.0,) * self.noises, dict.fromkeys(self.inputs, 0.0))

    def fastest(self) -> Number:
        """The largest γ|B| of a device over many states, and how fast the reactive elements change [rad/s]."""
        with jax.ensure_compile_time_eval():
            still = {name: value for name, value in self.start().items() if name in self._reactive}
            states = self._spread_states()
            if not states:
                return self._electric_pace(still)
            return jnp.max(
                jax.vmap(lambda state: self._pace(state | still) + self._electric_pace(state | still))(states)
            )

    def _spread_states(self) -> dict[str, Any]:
        """Many directions of all devices, in another order for each layer."""
        found, place = {}, 0
        for name, device in self.devices.items():
            found[name], count = members.spread_states_of(device, place)
            place += count
        return found

    def _pace(self, state: Mapping[str, Any]) -> Any:
        """The largest γ|B| of a device in a state."""
        solved, nothing = self._solved(state, self._nothing), self._nothing
        return jnp.max(
            jnp.stack(
                [
                    members.pace_of(device, state[name], self._given(device, solved[name][1], nothing))
                    for name, device in self.devices.items()
                ]
            )
        )

    def _electric_pace(self, state: Mapping[str, Any]) -> Any:
        """A bound on the rates [1/s] of the reactive elements among themselves."""
        reactive = self._reactive
        if not reactive:
            return jnp.asarray(0.0)

        def rates(values: Any) -> Any:
            found = self.rate(state | _reactive_state(reactive, values), self._nothing)  # type: ignore[operator]
            return jnp.stack([jnp.asarray(rate) for name in reactive for rate in found[name].values()])

        stored = [part.capacitance if isinstance(part, Capacitor) else part.inductance for part in reactive.values()]
        roots = jnp.sqrt(jnp.stack([jnp.asarray(one * 1e12) for one in stored]))
        here = jnp.stack([jnp.asarray(value) for name in reactive for value in state[name].values()])
        slopes = jax.jacfwd(rates)(here)
        return jnp.sqrt(jnp.sum((slopes * roots[:, None] / roots[None, :]) ** 2))

    # ---- what is measured of it, and what others feel

    def observe(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """Currents, voltages, resistances, and powers in resistors."""
        solved = self._solved(state, inputs)
        (_, *others) = self.elements.items()
        down, through = next(iter(solved.values()))
        found = {"current": through, "voltage": -down}
        for name, part in others:
            voltage, current = solved[name]
            if not isinstance(part, Inductor):
                found[f"{name}.current"] = current
            if not isinstance(part, Capacitor):
                found[f"{name}.voltage"] = voltage
            if isinstance(part, Resistor):
                found[f"{name}.power"] = voltage * current
            if not isinstance(part, Element):
                told = members.observed_of(part, state[name], self._given(part, current, inputs))
                found |= {f"{name}.{output}": value for output, value in told.items()}
        return found

    def emit(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel: directions, of oscillators by name, of stacks' layers as
        "<name>.<layer>"; of what is heated "<name>.temperature" too, and an oscillator's direction is "<name>.m"."""
        found: dict[str, Any] = {}
        for name, device in self.devices.items():
            found |= {f"{name}.{part}".rstrip("."): value for part, value in members.emitted_of(device, state[name])}
        return found

    def receive(self, mixed: dict[str, Any], inputs: Inputs) -> Mapping[str, Any]:
        """Inputs by name; a vector that is mixed to "field" acts on its three components."""
        found = dict(mixed)
        if isinstance(field := found.pop("field", None), Vec3):
            found |= {f"field_{axis}": getattr(field, axis) for axis in "xyz"}
        return found


def _port(name: str, part: Part, state: Mapping[str, Any], driven: Mapping[str, Any]) -> Port:
    """What an element or a device is from outside, in a state."""
    if isinstance(part, CurrentSource):
        return Port(CURRENT, part.current + driven[name])
    if isinstance(part, VoltageSource):
        volts = -(part.voltage + driven[name])
        return Port(VOLTAGE, volts) if part.resistance is None else Port(OHMIC, volts, part.resistance)
    if isinstance(part, Resistor):
        return Port(OHMIC, 0.0, part.resistance)
    if isinstance(part, Capacitor):
        return Port(VOLTAGE, state[name]["voltage"])
    if isinstance(part, Inductor):
        return Port(CURRENT, state[name]["current"])
    if any(law.follows_voltage for law in members.laws_of(part)):
        return Port(FOLLOWING, lambda voltage: members.current_at(part, state[name], voltage))
    return Port(OHMIC, 0.0, members.resistance_of(part, state[name]))


def _reactive_state(reactive: Mapping[str, Capacitor | Inductor], values: Any) -> dict[str, Any]:
    """The state of reactive elements by name, of their voltages and currents in order."""
    kinds = {name: "voltage" if isinstance(part, Capacitor) else "current" for name, part in reactive.items()}
    return {name: {kind: values[place]} for place, (name, kind) in enumerate(kinds.items())}
