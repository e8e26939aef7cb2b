"""Functions of JAX as functions of tensors: values, gradients, types, memory."""

import jax
import jax.numpy as jnp
import pytest
from tests.torch.pytorch import DOUBLE, assert_close, torch

import llgrad as lg


def product(x, y):
    return {"sum": x + y, "product": (x * y).sum()}


def tensors():
    x = torch.tensor([1.0, 2.0, -3.0], requires_grad=True, **DOUBLE)
    return x, torch.tensor([0.5, 4.0, 2.0], requires_grad=True, **DOUBLE)


def test_a_tree_of_values_and_its_gradients():
    x, y = tensors()
    found = lg.torch.function(product)(x, y)
    assert set(found) == {"sum", "product"} and found["sum"].tolist() == [1.5, 6.0, -1.0]
    (3 * found["sum"][0] + found["product"]).backward()
    assert x.grad.tolist() == [3.5, 4.0, 2.0] and y.grad.tolist() == [4.0, 2.0, -3.0]


def test_what_needs_no_gradient_has_none_and_graphs_can_be_kept():
    x, y = tensors()
    times = lg.torch.function(lambda x, y: x * y)
    value = times(x.detach(), y)
    for _ in range(2):
        (slope,) = torch.autograd.grad(value.sum(), y, retain_graph=True)
        assert slope.tolist() == x.tolist()
    with torch.no_grad():
        assert not times(x, y).requires_grad
    assert not times(x.detach(), y.detach()).requires_grad


def test_a_value_has_memory_of_its_own():
    x, _ = tensors()
    same = lg.torch.function(lambda x: (x, x))(x)
    with torch.no_grad():
        same[0].zero_()
    assert x.tolist() == [1.0, 2.0, -3.0] == same[1].tolist()
    given = torch.ones(3, **DOUBLE)
    (slope,) = torch.autograd.grad(lg.torch.function(lambda x: x)(x), x, given)
    slope.zero_()
    assert given.tolist() == [1.0, 1.0, 1.0]


def test_a_parameter_that_an_optimiser_changes_is_seen_anew():
    x, y = tensors()
    total = lg.torch.function(lambda x, y: (x * x * y).sum())
    for _ in range(3):
        x.grad = None
        total(x, y).backward()
        assert_close(x.grad, 2 * jnp.asarray(x.tolist()) * jnp.asarray(y.tolist()))
        with torch.no_grad():
            x -= 0.1 * x.grad
    x.data = torch.tensor([1.0, 1.0, 1.0], **DOUBLE)
    assert total(x, y).item() == y.sum().item()


def test_a_tensor_changed_before_the_way_back_is_refused():
    x, y = tensors()
    value = lg.torch.function(lambda x, y: x * y)(x, y)
    with torch.no_grad():
        y.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.sum().backward()


TRANSFORMS = pytest.importorskip("torch.func" if hasattr(torch, "func") else "functorch")
"""torch.func is of PyTorch 2, and was a package of its own before."""


@pytest.mark.parametrize(
    "transformed",
    [
        lambda f, x: TRANSFORMS.vmap(f)(x),
        lambda f, x: TRANSFORMS.grad(lambda y: f(y).sum())(x),
        lambda f, x: TRANSFORMS.jacrev(f)(x),
    ],
    ids=["vmap", "grad", "jacrev"],
)
def test_a_transform_of_torch_is_refused(transformed):
    with pytest.raises(RuntimeError, match="does not see into llgrad's programs; give a batch by leading axes"):
        transformed(lg.torch.function(lambda x: x**2), torch.ones(3))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
@pytest.mark.parametrize("with_gradient", [True, False])
def test_a_trace_that_would_keep_the_numbers_of_one_call_is_refused(with_gradient):
    twice = lg.torch.function(lambda x: 2 * x)
    with torch.set_grad_enabled(with_gradient), pytest.raises(RuntimeError, match=r"torch\.jit\.trace .* does not see"):
        torch.jit.trace(lambda x: x + twice(x), torch.ones(3), check_trace=False)


def test_a_second_derivative_is_refused():
    x, y = tensors()
    value = lg.torch.function(lambda x, y: (x * x * y).sum())(x, y)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    with pytest.raises(RuntimeError, match="llgrad passes first derivatives to PyTorch, and a second one was asked"):
        (slope.sum() + y.sum()).backward()


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_type_of_the_tensors_decides(dtype, x64):
    with jax.enable_x64(x64):
        x = torch.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
        times = lg.torch.function(lambda x, n: jnp.sin(x) * n.astype(x.dtype))
        value = times(x, torch.tensor(2, dtype=torch.int32))
        value.sum().backward()
    assert value.dtype == x.grad.dtype == dtype


def test_what_does_not_go_together_is_told():
    x, y = tensors()
    times = lg.torch.function(lambda x, y: x * y)
    with pytest.raises(ValueError, match="argument 1 is of single precision and argument 0 of double: compute in one"):
        times(x, y.float())
    with pytest.raises(ValueError, match=r"argument 1 is of torch\.float16, expected torch\.float32 or torch\.float64"):
        times(x, y.half())
    with pytest.raises(ValueError, match="argument 1 is a float, expected a tensor; give torch"):
        times(x, 3.0)
    with pytest.raises(ValueError, match="the function gives an array of bool, expected floats"):
        lg.torch.function(lambda x: x > 0)(x)
