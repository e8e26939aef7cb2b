"""Parameters that are tables, read by `jnp.interp`: native loops against the XLA engine, everywhere on a table and off
it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.reference import quick_jit

import llgrad as lg
from llgrad.core.record import from_json, to_json
from llgrad.kernels.integrate import integrate
from llgrad.physics.equation import equation_of_motion

STO = lg.Oscillator(Ms=1e6, volume=1e-24, polarization=0.0, demag=(0.0, 0.0, 0.0), field=(0.0, 0.0, 0.2))
"""A device whose kernels compile fast."""
PLACES = np.array([-2.0e-3, -0.5e-3, 0.0, 1.0e-3, 3.0e-3, 3.5e-3])
VALUES = np.array([0.03, -0.02, 0.05, 0.01, -0.04, 0.02])
CURRENTS = np.array([-3e-3, -2e-3, -0.5e-3, 0.4e-3, 1e-3, 2e-3, 3.5e-3, 5e-3])
"""Below the table, at its first number, at one within, between two, …, at its last, above it."""
DT = 4e-12


class Curve(lg.physics.FieldTerm):
    """A perpendicular anisotropy that follows a measured curve over the current, and one over a direction."""

    places: list = lg.systems.table("A", ascending=True)
    values: list = lg.systems.table("T")
    scale: float = lg.quantity("A")

    def field(self, m, inputs):
        along = jnp.interp(inputs.current, self.places, self.values)
        across = jnp.interp(m.x * self.scale, self.places, 2.0 * self.values)
        return lg.Vec3(0.0 * m.x, across * m.y, along * m.z)


def end(current, places, values, scale, engine=None):
    device = STO.replace(current=current, terms=(Curve(places, values, scale),))
    options = {"m0": [0.6, 0.0, 0.8], "save": lg.End(), "engine": engine, "stepper": lg.solvers.Heun()}
    run = lg.simulate(device, duration=12 * DT, dt=DT, **options)
    return run.m[-1, 1] + 0.5 * run.m[-1, 2]


def given(dtype, lanes=None):
    """Places, values of each lane, scale."""
    values = VALUES if lanes is None else VALUES * np.linspace(0.5, 1.5, lanes)[:, None]
    return jnp.asarray(PLACES, dtype), jnp.asarray(values, dtype), jnp.asarray(2e-3, dtype)


def agree(found, expected, dtype=np.float64):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        scale = max(float(np.max(np.abs(b))), 1e-6)
        np.testing.assert_allclose(a, b, rtol=0, atol=scale * (1e-12 if dtype == np.float64 else 3e-5))


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.float32)])
def test_values_and_gradients_of_every_kind_of_place_are_those_of_a_scan(dtype):
    """Each lane has its own values; all share the places. Some lanes of the tile are empty."""
    currents, (places, values, scale) = jnp.asarray(CURRENTS[:7], dtype), given(dtype, 7)

    def total(engine, *arguments):
        one = jax.value_and_grad(lambda *each: end(*each, engine), argnums=(0, 1, 2, 3))
        return jax.vmap(one, (0, None, 0, None))(*arguments)

    found, expected = (
        quick_jit(lambda *arguments, engine=engine: total(engine, *arguments))(currents, places, values, scale)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    assert found[0].dtype == dtype
    agree(found, expected, dtype)
    assert np.count_nonzero(np.asarray(expected[1][2])) > values.size // 3


def test_a_table_that_all_share_gets_the_sum_of_their_gradients():
    currents, (places, values, scale) = jnp.asarray(CURRENTS), given(np.float64)
    own = jax.vmap(jax.grad(end, argnums=(1, 2)), (0, None, None, None))(currents, places, values, scale)
    runs = jax.vmap(end, (0, None, None, None))
    shared = jax.grad(lambda p, v: runs(currents, p, v, scale).sum(), (0, 1))(places, values)
    agree(shared, jax.tree.map(lambda g: g.sum(0), own))


def test_of_one_trajectory_the_gradient_is_that_of_finite_differences():
    places, values, scale = given(np.float64)
    gradient = jax.grad(end, argnums=(1, 2))(1.5e-3, places, values, scale)
    for number, (size, table) in enumerate([(1e-8, places), (1e-6, values)]):
        moves = jnp.concatenate([size * jnp.eye(6), -size * jnp.eye(6)])
        tables = [lambda d: places, lambda d: values]
        tables[number] = lambda d, table=table: table + d
        ends = jax.vmap(lambda d, tables=tables: end(1.5e-3, tables[0](d), tables[1](d), scale))(moves)
        np.testing.assert_allclose((ends[:6] - ends[6:]) / (2 * size), gradient[number], rtol=1e-5, atol=1e-7)


def test_the_jacobian_forwards_is_the_gradient():
    places, values, scale = given(np.float64, 3)
    currents = jnp.asarray([0.4e-3, 1e-3, 5e-3])

    def run(direction):
        return jax.vmap(lambda c, v: direction(lambda p, w: end(c, p, w, scale), argnums=(0, 1))(places, v))(
            currents, values
        )

    agree(run(jax.jacfwd), run(jax.jacrev))


def test_places_come_back_from_a_tape():
    """With little memory the adjoint pass goes in segments."""
    places, values, scale = given(np.float64)

    def run(values, memory):
        equation = equation_of_motion(STO.replace(current=jnp.asarray(CURRENTS), terms=(Curve(places, values, scale),)))
        m0 = lg.Vec3(*(jnp.full(CURRENTS.size, c) for c in (0.6, 0.0, 0.8)))
        final = integrate(equation, m0, stepper=lg.solvers.Heun(), h=4e-3, steps=12, every=12, memory=memory).final
        return (final.y + 0.5 * final.z).sum()

    agree(jax.grad(run)(values, 3 * 8 * CURRENTS.size * 4), jax.grad(run)(values, 2**20))


def test_coupled_oscillators_read_one_table():
    device = STO.replace(terms=(Curve(PLACES, VALUES, 2e-3),))
    array = lg.OscillatorArray(device, 3, lg.FieldCoupling(np.full((3, 3), 2e-3)))
    options = {"m0": [[0.6, 0.0, 0.8], [0.0, 0.6, 0.8], [0.8, 0.6, 0.0]], "stepper": lg.solvers.Heun()}
    runs = [
        lg.simulate(array, duration=9 * DT, dt=DT, engine=engine, **options)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    ]
    assert runs[0].stats.engine == "native"
    np.testing.assert_allclose(runs[0].m, runs[1].m, rtol=0, atol=1e-13)


class Leaky(lg.System):
    """A voltage whose leak is a measured curve."""

    places: list = lg.systems.table("V", ascending=True)
    leaks: list = lg.systems.table("V/s")

    def start(self):
        return {"v": 0.9}

    def rate(self, state, inputs):
        return {"v": -jnp.interp(state["v"], self.places, self.leaks)}


def test_a_system_reads_a_table():
    """dv/dt = −v/τ, as a table of two points."""
    run = lg.simulate(Leaky([0.0, 1.0], [0.0, 1e9]), duration=1e-9, dt=10e-12)
    assert run.stats.engine == "native"
    np.testing.assert_allclose(run.v[-1], 0.9 * np.exp(-1), rtol=1e-8)


LENGTHS = {
    # numbers, trajectories (None: one, without an axis), whether each has its own, dtype: which memory, which search
    "two": (2, 40, False, np.float64),
    "in registers": (21, 9, False, np.float64),
    "in registers, float32": (100, 17, False, np.float32),
    "gathered, halved": (300, 9, False, np.float64),
    "own, on the stack": (21, 17, True, np.float64),
    "own, too long for it": (300, 9, True, np.float64),
    "one trajectory": (100, None, False, np.float64),
}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.float32 if "32" in k else ()) for k in LENGTHS])
def test_a_table_of_any_length_is_read_as_by_a_scan(kind):
    """Value, tangent and gradient, from states at knots, between and beyond them."""
    count, lanes, own, dtype = LENGTHS[kind]
    places = np.linspace(-1.0, 1.0, count) + 0.1 * np.sin(np.arange(count)) / count
    begun = np.random.default_rng(count).uniform(-1.5, 1.5, lanes or 1)
    begun[: min(3, len(begun))] = places[[0, -1, count // 2]][: len(begun)]
    leaks = 1e10 * np.cos(3.0 * places) * (np.linspace(0.5, 1.5, lanes)[:, None] if own else 1.0)
    given = [jnp.asarray(a, dtype) for a in (begun if lanes else begun[0], places, leaks)]
    moved = [0.3 * jnp.roll(a, 1, -1) if a.ndim else 0.1 * a for a in given]

    def derivatives(engine):
        def run(v, places, leaks):
            options = {"m0": {"v": v}, "engine": engine, "stepper": lg.solvers.Heun()}
            return lg.simulate(Leaky(places, leaks), duration=9 * DT, dt=DT, **options).v[-1]

        runs = jax.vmap(run, (0, None, 0 if own else None)) if lanes else run
        total = lambda *each: jnp.sum(runs(*each) ** 2)  # noqa: E731
        return quick_jit(lambda: (jax.jvp(runs, given, moved), jax.grad(total, (0, 1, 2))(*given)))()

    agree(derivatives(lg.solvers.Native()), derivatives(lg.solvers.XLA()), dtype)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([0.0, 1.0, 1.0], r"a table \[A\] goes from 1 to 1 at its numbers 1 and 2, expected an ascending one; sort it"),
        ([1.0], r"a table \[A\] of the shape \(1,\), expected a list of two numbers or more"),
        (2.0, r"a table \[A\] of the shape \(\), expected a list of two numbers or more"),
        ([[1.0, 2.0]], r"a table \[A\] of the shape \(1, 2\)"),
        ([0.0, np.nan], r"number 1 of a table \[A\] is not finite"),
    ],
)
def test_what_is_no_table_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        Curve(given, VALUES, 1e-3)


def test_a_list_in_place_of_a_number_names_the_table():
    class Listed(lg.physics.FieldTerm):
        values: float = lg.quantity("T")

        def field(self, m, inputs):
            return m * self.values[0]

    with pytest.raises(
        ValueError, match=r"has the shape \(2,\), expected one number; .* declare it with lg.systems.table"
    ):
        lg.simulate(STO.replace(terms=(Listed([0.1, 0.2]),)), duration=DT)


def test_a_table_goes_to_a_file_and_back():
    term = Curve(PLACES, VALUES, 2e-3)
    back = from_json(to_json(STO.replace(terms=(term,)))).terms[0]
    np.testing.assert_array_equal(back.places, PLACES)
    np.testing.assert_array_equal(back.values, VALUES)
    assert "places  (6,) from -2 mA to 3.5 mA" in repr(term)
