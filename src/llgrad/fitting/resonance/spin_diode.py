"""Parameters of a device from field sweeps at once, through its own equation of motion.

Each sweep is (gain) · V_dc(H; device) + background: V_dc from `experiments/rectification.py`, the gain unknown because
the microwave power that reaches a device is. Gains and backgrounds enter linearly and are solved for at every step
(variable projection: G. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), with L. Kaufman's Jacobian).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import get_leaf, leaf_units, listed, set_leaf, with_entries
from llgrad.core.units import show, show_with_error
from llgrad.core.vector import Vec3
from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.devices.bounds import Bound, default_bound
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.rectification import Microwave, junction_of
from llgrad.experiments.spin_diode import responses, sweep_axis
from llgrad.fitting.answers.uncertainty import uncertainty
from llgrad.fitting.resonance.lorentzian import EVERYTHING, Background, FieldWindow, fewest_points
from llgrad.fitting.resonance.shapes.residuals import LARGEST_MISFIT, following


class SpinDiodeFit(eqx.Module):
    """A device found from sweeps; dictionaries are keyed by parameter name, numbers in SI.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> junction, along = lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0), (1.0, 0.0, 0.0)
    >>> sto = lg.presets.kubota2013().replace(current=0.0, polariser=(0.8, 0.6, 0.0), junction=junction)
    >>> asked = {"microwave": lg.experiments.Microwave(current=10e-6), "axis": along}
    >>> shown = lg.experiments.spin_diode(sto, np.linspace(0.06, 0.4, 61), [5e9], largest_swing=np.inf, **asked)
    >>> found = lg.fitting.fit_spin_diode(sto, shown.sweeps(), free=("alpha",), **asked)
    >>> found.converged, found.units["alpha"]
    (True, '1')
    """

    device: Oscillator
    values: dict[str, float]
    errors: dict[str, float]
    units: dict[str, str]
    verdict: tuple[str, ...]
    """What the data can and cannot tell apart, in sentences."""
    r_squared: tuple[float, ...]
    """Part of what the background leaves of each sweep that the device explains."""
    residual: float
    """Root mean square of the residuals, each sweep in units of its own peak-to-peak voltage."""
    converged: bool
    curves: tuple[np.ndarray, ...]
    """Fitted voltages [V] of every sweep inside the window."""

    def __str__(self) -> str:
        rows = [f"{n:<10} {show_with_error(v, self.errors[n], self.units[n])}" for n, v in self.values.items()]
        end = "converged" if self.converged else "ended before it converged"
        ends = f"R² {min(self.r_squared):.4f} to {max(self.r_squared):.4f}"
        quality = f"{end}; residual rms {self.residual:.3g} of each sweep's height; {ends}"
        first = [text for text in self.verdict if "does not explain" in text]
        return "\n".join([*first, *rows, quality, *(text for text in self.verdict if text not in first)])

    __repr__ = __str__


def fit_spin_diode(
    device: Oscillator,
    sweeps: Sweeps,
    *,
    free: Mapping[str, Bound] | Iterable[str],
    microwave: Microwave,
    axis: Vec3 | Float[ArrayLike, "3"] | None = None,
    window: FieldWindow = EVERYTHING,
    background: Background = Background.LINEAR,
) -> SpinDiodeFit:
    """Parameters of a device from all sweeps at once, by least squares on the rectified voltage of its linear response.

    The device must be at rest (no auto-oscillation) and the microwave weak; its start must put the lines near the
    measured ones, as `fit_resonance` finds them. Computes in float64.

    Args:
        device: the known values, and the start of the free ones; with a junction.
        sweeps: the data.
        free: paths of the free leaves ("gamma", "H_k", "alpha"), or a bound for each.
        microwave: ratio and phase of its current and field; the gain of each sweep is found.
        axis: direction (3,) of the applied field, a unit vector; by default that of the device's own.
        window: the fields that are used.
        background: what is added to each sweep.

    Raises ValueError for an unknown parameter, a device without a junction, too few points.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> junction = lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0)
    >>> sto = lg.presets.kubota2013().replace(current=0.0, alpha=0.01, polariser=(0.8, 0.6, 0.0), junction=junction)
    >>> microwave, along = lg.experiments.Microwave(current=10e-6), (1.0, 0.0, 0.0)
    >>> fields, frequencies = np.linspace(0.06, 0.4, 61), np.arange(3, 11, 2) * 1e9
    >>> data = lg.experiments.spin_diode(sto, fields, frequencies, microwave, axis=along, largest_swing=np.inf).sweeps()
    >>> found = lg.fitting.fit_spin_diode(
    ...     sto.replace(alpha=0.013), data, free=("alpha", "H_k"), microwave=microwave, axis=along
    ... )
    >>> bool(abs(found.values["alpha"] - 0.01) < 1e-6)
    True
    """
    check_kind("device", device, Oscillator, "give a device, such as lg.presets.kubota2013()")
    check_kind("sweeps", sweeps, Sweeps, "read them by lg.read_sweeps")
    import scipy.optimize  # slow to import

    junction_of(device)
    along = sweep_axis(device, axis)
    units = leaf_units(device)
    bounds = _bounds(device, free, units)
    cuts = [_cut(sweep, window, background) for sweep in sweeps.sweeps]
    with jax.enable_x64(True):
        problem = _Problem(device, cuts, bounds, microwave, along, background)
        start = np.array([bound.free(float(get_leaf(device, name))) for name, bound in bounds.items()])
        jacobian: Any = problem.jacobian  # scipy's stubs know only the words
        found = scipy.optimize.least_squares(problem.residuals, start, jac=jacobian, method="trf", x_scale="jac")
        values, slope = problem.physical(found.x)
        names = tuple(bounds)
        nuisances = len(cuts) * (int(background) + 2)
        noise = np.sqrt(2 * found.cost / max(found.fun.size - len(names) - nuisances, 1))
        sure = uncertainty(names, values, found.jac / slope / max(float(noise), 1e-300))
        fitted = device
        for name, value in zip(names, values, strict=True):
            fitted = set_leaf(fitted, name, float(value))
        return SpinDiodeFit(
            device=fitted,
            values={name: float(v) for name, v in zip(names, values, strict=True)},
            errors={name: float(e) for name, e in zip(names, sure.errors, strict=True)},
            units={name: units[name] for name in names},
            verdict=(*_unexplained(cuts, problem, found.x), *sure.verdict),
            r_squared=tuple(problem.explained(found.x)),
            residual=float(np.sqrt(np.mean(found.fun**2))),
            converged=bool(found.success),
            curves=problem.curves(found.x),
        )


def _unexplained(sweeps: list[Sweep], problem: _Problem, u: np.ndarray) -> list[str]:
    """What the device does not explain, in a sentence: residuals that are no noise, and no small part of a sweep."""
    parts = []
    for sweep, curve, explained in zip(sweeps, problem.curves(u), problem.explained(u), strict=True):
        rest = (sweep.voltage - curve)[np.argsort(sweep.field, kind="stable")]
        parts.append(following(rest) * (1 - explained) / max(explained, 1e-300))
    wrong = [number for number, part in enumerate(parts) if part > LARGEST_MISFIT]
    if not wrong:
        return []
    worst = int(np.argmax(parts))
    at, r_squared = show(sweeps[worst].frequency, "Hz"), problem.explained(u)[worst]
    return [
        f"the device does not explain {len(wrong)} of {len(sweeps)} sweeps (worst at {at}: R² = {r_squared:.3f}, and "
        "what is left is no noise), so its values and errors are not to be believed"
    ]


def _bounds(device: Oscillator, free: Mapping[str, Bound] | Iterable[str], units: dict[str, str]) -> dict[str, Bound]:
    free = with_entries(device, free)
    names = list(free)
    if not names:
        raise ValueError("no free parameter: name at least one, such as 'alpha'")
    for name in names:
        if name not in units:
            raise ValueError(f"unknown parameter {name!r}; it can be {listed(units)}")
    if isinstance(free, Mapping):
        return dict(free)
    return {name: default_bound(name, units[name], float(get_leaf(device, name))) for name in names}


def _cut(sweep: Sweep, window: FieldWindow, background: Background) -> Sweep:
    inside = window.holds(sweep.field)
    if inside.sum() < fewest_points(background):
        raise ValueError(
            f"{int(inside.sum())} points of the sweep at {sweep.frequency / 1e9:g} GHz lie in the window, "
            f"expected at least {fewest_points(background)}"
        )
    return Sweep(sweep.frequency, sweep.field[inside], sweep.voltage[inside])


class _Problem:
    """Residuals and Jacobian over the unbounded parameters; the last evaluation is kept."""

    def __init__(
        self,
        device: Oscillator,
        sweeps: list[Sweep],
        bounds: dict[str, Bound],
        microwave: Microwave,
        axis: Vec3,
        background: Background,
    ):
        self.sweeps, self.bounds = sweeps, list(bounds.values())
        longest = max(sweep.field.size for sweep in sweeps)
        fields = np.stack([np.pad(sweep.field, (0, longest - sweep.field.size), mode="edge") for sweep in sweeps])
        frequencies = np.array([sweep.frequency for sweep in sweeps])
        self.powers = [np.linspace(-1, 1, s.field.size)[:, None] ** np.arange(int(background) + 1) for s in sweeps]
        self.sizes = [max(float(np.ptp(sweep.voltage)), 1e-300) for sweep in sweeps]
        names = list(bounds)

        def model(u: Any) -> tuple[Any, Any]:
            bound = device
            for name, limit, value in zip(names, self.bounds, u, strict=True):
                bound = set_leaf(bound, name, limit.physical(value))
            each = jax.vmap(lambda h, f: responses(bound, h, f, microwave, axis).voltage)
            volts = each(jnp.asarray(fields), jnp.asarray(frequencies))
            return volts, volts

        self.model = jax.jit(jax.jacfwd(model, has_aux=True))
        self.last: tuple[np.ndarray, Any] | None = None

    def physical(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values, and their derivatives by u."""
        pairs = [jax.value_and_grad(b.physical)(jnp.asarray(x)) for b, x in zip(self.bounds, u, strict=True)]
        return np.array([float(v) for v, _ in pairs]), np.array([float(d) for _, d in pairs])

    def residuals(self, u: np.ndarray) -> np.ndarray:
        return np.concatenate([rest / size for (rest, _, _), size in zip(self._solve(u), self.sizes, strict=True)])

    def jacobian(self, u: np.ndarray) -> np.ndarray:
        return np.concatenate([slope / size for (_, slope, _), size in zip(self._solve(u), self.sizes, strict=True)])

    def curves(self, u: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(curve for _, _, curve in self._solve(u))

    def explained(self, u: np.ndarray) -> list[float]:
        """R² of each sweep against its background alone."""
        found = []
        for (rest, _, _), sweep, powers in zip(self._solve(u), self.sweeps, self.powers, strict=True):
            flat = sweep.voltage - powers @ np.linalg.lstsq(powers, sweep.voltage, rcond=None)[0]
            found.append(float(1 - (rest @ rest) / max(flat @ flat, 1e-300)))
        return found

    def _solve(self, u: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """(fitted minus measured, its Jacobian, fitted) of each sweep, gains and backgrounds solved for."""
        if self.last is not None and np.array_equal(self.last[0], u):
            return self.last[1]
        jacobian, volts = (np.asarray(part) for part in self.model(jnp.asarray(u)))
        solved = []
        for sweep, powers, shape, slope in zip(self.sweeps, self.powers, volts, jacobian, strict=True):
            count = sweep.field.size
            size = max(float(np.abs(shape[:count]).max()), 1e-300)
            basis, triangle = np.linalg.qr(np.column_stack([shape[:count] / size, powers]))
            curve = basis @ (basis.T @ sweep.voltage)
            gain = np.linalg.solve(triangle, basis.T @ sweep.voltage)[0] / size
            change = gain * slope[:count]
            solved.append((curve - sweep.voltage, change - basis @ (basis.T @ change), curve))
        self.last = (u.copy(), solved)
        return solved
