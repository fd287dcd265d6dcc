"""The volume as OME-Zarr: what others read is what we read, and damage is named."""

from __future__ import annotations

import json
import re
import shutil
import warnings

import numpy as np
import pytest

from stackreel.errors import CorruptChunkError, OutputExistsError, VolumeError, VolumeMissingError
from stackreel.geometry import Spacing
from stackreel.volume import open_volume, zarrfile, zarrwriter
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction

zarr = pytest.importorskip("zarr", reason="zarr-python is not installed; `pip install stackreel[zarr]` brings it")

EVERYTHING = (slice(None),) * 3
TYPES = ("uint8", "uint16", "int32", "float32")


def samples_of(dtype, shape=(40, 150, 280)):
    samples = np.random.default_rng(0).integers(0, 120, shape).astype(dtype)
    samples[:32, :128] = 0
    return samples


@pytest.fixture
def make(tmp_path, array_source):
    def make(samples, name="brain", reduction=None, ending=".ome.zarr", **more):
        recipe = Recipe(name, Spacing(60, 1.3, 1.3, "um"), reduction or Reduction("intensity"))
        return build(array_source(samples), tmp_path / f"{name}{ending}", recipe, **more)

    return make


@pytest.mark.parametrize("dtype", TYPES)
def test_zarr_python_reads_what_we_read(make, dtype):
    samples = samples_of(dtype)
    volume = make(samples)
    group = zarr.open_group(volume.path, mode="r")
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    assert len(volume.levels) >= 3
    for level in volume.levels:
        array = group[str(level.index)]
        assert array.metadata.dimension_names == ("z", "y", "x")
        np.testing.assert_array_equal(array[:], level.read(EVERYTHING))


@pytest.mark.parametrize("dtype", TYPES)
def test_tensorstore_reads_what_we_read(make, dtype):
    tensorstore = pytest.importorskip("tensorstore", reason="tensorstore is not installed")
    volume = make(samples_of(dtype))
    for level in volume.levels:
        where = {"driver": "file", "path": str(volume.path / str(level.index))}
        found = tensorstore.open({"driver": "zarr3", "kvstore": where}).result().read().result()
        np.testing.assert_array_equal(found, level.read(EVERYTHING))


def test_ome_zarr_py_finds_levels_and_places(make):
    pytest.importorskip("ome_zarr", reason="ome-zarr-py is not installed")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    volume = make(samples_of("uint8"))
    (node,) = Reader(parse_url(str(volume.path)))()
    assert [tuple(data.shape) for data in node.data] == [level.shape for level in volume.levels]
    np.testing.assert_array_equal(node.data[1].compute(), volume.levels[1].read(EVERYTHING))
    assert [axis["unit"] for axis in node.metadata["axes"]] == ["micrometer"] * 3


def test_the_public_models_of_ome_zarr_accept_it(make):
    models = pytest.importorskip("ome_zarr_models.v05", reason="ome-zarr-models is not installed")
    for reduction in (Reduction("intensity"), Reduction("axial", 180.0), Reduction("label")):
        volume = make(samples_of("uint8"), reduction.kind, reduction)
        image = models.Image.from_zarr(zarr.open_group(volume.path, mode="r"))
        assert image.attributes.ome.version == "0.5"
        assert len(image.attributes.ome.multiscales[0].datasets) == len(volume.levels)


def test_levels_stand_in_the_middle_of_what_they_stand_for(make):
    volume = make(samples_of("uint8"))
    ome = json.loads((volume.path / "zarr.json").read_text())["attributes"]["ome"]
    for level, dataset in zip(volume.levels, ome["multiscales"][0]["datasets"], strict=True):
        scale, translation = dataset["coordinateTransformations"]
        factors, steps = np.array(level.factors), np.array([60, 1.3, 1.3])
        np.testing.assert_allclose(scale["scale"], factors * steps)
        np.testing.assert_allclose(translation["translation"], (factors - 1) / 2 * steps)


@pytest.mark.parametrize("kind", ["intensity", "axial", "label"])
def test_it_says_the_same_as_hdf5(make, kind):
    reduction = Reduction(kind, 180.0, 0.0) if kind == "axial" else Reduction(kind)
    samples = samples_of("uint8")
    ours, theirs = make(samples, reduction=reduction), make(samples, reduction=reduction, ending=".h5")
    for key in ("name", "kind", "period", "background", "dtype", "spacing", "placement", "value_range", "fingerprint"):
        assert getattr(ours, key) == getattr(theirs, key), key
    np.testing.assert_array_equal(ours.histogram.counts, theirs.histogram.counts)
    for a, b in zip(ours.levels, theirs.levels, strict=True):
        assert (a.shape, a.factors, a.placement, a.chunk) == (b.shape, b.factors, b.placement, b.chunk)
        np.testing.assert_array_equal(a.read(EVERYTHING), b.read(EVERYTHING))
        np.testing.assert_array_equal(a.stored_chunks() > 0, b.stored_chunks() > 0)
        for part in ("brick", "low", "high", "mask"):
            np.testing.assert_array_equal(getattr(a.summary(), part), getattr(b.summary(), part))


