"""Tensors and arrays as each other: the same memory, the same type, or a sentence."""

import jax
import jax.numpy as jnp
import pytest
from tests.torch.pytorch import DOUBLE, torch

import llgrad as lg
from llgrad.torch import exchange


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (2, 0)])
def test_the_memory_is_shared_in_its_own_type_whatever_jax_defaults_to(dtype, shape, x64):
    with jax.enable_x64(x64):
        tensor = torch.ones(shape, dtype=dtype)
        array = lg.torch.to_jax(tensor)
        back = lg.torch.to_torch(array)
    assert str(array.dtype) == str(dtype).removeprefix("torch.") and back.dtype == dtype
    assert array.shape == shape == tuple(back.shape)
    if tensor.numel():
        assert array.unsafe_buffer_pointer() == tensor.data_ptr() == back.data_ptr()


def test_a_number_of_a_device_may_be_a_tensor_without_a_gradient():
    device = lg.presets.kubota2013()
    assert device.replace(current=torch.tensor(1e-3, **DOUBLE)).current == 1e-3
    assert device.replace(field=torch.tensor([0.0, 0.0, 0.02], **DOUBLE)).field.z == 0.02
    wave = torch.sin(torch.arange(500, **DOUBLE) * 0.1)
    assert lg.frequency(wave, 1e-12) == lg.frequency(wave.tolist(), 1e-12)
    with pytest.raises(ValueError, match=r"this tensor requires a gradient, which llgrad would not see"):
        device.replace(current=torch.tensor(1e-3, requires_grad=True))


def test_a_tensor_that_is_not_dense_is_refused():
    with pytest.raises(
        ValueError, match=r"this tensor is of torch.sparse_coo, expected a dense one; give tensor.to_dense"
    ):
        lg.torch.to_jax(torch.eye(3).to_sparse())


@pytest.mark.parametrize("view", [lambda x: x[1:], lambda x: x[:, ::2], lambda x: x.T, lambda x: x[:1].expand(3, 6)])
def test_a_view_that_jax_cannot_use_is_copied(view):
    tensor = view(torch.arange(24.0, **DOUBLE).reshape(4, 6))
    assert lg.torch.to_jax(tensor).tolist() == tensor.tolist()


DIRECT = {
    exchange._import_of_processor: ("dlpack_managed_tensor_to_buffer", exchange._taken_publicly),
    exchange._export_of_processor: ("buffer_to_dlpack_managed_tensor", exchange._given_publicly),
}
"""jaxlib's own ways, which are no public interface: what they are called, and what stands in for them."""


@pytest.mark.parametrize("way", DIRECT, ids=lambda way: way.__name__)
def test_the_direct_way_is_used_and_the_public_one_agrees(way):
    assert way() is not DIRECT[way][1], "jaxlib has changed: look at exchange.py"
    tensor = torch.arange(5.0, **DOUBLE)
    array = exchange._taken_publicly(tensor)
    assert array.dtype == jnp.float64 and array.unsafe_buffer_pointer() == tensor.data_ptr()
    assert exchange._given_publicly(array).data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize("way", DIRECT, ids=lambda way: way.__name__)
def test_without_the_direct_way_the_public_one_is_used(way, monkeypatch):
    name, public = DIRECT[way]
    broken = (jnp.zeros(3), torch.utils.dlpack.to_dlpack(torch.ones(3, **DOUBLE)))[way is exchange._export_of_processor]
    for library in (None, object(), type("Lib", (), {name: lambda *_: broken})):
        way.cache_clear()
        monkeypatch.setattr(exchange, "_jaxlib", lambda library=library: library)
        assert way() is public
    way.cache_clear()


TYPES = sorted({one for one in vars(torch).values() if isinstance(one, torch.dtype)}, key=str)


@pytest.mark.filterwarnings("ignore")  # of types that PyTorch is about to leave
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_a_tensor_of_any_type_is_an_array_or_a_sentence(dtype):
    try:
        tensor = torch.empty(2, dtype=dtype)
    except RuntimeError:
        pytest.skip("PyTorch makes no tensor of this type")
    try:
        array = lg.torch.to_jax(tensor)
    except ValueError as error:
        assert f"a tensor of {dtype}" in str(error) and "convert it with .to" in str(error)
    else:
        assert array.shape == (2,)
        assert array.unsafe_buffer_pointer() == tensor.data_ptr() or tensor.data_ptr() % 64


def test_what_has_no_counterpart_is_told():
    with pytest.raises(ValueError, match=r"requires a gradient, which JAX would not see; give tensor\.detach\(\)"):
        lg.torch.to_jax(torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="array is traced, so it has no memory yet"):
        jax.jit(lg.torch.to_torch)(1.0)
    with pytest.raises(ValueError, match=r"JAX cannot take a tensor of torch\.float32 on meta"):
        lg.torch.to_jax(torch.ones(2, device="meta"))
    with pytest.raises(ValueError, match=r"an array of key<fry> on cpu:0 cannot become a tensor of PyTorch"):
        lg.torch.to_torch(jax.random.key(0))
