"""What measured harmonics tell of spin–orbit torques: effective fields, corrected for the planar Hall effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show, show_with_error
from llgrad.experiments.harmonics.result import HarmonicHall
from llgrad.experiments.loops.swept import along as direction_along
from llgrad.physics.stacks.stack import Stack

SMALL: Final = 0.2
"""A tilt [rad] up to which the formulas of a perpendicular layer hold within a few percent."""
NEAR_HALF: Final = 0.02
LARGEST: Final = 100.0
"""[T] above which a field was meant in another unit."""
ALIGNED: Final = 0.9
"""Least cosine of the angle between a field and the axis that it is meant along."""


@dataclass(frozen=True)
class EffectiveFields:
    """Amplitudes of the fields of the current's amplitude, with one standard error each.

    Of a current along ĵ with spins along σ = n̂ × ĵ the field is damping_like (m × σ) + field_like σ, as that of
    `SpinOrbitTorque`; `field_like` has the Oersted field in it.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> H = np.linspace(-0.05, 0.05, 11)
    >>> first = 1e-3 * (1 - H**2 / (2 * 1.5**2))
    >>> found = lg.experiments.effective_fields((H, first, -2.667e-7 * H), (H, first, 2.0e-7 * H), planar_ratio=0.4)
    >>> bool(found.damping_like_error < 1e-6 * found.damping_like), found.notes
    (True, ())
    """

    damping_like: float
    damping_like_error: float
    field_like: float
    field_like_error: float
    """[T]."""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows = [("damping-like", self.damping_like, self.damping_like_error)]
        rows += [("field-like, with the Oersted field", self.field_like, self.field_like_error)]
        lines = [f"  {name:<34}  {show_with_error(value, error, 'T')}" for name, value, error in rows]
        return "\n".join(["Effective fields", *lines, *(f"  {note}" for note in self.notes)])


def effective_fields(
    along: HarmonicHall | tuple[Float[ArrayLike, "F"], Float[ArrayLike, "F"], Float[ArrayLike, "F"]],
    across: HarmonicHall | tuple[Float[ArrayLike, "F"], Float[ArrayLike, "F"], Float[ArrayLike, "F"]],
    *,
    planar_ratio: float | tuple[float, float] = 0.0,
    up: bool = True,
) -> EffectiveFields:
    """Fields of the current on a perpendicular layer, from its harmonics under small fields in the plane.

    With B_L = (∂V_2ω/∂H)/(∂²V_ω/∂H²) of a sweep along the current, B_T of one across it, ξ = R_PHE/(2 R_AHE) and
    s = ±1 for m along ± n̂,

        Δ_L = −2 (B_L + 2 s ξ B_T)/(1 − 4 ξ²),   Δ_T = −2 (B_T + 2 s ξ B_L)/(1 − 4 ξ²),

    are the fields along ĵ and along t̂ = n̂ × ĵ at the current's amplitude: damping_like = −s Δ_L, field_like = Δ_T.
    V_ω goes with sin ωt and V_2ω with cos 2ωt for a current I₀ sin ωt; a factor common to both cancels (rms or peak).
    V_ω is fitted with a parabola, V_2ω with a straight line; the errors are those of the scatter about them, carried
    through with that of ξ.

    Source: M. Hayashi et al., Phys. Rev. B 89, 144425 (2014), where ξ = ΔR_P/ΔR_A is this one, with V = (ΔR_A/2) cosθ +
    (ΔR_P/2) sin²θ sin 2φ per current (recalled; derived again, and tested against exact harmonics).

    Args:
        along: fields [T] along ĵ, V_ω and V_2ω [V], three of one length, or what `harmonic_hall` found.
        across: the same with the field along t̂.
        planar_ratio: R_PHE/R_AHE = 2 ξ as `PHE(R)` and `AHE(R)` have them, or this and its standard error.
        up: whether m is along +n̂.

    Raises ValueError for other shapes, for fewer than five fields, for a V_ω that does not bend, for a `HarmonicHall`
    along another axis, and near ξ = ½, where the two fields cannot be told apart.

    >>> import numpy as np
    >>> H = np.linspace(-0.05, 0.05, 11)
    >>> first = 1e-3 * (1 - H**2 / (2 * 1.5**2))
    >>> found = effective_fields((H, first, -2.667e-7 * H), (H, first, 2.0e-7 * H), planar_ratio=0.4)
    >>> round(found.damping_like * 1e3, 3), round(found.field_like * 1e3, 3)  # mT
    (1.0, 0.5)
    """
    ratio, ratio_error = _with_error("planar_ratio", planar_ratio)
    if abs(abs(ratio) - 1) < NEAR_HALF:
        raise ValueError(
            f"planar_ratio = {ratio:g}: at R_PHE/R_AHE = ±1 both sweeps tell the same combination of the two fields; "
            "take another method, such as effective_fields_in_plane"
        )
    numbers, variances, tilt = [], [], 0.0
    for name, sweep in (("along", along), ("across", across)):
        H, first, second = _sweep_of(name, sweep)
        scale = np.abs(H).max()
        (c0, _, c2), bend = _fitted(np.stack([np.ones_like(H), H / scale, (H / scale) ** 2], 1), first)
        (_, slope), line = _fitted(np.stack([np.ones_like(H), H / scale], 1), second)
        if not abs(c2) > 3 * np.sqrt(bend[2, 2]) or c2 == 0:
            raise ValueError(
                f"V_ω of {name} does not bend with the field beyond its scatter, so that nothing scales V_2ω; sweep to "
                "larger fields"
            )
        numbers += [slope * scale, 2 * c2]
        variances += [line[1, 1] * scale**2, 4 * bend[2, 2]]
        tilt = max(tilt, float(np.sqrt(2 * abs(c2 / c0))) if c0 else 0.0)
    sign = 1.0 if up else -1.0

    def fields(given: Any) -> Any:
        # B in units of the largest field squared over it: slope/curvature of the scaled parabolas is a field
        b_along, b_across, planar = given[0] / given[1], given[2] / given[3], sign * given[4]
        below = 1 - planar**2
        return jnp.stack([2 * sign * (b_along + planar * b_across) / below, -2 * (b_across + planar * b_along) / below])

    notes = ()
    if tilt > SMALL:
        off = f"the layer tilts by {np.rad2deg(tilt):.0f}°: formulas of small angles are off by some"
        notes = (f"{off} {50 * tilt**2:.0f} %",)
    return _propagated(fields, [*numbers, ratio], [*variances, ratio_error**2], notes)


def effective_fields_in_plane(
    fields: Float[ArrayLike, "F"],
    angles: Float[ArrayLike, "A"],
    first: Float[ArrayLike, "F A"],
    second: Float[ArrayLike, "F A"],
    *,
    current: float,
    R_AHE: float | tuple[float, float],
    B_K: float,
    thermal: bool = True,
) -> EffectiveFields:
    """Fields of the current on a layer that lies in the plane, from its harmonics under fields turned in the plane.

    With φ the angle of the field H from the current, and M along H,

        V_ω = I₀ (R_PHE/2) sin 2φ,
        V_2ω = −(I₀/2) [(R_AHE Δ_DL/(H + B_K) + E) cos φ + R_PHE (Δ_FL/H) cos φ cos 2φ],

    E [Ω] being what a temperature gradient along n̂ brings (anomalous Nernst and spin Seebeck effects). Offsets are
    fitted too. R_PHE is that of V_ω. The errors are those of the scatter, carried through with that of R_AHE.

    Source: C. O. Avci et al., Phys. Rev. B 90, 224427 (2014) (recalled; derived again, and tested against exact
    harmonics).

    Args:
        fields: H [T], (F,), positive. angles: φ [rad], (A,).
        first, second: V_ω of sin ωt and V_2ω of cos 2ωt [V], peak values, (F, A).
        current: amplitude I₀ [A].
        R_AHE: [Ω], or this and its standard error.
        B_K: field [T] beyond H that holds M in the plane: µ0 Ms less the perpendicular anisotropy field.
        thermal: whether E is fitted; needs several fields.

    Raises ValueError for other shapes, for a current or a B_K that is none, and for one field where E is fitted.

    >>> import numpy as np
    >>> H, phi = np.array([[0.1], [0.3]]), np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> first = 1e-3 * 0.2 * np.sin(2 * phi) + 0 * H
    >>> bracket = (1.0 * 1e-3 / (H + 0.8) + 2e-4 + 0.4 * 5e-4 / H * np.cos(2 * phi)) * np.cos(phi)
    >>> found = effective_fields_in_plane(
    ...     H[:, 0], phi, first, -0.5e-3 * bracket, current=1e-3, R_AHE=1.0, B_K=0.8)
    >>> round(found.damping_like * 1e3, 6), round(found.field_like * 1e3, 6)  # mT
    (1.0, 0.5)
    """
    H, phi = np.atleast_1d(np.asarray(fields, float)), np.atleast_1d(np.asarray(angles, float))
    measured = [np.asarray(part, float) for part in (first, second)]
    if any(part.shape != (len(H), len(phi)) or not np.isfinite(part).all() for part in measured) or (H <= 0).any():
        shapes = " and ".join(str(part.shape) for part in measured)
        raise ValueError(
            f"first and second have the shapes {shapes}, expected finite voltages of {len(H)} positive fields and "
            f"{len(phi)} angles, ({len(H)}, {len(phi)})"
        )
    _check_tesla("fields", H)
    if not (np.isfinite(current) and current > 0 and np.isfinite(B_K) and (H + B_K > 0).all()):
        raise ValueError(
            f"current = {current!r} and B_K = {B_K!r}, expected an amplitude above 0 in A, and a field in T with which "
            "H + B_K is above 0"
        )
    if thermal and len(np.unique(H)) < 2:
        raise ValueError(
            "with one field the damping-like torque and a temperature gradient look alike; give several fields, or "
            "thermal=False where there is none"
        )
    anomalous, anomalous_error = _with_error("R_AHE", R_AHE)
    h, angle = (part.ravel() for part in np.broadcast_arrays(H[:, None], phi[None, :]))
    flat = np.ones_like(h)
    planar, spread = _fitted(np.stack([flat, np.sin(2 * angle), np.cos(2 * angle)], 1), measured[0].ravel())
    half = -current / 2
    columns = [flat, half * np.cos(angle) / (h + B_K), half * np.cos(angle) * np.cos(2 * angle) / h]
    columns += [half * np.cos(angle)] if thermal else []
    found, covariance = _fitted(np.stack(columns, 1), measured[1].ravel())

    def told(given: Any) -> Any:
        return jnp.stack([given[0] / given[2], given[1] * current / (2 * given[3])])

    numbers = [found[1], found[2], anomalous, planar[1]]
    matrix = np.zeros((4, 4))
    matrix[:2, :2] = covariance[1:3, 1:3]
    matrix[2, 2], matrix[3, 3] = anomalous_error**2, spread[1, 1]
    notes = (f"a temperature gradient brings {found[3]:.3g} Ω cos φ, ± {np.sqrt(covariance[3, 3]):.2g}",)
    return _propagated(told, numbers, matrix, notes if thermal else ())


def _propagated(law: Callable[[Any], Any], numbers: list[Any], spread: Any, notes: tuple[str, ...]) -> EffectiveFields:
    """Both fields of numbers with variances, or a covariance, to first order."""
    check_platform()
    matrix = np.diag(spread) if np.ndim(spread) == 1 else np.asarray(spread)
    with jax.enable_x64(True):
        at = jnp.asarray(numbers, float)
        values, slopes = np.asarray(law(at)), np.asarray(jax.jacfwd(law)(at))
    errors = np.sqrt(np.einsum("ij,jk,ik->i", slopes, matrix, slopes))
    return EffectiveFields(float(values[0]), float(errors[0]), float(values[1]), float(errors[1]), notes)


def _fitted(columns: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of least squares, and their covariance from the scatter.

    Raises ValueError where the fields, or the angles, do not tell the coefficients apart.
    """
    found, _, rank, _ = np.linalg.lstsq(columns, values, rcond=None)
    if rank < columns.shape[1]:
        raise ValueError(
            f"these fields or angles tell only {rank} of {columns.shape[1]} coefficients apart; measure at more of "
            "them, or at others"
        )
    freedom = len(values) - columns.shape[1]
    scatter = float(np.sum((values - columns @ found) ** 2)) / freedom if freedom > 0 else float("nan")
    return found, scatter * np.linalg.inv(columns.T @ columns)


