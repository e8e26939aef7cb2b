"""Where must discs stand so that their stray fields shift each other as is wanted, a least distance apart?

Expect a mismatch that falls from 0.0133 to rounding (2e-30 here), and no pair nearer than 73.9 nm on the way.

Three discs in a plane, each of which feels the others' stray field by their shapes. Wanted is an in-plane arrangement
after which the state of the array 0.4 ns after a common start is that of a teacher, whose positions are not told. What
training changes are free numbers; the array is made of `lg.physics.keep_apart(numbers, 70 nm)`, so no step of it brings
two discs nearer than that.
"""

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg

LEAST = 70e-9
DISC = lg.devices.ellipse(diameters=(60e-9, 60e-9), thickness=2e-9)
DEVICE = lg.Oscillator(Ms=1.2e6, volume=DISC.volume, demag=DISC.demag, alpha=0.01, H_k=1.0, field=(0.0, 0.0, 0.1))
TEACHER = np.array([[0.0, 0.0], [75e-9, 5e-9], [10e-9, 90e-9]])
START = np.array([[0.0, 0.0], [95e-9, -20e-9], [-15e-9, 110e-9]])


def end(plane):
    """m (3, 3) of the discs after 0.4 ns, at positions (3, 2) in the plane."""
    places = jnp.concatenate([plane, jnp.zeros((3, 1))], axis=1)
    stray = lg.physics.DipolarCoupling.from_positions(places, Ms=DEVICE.Ms, shapes=DISC)
    array = lg.OscillatorArray(DEVICE, 3, stray)
    return lg.simulate(array, duration=0.4e-9, dt=2e-12, m0=lg.direction(0.8, 0.3), save=lg.End()).m[-1]


def main(steps: int = 25) -> tuple[list[float], list[float]]:
    """Mismatch and least distance [m] after each step of Gauss and Newton, damped."""
    with jax.enable_x64(True):
        target = jax.jit(end)(jnp.asarray(TEACHER))

        def residuals(numbers):
            return jnp.ravel(end(lg.physics.keep_apart(numbers.reshape(3, 2) * 1e-7, LEAST)) - target)

        both = jax.jit(lambda numbers: (residuals(numbers), jax.jacfwd(residuals)(numbers)))
        numbers, damping, losses, nearest = START.ravel() * 1e7, 1e-3, [], []
        value, slope = map(np.asarray, both(numbers))
        for _ in range(steps):
            step = np.linalg.solve(slope.T @ slope + damping * np.eye(6) * np.trace(slope.T @ slope), -slope.T @ value)
            new_value, new_slope = map(np.asarray, both(numbers + step))
            if new_value @ new_value < value @ value:
                numbers, value, slope, damping = numbers + step, new_value, new_slope, damping / 3
            else:
                damping *= 4
            plane = np.asarray(lg.physics.keep_apart(numbers.reshape(3, 2) * 1e-7, LEAST))
            losses.append(float(value @ value))
            nearest.append(min(np.linalg.norm(plane[i] - plane[j]) for i, j in ((0, 1), (0, 2), (1, 2))))
    return losses, nearest


if __name__ == "__main__":
    losses, nearest = main()
    print(f"mismatch {losses[0]:.3g} -> {losses[-1]:.3g}; nearest pair never below {min(nearest) * 1e9:.1f} nm")
