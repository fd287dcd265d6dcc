"""Really opening files in ParaView, in processes of their own, and what came of it.

A reader that cannot read a file may say so, leave the array out, show zeros, end ParaView, or fill the memory until
the machine stands still. So each is tried in a pvpython that may take only so much memory and time, and that is gone
afterwards whatever it did. Nothing is drawn, and no display is needed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackreel.errors import EngineError
from stackreel.geometry import Index3
from stackreel.paraview.finding import Installation, environment

READERS = ("Xdmf2", "Xdmf3", "VTKHDF")

_INSIDE = Path(__file__).with_name("inside.py")
_KILLED = 9  # what Linux does to programs for which there is no memory left
_MARK = re.compile(r"\n@stackreel begins (\d+)\n")
_EMPTY = ("Loguru", "Stack trace", "@stackreel", "(")  # lines that tell nothing
Box = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Abilities:
    """What a ParaView is made of.

    readers : of READERS, those that it has
    windows : what it can draw into: "EGL", "OSMesa", "X", "Windows", "macOS"; "X" alone needs a display
    mpi     : built with MPI; rays : can draw with OSPRay
    python, numpy, hdf5 : versions of what is inside; "" where it does not tell
    filters : numbers of the HDF5 filters that it can undo, of those that were asked for; None where it does not tell
    """

    readers: tuple[str, ...]
    windows: tuple[str, ...]
    mpi: bool
    rays: bool
    python: str
    numpy: str
    hdf5: str
    filters: frozenset[int] | None


@dataclass(frozen=True)
class Job:
    """A file to open with a reader, and the places (z, y, x) whose samples are asked for.

    reader : of READERS; "" for the one that File > Open chooses
    boxes  : read only these, (z0, z1, y0, y1, x0, x1), one after the other, where the reader can; () for all of it
    array  : its name; "" for the first
    """

    file: Path
    reader: str
    places: Sequence[Index3]
    boxes: Sequence[Box] = ()
    array: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    how     : "read"; "error", a reader's refusal; "ended", where ParaView itself did; "timeout"; "memory"
    reader  : that was used; chosen : that File > Open chooses for such a file, "" where that is not known
    arrays : that it found; shape : (z, y, x); dtype : of the samples
    samples : place → value or, where a sample has several components, list of values
    said    : what it printed meanwhile, all of it
    seconds : it took; took : bytes of memory that opening the file took, as far as that is known
    """

    job: Job
    how: str
    reader: str = ""
    chosen: str = ""
    arrays: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = ""
    samples: dict[Index3, Any] = field(default_factory=dict)
    said: str = ""
    seconds: float = 0.0
    took: int = 0

    @property
    def reason(self) -> str:
        """The one line of all that was printed that tells most; "" when nothing was."""
        return root_of(self.said)


def ask(paraview: Installation, filters: Sequence[int] = (), *, seconds: float = 60.0) -> Abilities:
    """What a ParaView is made of. filters : numbers of HDF5 filters to ask for

    Raises EngineError when it does not start.
    """
    answers, said, how = _run(paraview, {"do": "ask", "filters": list(filters)}, seconds)
    if not answers:
        why = root_of(said) or {"timeout": f"no answer within {seconds:g} s"}.get(how, "it ends at once")
        raise EngineError(f"{paraview.pvpython or paraview.pvbatch} does not start: {why}")
    (found,) = answers
    return Abilities(
        tuple(found["readers"]),
        tuple(found["windows"]),
        bool(found["mpi"]),
        bool(found["rays"]),
        found["python"],
        found["numpy"],
        found["hdf5"],
        frozenset(found["filters"]) if found["hdf5"] else None,
    )


def try_all(
    paraview: Installation, jobs: Sequence[Job], *, seconds: float = 120.0, memory: int | None = None
) -> list[Outcome]:
    """Open the files one after the other; what came of each, in the same order.

    seconds : for each, on average; memory : bytes that all of them together may take, where the system can limit that
    What follows a job at which ParaView ended is tried in a new one.
    """
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < len(jobs):
        left = [number for number in range(len(jobs)) if number not in outcomes]
        task = {"do": "open", "memory": memory, "jobs": [(number, _plain(jobs[number])) for number in left]}
        answers, said, how = _run(paraview, task, seconds * len(left))
        told = _by_job(said)
        chosen = {answer["begins"]: answer["chosen"] for answer in answers if "chosen" in answer}
        for answer in answers:
            if (number := answer.get("number")) is not None:
                outcomes[number] = _outcome(jobs[number], answer, chosen.get(number, ""), told.get(number, ""))
        if not any(number in outcomes for number in left) or how != "ended well":
            lost = next((answer["begins"] for answer in reversed(answers) if "begins" in answer), left[0])
            lost = lost if lost not in outcomes else next((n for n in left if n not in outcomes), None)
            if lost is not None:
                text = told.get(lost, said)
                why = _out_of_memory(text) or how
                outcomes[lost] = Outcome(jobs[lost], why, jobs[lost].reader, chosen.get(lost, ""), said=text)
    return [outcomes[number] for number in range(len(jobs))]


