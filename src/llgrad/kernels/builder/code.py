"""Whole numbers, addresses, variables and control flow of a generated function, so that a loop in it reads like one.

Variables stand on the stack of the function; LLVM turns them into registers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from llvmlite import ir

WORD: Final = ir.IntType(64)
BYTE: Final = ir.IntType(8)
VOID: Final = ir.VoidType()


class Word:
    """A 64-bit whole number or address of the generated function; Python's operators write instructions."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.value = code, value

    def _with(self, instruction: str, other: Any, turned: bool = False) -> Word:
        left, right = self.value, self.code.word(other).value
        if turned:
            left, right = right, left
        return Word(self.code, getattr(self.code.builder, instruction)(left, right))

    def __add__(self, other: Any) -> Word:
        return self if other == 0 and isinstance(other, int) else self._with("add", other)

    def __radd__(self, other: Any) -> Word:
        return self + other

    def __sub__(self, other: Any) -> Word:
        return self._with("sub", other)

    def __rsub__(self, other: Any) -> Word:
        return self._with("sub", other, turned=True)

    def __mul__(self, other: Any) -> Word:
        return self if other == 1 and isinstance(other, int) else self._with("mul", other)

    def __rmul__(self, other: Any) -> Word:
        return self * other

    def __floordiv__(self, other: Any) -> Word:
        """Rounded towards zero: of counts, which are never negative."""
        return self._with("sdiv", other)

    def __mod__(self, other: Any) -> Word:
        return self._with("srem", other)

    def __and__(self, other: Any) -> Word:
        return self._with("and_", other)

    def __or__(self, other: Any) -> Word:
        return self._with("or_", other)

    def __lshift__(self, other: Any) -> Word:
        return self._with("shl", other)

    def __rshift__(self, other: Any) -> Word:
        return self._with("ashr", other)

    def _compare(self, sign: str, other: Any) -> Any:
        return self.code.builder.icmp_signed(sign, self.value, self.code.word(other).value)

    def __lt__(self, other: Any) -> Any:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Any:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(">=", other)

    def equals(self, other: Any) -> Any:
        """A condition; `==` stays Python's."""
        return self._compare("==", other)

    def min(self, other: Any) -> Word:
        """The smaller of two."""
        return self.code.pick(self < other, self, other)

    def max(self, other: Any) -> Word:
        """The larger of two."""
        return self.code.pick(self > other, self, other)


class Variable:
    """A place on the stack for one value of a type."""

    def __init__(self, code: Code, kind: Any, name: str = "") -> None:
        self.code = code
        with code.builder.goto_entry_block():
            self.place = code.builder.alloca(kind, name=name)

    def get(self) -> Any:
        """The value."""
        return self.code.builder.load(self.place)

    def set(self, value: Any) -> None:
        """Change the value."""
        self.code.builder.store(value, self.place)


