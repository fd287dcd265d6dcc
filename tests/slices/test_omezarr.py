"""OME-Zarr of every version, from a folder, a ZIP file and a web server."""

from __future__ import annotations

import io
import json
import shutil
import socket
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices, zarrweb

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

SHAPE = (2, 40, 70, 50)


def samples(shape: tuple[int, ...] = SHAPE, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(11).integers(0, 250, shape).astype(dtype)


def axes_of(names: str, unit: str | None = "micrometer") -> list[dict[str, str]]:
    kinds = {"t": "time", "c": "channel"}
    return [
        {"name": name, "type": kinds.get(name, "space")} | ({"unit": unit} if unit and name in "zyx" else {})
        for name in names
    ]


def write(
    path: Path,
    array: np.ndarray,
    axes: str = "czyx",
    version: str = "0.5",
    unit: str | None = "micrometer",
    **options: Any,
) -> Path:
    """An image of two levels, the second half as fine along y and x, with names for two channels."""
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    half = tuple(slice(None, None, 2) if axis in "yx" else slice(None) for axis in axes)
    scale = {"z": 4.0, "y": 0.5, "x": 0.25}
    datasets = []
    for level, data in enumerate((array, array[half])):
        stored = {"chunks": tuple(min(n, 16) for n in data.shape)} | options
        group.create_array(str(level), data=np.ascontiguousarray(data), **stored)
        factors = [scale.get(axis, 1.0) * (2**level if axis in "yx" else 1) for axis in axes]
        moves = [0.5 * factor if axis in "yx" else 0.0 for axis, factor in zip(axes, factors, strict=True)]
        datasets.append(
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": factors},
                    {"type": "translation", "translation": moves},
                ],
            }
        )
    image = {"name": "brain", "axes": axes_of(axes, unit), "datasets": datasets}
    omero = {"channels": [{"label": "DAPI", "color": "0000FF"}, {"label": "NeuN", "color": "00FF00"}]}
    if version == "0.5":
        group.attrs["ome"] = {"version": version, "multiscales": [image], "omero": omero}
    else:
        group.attrs.update({"multiscales": [image | {"version": version}], "omero": omero})
    return path


def assert_stack(source: SliceSource, stack: np.ndarray) -> None:
    assert source.shape == stack.shape
    assert source.dtype == stack.dtype
    assert isinstance(source, SliceSource)
    assert sum(file.count for file in source.files) == len(stack)
    height = stack.shape[1]
    for z in range(len(stack)):
        for rows in (slice(0, height), slice(1, 20), slice(height - 1, height)):
            np.testing.assert_array_equal(source.read(z, rows), stack[z, rows])


STORED = [
    ("0.4", {}),
    ("0.4", {"compressors": numcodecs.Zlib(level=1)}),
    ("0.5", {}),
    ("0.5", {"chunks": (1, 8, 16, 16), "shards": (1, 32, 64, 48)}),
    ("0.5", {"compressors": None}),
    ("0.5", {"compressors": zarr.codecs.BloscCodec(cname="zstd")}),
]


@pytest.mark.parametrize(("version", "options"), STORED, ids=lambda value: str(value)[:40])
def test_every_version_is_read_as_it_was_written(tmp_path: Path, version: str, options: dict[str, Any]) -> None:
    array = samples()
    path = write(tmp_path / "brain.ome.zarr", array, version=version, **options)
    with open_slices(path, channel="NeuN") as source:
        assert_stack(source, array[1])
        assert source.spacing == Spacing(4, 0.5, 0.25, "um")
        assert source.notes == ()
        assert source.banded
        assert source.provenance == {
            "format": f"OME-Zarr {version}",
            "level": "0 (0)",
            "image": "brain",
            "channel": "1 (NeuN)",
            "translation": "z 0 micrometer, y 0.25 micrometer, x 0.125 micrometer",
        }


def test_a_coarser_level_brings_its_own_spacing(tmp_path: Path) -> None:
    array = samples()
    source = open_slices(write(tmp_path / "a.zarr", array), channel=0, level=1)
    assert_stack(source, array[0, :, ::2, ::2])
    assert source.spacing == Spacing(4, 1, 0.5, "um")
    with pytest.raises(SliceError, match=r"has no level 2; it holds 0 \(2 × 40 × 70 × 50\), 1 \(2 × 40 × 35 × 25\)"):
        open_slices(tmp_path / "a.zarr", channel=0, level=2)


def test_channels_are_asked_back_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples())
    with pytest.raises(SliceError, match=r"2 channels: 0 \(DAPI\), 1 \(NeuN\); .* --channel N or --channel NAME"):
        open_slices(path)


def test_big_endian_samples_and_other_orders_of_axes_are_turned(tmp_path: Path) -> None:
    array = samples((50, 70, 40), ">u2")
    source = open_slices(write(tmp_path / "a.zarr", array, "xyz", "0.4"))
    assert_stack(source, array.transpose(2, 1, 0).astype("uint16"))
    assert source.notes == ("axes lie as x, y, z; sections are read along z, rows along y, columns along x",)


