"""Which current and field should I measure next? Expect 3.5 mA and 250 mT: the worst error falls 49-fold.

At 2 kOe a trace of the orbit fixes current over damping, hardly either of them: their errors have the correlation
0.9999. One more trace, where the plan says, breaks this degeneracy: expect a correlation of 0.65.
"""

import jax
import numpy as np

import llgrad as lg

device = lg.presets.kubota2013().replace(field=(0, 0, 0.2))
noise = 0.01
with jax.enable_x64(True):
    orbit = lg.simulate(device, duration=60e-9, dt=2e-12, save=lg.End()).m[-1]
    teacher = lg.trace_of(lg.simulate(device, duration=20e-9, dt=2e-12, m0=orbit, save=lg.Every(5)))
rng = np.random.default_rng(0)
measured = lg.Trace(teacher.t, {name: m + noise * rng.normal(size=m.size) for name, m in teacher.columns.items()})

start = device.replace(current=2.45e-3, alpha=0.0051)
result = lg.fit(start, measured, free=["current", "alpha", "field.z"], m0=orbit)
print(result)
print()
settings = {"current": np.linspace(1.5e-3, 3.5e-3, 5), "field.z": np.linspace(0, 0.3, 7)}
print(lg.fitting.plan(result, settings))
