"""Arrays of JAX and tensors of PyTorch as each other, by DLPack: the same memory, never through NumPy."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from llgrad.core.arguments.kinds import check_kind
from llgrad.torch.library import torch

PROCESSOR = 1
"""What DLPack calls the memory of a processor (kDLCPU)."""


def to_jax(tensor: torch.Tensor) -> jax.Array:
    """A tensor as a `jax.Array` of the same memory, in its own type: float64 stays float64, whatever JAX's default is.

    It is copied where JAX cannot use the memory as it lies: a tensor that is not contiguous, or a view that does not
    begin at a multiple of 64 bytes. JAX takes its arrays to be constant: change the tensor in place only once nothing
    reads the array any more.

    Raises ValueError for anything but a dense tensor without gradient, of a type and on a device that JAX has.

    >>> from llgrad.torch.library import torch
    >>> import llgrad as lg
    >>> lg.torch.to_jax(torch.arange(3.0)).sum()
    Array(3., dtype=float32)
    """
    check_kind("tensor", tensor, torch.Tensor, "give what a torch function gives")
    if tensor.requires_grad:
        raise ValueError(
            "this tensor requires a gradient, which JAX would not see; give tensor.detach(), or call JAX code by "
            "lg.torch.function, which passes gradients on"
        )
    if tensor.layout is not torch.strided:
        raise ValueError(f"this tensor is of {tensor.layout}, expected a dense one; give tensor.to_dense()")
    try:
        return taken(tensor)
    except (RuntimeError, BufferError) as error:
        raise ValueError(
            f"a tensor of {tensor.dtype} of PyTorch {torch.__version__} cannot become an array; it says: {error}; "
            "convert it with .to(…)"
        ) from None


def to_torch(array: jax.Array) -> torch.Tensor:
    """A `jax.Array` as a tensor of the same memory, without a gradient; what is being computed is waited for.

    Raises ValueError for anything else, for a traced array, and for a type that this PyTorch cannot take.

    >>> import jax.numpy as jnp
    >>> import llgrad as lg
    >>> lg.torch.to_torch(jnp.arange(3.0)).tolist()
    [0.0, 1.0, 2.0]
    """
    check_kind("array", array, jax.Array, "give what a JAX function gives")
    if isinstance(array, Tracer):
        raise ValueError("array is traced, so it has no memory yet; make a tensor of it outside of jit, vmap and grad")
    return given(array)


def taken(tensor: Any) -> jax.Array:
    """`to_jax` without its checks of what the tensor is; a gradient is left behind."""
    if tensor.is_cpu:
        return _import_of_processor()(tensor if tensor.is_contiguous() else tensor.contiguous())
    return _taken_publicly(tensor.detach().contiguous())


def given(array: Any, on_processor: bool = False) -> Any:
    """`to_torch` without its checks; in a third of the time where it is known to be on a processor, which has no
    stream to wait for."""
    try:
        return _export_of_processor()(array) if on_processor else torch.utils.dlpack.from_dlpack(array)
    except (RuntimeError, BufferError) as error:
        raise ValueError(
            f"an array of {array.dtype} on {array.device} cannot become a tensor of PyTorch {torch.__version__}; it "
            f"says: {error}"
        ) from None


def _taken_publicly(tensor: Any) -> jax.Array:
    """By JAX's public function, which takes up to 50 µs, and computes in JAX's default type unless told otherwise."""
    with jax.enable_x64(True):
        try:
            return jax.dlpack.from_dlpack(tensor.detach())
        except (RuntimeError, TypeError, BufferError, ValueError) as error:
            raise ValueError(
                f"JAX cannot take a tensor of {tensor.dtype} on {tensor.device} (JAX computes on "
                f"{', '.join(sorted({device.platform for device in jax.devices()}))}): {error}; move it to the "
                "processor first: tensor.cpu()"
            ) from None


@functools.cache
def _import_of_processor() -> Callable[[Any], jax.Array]:
    """jaxlib's own import of a tensor on the processor, in a tenth of the time of JAX's public one.

    It is no public interface, so it is looked at before it is used: where it is not there, or does not give the same
    memory with the same values, the public one is.
    """
    found = getattr(_jaxlib(), "dlpack_managed_tensor_to_buffer", None)
    export, (device, *_) = torch.utils.dlpack.to_dlpack, jax.local_devices(backend="cpu")

    def direct(tensor: Any) -> jax.Array:
        return found(export(tensor), device, None, None, PROCESSOR)  # type: ignore[misc]

    return direct if found is not None and _is_same_memory(direct, _given_publicly) else _taken_publicly


@functools.cache
def _export_of_processor() -> Callable[[Any], Any]:
    """The other way round: jaxlib's own export, which asks an array for its memory and for nothing else."""
    found = getattr(_jaxlib(), "buffer_to_dlpack_managed_tensor", None)
    imported = torch.utils.dlpack.from_dlpack

    def direct(array: Any) -> Any:
        return imported(found(array))  # type: ignore[misc]

    return direct if found is not None and _is_same_memory(_taken_publicly, direct) else _given_publicly


def _given_publicly(array: Any) -> Any:
    return torch.utils.dlpack.from_dlpack(array.__dlpack__())


def _is_same_memory(into: Callable[[Any], jax.Array], back: Callable[[Any], Any]) -> bool:
    """Whether a tensor goes into JAX and comes back with the same memory, type and values."""
    probe = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    try:
        array = into(probe)
        tensor = back(array)
        same = array.dtype == jnp.float64 and array.unsafe_buffer_pointer() == probe.data_ptr() == tensor.data_ptr()
        return same and tensor.equal(probe)
    except (TypeError, ValueError, RuntimeError):
        return False


def _jaxlib() -> Any:
    try:
        return importlib.import_module("jaxlib._jax")
    except ImportError:
        return None