class Counter:
    """A variable of whole numbers."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.variable = code, Variable(code, WORD)
        self.set(value)

    @property
    def now(self) -> Word:
        """Its value."""
        return Word(self.code, self.variable.get())

    def set(self, value: Any) -> None:
        """Change the value."""
        self.variable.set(self.code.word(value).value)

    def add(self, amount: Any) -> None:
        """Count on, or back."""
        self.set(self.now + amount)


class Code:
    """Writes instructions other than arithmetic with floats, where `builder` stands."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder: Any = builder

    # whole numbers and memory

    def word(self, value: Any) -> Word:
        """A number, or a word as it is."""
        return value if isinstance(value, Word) else Word(self, WORD(int(value)))

    def pick(self, condition: Any, yes: Any, no: Any) -> Word:
        """One of two words."""
        return Word(self, self.builder.select(condition, self.word(yes).value, self.word(no).value))

    def pointer(self, address: Any, kind: Any) -> Any:
        """A typed pointer to an address."""
        return self.builder.inttoptr(self.word(address).value, kind.as_pointer())

    def load(self, address: Any, kind: Any, index: Any = 0, align: int = 0) -> Any:
        """The element of a type at an index from an address."""
        place = self.builder.gep(self.pointer(address, kind), [self.word(index).value])
        return self.builder.load(place, align=align or None)

    def store(self, value: Any, address: Any, index: Any = 0, align: int = 0) -> None:
        """Write the element at an index from an address."""
        place = self.builder.gep(self.pointer(address, value.type), [self.word(index).value])
        self.builder.store(value, place, align=align or None)

    def word_at(self, address: Any, index: Any = 0) -> Word:
        """The word at an index from an address."""
        return Word(self, self.load(address, WORD, index))

    def put(self, address: Any, index: Any, value: Any) -> None:
        """Write the word at an index from an address."""
        self.store(self.word(value).value, address, index)

    def count_at(self, address: Any, index: int) -> Word:
        """The 32-bit whole number at an index from an address."""
        return Word(self, self.builder.sext(self.load(address, ir.IntType(32), index), WORD))

    def fetch_add(self, address: Any, amount: Any) -> Word:
        """Add to the word at an address in one step that no other thread sees half of; what was there before."""
        place = self.pointer(address, WORD)
        return Word(self, self.builder.atomic_rmw("add", place, self.word(amount).value, "seq_cst"))

    def peek(self, address: Any) -> Word:
        """The word at an address, read anew each time."""
        return Word(self, self.builder.load_atomic(self.pointer(address, WORD), "seq_cst", 8, typ=WORD))

    def claim(self, address: Any, expected: Any, new: Any) -> Any:
        """Change the word at an address from one to another if nobody changed it before; whether it was done."""
        place, old, new = self.pointer(address, WORD), self.word(expected).value, self.word(new).value
        return self.builder.extract_value(self.builder.cmpxchg(place, old, new, "seq_cst", "seq_cst"), 1)

    def on_stack(self, words: int) -> Word:
        """Address of a few words on the stack."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(WORD, words))
        return Word(self, self.builder.ptrtoint(place, WORD))

    # calls

    def call(self, name: str, *arguments: Any, returns: bool = True) -> Word:
        """A function of the C library, of words, found by its name when the code is loaded."""
        module = self.builder.module
        kind = ir.FunctionType(WORD if returns else VOID, [WORD] * len(arguments))
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return Word(self, self.builder.call(function, [self.word(value).value for value in arguments]))

    def routine(self, name: str, write: Callable[..., Any], *arguments: Any, result: Any = VOID) -> Any:
        """Call a function of this module, which `write` (code, words…) writes where it is called for the first time;
        it returns a value of the type `result`.
        """
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(result, [WORD] * len(arguments)), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            inner = Code(ir.IRBuilder(function.append_basic_block("entry")))
            value = write(inner, *(Word(inner, argument) for argument in function.args))
            inner.builder.ret_void() if result == VOID else inner.builder.ret(value)
        return self.builder.call(function, [self.word(value).value for value in arguments])

    def call_address(self, address: Any, argument: Any) -> Word:
        """A C function of one word, by its address."""
        kind = ir.FunctionType(WORD, [WORD])
        return Word(self, self.builder.call(self.pointer(address, kind), [self.word(argument).value]))

    def allocate(self, size: Any) -> Word:
        """Address of so many bytes; 0 where there are none."""
        return self.call("malloc", size)

    def release(self, address: Any) -> None:
        """Give back what `allocate` gave."""
        self.call("free", address, returns=False)

    # control

    @contextlib.contextmanager
    def loop(self, stop: Any, start: Any = 0) -> Iterator[Word]:
        """for i in range(start, stop)."""
        counter = Counter(self, start)
        with self.repeat(lambda: counter.now < stop):
            index = counter.now
            yield index
            counter.set(index + 1)

    @contextlib.contextmanager
    def loop_down(self, start: Any, stop: Any = 0) -> Iterator[Word]:
        """for i in range(start − 1, stop − 1, −1)."""
        counter = Counter(self, start)
        with self.repeat(lambda: counter.now > stop):
            counter.set(counter.now - 1)
            yield counter.now

    @contextlib.contextmanager
    def repeat(self, goes_on: Any) -> Iterator[None]:
        """while goes_on(): …"""
        head, body, after = (self.builder.append_basic_block(name) for name in ("head", "body", "after"))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        self.builder.cbranch(goes_on(), body, after)
        self.builder.position_at_end(body)
        yield
        self.builder.branch(head)
        self.builder.position_at_end(after)

    def when(self, condition: Any) -> Any:
        """if condition: …, as a context."""
        return self.builder.if_then(condition)

    def either(self, condition: Any) -> Any:
        """if condition: … else: …, as a context of two contexts."""
        return self.builder.if_else(condition)

    def chosen(self, condition: Any, kind: Any, yes: Any, no: Any) -> Any:
        """The value of a type that one of two functions gives; only one of them runs."""
        found = Variable(self, kind)
        with self.either(condition) as (then, otherwise):
            with then:
                found.set(yes())
            with otherwise:
                found.set(no())
        return found.get()
