"""How do I integrate and fit an oscillator of my own? Write its rate. Expect a vortex that gyrates at 0.3979 GHz.

Here: the core of a vortex by the Thiele equation, in units of the disk's radius. It runs natively, has gradients and
noise, goes through vmap like any device, and its parameters are found from a recorded voltage, the damping within 2 %.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg


class Vortex(lg.System):
    """G ẑ × Ẋ + D Ẋ = −κ (1 + κ′|X|²) X + torque, divided by G."""

    stiffness: float = lg.quantity("rad/s", about="κ/G: the gyration at small orbits")
    nonlinear: float = lg.quantity("1", about="κ′")
    damping: float = lg.quantity("1", about="D/G", bound=lg.systems.between(0.0, 1.0))
    torque: float = lg.quantity("1/s", about="spin torque over G")
    outputs: ClassVar = {"voltage": "V"}  # what a laboratory records

    def start(self):
        return {"x": 0.1, "y": 0.0}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        spring = self.stiffness * (1 + self.nonlinear * (x * x + y * y))
        fx, fy = -spring * x - self.torque * y, -spring * y + self.torque * x
        scale = 1 / (1 + self.damping**2)
        return {"x": (self.damping * fx + fy) * scale, "y": (self.damping * fy - fx) * scale}

    def observe(self, state, inputs):
        return {"voltage": 5e-3 * state["x"]}

    def fastest(self):
        return 2 * self.stiffness


def orbit(torque):
    """Frequency [GHz] and radius of the orbit after 2 µs."""
    system = Vortex(stiffness=2e9, nonlinear=0.3, damping=0.02, torque=torque)
    run = lg.simulate(system, duration=2e-6, dt=20e-12)
    x, y = run.x[-1000:], run.y[-1000:]
    return lg.frequency(x, dt=run.dt) / 1e9, jnp.hypot(x[-1], y[-1])


with jax.enable_x64(True):
    (frequency, radius), (slope, _) = jax.jvp(orbit, (5e7,), (1e6,))
    print(f"gyration {frequency:.4f} GHz at {radius:.3f} of the disk's radius")
    print(f"{slope * 1e3:.2f} MHz more for each 1e6/s more of torque")

# A recorded voltage: the core is released at x = 0.3 and spirals, the amplifier adds noise of 20 µV.
true = Vortex(stiffness=2e9, nonlinear=0.3, damping=0.02, torque=2e7)
begin = {"x": 0.3, "y": 0.0}
released = lg.simulate(true, duration=100e-9, m0=begin, save=lg.solvers.Interval(0.2e-9)).signal("voltage")
noise = np.random.default_rng(0).normal(scale=20e-6, size=released.t.size)
trace = lg.Trace(released.t, {"voltage": released.values + noise})

begun = true.replace(stiffness=1.8e9, damping=0.03, nonlinear=0.0)
found = lg.fit(begun, trace, free=["stiffness", "damping", "nonlinear"], m0=begin)  # without m0 it is searched for
print(found)
