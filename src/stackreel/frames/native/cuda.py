"""A graphics card sends the rays: the pool's bricks are mirrored in its memory, and every pixel has a thread.

What the card holds is kept from pass to pass and from frame to frame; what a pass lacks is sent to it first, many
bricks at a time. What the rays have gathered stays there until the engine asks for it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import EngineError
from stackreel.files import format_bytes
from stackreel.frames.native.device import Device, Walk
from stackreel.frames.native.raywise import Raywise, colors_of, mode
from stackreel.kernels import cuda as kernels
from stackreel.kernels.sample import SIDE

STAGED = 32 << 20
"""Bytes of bricks that are sent at a time."""
RESERVE = 512 << 20
"""Bytes of the card's memory left to pictures, tables, and whoever else uses it; or a sixteenth, if that is more."""


def most_memory() -> int:
    """Bytes that bricks may take: what the card has free less a reserve, and no more than half this machine's memory.

    The pool in the machine's own memory is as large as its mirror.
    """
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    free, total = kernels.room()
    return int(min(own, max(0, free - max(RESERVE, total // 16)))) if np.isfinite(free) else own


class Card:
    """A graphics card, and a mirror of a pool (slots, 37³) in its memory.

    processor : draws what this does not: mixtures of several channels
    Raises EngineError when the mirror does not fit.
    """

    def __init__(self, samples: npt.NDArray[Any], processor: Device) -> None:
        self._processor = processor
        capacity = len(samples)
        try:
            self._pool = kernels.device_array(capacity * SIDE**3, samples.dtype)
            several = max(1, min(capacity, STAGED // samples[0].nbytes))
            self._staged = kernels.device_array((several, SIDE**3), samples.dtype)
        except Exception as error:
            raise EngineError(
                f"the graphics card has no room for {format_bytes(samples.nbytes)} of bricks ({error}); give it less "
                "with --memory, or use --device cpu"
            ) from error
        self._waiting = kernels.pinned_array((several, SIDE**3), samples.dtype)
        # which brick of which level every slot of the mirror holds
        self._held = np.full(capacity, -1, np.int64)
        self._taken = kernels.device_array(kernels.COUNTERS, np.int64)
        self._kept: dict[str, tuple[Any, Any]] = {}

    def walk(self, this: Walk) -> int:
        if this.mixture is not None:
            self.finish(this.state)
            return self._processor.walk(this)
        told = Raywise.of(this)
        if len(told.bricks) == 0:
            return 0
        self._send_bricks(this, told)
        which = mode(this)
        limits = this.limits if this.limits.size else np.zeros((1, 1, 2), np.float32)
        colors = self._mirror("colors", this.look, lambda: colors_of(this))
        self._taken.copy_to_device(np.zeros(kernels.COUNTERS, np.int64))
        window = this.window
        wide, tall = window.right - window.left, window.bottom - window.top
        blocks = (-(-wide // kernels.ACROSS), -(-tall // kernels.DOWN))
        kernels.walker(*which)[blocks, (kernels.ACROSS, kernels.DOWN)](
            self._mirror("state", this.state),
            self._mirror("limits", this.limits, lambda: limits),
            *(kernels.to_device(part) for part in (told.numbers, told.whole, told.table, told.slots, told.bits)),
            self._pool,
            colors,
            self._mirror("openness", this.around[0]),
            self._mirror("relief", this.relief[0]),
            self._taken,
        )
        return int(self._taken.copy_to_host().sum())

    def finish(self, state: npt.NDArray[np.float32]) -> None:
        """Bring back what the rays have gathered; what is done to `state` then, the next walk knows of."""
        kept, mirror = self._kept.pop("state", (None, None))
        self._kept.pop("limits", None)
        if kept is state:
            mirror.copy_to_host(state)

    def close(self) -> None:
        self._kept.clear()
        del self._pool, self._staged, self._waiting, self._taken

    def _mirror(self, name: str, of: Any, made: Any = None) -> Any:
        """An array in the card's memory, sent when `of` is another object than the last time."""
        if name not in self._kept or self._kept[name][0] is not of:
            self._kept.pop(name, None)
            self._kept[name] = of, kernels.to_device(np.ascontiguousarray(made() if made else of))
        return self._kept[name][1]

    def _send_bricks(self, this: Walk, told: Raywise) -> None:
        names = (np.int64(this.planes.shell.level) << 40) + told.bricks
        lacking = self._held[told.slots] != names
        slots = told.slots[lacking]
        several = len(self._waiting)
        self._held[slots] = -1
        for first in range(0, len(slots), several):
            some = slots[first : first + several]
            np.take(this.samples, some, axis=0, out=self._waiting[: len(some)], mode="clip")
            self._staged[: len(some)].copy_to_device(self._waiting[: len(some)])
            kernels.placer()[len(some), 256](self._staged, kernels.to_device(some.astype(np.int64)), self._pool)
        self._held[slots] = names[lacking]
