"""Volumes made from stacks of all sizes, types and spacings, against what a slow computation says they must hold."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackreel.errors import OutputExistsError, SliceReadError, VolumeError
from stackreel.geometry import Spacing
from stackreel.slices.checks import TYPES
from stackreel.volume import bands, open_volume, pyramid
from stackreel.volume.against import compare
from stackreel.volume.build import build
from stackreel.volume.export import copy_volume
from stackreel.volume.recipe import Recipe
from stackreel.volume.shardledger import read_any_ledger

from . import oracle

EVERYTHING = (slice(None),) * 3


def random_samples(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(scale=1e3, size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def levels_of(volume):
    return [(level, level.read(EVERYTHING)) for level in volume.levels]


def steps_between(volume):
    """(level below, its samples, halved, tail weights, samples above) from level to level."""
    plans = pyramid.plan_levels(volume.shape, volume.spacing, volume.dtype.itemsize)
    arrays = [samples for _, samples in levels_of(volume)]
    for plan, above, low, high in zip(plans, plans[1:], arrays, arrays[1:], strict=False):
        yield low, above.halved, plan.tail_weights(volume.shape), high


@pytest.mark.parametrize("ending", [".h5", ".ome.zarr"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_minus_zero_stays_what_it_is(make_volume, array_source, tmp_path, dtype, ending):
    """Also in a chunk of nothing but zeros, which would not be stored; and zero is not taken for it."""
    samples = np.zeros((70, 130, 140), dtype)
    samples[:32], samples[40, 5, 5] = -0.0, -0.0
    volume = make_volume(samples, ending=ending)
    other = copy_volume(volume, tmp_path / f"b{'.h5' if ending != '.h5' else '.ome.zarr'}", threads=1)
    for one in (volume, other):
        found = one.levels[0].read(EVERYTHING)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(samples))
        assert not found.any()
        assert one.levels[0].stored_chunks()[2].sum() == 0
        ledger = read_any_ledger(one.path)
        assert compare(one.path, ledger, array_source(samples)).same
        assert compare(one.path, ledger, array_source(np.abs(samples))).differ


def resultants_of(volume):
    """How long the mean vectors are that the samples of each level stand for, 0..1; None for the full resolution."""
    with h5py.File(volume.path) as file:
        found = [file[f"/resultants/{volume.name}/{k}"][()] / 65535 for k in range(1, len(volume.levels))]
    return [None, *found]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(41, 140, 261), (5, 129, 257), (33, 66, 65)])
def test_every_level_is_the_mean_of_what_it_stands_for(make_volume, dtype, shape):
    samples = random_samples(shape, dtype)
    volume = make_volume(samples, Spacing(3, 1, 1))
    assert len(volume.levels) >= 2
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    for level, found in levels_of(volume)[1:]:
        expected = oracle.mean(samples, level.factors)
        if np.dtype(dtype).kind == "f":
            assert np.abs(found - expected).max() < 1e-6 * np.abs(samples).max()
        else:
            assert np.abs(found - expected).max() <= 0.5 * level.index + 1e-6
    assert volume.dtype == samples.dtype


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 140), st.integers(1, 140)),
    dtype=st.sampled_from(TYPES),
    spacing=st.tuples(*[st.sampled_from([1.0, 1.3, 2.0, 5.0, 40.0])] * 3),
    pending=st.sampled_from([1 << 12, 1 << 16, 128 << 20]),
    holes=st.booleans(),
    ending=st.sampled_from([".h5", ".ome.zarr"]),
)
def test_any_stack_becomes_what_the_slow_computation_says(
    make_volume, monkeypatch, shape, dtype, spacing, pending, holes, ending
):
    """`pending` makes coarse levels go band by band, as those of large stacks do."""
    samples = random_samples(shape, dtype, seed=1)
    if holes:
        samples[: shape[0] // 2 + 1, : shape[1] // 2, :] = 0
    monkeypatch.setattr(pyramid, "PENDING_BYTES", pending)
    volume = make_volume(samples, Spacing(*spacing), ending=ending)
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    for level, found in levels_of(volume):
        off = np.abs(found - oracle.mean(samples, level.factors)).max()
        assert off <= (1e-6 * np.abs(samples).max() if samples.dtype.kind == "f" else 0.5 * level.index + 1e-6)
    check_summaries(volume)


def check_summaries(volume):
    for level, samples in levels_of(volume):
        summary = level.summary()
        for index in np.ndindex(*summary.low.shape):
            box = tuple(slice(i * b, i * b + b) for i, b in zip(index, summary.brick, strict=True))
            block = samples[box]
            numbers = block[np.isfinite(block)]
            if numbers.size == 0:
                assert summary.mask[index] == 0
                assert (summary.low[index], summary.high[index]) == (-np.inf, -np.inf)
                continue
            low = numbers.min() if numbers.size == block.size else -np.inf  # a hole counts as lower than everything
            assert (summary.low[index], summary.high[index]) == (low, numbers.max())
            bits = int(summary.mask[index]).bit_count()
            assert 1 <= bits <= min(64, len(np.unique(numbers)))
            assert int(summary.mask[index]) & 1  # the lowest value is in the first 64th
        assert summary.low.shape == tuple(-(-n // b) for n, b in zip(level.shape, summary.brick, strict=True))


def test_summaries_bound_the_data_brick_by_brick(make_volume):
    samples = random_samples((40, 200, 170), "int16")
    samples[:, :64, :64] = 0
    samples[32:, 64:96] = -7
    check_summaries(make_volume(samples, Spacing(2, 1, 1)))


def test_a_constant_stays_constant_on_every_level(make_volume):
    for dtype, value in (("uint8", 251), ("int16", -3), ("uint32", 2**32 - 1), ("int32", -(2**31)), ("float32", 0.1)):
        volume = make_volume(np.full((67, 131, 75), value, dtype), Spacing(3, 1, 1))
        for _, samples in levels_of(volume):
            assert (samples == np.array(value, dtype)).all()
        assert volume.value_range == (np.array(value, dtype), np.array(value, dtype))


def test_noise_does_not_brighten_or_darken_from_level_to_level(make_volume):
    samples = np.random.default_rng(5).integers(0, 200, (64, 256, 256), dtype=np.uint8)
    means = [found.mean() for _, found in levels_of(make_volume(samples))]
    assert np.abs(np.diff(means)).max() < 0.01


@pytest.mark.parametrize("dtype", ["float32", "uint16"])
@pytest.mark.parametrize("shape", [(64, 128, 160), (65, 127, 163), (37, 258, 131)])
def test_a_spot_stands_at_the_same_place_in_every_level(make_volume, dtype, shape):
    center = tuple(0.46 * n + 0.3 for n in shape)
    squares = [(np.arange(n) - c) ** 2 for n, c in zip(shape, center, strict=True)]
    z, y, x = np.ix_(*squares)
    spot = (60_000 * np.exp(-(z / 9 + y / 36 + x / 36) / 2)).astype(dtype)
    volume = make_volume(spot, Spacing(2, 1, 1))
    truth = volume.placement.world_from_index(center)
    assert len(volume.levels) >= 2
    for level, samples in levels_of(volume):
        weights = samples.astype(np.float64)
        index = [
            np.average(np.arange(n), weights=weights.sum(axis=tuple({0, 1, 2} - {a})))
            for a, n in enumerate(samples.shape)
        ]
        world = level.placement.world_from_index(index)
        off = [(a - b) / s for a, b, s in zip(world, truth, volume.placement.step, strict=True)]
        limit = 1e-3 if dtype == "float32" else 5e-3  # 60000 steps of grey and their rounding
        assert np.abs(off).max() < limit, (level.index, off)


def test_holes_of_nan_do_not_grow(make_volume):
    samples = random_samples((40, 90, 100), "float32")
    samples[5:9, 10:20, 30:41] = np.nan
    samples[39, 89, 99] = np.nan
    volume = make_volume(samples, Spacing(1, 1, 1))
    above = volume.levels[1].read(EVERYTHING)
    expected = oracle.mean(samples, volume.levels[1].factors)
    np.testing.assert_array_equal(np.isnan(above), np.isnan(expected))
    assert np.nanmax(np.abs(above - expected)) < 1e-3
    assert volume.value_range == (np.nanmin(samples), np.nanmax(samples))
    check_summaries(volume)


@pytest.mark.parametrize(
    ("dtype", "period", "background"),
    [("uint8", 256, 0), ("uint8", 180, None), ("float32", math.pi, None), ("uint8", 180, 255)],
)
def test_angles_are_averaged_as_angles(make_volume, dtype, period, background):
    """Every level against the vector mean of the one below, across the place where the angle begins anew."""
    rng = np.random.default_rng(2)
    z, y, x = np.indices((9, 75, 131))
    angle = ((x * 0.05 + y * 0.03 + z * 0.2) * period / 8 + rng.normal(size=x.shape) * period / 40) % period
    samples = angle.astype(dtype)
    if background is not None:
        samples[rng.random(samples.shape) < 0.3] = background
        samples[:, 20:40, 20:70] = background
    volume = make_volume(samples, Spacing(2, 1, 1), kind="axial", period=period, background=background)
    assert len(volume.levels) >= 2
    assert (volume.kind, volume.period, volume.background) == ("axial", period, background)
    for (low, halved, weights, high), lengths in zip(steps_between(volume), resultants_of(volume), strict=False):
        expected, length = oracle.axial_mean(low, halved, weights, period, background, lengths)
        none = np.isnan(expected)
        if background is not None:
            assert (high[none] == background).all()
            assert not (high[~none] == background).any()
        assert not none.all()
        limit = 1e-5 * period if dtype == "float32" else (0.5 if background is None else 1.5)
        off = oracle.apart(high, expected, period)[~none & (length > 1e-3)]
        assert off.max() <= limit + 1e-6
        assert np.mean(off) <= 0.3


def test_coarse_angles_stay_near_the_mean_of_all_that_they_stand_for(make_volume):
    """Directions are averaged level by level; against all fine samples at once that costs a few degrees of 180."""
    rng = np.random.default_rng(4)
    z, y, x = np.indices((8, 128, 128))
    samples = ((x + y + 40 * z) * 0.5 + rng.normal(size=x.shape) * 10) % 180
    volume = make_volume(samples.astype(np.float32), Spacing(4, 1, 1), kind="axial", period=180)
    for level, found in levels_of(volume):
        exact, length = oracle.axial_mean(samples, level.factors, (1, 1, 1), 180, None)
        assert np.mean(oracle.apart(found, exact, 180)[length > 0.1]) < 2.0


def test_signed_angles_stay_in_their_own_range(make_volume):
    """-90..90 with a period of 180: coarse levels must not hold 135 where the sections say -45."""
    rng = np.random.default_rng(8)
    for dtype in ("int8", "int16", "float32"):
        samples = rng.uniform(-90, 89, (4, 70, 90)).astype(dtype)
        samples[:, :30] = -45
        volume = make_volume(samples, kind="axial", period=180)
        for (low, halved, weights, high), lengths in zip(steps_between(volume), resultants_of(volume), strict=False):
            assert -90 <= high.min() < -60
            assert 60 < high.max() <= 90
            assert (high[:, :10, :] == -45).all()
            expected, length = oracle.axial_mean(low, halved, weights, 180, None, lengths)
            assert oracle.apart(high, expected, 180)[length > 1e-3].max() <= 0.5 + 1e-4


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_labels_are_reduced_by_majority_and_never_mixed(make_volume, dtype):
    rng = np.random.default_rng(1)
    samples = np.repeat(np.repeat(rng.integers(0, 90, (7, 15, 23)), 5, axis=1), 3, axis=2).astype(dtype)
    volume = make_volume(samples, Spacing(3, 1, 1), kind="label")
    labels = set(np.unique(samples).tolist())
    assert len(volume.levels) >= 2
    for low, halved, _, high in steps_between(volume):
        assert set(np.unique(high).tolist()) <= labels
        np.testing.assert_array_equal(high, oracle.mode(low, halved))


def test_labels_must_be_integers_and_angles_need_a_period(make_volume):
    with pytest.raises(VolumeError, match="labels are integers; these slices hold float32"):
        make_volume(np.zeros((2, 3, 4), np.float32), kind="label")
    with pytest.raises(VolumeError, match="axial data need --period"):
        make_volume(np.zeros((2, 3, 4), np.uint8), kind="axial")
    with pytest.raises(VolumeError, match="--period belongs to axial data; this is intensity data"):
        make_volume(np.zeros((2, 3, 4), np.uint8), period=180)


def contents(path):
    """Everything in a volume file but the moment it was written and the seal: {name: array or attribute}."""
    if path.is_dir():
        return contents_of_folder(path)
    found = {}

    def note(name, thing):
        # places of chunks may differ, and the ledger tells them again
        placed = name.startswith("ledger/") or name.endswith("/offsets")
        if isinstance(thing, h5py.Dataset) and name != "seal" and not placed:
            found[name] = thing[()]
        for key, value in thing.attrs.items():
            if key != "provenance_written_at":
                found[f"{name}@{key}"] = value

    with h5py.File(path) as file:
        note("/", file)
        file.visititems(note)
    return found


def contents_of_folder(path):
    """The same of OME-Zarr: {name: bytes of a file, or its JSON}."""
    files = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    del files["stackreel/zarr.json"]  # the seal
    found = {name: np.frombuffer(data, np.uint8) for name, data in files.items() if name != "zarr.json"}
    page = json.loads(files["zarr.json"])
    del page["attributes"]["stackreel"]["provenance_written_at"]
    return found | {"zarr.json": page}


def same_contents(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


@pytest.mark.parametrize("stage_bytes", [256 << 20, 1 << 16])
def test_slices_that_must_be_decoded_whole_give_the_same_file(tmp_path, array_source, monkeypatch, stage_bytes):
    """In memory, or through a temporary file where a slab of them would not fit."""
    samples = random_samples((41, 290, 150), "uint16")
    recipe = Recipe("brain", Spacing(2, 1, 1))
    build(array_source(samples), tmp_path / "banded.h5", recipe)
    monkeypatch.setattr(bands, "STAGE_BYTES", stage_bytes)
    build(array_source(samples, banded=False), tmp_path / "staged.h5", recipe)
    same_contents(contents(tmp_path / "banded.h5"), contents(tmp_path / "staged.h5"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["banded.h5", "staged.h5"]


@pytest.mark.parametrize("ending", [".h5", ".ome.zarr"])
def test_the_number_of_threads_does_not_change_the_file(tmp_path, array_source, ending):
    samples = random_samples((40, 290, 300), "uint8")
    samples[:20, 100:] = 0
    for threads in (1, 4):
        recipe = Recipe("brain", Spacing(2, 1, 1), threads=threads)
        build(array_source(samples), tmp_path / f"{threads}{ending}", recipe)
    same_contents(contents(tmp_path / f"1{ending}"), contents(tmp_path / f"4{ending}"))


def test_the_fingerprint_names_the_data(make_volume):
    samples = random_samples((9, 140, 150), "uint8")
    first = make_volume(samples, Spacing(2, 1, 1))
    assert make_volume(samples, Spacing(2.0, 1.0, 1.0), name="other").fingerprint == first.fingerprint
    changed = samples.copy()
    changed[8, 139, 149] ^= 1
    swapped = samples.copy()
    swapped[0, 0, :2] = swapped[0, 0, 1::-1]
    others = [
        make_volume(changed, Spacing(2, 1, 1)),
        make_volume(swapped, Spacing(2, 1, 1)),
        make_volume(samples, Spacing(3, 1, 1)),
        make_volume(samples, Spacing(2, 1, 1, "um")),
        make_volume(samples, Spacing(2, 1, 1), kind="label"),
        make_volume(samples, Spacing(2, 1, 1), kind="axial", period=180),
        make_volume(samples.astype(np.uint16), Spacing(2, 1, 1)),
    ]
    assert len({v.fingerprint for v in others} | {first.fingerprint}) == 1 + len(others)


def test_progress_adds_up_to_all_bytes(tmp_path, array_source):
    samples = random_samples((40, 290, 50), "uint16")
    seen = []
    build(array_source(samples), tmp_path / "a.h5", Recipe("a", Spacing(1, 1, 1)), progress=seen.append)
    assert sum(seen) == samples.nbytes
    assert len(seen) > 1


def test_an_output_that_stands_is_kept_until_a_new_one_is_complete(tmp_path, array_source):
    out = tmp_path / "a.h5"
    samples = random_samples((4, 60, 50), "uint8")
    build(array_source(samples), out, Recipe("a", Spacing(1, 1, 1)))
    before = out.read_bytes()
    with pytest.raises(OutputExistsError, match="stands already"):
        build(array_source(samples), out, Recipe("a", Spacing(1, 1, 1)))

    class Breaks(array_source):
        def read(self, z, rows, out=None):
            if z == 3:
                raise SliceReadError("s3.raw: gone")
            return super().read(z, rows, out)

    for banded in (True, False):
        with pytest.raises(SliceReadError, match=r"s3\.raw: gone"):
            build(Breaks(samples, banded), out, Recipe("a", Spacing(1, 1, 1)), overwrite=True)
        assert out.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    build(array_source(255 - samples), out, Recipe("a", Spacing(1, 1, 1)), overwrite=True)
    np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), 255 - samples)


def test_the_unfinished_file_of_the_next_run_is_left_alone(tmp_path, array_source, monkeypatch):
    """As soon as one run has given its file the final name, another may begin under the temporary one."""
    replace, out = os.replace, tmp_path / "a.h5"

    def replace_and_begin_anew(old, new):
        replace(old, new)
        old.write_text("the next run's")

    monkeypatch.setattr(os, "replace", replace_and_begin_anew)
    build(array_source(np.ones((2, 9, 9), np.uint8)), out, Recipe("a", Spacing(1, 1, 1)))
    assert (tmp_path / "a.h5.partial").read_text() == "the next run's"


def test_a_defect_in_the_work_leaves_nothing_behind(tmp_path, array_source):
    def finish(file, name, placements):
        raise RuntimeError("out of ideas")

    with pytest.raises(VolumeError, match="out of ideas"):
        build(
            array_source(np.ones((2, 9, 9), np.uint8)), tmp_path / "a.h5", Recipe("a", Spacing(1, 1, 1)), finish=finish
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["", "levels", "summary", "vtkhdf", "VTKHDF", "a/b", "a b", "a.b", "a:b", "a<b", 'a"b']
)
def test_names_that_paraviews_readers_cannot_take_are_refused(name):
    with pytest.raises(VolumeError, match="cannot name a volume"):
        Recipe(name, Spacing(1, 1, 1))


@pytest.mark.parametrize(
    ("dtype", "background"),
    [("uint8", math.nan), ("uint8", 1e9), ("uint8", -1), ("uint8", 0.5), ("int16", 32768), ("float32", math.inf),
     ("float32", math.nan), ("float32", 1e39)],
)  # fmt: skip
def test_a_background_that_no_sample_can_have_is_refused(make_volume, dtype, background):
    with pytest.raises(VolumeError, match=rf"no sample of type {dtype} has that value"):
        make_volume(np.zeros((2, 3, 4), dtype), kind="axial", period=180, background=background)


def test_a_background_is_known_in_samples_that_round_it(make_volume):
    samples = np.full((2, 70, 80), 90, np.float32)
    samples[:, ::2] = 0.1
    volume = make_volume(samples, kind="axial", period=180, background=0.1)
    assert (volume.levels[1].read(EVERYTHING) == 90).all()


def test_a_type_that_no_volume_can_hold_is_said(tmp_path, array_source):
    for dtype in ("complex64", "float16", "int64", "bool"):
        with pytest.raises(VolumeError, match=f"slices of type {dtype} cannot become a volume"):
            build(array_source(np.zeros((2, 3, 4), dtype)), tmp_path / "a.h5", Recipe("a", Spacing(1, 1, 1)))
    assert not list(tmp_path.iterdir())


# VmHWM, not getrusage: that one starts from what the process that forked us had resident
MEASURE = """
import pathlib, sys
from stackreel.cli import main
code = main(sys.argv[1:])
status = pathlib.Path("/proc/self/status").read_text()
print("resident", 1024 * int(status.split("VmHWM:")[1].split()[0]))
sys.exit(code)
"""


def resident_bytes(folder, sections, rows, columns):
    """Peak resident memory of `stackreel convert` for raw sections that are mostly empty, with some tissue in them."""
    sections_folder = folder / "raw"
    sections_folder.mkdir()
    tissue = random_samples((200, 4000), "uint8")
    for z in range(sections):
        with open(sections_folder / f"s{z:03}.raw", "wb") as file:
            file.truncate(rows * columns)
            for k, row in enumerate(tissue):
                file.seek((rows // 3 + k) * columns + columns // 4)
                file.write(row.tobytes())
    words = ["convert", sections_folder, folder / "out.h5", "--shape", rows, columns, "--dtype", "uint8"]
    words += ["--spacing", 40, 1, 1, "--threads", 2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, words)], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    volume = open_volume(folder / "out.h5")
    row = volume.levels[0].read((slice(sections - 1, sections), slice(rows // 3 + 7, rows // 3 + 8), slice(None)))
    np.testing.assert_array_equal(row[0, 0, columns // 4 : columns // 4 + 4000], tissue[7])
    return int(done.stdout.rsplit("resident", 1)[1])


def test_memory_stays_far_below_the_size_of_the_stack(tmp_path):
    """34 sections as wide as the origin's: 0.8 GB go by; what is resident is two bands of rows, and the program."""
    assert resident_bytes(tmp_path, 34, 768, 31076) < 700 << 20


@pytest.mark.slow
def test_sections_of_892_megabytes_need_little_memory(tmp_path):
    """34 whole sections of the origin's size, 30 GB read from sparse files."""
    assert resident_bytes(tmp_path, 34, 28721, 31076) < 1536 << 20
