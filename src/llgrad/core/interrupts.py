"""Ctrl-C in what takes long: a script ends, and what there was until then is not lost."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run, a fit, a sweep or a training, and `result` is what there was until then, or the best so far.

    It is a KeyboardInterrupt, so a script that does one run after the other ends with the first. (A `progress` function
    that raises KeyboardInterrupt asks for what there is: the call returns it, and the script goes on.)

    >>> import signal
    >>> import llgrad as lg
    >>> def press(told):
    ...     if 0 < told["fraction"] < 1:
    ...         signal.raise_signal(signal.SIGINT)
    >>> try:
    ...     run = lg.simulate(lg.presets.kubota2013(), duration=20e-6, dt=1e-12, save=lg.Every(1000), progress=press)
    ... except lg.solvers.Interrupted as stop:
    ...     run = stop.result
    >>> lg.solvers.Outcome(int(run.status.code)).name, bool(0 < run.t[-1] < 20e-6)
    ('INTERRUPTED', True)
    """

    def __init__(self, result: Any):
        """`result` is what the call would have given."""
        super().__init__("what there was is this exception's result; in a session: sys.last_value.result")
        self.result = result


@contextlib.contextmanager
def listening() -> Iterator[threading.Event]:
    """While the block runs, Ctrl-C raises KeyboardInterrupt as always, and is noted in the event.

    Only the main thread hears signals; in another one, and where a program has a handler of its own, nothing is noted.
    """
    heard = threading.Event()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield heard
        return

    def hear(number: int, frame: Any) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ends_at_ctrl_c(function: Function) -> Function:
    """A function that gives what it has where KeyboardInterrupt comes: of Ctrl-C it raises Interrupted with that."""

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        with listening() as heard:
            result = function(*arguments, **named)
        if heard.is_set():
            raise Interrupted(result)
        return result

    return called  # type: ignore[return-value]
