"""Systems of one's own, as a user writes them: what the laws of systems range over."""

from typing import ClassVar

import jax.numpy as jnp

import llgrad as lg

GAMMA = 1.760859e11


class Hopf(lg.System):
    """The normal form of a Hopf bifurcation, driven."""

    gain: float = lg.quantity("1/s")
    saturation: float = lg.quantity("1/s")
    frequency: float = lg.quantity("Hz")
    inputs: ClassVar = {"push": "1/s"}

    def start(self):
        return {"re": 0.3, "im": 0.1}

    def rate(self, state, inputs):
        re, im = state["re"], state["im"]
        growth, omega = self.gain - self.saturation * (re * re + im * im), 2 * jnp.pi * self.frequency
        return {"re": growth * re - omega * im + inputs.push, "im": growth * im + omega * re}

    def fastest(self):
        return 2 * jnp.pi * self.frequency


class Amplitude(lg.System):
    """The amplitude model of an auto-oscillator: Slavin, Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009)."""

    omega: float = lg.quantity("rad/s")
    shift: float = lg.quantity("rad/s")
    damping: float = lg.quantity("1/s")
    nonlinear: float = lg.quantity("1")
    supercriticality: float = lg.quantity("1")
    heat: float = lg.quantity("1/s")
    noises = 2

    def start(self):
        return {"re": 0.4, "im": 0.0}

    def rate(self, state, inputs):
        re, im = state["re"], state["im"]
        p = re * re + im * im
        gain = self.damping * self.supercriticality * (1 - p) - self.damping * (1 + self.nonlinear * p)
        omega, size = self.omega + self.shift * p, jnp.sqrt(self.heat)
        return {
            "re": gain * re + omega * im + size * inputs.noise[0],
            "im": gain * im - omega * re + size * inputs.noise[1],
        }


class Shaken(lg.System):
    """Two spins in a field, each component of whose fields has a noise of its own: more noises than one vector has."""

    size: float = lg.quantity("T √s")
    inputs: ClassVar = {"field": "T"}
    noises = 6

    def start(self):
        return {"one": lg.systems.Spin(0.6, 0.0, 0.8), "two": lg.systems.Spin(0.6, 0.0, 0.8)}

    def rate(self, state, inputs):
        found = {}
        for place, name in enumerate(("one", "two")):
            shaken = lg.Vec3(*inputs.noise[3 * place : 3 * place + 3]) * self.size
            torque = state[name].cross(shaken + lg.Vec3(inputs.field, 0.0, 0.3))
            found[name] = torque * -GAMMA
        return found


class Stack(lg.System):
    """Two layers with an exchange field, each with an anisotropy and damping, in a pulse that the rate itself makes."""

    exchange: float = lg.quantity("T")
    anisotropy: float = lg.quantity("T")
    alpha: float = lg.quantity("1")
    inputs: ClassVar = {"field": "T"}

    def start(self):
        return {"free": lg.systems.Spin(0.6, 0.0, 0.8), "hard": lg.systems.Spin(0.0, 0.28, 0.96)}

    def rate(self, state, inputs):
        pulse = 0.02 * jnp.exp(-(((inputs.t - 0.2e-9) / 0.1e-9) ** 2))
        found = {}
        for name, other, factor in (("free", "hard", 1.0), ("hard", "free", 3.0)):
            m = state[name]
            field = state[other] * self.exchange + lg.Vec3(inputs.field, pulse, self.anisotropy * factor * m.z)
            torque = m.cross(field)
            found[name] = (torque + m.cross(torque) * self.alpha) * (-GAMMA / (1 + self.alpha**2))
        return found


class Vortex(lg.System):
    """The Thiele equation of a vortex core: G ẑ × Ẋ + D Ẋ = −κ X (1 + κ′|X|²) + torque along Ẋ's direction of turn."""

    stiffness: float = lg.quantity("rad/s", about="κ/G")
    nonlinear: float = lg.quantity("1")
    damping: float = lg.quantity("1", about="D/G")
    torque: float = lg.quantity("1/s", about="of the current, over G")

    def start(self):
        return (0.1, 0.0)

    def rate(self, state, inputs):
        x, y = state
        spring = self.stiffness * (1 + self.nonlinear * (x * x + y * y))
        fx, fy = -spring * x - self.torque * y, -spring * y + self.torque * x
        scale = 1 / (1 + self.damping**2)
        return ((self.damping * fx + fy) * scale, (self.damping * fy - fx) * scale)


class Chain(lg.System):
    """Three junctions in series with a load: the voltage is given, so each feels the resistance of all."""

    field: float = lg.quantity("T")
    alpha: float = lg.quantity("1")
    torque: float = lg.quantity("T/A")
    load: float = lg.quantity("ohm")
    inputs: ClassVar = {"voltage": "V"}

    def start(self):
        return tuple(lg.systems.Spin(*m) for m in ((0.6, 0.0, 0.8), (0.0, 0.6, 0.8), (0.48, 0.64, 0.6)))

    def rate(self, state, inputs):
        resistance = self.load + sum(100.0 - 40.0 * m.x for m in state)
        current = (0.3 + inputs.voltage) / resistance
        found = []
        for place, m in enumerate(state):
            field = lg.Vec3(0.0, 0.0, self.field * (1 + 0.1 * place))
            torque = m.cross(field + lg.Vec3(0.0, -m.z, m.y) * (self.torque * current))
            found.append((torque + m.cross(torque) * self.alpha) * (-GAMMA / (1 + self.alpha**2)))
        return tuple(found)


MEMBERS = {
    "Hopf": Hopf(1e9, 2e9, 1.2e9),
    "Amplitude": Amplitude(3e9, -1e9, 1e8, 0.5, 2.0, 1e6),
    "Shaken": Shaken(2e-8),
    "Stack": Stack(0.05, 0.2, 0.02),
    "Chain": Chain(0.2, 0.02, 5.0, 50.0),
    "Vortex": Vortex(2e9, 0.3, 0.02, 5e7),
}
DRIVES = {"Hopf": {"push": lg.Sine(1e8, frequency=1e9)}, "Stack": {"field": lg.Sine(5e-3, frequency=4e9)}}
DRIVES["Chain"] = {"voltage": lg.Sine(0.1, frequency=5e9)}
