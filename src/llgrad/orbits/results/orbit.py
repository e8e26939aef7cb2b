"""`Orbit`: a limit cycle, and everything that it tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Complex, Float, Num, PyTree

from llgrad.core.record import is_concrete
from llgrad.core.vector import Vec3
from llgrad.devices.junction import Junction
from llgrad.orbits.cycle.linear import multipliers_of, return_rate_of
from llgrad.orbits.cycle.solving import Closed
from llgrad.orbits.flow import Flow, Model
from llgrad.orbits.results import quantities
from llgrad.orbits.results.checking import (
    amplitudes_of,
    check_fundamental,
    check_into_load,
    offsets_of,
    strengths_of,
)
from llgrad.orbits.results.locking import Locking
from llgrad.orbits.results.precision import precise, working
from llgrad.orbits.results.response import stride_of
from llgrad.orbits.results.signals import Observable, load_observable, observable_of
from llgrad.orbits.results.spectra import Modulation, PhaseNoise, modulation_at, noise_densities
from llgrad.orbits.results.status import OrbitStatus

LOAD: Final = 50.0


class Orbit(eqx.Module):
    """A limit cycle that `lg.orbit` found. Every result is differentiable in every leaf of the model.

    The first state round it is arbitrary: what depends on the phase begins there.

    >>> import llgrad as lg
    >>> orbit = lg.orbit(lg.presets.kubota2013().replace(temperature=300.0))
    >>> round(float(orbit.frequency) / 1e9, 4), round(float(orbit.line_width) / 1e6, 1)  # GHz, MHz
    (0.4402, 29.3)
    >>> orbit.m.shape[-1], bool(orbit.attracts)
    (3, True)
    """

    model: Model
    """As it was given."""
    flow: Flow
    closed: Closed
    error: float | Float[jax.Array, "*batch"]
    """Estimated relative error of period and states."""
    note: str = eqx.field(static=True)
    """What there is to say about it; empty where there is nothing."""
    status: OrbitStatus = OrbitStatus(np.zeros((), np.int32))
    """Under `jit` and `vmap` how the search ended: `status.sentence`. Outside of them `orbit` raises instead."""

    @property
    def found(self) -> Bool[np.ndarray | jax.Array, "*batch"]:
        """Whether there is an orbit, () bool, or (…) of a batch; where there is none every result is NaN."""
        return self.status.found

    # ---- the orbit

    @property
    @precise
    def period(self) -> Float[jax.Array, "*batch"]:
        """T [s]."""
        return self.closed.period * 1e-9

    @property
    @precise
    def frequency(self) -> Float[jax.Array, "*batch"]:
        """1/T [Hz]."""
        return 1e9 / self.closed.period

    @property
    @precise
    def t(self) -> Float[jax.Array, "N"]:
        """Times (N,) [s] of the states, from 0, without T itself."""
        count = len(self.closed.states)
        return self.period * jnp.arange(count) / count

    @property
    @precise
    def state(self) -> PyTree[Float[jax.Array, "N ..."]]:
        """The states round the orbit: a tree of arrays (N,) or (N, oscillators)."""
        return self.flow.state(self.closed.states)

    @property
    @precise
    def m(self) -> Float[jax.Array, "N ... 3"]:
        """The unit vectors (N, 3) or (N, oscillators, 3). Raises ValueError for a state that has none, or many."""
        spins = [node for node in jax.tree.leaves(self.state, is_leaf=_is_vector) if _is_vector(node)]
        if len(spins) != 1:
            raise ValueError(f"the state has {len(spins)} unit vectors; take the one that is meant from orbit.state")
        return spins[0].stack()

    # ---- its linearisation

    @property
    @precise
    def multipliers(self) -> Complex[jax.Array, "M"]:
        """Floquet multipliers (d − 1,), complex, the largest first, without the 1 of the free phase: by what a
        deviation is multiplied in one period."""
        return multipliers_of(self.closed.linear)

    @property
    @precise
    def return_rate(self) -> Float[jax.Array, "*batch"]:
        """Γ = −ln|largest multiplier|/T [1/s]: the rate at which deviations decay; negative of an orbit that repels."""
        return return_rate_of(self.closed.linear, self.closed.period) * 1e9

    @property
    @precise
    def attracts(self) -> Bool[jax.Array, "*batch"]:
        """Whether deviations decay."""
        return self.return_rate > 0

    @precise
    def phase_response(self, name: str) -> Float[jax.Array, "N"]:
        """ω R(t) (N,) [rad/s per unit of the input]: how fast the phase runs ahead while an input is one unit larger,
        by where on the orbit it is. R = Z·∂f/∂u; of an array the input of all oscillators alike.

        Names: "current" [A], "field_x", "field_y", "field_z" [T]; of a system those of its `inputs`.
        """
        return quantities.phase_response(self.flow, self.closed, self._input(name))

    @precise
    def sensitivity(self, name: str) -> Float[jax.Array, ""]:
        """df/du [Hz per unit of the input]: the mean of the phase response over 2π."""
        return jnp.mean(self.phase_response(name)) / (2 * math.pi)

    # ---- noise

    @property
    @precise
    def diffusion(self) -> Float[jax.Array, "*batch"]:
        """d⟨φ²⟩/dt [rad²/s] = ω² ⟨Σ_j (Z·G_j)²⟩ of the white noise, thermal field or `noises`, on columns G_j; of a
        thermal field 2 D ω² ⟨|R|²⟩, D = α k_B T/(γ Ms V). First order in the noise; 0 at 0 K."""
        return quantities.diffusion(self.flow, self.closed)

    @property
    @precise
    def line_width(self) -> Float[jax.Array, "*batch"]:
        """Full width Δf [Hz] of the Lorentzian that the phase diffusion makes, d⟨φ²⟩/dt/2π. See `line_width_holds`."""
        return self.diffusion / (2 * math.pi)

    @property
    @precise
    def noise_ratio(self) -> Float[jax.Array, "*batch"]:
        """2π Δf/Γ: first order in the noise is right where this is small; from 1 on `line_width` is no line width."""
        return 2 * math.pi * self.line_width / self.return_rate

    @property
    @precise
    def line_width_holds(self) -> str:
        """A sentence: whether `line_width` is the width of the line. Of values that are known."""
        return quantities.sentence_of_width(float(self.line_width), float(self.return_rate))

    @property
    @precise
    def linear_width(self) -> Float[jax.Array, "*batch"]:
        """The line width [Hz] of the same motion without amplitude-to-phase conversion: Δf/(1 + ν²). Raises ValueError
        where the noise does not act in every direction; traced it is NaN there."""
        if why := self.reason_against_split:
            raise ValueError(f"the width without conversion is not told: {why}")
        return quantities.linear_width(self.flow, self.closed)

    @property
    def reason_against_split(self) -> str:
        """Why the line width is not divided into a linear one and what conversion adds: there is no noise, or none in
        some direction; empty where it is, and of values that are not known."""
        with working(self):
            reached = quantities.noise_reaches(*jax.lax.stop_gradient((self.flow, self.closed)))
        diffusion = jax.lax.stop_gradient(self.diffusion)
        known = is_concrete(reached) and is_concrete(diffusion)
        return quantities.reason_against_split(float(diffusion), bool(reached)) if known else ""

    @precise
    def nonlinearity(self, observable: Observable | str | None = None) -> Float[jax.Array, ""]:
        """ν, the factor of amplitude-to-phase conversion: Δf = (1 + ν²) · `linear_width`, with the sign of df/dp of the
        observable's power p. Raises ValueError where the power has not one slow mode (no real return multiplier that
        is far above the others).

        Source: V. Tiberkevich, A. Slavin, J.-V. Kim, Phys. Rev. B 78, 092401 (2008).
        """
        self._check_slow_mode()
        if why := self.reason_against_split:
            raise ValueError(f"ν is not told: {why}")
        return quantities.nonlinearity(self.flow, self.closed, self._with_phase(observable))

    @precise
    def frequency_by_power(self, observable: Observable | str | None = None) -> Float[jax.Array, ""]:
        """df/d(ln p) [Hz]: by how much the frequency is higher while the power p of the observable's fundamental is
        higher, in parts of it, and returns at Γ. Raises ValueError as `nonlinearity` does."""
        self._check_slow_mode()
        return quantities.frequency_by_power(self.flow, self.closed, self._with_phase(observable))

    @precise
    def phase_noise(
        self,
        f: Sequence[float] | Float[ArrayLike, "F"],
        *,
        flicker: Mapping[str, Float[ArrayLike, ""]] | None = None,
        observable: Observable | str | None = None,
    ) -> PhaseNoise:
        """S_φ [rad²/Hz], S_a [1/Hz] and L [dBc/Hz] at offsets f [Hz] from the carrier, of the fundamental of an
        observable: of the white noise, and of 1/f noise S_u = strength/f on inputs, as flicker={"current": 1e-14} [A²]
        (the density at 1 Hz).

        Far below Γ/2π S_φ = Δf/(π f²) of white noise; far above it the conversion of amplitude noise is gone.
        """
        offsets = offsets_of(f, self.closed.period.dtype)
        strengths = {self._input(name): jnp.asarray(value) for name, value in strengths_of(flicker).items()}
        seen = self._with_phase(observable)
        phase, amplitude = noise_densities(
            self.flow, self.closed.states, self.closed.period, seen, offsets, strengths, self._stride
        )
        return PhaseNoise(offsets, phase, amplitude, self.line_width)

    @precise
    def modulation(
        self, name: str, f: Sequence[float] | Float[ArrayLike, "F"], observable: Observable | str | None = None
    ) -> Modulation:
        """What a small change of an input with the modulation frequencies f [Hz] does to frequency and amplitude."""
        offsets, seen = offsets_of(f, self.closed.period.dtype), self._with_phase(observable)
        found = modulation_at(
            self.flow, self.closed.states, self.closed.period, seen, offsets, self._input(name), self._stride
        )
        return Modulation(offsets, *found)

    @precise
    def modulation_bandwidth(self, name: str, observable: Observable | str | None = None) -> float:
        """The modulation frequency [Hz] at which the swing of the oscillator's frequency by an input has fallen by 3 dB
        from that of a slow change; inf where it does not below half the frequency. Of values that are known. Raises
        ValueError where a slow change of the input leaves the frequency as it is, as one of a symmetry does."""
        largest = float(np.abs(np.asarray(self.phase_response(name))).max()) / (2 * math.pi)
        seen = self._with_phase(observable)

        def swing(f: Any) -> Any:
            return modulation_at(
                self.flow, self.closed.states, self.closed.period, seen, jnp.asarray(f), name, self._stride
            )[0]

        return quantities.bandwidth(swing, float(self.frequency), name, largest)

    # ---- what an instrument sees

    @precise
    def harmonics(self, observable: Observable | str | None = None) -> Complex[jax.Array, "K"]:
        """C_k (N/2 + 1,), complex, of an observable s(t) = C₀ + 2 Re Σ_k C_k e^{2πikt/T}.

        Observable: a function of a state to a number; "x", "y", "z" of a device; a signal of a system, a
        component of its state ("free.z") or an output ("voltage", "transverse").
        Default: m·p of a device, the first number of a system.
        """
        return quantities.harmonics(self.flow, self.closed, observable_of(self.model, observable))

    @precise
    def power(
        self, *, load: Float[ArrayLike, ""] = LOAD, junction: Junction | None = None, harmonic: int = 1
    ) -> Float[jax.Array, ""]:
        """Power [W] of a harmonic that a bias tee passes from the junction into a load [Ω]: |2 C_k|²/(2 load) of the
        voltage (V − ⟨V⟩) load/(⟨R⟩ + load), as `load_voltage` has it."""
        place = check_into_load(load, junction, harmonic, len(self.closed.states) // 2 + 1)
        voltage, resistance = load_observable(self.model, junction)
        volts = quantities.harmonics(self.flow, self.closed, voltage)
        ohms = quantities.harmonics(self.flow, self.closed, resistance)[0].real
        return 2 * jnp.abs(volts[place] * (load / (ohms + load))) ** 2 / load

    @precise
    def power_dbm(
        self, *, load: Float[ArrayLike, ""] = LOAD, junction: Junction | None = None, harmonic: int = 1
    ) -> Float[jax.Array, ""]:
        """The same power in dBm: decibels above a milliwatt."""
        return 10 * jnp.log10(self.power(load=load, junction=junction, harmonic=harmonic) / 1e-3)

    # ---- locking

    @precise
    def locking(
        self, drive: Mapping[str, Num[ArrayLike, ""]], ratio: float = 1, observable: Observable | str | None = None
    ) -> Locking:
        """How the orbit locks to a weak drive Σ_c h_c cos(ω_d t), h_c by input as {"field_x": 1e-5}, whose frequency is
        near `ratio` times the orbit's: 1, 2, 3, … in first order, Δω = ω |Σ_c h_c ⟨R_c e^{−inωt}⟩|, or 0.5 in second
        order, ∝ h², with the shift of the centre that a drive there makes. A complex h_c has a phase:
        Re(h_c e^{iω_d t}).

        Sources: A. T. Winfree, The Geometry of Biological Time (1980); for f/2 second-order averaging, derived in
        `response.half_frequency`.
        """
        if ratio not in (0.5, *range(1, 10)):
            raise ValueError(f"ratio = {ratio!r}, expected 1, 2, 3, … times the orbit's frequency, or 0.5")
        given = {self._input(name): value for name, value in amplitudes_of(drive).items()}
        seen = observable_of(self.model, observable)
        return quantities.locking(
            self.flow, self.closed, given, float(ratio), seen, self._stride if ratio == 0.5 else 1
        )

    @property
    def _stride(self) -> int:
        return stride_of(self.closed.states)

    def _input(self, name: str) -> str:
        if name not in self.flow.channels:
            known = ", ".join(self.flow.channels) or "none"
            raise ValueError(f"{name!r} is no input of {type(self.model).__name__}; it has {known}")
        return name

    def _with_phase(self, observable: Observable | str | None) -> Observable:
        seen = observable_of(self.model, observable)
        check_fundamental(self.flow, self.closed, seen)
        return seen

    def _check_slow_mode(self) -> None:
        multipliers = jax.lax.stop_gradient(self.multipliers)
        if is_concrete(multipliers) and (why := quantities.reason_against_slow_mode(np.asarray(multipliers))):
            raise ValueError(f"ν is not told: {why}")

    @precise
    def __repr__(self) -> str:
        if not is_concrete(self.closed.period):
            return f"Orbit of {type(self.model).__name__}, traced"
        return quantities.card(self)


def _is_vector(node: Any) -> bool:
    return isinstance(node, Vec3)
