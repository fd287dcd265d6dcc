"""The phantom: the same brain however it is cut, empty where there is no tissue, one field of fibres behind it all."""

from __future__ import annotations

import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from stackreel.errors import SliceError
from stackreel.geometry import Spacing
from stackreel.slices.phantom import MODALITIES, Phantom
from stackreel.slices.source import SliceSource

SHAPE = (40, 256, 288)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return Phantom(SHAPE)


@pytest.fixture(scope="module")
def stacks(phantom):
    return {m: np.stack([phantom.rows(z, 0, SHAPE[1], m) for z in range(SHAPE[0])]) for m in MODALITIES}


@pytest.mark.parametrize("shape", [SHAPE, (9, 1100, 2300)], ids=["every pixel a node", "three pixels a node"])
@pytest.mark.parametrize("modality", MODALITIES)
def test_a_section_is_the_same_however_it_is_cut_into_bands(modality, shape):
    phantom = Phantom(shape)
    z = shape[0] // 2
    whole = phantom.rows(z, 0, shape[1], modality)
    cuts = [0, 1, 2, 65, 66, 200, 213, shape[1]]
    bands = [phantom.rows(z, a, b, modality) for a, b in pairwise(cuts)]
    assert np.ptp(whole) > 100
    np.testing.assert_array_equal(np.concatenate(bands), whole)


def test_threads_and_order_do_not_change_a_pixel(stacks):
    source = Phantom(SHAPE).source("retardation")
    order = np.random.default_rng(0).permutation(SHAPE[0])
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda z: source.read(int(z), slice(None)), order))
    np.testing.assert_array_equal(np.stack(read), stacks["retardation"][order])


def test_another_process_makes_the_same_brain(stacks):
    code = (
        "import zlib; from stackreel.slices.phantom import Phantom;"
        f"print(zlib.crc32(Phantom({SHAPE}).rows(25, 0, {SHAPE[1]}, 'transmittance')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(out) == zlib.crc32(stacks["transmittance"][25])


def test_another_seed_is_another_brain(stacks):
    other = Phantom(SHAPE, seed=1).rows(25, 0, SHAPE[1], "transmittance")
    assert ((other > 0) != (stacks["transmittance"][25] > 0)).mean() > 0.03


def test_background_is_zero_in_all_modalities_at_once(stacks):
    tissue = stacks["transmittance"] > 0
    for modality in MODALITIES:
        np.testing.assert_array_equal(stacks[modality] > 0, tissue)
    assert 0.3 < tissue.mean() < 0.6


def test_the_hemisphere_lies_inside_its_block_and_is_cut_only_in_front(stacks):
    tissue = stacks["transmittance"] > 0
    for face in (tissue[0], tissue[:, 0], tissue[:, -1], tissue[:, :, 0], tissue[:, :, -1]):
        assert not face.any()
    assert tissue[-1].mean() > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_every_seed_keeps_clear_of_the_sides(seed):
    phantom = Phantom((24, 128, 144), seed=seed)
    tissue = np.stack([phantom.rows(z, 0, 128, "transmittance") for z in range(24)]) > 0
    assert tissue.mean() > 0.25
    assert not any(f.any() for f in (tissue[:, 0], tissue[:, -1], tissue[:, :, 0], tissue[:, :, -1]))


def test_transmittance_tells_cortex_from_white_matter(stacks):
    """Two humps with a valley between, so that an opacity table can part them; the cortex lies outside."""
    t = stacks["transmittance"]
    counts = np.bincount(t[t > 0], minlength=256).astype(float)
    cortex, valley, white = counts[70:125].max(), counts[130:160].min(), counts[165:225].max()
    assert valley < 0.5 * min(cortex, white)
    outline = np.zeros(t.shape, bool)
    outline[:, 3:-3, 3:-3] = (t[:, 3:-3, 3:-3] > 0) & (t[:, 6:, 3:-3] == 0)
    assert np.median(t[outline]) < 130 < np.median(t[20:, 100:130, 130:180])


def test_sulci_fold_the_surface_deeply(stacks):
    """The outline of a section is far longer than that of the egg it came from."""
    tissue = stacks["transmittance"][26] > 0
    edge = (tissue[1:] != tissue[:-1]).sum() + (tissue[:, 1:] != tissue[:, :-1]).sum()
    rows, columns = (np.ptp(np.flatnonzero(tissue.any(axis))) + 1 for axis in (1, 0))
    assert edge > 1.6 * 2 * (rows + columns)


def test_direction_follows_the_fibres(phantom, stacks):
    """Against the formulas themselves, by differences, wherever the fibre lies flat enough to have an angle."""
    rng = np.random.default_rng(3)
    off = []
    while len(off) < 400:
        z, y, x = (int(rng.integers(0, n)) for n in SHAPE)
        code = int(stacks["direction"][z, y, x])
        fx, fy, _ = phantom.fibre(z, y, x)
        if code == 0 or np.hypot(fx, fy) < 0.5:
            continue
        angle = np.degrees(np.arctan2(fy, fx)) % 180
        off.append(abs((code * 180 / 256 - angle + 90) % 180 - 90))
    assert np.median(off) < 4
    assert np.mean(np.array(off) > 20) < 0.15


def test_retardation_grows_with_the_cosine_squared_of_the_inclination(phantom, stacks):
    rng = np.random.default_rng(4)
    flat, bright = [], []
    white = np.argwhere(stacks["transmittance"] > 165)
    for z, y, x in rng.permutation(white)[:600]:
        fx, fy, _ = phantom.fibre(int(z), int(y), int(x))
        flat.append(fx * fx + fy * fy)
        bright.append(float(stacks["retardation"][z, y, x]))
    assert np.corrcoef(flat, bright)[0, 1] > 0.8


def test_direction_wraps_from_255_to_0_without_a_seam(stacks):
    """Every code is used alike about the wrap; 1 stands in for 0."""
    counts = np.bincount(stacks["direction"].ravel(), minlength=256)
    wrap = np.array([counts[253], counts[254], counts[255], counts[1] / 2, counts[2], counts[3]])
    assert wrap.min() > 0.8 * wrap.max()


def test_sections_are_shifted_a_little_and_only_when_asked_for():
    still, askew = Phantom(SHAPE, jitter=False), Phantom(SHAPE)
    a, b = (p.rows(25, 0, SHAPE[1], "transmittance") > 0 for p in (still, askew))
    assert 0 < (a != b).mean() < 0.03


def test_finer_sampling_shows_the_same_brain():
    coarse = Phantom((10, 160, 180), jitter=False).rows(6, 0, 160, "transmittance").astype(float)
    fine = Phantom((10, 1280, 1440), jitter=False).rows(6, 0, 1280, "transmittance").astype(float)
    shrunk = fine.reshape(160, 8, 180, 8).mean((1, 3))
    assert np.corrcoef(coarse.ravel(), shrunk.ravel())[0, 1] > 0.98


def test_a_source_keeps_the_contract(phantom, stacks):
    source = phantom.source("direction")
    assert isinstance(source, SliceSource)
    assert (source.shape, source.dtype, source.files, source.banded) == (SHAPE, np.uint8, (), True)
    assert source.spacing == Spacing(500.0, 138.889, 138.889, "um")
    out = np.full((10, SHAPE[2]), 7, np.uint8)
    assert source.read(20, slice(100, 110), out) is out
    np.testing.assert_array_equal(out, stacks["direction"][20, 100:110])
    assert source.read(20, slice(0, 0)).shape == (0, SHAPE[2])
    source.close()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (2, 1, 400), (300, 20, 10), (1, 400, 30)])
