"""One step of a Runge–Kutta method, its projection, and the transposed of both, on values of any width: what every pass
is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.expression import write
from llgrad.kernels.expression.program import Program
from llgrad.kernels.expression.simplify import Known
from llgrad.kernels.expression.splits.late import split
from llgrad.kernels.expression.translate import graph_of
from llgrad.kernels.steppers import Tableau

LIMIT: Final = 0.1
"""Largest relative change of |m|² by a step before the projection; beyond it the step is too coarse."""
SERIES: Final = {"float64": 2.0**-13, "float32": 2.0**-6}
"""Below such an excess of |m|² the factor of the projection is a series, whose rest is below half a unit of the last
place. A third of the time of a root and a division."""


@dataclass(frozen=True)
class Scheme:
    """What a kernel is generated from, apart from which pass it is."""

    program: Program
    tableau: Tableau
    project: bool
    width: int
    spread: tuple[bool, ...]
    """For each drive channel, whether every trajectory has its own samples."""
    own: tuple[bool, ...] = ()
    """For each table, whether every trajectory has its own; of a tile with several."""
    card: bool = False
    """Whether it is a kernel of a GPU, each thread of which is a tile of one trajectory."""

    @property
    def many(self) -> bool:
        """Whether other trajectories hide the latency of one: what counts is how many operations there are."""
        return self.width > 1 or self.card

    @property
    def stages(self) -> int:
        return len(self.tableau.b)

    @property
    def nodes(self) -> int:
        return len(self.tableau.nodes)

    @property
    def spins(self) -> tuple[tuple[int, int, int], ...]:
        """Places of the components of each unit vector of the state."""
        return self.program.spins


class StepTaken(NamedTuple):
    """A step before its projection: the states of its stages, the new state, and the stages' slopes by number."""

    states: list[list[Any]]
    new: list[Any]
    slopes: Mapping[int, Slope]


class Weights(NamedTuple):
    """The weights of a step times factors of the slope, each with a number for every component of the state."""

    stages: Mapping[tuple[int, int], Sequence[Any]]
    last: Mapping[int, Sequence[Any]]
    rate: Sequence[Any]
    """The time step with these factors."""


class Slope(NamedTuple):
    """A slope without the factors in the weights: `whole`, or early + late·rates where a part comes late, which stands
    last in the state that follows.
    """

    whole: list[Any]
    early: Sequence[Any] = ()
    late: Any = None
    rates: Sequence[Any] = ()


Inputs = Callable[[int], Mapping[str, Any]]
"""A stage's number → what changes during a run, by name."""


