"""One call of a kernel: operands broadcast to one value for all trajectories or one for each, results in their
shapes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.kernels.expression.program import Program
from llgrad.kernels.gpu.launch import launch, whole_blocks
from llgrad.kernels.kernel import (
    REGISTERS,
    adjoint_kernel,
    forward_kernel,
    tangent_kernel,
    width_for,
)
from llgrad.kernels.loops.adjoint import PARTS
from llgrad.kernels.loops.kept import ROWS_BEFORE
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.loops.tangent import MOST
from llgrad.kernels.loops.tile import NARROW, common_operands
from llgrad.kernels.steppers import Tableau

MEMORY: Final = 2**28
"""Bytes that the states kept for the gradient of a run may take; beyond it only every so-many-th state is kept."""
MOST_OF_A_THREAD: Final = 3
"""Directions of tangents in one sweep of a GPU: what more of them need is more than a thread's registers hold. Three of
4,096 trajectories took 1.75 ms in one sweep, 2.2 ms in two, 2.9 ms in three (one NVIDIA H200, float64).
"""
SEGMENT: Final = 16
"""Steps between the states that many trajectories keep on a processor: the tape of a segment fits the second-level
cache. To keep every state, and take a step's stages again beside its transposed, is as much memory as goes to and fro
in the time of the arithmetic, and holds more than there are registers: gradients take twice as long.
"""


@dataclass(frozen=True)
class RunPlan:
    """What is fixed about a run before it starts, apart from shapes; coupled or not."""

    program: Program
    tableau: Tableau
    project: bool
    steps: int
    every: int
    memory: int = MEMORY
    samples: int = 1
    """States that the polynomial through a step gives, its end included; of a tableau that interpolates, with every =
    1."""
    hold: int = 0
    """Of coupled arrays: steps for which a sample of a channel holds, all of the same number; 0 where channels have
    samples at the nodes of each step."""

    @property
    def starts(self) -> tuple[str, ...]:
        """Names of the operands of the initial state."""
        return self.program.starts

    @property
    def told(self) -> int:
        """Number of a run's results: saved and final states, first bad step."""
        return 2 * len(self.starts) + 1

    @property
    def saves(self) -> int:
        return self.steps // self.every * self.samples

    def lane_axis(self, name: str) -> int:
        """Where the (B, N) axes of an operand begin; −1 for one that has none."""
        if name in ("first", "h", "dense", "weights"):
            return -1
        if name in self.program.tables:
            return 1
        return 2 if name in self.program.channels else 0


