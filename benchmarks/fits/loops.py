"""A two-layer device from R(t) and R(H) together: does the search arrive, and are the intervals honest?"""

from __future__ import annotations

import json
import math
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import llgrad as lg
from benchmarks.fits.coverage import WIDE
from benchmarks.fits.teachers import Row
from llgrad.core.record import get_leaf, set_leaf
from llgrad.fitting.loops.measured import MeasuredLoop

FREE = (
    *("couplings.0.J1", "couplings.0.J2", "layers.0.terms.0.H_k", "layers.1.terms.0.H_k"),
    *("layers.0.alpha", "current[R(t)]"),
)
ANGLES = ((math.pi / 2, 0.15), (math.pi / 2, 1.2))
"""Of the two loops [rad]: near the easy axis, and near the hard one."""
READING = 10e-6
"""Current [A] at which the loops are measured."""
NOISE = 0.01
"""Standard deviation of a reading, in parts of the range of its recording."""
NEAR = 3.0
"""Standard errors within which the truth is reached."""


def teacher() -> lg.Stack:
    """Two coupled layers on a barrier, whose torques act on both."""
    size = {"area": 6e-15, "demag": (0.02, 0.03, 0.95)}
    lower = lg.Layer("lower", Ms=1.0e6, thickness=2.5e-9, alpha=0.02, terms=(easy(0.03),), m=(1, 0, 0), **size)
    upper = lg.Layer("upper", Ms=0.8e6, thickness=2.0e-9, alpha=0.015, terms=(easy(0.02),), m=(-1, 0, 0), **size)
    torques = (
        lg.stacks.SpinTorque("lower", "upper", polarization=0.5),
        lg.stacks.SpinTorque("upper", "lower", polarization=0.5),
    )
    exchange = lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.15e-3, J2=-0.04e-3)
    barrier = lg.stacks.Barrier(("lower", "upper"), lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
    return lg.Stack(layers=(lower, upper), couplings=(exchange, *torques), barriers=barrier, current=2e-3)


def easy(H_k: float) -> lg.physics.UniaxialAnisotropy:
    """An easy axis along x."""
    return lg.physics.UniaxialAnisotropy(H_k, axis=(1, 0, 0))


def state() -> dict[str, Any]:
    """Where R(t) begins: both layers turned in the plane, as a pulse of the field leaves them."""
    return {
        "lower": lg.systems.Spin(math.cos(0.9), math.sin(0.9), 0.0),
        "upper": lg.systems.Spin(-math.cos(0.5), math.sin(0.5), 0.0),
    }


class Clean:
    """The recordings without noise."""

    def __init__(self, device: lg.Stack):
        run = lg.simulate(device, duration=3e-9, dt=1e-12, m0=state(), save=lg.Every(20))
        self.t, self.trace = np.asarray(run.t), np.asarray(run.signal("resistance").values)
        cold = device.replace(current=READING)
        loops = lg.experiments.loop(cold, "field", 0.4, -0.4, angle=ANGLES, steps=64)
        self.field = loops[0].values.ravel()
        self.loops = [loop.resistance.ravel() for loop in loops]

    def drawn(self, rng: np.random.Generator) -> list[lg.Experiment]:
        """Noisy copies, as experiments."""
        noisy = [one + NOISE * np.ptp(one) * rng.normal(size=one.size) for one in (self.trace, *self.loops)]
        field, angles = np.tile(self.field, 2), np.repeat(ANGLES, self.field.size, axis=0)
        loop = MeasuredLoop(field, np.concatenate(noisy[1:]), angle=angles)
        return [
            lg.Experiment(
                lg.Trace(self.t, {"resistance": noisy[0]}, units={"resistance": "Ω"}), m0=state(), label="R(t)"
            ),
            lg.Experiment(loop, settings={"current": READING}, label="R(H)"),
        ]


class One(NamedTuple):
    """One fit."""

    number: int
    explained: bool
    """Whether the fit told a minimum that explains the recordings."""
    off: dict[str, float]
    """Of each value from the truth, in standard errors."""
    inside: dict[str, bool]
    """Whether the 95 % interval of each holds the truth, by the likelihood (`lg.fitting.intervals`); nothing of a fit
    that told that it has no minimum."""
    seconds: float
    """Of the processor, for the fit,"""
    more: float
    """and for the intervals."""

    @property
    def arrived(self) -> bool:
        """Whether it reached the truth."""
        return self.explained and max(map(abs, self.off.values())) < NEAR


def one_fit(clean: Clean, seed: int, number: int) -> One:
    """From a start within ±30 %, with noise of its own: so the same fits tell whether the intervals are honest."""
    rng, begun = np.random.default_rng([seed, number]), teacher()
    paths = [name.split("[")[0] for name in FREE]
    truth = np.array([float(get_leaf(begun, path)) for path in paths])
    for path, value in zip(paths, truth * (1 + 0.3 * rng.uniform(-1, 1, len(FREE))), strict=True):
        begun = set_leaf(begun, path, float(value))
    began = time.process_time()
    found = lg.fit(begun, clean.drawn(rng), free=FREE, stepper=lg.solvers.DormandPrince8())
    seconds = time.process_time() - began
    told = found.explained and found.converged
    edges = lg.fitting.intervals(found) if told else {}
    more = time.process_time() - began - seconds
    values = dict(zip(FREE, truth, strict=True))
    inside = {name: bool(low <= values[name] <= high) for name, (low, high) in edges.items()}
    off = {name: (found.values[name] - value) / found.errors[name] for name, value in zip(FREE, truth, strict=True)}
    off = {name: float(value) for name, value in off.items()}
    return One(number, bool(told), off, inside, seconds, more)


def told(fits: list[One]) -> Iterator[Row]:
    """The rows of some fits."""
    case = f"two layers from R(t) and R(H) at two angles, 1 % noise, {len(fits)} starts within ±30 %"
    rate = float(np.mean([one.arrived for one in fits]))
    yield Row(case, "reach the truth within 3 standard errors", rate, "at least 0.95", rate >= 0.95)
    yield Row(case, "each fit, processor seconds, median", float(np.median([one.seconds for one in fits])))
    yield Row(case, "their intervals, processor seconds, median", float(np.median([one.more for one in fits])))
    ended = [one for one in fits if one.inside]
    yield Row(case, "fits that told no minimum, and so no interval", float(len(fits) - len(ended)))
    for name in FREE:
        rate = float(np.mean([one.inside[name] for one in ended]))
        yield Row(case, f"95 % intervals of {name} cover", rate, "0.93 to 0.97", 0.93 <= rate <= 0.97)
        rate = float(np.mean([abs(one.off[name]) < WIDE for one in ended]))
        yield Row(case, f"{name} ± {WIDE} standard errors covers", rate)


def both_layers(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """Five hundred fits, each from a start and with noise of its own."""
    seed, clean = int(rng.integers(2**31)), Clean(teacher())
    yield from told([one_fit(clean, seed, number) for number in range(max(500 // part, 2))])


def main() -> None:
    """Some of the fits, one line each in a file, to be gone on with: `python -m benchmarks.fits.loops FILE COUNT`."""
    import jax

    path, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    fits = [One(**json.loads(line)) for line in lines]
    with jax.enable_x64(True):
        clean = Clean(teacher()) if len(fits) < count else None
        for number in range(len(fits), count):
            fits.append(one_fit(clean, 0, number))  # pyright: ignore[reportArgumentType]
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(fits[-1]._asdict()) + "\n")
    for row in told(fits):
        print(f"{row.figure}: {row.value:.4g}{f' ({row.bar})' if row.bar else ''}")  # pyright: ignore


if __name__ == "__main__":
    main()
