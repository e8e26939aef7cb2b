"""Names and units of what a system's state is made of: "x", "free.z", "0"."""

from __future__ import annotations

from typing import Any

import jax


def component_names(state: Any) -> tuple[str, ...]:
    """The names of the components of a state, in order: keys, places and axes joined by dots.

    Raises ValueError where two have one name.

    >>> from llgrad.core.vector import Vec3
    >>> component_names({"free": Vec3(0.0, 0.0, 1.0), "charge": 0.0})
    ('charge', 'free.x', 'free.y', 'free.z')
    """
    names = tuple(".".join(map(_word, path)) or "state" for path, _ in jax.tree_util.tree_flatten_with_path(state)[0])
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two components of the state have the name {twice[0]!r}; choose keys without dots")
    return names


def _word(part: Any) -> str:
    """One step of a path: a key, a place or an attribute."""
    found = [getattr(part, name) for name in ("key", "idx", "name") if hasattr(part, name)]
    return str(found[0])
