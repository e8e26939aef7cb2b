"""What does coupling do to an array? Expect the spread of eight frequencies to fall from 117.5 to 107 MHz at 1 Oe.

Eight oscillators with currents from 2.2 to 2.8 mA, each feeling the others' mean m_x as a field along x: it pulls their
frequencies together, but so weak a coupling does not lock them.
"""

import jax
import numpy as np

import llgrad as lg

count = 8
device = lg.presets.kubota2013().replace(current=np.linspace(2.2e-3, 2.8e-3, count))


def spread(strength):
    """Largest minus smallest frequency [MHz] where each oscillator feels `strength` [T] times the others' mean m_x."""
    weights = strength / (count - 1) * (np.ones((count, count)) - np.eye(count))
    array = lg.OscillatorArray(device, count, lg.FieldCoupling(weights))
    settled = lg.simulate(array, duration=60e-9, dt=4e-12, save=lg.End())
    run = lg.simulate(array, duration=60e-9, dt=4e-12, m0=settled.m[-1], save=lg.Every(5))
    return np.ptp(np.asarray(lg.frequency(run))) / 1e6


with jax.enable_x64(True):
    for oersted in (0, 1, 3):
        print(f"coupling {oersted} Oe: frequencies spread over {spread(oersted * 1e-4):5.1f} MHz")
