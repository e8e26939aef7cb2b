"""Runs of coupled arrays by either engine, with everything that they can depend on at random."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg

DT = 4e-12
DEVICE = lg.Oscillator(
    Ms=1e6, volume=1e-24, polarization=0.0, demag=(0.0, 0.0, 0.0), field=lg.Vec3(0.0, 0.0, 0.2), temperature=0.0
)


@dataclasses.dataclass
class Case:
    """(parameters) → m at the saved times, by one of the engines.

    `parameters` has the weights, damping and temperature of each oscillator, starting states, drive samples that all
    oscillators share and such that each has for itself, and, with a batch of B, a field for each sample and oscillator.
    """

    N: int
    B: int | None = None
    stepper: Any = lg.solvers.Heun()  # noqa: RUF009
    steps: int = 5
    save: Any = lg.Every(2)  # noqa: RUF009
    driven: bool = False
    noisy: bool = False
    seed: int = 0

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        N, samples, random = self.N, self.steps + 1, self.rng.normal
        m0 = random(size=(N, 3))
        parameters = {
            "weights": 0.05 * random(size=(N, N)) / np.sqrt(N),
            "alpha": 0.02 + 0.01 * self.rng.random(N),
            "m0": m0 / np.linalg.norm(m0, axis=1, keepdims=True),
            "field": 0.2 + 0.02 * random(size=(N,) if self.B is None else (self.B, N)),
        }
        if self.driven:
            parameters |= {"field_x": 0.01 * random(size=samples), "field_y": 0.01 * random(size=(samples, N))}
        if self.noisy:
            parameters |= {"temperature": 300.0 * (1 + self.rng.random(N))}
        self.parameters = {name: jnp.asarray(value, jnp.result_type(float)) for name, value in parameters.items()}

    def run(self, engine, parameters):
        if self.B is None:
            return self.one(engine, parameters, parameters["field"], jax.random.key(1))
        keys = jax.random.split(jax.random.key(1), self.B)
        return jax.vmap(lambda field, key: self.one(engine, parameters, field, key))(parameters["field"], keys)

    def one(self, engine, p, field, key):
        changes = {"alpha": p["alpha"], "field": lg.Vec3(0.0 * field, 0.0 * field, field)}
        changes |= {"temperature": p["temperature"]} if self.noisy else {}
        array = lg.OscillatorArray(DEVICE, self.N, lg.FieldCoupling(p["weights"])).replace(**changes)
        drive, t = None, DT * np.arange(self.steps + 1)
        if self.driven:
            drive = lg.Drive(field_x=lg.drives.Sampled(t, p["field_x"]), field_y=lg.drives.Sampled(t, p["field_y"]))
        return lg.simulate(
            array,
            duration=self.steps * DT,
            dt=DT,
            m0=p["m0"],
            drive=drive,
            save=self.save,
            stepper=self.stepper,
            engine=engine,
            key=key if self.noisy else None,
            throw=False,
        ).m

    def random_like(self, tree):
        return jax.tree.map(lambda a: jnp.asarray(self.rng.normal(size=a.shape), a.dtype), tree)

    def everything(self, engine):
        """Value, derivative in a direction, gradient; and the numbers that must be alike by the definition of both."""
        self.rng = np.random.default_rng(self.seed + 1)
        tangent = jax.tree.map(lambda t, p: t * p, self.random_like(self.parameters), self.parameters)
        shape = jax.eval_shape(lambda p: self.run(engine, p), self.parameters)
        cotangent = self.random_like(shape)

        def compute(parameters):
            value, push = jax.linearize(lambda p: self.run(engine, p), parameters)
            return value, push(tangent), jax.linear_transpose(push, parameters)(cotangent)[0]

        value, pushed, gradient = jax.jit(compute)(self.parameters)
        left = float(jnp.vdot(pushed, cotangent))
        right = sum(float(jnp.vdot(a, b)) for a, b in zip(*map(jax.tree.leaves, (gradient, tangent)), strict=True))
        return (value, pushed, gradient), (left, right)


def assert_close(found, expected, tolerance):
    """Leaves agree to `tolerance` of the largest element of each."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, a), b in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = float(np.max(np.abs(b))) if b.size else 0.0
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale + 1e-300, err_msg=jax.tree_util.keystr(path))
