"""A device that its own current heats, as a `System`: its temperature is part of its state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.field_term import Inputs
from llgrad.core.record import Record, get_leaf, is_concrete, leaf_units, quantity, set_leaf
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import positive
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.physics.circuits import members
from llgrad.physics.heat.laws import TemperatureLaw
from llgrad.physics.stacks.stack import TERMINALS, Stack

TEMPERATURE: Final = "temperature"
HEATER: Final = "heater"


def _several(value: Any) -> Any:
    """A list as a tuple, and one record as a tuple of one."""
    return (value,) if isinstance(value, Record) else tuple(value) if isinstance(value, list) else value


class Heated(System):
    """A device with the temperature T of its surroundings, heated by its own current:

        C dT/dt = P − (T − T₀)/R_th,   P = V²/R = I² R(m)   of all junctions and bars,

    so that at rest T = T₀ + R_th P, and T follows with the time R_th C. What depends on T does so at every moment:
    `laws` say how Ms, H_k and other numbers of the device follow it, and with `noise` the thermal fields have its
    strength √T.

    Args:
        device: an Oscillator with a junction, or a Stack with barriers or bars. Its numbers are those at T₀.
        thermal_resistance: R_th [K/W]. heat_capacity: C [J/K].
        ambient: T₀ [K].
        laws: `PowerLaw`s and `TemperatureTable`s, each of one number. What was worked out from Ms beforehand does not
            follow it, as `SpinOrbitTorque.per_ampere` ∝ 1/Ms: give it a law of its own, PowerLaw(path, …, outer=-1).
        noise: whether there are thermal fields.

    The state is that of a stack, or {"m": …} of an oscillator, with "temperature" beside. Signals are those of the
    device, and "power" [W]. A drive acts on what drives the device, and on "heater" [W]: power from elsewhere, such as
    that of a laser.

    Raises ValueError for a device without resistance, for one with a temperature of its own, and for laws of numbers
    that it has not.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=100.0, delta_R=0.0), current=1e-3)
    >>> law = lg.systems.PowerLaw("Ms", curie=1100.0)
    >>> hot = lg.systems.Heated(sto, thermal_resistance=2e5, heat_capacity=5e-15, laws=law)
    >>> run = lg.simulate(hot, duration=10e-9, dt=2e-12)  # ten times R_th C; 2e5 K/W times 0.1 mW are 20 K
    >>> round(float(run.signal("temperature").values[-1]), 1), round(float(hot.at(320.0).Ms / sto.Ms), 4)
    (320.0, 0.9831)
    """

    device: Oscillator | Stack
    thermal_resistance: float = quantity("K/W", about="thermal resistance R_th to the surroundings", bound=positive())
    heat_capacity: float = quantity("J/K", about="heat capacity C", bound=positive())
    ambient: float = quantity("K", default=300.0, about="temperature T₀ of the surroundings", bound=positive())
    laws: tuple[TemperatureLaw, ...] = eqx.field(converter=_several, default=())
    noise: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        device = self.device
        if not isinstance(device, (Oscillator, Stack)):
            raise ValueError(f"Heated: device is {type(device).__name__}, expected an Oscillator or a Stack")
        if device.temperature is not None and not (is_concrete(device.temperature) and not np.any(device.temperature)):
            raise ValueError(
                "the device in Heated has a temperature of its own; leave it out: T is part of the state, "
                "ambient= where it starts, and noise=True makes thermal fields of its strength"
            )
        heats = bool(device.barriers or device.readouts) if isinstance(device, Stack) else device.junction is not None
        if not heats:
            what = "barriers= or readouts=" if isinstance(device, Stack) else "a junction="
            raise ValueError(
                f"this {type(device).__name__} has no resistance in which a current makes heat; give {what}"
            )
        if isinstance(device, Stack) and TEMPERATURE in (layer.name for layer in device.layers):
            raise ValueError("a layer has the name 'temperature', which is that of the temperature; give it another")
        for name in ("thermal_resistance", "heat_capacity", "ambient"):
            value = getattr(self, name)
            if is_concrete(value) and not np.all(np.asarray(value) > 0):
                raise ValueError(f"Heated: {name} = {value}, expected a positive number; K/W, J/K and kelvin are meant")
        self._check_laws()

    def _check_laws(self) -> None:
        given: list[str] = []
        for law in self.laws if isinstance(self.laws, tuple) else (self.laws,):
            if not isinstance(law, TemperatureLaw):
                raise ValueError(
                    f"Heated: laws holds {type(law).__name__}, expected PowerLaw(…) or TemperatureTable(…)"
                )
            given += self._paths(law.path)
        if twice := [path for path in given if given.count(path) > 1]:
            raise ValueError(f"two laws say how {twice[0]} follows the temperature; give one")

    def _paths(self, path: str) -> list[str]:
        """The numbers of the device that a law means. Raises ValueError where there are none."""
        known = leaf_units(self.device)
        found = [path] if path in known else []
        if isinstance(self.device, Stack) and "." not in path and not found:
            found = [name for at in range(len(self.device.layers)) if (name := f"layers.{at}.{path}") in known]
        if not found:
            raise ValueError(f"a law says how {path!r} follows the temperature; the device has {', '.join(known)}")
        return found

    def at(self, temperature: Number) -> Oscillator | Stack:
        """The device with its numbers at a temperature [K]."""
        device = self.device
        for law in self.laws:
            factor = law.factor(temperature, self.ambient)
            for path in self._paths(law.path):
                device = set_leaf(device, path, get_leaf(device, path) * factor)
        return eqx.tree_at(lambda one: one.temperature, device, temperature if self.noise else None, is_leaf=_is_none)

    # ---- as a system

    @property
    def inputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each input, by name."""
        own = self.device.inputs if isinstance(self.device, Stack) else TERMINALS
        return {**own, HEATER: "W"}

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Three for each free layer, with noise."""
        if not self.noise:
            return 0
        return 3 * (len(self.device.free) if isinstance(self.device, Stack) else 1)

    @property
    def limits(self) -> Mapping[str, tuple[float, float]]:  # type: ignore[override]
        """A temperature is not below 0 K."""
        return {TEMPERATURE: (0.0, math.inf)}

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each signal, that of the temperature in the state among them."""
        if isinstance(self.device, Stack):
            return {**self.device.outputs, "power": "W", TEMPERATURE: "K"}
        return {"resistance": "Ω", "voltage": "V", "power": "W", TEMPERATURE: "K"}

    def start(self) -> dict[str, Any]:
        """The device where it starts by itself, at the temperature of the surroundings."""
        own = members.start_of(self.device)
        return (own if isinstance(self.device, Stack) else {"m": own}) | {TEMPERATURE: self.ambient}

    def _own(self, state: Mapping[str, Any]) -> Any:
        """What of a state is the device's."""
        if not isinstance(self.device, Stack):
            return state["m"]
        return {name: value for name, value in state.items() if name != TEMPERATURE}

    def rate(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """d/dt [1/s] of the directions, and of the temperature [K/s]."""
        device, own = self.at(state[TEMPERATURE]), self._own(state)
        found = members.rate_of(device, own, inputs)
        flow = self._power(device, own, inputs) + inputs.heater
        cooling = (state[TEMPERATURE] - self.ambient) / self.thermal_resistance
        moved = found if isinstance(device, Stack) else {"m": found}
        return {**moved, TEMPERATURE: (flow - cooling) / self.heat_capacity}

    def resistance(self, state: Mapping[str, Any]) -> Number:
        """Resistance [Ω] of the junction, or of all barriers in series, in a state."""
        return members.resistance_of(self.at(state[TEMPERATURE]), self._own(state))

    def current_at(self, state: Mapping[str, Any], voltage: Number) -> Number:
        """Current [A] in a state at a voltage [V] across it."""
        return members.current_at(self.at(state[TEMPERATURE]), self._own(state), voltage)

    def _told(self, device: Any, own: Any, inputs: Inputs) -> dict[str, Any]:
        """What the device tells of a state."""
        if isinstance(device, Stack):
            return dict(device.observe(own, inputs))
        m = Vec3(own.x, own.y, own.z)
        current = device.current + inputs.current
        ohms = device.junction.at_current(m.dot(device.polariser), current)
        return {"resistance": ohms, "voltage": current * ohms}

    def _power(self, device: Any, own: Any, inputs: Inputs) -> Any:
        """The power [W] that the currents lose."""
        told = self._told(device, own, inputs)
        total = told["voltage"] ** 2 / told["resistance"] if "voltage" in told else 0.0
        for bar in device.readouts if isinstance(device, Stack) else ():
            prefix = f"{bar.name}." if bar.name else ""
            total = total + told[f"{prefix}longitudinal_voltage"] ** 2 / told[f"{prefix}longitudinal"]
        return total

    def observe(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """What the device tells, and the power [W] that its currents lose."""
        device, own = self.at(state[TEMPERATURE]), self._own(state)
        return self._told(device, own, inputs) | {"power": self._power(device, own, inputs)}

    def some_state(self) -> dict[str, Any]:
        """A state of the form of the start."""
        own = members.some_state_of(self.device)
        return (own if isinstance(self.device, Stack) else {"m": own}) | {TEMPERATURE: self.ambient}

    def spread_states(self, place: int) -> tuple[dict[str, Any], int]:
        """Many states at the temperature of the surroundings, and how many unit vectors they have."""
        own, count = members.spread_states_of(self.device, place)
        states = own if isinstance(self.device, Stack) else {"m": own}
        number = np.shape(jax.tree.leaves(own)[0])[0]
        return states | {TEMPERATURE: jnp.full(number, self.ambient)}, count

    def pace(self, state: Mapping[str, Any], inputs: Inputs) -> Number:
        """How fast it may turn in a state, and how fast heat flows [rad/s]: at the state's temperature, and at that to
        which the power in this state would warm it in the end."""
        own, here = self._own(state), state[TEMPERATURE]
        warmest = self.ambient + self.thermal_resistance * self._power(self.at(here), own, inputs)
        paces = [jnp.asarray(members.pace_of(self.at(t), own, inputs)) for t in (here, warmest)]
        return jnp.maximum(*paces) + 1 / (self.thermal_resistance * self.heat_capacity)

    def fastest(self) -> Number:
        """The largest γ|B| at the temperatures that the direct current makes, and how fast heat flows [rad/s]."""
        nothing = Inputs(0.0, (0.0,) * self.noises, dict.fromkeys(self.inputs, 0.0))
        with jax.ensure_compile_time_eval():
            return jnp.max(jax.vmap(lambda state: self.pace(state, nothing))(self.spread_states(0)[0]))

    def emit(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel: that of the device, and its temperature."""
        own = self._own(state)
        found = self.device.emit(own) if isinstance(self.device, Stack) else {"m": Vec3(own.x, own.y, own.z)}
        return {**found, TEMPERATURE: state[TEMPERATURE]}

    def receive(self, mixed: dict[str, Any], inputs: Inputs) -> Mapping[str, Any]:
        """Inputs by name; a vector that is mixed to "field" acts on its three components."""
        found = dict(mixed)
        if isinstance(field := found.pop("field", None), Vec3):
            found |= {f"field_{axis}": getattr(field, axis) for axis in "xyz"}
        return found


def _is_none(leaf: Any) -> bool:
    return leaf is None
