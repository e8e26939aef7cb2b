"""The branches of the devices that were looked at last: a search comes back to its best ones again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

MOST: Final = 32


class BranchMemory:
    """What was found for parameters of a recording, the last ones of them."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, Any] = OrderedDict()

    def of_each(self, values: Sequence[np.ndarray], find: Callable[[list[np.ndarray]], list[Any]]) -> list[Any]:
        """What is known of each of some sets of parameters, or is found for those of which nothing is."""
        keys = [one.tobytes() for one in values]
        wanted = {key: one for key, one in zip(keys, values, strict=True) if key not in self._found}
        if wanted:
            self._found.update(zip(wanted, find(list(wanted.values())), strict=True))
        answers = [self._found[key] for key in keys]
        for key in keys:
            self._found.move_to_end(key)
        while len(self._found) > MOST:
            self._found.popitem(last=False)
        return answers
