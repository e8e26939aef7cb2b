"""What the laws of orbits range over: the reference device with the rounded numbers of its table, and the amplitude
model, of which everything is known in closed form."""

import math
from typing import ClassVar

import jax.numpy as jnp

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.physics.slonczewski import torque_per_ampere

PRESET = lg.presets.kubota2013()
EXACT = PRESET.replace(
    polarization=PRESET.polarization * 5.3947 / float(torque_per_ampere(PRESET.polarization, PRESET.Ms, PRESET.volume)),
    H_k=41.6125e-3 + MU_0 * PRESET.Ms,
    temperature=300.0,
)
"""H_s0/I = 5.3947e-3 T/mA and H_k − 4πM = 41.6125 mT."""


def reference(field, current, alpha=0.005):
    """The reference device at a field [T] along z, a current [A] and a damping."""
    return EXACT.replace(field=(0.0, 0.0, field), current=current, alpha=alpha)


class Amplitude(lg.System):
    """The amplitude model of an auto-oscillator, driven: Slavin, Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009)."""

    omega: float = lg.quantity("rad/s")
    shift: float = lg.quantity("rad/s")
    damping: float = lg.quantity("1/s")
    nonlinear: float = lg.quantity("1")
    supercriticality: float = lg.quantity("1")
    heat: float = lg.quantity("1/s")
    inputs: ClassVar = {"push": "1/s", "pull": "1/s", "power": "1"}
    noises = 2

    def start(self):
        return {"re": 0.4, "im": 0.0}

    def rate(self, state, inputs):
        re, im = state["re"], state["im"]
        p = re * re + im * im
        gain = self.damping * (self.supercriticality + inputs.power) * (1 - p) - self.damping * (1 + self.nonlinear * p)
        omega, size = self.omega + self.shift * p, jnp.sqrt(self.heat)
        return {
            "re": gain * re - omega * im + size * inputs.noise[0] + inputs.push,
            "im": gain * im + omega * re + size * inputs.noise[1] + inputs.pull,
        }


AMPLITUDE = Amplitude(3e9, -1e9, 1e8, 0.5, 2.0, 1e6)


def closed_form(model):
    """Frequency [Hz], Γ [1/s], ν, line width [Hz] and power of the amplitude model."""
    zeta = model.supercriticality
    p = (zeta - 1) / (zeta + model.nonlinear)
    rate = 2 * model.damping * (zeta - 1)
    nu = 2 * model.shift * p / rate
    return {
        "frequency": (model.omega + model.shift * p) / (2 * math.pi),
        "return_rate": rate,
        "nu": nu,
        "line_width": model.heat * (1 + nu**2) / (2 * math.pi * p),
        "p": p,
    }
