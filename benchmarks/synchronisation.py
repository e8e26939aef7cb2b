"""Phase order of junctions in parallel against their number and their spread, by the coupling that an orbit tells.

`python -m benchmarks.synchronisation`. N junctions share the current of a source: where one conducts more, the others
have less. The phase response ρ to the source's current gives the coupling of a pair, H(χ) = −⟨ρ(φ) V(φ) δG(φ + χ)⟩,
whose odd part is (K/N) sin; frequencies are spread evenly over ±Δ. Two of them lock up to Δ/K = 0.5; infinitely many
with such a coupling and no more in it up to π/4 = 0.785, where the order falls to that of a crowd at once (D. Pazó,
Phys. Rev. E 72, 046211 (2005), recalled). Order is |Σ e^{iφ}|/N, its mean over the second half of a run of 2 µs from
one phase. In series behind a source of voltage the coupling has the other sign: there they lock, and out of phase.
"""

from __future__ import annotations

import math
from typing import Final

import jax
import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep

CURRENT, FIELD = 2.5e-3, 20e-3
NUMBERS: Final = (2, 4, 8)
SPREADS: Final = (0.3, 0.45, 0.6, 0.75, 1.0)
"""Δ/K."""


def circuit_of(devices: list[lg.Oscillator], ohms: float, others: int = 0) -> lg.circuits.Circuit:
    """Devices, and resistors of a mean resistance [Ω] in place of others, driven to the current in each."""
    rest = [lg.circuits.Resistor(ohms / others, name="others")] if others else []
    return lg.circuits.Circuit(
        lg.circuits.CurrentSource(CURRENT * (len(devices) + others)), lg.circuits.Parallel(*devices, *rest)
    )


def coupling(device: lg.Oscillator, count: int) -> tuple[float, float, float]:
    """K [rad/s] of a circuit of so many, the change of a frequency with its field [rad/s/T], and the resistance."""
    ohms = 325.0
    for _ in range(2):
        orbit = lg.orbit(circuit_of([device], ohms, count - 1))
        siemens = 1 / np.asarray(device.junction.resistance(np.asarray(orbit.m[:, 0])))
        ohms = 1 / float(siemens.mean())
    volts = CURRENT * count / (siemens + (count - 1) / ohms)
    answer = np.asarray(orbit.phase_response("current")) * volts
    waves = np.fft.fft(siemens - siemens.mean()) * np.conj(np.fft.fft(answer))
    H = -np.fft.ifft(waves).real / len(siemens)
    return (
        count * float(np.abs(H - np.roll(H[::-1], 1)).max()) / 2,
        math.tau * float(orbit.sensitivity("field_z")),
        ohms,
    )


def order(device: lg.Oscillator, count: int, spread: float, ohms: float) -> float:
    """Mean order of a chain whose fields are spread over ±spread [T]."""
    fields = FIELD + np.linspace(-spread, spread, count)
    circuit = circuit_of([device.replace(field=(0.0, 0.0, float(f))) for f in fields], ohms)
    start = circuit.start()
    start = dict.fromkeys(start, start["junction0"])
    run = lg.simulate(
        circuit, m0=start, duration=2e-6, dt=20e-12, stepper=lg.solvers.DormandPrince8(), save=lg.Every(50)
    )
    phases = np.array([np.arctan2(m.y, m.x) for m in (run.state[name] for name in start)])
    return float(np.abs(np.exp(1j * phases).mean(0))[phases.shape[1] // 2 :].mean())


def main() -> None:
    figures = {}
    print("ΔR, N, K/2π; order at Δ/K = " + ", ".join(f"{s:g}" for s in SPREADS))
    for delta_R in (30.0, 60.0):
        junction = lg.devices.LinearJunction(R_P=325.0 - delta_R / 2, delta_R=delta_R)
        device = lg.presets.kubota2013().replace(junction=junction, current=0.0, field=(0.0, 0.0, FIELD))
        for count in NUMBERS:
            K, slope, ohms = coupling(device, count)
            found = [order(device, count, share * K / slope, ohms) for share in SPREADS]
            figures |= {
                f"{delta_R:.0f} Ω, {count}, Δ/K = {s:g}": value for s, value in zip(SPREADS, found, strict=True)
            }
            orders = ", ".join(f"{value:.3f}" for value in found)
            print(f"{delta_R:.0f} Ω, {count}, {K / 2e6 / math.pi:.2f} MHz; {orders}", flush=True)
    keep(asked(), "synchronisation", figures)


if __name__ == "__main__":
    with jax.enable_x64(True):
        main()
