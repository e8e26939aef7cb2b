"""Two coupled layers beside cmtj: one trajectory, 4,096 of them on one core, and the gradient of every parameter.

`python -m benchmarks.stacks` prints the ratios, and exits with 1 where one misses its bar. Both take RK4 steps of
0.5 ps. The whole stack has exchange J₁ and J₂, stray fields by tensors, torques on both layers with λ and β,
anisotropy, three demagnetising factors and an applied field; the usual one J₁, torques on both layers, anisotropy and a
film's factor. cmtj computes all of these whether they are zero or not. It runs its many trajectories one after the
other, so its time for one is its time per core; no state is written on the way. Seconds are those of the processor, the
least of all turns: what else runs on the machine counts little.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import cmtj
import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep
from benchmarks.measure import cores

DT: Final = 0.5e-12
LONG, SHORT, LANES = 40_000, 1000, 4096
AREA: Final = 1.2e-14
TENSOR: Final = lg.stacks.prism_tensor((120e-9, 100e-9, 2e-9), (120e-9, 100e-9, 2e-9), (0.0, 0.0, 3e-9))
DEMAG: Final = (0.02, 0.03, 0.95)
START: Final = {"lower": lg.direction(2.4, 0.7), "upper": lg.direction(0.7, 0.4)}


def stack() -> lg.Stack:
    """The stack as llgrad has it."""
    film = {"Ms": 1.1e6, "thickness": 2e-9, "area": AREA, "demag": DEMAG}
    return lg.Stack(
        layers=(
            lg.Layer("lower", alpha=0.03, H_k=1.1, m=START["lower"], **film),
            lg.Layer("upper", alpha=0.02, H_k=1.5, m=START["upper"], **film),
        ),
        couplings=(
            lg.stacks.InterlayerExchange(("lower", "upper"), J1=-1e-4, J2=-2e-5),
            lg.stacks.StrayField.from_tensor(("lower", "upper"), TENSOR),
            lg.stacks.SpinTorque("upper", "lower", 0.5, 0.2, 0.05),
            lg.stacks.SpinTorque("lower", "upper", 0.4, 0.1, 0.05),
        ),
        current=1e-3,
        field=(0.05, -0.02, 0.1),
    )


def vector(values: Any) -> Any:
    return cmtj.CVector(*(float(v) for v in values))


def junction() -> Any:
    """A stack with the same terms in cmtj, ready to run."""
    layers = []
    for name in ("lower", "upper"):
        m = START[name]
        layers.append(
            cmtj.Layer.createSTTLayer(
                id=name,
                mag=vector((m.x, m.y, m.z)),
                anis=vector((0, 0, 1)),
                Ms=1.38,
                thickness=2e-9,
                cellSurface=AREA,
                demagTensor=[vector(row) for row in np.diag(DEMAG)],
                damping=0.03,
                SlonczewskiSpacerLayerParameter=1.2,
                beta=0.05,
                spinPolarisation=0.4,
            )
        )
    layers[0].setTopDipoleTensor([vector(row) for row in TENSOR])
    layers[1].setBottomDipoleTensor([vector(row) for row in TENSOR])
    made = cmtj.Junction(layers)
    for name, sign in (("lower", 1), ("upper", -1)):
        made.setLayerReferenceType(name, cmtj.Reference.bottom if name == "upper" else cmtj.Reference.top)
        made.setLayerCurrentDriver(name, cmtj.constantDriver(sign * 8e10))
        made.setLayerAnisotropyDriver(name, cmtj.constantDriver(7e5))
        made.setLayerExternalFieldDriver(name, cmtj.AxialDriver(vector((4e4, -1.6e4, 8e4))))
    made.setIECDriver("lower", "upper", cmtj.constantDriver(-1e-4))
    made.setQuadIECDriver("lower", "upper", cmtj.constantDriver(-2e-5))
    return made


def run_cmtj(made: Any, steps: int) -> Callable[[], Any]:
    """So many RK4 steps from where it is, of which the last is logged."""

    def run() -> None:
        made.clearLog()
        made.runSimulation((steps + 0.5) * DT, DT, steps * DT, False, False, cmtj.SolverMode.RK4)

    return run


def end(model: lg.Stack, tilt: Any, steps: int) -> Any:
    """Where the stack is after so many steps from a start that is turned by an angle."""
    turned = lg.direction(0.7, 0.4 + tilt)
    m0 = {"lower": lg.systems.Spin(*_parts(START["lower"])), "upper": lg.systems.Spin(*_parts(turned))}
    run = lg.simulate(model, duration=steps * DT, dt=DT, m0=m0, save=lg.End(), throw=False)
    return run.lower.x[-1] + run.upper.y[-1]


def _parts(v: lg.Vec3) -> tuple[Any, Any, Any]:
    return v.x, v.y, v.z


def usual() -> lg.Stack:
    """A stack of what most have: what is zero or one is folded away."""
    whole = stack()
    layers = tuple(layer.replace(demag=(0.0, 0.0, 1.0)) for layer in whole.layers)
    torques = (lg.stacks.SpinTorque("upper", "lower", 0.5), lg.stacks.SpinTorque("lower", "upper", 0.4))
    exchange = lg.stacks.InterlayerExchange(("lower", "upper"), J1=-1e-4)
    return whole.replace(layers=layers, couplings=(exchange, *torques), field=(0.0, 0.0, 0.1))


def least(calls: dict[str, Callable[[], Any]], turns: int = 7) -> dict[str, float]:
    """Seconds of the processor that a call takes at least, of calls in turns."""
    for call in calls.values():
        jax.block_until_ready(call())
    found: dict[str, float] = {}
    for _ in range(turns):
        for name, call in calls.items():
            began = time.process_time()
            jax.block_until_ready(call())
            found[name] = min(found.get(name, math.inf), time.process_time() - began)
    return found


def main() -> int:
    jax.config.update("jax_enable_x64", True)
    tilts = jnp.linspace(0.0, 0.1, LANES)
    one = jax.jit(lambda model: end(model, 0.0, LONG))
    many = jax.jit(lambda model: jnp.sum(jax.vmap(lambda tilt: end(model, tilt, SHORT))(tilts)))
    works = {
        "one": (one, LONG),
        "one, gradient": (jax.jit(jax.value_and_grad(one)), LONG),
        f"{LANES}": (many, SHORT * LANES),
        f"{LANES}, gradient": (jax.jit(jax.value_and_grad(many)), SHORT * LANES),
    }
    calls: dict[str, Callable[[], Any]] = {"cmtj": run_cmtj(junction(), LONG)}
    steps = {"cmtj": LONG}
    models = {"whole": stack(), "usual": usual()}
    for kind, model in models.items():
        for work, (function, count) in works.items():
            calls[f"{kind}, {work}"] = lambda function=function, model=model: function(model)
            steps[f"{kind}, {work}"] = count
    with cores(1):
        seconds = least(calls)
    each = {name: 1e9 * seconds[name] / steps[name] for name in calls}
    print("two coupled layers, RK4, one core: ns a step of a trajectory")
    for name, value in each.items():
        print(f"  {name:<24} {value:8.1f}")
    met, figures = True, {f"{name} [ns a step]": value for name, value in each.items()}
    for kind, model in models.items():
        leaves = len(jax.tree.leaves(model))
        rows = (
            ("one trajectory, times faster than cmtj", each["cmtj"] / each[f"{kind}, one"], 8.0, False),
            (f"{LANES}, times faster than cmtj per core", each["cmtj"] / each[f"{kind}, {LANES}"], 60.0, False),
            (f"gradient of {leaves} numbers over forward, one", _over(each, kind, "one"), 3.0, True),
            (f"gradient of {leaves} numbers over forward, {LANES}", _over(each, kind, f"{LANES}"), 3.0, True),
        )
        for what, value, bar, at_most in rows:
            figures[f"{kind}, {what}"] = value
            well = value <= bar if at_most else value >= bar
            met &= well
            told = f"{'at most' if at_most else 'at least'} {bar:g}: {'met' if well else 'missed'}"
            print(f"{kind} stack, {what}: {value:.3g} ({told})")
    keep(asked(), "stacks", figures)
    return 0 if met else 1


def _over(each: dict[str, float], kind: str, work: str) -> float:
    return each[f"{kind}, {work}, gradient"] / each[f"{kind}, {work}"]


if __name__ == "__main__":
    sys.exit(main())