def test_any_shape_can_be_cut(shape):
    phantom = Phantom(shape)
    for modality in MODALITIES:
        assert phantom.rows(shape[0] - 1, 0, shape[1], modality).shape == shape[1:]


@pytest.mark.parametrize("ratio", [("1", "1", "1"), ("40", "1", "1"), ("70um", "1um", "2um")])
def test_any_spacing_holds_a_brain(ratio):
    phantom = Phantom((60, 100, 100), Spacing.parse(ratio))
    tissue = phantom.rows(40, 0, 100, "transmittance") > 0
    assert 0.15 < tissue.mean() < 0.9


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_band_of_the_largest_section_needs_little_memory():
    """32 rows of 31076 pixels from a section of 892 MB, in a process of its own."""
    code = """if True:
        import re
        from pathlib import Path
        from stackreel.geometry import Spacing
        from stackreel.slices.phantom import Phantom

        def peak_mb():
            return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

        phantom = Phantom((234, 28721, 31076), Spacing(60, 1.3, 1.3, "um"))
        phantom.rows(100, 0, 32, "retardation")
        before = peak_mb()
        filled = sum(bool(phantom.rows(z, 14000, 14032, "retardation").any()) for z in range(90, 130))
        print(filled, before, peak_mb() - before)
    """
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    filled, before, more = map(int, out.split())
    assert filled == 40
    assert before < 700
    assert more < 60


def test_impossible_phantoms_are_refused(phantom):
    with pytest.raises(SliceError, match="0 × 5 × 5"):
        Phantom((0, 5, 5))
    with pytest.raises(SliceError, match="seed -1"):
        Phantom((5, 5, 5), seed=-1)
    with pytest.raises(SliceError, match='no modality "colour"'):
        phantom.source("colour")
    with pytest.raises(SliceError, match="40 sections of 256 rows"):
        phantom.rows(40, 0, 10, "direction")
    with pytest.raises(SliceError, match="stride"):
        phantom.source("direction").read(0, slice(0, 10, 2))
