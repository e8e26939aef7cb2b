"""Other ways to integrate the same equation: cmtj, diffrax, a plain lax.scan, and Numba as people usually write it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numba
import numpy as np

import llgrad as lg
from benchmarks.device import DT, STO, equation
from llgrad.core.constants import MU_0
from llgrad.core.vector import Vec3

H = DT * 1e9


def rk4_step(f: Any, m: Vec3) -> Vec3:
    """One classical step of H nanoseconds, projected on the sphere."""
    a = f(m)
    b = f(m + a * (H / 2))
    c = f(m + b * (H / 2))
    d = f(m + c * H)
    new = m + (a + (b + c) * 2.0 + d) * (H / 6)
    return new * jax.lax.rsqrt(new.norm2())


def scan_run(m: Vec3, settings: Any, steps: int, every: int, checkpoint: bool) -> Any:
    """m_x after every `every` steps, by a plain lax.scan; settings = (field along z, current, α)."""
    field, current, alpha = settings
    import equinox as eqx

    law = eqx.tree_at(lambda e: (e.alpha, e.current), equation(), (alpha, current))
    zero = jnp.zeros_like(m.x)

    def step(m: Vec3, _: Any) -> tuple[Vec3, None]:
        return rk4_step(lambda x: law(x, Vec3(zero, zero, field - STO.field.z), 0.0), m), None

    one = jax.checkpoint(step, prevent_cse=False) if checkpoint else step

    def interval(m: Vec3, _: Any) -> tuple[Vec3, Any]:
        m, _ = jax.lax.scan(one, m, None, length=every)
        return m, m.x

    return jax.lax.scan(interval, m, None, length=steps // every)[1]


def diffrax_run(m: Vec3, settings: Any, steps: int, every: int) -> Any:
    """m_x after every `every` steps, by diffrax (Dopri5, constant step)."""
    import diffrax
    import equinox as eqx

    def slope(t: Any, y: Any, args: Any) -> Any:
        field, current, alpha = args
        law = eqx.tree_at(lambda e: (e.alpha, e.current), equation(), (alpha, current))
        return law(Vec3(y[0], y[1], y[2]), Vec3(0.0, 0.0, field - STO.field.z), 0.0).stack()

    times = jnp.arange(1, steps // every + 1) * (every * H)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope), diffrax.Dopri5(), 0.0, times[-1], H, m.stack(), args=settings,
        saveat=diffrax.SaveAt(ts=times), stepsize_controller=diffrax.ConstantStepSize(), max_steps=steps + 1,
    )  # fmt: skip
    return solution.ys[:, 0]


def cmtj_junction() -> Any:
    """The reference device in cmtj: the same equation (β = α restores its cross terms), the current counted its way."""
    import cmtj

    from llgrad.devices.conversions.asymmetry import Lambda_from_lambda

    v, thickness = cmtj.CVector, 2e-9
    area = STO.volume / thickness
    Lambda, polarization = Lambda_from_lambda(STO.lambda_, STO.polarization)
    factors = [v(0, 0, 0), v(0, 0, 0), v(0, 0, 1)]
    layer = cmtj.Layer.createSTTLayer(
        "free", v(0.6, 0, 0.8), v(0, 0, 1), MU_0 * STO.Ms, thickness, area, factors, STO.alpha, Lambda, STO.alpha,
        polarization,
    )  # fmt: skip
    layer.setReferenceLayer(v(1, 0, 0))
    junction = cmtj.Junction([layer])
    junction.setLayerAnisotropyDriver("free", cmtj.constantDriver(STO.H_k * STO.Ms / 2))
    junction.setLayerExternalFieldDriver("free", cmtj.AxialDriver(v(0, 0, STO.field.z / MU_0)))
    junction.setLayerCurrentDriver("free", cmtj.constantDriver(-STO.current / area))
    return junction


def cmtj_run(junction: Any, steps: int) -> None:
    """cmtj's RK4 over so many steps, logging only the last."""
    junction.clearLog()
    junction.runSimulation(steps * DT, DT, steps * DT)


@numba.njit(fastmath=True)
def numba_coupled(m: np.ndarray, weights: np.ndarray, p: np.ndarray, h: float, steps: int) -> np.ndarray:
    """Coupled oscillators as people usually write them: one matrix–vector product and array arithmetic a stage.

    m (3, N); weights (N, N) [T]; p = field, torque, α, anisotropy, λ, γ.
    """
    state = m.copy()
    for _ in range(steps):
        a = _slope(state, weights, p)
        b = _slope(state + 0.5 * h * a, weights, p)
        c = _slope(state + 0.5 * h * b, weights, p)
        d = _slope(state + h * c, weights, p)
        state = state + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
        state = state / np.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2)
    return state


@numba.njit(fastmath=True)
def _slope(m: np.ndarray, weights: np.ndarray, p: np.ndarray) -> np.ndarray:
    x, y, z = m[0], m[1], m[2]
    strength = p[1] / (1.0 + p[4] * x)
    bx = weights @ x
    by, bz = -strength * z, p[0] + p[3] * z + strength * y
    tx, ty, tz = y * bz - z * by, z * bx - x * bz, x * by - y * bx
    c = -p[5] / (1.0 + p[2] ** 2)
    out = np.empty_like(m)
    out[0] = c * (tx + p[2] * (y * tz - z * ty))
    out[1] = c * (ty + p[2] * (z * tx - x * tz))
    out[2] = c * (tz + p[2] * (x * ty - y * tx))
    return out


def array_of(count: int, weights: np.ndarray) -> lg.OscillatorArray:
    """N oscillators of the reference kind with a coupling."""
    return lg.OscillatorArray(STO, count, lg.FieldCoupling(weights))


def random_weights(count: int, radius: float = 1e-4, dtype: Any = np.float64) -> np.ndarray:
    """A random coupling [T] with zero diagonal; `radius` is about its spectral radius."""
    rng = np.random.default_rng(count)
    weights = rng.uniform(-1, 1, (count, count)).astype(dtype)
    weights *= dtype(radius * np.sqrt(3 / count)) if count > 1 else dtype(0)
    np.fill_diagonal(weights, 0)
    return weights
