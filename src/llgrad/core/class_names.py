"""Names of the classes of records in files: llgrad's by their own, others of the same name as "own.<name>"."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

KEPT_IN_FILES: Final = ("llgrad.devices", "llgrad.drives", "llgrad.physics")
"""Packages of the records that files hold."""
OWN: Final = "own."
"""Begins the name of a class of a user's, where one of llgrad's has the same."""

Kind = TypeVar("Kind", bound=type)


@functools.cache
def import_every_kind() -> None:
    """Import all records of llgrad that a file may name: they are known when their modules are."""
    for package in KEPT_IN_FILES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)


def is_of_llgrad(kind: type) -> bool:
    """Whether a class is llgrad's. One that a docstring defines has the module's name, and is not in it."""
    within = sys.modules.get(kind.__module__)
    return kind.__module__.startswith("llgrad.") and getattr(within, kind.__name__, None) is kind


def name_in_files(kind: type, root: type) -> str:
    """What a file calls a class of records; `root` is the class of all of them."""
    if is_of_llgrad(kind):
        return kind.__name__
    import_every_kind()
    taken = any(is_of_llgrad(other) for other in _of_name(root, kind.__name__))
    return OWN + kind.__name__ if taken else kind.__name__


def kind_of_name(base: Kind, name: object, root: type, quantities: Iterable[str]) -> Kind | None:
    """The class that a file calls so, `base` or one of its subclasses, or None. Of several that have the quantities of
    the file it is llgrad's, and of a user's the last one, as a cell of a notebook that was run again made it."""
    if base is not root and name == name_in_files(base, root):
        return base
    plain = str(name).removeprefix(OWN)
    found = _of_name(base, plain)
    if not any(is_of_llgrad(kind) for kind in found):
        import_every_kind()
        found = _of_name(base, plain)
    llgrads = [kind for kind in found if plain == name and is_of_llgrad(kind) and not inspect.isabstract(kind)]
    known = [*llgrads, *(kind for kind in reversed(found) if not is_of_llgrad(kind))]
    fitting = [kind for kind in known if set(quantities) <= {field.name for field in dataclasses.fields(kind)}]
    return next(iter(fitting or known), None)


def _of_name(base: Kind, name: str) -> list[Kind]:
    return [kind for kind in _below(base) if kind.__name__ == name]


def _below(base: Kind) -> Iterator[Kind]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)
