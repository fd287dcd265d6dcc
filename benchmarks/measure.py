"""One command as one process: how long it took, what memory it needed; and several commands in turn.

The operating system itself says how much memory a finished process had at its peak. It counts what the process held
before it became the command, so this program stays small: nothing here loads numpy.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class RunError(RuntimeError):
    """A command that could not be measured, with its last words."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process.

    seconds : from its start to its end
    cpu     : seconds of processor time of the process and its children
    peak    : bytes resident at most, of the largest process among it and its children
    """

    seconds: float
    cpu: float
    peak: int


def run(command: Sequence[str], *, watch: bool = False) -> Run:
    """Run a command to its end. Raises RunError with its last lines when it fails or is missing.

    watch : show what it says on stderr, such as its progress
    """
    with tempfile.TemporaryFile() as said:
        begin, err = time.perf_counter(), None if watch else subprocess.STDOUT
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=err)
        except OSError as error:
            raise RunError(f"{command[0]}: {error.strerror}") from error
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-5:]
            raise RunError(f"{os.path.basename(command[0])} ended with {process.returncode}: {' / '.join(last)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def in_turn(contestants: Mapping[str, Callable[[], T]], rounds: int) -> tuple[dict[str, list[T]], dict[str, str]]:
    """Let everybody run once a round, A B C A B C …: the results, and why somebody is missing.

    A round's results belong together: what else the machine did then, it did to all of them.
    """
    results: dict[str, list[T]] = {name: [] for name in contestants}
    missing: dict[str, str] = {}
    for number in range(rounds):
        for name, contestant in contestants.items():
            if name in missing:
                continue
            say(f"round {number + 1} of {rounds}: {name}")
            try:
                results[name].append(contestant())
            except RunError as error:
                missing[name] = str(error)
                del results[name]
                say(f"  not measured: {error}")
    return results, missing


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times as long as ours theirs takes: the median over the rounds; above 1, ours is faster."""
    return statistics.median(b / a for a, b in zip(ours, theirs, strict=True))


def settle() -> float:
    """Wait until all that was written so far is on the disk: the seconds it took."""
    begin = time.perf_counter()
    os.sync()
    return time.perf_counter() - begin


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
