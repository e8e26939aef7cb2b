"""One call of a kernel of coupled arrays: operands cut into tiles, weights packed, results in their shapes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.kernels.calls import RunPlan
from llgrad.kernels.coupled.adjoint import adjoint_module
from llgrad.kernels.coupled.forward import forward_module
from llgrad.kernels.coupled.products import ROWS
from llgrad.kernels.coupled.scheme import CoupledScheme, matrices_of
from llgrad.kernels.coupled.tangent import tangent_module
from llgrad.kernels.kernel import target
from llgrad.kernels.loops.adjoint import PARTS
from llgrad.kernels.loops.tangent import MOST

SHARED_ROWS: Final = 192
"""Oscillators of a single array from which on its rows are shared out among threads."""
NARROW: Final = 1.05
"""How much less padding makes narrow tiles worth while: their forward pass took up to so much longer where there was
none, and the gradient of 100 samples of 128 oscillators a seventh less.
"""


@dataclass(frozen=True)
class CoupledPlan(RunPlan):
    """The plan of coupled arrays."""

    terms: tuple[tuple[int, int, int], ...] = ()
    """What is received: y_r = Σ M x_e over (r, e, number of the matrix M, or `ALL` for the sum of all)."""
    apart: bool = False
    """Whether the samples are arrays by themselves, each with weights of its own or with a cotangent of the weights of
    its own: the weights have a leading axis B, or 1."""

    def lane_axis(self, name: str) -> int:
        """Where the (B, N) axes of an operand begin, of the weights of arrays apart B; −1 for one that has none."""
        return 0 if self.apart and name == "weights" else super().lane_axis(name)

    def stride_of(self, count: int) -> int:
        """Steps in each of at most so many segments but the last: as even as can be, whole samples that hold."""
        hold = self.hold or 1
        return math.ceil(self.steps // hold / count) * hold

    @property
    def names(self) -> list[str]:
        """Names of a run's operands, in order, without the counts."""
        keys, weights = ["key0", "key1"] * self.program.noisy, ["weights"] * (matrices_of(self.terms) > 0)
        return ["first", "h", *self.starts, *self.program.names, *self.program.channels, *keys, *weights]


@functools.lru_cache(maxsize=512)
def _kernel(kind: str, scheme: CoupledScheme, *options: Any) -> str:
    """Name of the FFI target of a pass."""
    modules = {"forward": forward_module, "adjoint": adjoint_module, "tangent": tangent_module}
    return target(f"coupled_{kind}", scheme, modules[kind], *options)


