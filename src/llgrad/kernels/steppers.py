"""Explicit Runge–Kutta steppers as tableaux: the same numbers drive every engine.

A stepper is a frozen value: `RK4()`, `Heun()`, `DormandPrince5()`. Each projects the state back on the unit sphere
after every step (the projection is differentiated too) unless `project=False`.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import equinox as eqx


class Tableau(NamedTuple):
    """Butcher tableau of an explicit method: stage i sees m + h Σ_j a[i][j] k_j at the time t + c[i] h; m' = m + h
    Σ b_i k_i.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    order: int

    @property
    def nodes(self) -> tuple[float, ...]:
        """The distinct times within a step, as fractions of it, at which a drive is sampled."""
        return tuple(sorted(set(self.c)))

    @property
    def node_of_stage(self) -> tuple[int, ...]:
        """For each stage, the index of its time in `nodes`."""
        return tuple(self.nodes.index(c) for c in self.c)


class Stepper(eqx.Module):
    """Base of the steppers. `limit` is the largest precession angle γ|B|dt [rad] of one step that is accepted."""

    tableau: ClassVar[Tableau]
    project: bool = eqx.field(static=True, default=True)
    limit: float = eqx.field(static=True, default=0.3)

    def __check_init__(self) -> None:
        if not 0 < self.limit <= 2.5:
            raise ValueError(
                f"limit = {self.limit} rad, expected an angle γ|B|dt per step between 0 and 2.5 rad (default 0.3)"
            )


class RK4(Stepper):
    """The classical fourth-order method: the default."""

    tableau: ClassVar[Tableau] = Tableau(
        a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6), c=(0.0, 0.5, 0.5, 1.0), order=4
    )


class Heun(Stepper):
    """Heun's method: second order, and with noise the Stratonovich solution. The stepper for finite temperature."""

    tableau: ClassVar[Tableau] = Tableau(a=((), (1.0,)), b=(0.5, 0.5), c=(0.0, 1.0), order=2)


class DormandPrince5(Stepper):
    """The fifth-order method of Dormand and Prince with a fixed step (six stages)."""

    tableau: ClassVar[Tableau] = Tableau(
        a=(
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        ),
        b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
        c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
        order=5,
    )