def root_of(said: str) -> str:
    """The line of a reader's output that tells most: where HDF5's first stack of errors began, or the first error."""
    for stack in re.split(r"HDF5-DIAG", said)[1:]:
        causes = re.findall(r"^\s+#\d+: .*?\(\): (.+)$", stack, re.MULTILINE)
        if causes:
            return f"HDF5: {causes[-1].strip()}"
    for pattern in (
        r"XDMF Error in .*?\((.+)\)\s*$",
        r"\bERR\| *(?:\w+ \(0x[0-9a-f]+\): *)?(.+?)(?:\x1b\[0m)?$",
        r"what\(\): *(.+)$",
        r"^(\w*Error: .+)$",
    ):
        for found in re.finditer(pattern, said, re.MULTILINE):
            if "returned failure for request" not in found[1]:
                return found[1].strip()
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()]
    return next((line for line in lines if line and not line.startswith(_EMPTY)), "")


def _plain(job: Job) -> dict[str, Any]:
    return {
        "file": str(job.file.absolute()),
        "reader": job.reader,
        "places": [[int(n) for n in place] for place in job.places],
        "boxes": [[int(n) for n in box] for box in job.boxes],
        "array": job.array,
    }


def _outcome(job: Job, answer: dict[str, Any], chosen: str, said: str) -> Outcome:
    if "error" in answer:
        how = _out_of_memory(answer["error"] + said) or "error"
        return Outcome(job, how, job.reader, chosen, said=f"{said}\n{answer['error']}", seconds=answer["seconds"])
    if not answer["values"] and (how := _out_of_memory(said)):
        return Outcome(job, how, answer["reader"], chosen, said=said, seconds=answer["seconds"])
    samples = {(z, y, x): value for (z, y, x), value in zip(answer["places"], answer["values"], strict=True)}
    return Outcome(
        job,
        "read",
        answer["reader"],
        chosen,
        tuple(answer["arrays"]),
        tuple(answer["shape"]),
        answer["dtype"],
        samples,
        said,
        answer["seconds"],
        answer["took"],
    )


def _out_of_memory(said: str) -> str:
    marks = ("bad_alloc", "Cannot allocate memory", "Unable to allocate", "MemoryError", "memory allocation failed")
    return "memory" if any(mark in said for mark in marks) else ""


def _by_job(said: str) -> dict[int, str]:
    parts = _MARK.split(said)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def _run(paraview: Installation, task: dict[str, Any], seconds: float) -> tuple[list[dict[str, Any]], str, str]:
    """Its answers, all that was printed, and "ended well", "ended", "timeout" or "memory"."""
    program = paraview.pvpython or paraview.pvbatch
    if program is None:
        raise EngineError(f"{paraview.folder}: this ParaView has neither pvpython nor pvbatch, which run scripts")
    with tempfile.TemporaryDirectory(prefix="stackreel-") as name:
        folder = Path(name)
        shutil.copy(_INSIDE, folder / "inside.py")  # away from modules that its Python might take for others
        (folder / "task.json").write_text(json.dumps(task))
        command = [str(program), str(folder / "inside.py"), str(folder / "task.json"), str(folder / "answers")]
        with (folder / "said").open("wb") as said, _started(command, folder, said) as process:
            try:
                code = process.wait(seconds)
                how = "ended well" if code == 0 else "memory" if code == -_KILLED else "ended"
            except subprocess.TimeoutExpired:
                how = "timeout"
        return _answers(folder / "answers"), (folder / "said").read_text(errors="replace"), how


@contextlib.contextmanager
def _started(command: list[str], folder: Path, said: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The program in a process group of its own, of which nothing is left afterwards."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{command[0]} does not start: {error.strerror or error}") from error
    try:
        yield process
    finally:
        if os.name == "nt":
            process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(file: Path) -> list[dict[str, Any]]:
    """The lines that were written whole."""
    answers = []
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        for line in file.read_text().splitlines():
            answers.append(json.loads(line))
    return answers