class _Call:
    """A run's operands as a kernel takes them."""

    def __init__(self, plan: CoupledPlan, operands: Sequence[Any]) -> None:
        self.plan, self.dtype = plan, plan.program.dtype
        self.given = dict(zip(plan.names, operands, strict=True))
        self.B, self.N = self.given[plan.starts[0]].shape
        self.single = self.B == 1 or plan.apart
        self.varied = (*plan.program.names, *plan.program.channels)
        inner = tuple(name for name in self.varied if self._differs(name))
        self.shared = self.B == 1 and self.N >= SHARED_ROWS
        single, held = (self.single, self.shared), plan.hold > 0
        scheme = CoupledScheme(plan.program, plan.tableau, plan.project, *single, inner, plan.terms, held=held)
        registers = -(-self.N // scheme.lanes)
        if self.single and registers <= 2:
            scheme = dataclasses.replace(scheme, registers=registers, alone=self.N == 1)
        if not self.single:
            scheme = min((scheme, dataclasses.replace(scheme, narrow=True)), key=self._work)
        self.scheme, self.block = scheme, ROWS if self.single else scheme.block
        self.W = scheme.width
        self.R = -(-self.N // self.W) if self.single else self.N
        self.tiles = self.B if self.single else -(-self.B // self.W)

    def _differs(self, name: str) -> bool:
        """Whether the values of an operand differ between the lanes of a row, or between arrays."""
        samples, oscillators = self.given[name].shape[self.plan.lane_axis(name) :]
        return samples > 1 or (self.single and oscillators > 1)

    def _work(self, scheme: CoupledScheme) -> float:
        """Elements of a product of many samples, of a narrow scheme so many more as make up for its smaller blocks."""
        samples, rows = -(-self.B // scheme.width) * scheme.width, -(-self.N // scheme.block) * scheme.block
        return samples * rows * (NARROW if scheme.narrow else 1.0)

    @property
    def padded(self) -> int:
        """Rows of a matrix of weights, and of its cotangent, with many samples."""
        return -(-self.N // self.block) * self.block

    # ---- into tiles

    def pack(self, value: Any, axis: int, inner: bool = True, edge: bool = True) -> Any:
        """(…, b, n) → (tiles, …, rows, W), or (1, …, rows, 1) for what lanes share; (B, …, N) of arrays by themselves,
        or as it is for what they share.
        """
        lead = value.shape[:axis]
        b, n = value.shape[axis:]
        if self.single:
            return jnp.moveaxis(jnp.broadcast_to(value, (*lead, self.B, self.N)), axis, 0) if inner else value
        if not inner:
            return value.reshape(1, *lead, n, 1)
        if b == 1:
            value = jnp.broadcast_to(value, (*lead, self.B, n))
        value = _pad(value, axis, self.tiles * self.W, edge).reshape(*lead, self.tiles, self.W, n)
        return jnp.moveaxis(value, axis, 0).swapaxes(-1, -2)

    def unpack(self, value: Any) -> Any:
        """(tiles, …, rows, W), or (B, …, N) of arrays by themselves → (…, B, rows)."""
        if self.single:
            return jnp.moveaxis(value, 0, -2)
        lead = value.shape[1:-2]
        value = jnp.moveaxis(value.swapaxes(-1, -2), 0, len(lead))
        return value.reshape(*lead, self.tiles * self.W, value.shape[-1])[..., : self.B, :]

    def matrix(self, value: Any) -> Any:
        """Weights (…, N, N) as a product takes them: as they are for a small single array; for a large one, rows and
        columns padded to whole registers; packed blocks of eight rows for many samples.
        """
        lead, more = value.shape[:-2], [(0, 0)] * (value.ndim - 2)
        padded = self.padded
        if self.single:
            grow = [(0, padded - self.N), (0, -self.N % self.scheme.lanes)]
            return jnp.pad(value, [*more, *grow]) if self.shared and any(map(any, grow)) else value
        value = jnp.pad(value, [*more, (0, padded - self.N), (0, 0)])
        return value.reshape(*lead, padded // self.block, self.block, self.N).swapaxes(-1, -2)

    def kept(self, value: Any) -> Any:
        """A kept state (tiles, R, W) → (B, N)."""
        return value.reshape(self.B, -1)[:, : self.N] if self.single else self.unpack(value)

    def operands(self, items: int, stride: int = 1, transposed: bool = False, start: Any = None) -> list[Any]:
        plan, given = self.plan, self.given
        flags = [given[name].shape[-1] > 1 or (name in self.scheme.inner and self.single) for name in self.varied]
        own = (self.N, self.R, 0, plan.hold)
        counts = jnp.asarray([plan.steps, plan.every, stride, items, self.tiles, *own, *flags], jnp.int32)
        packed = [counts if start is None else counts.at[7].set(start), given["first"], given["h"]]
        packed += [self.pack(given[name], 0) for name in plan.starts]
        packed += [self.pack(given[name], plan.lane_axis(name), name in self.scheme.inner) for name in self.varied]
        if plan.program.noisy:
            packed += [self.pack(given[name], 0, not self.single) for name in ("key0", "key1")]
        if "weights" in given:
            turned = transposed and (self.shared or not self.single)
            packed.append(self.matrix(given["weights"].swapaxes(-1, -2) if turned else given["weights"]))
        return packed

    def shape(self, *lead: int) -> jax.ShapeDtypeStruct:
        """Of a result with a value for each oscillator and sample."""
        shape = (self.tiles, *lead, self.N) if self.single else (self.tiles, *lead, self.R, self.W)
        return jax.ShapeDtypeStruct(shape, self.dtype)

    def tile_shape(self, *lead: int) -> jax.ShapeDtypeStruct:
        """Of what one pass keeps for another: tiles, padded."""
        return jax.ShapeDtypeStruct((self.tiles, *lead, self.R, self.W), self.dtype)

    def items(self, most: int) -> int:
        """Pieces of work that threads take: tiles, or the blocks of rows of a single array."""
        if self.single:
            return min(self.R, 8) if self.shared else self.tiles
        return min(self.tiles, most)

    # ---- memory

    @property
    def rows(self) -> int:
        """Rows of an array of the workspace."""
        return self.R if self.single else -(-self.R // self.block) * self.block

    @property
    def stride(self) -> int:
        """Steps between the states kept: 1 while states and coupling fields of all steps fit the memory."""
        plan, size = self.plan, np.dtype(self.dtype).itemsize * self.tiles * self.rows * self.W
        state = len(plan.starts) * size
        step = state + self.scheme.stages * self.scheme.received * size
        if step * plan.steps <= plan.memory:
            return 1
        most = max(2, min(plan.steps, math.isqrt(plan.steps * state // step)))
        return plan.stride_of(math.ceil(plan.steps / most))


def _pad(value: Any, axis: int, size: int, edge: bool) -> Any:
    missing = size - value.shape[axis]
    if missing == 0:
        return value
    widths = [(0, missing if k == axis else 0) for k in range(value.ndim)]
    return jnp.pad(value, widths, mode="edge" if edge else "constant")


def forward(*operands: Any, plan: CoupledPlan, keep: bool, compiled: bool = True) -> list[Any]:
    """Saved states (S, B, N) and the final state (B, N) of each component, first bad step (B, 1); with `keep` the
    states kept and what their stages received, as tiles.

    Without `compiled` no kernel is made: enough for the shapes, which tracing asks for.
    """
    call = _Call(plan, operands)
    bad, size = (call.tiles, 1) if call.single else (call.tiles, 1, call.W), len(plan.starts)
    shapes = [call.shape(plan.saves)] * size + [call.shape()] * size + [jax.ShapeDtypeStruct(bad, jnp.int32)]
    stride = call.stride
    if keep:
        shapes += [call.tile_shape(-(-plan.steps // stride), size), _fields(call, plan.steps if stride == 1 else 0)]
    target = _kernel("forward", call.scheme, keep) if compiled else ""
    results = jax.ffi.ffi_call(target, shapes)(*call.operands(call.items(call.tiles), stride))
    states, bad = [call.unpack(result) for result in results[: 2 * size]], results[2 * size]
    return [*states, bad if call.single else call.unpack(bad), *results[plan.told :]]


def _fields(call: _Call, steps: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(
        (call.tiles, steps, call.scheme.stages * call.scheme.received, call.rows, call.W), call.dtype
    )


def adjoint(*operands: Any, plan: CoupledPlan, wanted: tuple[str, ...], compiled: bool = True) -> list[Any]:
    """Cotangents of m0 (B, N) and of each wanted operand in its own shape.

    `operands` are the run's, states and fields kept, and the cotangents of saved and final states.
    """
    own = len(plan.names)
    call = _Call(plan, operands[:own])
    kept, fields, *cotangents = operands[own:]
    if fields.shape[1] or not compiled:
        return _transposed(call, wanted, [kept, fields], cotangents, compiled=compiled)
    return _in_segments(call, wanted, kept, cotangents)


def _in_segments(call: _Call, wanted: tuple[str, ...], kept: Any, cotangents: list[Any]) -> list[Any]:
    """The adjoint of a run whose states do not fit the memory: segment by segment from the last, each run again."""
    plan, count = call.plan, kept.shape[1]
    stride, hold = plan.stride_of(count), plan.hold or 1
    size = len(plan.starts)
    saved, final = cotangents[:size], cotangents[size:]

    def segment(final: list[Any], index: Any, steps: int) -> list[Any]:
        start = index * stride
        given = dict(call.given) | {name: call.kept(kept[:, index, k]) for k, name in enumerate(plan.starts)}
        given["first"] = given["first"] + jnp.asarray(start, jnp.uint32)
        for name in plan.program.channels:
            given[name] = jax.lax.dynamic_slice_in_dim(given[name], start // hold, steps // hold)
        local = dataclasses.replace(plan, steps=steps, memory=2**62)
        again = forward(*given.values(), plan=dataclasses.replace(local, every=steps + 1), keep=True)
        return _transposed(
            _Call(local, list(given.values())), wanted, again[plan.told :], [*saved, *final], start=start
        )

    rest = plan.steps - (count - 1) * stride
    found = segment(final, count - 1, rest)
    if count == 1:
        return found

    def one(carry: list[Any], index: Any) -> tuple[list[Any], list[Any]]:
        new = segment(carry[:size], index, stride)
        sums = [a + b for (a, b, name) in zip(carry[size:], new[size:], wanted, strict=True) if name not in sampled]
        return _merged(new, sums, carry, wanted, sampled), [
            new[size + k] for k, name in enumerate(wanted) if name in sampled
        ]

    sampled = plan.program.channels
    found, parts = jax.lax.scan(one, found, jnp.arange(count - 1, dtype=jnp.int32), reverse=True)
    for name, part in zip([name for name in wanted if name in sampled], parts, strict=True):
        place = size + wanted.index(name)
        found[place] = jnp.concatenate([part.reshape(-1, *part.shape[2:]), found[place]])
    return found


def _merged(new: list[Any], sums: list[Any], carry: list[Any], wanted: tuple[str, ...], sampled: Any) -> list[Any]:
    """Cotangents so far: of m0 those of the new segment, of parameters the sums, of samples those of the last."""
    following, size = iter(sums), len(carry) - len(wanted)
    return [*new[:size], *(carry[size + k] if name in sampled else next(following) for k, name in enumerate(wanted))]


def _transposed(
    call: _Call,
    wanted: tuple[str, ...],
    kept: Sequence[Any],
    cotangents: list[Any],
    start: Any = None,
    compiled: bool = True,
) -> list[Any]:
    """The adjoint of steps whose states, and what they received, are all there."""
    cotangents = [call.pack(value, value.ndim - 2, edge=False) for value in cotangents]
    plan, active = call.plan, [name for name in call.varied if name in wanted]
    items = call.items(PARTS)
    parts = call.tiles if call.single else items
    shapes = [call.shape()] * len(plan.starts)
    for name in active:
        axis, value = plan.lane_axis(name), call.given[name]
        lead = value.shape[:axis]
        if name in call.scheme.inner:
            rows = call.R if value.shape[-1] > 1 else 1
            shape = (call.tiles, *lead, call.N) if call.single else (call.tiles, *lead, rows, call.W)
            shapes.append(jax.ShapeDtypeStruct(shape, call.dtype))
        else:
            rows = call.R if call.single else value.shape[-1]
            shapes.append(jax.ShapeDtypeStruct((parts, *lead, rows, 1), call.dtype))
    if "weights" in wanted:
        size = call.N if call.single else call.padded
        shapes.append(jax.ShapeDtypeStruct((parts, call.scheme.matrices, size, size), call.dtype))
    target = _kernel("adjoint", call.scheme, wanted) if compiled else ""
    arguments = [*call.operands(items, transposed=True, start=start), *kept, *cotangents]
    results = jax.ffi.ffi_call(target, shapes)(*arguments)
    found = dict(zip(plan.starts, map(call.unpack, results), strict=False))
    for name, result in zip(active, results[len(plan.starts) :], strict=False):
        found[name] = _shaped(call, name, result)
    if "weights" in wanted:
        found["weights"] = _of_weights(call, results[-1])
    return [found[name] for name in (*plan.starts, *wanted)]


def _of_weights(call: _Call, result: Any) -> Any:
    """The cotangent of the weights, in their shape."""
    if not call.single:
        return result.sum(0)[:, : call.N, : call.N]
    if not call.plan.apart:
        return result[0]
    return result if len(call.given["weights"]) > 1 else result.sum(0, keepdims=True)


def _shaped(call: _Call, name: str, result: Any) -> Any:
    """The cotangent of an operand, in its shape."""
    if name in call.scheme.inner:
        value, like = call.unpack(result), call.given[name].shape
        axes = tuple(axis for axis, size in enumerate(like) if size == 1 and value.shape[axis] != 1)
        return value.sum(axes, keepdims=True) if axes else value
    total = result.sum(0)[..., 0]
    return total.sum(-1)[..., None, None] if call.single else total[..., None, :]


def tangent(*operands: Any, plan: CoupledPlan, wanted: tuple[str, ...], compiled: bool = True) -> list[Any]:
    """Tangents of saved states (K, S, B, N) and of the final state (K, B, N).

    `operands` are the run's, and the K tangents of m0 and of each wanted operand.
    """
    own = len(plan.names)
    call = _Call(plan, operands[:own])
    active = [name for name in call.varied if name in wanted]
    given = dict(zip([*plan.starts, *wanted], operands[own:], strict=True))
    sweeps = []
    total, size = given[plan.starts[0]].shape[0], len(plan.starts)
    for start in range(0, total, MOST):
        part = {name: value[start : start + MOST] for name, value in given.items()}
        K = part[plan.starts[0]].shape[0]
        packed = [call.pack(part[name], 1) for name in plan.starts]
        packed += [call.pack(part[name], plan.lane_axis(name) + 1, name in call.scheme.inner) for name in active]
        packed += [
            call.matrix(jnp.moveaxis(part[name], 1, 0) if plan.apart else part[name])
            for name in wanted
            if name == "weights"
        ]
        shapes = [call.shape(K, plan.saves)] * size + [call.shape(K)] * size
        target = _kernel("tangent", call.scheme, tuple(wanted), K) if compiled else ""
        sweeps.append(jax.ffi.ffi_call(target, shapes)(*call.operands(call.items(call.tiles)), *packed))
    parts = [[call.unpack(sweep[index]) for sweep in sweeps] for index in range(2 * size)]
    return [jnp.concatenate(part) if len(part) > 1 else part[0] for part in parts]
