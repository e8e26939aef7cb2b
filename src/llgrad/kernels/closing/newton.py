"""Newton's method for a closed orbit with two coordinates of its states, by multiple shooting, as one kernel: see
`orbits/cycle/shooting.py`, which is the same in JAX for states of any size.

An item is an orbit. The steps from all its states, with their tangents, are vectors of states; what is done from state
to state round the orbit is a loop of a few operations each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Counter, Variable, Word
from llgrad.kernels.builder.handler import Block, module_of
from llgrad.kernels.closing.search import D, Search
from llgrad.kernels.loops.derivative import Pushed
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.loops.tangent import carried
from llgrad.kernels.machine import ffi

INT32: Final = ir.IntType(32)


@dataclasses.dataclass(frozen=True)
class ClosingLimits:
    """When Newton's method ends, and how far a step of it may go."""

    closed: float
    """Size of the last correction of an orbit that is closed."""
    rounding: float
    most: int
    """Iterations at most."""
    longest: float
    """Largest relative change of a state in one iteration."""
    finest: float
    """Least length by which changes of a component are measured, in parts of its own size."""


def names_of(scheme: Scheme) -> list[str]:
    """Names of operands and of results, in order."""
    results = [
        "closed",
        "length",
        "last",
        "iterations",
        "basis",
        "steps",
        "gaps",
        "along",
        "monodromy",
        "phase",
        "scratch",
    ]
    return ["counts", "states", "period", *scheme.program.names, *results]


def rows_of(scheme: Scheme) -> dict[str, int]:
    """How many rows of scratch memory each quantity has."""
    n = len(scheme.program.state)
    return {"y": n, "e": n * D, "end": n, "moved": n * D, "along": D, "steps": D * D, "gaps": D, "change": D}


def closing_module(scheme: Scheme, ending: ClosingLimits) -> ir.Module:
    """The module of Newton's method: `scheme.width` states are one vector."""

    def item(code: Code, block: Block, index: Word) -> None:
        _Orbit(code, scheme, ending, block, index).close()

    return module_of(item, scheme.width, "Newton's method for closed orbits")


