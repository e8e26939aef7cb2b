"""How do I add a torque of my own? Write its effective field. Expect the frequency to rise from 0.4402 to 0.5270 GHz.

Here: the Oersted field of the current, along y, 0.8 T per ampere (2 mT at 2.5 mA). It has gradients like any other.
"""

import jax

import llgrad as lg


class Oersted(lg.physics.FieldTerm):
    """Field of the current that flows through the pillar, along y."""

    per_ampere: float = lg.quantity("T/A", about="field per current")

    def field(self, m, inputs):
        return lg.Vec3(0.0 * m.x, self.per_ampere * inputs.current, 0.0 * m.z)


def frequency(per_ampere):
    """Frequency [GHz] on the orbit, with an Oersted field [T/A]."""
    device = lg.presets.kubota2013().replace(terms=(Oersted(per_ampere),))
    run = lg.simulate(device, duration=50e-9, dt=4e-12, m0=[1.0, 0.0, 0.0])
    return lg.frequency(run.mx[run.mx.size // 2 :], dt=run.dt) / 1e9


with jax.enable_x64(True):
    print(f"without  {frequency(0.0):.4f} GHz")
    value, slope = jax.value_and_grad(frequency)(0.8)
    print(f"with     {value:.4f} GHz, and {slope:.4f} GHz more for each T/A more")
