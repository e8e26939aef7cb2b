"""Line width and locking without a long run. Expect 29.0 MHz at 300 K, ±4.007 MHz by 0.1 Oe, and -0.3105 GHz/mA.

One period is enough: the orbit is found by shooting, and its linearisation tells the rest, with exact derivatives.
"""

import jax

import llgrad as lg

device = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.2), temperature=300.0)  # 2 kOe along z
orbit = lg.orbit(device)
print(orbit)
print(f"line width {orbit.line_width / 1e6:.2f} MHz; {orbit.line_width_holds}")
print(f"locks within ±{orbit.locking({'field_x': 1e-5}).half_width / 1e6:.3f} MHz to 0.1 Oe along x")

slope = jax.grad(lambda current: lg.orbit(device.replace(current=current)).frequency)(device.current)
print(f"df/dI = {slope / 1e12:.4f} GHz/mA")
