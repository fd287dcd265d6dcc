"""The disk is kept busy while sections are still converted, so that little is left to wait for at the end.

What a program writes is first collected by the operating system, which may well begin to pass it on only when the file
is closed. Here a thread of its own asks for that every 16 MiB, and learns first when the disk refuses.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

STEP_BYTES = 16 << 20

_pass_on = getattr(os, "fdatasync", os.fsync)


class WriteBehind:
    """Passes a growing file on to its disk, in the background: `wrote` what has come to it since.

    file : its path, or, where there are several, a function that passes them on
    Leaving the block waits for what is on its way. Raises OSError, then or at the next `wrote`, when the disk does not
    take it; such an error is told only once by the system, so nobody may ignore it.
    """

    def __init__(self, file: Path | Callable[[], object]) -> None:
        self._file = file
        self._handle = os.open(file, os.O_RDWR) if isinstance(file, Path) else None
        self._pool = ThreadPoolExecutor(1, "stackreel-write-behind")
        self._job: Future[None] | None = None
        self._waiting = 0

    def wrote(self, size: int) -> None:
        self._waiting += size
        if self._waiting >= STEP_BYTES and (self._job is None or self._job.done()):
            if self._job is not None:
                self._job.result()
            self._waiting = 0
            self._job = self._pool.submit(self._pass)

    def _pass(self) -> None:
        if self._handle is not None:
            _pass_on(self._handle)
        elif not isinstance(self._file, Path):
            self._file()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True)
        if self._handle is not None:
            os.close(self._handle)
        if error is None and self._job is not None:
            self._job.result()
