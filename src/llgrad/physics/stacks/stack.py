"""A stack of layers as a `System`: every engine, derivative, fit and orbit takes it as it takes any other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.leaves import as_temperature
from llgrad.core.field_term import Inputs, inputs_of_term, terminals_of
from llgrad.core.record import Record, quantity, vector
from llgrad.core.vector import Number, Vec3
from llgrad.devices.ranges import STACK, check_record
from llgrad.devices.system import Spin, System
from llgrad.physics.electric.spin_orbit import HEAVY_METAL
from llgrad.physics.llg import llg
from llgrad.physics.readout.bar import HallBar, bar_current
from llgrad.physics.stacks.barrier import Barrier
from llgrad.physics.stacks.coupling import Directions, LayerCoupling
from llgrad.physics.stacks.layer import Layer
from llgrad.physics.thermal import thermal_deviation

TERMINALS: Final = {"current": "A", "field_x": "T", "field_y": "T", "field_z": "T"}
"""Inputs of every stack, as the channels of a `Drive`."""
DIRECTIONS: Final = 256
"""So many states are looked at to find how fast a stack can turn."""


def _several(value: Any) -> Any:
    """A list as a tuple, and one record as a tuple of one."""
    return (value,) if isinstance(value, Record) else tuple(value) if isinstance(value, list) else value


class Stack(System):
    """Layers one above the other, each a macrospin, that feel each other. For every free layer i

        dm_i/dt = −γ_i/(1+α_i²) [m_i × B_i + α_i m_i × (m_i × B_i)],
        B_i = field + (the layer's own field, see `Layer`) + (fields of all couplings) + (thermal field).

    Args:
        layers: `Layer`s from the bottom to the top, any number of them, at least one free.
        couplings: `InterlayerExchange`, `StrayField`, `SpinTorque`, or a `LayerCoupling` of your own.
        current: direct current [A] through the stack, positive from the first layer to the last.
        field: applied field [T].
        temperature: [K] of all layers, each with a thermal field of its own, by its volume (W. F. Brown, Phys. Rev.
            130, 1677 (1963)); None or 0: none.
        barriers: what is read out: `Barrier`s between layers.
        voltage: direct voltage [V] across the barriers in series, in place of a current or added to it: it drives
            V/R(m), positive like the current.
        readouts: `HallBar`s that a current in the plane flows through: signals "longitudinal" and "transverse" [Ω],
            "longitudinal_voltage" and "transverse_voltage" [V].

    The state of a run is a dictionary of the free layers' directions by their names: `run.free`, and
    `run.signal("free.z")`. Signals of a stack with barriers are "resistance" [Ω] and "voltage" [V], of the barriers in
    series, and with several barriers also "resistance.<layer>.<layer>" of each. A drive acts on current and field,
    `lg.Drive(current=…)` or waveforms by name, on the voltage where there are barriers, and on what the terms of layers
    have as terminals, such as {"heavy_metal_current": Sine(…)} with a `SpinOrbitTorque`.

    Raises ValueError, in one sentence, for what does not fit together.

    >>> import llgrad as lg
    >>> size = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.02}
    >>> stack = lg.Stack(
    ...     layers=(lg.Layer("lower", m=(1, 0, 0), **size), lg.Layer("upper", m=(-1, 0, 0), **size)),
    ...     couplings=(lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.3e-3),),
    ...     field=(0.0, 0.3, 0.0),  # saturation is at 2 |J₁|/(Ms t) = 200 mT
    ... )
    >>> run = lg.simulate(stack, duration=10e-9, dt=2e-12)
    >>> round(float(run.lower.y[-1]), 4), round(float(run.upper.y[-1]), 4)
    (1.0, 1.0)
    """

    layers: tuple[Layer, ...] = eqx.field(converter=_several)
    couplings: tuple[LayerCoupling, ...] = eqx.field(converter=_several, default=())
    current: float = quantity("A", default=0.0, about="direct current, from the first layer to the last")
    field: Vec3 = vector("T", default=(0.0, 0.0, 0.0), about="applied field")
    temperature: float | None = eqx.field(
        converter=as_temperature, default=None, metadata={"unit": "K", "about": "temperature of the layers"}
    )
    barriers: tuple[Barrier, ...] = eqx.field(converter=_several, default=())
    voltage: Number | None = quantity("V", default=None, about="direct voltage, across the barriers in series")
    readouts: tuple[HallBar, ...] = eqx.field(converter=_several, default=())

    def __check_init__(self) -> None:
        for name, kind in (
            ("layers", Layer),
            ("couplings", LayerCoupling),
            ("barriers", Barrier),
            ("readouts", HallBar),
        ):
            given = getattr(self, name)
            parts = given if isinstance(given, tuple) else (given,)
            if wrong := [part for part in parts if not isinstance(part, kind)]:
                told = type(wrong[0]).__name__
                raise ValueError(f"Stack: {name} holds {told}, expected {kind.__name__}s; see lg.{kind.__name__}")
        names = [layer.name for layer in self.layers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two layers have the name {twice[0]!r}; give each its own")
        if not self.free:
            raise ValueError("this stack has no free layer, so that nothing moves; leave fixed=True out of one")
        pairs = [(type(coupling).__name__, coupling.names) for coupling in self.couplings]
        for kind, pair in (*pairs, *(("Barrier", barrier.between) for barrier in self.barriers)):
            for name in pair:
                if name not in names:
                    raise ValueError(
                        f"{kind} between {' and '.join(map(repr, pair))}: there is no layer {name!r}; the layers are "
                        f"{', '.join(names)}"
                    )
        check_record(self, STACK, "Stack: ")
        if self.voltage is not None and not self.barriers:
            raise ValueError(
                "this stack has a voltage and no barrier for it; give barriers=lg.stacks.Barrier(…), or a current"
            )
        self._check_bias()
        for names, part in self._acted_on:
            if "voltage" in part.terminals:
                self._barrier_at(names, part)
        self._check_readouts()

    def _check_readouts(self) -> None:
        """Raise ValueError for a bar whose layers the stack has not, and for two of one name."""
        names, given = [layer.name for layer in self.layers], [bar.name for bar in self.readouts]
        if twice := [name for name in given if given.count(name) > 1 or name == "resistance"]:
            raise ValueError(f"two signals of this stack begin with {twice[0]!r}; give each HallBar a name of its own")
        for bar in self.readouts:
            bar_current(bar, [part for _, part in self._acted_on])
            for name in bar.layers:
                if name is None and len(self.free) != 1:
                    free = ", ".join(layer.name for layer in self.free)
                    raise ValueError(f"a film of a HallBar names no layer, and {free} move; give Film(…, layer=…)")
                if name is not None and name not in names:
                    raise ValueError(f"HallBar reads the layer {name!r}; the layers are {', '.join(names)}")

    # ---- its parts

    @property
    def free(self) -> tuple[Layer, ...]:
        """The layers that move, from the bottom to the top."""
        return tuple(layer for layer in self.layers if not layer.fixed)

    def layer(self, name: str) -> Layer:
        """The layer of a name. Raises ValueError where there is none."""
        return self.layers[self.place(name)]

    def place(self, name: str) -> int:
        """The place of a layer from the bottom, from 0. Raises ValueError where there is none of this name."""
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise ValueError(f"there is no layer {name!r}; the layers are {', '.join(names)}")
        return names.index(name)

    def with_layer(self, name: str, **changes: Any) -> Self:
        """A copy with quantities of one layer changed: `stack.with_layer("free", H_k=0.4)`."""
        place = self.place(name)
        layers = (*self.layers[:place], self.layers[place].replace(**changes), *self.layers[place + 1 :])
        return self.replace(layers=layers)

    # ---- as a system

    @property
    def inputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each input, by name."""
        terminals = terminals_of(part for _, part in self._acted_on)
        rest = {name: unit for name, unit in terminals.items() if name != "voltage"}
        metal = {HEAVY_METAL: "A"} if self.readouts else {}
        return TERMINALS | rest | metal | ({"voltage": "V"} if self.barriers else {})

    @property
    def _acted_on(self) -> list[tuple[tuple[str, ...], Any]]:
        """What has terminals: every term of a free layer, and every coupling, with the names of its layers."""
        terms = [((layer.name,), term) for layer in self.free for term in layer.terms]
        return [*terms, *((coupling.names, coupling) for coupling in self.couplings)]

    def _barrier_at(self, names: tuple[str, ...], part: Any) -> Barrier:
        """The barrier whose voltage a part sees. Raises ValueError unless just one touches its layers."""
        found = [barrier for barrier in self.barriers if set(names) <= set(barrier.between)]
        if len(found) != 1:
            raise ValueError(
                f"{type(part).__name__} of {' and '.join(map(repr, names))} follows the voltage of one barrier there, "
                f"and the stack has {len(found) or 'none'}; give barriers=lg.stacks.Barrier(…) between it and one "
                "other layer"
            )
        return found[0]

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Three for each free layer, at a temperature."""
        return 0 if self.temperature is None else 3 * len(self.free)

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each signal of the barriers and bars."""
        several = len(self.barriers) > 1
        found = {"resistance": "Ω", "voltage": "V"} if self.barriers else {}
        found |= {self._resistance_of(b): "Ω" for b in self.barriers if several}
        return found | {name: unit for bar in self.readouts for name, unit in bar.outputs.items()}

    @staticmethod
    def _resistance_of(barrier: Barrier) -> str:
        return ".".join(("resistance", *barrier.between))

    def start(self) -> dict[str, Spin]:
        """Every free layer in its direction."""
        return {layer.name: Spin(d.x, d.y, d.z) for layer in self.free if (d := layer.direction)}

    def rate(self, state: Mapping[str, Vec3], inputs: Inputs) -> dict[str, Vec3]:
        """dm/dt [1/s] of every free layer."""
        own, coupled = self.fields(state, inputs)
        found = {}
        for place, layer in enumerate(self.free):
            m, total = state[layer.name], own[layer.name] + coupled[layer.name]
            if self.noises:
                strength = thermal_deviation(layer, self.temperature, 1.0)
                total = total + Vec3(*inputs.noise[3 * place : 3 * place + 3]) * strength
            found[layer.name] = llg(Vec3(m.x, m.y, m.z), total, layer.gamma, layer.alpha)
        return found

    def forces(self, state: Mapping[str, Vec3], inputs: Inputs) -> dict[str, Vec3]:
        """Ms V B [J] on every free layer."""
        own, coupled = self.fields(state, inputs)
        moments = {layer.name: layer.Ms * layer.volume for layer in self.free}
        return {name: (own[name] + coupled[name]) * moment for name, moment in moments.items()}

    def fields(self, state: Mapping[str, Vec3], inputs: Inputs) -> tuple[dict[str, Vec3], dict[str, Vec3]]:
        """Of every free layer the effective field [T] of itself and from outside, and that of the couplings."""
        m = self._directions(state)
        given, own = self._given(m, inputs), {}
        for layer in self.free:
            acting = self._acting(inputs, given, m, (layer.name,), layer.terms)
            own[layer.name] = given["field"] + layer.field(m[layer.name], acting)
        coupled = {layer.name: Vec3(0.0, 0.0, 0.0) for layer in self.free}
        for coupling in self.couplings:
            acting = self._acting(inputs, given, m, coupling.names, (coupling,))
            for name, field in coupling.fields(self, m, acting).items():
                if name in coupled:
                    coupled[name] = coupled[name] + field
        return own, coupled

    def _directions(self, state: Mapping[str, Vec3]) -> Directions:
        """The directions of all layers, the fixed ones' too."""
        fixed = {layer.name: layer.direction for layer in self.layers if layer.fixed}
        return fixed | {name: Vec3(m.x, m.y, m.z) for name, m in state.items()}

    def _given(self, m: Directions, inputs: Inputs) -> dict[str, Any]:
        """What every part of the stack is given: the whole current, the field from outside, further terminals."""
        applied = self.field + Vec3(inputs.field_x, inputs.field_y, inputs.field_z)
        usual = {"current": self._current(m, inputs), "field": applied}
        return usual | {name: getattr(inputs, name) for name in self.inputs if name not in (*TERMINALS, "voltage")}

    def _current(self, m: Directions, inputs: Inputs) -> Any:
        """The current through the stack, with what the voltage drives."""
        current = self.current + inputs.current
        driven = inputs.voltage if self.barriers else 0.0
        if self.voltage is None and isinstance(driven, float) and driven == 0.0:
            return current
        volts = driven if self.voltage is None else self.voltage + driven
        if len(self.barriers) == 1:
            return current + volts / self.barriers[0].at_voltage(m, volts)
        return current + volts / self._resistance(
            m, current
        )  # of none does it depend on the voltage: see `_check_bias`

    def _resistance(self, m: Directions, current: Any) -> Any:
        """Of all barriers in series [Ω], where a current [A] flows."""
        return sum(barrier.resistance(m, current) for barrier in self.barriers)

    def _check_bias(self) -> None:
        """Raise ValueError where a voltage would have to be shared among barriers that follow it."""
        biased = [barrier for barrier in self.barriers if barrier.junction.follows_voltage]
        if biased and len(self.barriers) > 1:
            raise ValueError(
                f"a stack with several barriers has a {type(biased[0].junction).__name__}, and how they share a "
                "voltage is not solved here; give it one barrier"
            )

    def _acting(
        self, inputs: Inputs, given: dict[str, Any], m: Directions, names: tuple[str, ...], parts: tuple[Any, ...]
    ) -> Inputs:
        """What the parts that act on the layers of these names are given; the voltage of their barrier to who asks."""
        for part in parts:
            if "voltage" in part.terminals:
                volts = given["current"] * self._barrier_at(names, part).resistance(m, given["current"])
                return inputs_of_term(given["current"], given["field"], inputs.t, given | {"voltage": volts})
        return inputs_of_term(given["current"], given["field"], inputs.t, given)

    def fastest(self) -> Number:
        """The largest γ|B| of a layer over many states, with what the couplings do to the others [rad/s]."""
        states = {layer.name: spread_directions(place) for place, layer in enumerate(self.free)}
        nothing = Inputs(0.0, (0.0,) * self.noises, dict.fromkeys(self.inputs, 0.0))
        with jax.ensure_compile_time_eval():
            return jnp.max(jax.vmap(lambda state: self.pace(state, nothing))(states))

    def pace(self, state: Mapping[str, Vec3], inputs: Inputs) -> Number:
        """The same in one state."""
        own, coupled = self.fields(state, inputs)
        sizes = {layer.name: layer.gamma * _length(coupled[layer.name]) for layer in self.free}
        whole = [layer.gamma * _length(own[layer.name]) + sum(sizes.values()) for layer in self.free]
        return jnp.max(jnp.stack(whole))

    def resistance(self, state: Mapping[str, Vec3]) -> Number:
        """Resistance [Ω] of all barriers in series, in a state, where nothing drives."""
        m, nothing = self._directions(state), Inputs(0.0, None, dict.fromkeys(self.inputs, 0.0))
        return self._resistance(m, self._current(m, nothing))

    def current_at(self, state: Mapping[str, Vec3], voltage: Number) -> Number:
        """Current [A] through the one barrier, in a state, at a voltage [V] across it."""
        return self.barriers[0].current(self._directions(state), voltage)

    # ---- what is measured of it, and what others feel

    def observe(self, state: Mapping[str, Vec3], inputs: Inputs) -> dict[str, Any]:
        """Resistance and voltage of the barriers in series, the resistance of each where there are several, and what
        the bars tell."""
        m = self._directions(state)
        found = self._read_by_bars(m, inputs) if self.readouts else {}
        if not self.barriers:
            return found
        current = self._current(m, inputs)
        each = {self._resistance_of(barrier): barrier.resistance(m, current) for barrier in self.barriers}
        whole = sum(each.values())
        found |= {"resistance": whole, "voltage": current * whole}
        return found | (each if len(each) > 1 else {})

    def _read_by_bars(self, m: Directions, inputs: Inputs) -> dict[str, Any]:
        """What the bars tell at the directions of the layers."""
        named: dict[Any, Vec3] = dict(m) | ({None: m[self.free[0].name]} if len(self.free) == 1 else {})
        parts = [part for _, part in self._acted_on]
        driven = getattr(inputs, HEAVY_METAL)
        each = [bar.observed(named, bar_current(bar, parts) + driven) for bar in self.readouts]
        return {name: value for one in each for name, value in one.items()}

    def emit(self, state: Mapping[str, Vec3]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel: directions by the layer's name, and the resistance."""
        found: dict[str, Any] = {name: Vec3(m.x, m.y, m.z) for name, m in state.items()}
        if self.barriers:
            found["resistance"] = self.resistance(state)
        return found

    def receive(self, mixed: dict[str, Any], inputs: Inputs) -> Mapping[str, Any]:
        """Inputs by name; a vector that is mixed to "field" acts on its three components."""
        found = dict(mixed)
        if isinstance(field := found.pop("field", None), Vec3):
            found |= {f"field_{axis}": getattr(field, axis) for axis in "xyz"}
        return found


def _length(v: Vec3) -> Any:
    return jnp.sqrt(jnp.asarray(v.norm2()))


def spread_directions(place: int) -> Vec3:
    """Directions over the sphere, and along the axes, in another order for each layer; components (S,)."""
    index = (np.arange(DIRECTIONS) * (2 * place + 1)) % DIRECTIONS + 0.5
    z = 1 - 2 * index / DIRECTIONS
    azimuth, radius = math.pi * (1 + math.sqrt(5)) * index, np.sqrt(1 - z * z)
    axes = np.array([s * np.eye(3)[k] for k, s in itertools.product(range(3), (1, -1))])
    turned = np.concatenate([axes, axes * (-1) ** place])
    parts = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=1)
    return Vec3(*(jnp.asarray(column) for column in np.concatenate([turned, parts]).T))
