"""What do oscillators in series do to each other? Expect six frequencies, 1.00 to 1.10 GHz, to become one: 1.044 GHz.

Six auto-oscillators of the amplitude model in one circuit: each emits the swing of its resistance, the mix adds them
all up, and each is pushed by the alternating current of the sum. Whatever is in an array can be differentiated: here
the difference of phase of two that are locked, by the load.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg


class Junction(lg.System):
    """ċ = (iω + g (1 − |c|²)) c + push, a resistance that swings with Re c, and a push by the current."""

    frequency: float = lg.quantity("Hz")
    gain: float = lg.quantity("1/s")
    swing: float = lg.quantity("ohm")
    load: float = lg.quantity("1/(ohm s)", about="push for each ohm of the others' swing")
    inputs: ClassVar = {"push": "1/s"}

    def start(self):
        return {"re": 1.0, "im": 0.0}

    def rate(self, state, inputs):
        re, im = state["re"], state["im"]
        growth, omega = self.gain * (1 - re * re - im * im), 2 * jnp.pi * self.frequency
        return {"re": growth * re - omega * im + inputs.push, "im": growth * im + omega * re}

    def emit(self, state):
        return {"resistance": self.swing * state["re"]}

    def receive(self, mixed, inputs):
        return {"push": self.load * mixed["total"]}


COUNT, DT = 6, 20e-12


def phases(load):
    """Phases [rad] of all members, (T, N), over 200 ns, at a load [1/(Ω s)]."""
    member = Junction(np.linspace(1.00e9, 1.10e9, COUNT), gain=1e9, swing=40.0, load=load)
    series = lg.systems.SystemArray(member, COUNT, lg.systems.SumMix(of="resistance", to="total"))
    run = lg.simulate(series, duration=200e-9, dt=DT)
    return jnp.unwrap(jnp.arctan2(run.im, run.re), axis=0)


def frequencies(load):
    """Mean frequencies [GHz] over the second half."""
    phase = phases(load)
    half = len(phase) // 2
    return (phase[-1] - phase[half]) / (2 * jnp.pi * (len(phase) - 1 - half) * DT) / 1e9


def apart(load):
    """Phase [rad] by which the second is ahead of the first at the end."""
    end = phases(load)[-1]
    return end[1] - end[0]


with jax.enable_x64(True):
    for load in (0.0, 6e5, 6e6):
        print(f"load {load:g}: frequencies", " ".join(f"{f:.4f}" for f in frequencies(load)), "GHz")
    value, slope = jax.value_and_grad(apart)(6e6)
    print(f"locked, the second is {value:.4f} rad ahead of the first; {slope * 6e4:+.5f} rad for 1% more load")
