"""The sums over a signal from which a tone in it is found, at one frequency and in its neighbourhood.

The signal, turned back by a trial frequency f₀, is summed against the powers of time u = (n − (T−1)/2)/T:

    M_kl = Σ w x e^{2πi k f₀ n} u^l,  k = 1, 2, 3;     Σ w x e^{2πi k (f₀ + ε/T) n} = Σ_l M_kl (2πi k ε)^l/l!

so that a whole search near f₀ needs no more than these few numbers. The products of the waves with one another are
known without a sum, for the weights w = (2/T) cos²(πu) are symmetric: ⟨cos 2πνn⟩ is `_mean_wave`, ⟨sin⟩ is zero.

Each function takes its arithmetic, `numpy` or `jax.numpy`, as `xp`.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.observables.estimators.jets import Jet, sine_and_cosine, where

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


def product(xp: Any, left: Any, right: Any) -> Any:
    """The product of two matrices, in all digits of their type."""
    return np.matmul(left, right) if xp is np else jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)


def weights_of(xp: Any, size: int, dtype: Any) -> Any:
    """sin²(π(n + ½)/T), of sum 1."""
    return xp.sin(math.pi * (xp.arange(size, dtype=dtype) + 0.5) / size) ** 2 * (2 / size)


def turns(xp: Any, start: Any, times: Any, padded: int) -> Any:
    """start · times without whole multiples of 2 · padded, a power of two: in integers that wrap at 2³², so exact."""
    # NumPy warns of an overflow of two scalars, not of arrays
    start, times = (xp.asarray(number).astype(xp.uint32).reshape(-1) for number in (start, times))
    return (start * times) & xp.uint32(2 * padded - 1)


def waves(xp: Any, start: Any, offset: Any, size: int, padded: int, dtype: Any) -> Any:
    """Cosine and sine (2, T) of start/padded + offset/T cycles per sample, of phase 0 in the middle of the signal.

    The samples are taken as a table, so that a few sines and angle addition, a product of matrices, give all. Whole
    turns of the start are dropped, however long the signal.
    """
    width = math.ceil(math.sqrt(size))
    rows = 2 * width * xp.arange(-(-size // width), dtype=xp.int32) - (size - 1)
    columns = 2 * xp.arange(width, dtype=xp.int32)

    def angle(twice: Any) -> Any:
        whole = turns(xp, start, twice, padded)
        return math.pi * (whole.astype(dtype) / padded + offset * (twice.astype(dtype) / size))

    (cos, sin), column = (xp.cos(angle(rows)), xp.sin(angle(rows))), angle(columns)
    turn = xp.stack([xp.stack([cos, -sin], axis=-1), xp.stack([sin, cos], axis=-1)])
    return product(xp, turn, xp.stack([xp.cos(column), xp.sin(column)])).reshape(2, -1)[:, :size]


def sums_at(xp: Any, start: Any, offset: Any, weighted: Any, padded: int, wave: Any) -> Sums:
    """The sums of a weighted signal (T,) without its mean at start/padded + offset/T cycles per sample."""
    size, dtype = weighted.shape[0], weighted.dtype
    u = (xp.arange(size, dtype=dtype) - (size - 1) / 2) / size
    cos, sin = [wave[0]], [wave[1]]
    for _ in range(1, HARMONICS):  # angle addition is cheaper than more cosines
        cos, sin = [*cos, cos[-1] * cos[0] - sin[-1] * sin[0]], [*sin, sin[-1] * cos[0] + cos[-1] * sin[0]]
    powers = xp.stack([u**order for order in range(ORDERS)], axis=1)
    found = product(xp, xp.stack([*cos, *sin]) * weighted[None, :], powers)
    whole = turns(xp, start, size, padded)[0]
    frequency = start.astype(dtype) / padded + offset / size
    order = xp.arange(1, HARMONICS + 1, dtype=dtype)
    return Sums(
        found[:HARMONICS],
        found[HARMONICS:],
        math.pi * frequency,
        math.pi * (whole.astype(dtype) / padded + offset),
        size,
        (order * frequency <= 0.5 - 1.5 / size) | (order == 1),
    )


def _mean_wave(xp: Any, offset: Any, sums: Sums) -> list[Any]:
    """⟨cos 2πkfn⟩ for k = 0 … 6: sin(πνT)/T · [1/sin πν − ½/sin π(ν + 1/T) − ½/sin π(ν − 1/T)], ν = kf."""
    k = xp.arange(1, 2 * HARMONICS + 1, dtype=sums.cos.dtype)
    half, whole = k * (sums.half_turn + math.pi * offset / sums.size), k * (sums.whole + math.pi * offset)
    sin, cos = sine_and_cosine(xp, half)
    one, other = sin * math.cos(math.pi / sums.size), cos * math.sin(math.pi / sums.size)
    inverse = _inverse(xp, sin) - 0.5 * (_inverse(xp, one + other) + _inverse(xp, one - other))
    mean = sine_and_cosine(xp, whole)[0] * inverse / sums.size
    return [1.0, *(mean[i] for i in range(2 * HARMONICS))]


def _inverse(xp: Any, x: Any) -> Any:
    """1/x, or of something tiny: sin(πνT) vanishes there as well."""
    value = x.value if isinstance(x, Jet) else x
    tiny = float(jnp.finfo(value.dtype).eps) ** 0.75
    apart = where(xp, xp.abs(value) >= tiny, x, tiny)
    return apart.inverse() if isinstance(apart, Jet) else 1 / apart


class BinnedProducts(NamedTuple):
    """⟨w x cos⟩ and ⟨w x sin⟩ (2, 3) of the multiples of a frequency, with two derivatives by it, in bins."""

    offset: Any
    value: Any
    slope: Any
    bend: Any

    def at(self, further: Any) -> Any:
        """The products a little further, or, of the jet of no step, those here with their derivatives."""
        if isinstance(further, Jet):
            return Jet(self.value, self.slope, self.bend)
        return self.value + further * (self.slope + further / 2 * self.bend)


def products_at(xp: Any, offset: Any, sums: Sums) -> BinnedProducts:
    """The products `offset` bins from the frequency of the sums: Σ M_l (i angle)^l/l!, and its derivatives."""
    rate = 2 * math.pi * xp.arange(1, HARMONICS + 1, dtype=sums.cos.dtype)
    angle, terms = offset * rate, [xp.ones_like(rate)]
    for order in range(1, ORDERS - 2):
        terms.append(terms[-1] * angle / order)
    series = xp.stack(terms, axis=1)
    flat = [_turned(xp, sums, shift, series) * (rate**shift)[None, :] for shift in range(3)]
    return BinnedProducts(offset, *flat)


def _turned(xp: Any, sums: Sums, shift: int, series: Any) -> Any:
    """Real and imaginary part of Σ M_(l + shift) i^(l + shift) s_l, (2, 3)."""
    cos, sin = (part[:, shift : shift + series.shape[1]] * series for part in (sums.cos, sums.sin))
    power = (np.arange(series.shape[1]) + shift) % 4
    turn = (np.asarray([1, 0, -1, 0])[power], np.asarray([0, 1, 0, -1])[power])
    one, other = (xp.asarray(part, series.dtype)[None, :] for part in turn)
    return xp.stack([xp.sum(cos * one - sin * other, axis=1), xp.sum(sin * one + cos * other, axis=1)])


class _System(NamedTuple):
    """Normal equations after elimination: right sides, pivots and factors, each of the cosines and of the sines."""

    b: list[Any]
    pivots: list[Any]
    factors: list[list[Any]]


def _system(xp: Any, further: Any, products: BinnedProducts, sums: Sums, used: Any) -> _System:
    """Cosines and sines do not mix, for the weights are symmetric. Unused multiples are made to give nothing."""
    mean = _mean_wave(xp, products.offset + further, sums)
    right = products.at(further)
    sign = xp.asarray([1.0, -1.0], sums.cos.dtype)
    constant = xp.asarray([1.0, 0.0], sums.cos.dtype)
    a = [[right[:, 0]] * HARMONICS for _ in range(HARMONICS)]
    for i in range(HARMONICS):
        for j in range(i + 1):
            value = (mean[i - j] + sign * mean[i + j + 2]) / 2 - constant * (mean[i + 1] * mean[j + 1])
            a[i][j] = where(xp, used[i] & used[j], value, 1.0 if i == j else 0.0)
    b = [where(xp, used[i], right[:, i], 0.0) for i in range(HARMONICS)]
    factors = [[right[:, 0]] * 3 for _ in range(3)]
    for i in range(HARMONICS):
        for j in range(i + 1, HARMONICS):
            factors[j][i] = a[j][i] / a[i][i]
            b[j] = b[j] - factors[j][i] * b[i]
            for k in range(i + 1, j + 1):
                a[j][k] = a[j][k] - factors[j][i] * a[k][i]
    return _System(b, [a[i][i] for i in range(HARMONICS)], factors)


def explained(xp: Any, products: BinnedProducts, sums: Sums, used: Any) -> Jet:
    """Weighted mean square that the fit explains, with its derivatives by the frequency, in bins."""
    here = Jet(xp.zeros_like(products.offset), xp.ones_like(products.offset), xp.zeros_like(products.offset))
    system = _system(xp, here, products, sums, used)
    parts = [b * b / pivot for b, pivot in zip(system.b, system.pivots, strict=True)]
    return (parts[0] + parts[1] + parts[2]).sum()


def explained_alone(xp: Any, products: BinnedProducts, sums: Sums) -> Any:
    """Weighted mean square that the frequency explains without its multiples."""
    mean, right = _mean_wave(xp, products.offset, sums), products.value[:, 0]
    cos, sin = (1 + mean[2]) / 2 - mean[1] ** 2, (1 - mean[2]) / 2
    return right[0] ** 2 / cos + right[1] ** 2 / sin


def fundamental(xp: Any, further: Any, products: BinnedProducts, sums: Sums) -> Any:
    """Coefficients (2,) of cos and sin of the frequency itself, of phase 0 in the middle of the signal."""
    system = _system(xp, further, products, sums, sums.used)
    c = [b / pivot for b, pivot in zip(system.b, system.pivots, strict=True)]
    for i in range(HARMONICS - 1, -1, -1):
        c[i] = c[i] - sum(system.factors[j][i] * c[j] for j in range(i + 1, HARMONICS))
    return c[0]
