"""The sums over a signal from which a tone in it is found, at one frequency and in its neighbourhood.

The signal, turned back by a trial frequency f₀, is summed against the powers of time u = (n − (T−1)/2)/T:

    M_kl = Σ w x e^{2πi k f₀ n} u^l,  k = 1, 2, 3;     Σ w x e^{2πi k (f₀ + ε/T) n} = Σ_l M_kl (2πi k ε)^l/l!

so that a whole search near f₀ needs no more than these few numbers. The products of the waves with one another are
known without a sum, for the weights w = (2/T) cos²(πu) are symmetric: ⟨cos 2πνn⟩ is `_mean_wave`, ⟨sin⟩ is zero.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

HARMONICS: Final = 3
"""Multiples of the frequency in the fit, the frequency itself included."""
ORDERS: Final = 12
"""Powers of time: the series is exact to 10⁻⁵ of the third harmonic at 0.25 bins, to 10⁻¹² at 0.06."""


class Sums(NamedTuple):
    """A signal at one trial frequency."""

    cos: Any
    """Re M, (3, ORDERS)."""
    sin: Any
    """Im M, (3, ORDERS)."""
    half_turn: Any
    """π f₀ [rad] and, without whole turns, π f₀ T."""
    whole: Any
    size: int
    used: Any
    """Which multiples of the frequency lie below Nyquist's, (3,)."""


product = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


def weights_of(size: int, dtype: Any) -> Any:
    """sin²(π(n + ½)/T), of sum 1."""
    return jnp.sin(math.pi * (jnp.arange(size, dtype=dtype) + 0.5) / size) ** 2 * (2 / size)


