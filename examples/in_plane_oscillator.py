"""How does the frequency of an in-plane layer follow the current? Expect 15.40 GHz at 2.5 mA and 6.97 GHz at 4 mA.

An ellipse of cobalt, 129.6 nm × 72 nm × 3 nm, at 200 mT along its long axis (the preset lee2004): above 2.1 mA the
layer leaves the direction of the field, and its orbit in the plane grows and slows down.
"""

import jax

import llgrad as lg

layer = lg.devices.ellipse(
    diameters="129.6nm, 72nm", thickness="3nm"
)  # volume and demagnetising factors, of yours as well
device = lg.presets.lee2004().replace(volume=layer.volume, demag=layer.demag)


def frequency(current):
    """Frequency [GHz] of m_y on the orbit, at a current [A]."""
    run = lg.simulate(device.replace(current=current), duration=20e-9, m0=lg.direction("80deg", "5deg"))
    return float(lg.frequency(run.my[run.my.size // 2 :], dt=run.dt)) / 1e9


with jax.enable_x64(True):
    for current in (2.5e-3, 3e-3, 4e-3):
        print(f"{current * 1e3:g} mA  {frequency(current):.2f} GHz")