class _Orbit(Search):
    """One orbit of a call."""

    def __init__(self, code: Code, scheme: Scheme, ending: ClosingLimits, block: Block, index: Word) -> None:
        names = names_of(scheme)
        super().__init__(code, scheme, names, rows_of(scheme), block.word(ffi.EVERY), block, index)
        self.ending = ending
        self.period = self.variable(code.load(self.pointers["period"], self.one.float_type, index))

    def _after(self, k: Word) -> Word:
        """The state after state k."""
        return self.code.pick((k + 1).equals(self.count), 0, k + 1)

    # ---- the iteration

    def close(self) -> None:
        """All iterations."""
        code, one, ending = self.code, self.one, self.ending
        given, y = self.array("states", self.count, self.n), self.rows["y"]
        with code.loop(self.whole) as k:
            y[k] = given.get(k.min(self.count - 1))
        last, before = (self.variable(one.number(value)) for value in (float("inf"), 0.0))
        iterations, more = Counter(code, 0), self.variable(ir.IntType(1)(1))
        with code.repeat(more.get):
            self._chain()
            open_ = one.less(one.number(ending.closed), last.get())
            open_ = code.builder.and_(open_, iterations.now < ending.most)
            more.set(code.builder.or_(open_, iterations.now.equals(0)))
            with code.when(more.get()):
                self._advance(last, before)
                iterations.add(1)
        self._tell(last.get(), iterations.now)

    def _chain(self) -> None:
        """The steps from all states, linearised, from row to row."""
        code, wide = self.code, self.wide
        h = self.one.div(self.period.get(), self.number_of(self.count * self.inner))
        step = self.step_of(wide, wide.everywhere(h))
        push = Pushed(step, [], D)
        rows = self.rows
        with code.loop(self.whole // self.scheme.width) as tile:
            k = tile * self.scheme.width
            y = rows["y"].vectors(k)
            basis = self.basis(wide, y)
            rows["e"].put(k, [column[i] for i in range(self.n) for column in basis])
            slope = self.slope(step, y)
            rows["along"].put(k, [wide.dot(column, slope) for column in basis])
            state = [self.variable(value) for value in y]
            tangents = [[self.variable(value) for value in column] for column in basis]
            with code.loop(self.inner):
                now = [value.get() for value in state]
                starts = [[value.get() for value in column] for column in tangents]
                taken, _, ends = carried(step, push, now, starts, lambda stage: {})
                for variable, value in zip(state, step.finish(now, taken.new)[0], strict=True):
                    variable.set(value)
                for variables, end in zip(tangents, ends, strict=True):
                    for variable, value in zip(variables, end, strict=True):
                        variable.set(value)
            rows["end"].put(k, [value.get() for value in state])
            rows["moved"].put(k, [column[i].get() for i in range(self.n) for column in tangents])
        self._across()

    def _across(self) -> None:
        """What the steps make of deviations, and the gaps behind them, in the directions at the next state."""
        one, rows, n = self.one, self.rows, self.n
        with self.code.loop(self.count) as k:
            after = self._after(k)
            end, moved, e, y = rows["end"][k], rows["moved"][k], rows["e"][after], rows["y"][after]
            gap = [one.sub(a, b) for a, b in zip(end, y, strict=True)]
            columns = [[e[i * D + c] for i in range(n)] for c in range(D)]
            steps = [one.dot(columns[c], [moved[i * D + j] for i in range(n)]) for c in range(D) for j in range(D)]
            rows["steps"][k] = steps
            rows["gaps"][k] = [one.dot(column, gap) for column in columns]

    # ---- a correction

    def _advance(self, last: Variable, before: Variable) -> None:
        one, ending, code = self.one, self.ending, self.code
        first, share = self._solved()
        largest, factor = self._largest(first, share)
        rows, n = self.rows, self.n
        with code.loop(self.whole) as k:
            here = k.min(self.count - 1)
            e, change, y = rows["e"][here], rows["change"][here], rows["y"][k]
            moved = [
                one.add(y[i], one.mul(factor, one.dot([e[i * D + c] for c in range(D)], change))) for i in range(n)
            ]
            rows["y"][k] = self.on_sphere(moved)
        period = self.period.get()
        self.period.set(one.add(period, one.mul(one.mul(share, period), factor)))
        ratio = one.div(largest, before.get())
        following = one.mul(largest, one.mul(ratio, ratio))
        sure = one.less(following, one.number(ending.rounding))
        smaller = one.pick(one.less(following, largest), following, largest)
        last.set(one.pick(sure, smaller, largest))
        before.set(one.pick(one.less(factor, one.number(1.0)), one.number(0.0), largest))

    def _solved(self) -> tuple[list[Any], Any]:
        """The correction of the first state, and that of the period in parts of it."""
        one, code = self.one, self.code
        A = [[self.variable(one.number(float(i == j))) for j in range(D)] for i in range(D)]
        B = [[self.variable(one.number(0.0)) for _ in range(2)] for _ in range(D)]
        with code.loop(self.count) as k:
            moved = self._stepped(k, A)
            pushed = self._stepped(k, B)
            gaps, ahead = self.rows["gaps"][k], self._ahead(k)
            for i in range(D):
                for j in range(D):
                    A[i][j].set(moved[i][j])
                B[i][0].set(one.add(pushed[i][0], gaps[i]))
                B[i][1].set(one.add(pushed[i][1], ahead[i]))
        whole, added = ([[value.get() for value in row] for row in matrix] for matrix in (A, B))
        along, period = self.rows["along"][code.word(0)], self.period.get()
        size = self.norm(along)
        rows = [
            [*(one.sub(one.number(float(i == j)), whole[i][j]) for j in range(D)),
             one.neg(one.mul(added[i][1], period))]
            for i in range(D)
        ]  # fmt: skip
        rows.append([*(one.div(value, size) for value in along), one.number(0.0)])
        *first, share = _cramer(one, rows, [added[0][0], added[1][0], one.number(0.0)])
        return first, share

    def _stepped(self, k: Word, columns: Sequence[Sequence[Variable]]) -> list[list[Any]]:
        """Φ_k times columns."""
        steps = self.rows["steps"][k]
        values = [[value.get() for value in row] for row in columns]
        return [
            [self.one.dot(steps[i * D : (i + 1) * D], [row[j] for row in values]) for j in range(len(values[0]))]
            for i in range(D)
        ]

    def _ahead(self, k: Word) -> list[Any]:
        """What a longer period adds behind step k."""
        count = self.number_of(self.count)
        return [self.one.div(value, count) for value in self.rows["along"][self._after(k)]]

    def _largest(self, first: Sequence[Any], share: Any) -> tuple[Any, Any]:
        """The largest relative correction, NaN where any is none, and what all are multiplied by."""
        one, code, n = self.one, self.code, self.n
        lengths, tau = self._lengths(), one.mul(share, self.period.get())
        change = [self.variable(value) for value in first]
        largest, total = self.variable(one.abs(share)), self.variable(share)
        with code.loop(self.count) as k:
            now, e = [value.get() for value in change], self.rows["e"][k]
            self.rows["change"][k] = now
            for i in range(n):
                size = one.abs(one.div(one.dot([e[i * D + c] for c in range(D)], now), lengths[i]))
                largest.set(one.pick(one.less(largest.get(), size), size, largest.get()))
                total.set(one.add(total.get(), size))
            moved, ahead = self._stepped(k, [[value] for value in change]), self._ahead(k)
            for i, gap in enumerate(self.rows["gaps"][k]):
                change[i].set(one.sum([moved[i][0], gap, one.mul(ahead[i], tau)]))
        strict = one.strict()
        found = strict.add(largest.get(), strict.sub(total.get(), total.get()))
        most = one.number(self.ending.longest)
        return found, one.pick(one.less(most, found), one.div(most, found), one.number(1.0))

    def _lengths(self) -> list[Any]:
        """What a change of each component is measured by: 1 of a unit vector, else the orbit's size, and not below the
        part `finest` of the component's own."""
        one, n = self.one, self.n
        unit, finest = one.number(1.0), one.number(self.ending.finest)
        if self.spins:
            return [unit] * n
        means = self._means([one.number(0.0)] * n, lambda value: value)
        radius = one.sqrt(one.sum(self._means(means, lambda away: one.mul(away, away))))
        lengths = []
        for square in self._means([one.number(0.0)] * n, lambda value: one.mul(value, value)):
            own = one.mul(finest, one.sqrt(square))
            lengths.append(one.pick(one.less(own, radius), radius, own))
        return [one.pick(one.less(one.number(0.0), radius), length, unit) for length in lengths]

    def _means(self, centre: Sequence[Any], of: Callable[[Any], Any]) -> list[Any]:
        """Means over all states of a function of each component's distance from a centre."""
        one, count = self.one, self.number_of(self.count)
        sums = [self.variable(one.number(0.0)) for _ in centre]
        with self.code.loop(self.count) as k:
            for total, value, middle in zip(sums, self.rows["y"][k], centre, strict=True):
                total.set(one.add(total.get(), of(one.sub(value, middle))))
        return [one.div(total.get(), count) for total in sums]

    # ---- what is told

    def _tell(self, last: Any, iterations: Word) -> None:
        code, n = self.code, self.n
        told = (("closed", "y", n), ("basis", "e", n * D), ("steps", "steps", D * D), ("gaps", "gaps", D))
        for name, row, count in (*told, ("along", "along", D)):
            array = self.array(name, self.count, count)
            with code.loop(self.count) as k:
                array.put(k, self.rows[row][k])
        self._tell_phase()
        code.store(self.period.get(), self.pointers["length"], self.index)
        code.store(last, self.pointers["last"], self.index)
        code.store(code.builder.trunc(iterations.value, INT32), self.pointers["iterations"], self.index)

    def _tell_phase(self) -> None:
        """What a period makes of deviations, and by how much a push at each state shifts the phase: the left vector of
        the free phase, carried round the orbit backwards."""
        one, code, rows = self.one, self.code, self.rows
        whole = [[self.variable(one.number(float(i == j))) for j in range(D)] for i in range(D)]
        with code.loop(self.count) as k:
            for row, values in zip(whole, self._stepped(k, whole), strict=True):
                for variable, value in zip(row, values, strict=True):
                    variable.set(value)
        monodromy, along = [[value.get() for value in row] for row in whole], rows["along"][code.word(0)]
        self.array("monodromy", 1, D * D).put(code.word(0), [value for row in monodromy for value in row])
        size = self.norm(along)
        matrix = [
            [*(one.sub(one.number(float(i == j)), monodromy[j][i]) for j in range(D)), one.div(along[i], size)]
            for i in range(D)
        ]
        matrix.append([*along, one.number(0.0)])
        *first, _ = _cramer(one, matrix, [one.number(0.0), one.number(0.0), one.number(1.0)])
        vector, phase = [self.variable(value) for value in first], self.array("phase", self.count, self.n)
        with code.loop_down(self.count) as k:
            steps, now = rows["steps"][k], [value.get() for value in vector]
            for j in range(D):
                vector[j].set(one.dot(now, [steps[i * D + j] for i in range(D)]))
            row, e = [value.get() for value in vector], rows["e"][k]
            pace = one.dot(row, rows["along"][k])
            row = [one.div(value, pace) for value in row]
            phase.put(k, [one.dot([e[i * D + c] for c in range(D)], row) for i in range(self.n)])


def _cramer(on: Arithmetic, a: Sequence[Sequence[Any]], b: Sequence[Any]) -> list[Any]:
    """x of a x = b, three by three."""
    first, second, third = ([row[j] for row in a] for j in range(3))

    def cross(u: Sequence[Any], v: Sequence[Any]) -> list[Any]:
        return [on.sub(on.mul(u[i], v[j]), on.mul(u[j], v[i])) for i, j in ((1, 2), (2, 0), (0, 1))]

    across = [cross(second, third), cross(third, first), cross(first, second)]
    determinant = on.dot(across[0], first)
    return [on.div(on.dot(row, b), determinant) for row in across]
