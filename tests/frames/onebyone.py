"""The renderer's rays walked one by one on the processor: the same pictures by a plainer way."""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.frames.native.raywise import Raywise, colors_of, mode
from stackreel.kernels.rays import BOTTOM, LEFT, RIGHT, TOP, make

ray = make(njit(nogil=True, error_model="numpy"))


@njit(nogil=True)
def walk(
    state, limits, numbers, whole, table, slots, bits, pool, colors, openness, relief, shaded, nearest, blend, limited
):
    taken = 0
    for row in range(whole[TOP], whole[BOTTOM]):
        for column in range(whole[LEFT], whole[RIGHT]):
            taken += ray(
                row, column, state, limits, numbers, whole, table, slots, bits, pool, colors, openness, relief,
                shaded, nearest, blend, limited,
            )  # fmt: skip
    return taken


class OneByOne:
    """A device for a NativeSession: `session.device = OneByOne()`."""

    def __init__(self):
        self.passes = 0

    def walk(self, this):
        self.passes += 1
        told = Raywise.of(this)
        samples = this.samples.reshape(-1)
        return walk(
            this.state, np.ascontiguousarray(this.limits), told.numbers, told.whole, told.table, told.slots, told.bits,
            samples, colors_of(this), this.around[0], this.relief[0], *mode(this),
        )  # fmt: skip

    def finish(self, state):
        pass

    def close(self):
        pass