def test_an_image_of_two_axes_is_one_section(tmp_path: Path) -> None:
    array = samples((70, 50))
    source = open_slices(write(tmp_path / "a.zarr", array, "yx"))
    assert_stack(source, array[None])
    assert "OME-Zarr metadata give pixels of 0.5 µm × 0.25 µm but no distance between sections" in source.notes[0]


def test_without_a_unit_the_ratio_remains(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path / "a.zarr", samples((8, 70, 50)), "zyx", unit=None))
    assert source.spacing == Spacing(4, 0.5, 0.25)
    assert "name no unit" in source.notes[0]


def test_a_plain_array_is_read_and_said_to_be_plain(tmp_path: Path) -> None:
    array = samples((8, 70, 50), "float32")
    zarr.create_array(tmp_path / "a.zarr", data=array, chunks=(4, 32, 32))
    source = open_slices(tmp_path / "a.zarr")
    assert_stack(source, array)
    assert source.spacing is None
    assert "its axes are taken for z, y, x" in source.notes[0]
    path = write(tmp_path / "b.zarr", array, "zyx")
    assert_stack(open_slices(path / "1"), array[:, ::2, ::2])


def test_labels_are_told_to_be_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples((8, 70, 50)), "zyx")
    group = zarr.open_group(path)
    group.attrs["ome"] = {**group.attrs["ome"], "image-label": {}}
    assert "--kind label" in open_slices(path).notes[-1]


@pytest.mark.parametrize("below", ["", "brain.ome.zarr/"])
def test_a_zip_file_holds_the_same(tmp_path: Path, below: str) -> None:
    array = samples()
    path = write(tmp_path / "brain.ome.zarr", array, chunks=(1, 8, 16, 16), shards=(1, 32, 64, 48))
    packed = tmp_path / "brain.ome.zarr.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, below + file.relative_to(path).as_posix())
    with open_slices(packed, channel=1) as source:
        assert_stack(source, array[1])
        assert source.files[0].size == packed.stat().st_size


def test_chunks_that_were_never_written_are_the_fill_value(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples((8, 70, 50)), "zyx", fill_value=7)
    shutil.rmtree(path / "0" / "c")
    np.testing.assert_array_equal(open_slices(path).read(3, slice(0, 70)), np.full((70, 50), 7, np.uint16))


def refused(src: Path | str, kind: type[SliceError] = SliceError, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        open_slices(src, **options)
    return str(caught.value)


def test_groups_that_are_no_image_say_what_to_name(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    assert "no multiscales metadata; name the folder" in refused(tmp_path / "a.zarr")
    group.create_array("raw", data=samples((4, 4, 4)))
    assert f"It holds raw: name one of them, as in {tmp_path}/a.zarr/raw" in refused(tmp_path / "a.zarr")
    group.attrs["bioformats2raw.layout"] = 3
    assert f"name one: {tmp_path}/a.zarr/0" in refused(tmp_path / "a.zarr")
    group.attrs["plate"] = {"wells": [{"path": "B/2"}]}
    assert f"is a plate of 1 wells; name one field of one: {tmp_path}/a.zarr/B/2/0" in refused(tmp_path / "a.zarr")


def test_metadata_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples((8, 70, 50)), "zyx", version="0.4")
    attrs = json.loads((path / ".zattrs").read_text())
    image = attrs["multiscales"][0]

    def said(**changes: Any) -> str:
        (path / ".zattrs").write_text(json.dumps({"multiscales": [{**image, **changes}]}))
        return refused(path)

    assert "names 2 axes (y, x), but its samples have 3" in said(axes=axes_of("yx"))
    assert "name no datasets" in said(datasets=[])
    assert "does not name its axes as OME-Zarr 0.1 to 0.5 do" in said(axes=None)
    assert "its metadata name a level s9" in said(datasets=[{"path": "s9"}])
    (path / ".zattrs").write_text('{"multiscales": [')
    assert "does not decode" in refused(path)


def test_types_and_shapes_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples((8, 70, 50), "int64"), "zyx")
    assert f"{path} holds int64; stackreel reads" in refused(path)
    path = write(tmp_path / "b.zarr", samples((8, 70, 50)), "zyx")
    assert "leave --shape out" in refused(path, SliceShapeError, shape=(1, 2))
    assert "leave --dtype out" in refused(path, SliceShapeError, dtype="uint8")
    assert "--skip-bytes is for raw files" in refused(path, skip_bytes=3)


def test_a_torn_chunk_names_the_slice_when_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", samples((40, 70, 50)), "zyx")
    (path / "0" / "c" / "2" / "0" / "0").write_bytes(b"torn")
    source = open_slices(path)
    with pytest.raises(SliceReadError) as caught:
        source.read(33, slice(0, 16))
    assert str(caught.value).startswith(f"slice 33 ({path}) does not decode: ")


