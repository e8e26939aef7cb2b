"""A refusal in place of a hang: JAX cannot run in a process forked from one in which it had run.

Its threads do not live in the child, and what they would have done never happens. A child forked before JAX's first run
is sound, and so is one that was spawned.
"""

from __future__ import annotations

import os
from typing import Any, Final

try:
    # Not public. Without it a forked child hangs in JAX, as it does without this library.
    from jax._src.xla_bridge import backends_are_initialized as _jax_has_run
except ImportError:

    def _jax_has_run() -> bool:
        return False


class ForkedProcess(RuntimeError):
    """This process was forked from one in which JAX had run, so that no computation would ever end."""


_BROKEN: Final[dict[str, Any]] = {"child": False}


def _after_fork() -> None:
    _BROKEN["child"] = _BROKEN["child"] or _jax_has_run()


def check_process() -> None:
    """Raise ForkedProcess in a process forked after JAX had run."""
    if _BROKEN["child"]:
        raise ForkedProcess(
            "this process was forked from one in which JAX had run, and its computations would hang here: start "
            'workers with multiprocessing.get_context("spawn"), or fork before the first computation'
        )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
