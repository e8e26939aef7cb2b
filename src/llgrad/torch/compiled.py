"""Programs inside of `torch.compile`: two operations that PyTorch puts into its graphs and does not look into.

Of PyTorch 2.4 on. The way back takes the run again, as a compiled graph keeps tensors alone between its two parts.
Earlier versions that have `torch.compile` leave its graph at a program and go on behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from llgrad.torch.bridge import PROGRAMS, TWICE, TensorProgram, fresh
from llgrad.torch.exchange import taken
from llgrad.torch.library import torch
from llgrad.torch.pullback import pulled

HAS_OPERATIONS = hasattr(torch.library, "custom_op") and hasattr(torch, "compiler")


def called(program: TensorProgram, number: int, *tensors: Any) -> Any:
    """The one value of a program; a compiled graph holds the number of the program."""
    if HAS_OPERATIONS and torch.compiler.is_compiling():
        return torch.ops.llgrad.run(list(tensors), number)
    return program(*tensors)


def _program(number: int) -> TensorProgram:
    if number not in PROGRAMS:
        raise RuntimeError("the module that this compiled graph was made of is no longer there; compile it again")
    return PROGRAMS[number]


def _run(tensors: Sequence[Any], program: int) -> Any:
    return _program(program)(*(tensor.detach() for tensor in tensors))


def _shape_of_run(tensors: Sequence[Any], program: int) -> Any:
    one = _program(program)
    types = {torch.float32: jnp.float32, torch.float64: jnp.float64, torch.int32: jnp.int32}
    double = one.is_double(tuple(tensors))
    with jax.enable_x64(double):
        like = [jax.ShapeDtypeStruct(tuple(map(int, tensor.shape)), types[tensor.dtype]) for tensor in tensors]
        found = jax.eval_shape(one.function, *like)[0]
    return tensors[0].new_empty(found.shape, dtype=torch.float64 if double else torch.float32)


def _pull(tensors: Sequence[Any], cotangent: Any, program: int, mask: Sequence[bool]) -> list[Any]:
    one, plain = _program(program), tuple(tensor.detach() for tensor in tensors)
    double = one.is_double(plain)
    pull = one.run(plain, tuple(mask), double)[1]
    with jax.enable_x64(double):
        return list(map(fresh([*plain, cotangent]), pulled(pull, taken(cotangent))))


def _shape_of_pull(tensors: Sequence[Any], cotangent: Any, program: int, mask: Sequence[bool]) -> list[Any]:
    return [torch.empty_like(tensor).contiguous() for tensor, m in zip(tensors, mask, strict=True) if m]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    tensors, ctx.program = inputs
    ctx.mask = [tensor.requires_grad for tensor in tensors]
    ctx.save_for_backward(*tensors)


def _back(ctx: Any, cotangent: Any) -> tuple[Any, None]:
    found = iter(torch.ops.llgrad.pull(list(ctx.saved_tensors), cotangent, ctx.program, ctx.mask))
    return [next(found) if m else None for m in ctx.mask], None


def _refuse(ctx: Any, *cotangents: Any) -> Any:
    raise RuntimeError(TWICE)


def _register(name: str, schema: str, run: Callable[..., Any], shape: Callable[..., Any], **back: Any) -> None:
    operation = torch.library.custom_op(f"llgrad::{name}", run, mutates_args=(), schema=schema)
    operation.register_fake(shape)
    operation.register_autograd(back["backward"], setup_context=back.get("setup_context"))


if HAS_OPERATIONS:
    _register(
        "run", "(Tensor[] tensors, int program) -> Tensor", _run, _shape_of_run, backward=_back, setup_context=_keep
    )
    _register(
        "pull",
        "(Tensor[] tensors, Tensor cotangent, int program, bool[] mask) -> Tensor[]",
        _pull,
        _shape_of_pull,
        backward=_refuse,
    )
elif hasattr(torch, "compile"):
    called = torch._dynamo.disable(called)
