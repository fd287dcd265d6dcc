"""Scripts run by ParaView's own Python, which may draw: an X server in memory is started where there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stackreel.paraview.finding import display

from .conftest import find_pvpython


def run_pvpython(script: Path, *arguments: str | Path) -> str:
    """What the script prints; it must end well. Without pvpython: a failure in CI, a skip elsewhere."""
    command = [find_pvpython(), str(script), *map(str, arguments)]
    with screen() as shown:
        environment = {**os.environ, **shown}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def screen() -> Iterator[dict[str, str]]:
    """Environment variables that lead to a display: the one that is there, or one in memory with a free number."""
    xvfb = shutil.which("Xvfb")
    if display().server is not None or xvfb is None:
        yield {}
        return
    # without -noreset, it is not to be reached for a moment whenever its last window has closed
    arguments = ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen([xvfb, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        number = server.stdout.readline().strip()
        assert number, "Xvfb did not start"
        yield {"DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait(timeout=30)
