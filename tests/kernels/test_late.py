"""A slope that is split by its division is the slope, and the short series for the projection is the root."""

import jax
import numpy as np
import pytest
from tests.kernels.builder.loop import looped

import llgrad as lg
from llgrad.kernels.builder.expression import write
from llgrad.kernels.expression.equations import compile_equation
from llgrad.kernels.expression.splits.late import split
from llgrad.kernels.expression.translate import graph_of
from llgrad.kernels.loops.step import scale_to_one
from llgrad.physics.equation import equation_of_motion


def evaluated(graph, names, values, numbers):
    """The values of a graph at given numbers, as kernels compute them."""
    inputs = list(names)
    one = looped(
        lambda on, *given: write(on, graph, dict(zip(inputs, given, strict=True)), values),
        ["float64"] * len(inputs),
        ["float64"] * len(values),
        "float64",
        1,
    )
    return np.array([value[0] for value in one(*([number] for number in numbers))])


def parts_of(function, arguments, parameters):
    closed = jax.make_jaxpr(function)(*[jax.ShapeDtypeStruct((), np.float64)] * len(arguments))
    graph, inputs, outputs = graph_of(closed, arguments)
    found = split(graph, outputs, [inputs[arguments.index(name)] for name in parameters], wait=True)
    return graph, dict(zip(inputs, arguments, strict=True)), outputs, found


def test_the_parts_of_a_device_make_its_slope():
    program, _ = compile_equation(equation_of_motion(lg.presets.kubota2013()), np.float64)
    graph, names, outputs, parts = parts_of(program.function, program.arguments, program.names)
    assert all(parts.factors)
    assert parts.late is not None
    numbers = np.random.default_rng(3).uniform(0.2, 0.9, len(names))
    value = lambda values: evaluated(graph, names, values, numbers)  # noqa: E731
    factors = np.array([np.prod(value(own)) for own in parts.factors])
    (late,) = value([parts.late])
    np.testing.assert_allclose(factors * (value(parts.early) + late * value(parts.rates)), value(outputs), rtol=1e-13)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x / (1 + y) + y / (2 + x), x, y),  # two divisions
        lambda x, y: ((x / (1 + y)) ** 2, x, y),  # its square
        lambda x, y: (jax.numpy.exp(x / (1 + y)), x, y),  # a function of it
        lambda x, y: (x, y, x * y),  # none
    ],
)
def test_what_is_not_linear_in_one_division_stays_whole(function):
    _, _, outputs, parts = parts_of(function, ("x", "y"), ())
    assert parts == ([()] * 3, outputs, None, [])


@pytest.mark.parametrize(("dtype", "rounding"), [("float64", 2.3e-16), ("float32", 1.2e-7)])
def test_the_scale_to_the_sphere_is_exact_to_rounding(dtype, rounding):
    scale = looped(scale_to_one, [dtype], [dtype] * 2, dtype, 1)
    sizes = np.array([0.0, 1e-9, 1e-6, 1.2e-4, 1.3e-4, 0.015, 0.016, 0.09])
    excess = np.concatenate([sizes, -sizes]).astype(dtype)
    part, rate = (value.astype(np.longdouble) for value in scale(excess))
    assert np.abs((1 + part * rate) * np.sqrt(1 + excess.astype(np.longdouble)) - 1).max() <= rounding
    assert np.isnan(scale([np.nan])[1]).all()
