"""What a kernel of coupled arrays is generated from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llgrad.kernels.expression.program import Program
from llgrad.kernels.loops.step import Scheme as StepScheme
from llgrad.kernels.machine import llvm
from llgrad.kernels.steppers import Tableau

SUMS: Final = 16
"""Vectors that the sums of a product take."""


@dataclass(frozen=True)
class CoupledScheme:
    """What a kernel is generated from, apart from which pass it is."""

    program: Program
    tableau: Tableau
    project: bool
    single: bool
    """One array instead of many samples."""
    shared: bool
    """A single array large enough to share its rows out among threads."""
    inner: tuple[str, ...]
    """Operands whose values differ between the lanes of a row."""
    terms: tuple[tuple[int, int, int], ...]
    """What is received: y_r = Σ M x_e over (r, e, number of the matrix M, or `ALL` for the sum of all)."""
    registers: int = 0
    """Vector registers that a quantity of a whole single array fits, 1 or 2; 0 for a larger one, or many samples."""
    held: bool = False
    """Whether a sample of a channel holds for several steps; else there is one for each node of a step."""
    narrow: bool = False
    """Whether rows of many samples are one vector instead of two."""
    alone: bool = False
    """An array of one oscillator, computed with scalars: a vector's divisions and roots take longer."""

    @property
    def lanes(self) -> int:
        """Elements of a vector: of a register of 32 bytes at least, so that a row is a whole block of the products."""
        size = 8 if self.program.dtype == "float64" else 4
        return 1 if self.alone else max(llvm.register_bytes(), 32) // size

    @property
    def width(self) -> int:
        """Lanes of a row: two registers for each quantity, or one where that is enough."""
        return (self.registers or (1 if self.narrow else 2)) * self.lanes

    @property
    def block(self) -> int:
        """Rows of many samples whose products are made together: as many sums as registers hold."""
        return SUMS // (self.width // self.lanes)

    @property
    def local(self) -> bool:
        """Whether everything stays in registers: there is one row, and no workspace."""
        return self.registers > 0

    @property
    def stages(self) -> int:
        return len(self.tableau.b)

    @property
    def state(self) -> tuple[str, ...]:
        """Names of the components of the state."""
        return self.program.state

    @property
    def received(self) -> int:
        """How many numbers each oscillator receives."""
        return len(self.program.mixed)

    @property
    def matrices(self) -> int:
        """How many matrices of weights there are."""
        return matrices_of(self.terms)

    @property
    def nodes(self) -> int:
        return len(self.tableau.nodes)

    @property
    def varied(self) -> tuple[str, ...]:
        """Operands that may differ between rows: parameters, then drive channels."""
        return (*self.program.names, *self.program.channels)

    @property
    def operands(self) -> list[str]:
        """Names of the operands of every pass, in order."""
        keys = ["key0", "key1"] * self.program.noisy
        weights = ["weights"] * (self.matrices > 0)
        return ["counts", "first", "h", *self.program.starts, *self.varied, *keys, *weights]

    @property
    def of_step(self) -> StepScheme:
        """What a step is made from."""
        return StepScheme(self.program, self.tableau, self.project, self.width, ())


def matrices_of(terms: tuple[tuple[int, int, int], ...]) -> int:
    """How many matrices the terms of a mix have."""
    return 1 + max((number for _, _, number in terms), default=-1)
