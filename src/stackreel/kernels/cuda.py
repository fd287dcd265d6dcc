"""The kernels for a graphics card: `rays.ray` for all pixels at once. The one module that knows the CUDA compiler.

Numba-CUDA compiles it, or, with NUMBA_ENABLE_CUDASIM=1, its simulator runs it as plain Python: thousands of times
slower, for tests.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from numba import config, cuda

from stackreel.kernels.rays import BOTTOM, LEFT, RIGHT, TOP, make

ACROSS, DOWN = 8, 16
"""Pixels of a block of threads."""
COUNTERS = 256
SIMULATED = bool(config.ENABLE_CUDASIM)


def missing() -> str | None:
    """Why nothing can be drawn on a graphics card here, and the way out; None when it can."""
    if SIMULATED:
        return None
    if find_spec("numba_cuda") is None:
        return "Numba-CUDA is not installed: pip install 'stackreel[cuda]'"
    if not cuda.is_available():
        error = cuda.cuda_error()
        why = f" ({' '.join(str(error).split())})" if error else ""
        return f"no graphics card with an NVIDIA driver answers{why}: see what nvidia-smi says"
    return None


def room() -> tuple[float, float]:
    """Free and total memory of the graphics card, in bytes."""
    free, total = cuda.current_context().get_memory_info()
    return free, total


def walk_kernel(shaded, nearest, blend, limited):
    """The function behind a walker, not yet compiled; arguments as in walker."""
    ray = make(cuda.jit(device=True, fastmath=True))

    def walk(state, limits, numbers, whole, table, slots, bits, pool, colors, openness, relief, taken):
        x, y = cuda.grid(2)
        row, column = y + whole[TOP], x + whole[LEFT]
        if row < whole[BOTTOM] and column < whole[RIGHT]:
            count = ray(
                row, column, state, limits, numbers, whole, table, slots, bits, pool, colors, openness, relief,
                shaded, nearest, blend, limited,
            )  # fmt: skip
            cuda.atomic.add(taken, column % COUNTERS, count)

    return walk


@cache
def walker(shaded, nearest, blend, limited):
    """walker(…)[blocks, threads](state, limits, …, relief, taken): rays.ray for every pixel of the window.

    shaded, nearest, blend, limited : as in rays.ray; each combination is compiled for itself
    taken : (COUNTERS,) int64, to which the samples are added
    """
    return cuda.jit(fastmath=True)(walk_kernel(shaded, nearest, blend, limited))


def place_kernel(staged, slots, pool):
    """Copy bricks (n, 37³) into their slots of a pool, one block of threads a brick."""
    brick, size = cuda.blockIdx.x, staged.shape[1]
    base = slots[brick] * size
    for i in range(cuda.threadIdx.x, size, cuda.blockDim.x):
        pool[base + i] = staged[brick, i]


@cache
def placer():
    return cuda.jit(place_kernel)


to_device = cuda.to_device
device_array = cuda.device_array
pinned_array = cuda.pinned_array
