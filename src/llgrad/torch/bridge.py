"""Functions of JAX as functions of tensors, with their gradients: forward in one program, back in another."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.arguments.kinds import wrong_kind
from llgrad.torch.exchange import given, taken
from llgrad.torch.library import torch
from llgrad.torch.pullback import PackedPull, pulled

DOUBLE: Final = (torch.float64, torch.complex128)
SINGLE: Final = (torch.float32, torch.complex64)
INTEGERS: Final = (torch.int32, torch.int16, torch.int8, torch.uint8)
TWICE: Final = (
    "llgrad passes first derivatives to PyTorch, and a second one was asked for (create_graph=True); take it in JAX, "
    "as in jax.hessian of lg.simulate"
)

TRANSFORMED: Final = (
    "torch.func (vmap, grad, jvp, jacrev) does not see into llgrad's programs; give a batch by leading axes, take "
    "gradients by backward() or torch.autograd.grad, and other derivatives in JAX"
)

TRACED: Final = (
    "torch.jit.trace (and torch.onnx.export, where it traces) does not see into llgrad's programs, and would keep the "
    "numbers of this one call; save the state_dict, or what lg.torch.to_design makes, and make the module anew from it"
)

_numbers: Final = itertools.count()
PROGRAMS: Final[weakref.WeakValueDictionary[int, TensorProgram]] = weakref.WeakValueDictionary()
"""Every program by its number, by which compiled graphs of PyTorch name it."""


class TensorProgram:
    """A function of arrays, compiled by JAX and called with tensors; it gives (a tree of arrays, what is checked)."""

    def __init__(
        self,
        function: Callable[..., tuple[Any, Any]],
        check: Callable[[Any], None] | None = None,
        names: Callable[[int], str] = "argument {}".format,
    ):
        """`check` is given what the function gave beside its values, and raises where a run went wrong; `names` tells
        what a tensor is, by its place."""
        self.function, self.check, self.name_of = function, check, names
        self.forward = jax.jit(function)
        self._pushed: dict[tuple[bool, ...], Any] = {}
        self._held: dict[int, tuple[int, Any, Any, Any]] = {}
        self.number = next(_numbers)
        PROGRAMS[self.number] = self

    def __call__(self, *tensors: Any) -> Any:
        """The values as a tree of tensors, which know their gradient where one is wanted."""
        double = self.is_double(tensors)
        if _is_transformed():
            raise RuntimeError(TRANSFORMED)
        if torch.jit.is_tracing():
            raise RuntimeError(TRACED)
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            with jax.enable_x64(double):
                values, told = self.forward(*self._arrays(tensors))
            self._look_at(told)
            return jax.tree.map(fresh(tensors), values)
        kept: list[Any] = []
        leaves = _Run.apply(self, kept, double, *tensors)
        return jax.tree.unflatten(kept[0], leaves)

    def pushed(self, mask: tuple[bool, ...]) -> Any:
        """The function with its pull-back for the arrays that `mask` names."""
        if mask not in self._pushed:

            def run(*arrays: Any) -> Any:
                def of(*changing: Any) -> Any:
                    left = iter(changing)
                    return self.function(*(next(left) if m else a for m, a in zip(mask, arrays, strict=True)))

                values, pull, told = jax.vjp(of, *itertools.compress(arrays, mask), has_aux=True)
                return values, PackedPull.of(pull), told

            self._pushed[mask] = jax.jit(run)
        return self._pushed[mask]

    def run(self, tensors: tuple[Any, ...], mask: tuple[bool, ...], double: bool) -> tuple[Any, Any]:
        """Values as arrays, and their pull-back."""
        with jax.enable_x64(double):
            values, pull, told = self.pushed(mask)(*self._arrays(tensors))
        self._look_at(told)
        return values, pull

    def _arrays(self, tensors: tuple[Any, ...]) -> list[Any]:
        """Each tensor as an array. Of a parameter it is that of the call before, while its memory is the same: the
        array keeps that memory, so nothing else can be there, and it sees what an optimiser writes.
        """
        arrays = []
        for place, tensor in enumerate(tensors):
            if not (type(tensor) is torch.nn.Parameter or (tensor.requires_grad and tensor.is_leaf)):
                arrays.append(taken(tensor))
                continue
            pointer, shape, dtype, array = self._held.get(place, _NOTHING)
            if (
                tensor.data_ptr() != pointer
                or tensor.shape != shape
                or tensor.dtype != dtype
                or not tensor.is_contiguous()
            ):
                array = taken(tensor)
                if tensor.is_cpu and array.unsafe_buffer_pointer() == tensor.data_ptr():
                    self._held[place] = tensor.data_ptr(), tensor.shape, tensor.dtype, array
            arrays.append(array)
        return arrays

    def is_double(self, tensors: tuple[Any, ...]) -> bool:
        """Whether JAX shall compute in float64. Raises ValueError for types that do not go together."""
        double = False
        types = {tensor.dtype for tensor in tensors}
        for dtype in types:
            double = double or dtype in DOUBLE
        if len(types) > 1 or not types <= _USUAL:
            self._check_types(tensors, double)
        return double

    def _check_types(self, tensors: tuple[Any, ...], double: bool) -> None:
        first: dict[bool, int] = {}
        for place, tensor in enumerate(tensors):
            dtype = tensor.dtype
            if dtype in DOUBLE or dtype in SINGLE:
                first.setdefault(dtype in DOUBLE, place)
            elif dtype not in INTEGERS and not (dtype == torch.int64 and double):
                raise ValueError(
                    f"{self.name_of(place)} is of {dtype}, expected torch.float32 or torch.float64, "
                    "or whole numbers of torch.int32; convert it with .to(…)"
                )
        if len(first) == 2:
            raise ValueError(
                f"{self.name_of(first[False])} is of single precision and {self.name_of(first[True])} of double: "
                "compute in one; convert a module with .double() or .float(), a tensor with .to(…)"
            )

    def _look_at(self, told: Any) -> None:
        if self.check is not None:
            self.check(told)


_is_transformed: Final = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
"""Whether a transform of torch.func is at work; of PyTorch 2."""
_NOTHING: Final = (-1, None, None, None)
_USUAL: Final = frozenset({torch.float32, torch.float64})


def fresh(tensors: Sequence[Any]) -> Callable[[Any], Any]:
    """A tensor of each array, each with memory of its own: a compiled function may give back what it was given, or one
    array twice, and PyTorch writes into its tensors."""
    taken_places, on_processor = {tensor.data_ptr() for tensor in tensors}, bool(tensors) and tensors[0].is_cpu

    def of(array: Any) -> Any:
        tensor = given(array, on_processor)
        if (place := tensor.data_ptr()) in taken_places:
            return tensor.clone()
        taken_places.add(place)
        return tensor

    return of


class _Run(torch.autograd.Function):
    """A run that is differentiated. Its pull-back stays in JAX; its tensors are kept so that PyTorch sees where one is
    changed in place before the way back."""

    @staticmethod
    def forward(ctx: Any, program: TensorProgram, kept: list[Any], double: bool, *tensors: Any) -> Any:
        ctx.mask = ctx.needs_input_grad[3:]
        values, ctx.pull = program.run(tensors, ctx.mask, double)
        arrays, form = jax.tree.flatten(values)
        kept.append(form)
        leaves = tuple(map(fresh(tensors), arrays))
        ctx.save_for_backward(*tensors, *leaves)
        ctx.form, ctx.double, ctx.count = form, double, len(tensors)
        return leaves

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        tensors = ctx.saved_tensors[: ctx.count]
        pull = functools.partial(_pull, ctx.pull, ctx.form, ctx.double)
        found = _Pull.apply(pull, *cotangents, *tensors) if torch.is_grad_enabled() else pull(cotangents)
        left = iter(found)
        return (None, None, None, *(next(left) if m else None for m in ctx.mask))


def _pull(pull: Any, form: Any, double: bool, cotangents: Any) -> tuple[Any, ...]:
    arrays = jax.tree.unflatten(form, [taken(one) for one in cotangents[: form.num_leaves]])
    with jax.enable_x64(double):
        found = pulled(pull, arrays)
    return tuple(map(fresh(cotangents), found))


class _Pull(torch.autograd.Function):
    """The way back itself as a step of a graph, so that whoever goes on from it is told that there is no way."""

    @staticmethod
    def forward(ctx: Any, pull: Callable[[Any], Any], *tensors: Any) -> Any:
        return pull(tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        raise RuntimeError(TWICE)


def function(of_arrays: Callable[..., Any]) -> Callable[..., Any]:
    """A function of JAX arrays as a function of tensors: compiled once for each shape, differentiable once.

    Args:
        of_arrays: takes arrays, and gives an array or a tree (tuple, dictionary) of them, all of floats; what
            `jax.jit` can compile. What else it needs, close over.

    Returns:
        A function of as many tensors, all of float32 or all of float64 (whole numbers may be among them); it computes
        in that precision, whatever JAX's default is. Second derivatives are refused.

    Raises ValueError for what is no function, and when called for tensors that do not go together.

    >>> from llgrad.torch.library import torch
    >>> import llgrad as lg
    >>> def frequency(current):
    ...     device = lg.presets.kubota2013().replace(current=current)
    ...     return lg.frequency(lg.simulate(device, duration=5e-9, dt=5e-12))
    >>> current = torch.tensor(1.6e-3, dtype=torch.float64, requires_grad=True)
    >>> f = lg.torch.function(frequency)(current)
    >>> f.backward()
    >>> bool(current.grad.isfinite())
    True
    """
    if not callable(of_arrays):
        raise ValueError(
            wrong_kind("of_arrays", of_arrays, "a function of JAX arrays", "give one, as jax.jit takes it")
        )

    def checked(*arrays: Any) -> tuple[Any, Any]:
        values = of_arrays(*arrays)
        for leaf in jax.tree.leaves(values):
            if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
                raise ValueError(
                    f"the function gives an array of {jnp.result_type(leaf)}, expected floats; give the numbers that "
                    "PyTorch shall have as floats, .astype(float)"
                )
        return jax.tree.map(jnp.asarray, values), None

    program = TensorProgram(checked)

    @functools.wraps(of_arrays)
    def of_tensors(*tensors: Any) -> Any:
        for place, tensor in enumerate(tensors):
            if not isinstance(tensor, torch.Tensor):
                raise ValueError(wrong_kind(f"argument {place}", tensor, "a tensor", "give torch.tensor(…)"))
        return program(*tensors)

    return of_tensors
