"""Where does the reference device rest, how does it ring there, and at which current does it begin to oscillate?

Expect one stable equilibrium of four, which rings at 1.728 GHz with a line of 4.20 MHz; at 300 K m trembles by
7.45° there; it loses its stability at 0.39600 mA (the one at the other pole, from 0.13870 mA on, is another threshold).
"""

import numpy as np

import llgrad as lg

sto = lg.presets.kubota2013().replace(current=0.3e-3, temperature=300.0)
print(lg.equilibria(sto))
ringing = lg.orbits.resonance(sto)
print(ringing)
tremble = np.degrees(np.sqrt(np.trace(ringing.covariance())))
print(f"at 300 K m trembles by {tremble:.2f}° (root mean square)")
for threshold in lg.orbits.thresholds(sto, "current", 0.0, 1e-3):
    print(f"{threshold.kind} at {threshold.value * 1e3:.5f} mA, {threshold.frequency / 1e9:.4f} GHz")
