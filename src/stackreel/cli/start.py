"""A quick start and a quick end, for commands that load much and may do little.

Python looks through everything that it has loaded for garbage, while it loads and again when it ends. Modules are no
garbage: leaving them out saves a fifth of a second.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """For a block of imports: what they load is never looked through for garbage."""
    # NumPy's linear algebra would start threads that only spin
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def end_at_once() -> None:
    """Have the end of this process take nothing apart that the system frees anyway."""
    atexit.register(gc.freeze)
