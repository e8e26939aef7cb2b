"""Where does the device oscillate, how fast, and where does it begin?

Expect oscillations at 17 of 28 points, of 53 to 928 MHz, and their onset in 200 Oe at 0.395998 mA.
"""

import llgrad as lg

device = lg.presets.kubota2013().replace(temperature=300.0)
found = lg.sweep(
    device, {"current": "0.25mA:2.5mA:7", "field.z": "50Oe:200Oe:4"}, quantities=("frequency", "line_width")
)
print(found)
print(f"oscillates at {found.has_orbit.sum()} of {found.has_orbit.size} points")

onsets = found.onsets.values
print(*(f"begins at {current * 1e3:.6f} mA in {field * 1e4:.0f} Oe" for current, field in onsets), sep="\n")
