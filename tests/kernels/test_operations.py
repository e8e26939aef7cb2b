"""Every name of the list of supported operations means what it means to XLA: value, adjoint and tangent, at ties, edges
and specials.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.operations import FUNCTIONS, compare, names_of

from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.expression.listing import formulas
from llgrad.kernels.expression.translate import NESTED, SUPPORTED

ELSEWHERE = {
    *("pjit", "closed_call", "core_call", "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint", "copy_p", "empty"),
    *("polynomial", "one_minus_square", "SearchSorted", "stack", "unstack", "empty2", "expand_dims", "log2", "eq_to"),
}
"""Names that not every version of JAX has."""


@pytest.mark.parametrize(("dtype", "width"), [(np.float64, 8), (np.float64, 1), (np.float32, 8)])
def test_operations_are_those_of_xla(dtype, width):
    assert compare(dtype, width) == []


def test_every_supported_name_is_tried():
    tried = names_of(FUNCTIONS.values())
    if "SearchSorted" in tried:  # jax 0.12 has one operation where earlier versions have a loop with these
        tried |= {"le_to", "lt_to"}
    assert SUPPORTED - tried - ELSEWHERE == set()
    assert {"jit", "custom_jvp_call", "custom_vjp_call"} <= tried & set(NESTED)


REFUSED = {
    "round to fewer digits": lambda x: jax.lax.reduce_precision(x, 8, 7),
    "half precision": lambda x: x.astype(jnp.float16).astype(x.dtype),
    "shift of a signed number": lambda x: jax.lax.shift_right_logical(x.astype(jnp.int32), jnp.int32(1)).astype(
        x.dtype
    ),
    "shift by a changing number": lambda x: jax.lax.shift_left(jnp.uint32(1), x.astype(jnp.uint32)).astype(x.dtype),
    "whole numbers divided by a changing one": lambda x: jax.lax.div(jnp.int32(7), x.astype(jnp.int32)).astype(x.dtype),
    "a loop without an end": lambda x: jax.lax.while_loop(lambda a: a < 2.0, lambda a: a * 2.0, x),
    "a function without code": lambda x: jax.scipy.special.i0e(x),
    "a long loop": lambda x: jax.lax.fori_loop(0, 10_000, lambda i, a: jnp.sin(a), x),
    "complex numbers": lambda x: jnp.abs(jax.lax.complex(x, x)),
    "a sort": lambda x: jnp.sort(jnp.stack([x, -x]))[0],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_inexact_is_refused(name):
    closed = jax.make_jaxpr(REFUSED[name])(jax.ShapeDtypeStruct((), np.float64))
    with pytest.raises(UnsupportedOperation):
        formulas(closed, ["x"])
