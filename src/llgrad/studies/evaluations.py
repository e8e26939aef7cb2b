"""A study of a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

from llgrad.studies.work import COLUMNS, Item, Work, digest

PLAIN: Final = (bool, int, float, str)
"""What stands in a column."""


@dataclass(frozen=True)
class Evaluations(Work):
    """A function of one's own of every case: of a file, a device, a setting.

    Args:
        function: called as function(**case); gives a number, or numbers and texts by name: "f", and if they are known
            its standard error "f.error" and the correlation of two errors "f~g.correlation".
        cases: its arguments, a dictionary a row.
        names: what each row is called; by default the numbers and texts of the case.
        described: the numbers that describe a device, with their units, for populations and pictures: {"f": "Hz"}.
        batched: whether the function is called with a list of cases, and gives a list, so that it does them at once.

    A case that raises is a row with the sentence. The function is known by its code and that of functions inside of it,
    not by what it calls: change its name where that changes.

    >>> import llgrad as lg
    >>> work = lg.studies.Evaluations(lambda n: 2 * n, [{"n": 4}])
    >>> work.run(work.items())
    [{'value': 8, 'failure': None}]
    """

    function: Callable[..., Any]
    cases: Iterable[Mapping[str, Any]]
    names: Iterable[str] | None = None
    described: Mapping[str, str] = field(default_factory=dict)
    batched: bool = False
    kind = "evaluations"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"function = {self.function!r}, expected a function; give (function, cases)")
        given = list(self.cases)
        if wrong := [case for case in given if not isinstance(case, Mapping)]:
            raise ValueError(f"cases has {wrong[0]!r}, expected the arguments of a call by name, such as {{'n': 4}}")
        cases = [dict(case) for case in given]
        names = None if self.names is None else list(self.names)
        if names is not None and any("name" in case for case in cases):
            raise ValueError("names is given, and cases have a name of their own; give one of them")
        if names is not None and len(names) != len(cases):
            raise ValueError(f"names has {len(names)} entries for {len(cases)} cases; give one for each")
        for name, value in {"cases": cases, "names": names}.items():
            object.__setattr__(self, name, value)

    def identity(self) -> str:
        code = getattr(self.function, "__code__", None)
        name = f"{self.function.__module__}.{getattr(self.function, '__qualname__', type(self.function).__name__)}"
        return digest(self.kind, name, [] if code is None else _code(code), self.batched)

    def items(self) -> list[Item]:
        identity, found = self.identity(), []
        for number, case in enumerate(self.cases):
            plain = {name: value for name, value in case.items() if isinstance(value, PLAIN)}
            labels = plain if self.names is None else {"name": list(self.names)[number]} | plain
            found.append(Item(digest(identity, case), labels, "", case))
        return found

    def for_workers(self) -> Evaluations:
        return Evaluations(self.function, (), None, self.described, self.batched)

    def run(self, items: list[Item]) -> list[dict[str, Any]]:
        cases = [item.payload for item in items]
        if not self.batched:
            return [self._row(self.function(**case)) for case in cases]
        found = list(self.function(cases))
        if len(found) != len(cases):
            raise ValueError(f"the function gave {len(found)} answers for {len(cases)} cases, expected one for each")
        return [self._row(one) for one in found]

    def _row(self, answer: Any) -> dict[str, Any]:
        """The numbers and texts of an answer. Raises ValueError for one of which there is no row."""
        named = dict(answer) if isinstance(answer, Mapping) else {"value": answer}
        row = {name: one.item() if getattr(one, "size", 0) == 1 else one for name, one in named.items()}
        for name, value in row.items():
            kinds = PLAIN if name not in self.described else (int, float)
            if not isinstance(name, str) or name in COLUMNS:
                raise ValueError(f"the function gave {name!r}, which no number can be called; give it another name")
            if not (value is None or isinstance(value, kinds)) or (isinstance(value, int) and abs(value) >= 2**63):
                expected = "a number" if name in self.described else "a number or a text"
                raise ValueError(f"the function gave {name} = {value!r}, expected {expected}")
        return row | {"failure": None}

    def units(self) -> dict[str, str]:
        return dict(self.described)


def _code(code: CodeType) -> list[str]:
    """The code of a function and of those inside of it, in texts that are the same in every process."""
    found = [code.co_code.hex(), *code.co_names]
    for constant in code.co_consts:
        found += _code(constant) if isinstance(constant, CodeType) else [repr(constant)]
    return found
