"""Several channels as the renderer keeps them: planes of one mixed volume, whose bricks lie in the same slots.

A plane is a channel's values, or, where angles give colours, the unit vectors of the doubled angle, two small numbers a
sample. Only the planes that a movie shows are read. All of them are held and given up together, so that one slot and
one offset find the same place in every channel.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import EngineError
from stackreel.frames.native.books import Books, Filling, pool_dtype
from stackreel.frames.native.occlusion import coarse_values
from stackreel.frames.native.plan import brick_grid
from stackreel.frames.native.pool import MARGIN, BrickPool, for_each, untouched
from stackreel.frames.native.tables import LookUp, extinctions, look_up, opacity_alone, packed, values_over
from stackreel.geometry import Index3, Placement
from stackreel.kernels import bricks as kernels
from stackreel.kernels import layers as kernel
from stackreel.kernels.sample import CELLS, SIDE
from stackreel.scene import TransferFunction
from stackreel.volume import Level, Volume

ANGLES = 1024
MOST_LABELS = 65_536
ALIGNED = 64
KINDS = {np.dtype(t): i for i, t in enumerate((np.uint8, np.int8, np.uint16, np.int16, np.float32))}

Need = tuple[str, bool]
"""A channel's name, and whether it is needed as vectors."""


@dataclass(frozen=True)
class Plane:
    """A channel as it is kept: its values, or the vectors of its angles."""

    name: str
    volume: Volume
    vector: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that samples are kept in; the two numbers of a vector are kept as one."""
        return np.dtype(np.int16) if self.vector else pool_dtype(self.volume.dtype)

    @property
    def offset(self) -> float:
        """To be added to samples to get values."""
        return 0.0 if self.vector or self.dtype == self.volume.dtype else self.volume.value_range[0]

    @property
    def nearest(self) -> bool:
        return not self.vector and self.volume.kind != "intensity"

    @property
    def zero(self) -> Any:
        """How the value 0, of which nothing is stored, is kept."""
        return self.kept(np.zeros(1, self.volume.dtype))[0]

    def kept(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values as the pool keeps them."""
        if values.dtype.kind == "f":
            # statistics say so too: what is no finite number counts as the lowest value
            low = self.volume.value_range[0]
            missing = np.nan_to_num(values, nan=low, posinf=low, neginf=low)
            return self._vectors(values) if self.vector else (missing - np.float64(self.offset)).astype(self.dtype)
        if self.vector:
            return (
                self._table[values.astype(np.int64) - self._first]
                if values.dtype.itemsize < 4
                else self._vectors(values)
            )
        return values if values.dtype == self.dtype else (values - np.float64(self.offset)).astype(self.dtype)

    @cached_property
    def _first(self) -> int:
        return int(np.iinfo(self.volume.dtype).min)

    @cached_property
    def _table(self) -> npt.NDArray[np.int16]:
        info = np.iinfo(self.volume.dtype)
        return self._vectors(np.arange(info.min, info.max + 1))

    def _vectors(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Unit vectors of angles, both numbers in one; zero where there is no direction."""
        some = np.isfinite(values) & (values != self.volume.background)
        turn = 2.0 * np.pi / period_of(self.volume) * np.where(some, values, 0.0).astype(np.float64)
        both = np.rint(np.stack([np.cos(turn), np.sin(turn)], axis=-1) * kernel.UNIT).astype(np.int8)
        both[~some] = 0
        return both.view(np.int16)[..., 0]


def period_of(volume: Volume) -> float:
    low, high = volume.value_range
    return volume.period or max(high - low, 1e-30)


TableOf = Callable[[TransferFunction, int, Plane], tuple[npt.NDArray[np.float64], float, float]]


class MixedLevel:
    """The planes of one level: a chunk is a tuple of the planes' chunks, None where one is all zero."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self.levels, first = tuple(levels), levels[0]
        self.index, self.shape, self.factors, self.placement = first.index, first.shape, first.factors, first.placement
        self.chunk, self.dataset, self.stored_bytes = first.chunk, first.dataset, sum(v.stored_bytes for v in levels)
        self.dtype = np.dtype([(f"f{i}", level.dtype) for i, level in enumerate(levels)])

    index: int
    shape: Index3
    factors: Index3
    placement: Placement
    chunk: Index3

    @property
    def bytes_read(self) -> int:
        return sum(level.bytes_read for level in self.levels)

    def summary(self) -> Any:
        return self.levels[0].summary()

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        total = np.array(self.levels[0].stored_chunks())
        for level in self.levels[1:]:
            # chunks of another size are not told apart
            sizes = level.stored_chunks()
            total += sizes if level.chunk == self.chunk else -(-int(sizes.sum()) // total.size)
        return total

    def read_chunk(self, index: Index3) -> Any:
        found = tuple(self._part(level, index) for level in self.levels)
        return None if all(part is None for part in found) else found

    def _part(self, level: Level, index: Index3) -> npt.NDArray[Any] | None:
        if level.chunk == self.chunk:
            return level.read_chunk(index)
        z, y, x = (slice(i * c, min(i * c + c, n)) for i, c, n in zip(index, self.chunk, self.shape, strict=True))
        return level.read((z, y, x))

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        return self.levels[0].read(box)


@dataclass(frozen=True)
class Mixed(Volume):
    """Planes of several channels as one volume."""

    planes: tuple[Plane, ...] = ()

    def number(self, need: Need) -> int:
        """Which plane that is; -1 where it is not among them."""
        return next((i for i, p in enumerate(self.planes) if (p.name, p.vector) == need), -1)


def needs_of_layers(layers: Iterable[TransferFunction], volume: Volume) -> frozenset[Need]:
    """The planes that such layers show."""
    return frozenset(need for layer in layers for need in _needs(layer, volume) if need is not None)


def _needs(layer: TransferFunction, volume: Volume) -> tuple[Need, Need | None, Need]:
    """For extinction, mask and colour."""
    own, hue = (volume.channel(name).kind == "axial" for name in (layer.channel, layer.color_channel))
    return (layer.channel, own), (layer.mask_channel, False) if layer.mask else None, (layer.color_channel, hue)


def with_channels(volume: Volume) -> Volume:
    """A volume of several channels, or one that stands alone as the only channel of itself."""
    return volume if volume.channels else replace(volume, channels={"": volume})


def mixed(volume: Volume, needs: Iterable[Need]) -> Mixed:
    """Those planes of a volume's channels as one. EngineError for more labels than can be told apart."""
    planes = tuple(Plane(name, volume.channel(name), vector) for name, vector in sorted(needs))
    for plane in planes:
        low, high = plane.volume.value_range
        if plane.nearest and high - low > MOST_LABELS:
            raise EngineError(
                f"{plane.volume.path}: {plane.volume.kind} values run from {low:.0f} to {high:.0f}; up to "
                f"{MOST_LABELS} can be told apart. Renumber them, or convert with --kind intensity"
            )
    levels = [MixedLevel([p.volume.levels[k] for p in planes]) for k in range(len(volume.levels))]
    said: dict[str, Any] = {f.name: getattr(volume, f.name) for f in fields(Volume)}
    said |= {"levels": tuple(levels), "dtype": np.dtype([(f"f{i}", p.dtype) for i, p in enumerate(planes)])}
    return Mixed(**said, planes=planes)


class MixedPool(BrickPool):
    """Slots for the bricks of all planes: the same brick of each lies in the same slot.

    views     : the whole pool as uint8, int8, uint16, int16 and float32
    planes    : per plane, (slots, 37³) samples as they are kept
    low, high : per plane, (slots, 64) range of every 8³ cell
    """

    def __init__(self, volume: Mixed, books: Books, threads: Executor) -> None:
        self.volume, self.books, self.capacity = volume, books, books.capacity
        self.mixed, self.offset, self.slots, self._threads = volume, 0.0, books.slots, threads
        begins, size = [], 0
        for plane in volume.planes:
            begins.append(size)
            size += -(-self.capacity * SIDE**3 * plane.dtype.itemsize // ALIGNED) * ALIGNED
        self._begins = (*begins, size)
        self._memory = untouched(size + MARGIN)
        self.buffer = np.frombuffer(self._memory, np.uint8)
        books.given_up = self._give_back
        self.views = tuple(self.buffer.view(dtype) for dtype in KINDS)
        self.samples = self.views[0]
        self.planes = [self._part(begin, plane.dtype) for begin, plane in zip(begins, volume.planes, strict=True)]
        self.lows = [np.empty((self.capacity, CELLS**3), plane.dtype) for plane in volume.planes]
        self.highs = [np.empty_like(low) for low in self.lows]
        self.channels = np.array(
            [
                (kernel.VECTOR, begin, 0)
                if plane.vector
                else (KINDS[plane.dtype], begin // plane.dtype.itemsize, plane.nearest)
                for begin, plane in zip(begins, volume.planes, strict=True)
            ],
            np.int64,
        )

    def _give_back(self, limit: int) -> None:
        """The slots from `limit` on are not used at present: the memory behind them is free for other things."""
        if not hasattr(mmap, "MADV_DONTNEED"):
            return
        page = mmap.PAGESIZE
        for begin, end, plane in zip(self._begins, self._begins[1:], self.mixed.planes, strict=False):
            start = -(-(begin + limit * SIDE**3 * plane.dtype.itemsize) // page) * page
            stop = end // page * page
            if start < stop:
                self._memory.madvise(mmap.MADV_DONTNEED, start, stop - start)

    def _part(self, begin: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        count = self.capacity * SIDE**3
        return self.buffer[begin : begin + count * dtype.itemsize].view(dtype).reshape(self.capacity, SIDE**3)

    def _fill(self, filling: Filling) -> None:
        level, chosen = self.volume.levels[filling.level], filling.slots
        grid = brick_grid(level.shape)
        filled = np.full(grid, -1, np.int32)
        filled.reshape(-1)[filling.bricks] = chosen
        for samples, plane in zip(self.planes, self.mixed.planes, strict=True):
            samples[chosen] = plane.zero
        for_each(self._threads, filling.chunks.tolist(), lambda number: self._scatter(number, filled))
        at = np.stack(np.unravel_index(filling.bricks, grid), axis=1)

        def finish(k: int) -> None:
            z, y, x = (int(v) for v in at[k])
            slot = chosen[k]
            for samples, low, high in zip(self.planes, self.lows, self.highs, strict=True):
                kernels.finish_brick(samples[slot], (z, y, x), level.shape, low[slot], high[slot])

        for_each(self._threads, list(range(len(at))), finish)

    def _scatter(self, number: int, filled: npt.NDArray[np.int32]) -> None:
        chunks: Any = self.books.chunks.get(number)
        level, index = self.books.chunks.place(number)
        start = tuple(i * c for i, c in zip(index, level.chunk, strict=True))
        for chunk, plane, samples in zip(chunks or (), self.mixed.planes, self.planes, strict=chunks is not None):
            if chunk is not None:
                kernels.scatter(np.ascontiguousarray(plane.kept(chunk)), start, level.shape, filled, samples)


@dataclass(frozen=True)
class Mixture:
    """The layers of a scene as kernels.layers.mix wants them.

    looks : per layer, its table of extinctions over values
    spans : per layer, the span of values over which the opacity rises
    """

    layers: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]
    tables: npt.NDArray[np.uint32]
    looks: tuple[LookUp, ...]
    numbers: tuple[int, ...]
    spans: tuple[float, ...]

    @classmethod
    def of(cls, layers: Sequence[TransferFunction], volume: Mixed, tables_of: TableOf | None = None) -> Mixture:
        """tables_of : makes the tables; `table_of` without."""
        made = tables_of or table_of
        rows, scales, tables, looks, numbers, spans, size = [], [], [], [], [], [], 0
        for layer in layers:
            row, scale, bounds = [], [], []
            for part, need in enumerate(_needs(layer, volume)):
                if need is None:
                    row.append(-1)
                    bounds += [0, 0]
                    scale += [0.0, 1.0]
                    continue
                number = volume.number(need)
                plane = volume.planes[number]
                table, first, per_value = made(layer, part, plane)
                row.append(number)
                bounds += [size, size + len(table)]
                scale += [first - plane.offset, per_value]
                tables.append(table)
                size += len(table)
                if part == kernel.EXTINCTION:
                    look = look_up(opacity_alone(layer), plane.volume)
                    looks.append(_of_vectors(look, table) if plane.vector else look)
                    numbers.append(number)
            rows.append(row + bounds)
            scales.append([*scale, 0.0])
            low, high = layer.opacity_span or volume.channel(layer.channel).value_range
            spans.append(max(high - low, 1e-30))
        return cls(
            np.array(rows, np.int64),
            np.array(scales, np.float64),
            packed(np.concatenate(tables).astype(np.float32)),
            tuple(looks),
            tuple(numbers),
            tuple(spans),
        )

    def for_march(self, pool: MixedPool, noise: float) -> tuple[Any, ...]:
        """All that kernels.march wants to know; noise : difference, as a share of a layer's span, that is none."""
        scales = self.scales.copy()
        scales[:, 6] = [1.0 / (noise * span) for span in self.spans]
        return pool.views, pool.channels, self.layers, scales, self.tables

    def note_cells(self, pool: MixedPool, slots: npt.NDArray[np.int32], cells: npt.NDArray[np.uint64]) -> None:
        """Which parts of the bricks in such slots hold something visible, in any layer."""
        found, one = np.zeros(len(slots), np.uint64), np.zeros(len(cells), np.uint64)
        for look, number in zip(self.looks, self.numbers, strict=True):
            first = look.scale[0] - pool.mixed.planes[number].offset
            kernels.visible_cells(pool.lows[number], pool.highs[number], look.sums, first, look.scale[1], slots, one)
            found |= one[slots]
        cells[slots] = found


def table_of(layer: TransferFunction, part: int, plane: Plane) -> tuple[npt.NDArray[np.float64], float, float]:
    """Entries (n, 4) of colour and extinction or factor; the first entry's value, entries per unit of value."""
    if part == kernel.EXTINCTION:
        look = look_up(opacity_alone(layer), plane.volume)
        if not plane.vector:
            return look.colors.astype(np.float64), float(look.scale[0]), float(look.scale[1])
        entry = np.rint((_some_directions(plane.volume) - look.scale[0]) * look.scale[1]).astype(np.int64)
        return look.colors[np.clip(entry, 0, len(look.colors) - 1)].astype(np.float64), 0.0, float(ANGLES)
    if plane.vector:
        colors = layer.colors_at(_all_around(plane.volume))
        return np.concatenate([colors, np.zeros((len(colors), 1))], axis=1), 0.0, float(ANGLES)
    if part == kernel.MASK:
        values = values_over(plane.volume, plane.volume.value_range)
        rows = np.concatenate([np.zeros((len(values), 3)), layer.mask_at(values)[:, None]], axis=1)
    else:
        whole = layer.color_period is not None or layer.color_span is None
        values = values_over(plane.volume, plane.volume.value_range if whole else layer.color_span or (0.0, 0.0))
        rows = np.concatenate([layer.colors_at(values), np.zeros((len(values), 1))], axis=1)
    return rows, float(values[0]), (len(values) - 1) / float(values[-1] - values[0])


def _all_around(volume: Volume) -> npt.NDArray[np.float64]:
    """The values that directions have, all around their circle from turn 0 to 1, (ANGLES + 1,): 0..180 or -90..90.

    The lowest value may be what is written where there is no direction; then the highest tells which.
    """
    turns, period, (low, high) = np.arange(ANGLES + 1) / ANGLES, period_of(volume), volume.value_range
    signed = low < 0.0 and (low != volume.background or high <= 0.5 * period)
    first = -0.5 * period if signed else 0.0
    return first + np.mod(turns * period - first, period)


def _some_directions(volume: Volume) -> npt.NDArray[np.float64]:
    """The same, and at last the value of no direction: (ANGLES + 2,). No other is so near as to be taken for it.

    Between 255 and 1 of a circle of 256 lies the direction 0, even where 0 is written for none.
    """
    values, none = _all_around(volume), volume.background
    if none is None:
        return np.append(values, values[0])
    apart = 1.0 if volume.dtype.kind in "iu" else 2.0 * period_of(volume) / ANGLES
    near = np.abs(values - none) < apart
    return np.append(np.where(near, none + np.where(values < none, -apart, apart), values), none)


def _of_vectors(look: LookUp, table: npt.NDArray[np.float64]) -> LookUp:
    """Which samples are visible as they are kept: 0 where there is no direction, at least 1 away from it elsewhere."""
    some, none = bool((table[:-1, 3] > 0.0).any()), bool(table[-1, 3] > 0.0)
    seen = np.array([some, *[none] * 7, some])
    return replace(look, sums=np.concatenate([[0], np.cumsum(seen)]).astype(np.int32), scale=np.array([-1.0, 4.0]))


def coarse_extinction(layers: Sequence[TransferFunction], volume: Mixed, index: int) -> npt.NDArray[np.float32]:
    """Extinction of all layers together on a level, (z, y, x)."""
    everything = (slice(None), slice(None), slice(None))
    total: npt.NDArray[np.float32] = np.zeros(volume.levels[index].shape, np.float32)
    for layer in layers:
        own, mask = volume.channel(layer.channel), volume.channel(layer.mask_channel)
        kappa = extinctions(look_up(opacity_alone(layer), own), coarse_values(own.levels[index], own.value_range[0]))
        if layer.mask:
            factor = layer.mask_at(mask.levels[index].read(everything).reshape(-1)).reshape(total.shape)
            kappa = kappa * factor.astype(np.float32)
        total += kappa
    return total
