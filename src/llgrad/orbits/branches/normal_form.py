"""What a small cycle does near a Hopf point: the normal form dz/dt = (iω + λ′ δ) z + c |z|² z, exact to third order.

z is the amplitude of the eigenvector x, δq = z x + z* x*, δ the change of the number that is followed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.branches.family import Family, velocity
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.modes import eigen

ROUNDING: Final = 1e-11
"""A real part of c that is less than this, over what it is the sum of and over ω, is zero."""


class NormalForm(NamedTuple):
    """A Hopf point to third order, in rad/ns and with |x| = 1 in the chart of its state."""

    omega: float
    cubic: complex
    """c [rad/ns]: its real part over ω is the first Lyapunov coefficient; 0 where it is rounding, as of a centre."""
    shift: complex
    """λ′: d(eigenvalue)/d(number) [rad/ns per unit], along the branch of the state at rest."""
    power: float
    """Power of |z| = 1: the areas that unit vectors draw, each without sign, over 4π; of a state without unit vectors
    the mean of |δy|², which is the square of the radius of a circle."""
    noise: float
    """Σ_j |p·G_j|² [1/ns] of the white noises."""
    slowest: float
    """The largest real part of the other eigenvalues, over ω: −inf where there are none."""


class _Forms(NamedTuple):
    first: Any
    second: Any
    third: Any
    moved: Any
    """∂(dq/dt)/∂(number) (n,)."""
    turned: Any
    """∂A/∂(number) (n, n)."""
    embedding: Any
    """∂y/∂q (size, n)."""
    noises: Any
    """What each white noise does to q (n, J)."""


@partial(quick_jit, compiled=jax.jit)
def _forms(family: Family, y: Any, value: Any) -> _Forms:
    """The derivatives of dq/dt, at a fixed point."""
    flow = family.flow(value)
    chart = chart_at(flow, y)
    n = flow.shape.freedom
    zero = jnp.zeros(n, y.dtype)

    def rate(q: Any, u: Any = 0.0) -> Any:
        return velocity(family, chart, value, jnp.append(q, u))

    slope, none = jax.jacfwd(rate), jnp.zeros((), y.dtype)
    second = jax.jacfwd(slope)
    columns = flow.by_noise(y)
    noises = jax.vmap(lambda column: chart.moves(flow, zero, column), 1, 1)(columns) if columns.shape[1] else columns
    return _Forms(
        first=slope(zero),
        second=second(zero),
        third=jax.jacfwd(second)(zero),
        moved=jax.jacfwd(lambda u: rate(zero, u))(none) / family.size,
        turned=jax.jacfwd(lambda u: slope(zero, u))(none) / family.size,
        embedding=jax.jacfwd(lambda q: chart.state(flow, q))(zero),
        noises=noises if columns.shape[1] else jnp.zeros((n, 0), y.dtype),
    )


def normal_form(family: Family, y: np.ndarray, value: float, omega: float) -> NormalForm:
    """The normal form of a Hopf point whose frequency is omega [rad/ns].

    With B and C the second and third derivatives, A x = iω x, Aᵀp = −iω p, p·x = 1:

        c = ⟨p, C(x, x, x̄) − 2 B(x, A⁻¹B(x, x̄)) + B(x̄, (2iω − A)⁻¹B(x, x))⟩/2,
        λ′ = ⟨p, ∂A/∂u x − B(x, A⁻¹∂f/∂u)⟩.

    Source: Yu. A. Kuznetsov, Elements of Applied Bifurcation Theory, 3rd ed. (2004), eq. (5.34); λ′ is the derivative
    of an eigenvalue along the branch, on which the state moves by −A⁻¹∂f/∂u.
    """
    forms = _Forms(*(np.asarray(part) for part in _forms(family, jnp.asarray(y), value)))
    a, second = forms.first, forms.second
    values, right = eigen(a)
    # that frequency, and not the least real part: beside the pair that crosses another may be on the axis all along
    place = int(np.abs(values - 1j * omega).argmin())
    omega, x = values[place].imag, right[:, place] / np.linalg.norm(right[:, place])
    p = np.linalg.inv(right)[place] * np.linalg.norm(right[:, place])

    def b(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.einsum("ijk,j,k->i", second, one, other)

    straight = np.einsum("ijkl,j,k,l->i", forms.third, x, x, x.conj())
    middle = b(x, np.linalg.solve(a, b(x, x.conj())))
    twice = b(x.conj(), np.linalg.solve(2j * omega * np.eye(len(a)) - a, b(x, x)))
    cubic = complex(p @ (straight - 2 * middle + twice)) / 2
    if abs(cubic.real) <= ROUNDING * (omega + float(np.abs(p) @ (abs(straight) + 2 * abs(middle) + abs(twice)))):
        cubic = 1j * cubic.imag
    shift = complex(p @ (forms.turned @ x - b(x, np.linalg.solve(a, forms.moved))))
    others = np.delete(values.real, [place, int(np.argmin(np.abs(values - values[place].conj())))])
    noise = float((np.abs(p @ forms.noises) ** 2).sum())
    slowest = float(others.max() / omega) if others.size else -np.inf
    return NormalForm(omega, cubic, shift, _power(family, y, forms.embedding @ x), noise, slowest)


def _power(family: Family, y: np.ndarray, x: np.ndarray) -> float:
    """See `NormalForm.power`; x (size,) is the eigenvector as a change of the state."""
    spins = family.shape.spins
    if not spins:
        return float(2 * (np.abs(x) ** 2).sum())
    drawn = [abs(np.dot(y[list(s)], np.cross(np.real(x[list(s)]), np.imag(x[list(s)])))) for s in spins]
    return float(sum(drawn))


def first_lyapunov(family: Family, y: np.ndarray, value: float, omega: float) -> float:
    """The first Lyapunov coefficient of a Hopf point: negative where a stable cycle is born beyond it (supercritical).

    l₁ = Re c/ω. Only its sign, and where it is zero, do not depend on coordinates.
    """
    form = normal_form(family, y, value, omega)
    return float(form.cubic.real / form.omega)