@dataclass(frozen=True)
class CallPlan(RunPlan):
    """The plan of independent trajectories."""

    @property
    def names(self) -> list[str]:
        """Names of a run's operands, in order, without the counts."""
        return common_operands(self.program, self.tableau.interpolates)[1:]

    def stride(self, lanes: int) -> int:
        """Steps between the states for which there is room: 1 while those of all steps fit the memory.

        So that a run has as many alone as beside others: `vmap` may change no shape, where what it maps over was traced
        before. Beyond the memory it does, which JAX then refuses, except for a single row, which it would repeat: there
        are two at least.
        """
        size = max(1, len(self.starts) * lanes * np.dtype(self.program.dtype).itemsize)
        most = max(2, min(self.steps, self.memory // size))
        kept = math.ceil(self.steps / math.ceil(self.steps / most))
        return math.ceil(self.steps / kept)

    def kept(self, lanes: int) -> int:
        """Number of states for which there is room."""
        return math.ceil(self.steps / self.stride(lanes))

    def apart(self, lanes: int, stride: int, card: bool) -> int:
        """Steps between the states that are kept where there is room for one every `stride` steps."""
        whole = card or lanes <= NARROW or self.steps <= stride
        return stride if whole else stride * math.ceil(SEGMENT / stride)


class _Call:
    """Operands of a kernel: each flat, with one element for each trajectory or a single one.

    On a `card`, a GPU, a tile is a thread.
    """

    def __init__(self, plan: CallPlan, operands: Sequence[Any], card: bool, registers: int = REGISTERS) -> None:
        self.card = card
        self.plan, self.dtype = plan, plan.program.dtype
        self.given = dict(zip(plan.names, operands, strict=True))
        self.B, self.N = self.given[plan.starts[0]].shape
        self.lanes = self.B * self.N
        self.width = 1 if card else width_for(self.lanes, self.dtype, registers)
        flat = {name: self.flat(value, plan.lane_axis(name)) for name, value in self.given.items()}
        self.operands = list(flat.values())
        self.spread = tuple(flat[name].size != plan.steps * len(plan.tableau.nodes) for name in plan.program.channels)
        own = tuple(flat[name].shape[-1] > 1 for name in plan.program.tables) if self.width > 1 else ()
        self.scheme = Scheme(plan.program, plan.tableau, plan.project, self.width, self.spread, own, card)
        self.tiles = -(-self.lanes // self.width)

    def flat(self, value: Any, axis: int) -> Any:
        """(…, b, n) → (…, B·N), or (…, 1) where b = n = 1."""
        if axis < 0:
            return value
        lead = value.shape[:axis]
        if value.shape[axis:] == (1, 1):
            return value.reshape(*lead, 1)
        return jnp.broadcast_to(value, (*lead, self.B, self.N)).reshape(*lead, self.lanes)

    def run(
        self, kernel: str, items: int, operands: Sequence[Any], shapes: Sequence[Any], stride: int = 1, threads: int = 0
    ) -> Any:
        """The results of a kernel, by its name; on a card, by its PTX, with one thread an item or so many."""
        counts = [self.plan.steps, self.plan.every, stride, items, self.lanes]
        operands = [*self.operands, *operands]
        if self.card:
            return launch(kernel, counts, operands, shapes, threads or items)
        return jax.ffi.ffi_call(kernel, list(shapes))(jnp.asarray(counts, jnp.int32), *operands)

    def threads(self, *rows: int) -> int:
        """Threads for the trajectories: fewer where what each needs, so many numbers, would be too much for the memory
        together. Each then takes several trajectories, one after another.
        """
        size = sum(rows) * np.dtype(self.dtype).itemsize
        most = self.plan.memory // size if size else self.lanes
        return whole_blocks(max(min(self.lanes, most), 1))

    def shape(self, *lead: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((*lead, self.lanes), self.dtype)

    def unflat(self, value: Any) -> Any:
        """(…, B·N) → (…, B, N)."""
        return value.reshape(*value.shape[:-1], self.B, self.N)

    def summed(self, value: Any, name: str) -> Any:
        """The cotangent of an operand in its own shape: summed over the axes along which it was broadcast."""
        like = self.given[name]
        axes = tuple(axis for axis in range(like.ndim) if like.shape[axis] == 1 and value.shape[axis] != 1)
        return value.sum(axes, keepdims=True) if axes else value


def forward(*operands: Any, plan: CallPlan, keep: bool, compiled: bool = True, card: bool = False) -> list[Any]:
    """Saved states (S, B, N) of each component, final state (B, N) of each, first bad step (B, N), and the states kept
    (C, components, B, N).

    Without `compiled` no kernel is made: enough for the shapes, which tracing asks for. `card` is for a GPU.
    """
    call = _Call(plan, operands, card, REGISTERS // 2 if plan.program.carries else REGISTERS)
    size = len(plan.starts)
    shapes = [call.shape(plan.saves)] * size + [call.shape()] * size + [jax.ShapeDtypeStruct((call.lanes,), jnp.int32)]
    if keep:
        shapes.append(call.shape(ROWS_BEFORE + plan.kept(call.lanes), size))
    target = forward_kernel(call.scheme, keep) if compiled else ""
    apart = plan.apart(call.lanes, plan.stride(call.lanes), card)
    results = call.run(target, call.tiles, (), shapes, apart)
    return [call.unflat(result) for result in results]


def adjoint(
    *operands: Any, plan: CallPlan, wanted: tuple[str, ...], compiled: bool = True, card: bool = False
) -> list[Any]:
    """Cotangents of the initial state (B, N) and of each wanted operand in its own shape.

    `operands` are the run's, the states kept, and the cotangents of saved and final states.
    """
    own = len(plan.names)
    call = _Call(plan, operands[:own], card, REGISTERS // 2)
    kept, *cotangents = [value.reshape(*value.shape[:-2], call.lanes) for value in operands[own:]]
    active = [name for name in plan.program.varied if name in wanted]
    shared = [name for name, spread in zip(plan.program.channels, call.spread, strict=True) if not spread]
    summed = [name for name in active if name in shared]
    nodes = len(plan.tableau.nodes)
    size = len(plan.starts)
    stride = plan.apart(call.lanes, math.ceil(plan.steps / (kept.shape[0] - ROWS_BEFORE)), card)
    threads = call.threads(len(summed) * plan.steps * nodes, stride * size if stride > 1 else 0) if card else PARTS
    items = min(call.tiles, threads) if summed else call.tiles
    shapes = [call.shape()] * size
    for name in active:
        if name in shared:
            parts = (plan.steps, nodes, items) if card else (items, plan.steps, nodes)
            shapes.append(jax.ShapeDtypeStruct(parts, call.dtype))
        else:
            lead = (plan.steps, nodes) if name in plan.program.channels else ()
            shapes.append(call.shape(*lead, *([plan.program.tables[name]] if name in plan.program.tables else [])))
    told = len(shapes)
    if card and stride > 1:
        shapes.append(jax.ShapeDtypeStruct((stride * size, threads), call.dtype))
    target = adjoint_kernel(call.scheme, tuple(active), stride > 1) if compiled else ""
    results = call.run(target, items, [kept, *cotangents], shapes, stride, threads)[:told]
    found = {name: call.unflat(result) for name, result in zip(plan.starts, results, strict=False)}
    for name, result in zip(active, results[size:], strict=True):
        whole = result.sum(-1 if card else 0)[..., None, None] if name in shared else call.unflat(result)
        found[name] = call.summed(whole, name)
    return [found[name] for name in (*plan.starts, *wanted)]


def tangent(
    *operands: Any, plan: CallPlan, wanted: tuple[str, ...], compiled: bool = True, card: bool = False
) -> list[Any]:
    """Tangents of saved states (K, S, B, N) and of the final state (K, B, N).

    `operands` are the run's, and the K tangents of m0 and of each wanted operand.
    """
    own = len(plan.names)
    call = _Call(plan, operands[:own], card, REGISTERS // 2)
    active = [name for name in plan.program.varied if name in wanted]
    given = dict(zip([*plan.starts, *wanted], operands[own:], strict=True))
    flat: list[Any] = [call.flat(given[name], plan.lane_axis(name) + 1) for name in (*plan.starts, *active)]
    sweeps: list[Any] = []
    most = MOST_OF_A_THREAD if card else MOST
    for start in range(0, flat[0].shape[0], most):
        part = [value[start : start + most] for value in flat]
        K = part[0].shape[0]
        shapes = [call.shape(K, plan.saves)] * len(plan.starts) + [call.shape(K)] * len(plan.starts)
        target = tangent_kernel(call.scheme, tuple(active), K) if compiled else ""
        sweeps.append(call.run(target, call.tiles, part, shapes))
    parts = [[sweep[index] for sweep in sweeps] for index in range(2 * len(plan.starts))]
    return [call.unflat(jnp.concatenate(part) if len(part) > 1 else part[0]) for part in parts]
