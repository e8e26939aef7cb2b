"""How a device is wired into an array: where the input enters, what is set on each, and what the others feel of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Self

import equinox as eqx
import jax
import numpy as np

from llgrad.core.field_term import Inputs
from llgrad.core.record import get_leaf, leaf_units, set_leaf
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.mix import DenseMix
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.coupling import FieldCoupling
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.drives.drive import CHANNEL_UNITS

Device = Oscillator | System

OF_SPINS: Final = ("m_x", "field_x")
"""What an array of `Oscillator`s is coupled by."""
NOUNS: Final = {"T": "field", "A": "current", "V": "voltage"}


class Setting(NamedTuple):
    """A number that each device of an array has of its own."""

    name: str
    path: str
    """The leaf of the device that it is, or the terminal to which it is added."""
    unit: str
    knob: bool
    """Whether it is set at the bench; else it is fixed when the device is made."""
    part: str
    """By which name it is trained."""
    about: str


SPIN_SETTINGS: Final = (
    Setting("field", "field.z", "T", True, "field", "field along z"),
    Setting("current", "current", "A", True, "current", "current"),
    Setting("alpha", "alpha", "1", False, "damping", "damping"),
)


class DeviceWiring(NamedTuple):
    """What is connected to each device of an array, by the names that the device gives it."""

    input: str
    """The terminal, or leaf, to which the input is added."""
    input_unit: str
    coupling: tuple[str, str] | None
    """What a device emits, and where the others receive it; None where they do not feel each other."""
    coupling_unit: str
    """Of what is received."""
    own: tuple[Setting, ...]

    @classmethod
    def of(
        cls,
        device: Device,
        terminal: str = "field_x",
        coupling: tuple[str, str] | bool = True,
        settings: Iterable[str] = (),
    ) -> Self:
        """The wiring of a device. Raises ValueError, in one sentence, for a name that it does not know.

        Args:
            device: an `Oscillator` or a `System`.
            terminal: where the input enters.
            coupling: (what is emitted, where it is received); True for the usual one, False for none.
            settings: leaves and terminals of a System that differ from one to the next.
        """
        kind, terminals = type(device).__name__, terminals_of(device)
        leaves = leaf_units(device)
        units = leaves if isinstance(device, System) else {}

        def unit_of(name: str, what: str) -> str:
            if name in terminals or name in units:
                return terminals[name] if name in terminals else units[name]
            raise ValueError(
                f"{what} = {name!r} is nothing of {kind}, expected one of its terminals "
                f"({', '.join(terminals) or 'none'})" + (f" or values ({', '.join(units)})" if units else "")
            )

        unit = unit_of(terminal, "input")
        if isinstance(device, Oscillator):
            if coupling not in (True, False, OF_SPINS):
                raise ValueError(
                    f"coupling = {coupling!r}, expected {OF_SPINS}, True or False for an Oscillator; a Stack of one "
                    "layer can be coupled otherwise"
                )
            return cls(terminal, unit, OF_SPINS if coupling else None, "T", SPIN_SETTINGS)
        own = []
        for name in settings:
            found = unit_of(name, "settings")
            own.append(Setting(name, name, found, name.replace(".", "_") in terminals, name, name))
        if coupling is True:
            coupling = (component_names(device.start())[0], terminal) if terminal in terminals else False
        pair = (str(coupling[0]), str(coupling[1])) if isinstance(coupling, (tuple, list)) else None
        received = "" if pair is None else terminals.get(pair[1], terminals.get(f"{pair[1]}_x", "received"))
        made = cls(terminal, unit, pair, received, tuple(own))
        _check_coupling(device, pair)
        return made

    @property
    def noun(self) -> str:
        """What the input is called: "field"."""
        return NOUNS.get(self.input_unit, self.input)

    def array(
        self, device: Any, count: int, own: Mapping[str, Any], weights: Any, given: Any = 0.0
    ) -> OscillatorArray | SystemArray:
        """The array of devices alike in all but what is their own, with a steady input added."""
        terminals, held = terminals_of(device), {}
        for setting in self.own:
            if setting.path in leaf_units(device):
                device = set_leaf(device, setting.path, own[setting.name])
            else:
                held[setting.path] = own[setting.name]
        if isinstance(device, Oscillator):
            leaf = self.input.replace("_", ".")
            device = set_leaf(device, leaf, get_leaf(device, leaf) + given)
            return OscillatorArray(device, count, None if self.coupling is None else FieldCoupling(weights))
        if self.input in terminals:
            held[self.input] = held.get(self.input, 0.0) + given
        else:
            device = set_leaf(device, self.input, get_leaf(device, self.input) + given)
        mixes = () if self.coupling is None else DenseMix(weights, of=self.coupling[0], to=self.coupling[1])
        return SystemArray(FedSystem(device, held), count, mixes)


class FedSystem(System):
    """A system with steady numbers added to its inputs, which emits the components of its state too."""

    system: System
    held: dict[str, Any] = eqx.field(metadata={"unit": "that of each input", "about": "what is added, by the input"})

    @property
    def inputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the system."""
        return self.system.inputs

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Those of the system."""
        return self.system.noises

    @property
    def limits(self) -> Mapping[str, tuple[float, float]]:  # type: ignore[override]
        """Those of the system."""
        return self.system.limits

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the system."""
        return self.system.outputs

    def _with(self, inputs: Inputs) -> Inputs:
        given = {name: getattr(inputs, name) + self.held.get(name, 0.0) for name in self.system.inputs}
        return Inputs(inputs.t, inputs.noise, given)

    def start(self) -> Any:
        """That of the system."""
        return self.system.start()

    def rate(self, state: Any, inputs: Inputs) -> Any:
        """The system's, with what is held."""
        return self.system.rate(state, self._with(inputs))

    def fastest(self) -> Any:
        """That of the system."""
        return self.system.fastest()

    def observe(self, state: Any, inputs: Inputs) -> Mapping[str, Any]:
        """The system's, with what is held."""
        return self.system.observe(state, self._with(inputs))

    def emit(self, state: Any) -> dict[str, Any]:
        """What the system emits, and every component of its state."""
        return dict(zip(component_names(state), jax.tree.leaves(state), strict=True)) | self.system.emit(state)

    def receive(self, mixed: dict[str, Any], inputs: Inputs) -> Mapping[str, Any]:
        """As the system does."""
        return self.system.receive(mixed, self._with(inputs))


def terminals_of(device: Device) -> Mapping[str, str]:
    """What a drive can act on, with its unit."""
    return device.inputs if isinstance(device, System) else CHANNEL_UNITS


def _check_coupling(device: System, coupling: tuple[str, str] | None) -> None:
    """Raise ValueError, in one sentence, for what a device does not emit, or cannot receive."""
    if coupling is None:
        return
    known = FedSystem(device, {}).emit(device.start())
    if coupling[0] not in known:
        raise ValueError(
            f"coupling = {coupling!r}: {type(device).__name__} emits {', '.join(known)}, and no {coupling[0]!r}"
        )
    try:
        SystemArray(
            FedSystem(device, {}), 2, DenseMix(np.array([[0.0, 1.0], [1.0, 0.0]]), of=coupling[0], to=coupling[1])
        )
    except ValueError as error:
        told = str(error).replace(FedSystem.__name__, type(device).__name__)
        raise ValueError(f"coupling = {coupling!r}: {told}") from None
