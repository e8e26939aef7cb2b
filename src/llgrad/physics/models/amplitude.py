"""The amplitude model of an auto-oscillator, as a `System` and in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from llgrad.core.field_term import Inputs
from llgrad.core.record import is_concrete, quantity
from llgrad.core.vector import Number
from llgrad.devices.bounds import positive
from llgrad.devices.ranges import check_record
from llgrad.devices.system import System
from llgrad.physics.models.ranges import AMPLITUDE


class AmplitudeModel(System):
    """An auto-oscillator by the complex amplitude c of its motion, with the power p = |c|²:

        dc/dt = −i ω(p) c − Γ₊(p) c + Γ₋(p) c + drive + noise,
        ω = omega_0 + tuning I + N p,   Γ₊ = Gamma_G (1 + Q p),   Γ₋ = sigma I (1 − p),

    beyond the threshold I_th = Gamma_G/sigma on the orbit p₀ = (ζ − 1)/(ζ + Q), ζ = I/I_th. `lg.orbits.amplitude_model`
    derives these numbers from a device.

    Args:
        omega_0: angular frequency at rest, without a current [rad/s].
        N: its change with the power [rad/s], for p = 1.
        Gamma_G: damping at rest [1/s].
        sigma: growth by the current [1/(s A)].
        Q: relative change of the damping with the power.
        current: I [A].
        tuning: what the current does to the frequency at rest [rad/(s A)].
        D_n: strength of the noise [1/s]: ⟨f(t) f*(t′)⟩ = 2 D_n δ(t − t′); 0: none.
        readout: the signal "voltage" [V] for Re c = 1; None: none.

    The state of a run is c: `run.re`, `run.im`. A drive acts on the current and on drive_re, drive_im [1/s]:
    f e^{−iω_e t} is f cos ω_e t on one and −f sin ω_e t on the other.

    Source: A. Slavin, V. Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009) (recalled; each closed form is tested against
    the orbit of the equation). Raises ValueError, in one sentence, for a number out of range.

    >>> import llgrad as lg
    >>> numbers = dict(omega_0=6e10, N=-2e10, Gamma_G=3e8, sigma=3e11)
    >>> model = lg.systems.AmplitudeModel(**numbers, Q=0.5, current=1.5e-3, D_n=1e3)
    >>> round(model.threshold * 1e3, 6), model.power, round(model.frequency / 1e9, 4)
    (1.0, 0.25, 8.7535)
    >>> round(float(lg.orbit(model).line_width) / 1e6, 4), round(model.line_width / 1e6, 4)
    (0.708, 0.708)
    """

    omega_0: float = quantity("rad/s", about="angular frequency at rest")
    N: float = quantity("rad/s", about="its change with the power, for p = 1")
    Gamma_G: float = quantity("1/s", about="damping at rest", bound=positive())
    sigma: float = quantity("1/(s A)", about="growth by the current")
    Q: float = quantity("1", default=0.0, about="relative change of the damping with the power")
    current: float = quantity("A", default=0.0, about="direct current I")
    tuning: float = quantity("rad/(s A)", default=0.0, about="what the current does to the frequency at rest")
    D_n: float = quantity("1/s", default=0.0, about="strength of the noise")
    readout: Number | None = quantity("V", default=None, about="voltage of the signal for Re c = 1")
    inputs: ClassVar = {"current": "A", "drive_re": "1/s", "drive_im": "1/s"}

    def __check_init__(self) -> None:
        check_record(self, AMPLITUDE, "AmplitudeModel: ")

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Two, where there is noise."""
        return 0 if is_concrete(self.D_n) and not np.any(self.D_n) else 2

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """The voltage, where it is known what it is of."""
        return {} if self.readout is None else {"voltage": "V"}

    def start(self) -> dict[str, float]:
        """A small amplitude, p = 0.01."""
        return {"re": 0.1, "im": 0.0}

    def rate(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """dc/dt [1/s]."""
        re, im = state["re"], state["im"]
        p, current = re * re + im * im, self.current + inputs.current
        omega = self.omega_0 + self.tuning * current + self.N * p
        growth = self.sigma * current * (1 - p) - self.Gamma_G * (1 + self.Q * p)
        d_re, d_im = growth * re + omega * im + inputs.drive_re, growth * im - omega * re + inputs.drive_im
        if not self.noises:
            return {"re": d_re, "im": d_im}
        size = jnp.sqrt(self.D_n)
        return {"re": d_re + size * inputs.noise[0], "im": d_im + size * inputs.noise[1]}

    def observe(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """The voltage."""
        return {} if self.readout is None else {"voltage": self.readout * state["re"]}

    def emit(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel: c."""
        return {"re": state["re"], "im": state["im"]}

    def fastest(self) -> Number:
        """The turning at rest or on the orbit of p = 1, and the rates [rad/s]."""
        at_rest = self.omega_0 + self.tuning * self.current
        turning = jnp.maximum(abs(at_rest), abs(at_rest + self.N))
        return turning + self.Gamma_G * (1 + abs(self.Q)) + abs(self.sigma * self.current)

    # ---- in closed form

    @property
    def threshold(self) -> Number:
        """I_th = Gamma_G/sigma [A]."""
        return self.Gamma_G / self.sigma

    @property
    def supercriticality(self) -> Number:
        """ζ = I/I_th."""
        return self.sigma * self.current / self.Gamma_G

    @property
    def power(self) -> Number:
        """p₀ = (ζ − 1)/(ζ + Q) of the orbit. Raises ValueError where there is none: ζ ≤ 1."""
        zeta = self.supercriticality
        if is_concrete(zeta) and not (zeta > 1 and zeta + self.Q > 0):
            raise ValueError(
                f"no orbit: the current, {self.current:g} A, is {zeta:.4g} times the threshold; the amplitude model "
                "oscillates beyond 1"
            )
        return (zeta - 1) / (zeta + self.Q)

    @property
    def frequency(self) -> Number:
        """(omega_0 + tuning I + N p₀)/2π [Hz] of the orbit."""
        return (self.omega_0 + self.tuning * self.current + self.N * self.power) / (2 * math.pi)

    @property
    def return_rate(self) -> Number:
        """Γ = 2 Gamma_G (ζ − 1) [1/s] at which the power returns; Γ_p of the source is half of it."""
        return 2 * self.Gamma_G * (self.supercriticality - 1)

    @property
    def nonlinearity(self) -> Number:
        """ν = 2 N p₀/Γ = N/(Gamma_G (ζ + Q))."""
        return 2 * self.N * self.power / self.return_rate

    @property
    def line_width(self) -> Number:
        """Full width D_n (1 + ν²)/(2π p₀) [Hz], to first order in the noise."""
        return self.D_n * (1 + self.nonlinearity**2) / (2 * math.pi * self.power)

    def locking_half_width(self, drive: Number) -> Number:
        """Half width |f| √(1 + ν²)/√p₀/2π [Hz] in which the orbit locks to a weak drive f e^{−iω_e t}, f in 1/s."""
        return abs(drive) * jnp.sqrt((1 + self.nonlinearity**2) / self.power) / (2 * math.pi)
