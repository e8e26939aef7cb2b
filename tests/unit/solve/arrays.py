"""Arrays of systems, as a user writes them: what the laws of arrays range over."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from tests.unit.solve.systems import GAMMA, Amplitude, Hopf, Stack

import llgrad as lg


class RingMember(Hopf):
    """It emits its coordinate, and is pushed by what it receives."""

    def emit(self, state):
        return {"re": state["re"]}


class PowerMember(Hopf):
    """It emits two numbers that are no components of its state, one with a parameter, and takes what comes apart."""

    def emit(self, state):
        power = state["re"] ** 2 + state["im"] ** 2
        return {"both": (power * self.frequency / 1e9, jnp.sin(state["im"])), "re": state["re"]}

    def receive(self, mixed, inputs):
        first, second = mixed["both"]
        return {"push": first - 0.5 * second + 0.3 * inputs.push + 3e7 * mixed["re"]}


class Amplitudes(Amplitude):
    """An amplitude model whose frequency is moved by the others' power."""

    inputs: ClassVar = {"detuning": "rad/s"}

    def rate(self, state, inputs):
        found = super().rate(state, inputs)
        return {"re": found["re"] + inputs.detuning * state["im"], "im": found["im"] - inputs.detuning * state["re"]}

    def emit(self, state):
        return {"power": state["re"] ** 2 + state["im"] ** 2}

    def receive(self, mixed, inputs):
        return {"detuning": mixed["power"]}


class Layers(Stack):
    """A stack whose free layer feels those of the others, each component by itself."""

    def emit(self, state):
        return {"free": state["free"]}

    def receive(self, mixed, inputs):
        return {"field": mixed["free"].x + 0.5 * mixed["free"].y - mixed["free"].z}


class Dipole(lg.System):
    """A macrospin with an easy axis, in the field of others."""

    anisotropy: float = lg.quantity("T")
    alpha: float = lg.quantity("1")
    inputs: ClassVar = {"field_x": "T", "field_y": "T", "field_z": "T"}

    def start(self):
        return {"m": lg.systems.Spin(0.6, 0.0, 0.8)}

    def rate(self, state, inputs):
        m = state["m"]
        field = lg.Vec3(inputs.field_x, inputs.field_y, inputs.field_z + self.anisotropy * m.z)
        torque = m.cross(field)
        return {"m": (torque + m.cross(torque) * self.alpha) * (-GAMMA / (1 + self.alpha**2))}

    def emit(self, state):
        return {"m": state["m"]}

    def receive(self, mixed, inputs):
        return {f"field_{axis}": getattr(mixed["field"], axis) for axis in "xyz"}


class Junction(lg.System):
    """One junction of a chain in series: the voltage is given, so its current depends on the resistance of all."""

    field: float = lg.quantity("T")
    alpha: float = lg.quantity("1")
    torque: float = lg.quantity("T/A")
    swing: float = lg.quantity("ohm")
    load: float = lg.quantity("ohm")
    inputs: ClassVar = {"voltage": "V", "current": "A"}

    def start(self):
        return lg.systems.Spin(0.6, 0.0, 0.8)

    def rate(self, state, inputs):
        field = lg.Vec3(0.0, 0.0, self.field) + lg.Vec3(0.0, -state.z, state.y) * (self.torque * inputs.current)
        torque = state.cross(field)
        return (torque + state.cross(torque) * self.alpha) * (-GAMMA / (1 + self.alpha**2))

    def emit(self, state):
        return {"resistance": 100.0 - self.swing * state.x}

    def receive(self, mixed, inputs):
        return {"current": (0.3 + inputs.voltage) / (self.load + mixed["total"])}


def ring(count):
    """Oscillators of different frequencies on a ring, each pushed by its neighbours."""
    near = np.roll(np.eye(count), 1, axis=0) + np.roll(np.eye(count), -1, axis=0)
    system = RingMember(1e9, 2e9, np.linspace(1.0e9, 1.2e9, count))
    return lg.systems.SystemArray(system, count, lg.systems.DenseMix(2e8 * near, of="re", to="push"))


def powers(count):
    """A matrix for each pair, and a sum beside it."""
    rng = np.random.default_rng(1)
    mixes = (
        lg.systems.DenseMix(1e8 * rng.normal(size=(count, count, 2, 2)), of="both", to="both"),
        lg.systems.SumMix(of="re", to="re"),
    )
    return lg.systems.SystemArray(PowerMember(np.linspace(1e9, 1.1e9, count), 2e9, 1.2e9), count, mixes)


def amplitudes(count):
    """Noise, and a mean field."""
    system = Amplitudes(np.linspace(3e9, 3.1e9, count), -1e9, 1e8, 0.5, 2.0, 1e6)
    return lg.systems.SystemArray(system, count, lg.systems.SumMix(of="power", to="power"))


def layers(count):
    """One weight for a pair, of vectors; and twice the same is added up."""
    rng = np.random.default_rng(2)
    mix = lg.systems.DenseMix(5e-3 * rng.normal(size=(count, count)), of="free", to="free")
    return lg.systems.SystemArray(
        Layers(0.05, 0.2, np.linspace(0.02, 0.03, count)), count, (mix, lg.systems.SumMix(of="free", to="free"))
    )


def positions(count):
    """Places on a bent line, 100 nm apart."""
    n = np.arange(float(count))
    return 1e-7 * np.stack([n, 0.3 * np.sin(n), 0.2 * np.cos(2 * n)], axis=1)


def dipoles(count):
    """Stray fields from positions."""
    tensors = lg.physics.dipolar_tensors(positions(count), 5e-17)
    return lg.systems.SystemArray(
        Dipole(np.linspace(0.1, 0.2, count), 0.02), count, lg.systems.DenseMix(tensors, of="m", to="field")
    )


def series(count):
    """A chain in series."""
    system = Junction(0.2 * (1 + 0.1 * np.arange(count)), 0.02, 5.0, 40.0, 50.0)
    return lg.systems.SystemArray(system, count, lg.systems.SumMix(of="resistance", to="total"))


ARRAYS = {
    "ring": ring,
    "powers": powers,
    "amplitudes": amplitudes,
    "layers": layers,
    "dipoles": dipoles,
    "series": series,
}
DRIVES = {"ring": "push", "powers": "push", "layers": "field", "dipoles": "field_y", "series": "voltage"}
SIZES = {"push": 1e8, "field": 5e-3, "field_y": 5e-3, "voltage": 0.1}
