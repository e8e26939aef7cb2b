"""Products with the coupling matrix as vector code: register tiles written as LLVM vectors, so that no BLAS is needed.

A BLAS brings threads of its own, picks its kernels once for the process, and sums in an order that depends on how
many threads it has. These run inside a tile, on any thread, and always add in the same order. Each is a function of
the kernel's module: addresses and counts are words, pitches are in elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import WORD, Code, Counter, Variable, Word

ROWS: Final = 8
"""Rows of a large single array whose products are made together."""
CHAINS: Final = 4
"""Sums that `columns` keeps apart, so that few additions wait for each other."""
BLOCKS: Final = (8, 4, 2, 1)
"""Vectors of the blocks of a packed matrix, the largest first."""


class KernelProducts:
    """The products of a kernel.

    Args:
        code: where the calls go.
        dtype: "float64" or "float32".
        lanes: elements of a vector.
        across: vectors of a row of many samples.
        block: rows of many samples whose products are made together; their weights are packed in blocks of so many.
    """

    def __init__(self, code: Code, dtype: str, lanes: int, across: int, block: int) -> None:
        self.code, self.dtype, self.lanes, self.across, self.block = code, dtype, lanes, across, block
        self.on = Arithmetic(code.builder, dtype, lanes)
        self.size = self.on.bits // 8

    def _call(self, name: str, write: Callable[..., None], *words: Any, **fixed: Any) -> None:
        def body(code: Code, *given: Word) -> None:
            write(KernelProducts(code, self.dtype, self.lanes, self.across, self.block), *given, **fixed)

        options = "".join(f"_{value:d}" for value in fixed.values())
        self.code.routine(f"{name}{options}_{self.lanes}", body, *words)

    def _load(self, address: Word) -> Any:
        return self.code.load(address, self.on.type, align=self.size)

    def _spread(self, address: Word, index: Any = 0) -> Any:
        """One element in every place of a vector."""
        return self.on.everywhere(self.code.load(address, self.on.float_type, index))

    def _sums(self, starts: Sequence[Any]) -> list[Variable]:
        found = [Variable(self.code, start.type) for start in starts]
        for variable, start in zip(found, starts, strict=True):
            variable.set(start)
        return found

    def _store(self, value: Any, address: Word) -> None:
        self.code.store(value, address, align=self.size)

    # ---- many samples

    def product(self, C: Word, packed: Word, X: Word, ldx: Any, K: Word, r0: Word, r1: Word, add: bool) -> None:
        """C[r0 … r1] (+)= weights X[K], with packed weights; r0 is a multiple of `block`."""
        wide, rows = self.across * self.lanes * self.size, self.block
        with self.code.loop((r1 - r0 + (rows - 1)) // rows) as block:
            r = r0 + block * rows
            self._call(
                "multiply", KernelProducts._multiply, C + r * wide, packed + r * K * self.size, X, ldx, K, add=add
            )

    def _multiply(self, C: Word, A: Word, X: Word, ldx: Word, K: Word, *, add: bool) -> None:
        """C[block, across·lanes] (+)= A[K, block]ᵀ X[K, across·lanes], the rows of C one after the other."""
        on, step, across = self.on, self.lanes * self.size, self.across
        places = [C + index * step for index in range(across * self.block)]
        totals = self._sums([self._load(place) if add else on.number(0.0) for place in places])
        with self.code.loop(K) as k:
            here, column = X + k * ldx * self.size, A + k * (self.block * self.size)
            vectors = [self._load(here + side * step) for side in range(across)]
            for row in range(self.block):
                weight = self._spread(column, row)
                for total, value in zip(totals[across * row : across * (row + 1)], vectors, strict=True):
                    total.set(on.fma(weight, value, total.get()))
        for place, total in zip(places, totals, strict=True):
            self._store(total.get(), place)

    def outer(self, D: Word, pitch: Word, G: Word, X: Word, K: Any) -> None:
        """D[pitch, pitch] += G[pitch, K] X[pitch, K]ᵀ; `pitch` is a multiple of 4."""
        self._call("outer", KernelProducts._outer, D, pitch, G, X, K)

    def _outer(self, D: Word, pitch: Word, G: Word, X: Word, K: Word) -> None:
        with self.code.loop(pitch // 4) as r, self.code.loop(pitch // 4) as q:
            goal = D + (r * pitch + q) * (4 * self.size)
            left, right = G + r * K * (4 * self.size), X + q * K * (4 * self.size)
            self._dots(goal, pitch, left, right, K, K, rows=4, columns=4, add=True)

    def _dots(
        self, D: Word, ldd: Any, A: Word, X: Word, ld: Word, K: Word, *, rows: int, columns: int, add: bool
    ) -> None:
        """D[rows, columns] (+)= A[rows, K] X[columns, K]ᵀ, summed over K, a multiple of `lanes`."""
        on, code = self.on, self.code
        totals = self._sums([on.number(0.0)] * (rows * columns))
        with code.loop(K // self.lanes) as index:
            here = index * (self.lanes * self.size)
            right = [self._load(X + ld * (row * self.size) + here) for row in range(columns)]
            for i in range(rows):
                left = self._load(A + ld * (i * self.size) + here)
                for j, value in enumerate(right):
                    total = totals[i * columns + j]
                    total.set(on.fma(left, value, total.get()))
        values = [total.get() for total in totals]
        for first in range(0, rows * columns, self.group):
            place = D + (code.word(ldd) * (first // columns) + first % columns) * self.size
            found = self._across(values[first : first + self.group])
            if add:
                found = self.code.builder.fadd(code.load(place, found.type, align=self.size), found)
            code.store(found, place, align=self.size)

    @property
    def group(self) -> int:
        """Elements of the 16 bytes within which vectors are shuffled fast."""
        return 16 // self.size

    def _across(self, totals: Sequence[Any]) -> Any:
        """The sums over the lanes of `group` vectors, as one vector: neighbours added first."""
        builder, lanes, found = self.code.builder, self.lanes, list(totals)

        def picked(left: Any, right: Any, places: Sequence[int]) -> Any:
            mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
            return builder.shuffle_vector(left, right, mask)

        while len(found) > 1:
            pairs = zip(found[::2], found[1::2], strict=True)
            halves = [range(first, self.group, 2) for first in (0, 1)]
            places = [
                [start + k + side for start in range(0, lanes, self.group) for side in (0, lanes) for k in half]
                for half in halves
            ]
            found = [builder.fadd(picked(x, y, places[0]), picked(x, y, places[1])) for x, y in pairs]
        (total,) = found
        while total.type.count > self.group:
            half = total.type.count // 2
            total = builder.fadd(picked(total, total, range(half)), picked(total, total, range(half, 2 * half)))
        return total

    def total_rows(self, C: Word, X: Word, ldx: Any, K: Word, r0: Word, r1: Word, add: bool) -> None:
        """C[r0 … r1] (+)= Σ_k X[k], of rows of many samples."""
        self._call("total_rows", KernelProducts._total_rows, C, X, ldx, K, r0, r1, add=add)

    def _total_rows(self, C: Word, X: Word, ldx: Word, K: Word, r0: Word, r1: Word, *, add: bool) -> None:
        on, code, step = self.on, self.code, self.lanes * self.size
        totals = self._sums([on.number(0.0)] * self.across)
        with code.loop(K) as k:
            for side, total in enumerate(totals):
                total.set(on.add(total.get(), self._load(X + k * ldx * self.size + side * step)))
        with code.loop(r1, r0) as r:
            for side, total in enumerate(totals):
                place = C + (r * self.across + side) * step
                self._store(on.add(self._load(place), total.get()) if add else total.get(), place)

    # ---- a large single array

    def rows(
        self, C: Word, weights: Word, N: Word, X: Word, r0: Word, r1: Word, add: bool, back: Any, again: bool
    ) -> None:
        """C[r0 … r1] (+)= weights[r0 … r1, :] X of a large array; with `back` from the last rows to the first. Past the
        last row, where it is not added, the last value `again`, or what was there."""
        self._call("rows", KernelProducts._rows, C, weights, N, X, r0, r1, back, add=add, again=again)

    def _rows(
        self, C: Word, weights: Word, N: Word, X: Word, r0: Word, r1: Word, back: Word, *, add: bool, again: bool
    ) -> None:
        code, size = self.code, self.size
        pitch = (N + (self.lanes - 1)) // self.lanes * self.lanes
        blocks = (r1.min((N + (ROWS - 1)) // ROWS * ROWS) - r0) // ROWS
        with code.loop(blocks) as b:
            r = r0 + code.pick(back > 0, blocks - 1 - b, b) * ROWS
            self._dots(C + r * size, 1, weights + r * pitch * size, X, pitch, pitch, rows=ROWS, columns=1, add=add)
        if again and not add:
            self._repeat(C, N, r0.max(N), r1)

    def _repeat(self, C: Word, N: Word, start: Word, stop: Word) -> None:
        """Elements from N on are the one before."""
        with self.code.loop(stop, start) as r:
            self.code.store(self.code.load(C, self.on.float_type, N - 1), C, r)

    def outer_rows(self, D: Word, N: Word, G: Word, Q: Word, A: Word, r0: Word, r1: Word, count: int) -> None:
        """D[r, N] += Σ_s G[s, r] Q[s, N] for the rows r0 … r1; G and Q have `count` rows of A elements, N is a vector
        or more.
        """
        self._call("outer_rows", KernelProducts._outer_rows, D, N, G, Q, A, r0, r1, count=count)

    def _outer_rows(self, D: Word, N: Word, G: Word, Q: Word, A: Word, r0: Word, r1: Word, *, count: int) -> None:
        code, pairs = self.code, (r1 - r0) // 2
        with code.loop(pairs) as pair:
            self._add_rows(D, N, G, Q, A, r0 + pair * 2, 2, count)
        with code.when(r0 + pairs * 2 < r1):
            self._add_rows(D, N, G, Q, A, r1 - 1, 1, count)

    def _add_rows(self, D: Word, N: Word, G: Word, Q: Word, A: Word, first: Word, rows: int, count: int) -> None:
        """What `outer_rows` adds to so many rows."""
        code, on, size = self.code, self.on, self.size
        factors = [[self._spread(G, A * s + first + row) for s in range(count)] for row in range(rows)]

        def add(k: Word, new: Any = None) -> None:
            vectors = [self._load(Q + (A * s + k) * size) for s in range(count)]
            for row in range(rows):
                place = D + ((first + row) * N + k) * size
                total = old = self._load(place)
                for factor, vector in zip(factors[row], vectors, strict=True):
                    total = on.fma(factor, vector, total)
                self._store(total if new is None else on.pick(new, total, old), place)

        with code.loop(N // self.lanes) as index:
            add(index * self.lanes)
        rest = N % self.lanes
        with code.when(rest > 0):  # the last vector of the row again, but for what it has already
            numbers = ir.Constant(ir.VectorType(WORD, self.lanes), list(range(self.lanes)))
            missing = on.everywhere((self.lanes - rest).value)
            add(N - self.lanes, code.builder.icmp_signed(">=", numbers, missing))

    # ---- sums of a single array

    def total(self, C: Word, X: Word, N: Word, start: Word, stop: Word, add: bool) -> None:
        """C[start … stop] (+)= Σ X[N]."""
        self._call("total", KernelProducts._total, C, X, N, start, stop, add=add)

    def _total(self, C: Word, X: Word, N: Word, start: Word, stop: Word, *, add: bool) -> None:
        on, code, kind = self.on, self.code, self.on.float_type
        (total,) = self._sums([on.number(0.0)])
        with code.loop(N // self.lanes) as index:
            total.set(on.add(total.get(), self._load(X + index * (self.lanes * self.size))))
        rest = Variable(code, kind)
        rest.set(on.over_lanes(total.get()))
        with code.loop(N, N // self.lanes * self.lanes) as k:
            rest.set(code.builder.fadd(rest.get(), code.load(X, kind, k)))
        with code.loop(stop, start) as r:
            value = code.builder.fadd(code.load(C, kind, r), rest.get()) if add else rest.get()
            code.store(value, C, r)

    def total_of(self, x: Any, N: Word, inside_only: bool) -> Any:
        """The sum of the first N lanes of one vector, in each lane, or zero in the others."""
        if self.lanes == 1:
            return x
        on, zero = self.on, self.on.number(0.0)
        numbers = ir.Constant(ir.VectorType(WORD, self.lanes), list(range(self.lanes)))
        inside = self.code.builder.icmp_signed("<", numbers, on.everywhere(N.value))
        total = on.everywhere(on.over_lanes(on.pick(inside, x, zero)))
        return on.pick(inside, total, zero) if inside_only else total

    # ---- a small single array

    def packed_size(self, N: Word, terms: Any) -> Word:
        """Elements of a packed matrix."""
        return (N + (self.lanes - 1)) // self.lanes * self.lanes * terms

    def pack(self, goal: Word, matrix: Word, N: Word, terms: Any, turned: bool) -> None:
        """The matrix W in blocks of 8, 4, 2 or 1 vectors of rows, k by k; past the last row that row again. With
        `turned` Wᵀ, and zeros past the last row.
        """
        self._call("pack", KernelProducts._pack, goal, matrix, N, terms, turned=turned)

    def _pack(self, goal: Word, matrix: Word, N: Word, terms: Word, *, turned: bool) -> None:
        code, kind = self.code, self.on.float_type
        vectors, first, place = Counter(code, (N + (self.lanes - 1)) // self.lanes), Counter(code, 0), Counter(code, 0)
        with code.repeat(lambda: vectors.now > 0):
            block = code.word(1)
            for size in reversed(BLOCKS):
                block = code.pick(vectors.now >= size, size, block)
            width = block * self.lanes
            with code.loop(terms) as k, code.loop(first.now + width, first.now) as c:
                row, column = k.min(N - 1), c.min(N - 1)
                value = code.load(matrix, kind, row * N + column if turned else column * N + row)
                inside = code.builder.and_(k < N, c < N) if turned else k < N
                code.store(code.builder.select(inside, value, kind(0.0)), goal, place.now)
                place.add(1)
            first.add(width)
            vectors.set(vectors.now - block)

    def columns(
        self, C: Word, packed: Word, A: Word, X: Word, N: Word, terms: Any, add: bool, back: int, again: bool
    ) -> None:
        """C[A] (+)= W X[N] of a small array; `back` reads W from its end: what the cache still holds of it from a
        product before is read first. Past the last block, where it is not added, the last value `again`, or what was
        there.
        """
        self._call("columns", KernelProducts._columns, C, packed, A, X, N, terms, back, add=add, again=again)

    def _columns(
        self, C: Word, packed: Word, A: Word, X: Word, N: Word, terms: Word, back: Word, *, add: bool, again: bool
    ) -> None:
        code, step = self.code, self.lanes * self.size
        vectors = (N + (self.lanes - 1)) // self.lanes
        full, rest = vectors // BLOCKS[0], vectors % BLOCKS[0]

        def many(wanted: int) -> None:
            with code.when(back.equals(wanted)), code.loop(full) as index:
                b = code.pick(back > 0, full - 1 - index, index) * BLOCKS[0]
                self._call(
                    "block", KernelProducts._block, C + b * step, packed + b * step * terms, X, terms, back,
                    width=BLOCKS[0],
                    add=add,
                )  # fmt: skip

        many(0)
        done = Counter(code, full * BLOCKS[0])
        for width in BLOCKS[1:]:
            with code.when((rest & width) > 0):
                c = done.now * step
                self._call(
                    "block", KernelProducts._block, C + c, packed + c * terms, X, terms, back, width=width, add=add
                )
                done.add(width)
        many(1)
        if again and not add:
            self._repeat(C, N, vectors * self.lanes, A)

    def _block(self, C: Word, A: Word, X: Word, K: Word, back: Word, *, width: int, add: bool) -> None:
        """C[width·lanes] (+)= Σ_k X[k] A[k, :], in up to `CHAINS` interleaved sums; K is a multiple of `CHAINS`."""
        on, code, step = self.on, self.code, self.lanes * self.size
        chains = min(CHAINS, 8 // width)
        places = [C + j * step for j in range(width)]
        starts = [self._load(place) if add else on.number(0.0) for place in places]
        totals = self._sums(starts + [on.number(0.0)] * (width * (chains - 1)))
        turns = K // chains
        with code.loop(turns) as turn:
            first = code.pick(back > 0, turns - 1 - turn, turn) * chains
            for chain in range(chains):
                k = first + chain
                factor, row = self._spread(X, k), A + k * (width * step)
                for j in range(width):
                    total = totals[chain * width + j]
                    total.set(on.fma(factor, self._load(row + j * step), total.get()))
        for total, place in zip(self.pairwise([total.get() for total in totals], width), places, strict=True):
            self._store(total, place)

    def pairwise(self, totals: list[Any], count: int) -> list[Any]:
        """Interleaved sums added up to `count` of them, in pairs, so that few additions wait for each other."""
        while len(totals) > count:
            half = len(totals) // 2
            totals = [self.on.add(a, b) for a, b in zip(totals[:half], totals[half:], strict=True)]
        return totals

    # ---- a few oscillators in registers

    def few(self, packed: Word, x: Any, start: Any = None) -> Any:
        """W x of so few oscillators that x is one vector of `lanes`, all in registers: a load of one element out of a
        vector that was stored just before would wait for the store to reach the cache. `start` is added.
        """
        on, step = self.on, self.lanes * self.size
        chains = min(CHAINS, self.lanes)
        totals = [on.number(0.0) if start is None else start] + [on.number(0.0)] * (chains - 1)
        for k in range(self.lanes):
            totals[k % chains] = on.fma(self.lane(x, k), self._load(packed + k * step), totals[k % chains])
        return self.pairwise(totals, 1)[0]

    def add_row(self, place: Word, row: int, columns: Sequence[tuple[Any, Any]]) -> None:
        """A row of a matrix gains Σ g[row] q, of vectors (g, q)."""
        total = self._load(place)
        for g, q in columns:
            total = self.on.fma(self.lane(g, row), q, total)
        self._store(total, place)

    def lane(self, x: Any, k: int) -> Any:
        """An element of a vector in every place."""
        if self.lanes == 1:
            return x
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [k] * self.lanes)
        return self.code.builder.shuffle_vector(x, x, mask)