def _sweep_of(name: str, sweep: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(sweep, HarmonicHall):
        _check_axis(name, sweep)
        sweep = (sweep.values, sweep.first_sine, sweep.second_cosine)
    parts = [np.asarray(part, float) for part in sweep] if isinstance(sweep, (tuple, list)) else []
    if len(parts) != 3 or parts[0].ndim != 1 or len(parts[0]) < 5 or any(p.shape != parts[0].shape for p in parts):
        shapes = ", ".join(str(part.shape) for part in parts) or type(sweep).__name__
        raise ValueError(
            f"{name} is {shapes}, expected fields, V_ω and V_2ω of one length, five or more, or a HarmonicHall"
        )
    if not all(np.isfinite(part).all() for part in parts) or np.ptp(parts[0]) == 0:
        raise ValueError(f"{name} holds numbers that are not finite, or one field only")
    _check_tesla(name, parts[0])
    return parts[0], parts[1], parts[2]


def _check_tesla(name: str, fields: np.ndarray) -> None:
    if (largest := float(np.abs(fields).max())) > LARGEST:
        raise ValueError(f"{name} has a field of {show(float(f'{largest:.4g}'), 'T')}: is it in tesla? 1 Oe is 1e-4 T")


def _check_axis(name: str, found: HarmonicHall) -> None:
    """Raise ValueError for a computed sweep that is none of a field along ĵ, or along t̂."""
    if found.loop.parameter != "field":
        raise ValueError(f"{name} is over {found.loop.parameter}, expected one over the field along its axis")
    (bar, *others) = cast(Stack, found.loop.device).readouts
    if others:  # which of them was read is known by its name only
        return
    axis = bar.flow if name == "along" else bar.normal.cross(bar.flow)
    polar, azimuth = found.loop.angle
    if not float(direction_along(polar, azimuth).dot(axis)) > ALIGNED:
        what = "the current, ĵ" if name == "along" else "t̂ = n̂ × ĵ"
        told = f"({np.rad2deg(polar):.4g}°, {np.rad2deg(azimuth):.4g}°)"
        raise ValueError(f"{name} was swept with the field along {told}, expected along {what}")


def _with_error(name: str, value: Any) -> tuple[float, float]:
    pair = value if isinstance(value, (tuple, list)) else (value, 0.0)
    if len(pair) != 2 or not all(isinstance(part, (int, float, np.number)) for part in pair) or pair[1] < 0:
        raise ValueError(f"{name} = {value!r}, expected a number, or a number and its standard error")
    if not np.isfinite(pair).all():
        raise ValueError(f"{name} = {value!r}, expected finite numbers")
    return float(pair[0]), float(pair[1])
