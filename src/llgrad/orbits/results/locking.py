"""Injection locking: which drives an orbit follows, and how far behind."""

from __future__ import annotations

import math
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from llgrad.orbits.results.precision import precise

WEAK: Final = 0.1
"""Strength up to which a range is told without a doubt."""
EDGE: Final = 1e-6
"""An edge of the range is locked, however it was rounded."""


class Locking(eqx.Module):
    """How an orbit locks to a weak drive h cos(ω_d t) near `ratio` times its frequency.

    With ψ the phase of the oscillator's fundamental behind the drive's, dψ/dt = 0 where the drive's frequency over the
    ratio differs from `centre` by no more than `half_width`. First order in the drive; at half the frequency second
    order, with its shift.

    >>> import llgrad as lg
    >>> orbit = lg.orbit(lg.presets.kubota2013())
    >>> locking = orbit.locking({"field_x": 1e-5})
    >>> round(float(locking.half_width) / 1e6, 3)  # MHz, of 0.1 Oe along x
    3.555
    """

    ratio: float = eqx.field(static=True)
    """Of the drive's frequency to the oscillator's: 1, 2, 3, …, or 0.5."""
    centre: Float[jax.Array, "*batch"]
    """Frequency of the oscillator in the middle of the range [Hz]."""
    half_width: Float[jax.Array, "*batch"]
    """Half the range of the oscillator's frequency [Hz]: the drive's is `ratio` times as wide."""
    offset: Float[jax.Array, "*batch"]
    """Phase [rad] of the oscillator relative to the drive in the middle of the range."""
    strength: Float[jax.Array, "*batch"]
    """2π half_width/Γ: the theory holds where this is small; negative of an orbit that repels."""

    @property
    @precise
    def drive_range(self) -> tuple[Float[jax.Array, "*batch"], Float[jax.Array, "*batch"]]:
        """Lowest and highest frequency of the drive [Hz] that locks."""
        return self.ratio * (self.centre - self.half_width), self.ratio * (self.centre + self.half_width)

    @precise
    def lag(self, frequency: Float[ArrayLike, "..."]) -> Float[jax.Array, "..."]:
        """By how much [rad] the fundamental of the observable lags behind a drive of a frequency [Hz], in (−π, π], both
        multiplied up to their common frequency; NaN where it is not locked. Over the range it grows by π.
        """
        x = (jnp.asarray(frequency) / self.ratio - self.centre) / self.half_width
        inside, x = jnp.abs(x) <= 1 + EDGE, jnp.clip(x, -1.0, 1.0)
        behind = self.offset + jnp.where(inside, jnp.arcsin(jnp.where(inside, x, 0.0)), jnp.nan)
        return jnp.pi - jnp.mod(jnp.pi - behind, 2 * jnp.pi)

    @precise
    def __repr__(self) -> str:
        if float(self.half_width) == 0:
            order = "second" if self.ratio == 0.5 else "first"
            return f"Locking: no drive near {self.ratio:g} f locks it, in {order} order"
        low, high = (float(edge) / 1e9 for edge in self.drive_range)
        said = f"locks to drives from {low:.9g} to {high:.9g} GHz, near {self.ratio:g} f"
        said += f" (±{float(self.half_width) / 1e6:.6g} MHz of the oscillator)"
        weak = "" if abs(float(self.strength)) < WEAK else ", too wide for first order (compare with Γ)"
        weak += ", and the orbit repels" if float(self.strength) < 0 else ""
        return f"Locking: {said}{weak}"


def locking_from(ratio: float, period: Any, shift: Any, lock: Any, seen: Any, rate: Any) -> Locking:
    """From dφ/dt = ω (1 + shift) + ω Re(lock e^{i(nφ − …)}), n = 1, 2, … or, at half the frequency, 1.

    `seen` is the fundamental C₁ of the observable, `rate` Γ [1/ns].
    """
    frequency, order = 1e9 / period, max(ratio, 1.0)
    half_width = frequency * jnp.abs(lock)
    # locked where cos(n ψ + arg lock) is the detuning x over the half width, and stable where the sine is positive
    offset = jnp.angle(jnp.where(lock == 0, 1.0, lock)) - math.pi / 2 - order * jnp.angle(seen)
    return Locking(ratio, frequency * (1 + shift), half_width, offset, 2e-9 * math.pi * half_width / rate)
