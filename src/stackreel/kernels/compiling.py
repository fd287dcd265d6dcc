"""Says so when Numba compiles: the one pause of a first use that nobody would expect.

Compiled code is kept on disk beside the modules, or in the user's cache folder where that cannot be written, and
only loaded from then on.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.core import event


class _Once(event.Listener):  # type: ignore[misc]
    """Calls `say` at the first compilation, and never again."""

    def __init__(self, say: Callable[[], None]) -> None:
        self.say: Callable[[], None] | None = say

    def on_start(self, event: event.Event) -> None:
        if self.say is not None:
            say, self.say = self.say, None
            say()

    def on_end(self, event: event.Event) -> None:
        pass


def when_compiling(say: Callable[[], None]) -> None:
    """Have `say` called once, when and if something is compiled in this process. Loading from the cache is silent."""
    event.register("numba:compile", _Once(say))
