"""Do two junctions in series pull each other into step? Expect that they lock up to 9.5 MHz apart.

The junctions share the current of a source of voltage: where one has a larger resistance, the other has less current.
By its phase response ρ(φ) to the voltage [rad/s per V] each answers to the other's resistance, an added voltage −I δR:

    dφ₁/dt = ω₁ + H(φ₂ − φ₁),   H(χ) = −⟨ρ(φ) I(φ) δR(φ + χ)⟩,

so that the two lock where |ω₁ − ω₂| ≤ max |H(χ) − H(−χ)| (two Kuramoto oscillators; A. T. Winfree, 1980). Both sides of
that edge are simulated, at 0.97 and 1.03 of it: locked, and running past each other.
"""

import jax
import numpy as np

import llgrad as lg

VOLTS, LOAD = 1.75, lg.circuits.Resistor(50.0, name="load")
JUNCTION = lg.devices.LinearJunction(R_P=310.0, delta_R=30.0)
STO = lg.presets.kubota2013().replace(junction=JUNCTION, current=0.0)


def tuned(field):
    """The device in a field [T] along z."""
    return STO.replace(field=(0.0, 0.0, field))


def beside(device, ohms):
    """Its orbit in the circuit where the other junction is a resistor."""
    network = lg.circuits.Series(device, lg.circuits.Resistor(ohms, name="other"), LOAD)
    return lg.orbit(lg.circuits.Circuit(lg.circuits.VoltageSource(VOLTS), network))


def mean_resistance(orbit):
    return float(orbit.harmonics("junction0.resistance")[0].real)


def slip(field, difference, duration=4e-6):
    """By how many turns the phases part in the second half of a run of a pair, [−difference/2, +difference/2] apart."""
    pair = lg.circuits.Series(tuned(field - difference / 2), tuned(field + difference / 2), LOAD)
    circuit = lg.circuits.Circuit(lg.circuits.VoltageSource(VOLTS), pair)
    start = circuit.start() | {"junction1": circuit.start()["junction0"]}
    run = lg.simulate(
        circuit, m0=start, duration=duration, dt=20e-12, stepper=lg.solvers.DormandPrince8(), save=lg.Every(10)
    )
    phases = [np.unwrap(np.arctan2(m.y, m.x)) for m in (run.junction0, run.junction1)]
    turns = (phases[1] - phases[0]) / (2 * np.pi)
    return abs(float(turns[-1] - turns[len(turns) // 2]))


with jax.enable_x64(True):
    middle = beside(tuned(20e-3), 325.0)
    middle = beside(tuned(20e-3), mean_resistance(middle))
    omega = 2 * np.pi * float(middle.frequency)
    ohms = np.asarray(JUNCTION.resistance(np.asarray(middle.m[:, 0])))
    current = VOLTS / (ohms + ohms.mean() + LOAD.resistance)
    response = np.asarray(middle.phase_response("voltage"))

    count = len(ohms)
    waves = np.fft.fft(ohms - ohms.mean()) * np.conj(np.fft.fft(response * current))
    H = -np.fft.ifft(waves).real / count
    edge = np.abs(H - np.roll(H[::-1], 1)).max()
    print(f"each at {omega / 2e9 / np.pi:.4f} GHz and {current.mean() * 1e3:.3f} mA")
    print(f"by the phase response they lock up to {edge / 2e6 / np.pi:.2f} MHz apart")

    # how far apart they are alone, each beside the other's mean resistance, by how far apart the fields are
    step = 0.1e-3
    low, high = (mean_resistance(beside(tuned(20e-3 + sign * step), ohms.mean())) for sign in (-1, 1))
    apart = beside(tuned(20e-3 + step), low).frequency - beside(tuned(20e-3 - step), high).frequency
    slope = 2 * np.pi * float(apart) / (2 * step)
    for factor in (0.97, 1.03):
        turns = slip(20e-3, factor * edge / slope)
        print(f"{factor} of it apart: {'locked' if turns < 0.1 else 'not locked'}, {turns:.2f} turns in 2 µs")
