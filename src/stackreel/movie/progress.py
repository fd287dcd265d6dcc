"""How far long work has come: a line on stderr with rate and time left; in a log file, one every half minute."""

from __future__ import annotations

import sys
from typing import Never

from tqdm import tqdm


def frames_bar(total: int, what: str, *, quiet: bool = False) -> tqdm[Never]:
    """A progress bar over so many frames; invisible when there is nothing to do, or quiet."""
    watched = sys.stderr.isatty()
    bar: tqdm[Never] = tqdm(
        total=total,
        unit="frame",
        desc=what,
        disable=quiet or total == 0,
        dynamic_ncols=watched,
        mininterval=0.1 if watched else 30.0,
        smoothing=0.1,
    )
    return bar
