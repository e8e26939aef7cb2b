"""Explicit Runge–Kutta steppers as tableaux: the same numbers drive every engine.

A stepper is a frozen value: `RK4()`, `Heun()`, `DormandPrince8()`. Each projects the state back on the unit sphere
after every step (the projection is differentiated too) unless `project=False`.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from llgrad.kernels import tableaux
from llgrad.kernels.tableaux import Tableau


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
    """The classical fourth-order method: the default.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, stepper=lg.solvers.RK4())
    >>> round(float(run.mz[-1]), 4)
    0.8758
    """

    tableau: ClassVar[Tableau] = tableaux.RK4


class Heun(Stepper):
    """Heun's method: second order, and with noise the Stratonovich solution. The stepper for finite temperature.

    >>> import jax, llgrad as lg
    >>> warm = lg.presets.kubota2013().replace(temperature=300.0)
    >>> run = lg.simulate(warm, duration=1e-9, dt=2e-12, stepper=lg.solvers.Heun(), key=jax.random.key(0))
    >>> run.m.shape
    (501, 3)
    """

    tableau: ClassVar[Tableau] = tableaux.HEUN


class DormandPrince5(Stepper):
    """The fifth-order method of Dormand and Prince with a fixed step (six stages).

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, stepper=lg.solvers.DormandPrince5())
    >>> round(float(run.mz[-1]), 4)
    0.8758
    """

    tableau: ClassVar[Tableau] = tableaux.DORMAND_PRINCE_5


class Tsitouras5(Stepper):
    """The fifth-order method of Tsitouras with a fixed step (six stages): for errors of 1e-4 and more.

    C. Tsitouras, Computers & Mathematics with Applications 62, 770 (2011).

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=4e-12, stepper=lg.solvers.Tsitouras5())
    >>> round(float(run.mz[-1]), 4)
    0.8758
    """

    tableau: ClassVar[Tableau] = tableaux.TSITOURAS_5
    limit: float = eqx.field(static=True, default=0.6)


class DormandPrince8(Stepper):
    """The eighth-order method of Dormand and Prince, 8(5,3), with a fixed step (twelve stages): long steps for small
    errors, and smooth fields and drives.

    E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd edition (1993), section II.5.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=10e-12, stepper=lg.solvers.DormandPrince8())
    >>> round(float(run.mz[-1]), 4)
    0.8758
    """

    tableau: ClassVar[Tableau] = tableaux.DORMAND_PRINCE_8
    limit: float = eqx.field(static=True, default=1.5)
