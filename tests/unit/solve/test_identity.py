"""Two terms of one value and other derivatives are two programs, whichever comes first; so are two of other numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.record import set_leaf
from llgrad.kernels.expression.equations import compile_equation
from llgrad.physics.equation import equation_of_motion

DT = 2e-12


@jax.custom_jvp
def seven(x):
    return x * x


seven.defjvp(lambda primals, tangents: (seven(*primals), 7.0 * tangents[0]))


@jax.custom_jvp
def backward(x):
    return x * x


backward.defjvp(lambda primals, tangents: (backward(*primals), -3.0 * primals[0] * tangents[0]))


@jax.custom_vjp
def five(x):
    return x * x


five.defvjp(lambda x: (five(x), x), lambda x, g: (5.0 * g,))


@jax.custom_vjp
def six(x):
    return x * x


six.defvjp(lambda x: (six(x), x), lambda x, g: (6.0 * g * x,))

SQUARES = {
    "plain": lambda x: x * x,
    "half stopped": lambda x: x * jax.lax.stop_gradient(x),
    "seven": seven,
    "backward": backward,
    "five": five,
    "six": six,
}
"""One value, six derivatives."""


def device(square):
    """A new class of the same name each time, as in a notebook whose cell is run again."""

    class Squared(lg.physics.FieldTerm):
        size: float = lg.quantity("T")

        def field(self, m, inputs):
            return lg.Vec3(self.size * square(m.x), 0.0 * m.y, 0.0 * m.z)

    return lg.Oscillator(
        Ms=1e6, volume=1e-24, polarization=0.0, demag=(0.0, 0.0, 0.0), field=(0.0, 0.0, 0.2), terms=(Squared(0.1),)
    )


def end(square, engine, kind):
    """The last m_z as a function of the term's size: of one device, of a batch, of a coupled array."""
    sto = device(square)

    def one(size):
        model = set_leaf(sto, "terms.0.size", size)
        if kind == "coupled":
            model = lg.OscillatorArray(model, 2, lg.FieldCoupling(jnp.full((2, 2), 0.05)))
        start = np.array([0.6, 0.0, 0.8])
        run = lg.simulate(
            model, duration=4 * DT, dt=DT, m0=start, engine=engine, stepper=lg.solvers.Heun(), save=lg.End()
        )
        return jnp.sum(run.m[-1, ..., 2])

    return (lambda size: jax.vmap(one)(size * jnp.asarray([1.0, 1.5])).sum()) if kind == "batch" else one


RUNS = {
    "one": (["half stopped", "plain", "seven", "five"], ["seven", "half stopped", "plain"]),
    "batch": (["plain", "half stopped"], []),
    "coupled": (["six", "five"], ["plain", "seven"]),
}
"""Whose gradients are taken, and whose tangents, in this order."""


@pytest.mark.parametrize("kind", RUNS)
def test_terms_of_one_value_keep_their_own_derivatives(kind):
    pull = lambda name, engine: jax.grad(end(SQUARES[name], engine, kind))(0.1)  # noqa: E731
    push = lambda name, engine: jax.jvp(end(SQUARES[name], engine, kind), (0.1,), (1.0,))[1]  # noqa: E731
    for derivative, names in zip((pull, push), RUNS[kind], strict=True):
        native = [float(derivative(name, lg.solvers.Native())) for name in names]
        xla = [float(derivative(name, lg.solvers.XLA())) for name in names]
        np.testing.assert_allclose(native, xla, rtol=1e-9)
        assert len({round(value, 9) for value in xla}) == len(names), "the law compares different derivatives"


def test_a_function_without_a_push_forward_says_so():
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(end(five, lg.solvers.Native(), "one"), (0.1,), (1.0,))


def digest(square, dtype):
    return compile_equation(equation_of_motion(device(square)), dtype)[0].digest


TABLE = np.array([0.0, 1.0, 4.0])
PAIRS = {
    "a number": (lambda x: 0.1 * x, lambda x: 0.2 * x),
    "a table": (
        lambda x: jnp.interp(x, np.arange(3.0), TABLE.astype(x.dtype)),
        lambda x: jnp.interp(x, np.arange(3.0), (TABLE + 1).astype(x.dtype)),
    ),
    "edges": (lambda x: jnp.clip(x, -0.5, 0.5), lambda x: jax.lax.clamp(x.dtype.type(-0.5), x, x.dtype.type(0.5))),
    "a rule": (seven, backward),
    "a rule backwards": (five, six),
    "a stop": (SQUARES["plain"], SQUARES["half stopped"]),
    "a rounding": (jnp.round, lambda x: jax.lax.round(x, jax.lax.RoundingMethod.AWAY_FROM_ZERO)),
}


def test_all_squares_are_different_programs():
    assert len({digest(square, np.float64) for square in SQUARES.values()}) == len(SQUARES)


@pytest.mark.float32
@pytest.mark.parametrize("name", PAIRS)
def test_programs_differ_where_their_values_or_derivatives_do(name):
    first, second = PAIRS[name]
    assert digest(first, np.float32) != digest(second, np.float32)
    assert digest(first, np.float32) == digest(first, np.float32)


def test_a_rule_that_looks_at_what_is_differentiated_is_like_no_other():
    @jax.custom_jvp
    def looks(x):
        return x * x

    looks.defjvp(lambda primals, tangents: (looks(*primals), 2.0 * primals[0] * tangents[0]), symbolic_zeros=True)
    assert digest(looks, np.float64) != digest(looks, np.float64)
