"""How fast does the reference device oscillate? Expect 0.4402 GHz, and a mean m_z of 0.033.

Kubota et al. (2013): perpendicular free layer, in-plane polariser, 2.5 mA, 200 Oe along z.
"""

import jax

import llgrad as lg

device = lg.presets.kubota2013()
with jax.enable_x64(True):
    settled = lg.simulate(device, duration=60e-9, save=lg.End())
    run = lg.simulate(device, duration=60e-9, m0=settled.m[-1])
    print(f"frequency  {lg.frequency(run) / 1e9:.4f} GHz")
    print(f"mean m_z   {run.mz.mean():.3f}")
