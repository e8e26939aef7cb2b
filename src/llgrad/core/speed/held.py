"""Programs that are called again and again with the same tree beside other arrays: it is taken apart once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.speed.quick import settings_here
from llgrad.core.speed.starting import check_platform

KEPT: Final = 256
"""Programs that are remembered."""


class Form:
    """What a tree is beside its arrays, as a key of programs: its hash is taken once."""

    __slots__ = ("code", "rest", "tree")

    def __init__(self, tree: Any, rest: tuple[Any, ...]) -> None:
        self.tree, self.rest = tree, rest
        self.code = hash((tree, tuple(map(type, rest)), rest))

    def __hash__(self) -> int:
        return self.code

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Form) or self.code != other.code or self.tree != other.tree:
            return False
        return [*map(type, self.rest)] == [*map(type, other.rest)] and self.rest == other.rest

    def filled(self, arrays: Any) -> Any:
        """The tree with other arrays."""
        left = iter(arrays)
        return jax.tree.unflatten(self.tree, [next(left) if leaf is HeldTree else leaf for leaf in self.rest])


@functools.lru_cache(maxsize=KEPT)
def _known(form: Form) -> Form:
    """The first of equal forms: the same object is found without a comparison."""
    return form


class HeldTree:
    """A tree with its arrays apart.

    >>> import numpy as np
    >>> pair = HeldTree({"a": np.ones(2), "b": 3.0})
    >>> len(pair.arrays), pair.tree["b"]
    (1, 3.0)
    """

    def __init__(self, tree: Any) -> None:
        check_platform()
        leaves, form = jax.tree.flatten(tree)
        self.tree = tree
        self.known: dict[Any, Any] = {}
        """What was found with it lately."""
        self.arrays = tuple(jnp.asarray(leaf) for leaf in leaves if hasattr(leaf, "dtype"))
        self.form = _known(Form(form, tuple(HeldTree if hasattr(leaf, "dtype") else leaf for leaf in leaves)))


class Alike:
    """A record that is the same as another where all but some of their parts are the same objects."""

    def __init__(self, record: Any, beside: Collection[str]) -> None:
        self.record = record
        self.parts = [type(record), jax.config.jax_enable_x64]  # type: ignore[attr-defined]
        self.parts += [part for name, part in vars(record).items() if name not in beside]

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.parts)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Alike) or len(self.parts) != len(other.parts):
            return False
        return all(a is b for a, b in zip(self.parts, other.parts, strict=True))


def held_of(record: Any, bare: Callable[[Any], Any], beside: Collection[str]) -> HeldTree:
    """What is left of a record without some of its parts, by `bare`; made once for records whose others are the same.

    >>> import operator
    >>> from types import SimpleNamespace
    >>> one = SimpleNamespace(model={"a": 1.0}, data=1.0)
    >>> other, model_of = SimpleNamespace(model=one.model, data=2.0), operator.attrgetter("model")
    >>> held_of(one, model_of, ("data",)) is held_of(other, model_of, ("data",))
    True
    """
    return _held_of(Alike(record, beside), bare)


@functools.lru_cache(maxsize=16)
def _held_of(alike: Alike, bare: Callable[[Any], Any]) -> HeldTree:
    record, alike.record = alike.record, None  # what is remembered holds the parts that are the same, and no data
    return HeldTree(bare(record))


def held_jit(function: Callable[..., Any], *, often: bool = False) -> Callable[..., Any]:
    """A function of a tree and of arrays, compiled as by `quick_jit` and called with that tree as a `HeldTree`: what of
    it is no array is a constant of the program. For values that are known; with `often`, so often that half the speed
    would be noticed.

    >>> import numpy as np
    >>> scaled = held_jit(lambda tree, x: tree["b"] * x + tree["a"])
    >>> scaled(HeldTree({"a": np.ones(2), "b": 3.0}), np.full(2, 2.0)).tolist()
    [7.0, 7.0]
    """

    @functools.lru_cache(maxsize=KEPT)
    def program(form: Form, settings: tuple[tuple[str, Any], ...]) -> Any:
        def whole(arrays: Any, *others: Any) -> Any:
            return function(form.filled(arrays), *others)

        return jax.jit(whole, compiler_options=dict(settings)) if settings else jax.jit(whole)

    @functools.wraps(function)
    def called(held: HeldTree, *others: Any) -> Any:
        return program(held.form, settings_here(often))(held.arrays, *others)

    return called


def with_parts(record: Any, **parts: Any) -> Any:
    """A copy of a frozen record with other parts, which are as they were checked and converted before: it costs a
    tenth of `dataclasses.replace`, in what is done again and again.

    >>> from llgrad import presets
    >>> with_parts(presets.kubota2013(), alpha=0.5).alpha
    0.5
    """
    found = object.__new__(type(record))
    for name, part in (vars(record) | parts).items():
        object.__setattr__(found, name, part)
    return found