class SchemeStep:
    """A step of a scheme.

    Args:
        on: the arithmetic of the values.
        scheme: equation of motion and method.
        h: the time step, in every lane.
        parameters: values by name; where they change, `use` gives them.
    """

    def __init__(self, on: Arithmetic, scheme: Scheme, h: Any, parameters: Mapping[str, Any] | None = None) -> None:
        self.on, self.scheme, self.program, self.h = on, scheme, scheme.program, h
        arguments = self.program.arguments
        closed = self.program.trace(self.program.function)
        self.graph, nodes, outputs = graph_of(closed, arguments)
        self.inputs = dict(zip(arguments, nodes, strict=True))
        known = [self.inputs[name] for name in self.program.names]
        self.parts = split(self.graph, outputs, known, wait=not scheme.many)
        names = {node: name for name, node in self.inputs.items()}
        self.factors = [[f if isinstance(f, Known) else names[f] for f in own] for own in self.parts.factors]
        """Of each component of the slope, the parameters' names and known numbers that go into the weights."""
        tableau = scheme.tableau
        self.a = {(i, j): self._times_h(a) for i, row in enumerate(tableau.a) for j, a in enumerate(row) if a}
        self.b = {i: self._times_h(b) for i, b in enumerate(tableau.b) if b}
        if parameters is not None:
            self.use(parameters)

    def _times_h(self, number: float) -> Any:
        return self.on.mul(self.h, self.on.number(number))

    def use(self, parameters: Mapping[str, Any]) -> None:
        """Take these values of the parameters in the code that is written from here on."""
        self.parameters, self.prepared = dict(parameters), dict[tuple[int, ...], Weights]()
        self.weights = self.prepare([len(own) for own in self.factors])

    def prepare(self, depths: Sequence[int]) -> Weights:
        """What `scaled` gives in all code that is written from here on, written here: before a loop."""
        self.prepared[tuple(depths)] = found = self.scaled(depths)
        return found

    def scaled(self, depths: Sequence[int]) -> Weights:
        """The weights times so many of the factors of each component."""
        if (found := self.prepared.get(tuple(depths))) is not None:
            return found
        own = [tuple(self.factors[axis][:depth]) for axis, depth in enumerate(depths)]

        def of_each(weight: Any) -> list[Any]:
            products = {factors: self.times(factors, weight) for factors in dict.fromkeys(own)}
            return [products[factors] for factors in own]

        stages = {place: of_each(weight) for place, weight in self.a.items()}
        return Weights(stages, {j: of_each(weight) for j, weight in self.b.items()}, of_each(self.h))

    def times(self, factors: Sequence[Any], value: Any) -> Any:
        """A value times factors of the slope."""
        for factor in factors:
            number = self.on.number(factor.value) if isinstance(factor, Known) else self.parameters[factor]
            value = self.on.mul(value, number)
        return value

    def arguments(self, state: Sequence[Any], inputs: Mapping[str, Any]) -> list[Any]:
        """The arguments of the slope, in order."""
        changing = [inputs[name] for name in self.program.inputs]
        held = (*self.program.names, *self.program.tables)
        return [*state, *changing, *(self.parameters[name] for name in held)]

    def take(self, state: Sequence[Any], inputs: Inputs) -> StepTaken:
        """All stages of a step from a state."""
        states, slopes = [], []
        for stage in range(self.scheme.stages):
            states.append(self.stage_state(stage, state, slopes))
            slopes.append(self.slope(states[stage], inputs(stage)))
        return StepTaken(states, self.new_state(state, slopes), dict(enumerate(slopes)))

    def slope(self, state: Sequence[Any], inputs: Mapping[str, Any]) -> Slope:
        """The slope at a state, without its factors."""
        parts, on = self.parts, self.on
        given = dict(zip(self.inputs.values(), self.arguments(state, inputs), strict=True))
        found = write(
            on, self.graph, given, [*parts.early, *parts.rates, *([] if parts.late is None else [parts.late])]
        )
        count = len(parts.early)
        early, rates = found[:count], found[count : 2 * count]
        if parts.late is None:
            return Slope(early)
        whole = [on.add(p, on.mul(found[-1], q)) for p, q in zip(early, rates, strict=True)]
        return Slope(whole, early, found[-1], rates)

    def stage_state(self, stage: int, state: Sequence[Any], slopes: Sequence[Slope]) -> list[Any]:
        """The state that a stage sees, from that before the step and the slopes of the stages before it."""
        weights = {j: self.weights.stages[stage, j] for j in range(stage) if (stage, j) in self.weights.stages}
        return self._combined(state, weights, slopes)

    def new_state(self, state: Sequence[Any], slopes: Sequence[Slope]) -> list[Any]:
        """The state after a step, before the projection."""
        return self._combined(state, self.weights.last, slopes)

    def _combined(
        self, state: Sequence[Any], weights: Mapping[int, Sequence[Any]], slopes: Sequence[Slope]
    ) -> list[Any]:
        on, newest = self.on, len(slopes) - 1
        found = []
        for axis, start in enumerate(state):
            terms = [start]
            for j, weight in weights.items():
                if j == newest and slopes[j].late is not None:
                    terms.append(on.mul(weight[axis], slopes[j].early[axis]))
                    terms.append(on.mul(on.mul(slopes[j].late, weight[axis]), slopes[j].rates[axis]))
                else:
                    terms.append(on.mul(weight[axis], slopes[j].whole[axis]))
            found.append(on.sum(terms))
        return found

    # ---- the sphere

    def finish(self, state: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], Any]:
        """The projected new state, and in which lanes the step was fine: no unit vector far from its sphere, all other
        components finite.
        """
        on, fine = self.on, None
        for spin in self.scheme.spins:
            before, after = ([values[i] for i in spin] for values in (state, new))
            norm = on.dot(before, before)
            if on.width == 1:
                change = on.sub(self._excess(after), on.sub(norm, on.number(1.0)))
            else:
                change = on.sub(on.dot(after, after), norm)
            well = on.less(on.abs(change), on.mul(on.number(LIMIT), norm))
            fine = well if fine is None else on.both(fine, well)
        turned = {i for spin in self.scheme.spins for i in spin}
        for i, value in enumerate(new[: self.program.bare]):
            if i not in turned:
                well = on.equal(on.strict().sub(value, value), on.number(0.0))
                fine = well if fine is None else on.both(fine, well)
        return self.projected(new), fine

    def projected(self, new: Sequence[Any]) -> list[Any]:
        """A state with its unit vectors back on the sphere."""
        result = list(new)
        for spin in self.scheme.spins if self.scheme.project else ():
            for i, value in zip(spin, self._projected([new[i] for i in spin]), strict=True):
                result[i] = value
        if self.program.carries:
            half = self.program.bare
            result[half:] = self._along(new, new[half:], self.scales(new))
        return result

    def _excess(self, m: Sequence[Any]) -> Any:
        """|m|² − 1, to all digits near the sphere."""
        on = self.on
        x, y, z = m
        return on.add(on.sub(on.mul(x, x), on.number(1.0)), on.add(on.mul(y, y), on.mul(z, z)))

    def _projected(self, m: Sequence[Any]) -> list[Any]:
        on = self.on
        if on.width > 1:
            scale = on.div(on.number(1.0), on.sqrt(on.dot(m, m)))
            return [on.mul(c, scale) for c in m]
        part, rate = scale_to_one(on, self._excess(m))
        return [on.add(c, on.mul(on.mul(c, part), rate)) for c in m]

    def scales(self, new: Sequence[Any]) -> list[Any]:
        """The factor that brings each unit vector back on the sphere."""
        on, found = self.on, []
        for spin in self.scheme.spins if self.scheme.project else ():
            m = [new[i] for i in spin]
            if on.width > 1:
                found.append(on.div(on.number(1.0), on.sqrt(on.dot(m, m))))
            else:
                part, rate = scale_to_one(on, self._excess(m))
                found.append(on.add(on.number(1.0), on.mul(part, rate)))
        return found

    def along_sphere(
        self,
        new: Sequence[Any],
        vectors: Sequence[Any],
        scales: Sequence[Any],
        transposed: bool = False,
        ended: bool = False,
    ) -> list[Any]:
        """The derivative of the projection applied to a vector, or its transposed; of a state `new` whose unit vectors
        are on the sphere already, where it has `ended`.

        Of a unit vector it is P = (1 − m mᵀ)·scale, its own transposed. Of (m, v), where v is a tangent that is
        projected to P v, it takes (a, b) to (P a, P b + Q a), its transposed (g, h) to (P g + Q h, P h), with
        Q = −scale² [(Πv) mᵀ + m (Πv)ᵀ + (m·v) Π] and Π = 1 − m mᵀ.
        """
        if not self.program.carries:
            return self._along(new, vectors, scales, ended)
        half = self.program.bare
        upper, lower = (self._along(new, part, scales, ended) for part in (vectors[:half], vectors[half:]))
        changed, given = (upper, vectors[half:]) if transposed else (lower, vectors[:half])
        for spin, scale in zip(self.scheme.spins if self.scheme.project else (), scales, strict=True):
            for i, value in zip(spin, self._bent(new, spin, scale, given, ended), strict=True):
                changed[i] = self.on.sub(changed[i], value)
        return [*upper, *lower]

    def _along(
        self, new: Sequence[Any], vectors: Sequence[Any], scales: Sequence[Any], ended: bool = False
    ) -> list[Any]:
        """(v − m (m·v))·scale of each unit vector."""
        on, result = self.on, list(vectors)
        for spin, scale in zip(self.scheme.spins if self.scheme.project else (), scales, strict=True):
            m, v = self._unit(new, spin, scale, ended), [vectors[i] for i in spin]
            along = on.dot(m, v)
            for i, c, x in zip(spin, m, v, strict=True):
                result[i] = on.mul(on.sub(x, on.mul(c, along)), scale)
        return result

    def _unit(self, new: Sequence[Any], spin: Sequence[int], scale: Any, ended: bool) -> list[Any]:
        """A unit vector of the projected state."""
        return [new[i] if ended else self.on.mul(new[i], scale) for i in spin]

    def _bent(
        self, new: Sequence[Any], spin: Sequence[int], scale: Any, vectors: Sequence[Any], ended: bool
    ) -> list[Any]:
        """−Q w of one unit vector, scale² [Πv (m·w) + m (Πv·w) + (m·v) Πw]: symmetric in the tangent v and in w."""
        on, half = self.on, self.program.bare
        m, v, w = self._unit(new, spin, scale, ended), [new[half + i] for i in spin], [vectors[i] for i in spin]
        along_v, along_w = on.dot(m, v), on.dot(m, w)
        across_v, across_w = (
            [on.sub(x, on.mul(c, along)) for c, x in zip(m, values, strict=True)]
            for values, along in ((v, along_v), (w, along_w))
        )
        both, square = on.dot(across_v, w), on.mul(scale, scale)
        return [
            on.mul(square, on.sum([on.mul(x, along_w), on.mul(c, both), on.mul(along_v, y)]))
            for c, x, y in zip(m, across_v, across_w, strict=True)
        ]


def scale_to_one(on: Arithmetic, excess: Any) -> tuple[Any, Any]:
    """(e, t) with 1 + e t = (1 + excess)^(−1/2), of one lane."""
    on, builder = on.strict(), on.builder
    near = on.less(on.abs(excess), on.number(SERIES[on.dtype.name]))
    one, half = on.number(1.0), on.number(0.5)
    with builder.if_else(near) as (then, otherwise):
        with then:
            inner = on.fma(excess, on.number(-0.3125), on.number(0.375))
            series = on.fma(excess, inner, on.neg(half))
            after_then = builder.block
        with otherwise:
            root = on.sub(on.div(one, on.sqrt(on.add(one, excess))), one)
            after_otherwise = builder.block
    part, rate = builder.phi(on.type), builder.phi(on.type)
    for phi, values in ((part, (excess, one)), (rate, (series, root))):
        phi.add_incoming(values[0], after_then)
        phi.add_incoming(values[1], after_otherwise)
    return part, rate
