"""Ctrl-C and the end of a job's time wait until HDF5 has done what it is at.

HDF5 calls back into Python when it writes. An exception that a signal raised there would pass through HDF5's own code,
which can't be left in the middle.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

_SIGNALS = tuple(s for s in (signal.SIGINT, getattr(signal, "SIGTERM", None)) if s is not None)
_held = False


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """For a block of at most seconds: a signal that comes meanwhile is acted upon at its end. May be nested."""
    global _held
    if _held or threading.current_thread() is not threading.main_thread():
        yield  # other threads never see signals
        return
    came: list[int] = []

    def note(number: int, _frame: Any) -> None:
        came.append(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _held = True
    for number in _SIGNALS:
        if callable(before[number]):  # others end the process, or are ignored
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
        _held = False
        for number in came[:1]:
            os.kill(os.getpid(), number)