def waves(start: Any, offset: Any, size: int, padded: int, dtype: Any) -> Any:
    """Cosine and sine (2, T) of start/padded + offset/T cycles per sample, of phase 0 in the middle of the signal.

    The samples are taken as a table, so that a few sines and angle addition, a product of matrices, give all. Whole
    turns of the start are dropped in integers (which wrap at 2³², a multiple of 2 · padded): exact, however long the
    signal.
    """
    width = math.ceil(math.sqrt(size))
    rows = 2 * width * jnp.arange(-(-size // width), dtype=jnp.int32) - (size - 1)
    columns = 2 * jnp.arange(width, dtype=jnp.int32)

    def angle(twice: Any) -> Any:
        turns = (start.astype(jnp.uint32) * twice.astype(jnp.uint32)) & jnp.uint32(2 * padded - 1)
        return math.pi * (turns.astype(dtype) / padded + offset * (twice.astype(dtype) / size))

    (cos, sin), column = (jnp.cos(angle(rows)), jnp.sin(angle(rows))), angle(columns)
    turn = jnp.stack([jnp.stack([cos, -sin], axis=-1), jnp.stack([sin, cos], axis=-1)])
    return product(turn, jnp.stack([jnp.cos(column), jnp.sin(column)])).reshape(2, -1)[:, :size]


def sums_at(start: Any, offset: Any, weighted: Any, padded: int, wave: Any) -> Sums:
    """The sums of a weighted signal (T,) without its mean at start/padded + offset/T cycles per sample."""
    size, dtype = weighted.shape[0], weighted.dtype
    u = (jnp.arange(size, dtype=dtype) - (size - 1) / 2) / size
    cos, sin = [wave[0]], [wave[1]]
    for _ in range(1, HARMONICS):  # angle addition is cheaper than more cosines
        cos, sin = [*cos, cos[-1] * cos[0] - sin[-1] * sin[0]], [*sin, sin[-1] * cos[0] + cos[-1] * sin[0]]
    found = product(
        jnp.stack([*cos, *sin]) * weighted[None, :], jnp.stack([u**order for order in range(ORDERS)], axis=1)
    )
    turns = (start.astype(jnp.uint32) * jnp.uint32(size)) & jnp.uint32(2 * padded - 1)
    frequency = start.astype(dtype) / padded + offset / size
    order = jnp.arange(1, HARMONICS + 1, dtype=dtype)
    return Sums(
        found[:HARMONICS],
        found[HARMONICS:],
        math.pi * frequency,
        math.pi * (turns.astype(dtype) / padded + offset),
        size,
        (order * frequency <= 0.5 - 1.5 / size) | (order == 1),
    )


def _mean_wave(offset: Any, sums: Sums) -> list[Any]:
    """⟨cos 2πkfn⟩ for k = 0 … 6: sin(πνT)/T · [1/sin πν − ½/sin π(ν + 1/T) − ½/sin π(ν − 1/T)], ν = kf."""
    k = jnp.arange(1, 2 * HARMONICS + 1, dtype=sums.cos.dtype)
    half, whole = k * (sums.half_turn + math.pi * offset / sums.size), k * (sums.whole + math.pi * offset)
    sin, cos = jnp.sin(half), jnp.cos(half)
    one, other = sin * math.cos(math.pi / sums.size), cos * math.sin(math.pi / sums.size)
    inverse = 1 / _not_zero(sin) - 0.5 / _not_zero(one + other) - 0.5 / _not_zero(one - other)
    mean = jnp.sin(whole) * inverse / sums.size
    return [jnp.ones_like(mean[0]), *mean]


def _not_zero(x: Any) -> Any:
    """x, or something tiny: sin(πνT) vanishes there as well."""
    tiny = jnp.finfo(x.dtype).eps ** 0.75
    return jnp.where(jnp.abs(x) < tiny, tiny, x)


class Products(NamedTuple):
    """⟨w x cos⟩ and ⟨w x sin⟩ (2, 3) of the multiples of a frequency, with two derivatives by it, in bins."""

    offset: Any
    value: Any
    slope: Any
    bend: Any

    def at(self, further: Any) -> Any:
        """The products a little further: all derivatives up to the second are right at 0."""
        return self.value + further * (self.slope + further / 2 * self.bend)


def products_at(offset: Any, sums: Sums) -> Products:
    """The products `offset` bins from the frequency of the sums: Σ M_l (i angle)^l/l!, and its derivatives."""
    rate = 2 * math.pi * jnp.arange(1, HARMONICS + 1, dtype=sums.cos.dtype)
    angle, terms = offset * rate, [jnp.ones_like(rate)]
    for order in range(1, ORDERS - 2):
        terms.append(terms[-1] * angle / order)
    series = jnp.stack(terms, axis=1)
    flat = [_turned(sums, shift, series) * (rate**shift)[None, :] for shift in range(3)]
    return Products(offset, *flat)


def _turned(sums: Sums, shift: int, series: Any) -> Any:
    """Real and imaginary part of Σ M_(l + shift) i^(l + shift) s_l, (2, 3)."""
    cos, sin = (part[:, shift : shift + series.shape[1]] * series for part in (sums.cos, sums.sin))
    power = (jnp.arange(series.shape[1]) + shift) % 4
    real, imaginary = jnp.asarray([1, 0, -1, 0]), jnp.asarray([0, 1, 0, -1])
    one, other = (turn[power].astype(series.dtype)[None, :] for turn in (real, imaginary))
    return jnp.stack([jnp.sum(cos * one - sin * other, axis=1), jnp.sum(sin * one + cos * other, axis=1)])


class _System(NamedTuple):
    """Normal equations after elimination: right sides, pivots and factors, each of the cosines and of the sines."""

    b: list[Any]
    pivots: list[Any]
    factors: list[list[Any]]


def _system(further: Any, products: Products, sums: Sums, used: Any) -> _System:
    """Cosines and sines do not mix, for the weights are symmetric. Unused multiples are made to give nothing."""
    mean = _mean_wave(products.offset + further, sums)
    right = products.at(further)
    sign = jnp.asarray([1.0, -1.0], right.dtype)
    constant = jnp.asarray([1.0, 0.0], right.dtype)
    a = [[right[:, 0]] * HARMONICS for _ in range(HARMONICS)]
    for i in range(HARMONICS):
        for j in range(i + 1):
            value = (mean[i - j] + sign * mean[i + j + 2]) / 2 - constant * (mean[i + 1] * mean[j + 1])
            a[i][j] = jnp.where(used[i] & used[j], value, 1.0 if i == j else 0.0)
    b, factors = [jnp.where(used[i], right[:, i], 0) for i in range(HARMONICS)], [[right[:, 0]] * 3 for _ in range(3)]
    for i in range(HARMONICS):
        for j in range(i + 1, HARMONICS):
            factors[j][i] = a[j][i] / a[i][i]
            b[j] = b[j] - factors[j][i] * b[i]
            for k in range(i + 1, j + 1):
                a[j][k] = a[j][k] - factors[j][i] * a[k][i]
    return _System(b, [a[i][i] for i in range(HARMONICS)], factors)


def explained(further: Any, products: Products, sums: Sums, used: Any) -> Any:
    """Weighted mean square that the fit explains, `further` bins (few or none) from the frequency of the products."""
    system = _system(further, products, sums, used)
    return jnp.sum(sum(b**2 / pivot for b, pivot in zip(system.b, system.pivots, strict=True)))


def fundamental(further: Any, products: Products, sums: Sums) -> Any:
    """Coefficients (2,) of cos and sin of the frequency itself, of phase 0 in the middle of the signal."""
    system = _system(further, products, sums, sums.used)
    c = [b / pivot for b, pivot in zip(system.b, system.pivots, strict=True)]
    for i in range(HARMONICS - 1, -1, -1):
        c[i] = c[i] - sum(system.factors[j][i] * c[j] for j in range(i + 1, HARMONICS))
    return c[0]
