"""Are the standard errors of systems of one's own honest? Of many noisy copies, in how many do 95 % intervals hold?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np

import llgrad as lg
from benchmarks.fits.coverage import PLAIN, rows_of
from benchmarks.fits.teachers import Row

GAMMA = 1.760859e11


class Hopf(lg.System):
    """The normal form of a Hopf bifurcation."""

    gain: float = lg.quantity("1/s")
    saturation: float = lg.quantity("1/s")
    frequency: float = lg.quantity("Hz")

    def start(self) -> Any:
        return {"re": 0.3, "im": 0.1}

    def rate(self, state: Any, inputs: Any) -> Any:
        re, im = state["re"], state["im"]
        growth, omega = self.gain - self.saturation * (re * re + im * im), 2 * jnp.pi * self.frequency
        return {"re": growth * re - omega * im, "im": growth * im + omega * re}


class Vortex(lg.System):
    """The Thiele equation of a vortex core, in units of the disk's radius."""

    stiffness: float = lg.quantity("rad/s")
    nonlinear: float = lg.quantity("1")
    damping: float = lg.quantity("1", bound=lg.systems.between(0.0, 1.0))
    outputs: ClassVar = {"voltage": "V"}

    def start(self) -> Any:
        return {"x": 0.3, "y": 0.0}

    def rate(self, state: Any, inputs: Any) -> Any:
        x, y = state["x"], state["y"]
        spring = self.stiffness * (1 + self.nonlinear * (x * x + y * y))
        scale = spring / (1 + self.damping**2)
        return {"x": -(self.damping * x + y) * scale, "y": (x - self.damping * y) * scale}

    def observe(self, state: Any, inputs: Any) -> Any:
        return {"voltage": 5e-3 * state["x"]}


class Bilayer(lg.System):
    """Two layers of one thickness with the exchange J₁ m₁·m₂, each with an anisotropy along z."""

    exchange: float = lg.quantity("J/m²", about="J₁")
    anisotropy_free: float = lg.quantity("T")
    anisotropy_hard: float = lg.quantity("T")
    alpha: float = lg.quantity("1", bound=lg.systems.positive())

    def start(self) -> Any:
        return {"free": lg.systems.Spin(0.6, 0.0, 0.8), "hard": lg.systems.Spin(0.0, 0.28, 0.96)}

    def rate(self, state: Any, inputs: Any) -> Any:
        found, strength = {}, self.exchange / (1.2e6 * 2e-9)  # J₁/(Ms t), in tesla
        for name, other, own in (
            ("free", "hard", self.anisotropy_free),
            ("hard", "free", self.anisotropy_hard),
        ):
            m = state[name]
            torque = m.cross(state[other] * strength + lg.Vec3(0.0, 0.0, own * m.z))
            found[name] = (torque + m.cross(torque) * self.alpha) * (-GAMMA / (1 + self.alpha**2))
        return found


class Case(NamedTuple):
    """One system, how it is recorded, and where the search begins."""

    system: lg.System
    columns: tuple[str, ...]
    duration: float
    dt: float
    every: int
    noise: float
    start: dict[str, float]
    known: bool
    """Whether the starting state is given; else it is fitted beside the parameters."""


CASES = {
    "Hopf, one component, start unknown": Case(
        Hopf(1e9, 2e9, 1.2e9),
        ("re",),
        4e-9,
        10e-12,
        2,
        0.01,
        {"gain": 0.95e9, "saturation": 1.9e9, "frequency": 1.21e9},
        False,
    ),
    "vortex, a voltage, start known": Case(
        Vortex(2e9, 0.3, 0.02),
        ("voltage",),
        60e-9,
        25e-12,
        8,
        2e-5,
        {"stiffness": 1.98e9, "nonlinear": 0.33, "damping": 0.021},
        True,
    ),
    "two layers with J₁, start known": Case(
        Bilayer(1.2e-4, 0.2, 0.6, 0.02),
        ("free.z", "free.x", "hard.z"),
        2e-9,
        2e-12,
        10,
        0.005,
        {"exchange": 1.15e-4, "anisotropy_free": 0.203, "anisotropy_hard": 0.605, "alpha": 0.021},
        True,
    ),
}


def of_systems(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """Parameters of three systems from noisy traces; the fits begin in the basin of the whole trace."""
    draws = 400 // part
    for name, case in CASES.items():
        settings: dict[str, Any] = {"duration": case.duration, "dt": case.dt / 2, "save": lg.Every(2 * case.every)}
        clean = lg.trace_of(lg.simulate(case.system, **settings), case.columns)
        distances: dict[str, list[float]] = {parameter: [] for parameter in case.start}
        noises = []
        for _ in range(draws):
            noisy = {n: values + rng.normal(0, case.noise, values.size) for n, values in clean.columns.items()}
            result = lg.fit(
                case.system.replace(**case.start),
                clean.with_columns(clean.t, noisy),
                free=list(case.start),
                m0=case.system.start() if case.known else None,
                guess=None if case.known else lg.fitting.Guess(slopes=False, screen=64, keep=2, spread=0.02),
                dt=case.dt,
                method=PLAIN,
            )
            noises.append(result.noise / case.noise)
            for parameter, found in distances.items():
                truth = getattr(case.system, parameter)
                found.append((result.values[parameter] - truth) / result.errors[parameter])
        yield from rows_of(f"{name}, {draws} draws", distances)
        yield Row(f"{name}, {draws} draws", "estimated over true noise, mean", float(np.mean(noises)))
