"""What does a vortex oscillator do, made from its disk? Expect an onset at 1.466 mA, and a model that holds near it.

Its amplitude model is derived at the onset, so it is exact there and less so farther away. A recording of its voltage
gives stiffness and damping back.
"""

import numpy as np

import llgrad as lg

DISK = {"radius": 100e-9, "thickness": 7e-9, "Ms": 800e3, "exchange": 1e-11, "alpha": 0.01}
junction = lg.devices.ConductanceJunction(R_P=50.0, tmr=0.6)
vortex = lg.systems.Vortex.from_disk(**DISK, polarization=0.2, current=1.55e-3, junction=junction)
model = lg.orbits.amplitude_model(vortex)
print(f"onset at {1e3 * vortex.threshold:.4f} mA, by the amplitude model {1e3 * model.threshold:.4f} mA")
print("above it   s² of the orbit   of the model")
for above in (0.01, 0.02, 0.04, 0.08):
    current = (1 + above) * vortex.threshold
    power = vortex.replace(current=current).orbit_radius ** 2
    print(f"{above:8.0%}   {power:15.5f}   {model.replace(current=current).power:12.5f}")

# A recording: the core is released at s = 0.2 and spirals outwards, the amplifier adds 0.1 mV of noise.
begin = {"x": 0.2, "y": 0.0}
released = lg.simulate(vortex, duration=80e-9, m0=begin, save=lg.solvers.Interval(0.2e-9)).signal("voltage")
noise = np.random.default_rng(0).normal(scale=0.1e-3, size=released.t.size)
trace = lg.Trace(released.t, {"voltage": np.asarray(released.values) + noise})
begun = vortex.replace(kappa=1.1 * vortex.kappa, D=0.7 * vortex.D)
found = lg.fit(begun, trace, free=["kappa", "D"], m0=begin)
print(found)
for name in ("kappa", "D"):
    off = (found.values[name] - getattr(vortex, name)) / found.errors[name]
    print(f"{name} is {off:+.1f} standard errors off")
