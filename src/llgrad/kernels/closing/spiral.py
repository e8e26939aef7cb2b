"""A guess of a cycle round the focus near a state, of states with two coordinates, as one kernel: see
`orbits/cycle/guess.py`, which is the same in JAX for states of any size.

An item is a device: Newton's method to its state at rest, the linear motion there, one turn from each of some distances
as vectors of states, and the states round the cycle that the return map shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Counter, Variable, Word
from llgrad.kernels.builder.functions import called
from llgrad.kernels.builder.handler import Block, module_of
from llgrad.kernels.closing.search import D, Search
from llgrad.kernels.loops.derivative import Pushed
from llgrad.kernels.loops.step import Scheme

TOLD = ("found", "period", "bistable", "low", "high", "stiffness")
"""What is told of a guess beside its states."""


@dataclasses.dataclass(frozen=True)
class Spirals:
    """How a guess is looked for."""

    radii: int
    steps: int
    """Of a turn at most."""
    angle: float
    """Largest turn [rad] of a step in the linear motion."""
    largest_angle: float
    """Largest distance [rad] of a unit vector from the state at rest,"""
    span: tuple[float, float]
    """and distances of other states, as logarithms in parts of the start's."""
    newton_steps: int
    longest: float
    """Largest step of Newton's method to the state at rest [rad], or in parts of the state."""
    rests: float
    """It ends after a step as small as this, in parts of the state."""
    turns: float
    """Eigenvalues of a smaller imaginary part, in parts of the fastest rate, turn nothing."""
    still: float
    """What is left of the motion at rest, over the fastest rate."""


class _LinearMotion(NamedTuple):
    """The linear motion at a state, as variables."""

    basis: list[list[Variable]]
    slope: list[Variable]
    matrix: list[list[Variable]]


class _Plane(NamedTuple):
    """Two unit vectors (n) that span the plane of the turning, and rates [1/ns]."""

    ahead: list[Any]
    across: list[Any]
    fastest: Any
    turning: Any
    growing: Any


def names_of(scheme: Scheme) -> list[str]:
    """Names of operands and of results, in order."""
    return ["counts", "start", "between", *scheme.program.names, "path", "told", "scratch"]


def rows_of(scheme: Scheme) -> dict[str, int]:
    """How many rows of scratch memory each quantity has."""
    return {"radius": 1, "growth": 1, "time": 1, "lane": len(scheme.program.state)}


def spiral_module(scheme: Scheme, spirals: Spirals) -> ir.Module:
    """The module of a guess: `scheme.width` runs are one vector."""

    def item(code: Code, block: Block, index: Word) -> None:
        _Guess(code, scheme, spirals, block, index).guess()

    return module_of(item, scheme.width, "a guess of a cycle round a focus")


