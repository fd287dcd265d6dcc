"""Which device draws: the processor, or a graphics card where one answers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy.typing as npt

from stackreel.errors import EngineError
from stackreel.frames.native.device import Device, Processor

DEVICES = ("auto", "cpu", "cuda")


def chosen(device: str) -> str:
    """What draws, "cpu" or "cuda", when `device` of DEVICES is asked for.

    auto is a graphics card when stackreel[cuda] is installed and one answers, else the processor.
    Raises EngineError when it has to be a graphics card and there is none.
    """
    if device not in DEVICES:
        raise EngineError(f'there is no device "{device}"; there are {", ".join(DEVICES)}')
    if device == "cpu" or (device == "auto" and find_spec("numba_cuda") is None):
        return "cpu"
    why = _missing()
    if why is None:
        return "cuda"
    if device == "auto":
        return "cpu"
    raise EngineError(f"--device cuda: {why}. Or use --device cpu, which draws the same pictures")


def _missing() -> str | None:
    try:
        from stackreel.kernels import cuda
    except ImportError as error:
        return f"Numba-CUDA cannot be loaded ({error}): pip install 'stackreel[cuda]'"
    return cuda.missing()


def memory_of(device: str, asked: int | None) -> int:
    """Bytes that bricks may take: as asked, but no more than a graphics card has room for.

    When nothing is asked: a quarter of the machine's memory; with a graphics card all of that room.
    """
    if device == "cuda":
        from stackreel.frames.native.cuda import most_memory

        most = most_memory()
        return most if asked is None else min(asked, most)
    return default_memory() if asked is None else asked


def default_memory() -> int:
    """A quarter of this machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


def open_device(device: str, samples: npt.NDArray[Any], threads: ThreadPoolExecutor) -> Device:
    """The device, ready to walk rays through a pool (slots, 37³)."""
    if device == "cuda":
        from stackreel.frames.native.cuda import Card

        return Card(samples, Processor(threads))
    return Processor(threads)
