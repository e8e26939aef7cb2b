"""What is written from a jaxpr computes what JAX computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.builder.loop import of_jax

import llgrad as lg
from llgrad.core.random import normals
from llgrad.kernels.expression.equations import compile_equation
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.expression.listing import formulas
from llgrad.physics.equation import equation_of_motion


def compiled(function, count, dtype=np.float64):
    """The function as kernels have it, of numbers; and its formulas."""
    closed = jax.make_jaxpr(function)(*[jax.ShapeDtypeStruct((), dtype)] * count)
    text = formulas(closed, [f"a{index}" for index in range(count)])
    many = of_jax(function, [dtype] * count)
    return lambda *numbers: [value[0] for value in many(*([number] for number in numbers))], text


FUNCTIONS = {
    "arithmetic": lambda x, y: (x * y + 2.0 / x - y / (x + 3.0),),
    "powers": lambda x, y: (x**3 + y**-2 + x**0.5 + (x * x) ** y + jnp.sqrt(x) + jax.lax.rsqrt(y),),
    "transcendental": lambda x, y: (jnp.exp(-x) + jnp.log(y) + jnp.sin(x) * jnp.cos(y) + jnp.tanh(x) + jnp.log2(y),),
    "arcs": lambda x, y: (jnp.arctan2(x, y) + jnp.arctan(x) + jnp.sinh(x) + jnp.log1p(y) + jnp.expm1(x),),
    "selects": lambda x, y: (jnp.where(x > y, x, -y) + jnp.maximum(x, 0.3) + jnp.minimum(y, 0.2) + jnp.abs(x - y),),
    "comparisons": lambda x, y: (jnp.where((x < y) & ~(x == 0.5) | (y >= 2.0), 1.0, 2.0) + jnp.sign(x - y),),
    "nested calls": lambda x, y: (
        jax.jit(jax.nn.relu)(x - y) + jax.nn.sigmoid(y) + jax.nn.softplus(x) + jnp.clip(x, 0.2, 0.4),
    ),
    "constants": lambda x, y: (x * np.float64(np.pi) + jnp.float64(2.0) * y + 1.0, jnp.asarray(3.0), x),
}
if hasattr(jax.lax, "polynomial"):  # since jax 0.12
    FUNCTIONS["a polynomial"] = lambda x, y: (jax.lax.polynomial(x, [1.0, y, 0.5]) + jax.lax.polynomial(y, [x]),)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("point", [(0.3, 0.7), (0.9, 0.25)])
def test_operations(name, point):
    function, _ = compiled(FUNCTIONS[name], 2)
    np.testing.assert_allclose(function(*point), FUNCTIONS[name](*map(jnp.asarray, point)), rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_operations(name):
    gradient = jax.grad(lambda x, y: sum(FUNCTIONS[name](x, y)), argnums=(0, 1))
    function, _ = compiled(gradient, 2)
    np.testing.assert_allclose(function(0.3, 0.7), gradient(jnp.asarray(0.3), jnp.asarray(0.7)), rtol=1e-13)


def test_random_numbers_wrap_around_in_32_bits():
    word = np.uint32
    numbers = lambda a, b, c, d: tuple(jax.tree.leaves(normals(a, b, c, d, jnp.float64)))  # noqa: E731
    with np.errstate(over="ignore"):
        function, _ = compiled(numbers, 4, word)
        found = function(word(5), word(0xFFFFFFFF), word(3), word(9))
    np.testing.assert_allclose(found, numbers(*map(jnp.uint32, (5, 0xFFFFFFFF, 3, 9))), rtol=1e-14)


def test_common_subexpressions_are_shared_and_dead_ones_dropped():
    def function(x, y):
        unused = jnp.exp(x)
        return x * y + y * x, (x * y) ** 2, unused * 0.0

    _, text = compiled(function, 2)
    assert text.count("a0 * a1") == 1
    assert "exp" not in text


def test_one_division_for_each_denominator():
    _, text = compiled(lambda x, y: (x / (1 + y) + y / (1 + y) + 1 / ((1 + y) * (1 + y)),), 2)
    assert text.count("/") == 1


def test_zeros_and_ones_are_folded_away():
    zero = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.0, demag=(0.0, 0.0, 0.0))
    program, values = compile_equation(equation_of_motion(zero), np.float64)
    text = formulas(program.trace(program.function), program.arguments)
    returned = text.splitlines()[-1]
    assert len(text.splitlines()) < 12, returned
    assert all(value.shape == () for value in values)


def test_what_depends_on_parameters_alone_is_hoisted():
    program, values = compile_equation(equation_of_motion(lg.presets.kubota2013()), np.float64)
    text = formulas(program.trace(program.function), program.arguments)
    assert text.count("/") == 1, "only the angular dependence of the torque divides in the loop"
    assert len(values) <= 7


def test_parameters_stay_shared_where_they_are():
    equation = equation_of_motion(lg.presets.kubota2013().replace(current=jnp.full(5, 1e-3)))
    _, values = compile_equation(equation, np.float64)
    assert sorted(value.shape for value in values) == [()] * 6 + [(5,)]


class Odd(lg.physics.FieldTerm):
    strength: float = lg.quantity("T")

    def field(self, m, inputs):
        return lg.Vec3(self.strength * jax.scipy.special.i0(m.x), 0.0 * m.y, 0.0 * m.z)


def test_an_unsupported_operation_names_itself_and_its_term():
    device = lg.presets.kubota2013().replace(terms=(Odd(0.1),))
    with pytest.raises(UnsupportedOperation, match=r"the term Odd \(terms.0\) uses the operation bessel_i0e"):
        compile_equation(equation_of_motion(device), np.float64)
