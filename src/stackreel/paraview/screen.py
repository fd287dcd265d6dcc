"""A display in memory for a program that can only draw into windows, and that is gone with whoever needed it."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from stackreel.errors import EngineError

_SECONDS = 20.0
_GUARD = 'folder=$1; shift; Xvfb "$@" & server=$!; read line; kill $server; wait $server; rm -rf "$folder"'
"""Reads from us; when we are gone, however that came, the line ends and the server with it."""


class Screen:
    """An X server in memory (Xvfb), seen by those alone who have `environment`."""

    def __init__(self) -> None:
        """Raises EngineError when there is no Xvfb, or when it does not start."""
        if shutil.which("Xvfb") is None:
            raise EngineError(
                "this ParaView draws only where there is a display, and there is none here: install Xvfb (Debian, "
                "Ubuntu: apt install xvfb), or use a ParaView built for EGL or OSMesa (the headless downloads)"
            )
        self._folder = Path(tempfile.mkdtemp(prefix="stackreel-screen-"))
        keys = self._folder / "Xauthority"
        keys.write_bytes(_key(secrets.token_bytes(16)))
        keys.chmod(0o600)
        told, tells = os.pipe()
        options = ["-displayfd", str(tells), "-screen", "0", "1280x1024x24", "-noreset", "-nolisten", "tcp"]
        try:
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "sh", str(self._folder), *options, "-auth", str(keys)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(tells,),
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        finally:
            os.close(tells)
        number = _line(told)
        if not number:
            self.close()
            raise EngineError(
                "a display in memory was wanted for ParaView, but Xvfb did not start; does `Xvfb :99` work?"
            )
        self.environment = {"DISPLAY": f":{number}", "XAUTHORITY": str(keys)}

    def close(self) -> None:
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        try:
            self._guard.wait(10.0)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _key(cookie: bytes) -> bytes:
    """The content of an Xauthority file: this cookie opens every display."""
    name = b"MIT-MAGIC-COOKIE-1"
    return struct.pack(">HHH", 0xFFFF, 0, 0) + b"".join(struct.pack(">H", len(v)) + v for v in (name, cookie))


def _line(told: int) -> str:
    """What the server writes when it is ready: its number; "" when it never is."""
    said = b""
    try:
        while not said.endswith(b"\n") and select.select([told], [], [], _SECONDS)[0]:
            if not (more := os.read(told, 64)):
                return ""
            said += more
    finally:
        os.close(told)
    return said.decode().strip()