class _Guess(Search):
    """The guess of one device."""

    def __init__(self, code: Code, scheme: Scheme, spirals: Spirals, block: Block, index: Word) -> None:
        super().__init__(code, scheme, names_of(scheme), rows_of(scheme), spirals.radii, block, index)
        self.how = spirals
        self.start = self.array("start", 1, self.n).get(code.word(0))
        self.between = self.array("between", 1, 2).get(code.word(0))

    def guess(self) -> None:
        """The whole of it."""
        one, how = self.one, self.how
        y, linear = self._rest()
        rest, matrix = [value.get() for value in y], [[value.get() for value in row] for row in linear.matrix]
        slope = [value.get() for value in linear.slope]
        largest = one.sqrt(one.sum([one.mul(value, value) for row in matrix for value in row]))
        scale = one.mul(largest, self._larger(self.norm(rest), one.number(1e-300)))
        plane = self._plane(matrix, [[value.get() for value in column] for column in linear.basis])
        left = one.div(self.norm(slope), scale)
        still = one.both(one.less(left, one.number(how.still)), one.less(plane.growing, one.number(0.0)))
        interval = one.div(one.mul(one.number(how.angle), self.number_of(self.inner)), plane.fastest)
        with self.code.loop(self.whole // self.scheme.width) as tile:
            self._turn(tile * self.scheme.width, rest, plane, interval)
        found, period, low, high = self._chosen()
        flags = [one.pick(flag, one.number(1.0), one.number(0.0)) for flag in (found, still)]
        told = [flags[0], period, flags[1], low, high, one.div(plane.fastest, plane.turning)]
        self.array("told", 1, len(TOLD)).put(self.code.word(0), told)

    def _larger(self, a: Any, b: Any) -> Any:
        return self.one.pick(self.one.less(a, b), b, a)

    # ---- the state at rest

    def _rest(self) -> tuple[list[Variable], _LinearMotion]:
        """Newton's method from the start, and the linear motion where it ends."""
        one, code, how = self.one, self.code, self.how
        zero = one.number(0.0)
        y = [self.variable(value) for value in self.start]
        linear = _LinearMotion(
            [[self.variable(zero) for _ in range(self.n)] for _ in range(D)],
            [self.variable(zero) for _ in range(D)],
            [[self.variable(zero) for _ in range(D)] for _ in range(D)],
        )
        size, count, more = self.variable(one.number(float("inf"))), Counter(code, 0), self.variable(ir.IntType(1)(1))
        step = self.step_of(one, one.number(1.0))
        push = Pushed(step, [], D)
        with code.repeat(more.get):
            now = [value.get() for value in y]
            self._linear_at(step, push, now, linear)
            open_ = one.less(one.number(how.rests), size.get())
            more.set(code.builder.and_(open_, count.now < how.newton_steps))
            with code.when(more.get()):
                change = self._least_squares(linear)
                length, whole = self.norm(change), self.norm(now)
                longest = one.mul(one.number(how.longest), self._larger(whole, one.number(1.0)))
                factor = one.div(longest, self._larger(length, one.number(1e-300)))
                factor = one.pick(one.less(factor, one.number(1.0)), factor, one.number(1.0))
                basis = [[value.get() for value in column] for column in linear.basis]
                moved = [
                    one.sub(now[i], one.mul(factor, one.dot([column[i] for column in basis], change)))
                    for i in range(self.n)
                ]
                for variable, value in zip(y, self.on_sphere(moved), strict=True):
                    variable.set(value)
                size.set(one.div(length, self._larger(whole, one.number(1e-300))))
                count.add(1)
        return y, linear

    def _linear_at(self, step: Any, push: Pushed, y: Sequence[Any], linear: _LinearMotion) -> None:
        one, basis = self.one, self.basis(self.one, y)
        slope = self.slope(step, y)
        moved = [self.with_factors(step, column, push.depths) for column in push(y, {}, basis)]
        for i, column in enumerate(basis):
            for variable, value in zip(linear.basis[i], column, strict=True):
                variable.set(value)
            linear.slope[i].set(one.dot(column, slope))
            for j in range(D):
                linear.matrix[i][j].set(one.dot(column, moved[j]))

    def _least_squares(self, linear: _LinearMotion) -> list[Any]:
        """The shortest x with the least |matrix x − slope|; where it has one direction only, its inverse there is
        matrixᵀ/|matrix|²."""
        one = self.one
        (a, b), (c, d) = [[value.get() for value in row] for row in linear.matrix]
        p, q = (value.get() for value in linear.slope)
        size = one.dot([a, b, c, d], [a, b, c, d])
        determinant = one.sub(one.mul(a, d), one.mul(b, c))
        eps = float(np.finfo(self.one.dtype).eps)
        regular = one.less(one.mul(one.number(2 * eps), size), one.abs(determinant))
        safe = one.pick(regular, determinant, one.number(1.0))
        whole = [
            one.div(one.sub(one.mul(d, p), one.mul(b, q)), safe),
            one.div(one.sub(one.mul(a, q), one.mul(c, p)), safe),
        ]
        positive = one.pick(one.less(one.number(0.0), size), size, one.number(1.0))
        flat = [one.div(one.dot(column, [p, q]), positive) for column in ([a, c], [b, d])]
        return [one.pick(regular, x, y) for x, y in zip(whole, flat, strict=True)]

    def _plane(self, matrix: Sequence[Sequence[Any]], basis: Sequence[Sequence[Any]]) -> _Plane:
        """The plane of the turning, and the rates of the linear motion."""
        one, zero = self.one, self.one.number(0.0)
        (a, b), (c, d) = matrix
        half = one.number(0.5)
        mean, apart = one.mul(half, one.add(a, d)), one.mul(half, one.sub(a, d))
        square = one.add(one.mul(apart, apart), one.mul(b, c))
        root = one.sqrt(one.abs(square))
        turns = one.less(one.mul(one.number(self.how.turns**2), one.sub(one.mul(mean, mean), square)), one.neg(square))
        round_ = one.less(square, zero)
        fastest = one.pick(round_, self.norm([mean, root]), one.add(one.abs(mean), root))
        growing = one.add(mean, one.pick(round_, zero, root))
        first = self._along(basis, [b, one.neg(apart)])
        ahead = self._unit(first)
        second = self._along(basis, [zero, root])
        overlap = one.dot(ahead, second)
        across = self._unit([one.sub(value, one.mul(part, overlap)) for value, part in zip(second, ahead, strict=True)])
        here = [one.dot(column, ahead) for column in basis]
        moved = self._along(basis, [one.dot(row, here) for row in matrix])
        sense = one.pick(one.less(one.dot(across, moved), zero), one.number(-1.0), one.number(1.0))
        return _Plane(
            ahead, [one.mul(sense, value) for value in across], fastest, one.pick(turns, fastest, zero), growing
        )

    def _along(self, basis: Sequence[Sequence[Any]], parts: Sequence[Any]) -> list[Any]:
        return [self.one.dot([column[i] for column in basis], parts) for i in range(self.n)]

    def _unit(self, values: Sequence[Any]) -> list[Any]:
        size = self.norm(values)
        return [self.one.div(value, size) for value in values]

    # ---- one turn from each distance

    def _turn(self, k: Word, rest: Sequence[Any], plane: _Plane, interval: Any) -> None:
        """A vector of runs to their first return."""
        wide = self.wide
        rest, ahead, across = ([wide.everywhere(value) for value in given] for given in (rest, *plane[:2]))
        interval = wide.everywhere(interval)
        radius = self._radius(k, rest)
        lane = self._away(rest, ahead, radius)
        first, second, number = self._crossing(lane, rest, ahead, across, interval)
        growth, time = self._return(lane, rest, across, interval, first, second)
        there = wide.at_most(wide.number(0.0), number)
        self.rows["radius"].put(k, [radius])
        self.rows["lane"].put(k, lane)
        self.rows["growth"].put(k, [wide.pick(there, growth, wide.number(float("nan")))])
        self.rows["time"].put(k, [wide.add(wide.mul(number, interval), time)])

    def _radius(self, k: Word, rest: Sequence[Any]) -> Any:
        """Distances of a vector of runs."""
        on, how = self.wide, self.how
        lanes = ir.Constant(on.type, [float(lane) for lane in range(on.width)]) if on.width > 1 else on.number(0.0)
        number = on.add(on.everywhere(self.number_of(k)), lanes)
        share = on.div(number, on.number(how.radii - 1.0))
        low, high = (on.everywhere(value) for value in self.between)
        inside = on.add(low, on.mul(on.sub(high, low), share))
        if self.spins:
            part = on.add(on.number(0.02), on.mul(on.number(0.98), share))
            usual = on.mul(on.mul(part, on.sqrt(part)), on.number(how.largest_angle))
        else:
            away = [on.sub(on.everywhere(a), b) for a, b in zip(self.start, rest, strict=True)]
            size = on.sqrt(on.dot(away, away))
            unit = on.pick(on.less(on.number(0.0), size), size, on.number(1.0))
            least, most = how.span
            power = on.add(on.number(least), on.mul(on.number(most - least), share))
            usual = on.mul(unit, called(on, "exp", power))
        return on.pick(on.less(on.number(0.0), high), inside, usual)

    def _away(self, rest: Sequence[Any], ahead: Sequence[Any], radius: Any) -> list[Any]:
        """States at distances from that at rest: on a great circle of a unit vector, straight of other numbers."""
        on = self.wide
        found = [on.add(a, on.mul(b, radius)) for a, b in zip(rest, ahead, strict=True)]
        for spin in self.spins:
            cosine, sine = called(on, "cos", radius), called(on, "sin", radius)
            for i in spin:
                found[i] = on.add(on.mul(rest[i], cosine), on.mul(ahead[i], sine))
        return found

    def _crossing(
        self, lane: Sequence[Any], rest: Sequence[Any], ahead: Sequence[Any], across: Sequence[Any], interval: Any
    ) -> tuple[list[Any], list[Any], Any]:
        """The states between which runs first come back to the half plane, and the number of that step; −1 of those
        that do not."""
        on, code, how = self.wide, self.code, self.how
        step = self.step_of(on, on.div(interval, on.everywhere(self.number_of(self.inner))))
        state, first, second = ([self.variable(value) for value in lane] for _ in range(3))
        number, i, open_ = self.variable(on.number(-1.0)), Counter(code, 0), self.variable(ir.IntType(1)(1))
        zero = on.number(0.0)

        def height(values: Sequence[Any], along: Sequence[Any]) -> Any:
            return on.dot([on.sub(a, b) for a, b in zip(values, rest, strict=True)], along)

        with code.repeat(lambda: code.builder.and_(open_.get(), i.now < how.steps)):
            before = [value.get() for value in state]
            self.run(step, state)
            after = [value.get() for value in state]
            crosses = on.both(on.less(height(before, across), zero), on.at_most(zero, height(after, across)))
            crosses = on.both(crosses, on.less(zero, height(after, ahead)))
            crosses = on.both(crosses, on.less(number.get(), zero))
            now = on.everywhere(self.number_of(i.now))
            crosses = on.both(crosses, on.less(zero, now))  # the start itself crosses it by rounding
            for kept, value in (*zip(first, before, strict=True), *zip(second, after, strict=True), (number, now)):
                kept.set(on.pick(crosses, value, kept.get()))
            open_.set(self._any(on, on.less(number.get(), zero)))
            i.add(1)
        return [value.get() for value in first], [value.get() for value in second], number.get()

    @staticmethod
    def _any(on: Arithmetic, condition: Any) -> Any:
        """Whether a condition holds in any lane."""
        if on.width == 1:
            return condition
        bits = ir.IntType(on.width)
        return on.builder.icmp_unsigned("!=", on.builder.bitcast(condition, bits), bits(0))

    def _return(
        self,
        lane: Sequence[Any],
        rest: Sequence[Any],
        across: Sequence[Any],
        interval: Any,
        first: Sequence[Any],
        second: Sequence[Any],
    ) -> tuple[Any, Any]:
        """log r′/r of the first return, and its time [ns] after the step before it."""
        on = self.wide
        one, zero = on.number(1.0), on.number(0.0)

        def from_rest(values: Sequence[Any]) -> list[Any]:
            return [on.sub(a, b) for a, b in zip(values, rest, strict=True)]

        low, high = (on.dot(from_rest(values), across) for values in (first, second))
        plain = self.step_of(on, one)
        paces = [on.mul(on.dot(self.slope(plain, values), across), interval) for values in (first, second)]
        # the time as a cubic of the distance, then a step and what is left to first order
        part = on.div(low, on.sub(low, high))
        left, apart = on.sub(one, part), on.sub(high, low)
        bend = on.sub(on.div(on.mul(left, apart), paces[0]), on.div(on.mul(part, apart), paces[1]))
        bend = on.sub(bend, on.sub(left, part))
        share = on.add(part, on.mul(on.mul(part, left), bend))
        share = on.pick(on.less(share, zero), zero, on.pick(on.less(one, share), one, share))
        time = on.mul(interval, share)
        state = [self.variable(value) for value in first]
        self.run(self.step_of(on, on.div(time, on.everywhere(self.number_of(self.inner)))), state)
        ended = [value.get() for value in state]
        slope = self.slope(plain, ended)
        late = on.div(on.dot(from_rest(ended), across), on.dot(slope, across))
        ended = [on.sub(value, on.mul(rate, late)) for value, rate in zip(ended, slope, strict=True)]
        away, begun = from_rest(ended), from_rest(lane)
        ratio = on.div(on.dot(away, away), on.dot(begun, begun))
        return on.mul(on.number(0.5), called(on, "log", ratio)), on.sub(time, late)

    # ---- the cycle that they show

    def _chosen(self) -> tuple[Any, Any, Any, Any]:
        """Where runs that grow are next to runs that shrink: whether there is such a place, the period, and the
        distances on both sides; the states round it are written."""
        one, code, rows = self.one, self.code, self.rows
        zero, place = one.number(0.0), Counter(code, -1)
        with code.loop(self.how.radii - 1) as r:
            grows, shrinks = one.less(zero, rows["growth"][r][0]), one.at_most(rows["growth"][r + 1][0], zero)
            with code.when(code.builder.and_(one.both(grows, shrinks), place.now < 0)):
                place.set(r)
        here = place.now.max(0)
        (low,), (high,) = rows["growth"][here], rows["growth"][here + 1]
        share = one.div(low, one.sub(low, high))

        def between(name: str) -> list[Any]:
            pairs = zip(rows[name][here], rows[name][here + 1], strict=True)
            return [one.add(a, one.mul(share, one.sub(b, a))) for a, b in pairs]

        there = place.now >= 0
        unknown = one.number(float("nan"))
        period = one.pick(there, between("time")[0], unknown)
        states = [one.pick(there, value, unknown) for value in self.on_sphere(between("lane"))]
        fine = self._path(states, period, there)
        found = one.both(there, one.equal(fine, zero))
        return found, period, rows["radius"][here][0], rows["radius"][here + 1][0]

    def _path(self, states: Sequence[Any], period: Any, there: Any) -> Any:
        """Write the states of a period from one on; 0 where all are finite, NaN else."""
        one, code = self.one, self.code
        path, state = self.array("path", self.count, self.n), [self.variable(value) for value in states]
        step = self.step_of(one, one.div(period, self.number_of(self.count * self.inner)))
        strict = one.strict()
        fine = self.variable(strict.sub(period, period))
        with code.loop(self.count) as k:
            now = [value.get() for value in state]
            path.put(k, now)
            with code.when(there):
                self.run(step, state)
            for value in state:
                fine.set(one.add(fine.get(), strict.sub(value.get(), value.get())))
        return fine.get()
