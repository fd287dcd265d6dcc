"""What people type on the command line, read as values; argparse shows the message when it cannot be."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

_CLOCK = re.compile(r"(?:(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*s?")
_BYTES = re.compile(r"(\d+(?:\.\d*)?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
_RANGE = re.compile(r"(\d*):(\d*)")


def seconds(text: str) -> float:
    """A moment in the movie: "3.2s", "3.2", "1:03.5" → seconds."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ArgumentTypeError(f'"{text}" is not a time; write 3.2s, 3.2 or 1:03.5')
    return 60.0 * int(match[1] or 0) + float(match[2])


def byte_count(text: str) -> int:
    """An amount of memory: "4G", "512M", "1.5 GiB" → bytes. k, M, G, T count in 1024s, as memory does."""
    match = _BYTES.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ArgumentTypeError(f'"{text}" is not an amount of memory; write 4G or 512M')
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))


def frame_range(text: str) -> slice:
    """Frames to shoot, the first and the one after the last: "100:200", ":50", "300:"."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise ArgumentTypeError(f'"{text}" is not a range of frames; write 100:200, :50 or 300:')
    return slice(int(match[1]) if match[1] else None, int(match[2]) if match[2] else None)


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.strip().isdigit() or int(text) < 1:
        raise ArgumentTypeError(f'"{text}" is not a whole number from 1 on')
    return int(text)
