"""A brain that nobody had to cut: a synthetic hemisphere in the style of 3D polarised light imaging.

Gyri and sulci, a cortical ribbon with its laminae, white matter whose bundles can be followed down to single fibres, a
ventricle, a callosum, and sections that were mounted a little askew. One field of nerve fibres lies behind all three
modalities, so what `direction` says is what `retardation` shows.

Any pixel of any section can be had by itself, at any size: a section of 31076 × 28721 pixels costs no more memory than
the band of rows asked for. Use it to try things out, to time them, and to test what needs a brain of 200 GB.
"""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.source import SliceFile

Modality = Literal["transmittance", "retardation", "direction"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
DIRECTION_PERIOD = 256
"""Code v of the direction image stands for the angle v · 180° / 256, from the columns axis towards higher rows.

255 is followed by 0. In the tissue 1 stands in for 0, so that 0 is background alone.
"""

MODEL_MM = 40.0  # larger side of a section in the model
DEPTH_MM = 20.0  # of the whole stack, where no spacing is given
CONTROL_CELLS = 144  # control points along the larger side
PAD = 3  # control points outside the block
NODES_ACROSS = 1000  # nodes along the larger side, at most two pixels closer than needed
LARGEST_STEP = 16
TEXELS_PER_MM = (128.0, 1450.0)  # of the coarse and the fine bundle texture
CELL_MM, SOFT_MM = 0.009, 0.004  # size of the grain; width of the pial edge
OFFSET_MM = 80.0  # keeps z positive, as the kernel does for the other coordinates
JITTER_MM, JITTER_DEGREES, JITTER_BRIGHTNESS = 0.02, 0.05, 0.015

DEFAULT_SEED = 4  # a handsome one
_building = threading.Lock()


@dataclass(frozen=True)
class Phantom:
    """A synthetic hemisphere; every section follows from these few numbers.

    shape   : (sections, rows, columns)
    spacing : of the samples; None for a hemisphere 40 mm across and 20 mm deep. Only the ratios shape the brain:
              the larger side of a section always holds the whole hemisphere.
    seed    : another seed, another brain
    jitter  : whether sections are shifted, turned and lit a little differently, as they come from a microscope
    """

    shape: Index3
    spacing: Spacing | None = None
    seed: int = DEFAULT_SEED
    jitter: bool = True

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(n < 1 for n in self.shape):
            raise SliceError(
                f"a phantom of shape {' × '.join(map(str, self.shape))} cannot be made; "
                "give three positive numbers: sections, rows, columns"
            )
        if self.seed < 0:
            raise SliceError(f"seed {self.seed} is negative; seeds count from 0")

    @cached_property
    def sampling(self) -> Spacing:
        """The spacing given, or the one that makes the hemisphere 40 mm across and 20 mm deep."""
        if self.spacing is not None:
            return self.spacing
        across = max(round(MODEL_MM * 1e3 / max(self.shape[1:]), 3), 0.001)
        return Spacing(max(round(DEPTH_MM * 1e3 / self.shape[0], 3), 0.001), across, across, "um")

    def source(self, modality: Modality) -> PhantomSource:
        """One modality as a stack of slices that needs no files."""
        if modality not in MODALITIES:
            raise SliceError(f'the phantom has no modality "{modality}"; it has {", ".join(MODALITIES)}')
        return PhantomSource(self, modality)

    @cached_property
    def _pixel_mm(self) -> tuple[float, float, float]:
        """Model mm between samples along (z, y, x)."""
        step = self.sampling
        unit = MODEL_MM / max(self.shape[1] * step.y, self.shape[2] * step.x)
        return (step.z * unit, step.y * unit, step.x * unit)

    @cached_property
    def _box(self) -> npt.NDArray[np.float64]:
        """Extents (x, y, z) of the block in model mm."""
        return np.array([n * s for n, s in zip(self.shape[::-1], self._pixel_mm[::-1], strict=True)])

    def position_mm(self, z: float, y: float, x: float) -> tuple[float, float, float]:
        """Model position (x, y, z) in mm of a continuous index (z, y, x), the section's own jitter included."""
        cos, sin, dx, dy, _ = self._pose(round(z))
        mz, my, mx = ((i + 0.5 - n / 2) * s for i, n, s in zip((z, y, x), self.shape, self._pixel_mm, strict=True))
        return (cos * mx - sin * my + dx, sin * mx + cos * my + dy, mz)

    def _pose(self, z: int) -> npt.NDArray[np.float64]:
        """How section z was mounted: cos, sin, shift x, shift y (mm), brightness."""
        if not self.jitter:
            return np.array([1.0, 0.0, 0.0, 0.0, 1.0])
        draw = np.random.default_rng([self.seed, 7, z]).standard_normal(4).clip(-2.5, 2.5)
        angle = math.radians(JITTER_DEGREES) * draw[0]
        turn = (math.cos(angle), math.sin(angle))
        return np.array([*turn, *(JITTER_MM * draw[1:3]), 1 + JITTER_BRIGHTNESS * draw[3]])

    @cached_property
    def _noises(self) -> npt.NDArray[np.int8]:
        with _building:
            return _textures(self.seed, min(self._pixel_mm[1:]))

    def fibre(self, z: float, y: float, x: float) -> tuple[float, float, float]:
        """The nerve fibre at a continuous index, as a unit vector (x, y, z); zeros outside the tissue.

        Straight from the formulas, by differences: slow, and independent of how sections are drawn. In white matter the
        fibre lies where leaf and strand are constant; in the cortex it stands on the pia.
        """
        from stackreel.kernels import phantom as kernel

        bank, banks = _waves(self.seed)
        here = np.array(self.position_mm(z, y, x))
        reach = 0.1

        def at(point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            """Depth, leaf, strand, thickness of the cortex, distance from the ventricle."""
            f = np.zeros(kernel.FIELDS)
            kernel.anatomy(*point, self._box, bank, banks, f)
            folds = (f[kernel.HULL], f[kernel.SHEET], f[kernel.CUT], f[kernel.CALCARINE], f[kernel.BEYOND])
            depth = kernel.pial_depth(*folds)
            return np.array([depth, depth + f[kernel.LEAF], f[kernel.STRAND], f[kernel.RIBBON], f[kernel.VENTRICLE]])

        depth, _, _, ribbon, ventricle = at(here)
        if min(depth, ventricle) <= 0:
            return (0.0, 0.0, 0.0)
        slope = np.stack([(at(here + e) - at(here - e)) / (2 * reach) for e in np.eye(3) * reach], axis=1)
        vector = slope[0] if depth < ribbon else np.cross(slope[1], slope[2])
        fx, fy, fz = (float(v) for v in vector / np.linalg.norm(vector))
        return (fx, fy, fz)

    def rows(
        self, z: int, first: int, last: int, modality: Modality, out: npt.NDArray[np.uint8] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Rows first to last (not included) of section z, uint8, background exactly 0.

        Memory: the band, and less than half of it again; the control volume (about 90 MB) is shared.
        """
        from stackreel.kernels import phantom as kernel

        sections, height, width = self.shape
        if not (0 <= z < sections and 0 <= first <= last <= height):
            raise SliceError(
                f"rows {first}:{last} of section {z} lie outside a phantom of {sections} sections of {height} rows"
            )
        if out is None:
            out = np.empty((last - first, width), np.uint8)
        if first == last:
            return out
        control = _control(tuple(self._box), self.seed)
        mz, my, mx = self._pixel_mm
        depth = (z + 0.5 - sections / 2) * mz
        plane = control.plane(depth)
        pixel = np.array([(0.5 - width / 2) * mx, (0.5 - height / 2) * my, mx, my])
        pose = self._pose(z)
        step = min(max(1, math.ceil(max(height, width) / NODES_ACROSS)), LARGEST_STEP)
        offset = np.random.default_rng([self.seed, 8, z]).integers(0, kernel.TEXTURE, 2)
        across = -(-width // step) + 1
        size = min(mx, my)
        # A few hundred nodes at a time, so that memory follows the band and the cache holds the nodes
        rows_at_once = step * max(1, 200_000 // across)
        begin = first
        while begin < last:
            end = min(last, (begin // rows_at_once + 1) * rows_at_once)
            top = begin // step
            lattice = np.empty((-(-end // step) - top + 1, across, kernel.NODE_FIELDS), np.float32)
            kernel.nodes(plane, control.grid, pose, pixel, step, top * step, modality == "direction", lattice)
            scales = np.array(
                [*TEXELS_PER_MM, depth + OFFSET_MM, begin, float(offset[0]), float(offset[1]), max(size, SOFT_MM)]
            )
            kernel.pixels(
                MODALITIES.index(modality),
                lattice,
                step,
                begin - top * step,
                scales,
                self._noises,
                _profiles(),
                out[begin - first : end - first],
            )
            begin = end
        return out


@dataclass(frozen=True)
class PhantomSource:
    """One modality of a phantom as a SliceSource: nothing on disk, any band at once, from any thread."""

    phantom: Phantom
    modality: Modality

    @property
    def shape(self) -> Index3:
        return self.phantom.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    @property
    def spacing(self) -> Spacing | None:
        return self.phantom.sampling

    @property
    def files(self) -> tuple[SliceFile, ...]:
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"A synthetic phantom ({self.modality}, seed {self.phantom.seed}), not a real brain.",)

    @property
    def banded(self) -> bool:
        return True

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        first, last, stride = rows.indices(self.shape[1])
        if stride != 1:
            raise SliceError(f"rows {rows} of a phantom have a stride of {stride}; read a band and take what you need")
        return self.phantom.rows(z, first, max(first, last), self.modality, out)

    def close(self) -> None:
        """Nothing is open."""


class _Control:
    """The anatomy on a coarse grid, and its planes at any depth."""

    def __init__(self, box: tuple[float, ...], seed: int) -> None:
        from stackreel.kernels import phantom as kernel

        extents = np.array(box)
        cell = np.maximum(MODEL_MM / CONTROL_CELLS, extents / (1.2 * CONTROL_CELLS))
        count = np.ceil(extents / cell).astype(int) + 1 + 2 * PAD
        low = -0.5 * (count - 1) * cell
        self.low_z, self.cell_z = float(low[2]), float(cell[2])
        self.grid = np.array([low[0], low[1], cell[0], cell[1]])
        self.fields = np.zeros((*count[::-1], kernel.FIELDS), np.float32)
        bank, banks = _waves(seed)
        cuts = np.linspace(0, count[2], 9).astype(int)
        with ThreadPoolExecutor(2) as pool:
            bounds = list(pairwise(cuts))
            list(pool.map(lambda ab: kernel.fill(self.fields, *ab, low, cell, extents, bank, banks), bounds))
            list(pool.map(lambda ab: kernel.fibres(self.fields, *ab, cell), bounds))
        self.plane = lru_cache(maxsize=8)(self._plane)

    def _plane(self, depth: float) -> npt.NDArray[np.float32]:
        """All fields at one depth (model mm): quadratic B-spline along z."""
        at = min(max((depth - self.low_z) / self.cell_z, 1.0), len(self.fields) - 2.0)
        k = min(max(int(at + 0.5), 1), len(self.fields) - 2)
        w = at - k
        below, here, above = self.fields[k - 1 : k + 2]
        plane: npt.NDArray[np.float32] = np.float32(0.5 * (0.5 - w) ** 2) * below
        plane += np.float32(0.75 - w * w) * here
        plane += np.float32(0.5 * (0.5 + w) ** 2) * above
        return plane


@lru_cache(maxsize=2)
def _build(box: tuple[float, ...], seed: int) -> _Control:
    return _Control(box, seed)


def _control(box: tuple[float, ...], seed: int) -> _Control:
    with _building:
        return _build(tuple(float(b) for b in box), seed)


def _waves(seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Plane waves of every noise that the anatomy uses as the kernel wants them, and where each noise begins."""
    from stackreel.kernels.phantom import FOLD_WAVELENGTH

    rng = np.random.default_rng([seed, 1])
    wanted = [  # waves, shortest and longest wavelength (mm), standard deviation
        (8, 9.0, 26.0, 0.75),  # warp x
        (8, 9.0, 26.0, 0.75),  # warp y
        (8, 9.0, 26.0, 0.75),  # warp z
        (48, FOLD_WAVELENGTH, 1.2 * FOLD_WAVELENGTH, 1.0),  # folds
        (14, 10.0, 22.0, 1.0),  # how deep the sulci cut
        (10, 10.0, 24.0, 1.0),  # thickness of the cortex
        (12, 5.0, 12.0, 1.0),  # leaves
        (10, 14.0, 26.0, 1.0),  # strands
        (12, 4.0, 9.0, 1.0),  # strands, finer
        (10, 5.0, 18.0, 1.0),  # shade
    ]
    parts = []
    for count, shortest, longest, deviation in wanted:
        toward = rng.standard_normal((count, 3))
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        length = np.exp(rng.uniform(np.log(shortest), np.log(longest), count)) if longest > shortest else shortest
        part = np.empty((count, 5))
        part[:, :3] = toward / np.broadcast_to(length, count)[:, None]
        part[:, 3] = rng.uniform(0, 1, count)
        part[:, 4] = deviation * math.sqrt(2 / count)
        parts.append(part)
    return np.ascontiguousarray(np.concatenate(parts).T), np.cumsum([0, *(w[0] for w in wanted)])


@lru_cache(maxsize=2)
def _textures(seed: int, pixel_mm: float) -> npt.NDArray[np.int8]:
    """Three tiling textures (coarse bundles, fine bundles, grain), free of anything finer than two pixels."""
    from stackreel.kernels.phantom import TEXTURE

    rng = np.random.default_rng([seed, 2])
    fy = np.fft.fftfreq(TEXTURE)[:, None]
    fx = np.fft.rfftfreq(TEXTURE)[None, :]
    f = np.hypot(fy, fx).astype(np.float32)
    f[0, 0] = 1.0
    out = np.empty((3, TEXTURE, TEXTURE), np.int8)
    cell = min(1.0, pixel_mm / CELL_MM)  # the grain has one texel per pixel and is as coarse as cells
    recipes = [(1 / 300, 0.16, 1.05), (1 / 120, 0.2, 0.9), (0.02 * cell, 0.5 * cell, 0.35)]
    for i, (low, high, power) in enumerate(recipes):
        spectrum = np.fft.rfft2(rng.standard_normal((TEXTURE, TEXTURE), np.float32))
        spectrum *= f**-power / (1 + (f / high) ** 8) / (1 + (low / f) ** 4)
        spectrum[0, 0] = 0.0
        deviation = np.fft.irfft2(spectrum).std()
        if i < 2:
            finest = 0.42 / (pixel_mm * TEXELS_PER_MM[i])  # what one pixel resolves, in cycles per texel
            spectrum /= 1 + (f / finest) ** 6
        out[i] = np.clip(np.rint(np.fft.irfft2(spectrum) * (42 / deviation)), -127, 127)
    return out


@lru_cache(maxsize=1)
def _profiles() -> npt.NDArray[np.float32]:
    """Laminar profiles over depth, in cortical thicknesses: white matter's share, grey level, stria, radial fibres."""
    from stackreel.kernels.phantom import LUT_STEPS

    depth = (np.arange(4 * LUT_STEPS) + 0.5) / LUT_STEPS

    def band(at: float, width: float) -> npt.NDArray[np.float64]:
        return np.asarray(np.exp(-(((depth - at) / width) ** 2)))

    white = 1 / (1 + np.exp(-(depth - 1.0) / 0.045))
    white[white < 0.01], white[white > 0.99] = 0.0, 1.0
    grey = 72 + 44 * np.clip(depth, 0, 1.2) ** 1.3 + 20 * band(0.02, 0.07) - 9 * band(0.20, 0.10)
    grey += 11 * band(0.50, 0.06) + 9 * band(0.74, 0.07)
    stria = 52 * band(0.50, 0.07) - 12 * band(0.62, 0.07)
    radial = np.clip((depth - 0.18) / 0.5, 0, 1)
    return np.stack([white, grey, stria, radial]).astype(np.float32)
