"""ParaView at work in a process of its own, or in several: it is told frames in lines, and answers each with a line.

Whatever happens to it is told in a sentence: a reader that failed, memory that did not suffice, a display that was not
there, a process that does nothing any more. And nothing of it is left behind, however we end.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from stackreel.errors import EngineError
from stackreel.paraview.finding import Installation, Mpi, display, environment, find_mpiexec
from stackreel.paraview.screen import Screen
from stackreel.paraview.trying import ask

MARK = "@stackreel "
PATIENCE = 120.0
"""Seconds without an answer and without any work on the processor after which a process is given up."""
LONGEST = 3600.0
"""Seconds that no frame takes."""

_BUSY = 0.2  # seconds of processor time that count as work
_GUARD = """\
read line
for second in 1 2 3 4 5 6 7 8 9 10; do kill -0 $1 2>/dev/null || break; sleep 1; done
kill $1 2>/dev/null && sleep 5 && kill -9 $1
rm -rf "$2"
"""
"""Reads from us; when we are gone, however that came, what does not end by itself is ended, and its folder removed."""
_HERE = Path(__file__).parent
_MARKS_OF_ERRORS = ("ERR|", "ERROR:", "Error:", "error:")


class Process:
    """One ParaView that draws, from here to `close`.

    size : of the pictures, (width, height)
    processes : started by mpiexec when there are several
    Raises EngineError when it does not start.
    """

    def __init__(self, paraview: Installation, size: tuple[int, int], processes: int = 1) -> None:
        program = _program(paraview, processes)
        self._folder = Path(tempfile.mkdtemp(prefix="stackreel-paraview-", dir=_roomy(size)))
        inside = (_HERE / "player.py", _HERE / "stage.py", *size, self._folder)
        self._screen: Screen | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=400)
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        try:
            self._screen = _screen_for(paraview)
            self._process = subprocess.Popen(
                [*program, *map(str, inside)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment({**_quiet(processes), **(self._screen.environment if self._screen else {})}),
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
            if os.name == "posix":
                guard = ["sh", "-c", _GUARD, "sh", str(self._process.pid), str(self._folder)]
                self._guard = subprocess.Popen(
                    guard,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            assert self._process.stdout is not None
            assert self._process.stderr is not None
            for target, stream in ((self._listen, self._process.stdout), (self._overhear, self._process.stderr)):
                threading.Thread(target=target, args=(stream,), daemon=True).start()
            ready = self._answer()
            self.version = str(ready["ready"])
            if ready["processes"] != processes:
                raise EngineError(
                    f"--mpi {processes}: mpiexec started {processes} processes, but ParaView took them for "
                    f"{ready['processes']}; its MPI is another one than mpiexec's. Name the one that it was built with "
                    "first on the PATH, or leave --mpi out"
                )
        except BaseException:
            self.close()
            raise

    def draw(self, state: dict[str, Any], transparent: bool) -> tuple[bytes, dict[str, Any]]:
        """The picture of a state, as `Stage.pixels` gives it, and what was told with it."""
        picture = self._folder / "picture"
        task = {"state": state, "picture": str(picture), "transparent": transparent}
        assert self._process is not None
        assert self._process.stdin is not None
        self._said.clear()
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        answer = self._answer()
        return picture.read_bytes(), answer

    def close(self) -> None:
        """End it, and everything that was started for it."""
        process = self._process
        if process is not None:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:
                self._kill(process)
            _kill_session(process.pid)
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
        if self._screen is not None:
            self._screen.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        for end in (process.terminate, process.kill):
            with contextlib.suppress(OSError):
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3.0)
                return

    def _answer(self) -> dict[str, Any]:
        """The next answer; EngineError when there is none."""
        assert self._process is not None
        begun = worked = time.monotonic()
        effort = _effort(self._process.pid)
        while True:
            try:
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                now, more = time.monotonic(), _effort(self._process.pid)
                if more is None or effort is None or more > effort + _BUSY:
                    worked, effort = now, more
                if now - worked > PATIENCE or now - begun > LONGEST:
                    raise EngineError(
                        f"ParaView has not answered for {now - begun:.0f} s and does nothing; it was ended"
                        f"{_because(self._last_words())}. The same command goes on with the frames that are missing"
                    ) from None
                continue
            if answer is None:
                raise self._ended()
            if "error" in answer:
                raise EngineError(
                    f"ParaView could not draw this frame: {answer['error']}{_because(self._last_words())}"
                )
            return answer

    def _ended(self) -> EngineError:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        code = self._process.returncode
        how = "ended" if code is None or code >= 0 else f"was ended by {signal.Signals(-code).name}"
        time.sleep(0.2)  # for its last words
        words = "\n".join(self._said)
        if re.search(r"bad_alloc|[Oo]ut of memory|Cannot allocate|failed to allocate|Unable to allocate", words) or (
            code == -signal.SIGKILL
        ):
            return EngineError(
                f"ParaView {how}, most likely since the memory did not suffice; give it less to hold "
                "(--memory), or use --engine native, which draws in any memory"
            )
        if re.search(r"bad X server|X server connection|Could not find a decent|DISPLAY|GLX|EGL", words):
            return EngineError(
                f"ParaView {how}: it could not open a display{_because(self._last_words())}. `stackreel doctor` tells "
                "what this machine has"
            )
        return EngineError(f"ParaView {how} without an answer{_because(self._last_words())}")

    def _last_words(self) -> str:
        """What it printed that may be the cause: its errors' own text, the last one."""
        lines = [_plain(line) for line in list(self._said)]
        marked = [line for line in lines if any(mark in line for mark in _MARKS_OF_ERRORS)]
        if not marked:
            return next((line for line in reversed(lines) if line), "")
        return re.sub(r"^.*?(ERR\||ERROR:|[Ee]rror:)\s*", "", marked[-1]).strip()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                text = line.decode(errors="replace").strip()
                if text.startswith(MARK):
                    self._answers.put(json.loads(text[len(MARK) :]))
                elif text:
                    self._said.append(text)
        self._answers.put(None)

    def _overhear(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                if text := line.decode(errors="replace").rstrip():
                    self._said.append(text)


def _program(paraview: Installation, processes: int) -> list[str]:
    """How ParaView is started."""
    if processes == 1:
        program = paraview.pvpython or paraview.pvbatch
        if program is None:
            raise EngineError(f"{paraview.folder}: ParaView without pvpython or pvbatch cannot be told what to draw")
        return [str(program), "--force-offscreen-rendering"]
    if paraview.pvbatch is None:
        raise EngineError(f"{paraview.folder}: this ParaView has no pvbatch, which --mpi needs; leave --mpi out")
    mpi = find_mpiexec()
    if mpi is None:
        raise EngineError(f"--mpi {processes}: there is no mpiexec on the PATH; install MPI, or leave --mpi out")
    return [*_start(mpi, processes), str(paraview.pvbatch), "--sym", "--force-offscreen-rendering"]


def _start(mpi: Mpi, processes: int) -> list[str]:
    command = [str(mpi.mpiexec), "-n", str(processes)]
    if mpi.flavour == "Open MPI":
        command.append("--oversubscribe")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-run-as-root")
    return command


def _quiet(processes: int) -> dict[str, str]:
    """What keeps MPI from filling the processor while it waits, and from warnings that concern nobody."""
    if processes == 1:
        return {}
    return {"OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


def _screen_for(paraview: Installation) -> Screen | None:
    """A display in memory, where ParaView needs one and there is none."""
    if sys.platform != "linux" or display().server is not None:
        return None
    return None if {"EGL", "OSMesa"} & set(ask(paraview).windows) else Screen()


def _roomy(size: tuple[int, int]) -> str | None:
    """Where a picture on its way is best kept: in memory, where that can be had."""
    shared = Path("/dev/shm")
    with contextlib.suppress(OSError):
        if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 8 * 4 * size[0] * size[1]:
            return str(shared)
    return None


def _because(words: str) -> str:
    return f" ({words})" if words else ""


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line).strip()


def _in_session(session: int) -> Iterator[tuple[int, list[str]]]:
    """The processes of a session, and what /proc tells of each; nothing where there is no /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                yield int(folder.name), fields


def _effort(session: int) -> float | None:
    """Seconds of processor time that a session's processes have taken; None where that is not told."""
    if not Path("/proc/self/stat").exists():
        return None
    return sum(int(f[11]) + int(f[12]) for _, f in _in_session(session)) / os.sysconf("SC_CLK_TCK")


def _kill_session(session: int) -> None:
    """Whatever is left of a session of ours."""
    for pid, _ in list(_in_session(session)):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