def test_chunks_of_zeros_are_missing_and_shards_of_nothing_are_no_files(make):
    samples = np.zeros((70, 140, 150), np.uint8)
    samples[64:, 130:] = 7
    volume = make(samples)
    assert volume.levels[0].read_chunk((0, 0, 0)) is None
    assert volume.levels[0].read_chunk((2, 1, 1)).shape == (32, 128, 128)
    assert [p.name for p in (volume.path / "0" / "c").iterdir()] == ["2"]


def shard_of(volume, level=0):
    return max((volume.path / str(level) / "c").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else -1)


@pytest.mark.parametrize("damage", ["chunk", "index", "short", "gone"])
def test_damage_is_named(make, damage):
    volume = make(samples_of("uint16"))
    shard = shard_of(volume)
    data = bytearray(shard.read_bytes())
    if damage == "gone":
        shard.unlink()
    elif damage == "short":
        shard.write_bytes(data[: len(data) // 2])
    else:
        data[1000 if damage == "chunk" else -20] ^= 0xFF
        shard.write_bytes(data)
    words = "cannot be read" if damage == "gone" else "is damaged"
    with pytest.raises(CorruptChunkError, match=rf"brain\.ome\.zarr: level 0, chunk \(\d, \d, \d\) of /0 {words}"):
        open_volume(volume.path).levels[0].read(EVERYTHING)


def test_the_seal_vouches_for_all_small_files(make):
    volume = make(samples_of("uint8"))
    sealed = json.loads((volume.path / "stackreel" / "zarr.json").read_text())["attributes"]
    seal, names = sealed["seal"], sealed["files"]
    small = [path.relative_to(volume.path).as_posix() for path in volume.path.rglob("*") if path.is_file()]
    shards = re.compile(r"(stackreel/resultants/)?\d+/c/")
    assert names == sorted(name for name in small if not shards.match(name) and name != "stackreel/zarr.json")
    assert int(seal, 16) == zarrwriter.digest(volume.path, names)
    page = volume.path / "1" / "zarr.json"
    page.write_text(page.read_text().replace("uint8", "int8"))
    assert int(seal, 16) != zarrwriter.digest(volume.path, names)


def test_zarr_of_others_is_led_to_convert(tmp_path):
    path = tmp_path / "scan.ome.zarr"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.open_group(path, mode="w").create_array("0", shape=(3, 4, 5), dtype="uint8")
    with pytest.raises(VolumeError, match=r"stackreel convert .*scan\.ome\.zarr .*scan\.h5"):
        open_volume(path)


def test_folders_that_are_no_zarr(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(VolumeError, match="a folder, but no Zarr"):
        open_volume(tmp_path / "empty")
    with pytest.raises(VolumeMissingError, match="there is no such volume"):
        open_volume(tmp_path / "brain.ome.zarr")


def test_an_output_that_stands_is_replaced_only_when_asked(make, tmp_path):
    make(samples_of("uint8"))
    with pytest.raises(OutputExistsError, match="stands already"):
        make(samples_of("uint8"))
    again = make(255 - samples_of("uint8"), overwrite=True)
    np.testing.assert_array_equal(again.levels[0].read(EVERYTHING), 255 - samples_of("uint8"))
    assert [p.name for p in tmp_path.iterdir()] == ["brain.ome.zarr"]


def test_a_folder_moved_elsewhere_is_the_same_volume(make, tmp_path):
    volume = make(samples_of("uint8"))
    expected = volume.levels[0].read(EVERYTHING)
    shutil.copytree(volume.path, tmp_path / "copy.zarr")
    shutil.rmtree(volume.path)
    np.testing.assert_array_equal(open_volume(tmp_path / "copy.zarr").levels[0].read(EVERYTHING), expected)


def test_tables_of_any_size_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(zarrfile, "PIECE_BYTES", 100)
    for number, shape in enumerate([(7,), (33, 5), (1, 1, 1), (20, 3, 4)]):
        values = np.random.default_rng(0).integers(0, 9, shape).astype(np.uint64)
        zarrfile.write_table(tmp_path / str(number), values)
        np.testing.assert_array_equal(zarrfile.read_table(tmp_path / str(number)), values)
        np.testing.assert_array_equal(zarr.open_array(tmp_path / str(number), mode="r")[...], values)
