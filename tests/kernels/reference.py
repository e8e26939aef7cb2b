"""Runs with everything that they can depend on at random, and the same run as a plain `lax.scan`, written apart from
the library's engines.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from llgrad.core.random import normals
from llgrad.core.vector import Vec3
from llgrad.kernels.integrate import NoiseWords, integrate
from llgrad.physics.equation import equation_of_motion

H = 1e-2
CHANNELS = ("field_x", "field_y", "field_z")


class Pull(lg.physics.FieldTerm):
    """A user's term, of the least arithmetic in which state, current and parameter meet."""

    strength: float = lg.quantity("T/A")

    def field(self, m, inputs):
        return lg.Vec3(self.strength * inputs.current * m.y, 0.0, 0.0)


class Everything(lg.physics.FieldTerm):
    """A user's term with functions, powers, comparisons and selects."""

    strength: float = lg.quantity("T")
    width: float = lg.quantity("1")

    def field(self, m, inputs):
        well = jnp.exp(-((m.x / self.width) ** 2)) + jnp.tanh(self.width * m.y) * jnp.cos(3.0 * m.z)
        side = jnp.where(m.z > 0.1, jnp.sqrt(1.0 + m.x**2), jnp.log(2.0 + m.y)) + jnp.maximum(m.x, 0.2)
        return lg.Vec3(self.strength * well, self.strength * jnp.sin(m.x + m.y), self.strength * side)


SMALL = lg.Oscillator(
    Ms=1e6, volume=1e-24, polarization=0.0, demag=(0.0, 0.0, 0.0), field=lg.Vec3(0.0, 0.0, 0.2), terms=(Pull(50.0),)
)
"""A device whose kernels compile fast."""
FULL = lg.presets.kubota2013()
WRITTEN = SMALL.replace(terms=(Everything(0.1, 0.7),))


def scan(equation, m0, *, stepper, h, steps, drive=None, noise=None, coupling=None, first=0):
    """The state after every step, components (steps, …)."""
    tableau, dtype = stepper.tableau, m0.x.dtype
    lane = jnp.arange(m0.x.size, dtype=jnp.uint32).reshape(m0.x.shape)
    index = jnp.arange(steps, dtype=jnp.uint32) + jnp.uint32(first)

    def combine(m, slopes, weights):
        for weight, slope in zip(weights, slopes, strict=False):
            m = m + slope * jnp.asarray(h * weight, dtype) if weight else m
        return m

    def step(m, inputs):
        i, samples = inputs
        thermal = Vec3(0.0, 0.0, 0.0)
        if noise is not None:
            thermal = normals(noise.key0, noise.key1, lane, i, dtype) * noise.sigma
        slopes = []
        for row, node in zip(tableau.a, tableau.node_of_stage, strict=True):
            now = {name: values[node] for name, values in samples.items()}
            state = combine(m, slopes, row)
            field = thermal + Vec3(*(now.get(name, 0.0) for name in CHANNELS))
            if coupling is not None:
                field = field + Vec3(coupling @ state.x, 0.0, 0.0)
            slopes.append(equation(state, field, now.get("current", 0.0)))
        m = combine(m, slopes, tableau.b)
        m = m * (1 / jnp.sqrt(m.norm2())) if stepper.project else m
        return m, m

    return jax.lax.scan(step, m0, (index, dict(drive or {})))[1]


def kept(states, steps, every):
    """What a run of so many steps returns of the states after every step: those saved, and the final one."""
    return jax.tree.map(lambda a: a[every - 1 : steps : every], states), jax.tree.map(lambda a: a[steps - 1], states)


@dataclasses.dataclass
class Case:
    """(parameters) → (saved, final) by the kernels, and (parameters) → the states after all `longest` steps by a scan.

    Names in `spread` are the drive's channels that each trajectory has for itself.
    """

    device: Any = SMALL
    stepper: Any = lg.solvers.Heun()  # noqa: RUF009
    N: int | None = None
    dtype: Any = jnp.float64
    channels: tuple = ()
    spread: tuple = ()
    noisy: bool = False
    longest: int = 12
    seed: int = 0

    def __post_init__(self):
        rng = self.rng = np.random.default_rng(self.seed)
        shape = () if self.N is None else (self.N,)
        equation = equation_of_motion(self.device)
        alpha, current = self.array(0.01 + 0.05 * rng.random(shape)), self.array(2.5e-3)
        equation = eqx.tree_at(lambda e: (e.alpha, e.current), equation, (alpha, current))
        convert = lambda leaf: self.array(leaf) if isinstance(leaf, float) and leaf not in (0.0, 1.0) else leaf  # noqa: E731
        free, self.fixed = eqx.partition(jax.tree.map(convert, equation), eqx.is_array)
        m0 = rng.normal(size=(3, *shape))
        m0 = Vec3(*map(self.array, m0 / np.linalg.norm(m0, axis=0)))
        sizes = {"current": 1e-3, "field_x": 0.1, "field_y": 0.1, "field_z": 0.1}
        size = (self.longest, len(self.stepper.tableau.nodes))
        drive = {
            name: self.array(sizes[name] * rng.normal(size=(*size, *shape) if name in self.spread else size))
            for name in self.channels
        }
        sigma = self.array(0.02 * (1 + rng.random(shape))) if self.noisy else None
        self.parameters = (free, m0, drive, sigma)

    def array(self, value):
        return jnp.asarray(value, self.dtype)

    def _given(self, parameters, steps):
        free, m0, drive, sigma = parameters
        noise = None if sigma is None else NoiseWords(sigma, jnp.uint32(7), jnp.uint32(11))
        drive = {name: values[:steps] for name, values in drive.items()}
        settings = {"stepper": self.stepper, "h": H, "steps": steps, "drive": drive, "noise": noise}
        return (eqx.combine(free, self.fixed), m0), settings

    def native(self, parameters, steps, every, **options):
        positional, settings = self._given(parameters, steps)
        run = integrate(*positional, every=every, **settings, **options)
        return run.saved, run.final

    def states(self, parameters):
        positional, settings = self._given(parameters, self.longest)
        return scan(*positional, **settings)

    def scan(self, parameters, steps, every):
        return kept(self.states(parameters), steps, every)

    def random_like(self, tree, relative=False):
        scale = (lambda a: np.abs(np.asarray(a))) if relative else (lambda a: 1.0)
        return jax.tree.map(lambda a: self.array(self.rng.normal(size=a.shape) * scale(a)), tree)


def quick_jit(function):
    """`jit` that compiles fast: what is used once need not be optimised."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def assert_close(found, expected, tolerance):
    """Leaves agree to `tolerance` of the largest element of each."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = float(np.max(np.abs(b))) if b.size else 0.0
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale + 1e-300)
