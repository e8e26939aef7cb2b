"""Field sweeps with known lines."""

import numpy as np

from llgrad.datasets.sweeps import Sweep, Sweeps


def line(field, resonance, width, symmetric=1e-6, antisymmetric=2e-6):
    x = (field - resonance) / width
    return symmetric / (1 + x**2) + antisymmetric * x / (1 + x**2)


def made_up(resonance_of, alpha=0.008, gamma=29e9, w0=5e-3, noise=0.0, frequencies=range(4, 16), seed=0):
    """Sweeps over 0.1–0.9 T with lines at `resonance_of(f)` [T] and half widths w₀ + α f/γ'."""
    rng = np.random.default_rng(seed)
    field = np.linspace(0.1, 0.9, 161)
    made = []
    for f in 1e9 * np.array(list(frequencies), float):
        volts = line(field, resonance_of(f), w0 + alpha * f / gamma) + 1e-7 * (1 + field)
        made.append(Sweep(f, field, volts + noise * 3e-6 * rng.standard_normal(field.size)))
    return Sweeps(made, field_unit="mT")
