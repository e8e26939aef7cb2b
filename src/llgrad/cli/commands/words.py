"""Words of the command line that are taken as they stand: no library that converts values is loaded for them.

Newer versions of typer convert each value by pydantic, whose import takes a fifth of a simulation. Words of this
command line are strings that its own readers take apart (`2.5mA`), so that hardly any is converted.
"""

from __future__ import annotations

import enum
from typing import Any, Final

PLAIN: Final = (str, int, float, bool)
"""Types whose values stay as they are."""


class PlainWords:
    """A command, or a group of them, whose parameters take values of the type that they ask for as they stand.

    How a parameter converts is no public interface of typer's: where it is another way, nothing is changed.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, that for help among them."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if hasattr(parameter, "get_runtime_param") and getattr(parameter, "_runtime_param", parameter) is None:
                parameter._runtime_param = _AsGiven()
        return found


class _AsGiven:
    """What a parameter asks to convert a value: itself where there is something to convert, as it else would."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command gets it."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if not several and _as_it_stands(value, param.type_descriptor):
            return value
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _as_it_stands(value: Any, described: Any) -> bool:
    """Whether a value is what is asked for: one of a set of names, or a plain one within its bounds."""
    asked, info = described.annotation, described.parameter_info
    if type(value) is not asked or info.parser is not None:
        return False
    if described.is_ranged:
        return (info.min is None or value >= info.min) and (info.max is None or value <= info.max)
    return isinstance(value, enum.Enum) or (asked in PLAIN and not described.is_choice)
