"""Which field, current and damping made this trace? Expect 20.00 mT, 2.501 mA and 0.0050, each with its error.

The trace is examples/teacher_trace.csv: synthetic, with noise of 0.001. The search starts 30 to 50 % off.
"""

import pathlib

import llgrad as lg

trace = lg.read_trace(pathlib.Path(__file__).with_name("teacher_trace.csv"))
start = lg.presets.kubota2013().replace(field=(0, 0, 28e-3), current=1.75e-3, alpha=0.0075)
free = {
    "field.z": lg.systems.between(-0.1, 0.1),
    "current": lg.systems.between(0.1e-3, 5e-3),
    "alpha": lg.systems.positive(),
}
result = lg.fit(start, trace, free=free)
print(result)
