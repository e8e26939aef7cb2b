"""Field sweeps with known lines."""

import numpy as np

from llgrad.datasets.sweeps import Sweep, Sweeps


def line(field, resonance, width, symmetric=1e-6, antisymmetric=2e-6):
    x = (field - resonance) / width
    return symmetric / (1 + x**2) + antisymmetric * x / (1 + x**2)


def derivative(field, resonance, width, symmetric=1e-6, antisymmetric=2e-6):
    """d/dx of `line`."""
    x = (field - resonance) / width
    return (antisymmetric * (1 - x**2) - 2 * symmetric * x) / (1 + x**2) ** 2


def modulated(field, resonance, width, symmetric=1e-6, antisymmetric=2e-6, amplitude=0.01):
    """What a lock-in amplifier gives of `line`: its first harmonic, summed up over a period, per amplitude/width."""
    angle = 2 * np.pi * (np.arange(400) + 0.5) / 400
    swept = line(field[:, None] + amplitude * np.cos(angle), resonance, width, symmetric, antisymmetric)
    return 2 * np.mean(swept * np.cos(angle), axis=1) * width / amplitude


def made_up(
    resonance_of, alpha=0.008, gamma=29e9, w0=5e-3, noise=0.0, frequencies=range(4, 16), seed=0, shape=line, **parts
):
    """Sweeps over 0.1–0.9 T with lines at `resonance_of(f)` [T] and half widths w₀ + α f/γ'."""
    rng = np.random.default_rng(seed)
    field = np.linspace(0.1, 0.9, 161)
    made = []
    for f in 1e9 * np.array(list(frequencies), float):
        volts = shape(field, resonance_of(f), w0 + alpha * f / gamma, **parts) + 1e-7 * (1 + field)
        made.append(Sweep(f, field, volts + noise * 3e-6 * rng.standard_normal(field.size)))
    return Sweeps(made, field_unit="mT")


def around_each_line(shape, phase, noise, points, seed, alpha=0.01, w0=5e-4, frequencies=range(5, 17, 2), span=12.0):
    """Sweeps of an in-plane film (µ0 M = 1 T), each over `span` half widths on either side of its line.

    `phase` [rad] mixes the symmetric (cos) and the antisymmetric part (sin); `noise` is in units of the line's height.
    """
    rng = np.random.default_rng(seed)
    made = []
    for f in 1e9 * np.array(list(frequencies), float):
        middle = (np.sqrt(1 + 4 * (f / 28e9) ** 2) - 1) / 2
        width = w0 + alpha * f / 28e9
        field = middle + np.linspace(-span, span, points) * width + width * rng.uniform(-2, 2)
        volts = shape(field, middle, width, 1e-6 * np.cos(phase), 1e-6 * np.sin(phase))
        volts = volts + noise * np.ptp(volts) * rng.standard_normal(points) + 2e-7 * (1 + field)
        made.append(Sweep(f, field, volts))
    return Sweeps(made, field_unit="mT")