def test_without_zarr_python_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.zarr", samples((4, 20, 20)), "zyx")
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert "pip install 'stackreel[zarr]'" in refused(path)


# --- on the web -------------------------------------------------------------------------------------------


class Server(SimpleHTTPRequestHandler):
    """A folder on the web, with parts of files where `ranges` says so; `faults` are answered before anything else."""

    ranges = True
    faults: tuple[int, ...] = ()
    asked: ClassVar[list[str]] = []

    def log_message(self, *_: object) -> None:
        pass

    def send_head(self) -> Any:
        cls = type(self)
        cls.asked.append(self.path)
        if cls.faults and "/c/" in self.path:
            code, cls.faults = cls.faults[0], cls.faults[1:]
            self.send_error(code)
            return None
        wanted = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if not wanted or not cls.ranges or not path.is_file():
            return super().send_head()
        data = path.read_bytes()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None] if first else data[-int(last) :]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return io.BytesIO(part)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, type[Server]]]:
    """A real server of tmp_path, and its class, to make it fail."""
    handler = type("Handler", (Server,), {"asked": [], "protocol_version": "HTTP/1.1"})
    kind = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 64, "daemon_threads": True})
    server = kind(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("version", "options"), [STORED[0], STORED[2], STORED[3]], ids=["v2", "v3", "shards"])
def test_a_web_server_gives_the_same(
    tmp_path: Path, web: tuple[str, type[Server]], version: str, options: dict[str, Any]
) -> None:
    url, _ = web
    array = samples()
    path = write(tmp_path / "a.zarr", array, version=version, **options)
    with open_slices(f"{url}/a.zarr/", channel=1) as source:
        assert_stack(source, array[1])
        assert source.spacing == Spacing(4, 0.5, 0.25, "um")
        assert source.provenance["source"] == f"{url}/a.zarr"
        described = path / ("0/zarr.json" if version == "0.5" else "0/.zarray")
        assert source.files[0].size == described.stat().st_size
        before = source.files
    with open_slices(f"{url}/a.zarr", channel=1) as again:
        assert again.files == before


def test_each_chunk_is_fetched_once(tmp_path: Path, web: tuple[str, type[Server]]) -> None:
    url, server = web
    array = samples((40, 70, 50))
    write(tmp_path / "a.zarr", array, "zyx", chunks=(40, 70, 25))
    with open_slices(f"{url}/a.zarr") as source:
        for z in range(40):
            np.testing.assert_array_equal(source.read(z, slice(0, 70)), array[z])
    assert sorted(path for path in server.asked if "/c/" in path) == ["/a.zarr/0/c/0/0/0", "/a.zarr/0/c/0/0/1"]


def test_a_passing_fault_is_tried_again_and_a_lasting_one_told(
    tmp_path: Path, web: tuple[str, type[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zarrweb, "PAUSE", 0.01)
    url, server = web
    array = samples((8, 16, 16))
    write(tmp_path / "a.zarr", array, "zyx")
    with open_slices(f"{url}/a.zarr") as source:
        server.faults = (503, 500)
        np.testing.assert_array_equal(source.read(3, slice(0, 16)), array[3])
    with open_slices(f"{url}/a.zarr") as source:
        server.faults = (503,) * 3
        with pytest.raises(SliceReadError, match=r"slice 3 \(http.*/a.zarr\): the server answers 503 .*3 times; try"):
            source.read(3, slice(0, 16))
        server.faults = (403,)
        with pytest.raises(SliceReadError, match=r"the server answers 403 .*: it asks for a permission"):
            source.read(3, slice(0, 16))


def test_a_wrong_address_says_so(tmp_path: Path, web: tuple[str, type[Server]], monkeypatch: Any) -> None:
    monkeypatch.setattr(zarrweb, "PAUSE", 0.01)
    url, _ = web
    assert refused(f"{url}/none.zarr", SliceReadError).startswith(
        f"{url}/none.zarr: there is no Zarr at this address (404)"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "the server cannot be reached" in refused(f"http://127.0.0.1:{port}/a.zarr", SliceReadError)


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarrweb, "PAUSE", 0.01)
    monkeypatch.setattr(zarrweb, "SILENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.zarr"
        assert f"{url}: the server has not answered for 0.2 s, 3 times" in refused(url, SliceReadError)


def test_shards_from_a_server_without_ranges_are_refused(tmp_path: Path, web: tuple[str, type[Server]]) -> None:
    url, server = web
    server.ranges = False
    write(tmp_path / "a.zarr", samples(), chunks=(1, 8, 16, 16), shards=(1, 32, 64, 48))
    assert "does not send parts of files (HTTP Range); download it" in refused(
        f"{url}/a.zarr", SliceReadError, channel=0
    )
