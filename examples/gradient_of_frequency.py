"""How does the frequency follow the current? Expect -0.193 GHz/mA: by differentiation, and the same by a difference.

The derivative is exact: JAX differentiates the simulation itself.
"""

import jax

import llgrad as lg

device = lg.presets.kubota2013()


def frequency(current):
    """Frequency [GHz] on the orbit, at a current [mA]."""
    run = lg.simulate(device.replace(current=1e-3 * current), duration=50e-9, dt=4e-12, m0=[1.0, 0.0, 0.0])
    return lg.frequency(run.mx[run.mx.size // 2 :], dt=run.dt) / 1e9


with jax.enable_x64(True):
    value, slope = jax.value_and_grad(frequency)(2.5)
    difference = (frequency(2.501) - frequency(2.499)) / 0.002
    print(f"f     = {value:.4f} GHz at 2.5 mA")
    print(f"df/dI = {slope:.4f} GHz/mA by automatic differentiation")
    print(f"df/dI = {difference:.4f} GHz/mA by a finite difference")
