"""The vortex oscillator: the Thiele equation of a vortex core in a disk, as a `System`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.leaves import as_temperature
from llgrad.core.constants import BOLTZMANN, GAMMA_ELECTRON
from llgrad.core.field_term import Inputs
from llgrad.core.record import is_concrete, quantity, vector
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import positive
from llgrad.devices.junction import Junction, check_junction
from llgrad.devices.ranges import check_record, check_unit_vector
from llgrad.devices.system import System
from llgrad.physics.models.disk import numbers_of
from llgrad.physics.models.ranges import DISK, VORTEX, check_below_one, check_sign


def _whole(value: Any) -> Any:
    """A sign as an int, for it is a part of the equation and no number of it."""
    return int(value) if isinstance(value, (float, np.number)) and value in (1, -1) else value


class Vortex(System):
    """A vortex core in a disk that a current drives, by the Thiele equation. With the core at X = R s, s = |s|,

        −P G(s) ẑ × Ẋ − D(s) Ẋ − K(s) X + a I ẑ × X + P C f I + C µ ẑ × B + (thermal force) = 0,
        G(s) = G (1 + G_nonlinear s²),   D(s) = D (1 + D_nonlinear s²),
        K(s) = κ (1 + kappa_nonlinear s²) + C κ_Oe I (1 + oersted_nonlinear s²).

    P is the polarity of the core, C the chirality (1: the magnetisation turns counter-clockwise). A core that points up
    gyrates counter-clockwise, at κ/G; with P a I > 0 it does so by itself beyond the `threshold`.

    `from_disk` makes it from radius, thickness, material and current; the numbers here are what is left of them, and
    what a measurement fixes.

    Args:
        radius: R of the disk [m].
        G: gyrovector [J s/m²]; 2π Ms t/γ.
        D: damping [J s/m²].
        kappa: stiffness κ of the confinement [J/m²].
        G_nonlinear, D_nonlinear, kappa_nonlinear, oersted_nonlinear: relative changes with s².
        oersted: κ_Oe [J/(m² A)] of the current's Oersted field, which confines the core where C I > 0.
        torque: a [J/(m² A)] of the perpendicular part of the polariser.
        core_force: f [N/A] of its in-plane part, which acts on the core.
        torque_field: field [T/A] in the plane that the field-like torque is, added to B.
        moment: µ [J/(T m)]: the moment of the disk grows by it with X.
        visible: mean magnetisation for s = 1; ⟨m⟩ = C visible s × ẑ.
        current: I [A]; positive drives m away from the polariser, as that of an `Oscillator`.
        field: applied field [T]; what is in the plane acts.
        temperature: [K]; None or 0: no noise.
        polarity, chirality: 1 or −1.
        junction: a law R(m·p) with `reference` p, for the signals "resistance" [Ω] and "voltage" [V] of the current.

    The state of a run is the core's place in radii, `run.x` and `run.y`. A drive acts on current and on field_x,
    field_y. The thermal force has the strength 2 k_B T D(s), in such a form (with Heun's method) that the core in
    equilibrium has the Boltzmann distribution of its potential. Nothing keeps a core from leaving the disk (s = 1) or
    turns its polarity at high speed: where that happens, this equation ends; the first is told (`caution`).

    Sources: A. A. Thiele, Phys. Rev. Lett. 30, 230 (1973); the equation with these terms: A. Dussaux et al., Phys. Rev.
    B 86, 014402 (2012) (recalled); K. Y. Guslienko, O. V. Sukhostavets, D. V. Berkov, Nanoscale Res. Lett. 9, 386
    (2014); F. Abreu Araujo, C. Chopin, S. de Wergifosse, Sci. Rep. 12, 10605 (2022). Raises ValueError, in one
    sentence, for a number out of range.

    >>> import llgrad as lg
    >>> disk = {"radius": 100e-9, "thickness": 10e-9, "Ms": 800e3, "exchange": 1e-11, "alpha": 0.01}
    >>> vortex = lg.systems.Vortex.from_disk(**disk, polarization=0.2, current=3e-3)
    >>> round(float(vortex.threshold) * 1e3, 3), round(float(vortex.orbit_radius), 3)
    (2.739, 0.517)
    """

    radius: float = quantity("m", about="radius R of the disk", bound=positive())
    G: float = quantity("J s/m²", about="gyrovector", bound=positive())
    D: float = quantity("J s/m²", about="damping", bound=positive())
    kappa: float = quantity("J/m²", about="stiffness κ of the confinement", bound=positive())
    G_nonlinear: float = quantity("1", default=0.0, about="relative change of G with s²")
    D_nonlinear: float = quantity("1", default=0.0, about="relative change of D with s²")
    kappa_nonlinear: float = quantity("1", default=0.0, about="relative change κ′ of κ with s²")
    oersted: float = quantity("J/(m² A)", default=0.0, about="stiffness κ_Oe by the Oersted field, per ampere")
    oersted_nonlinear: float = quantity("1", default=0.0, about="relative change of κ_Oe with s²")
    torque: float = quantity("J/(m² A)", default=0.0, about="a: spin torque of the perpendicular polariser, per ampere")
    core_force: Vec3 = vector("N/A", default=(0.0, 0.0, 0.0), about="force of the in-plane polariser, per ampere")
    torque_field: Vec3 = vector("T/A", default=(0.0, 0.0, 0.0), about="field that the field-like torque is, per ampere")
    moment: float = quantity("J/(T m)", default=0.0, about="moment µ that the displaced core has, per metre")
    visible: float = quantity("1", default=2 / 3, about="mean magnetisation for a core at the edge")
    current: float = quantity("A", default=0.0, about="direct current I")
    field: Vec3 = vector("T", default=(0.0, 0.0, 0.0), about="applied field")
    temperature: float | None = eqx.field(
        converter=as_temperature, default=None, metadata={"unit": "K", "about": "temperature of the disk"}
    )
    polarity: int = eqx.field(converter=_whole, static=True, default=1)
    chirality: int = eqx.field(converter=_whole, static=True, default=1)
    junction: Junction | None = None
    reference: Vec3 = vector("1", default=(1.0, 0.0, 0.0), about="direction of the reference layer")
    inputs: ClassVar = {"current": "A", "field_x": "T", "field_y": "T"}

    def __check_init__(self) -> None:
        check_record(self, VORTEX, "Vortex: ")
        check_unit_vector("reference", self.reference)
        check_below_one("D", self.D, self.G)
        check_junction("Vortex", self.junction)
        check_sign("polarity", self.polarity)
        check_sign("chirality", self.chirality)

    @classmethod
    def from_disk(
        cls,
        *,
        radius: float,
        thickness: float,
        Ms: float,
        exchange: float,
        alpha: float,
        polarization: float = 0.0,
        polariser: Vec3 | Sequence[float] = (0.0, 0.0, 1.0),
        field_like: float = 0.0,
        gamma: float = GAMMA_ELECTRON,
        oersted: bool = True,
        magnetostatic_nonlinear: float = 0.25,
        **others: Any,
    ) -> Self:
        """A vortex in a disk, in the two-vortex ansatz.

            G = 2π Ms t/γ,   D = α G [5/8 + ln(R/R_c)/2],   R_c = 0.685 (8π A t/(µ0 Ms²))^{1/3},
            κ = w(t/R) µ0 Ms² t²/R + 4π A t/R²,   w(0) = 1.109, which is printed as 10/9,
            κ_Oe = 4 µ0 Ms t/(15 R),   a = ħ η p_z/(2 e R²),   f = a R_c p_∥/p_z,   µ = 2π Ms R t/3,   visible = 2/3.

        Of the relative changes with s² that of D is 1/(6 (5/4 + ln R/R_c)), that of the exchange 1 and that of the
        Oersted field −4/7, each the first term of its series. All numbers are derived in the tests, but the change of
        the magnetostatic stiffness.

        Args:
            radius, thickness: R and t [m].
            Ms: saturation magnetisation [A/m].
            exchange: exchange constant A [J/m].
            alpha: Gilbert damping.
            polarization: η of the current.
            polariser: its direction p; p_z drives the gyration.
            field_like: field-like over damping-like torque β of its in-plane part.
            gamma: gyromagnetic ratio [rad/(T s)].
            oersted: whether the current's Oersted field acts, that of an even current density.
            magnetostatic_nonlinear: κ′ of the magnetostatic part, 0.25 (Dussaux et al., recalled; the ansatz gives 0.23
                near the middle and 0.25 at s = 0.4).
            others: `current`, `field`, `temperature`, `polarity`, `chirality`, `junction`, `reference`.

        Sources: the gyration, K. Y. Guslienko et al., J. Appl. Phys. 91, 8037 (2002), (20/9) γ Ms t/R in CGS; damping,
        K. Y. Guslienko, Appl. Phys. Lett. 89, 022510 (2006), with 5/8 of the two-vortex ansatz; torque, A. V.
        Khvalkovskiy et al., Phys. Rev. B 80, 140401 (2009) (recalled: each is derived).
        """
        given = {"radius": radius, "thickness": thickness, "Ms": Ms, "exchange": exchange, "alpha": alpha}
        given |= {"gamma": gamma, "polarization": polarization, "field_like": field_like}
        check_record(SimpleNamespace(**given), DISK, "Vortex.from_disk: ")
        p = polariser if isinstance(polariser, Vec3) else Vec3(*polariser)
        check_unit_vector("polariser", p)
        found = numbers_of(**given, magnetostatic_nonlinear=magnetostatic_nonlinear, polariser=p)._asdict()
        if not oersted:
            found |= {"oersted": 0.0, "oersted_nonlinear": 0.0}
        known = {name: _known(value) for name, value in found.items()}
        return cls(radius=radius, **known, **others)

    # ---- as a system

    @property
    def noises(self) -> int:  # type: ignore[override]
        """Two at a temperature."""
        return 0 if self.temperature is None else 2

    @property
    def outputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """Unit of each signal that is recorded."""
        return {} if self.junction is None else {"resistance": "Ω", "voltage": "V"}

    def start(self) -> dict[str, float]:
        """A tenth of the radius off the middle."""
        return {"x": 0.1, "y": 0.0}

    def caution(self, state: Mapping[str, Any]) -> str:
        """Where the core leaves the disk."""
        furthest = float(np.max(np.hypot(state["x"], state["y"]), initial=0.0))
        if not furthest > 1:
            return ""
        return (
            f"the core is up to {furthest:.3g} radii off the middle, outside of its disk, where the Thiele equation no "
            "longer holds; take a smaller current or field, or another device"
        )

    def rate(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """d(X/R)/dt [1/s]."""
        x, y = state["x"], state["y"]
        u, current = x * x + y * y, self.current + inputs.current
        stiffness, torque = self._stiffness(current, u), self.torque * current
        bx = self.field.x + inputs.field_x + self.torque_field.x * current
        by = self.field.y + inputs.field_y + self.torque_field.y * current
        per_current, per_field = self.polarity * self.chirality * current / self.radius, self.moment / self.radius
        fx = -stiffness * x - torque * y + per_current * self.core_force.x - self.chirality * per_field * by
        fy = -stiffness * y + torque * x + per_current * self.core_force.y + self.chirality * per_field * bx
        along, across = self._mobility(u)
        vx, vy = along * fx - across * fy, along * fy + across * fx
        if self.temperature is None:
            return {"x": vx, "y": vy}
        heat = BOLTZMANN * self.temperature / self.radius**2
        d_along, d_across = self._mobility_slopes(u)
        size = jnp.sqrt(2 * heat * along)
        # what makes white noise whose strength changes with the place leave the equilibrium as it is
        vx = vx + heat * (d_along * x - 2 * d_across * y) + size * inputs.noise[0]
        vy = vy + heat * (d_along * y + 2 * d_across * x) + size * inputs.noise[1]
        return {"x": vx, "y": vy}

    def _stiffness(self, current: Any, u: Any) -> Any:
        """K [J/m²] at u = s²."""
        oersted = self.chirality * self.oersted * current
        return self.kappa * (1 + self.kappa_nonlinear * u) + oersted * (1 + self.oersted_nonlinear * u)

    def _mobility(self, u: Any) -> tuple[Any, Any]:
        """Speed along a force and across it, ẑ × F, per force [m²/(J s)]."""
        g, d = self._relative(u)
        size = (d * d + g * g) * self.G
        return d / size, -self.polarity * g / size

    def _relative(self, u: Any) -> tuple[Any, Any]:
        """G(s) and D(s) in parts of G: their squares alone would be too small for float32."""
        return 1 + self.G_nonlinear * u, self.D / self.G * (1 + self.D_nonlinear * u)

    def _mobility_slopes(self, u: Any) -> tuple[Any, Any]:
        """Derivatives of the mobility in u."""
        g, d = self._relative(u)
        dg, dd = self.G_nonlinear, self.D / self.G * self.D_nonlinear
        size, change = d * d + g * g, 2 * (d * dd + g * dg)
        along, across = dd * size - d * change, dg * size - g * change
        return along / (size**2 * self.G), -self.polarity * across / (size**2 * self.G)

    def fastest(self) -> Number:
        """A core at the edge: the gyration and the torque [rad/s]."""
        stiffness = jnp.maximum(abs(self._stiffness(self.current, 0.0)), abs(self._stiffness(self.current, 1.0)))
        return (stiffness + abs(self.torque * self.current)) / self.G

    # ---- what is measured of it, and what others feel

    def magnetisation(self, state: Mapping[str, Any]) -> Vec3:
        """Mean magnetisation ⟨m⟩ = C visible s × ẑ of the disk, without the core's."""
        size = self.chirality * self.visible
        return Vec3(size * state["y"], -size * state["x"], 0.0 * state["x"])

    def observe(self, state: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
        """Resistance and voltage of the junction."""
        if self.junction is None:
            return {}
        m = self.magnetisation(state)
        current = self.current + inputs.current
        resistance = self.junction.at_current(m.x * self.reference.x + m.y * self.reference.y, current)
        return {"resistance": resistance, "voltage": current * resistance}

    def emit(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel: the core's place, ⟨m⟩, and the resistance."""
        found: dict[str, Any] = {"x": state["x"], "y": state["y"], "m": self.magnetisation(state)}
        if self.junction is not None:
            m = found["m"]
            cosine = m.x * self.reference.x + m.y * self.reference.y
            found["resistance"] = self.junction.at_current(cosine, self.current)
        return found

    # ---- in closed form, without in-plane parts

    @property
    def frequency_at_rest(self) -> Number:
        """Frequency [Hz] of small gyrations without damping, K(0)/(2π G)."""
        return self._stiffness(self.current, 0.0) / (2 * math.pi * self.G)

    @property
    def threshold(self) -> Number:
        """The current [A] beyond which the core gyrates by itself: κ D/(P a G − C κ_Oe D). NaN without a torque."""
        across = self.polarity * self.torque * self.G - self.chirality * self.oersted * self.D
        if is_concrete(across) and across == 0:
            return math.nan
        return self.kappa * self.D / across

    @property
    def orbit_radius(self) -> Number:
        """s of the orbit: what solves D(s) K(s) = P a I G(s), to first order √((I/I_c − 1)/(D′ + κ′ − G′)).

        Raises ValueError where there is none, or none inside of the disk; NaN of traced numbers.
        """
        stiffness = self._stiffness(self.current, 0.0)
        slope = self._stiffness(self.current, 1.0) - stiffness
        drive = self.polarity * self.torque * self.current * self.G / self.D
        # (1 + D′u)(K + K₁u) = drive (1 + G′u)
        a = self.D_nonlinear * slope
        b = slope + self.D_nonlinear * stiffness - drive * self.G_nonlinear
        c = stiffness - drive
        root = jnp.sqrt(b * b - 4 * a * c)
        found = jnp.sqrt(-2 * c / (b + root))  # the smaller root, without loss of digits; a may be 0
        if is_concrete(found) and not 0 < float(found) < 1:
            far = "the core would leave the disk" if float(c) < 0 else "the core comes to rest in the middle"
            raise ValueError(
                f"no orbit at {float(self.current):g} A: {far}; the threshold is {float(self.threshold):g} A"
            )
        return found


def _known(value: Any) -> Any:
    """A number that JAX computed as a float, where it is known."""

    def plain(leaf: Any) -> Any:
        return float(leaf) if isinstance(leaf, jax.Array) and is_concrete(leaf) and leaf.ndim == 0 else leaf

    return jax.tree.map(plain, value)
