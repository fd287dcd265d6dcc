"""Where Zarr lies: a folder, a ZIP file, a web server. What goes wrong there, in words.

zarr-python does the reading. On the web a request may fail and succeed a second later, so each is tried three times;
a chunk that a server does not have (404) is one that was never written, and reads as the fill value, as everywhere
in Zarr.
"""

from __future__ import annotations

import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from stackreel.errors import SliceError, SliceReadError, StackreelError
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason

TRIES = 3
PAUSE = 0.5  # seconds before the second try; longer before the third
CONNECT_S, SILENCE_S = 15, 60

T = TypeVar("T")


class Place(Protocol):
    """A store of Zarr, by the name that a person gave it.

    notes, words : what the place itself has to say, and to keep
    """

    notes: tuple[str, ...]
    words: Mapping[str, str]

    def open(self, path: str) -> Any:
        """The Zarr array or group at a path below. SliceReadError when there is none; its cause is then none."""

    def children(self, group: Any) -> list[str]:
        """Names of what a group holds; none where the place cannot tell."""

    def files(self, path: str, zarr_format: int, count: int) -> tuple[SliceFile, ...]:
        """What tells that the array at a path below has changed; the first of them holds all sections."""

    def ask(self, question: Callable[[], T]) -> T:
        """What a question to the store brings; on the web, asked again when a fault may pass."""

    def faults(self, label: str) -> Any:
        """A context in which faults of reading become SliceReadErrors that name what was read."""

    def check_ranges(self, path: str) -> None:
        """SliceReadError when parts of files cannot be had."""

    def close(self) -> None: ...


def place_of(src: str | Path) -> Place:
    """The place that SRC names. SliceError when zarr-python is not installed."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise SliceError(f"{src}: to read Zarr, zarr-python is needed: pip install 'stackreel[zarr]'") from None
    if isinstance(src, str) and src.startswith(("http://", "https://")):
        return Web(src)
    path = Path(src)
    return Zip(path) if path.is_file() else Folder(path)


class Folder:
    """Zarr in a folder."""

    words: Mapping[str, str] = {}

    def __init__(self, path: Path) -> None:
        from zarr.storage import LocalStore

        self.path, self.notes = path, ()
        self._store: Any = LocalStore(path, read_only=True)
        self._prefix = ""

    notes: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.path)

    def open(self, path: str) -> Any:
        with self.faults(f"{self}/{path}" if path else str(self)):
            return _opened(self._store, self._prefix + path)

    def children(self, group: Any) -> list[str]:
        with suppress(Exception):
            return sorted(group.keys())
        return []

    def files(self, path: str, zarr_format: int, count: int) -> tuple[SliceFile, ...]:
        found: list[SliceFile] = []
        for name in _metadata(path, zarr_format):
            file = self.path / name
            with suppress(OSError):
                stat = file.stat()
                found.append(SliceFile(file, stat.st_size, stat.st_mtime_ns, 0 if found else count))
        return tuple(found)

    def ask(self, question: Callable[[], T]) -> T:
        return question()

    @contextmanager
    def faults(self, label: str) -> Iterator[None]:
        try:
            yield
        except (StackreelError, MemoryError):
            raise
        except FileNotFoundError as error:
            raise SliceReadError(f"{label}: there is no Zarr array or group here") from error
        except OSError as error:
            raise SliceReadError(f"{label} cannot be read: {reason(error)}") from error
        except Exception as error:  # a codec's own complaint, or metadata that nobody understands
            raise SliceReadError(
                f"{label} does not decode: {reason(error)}; a chunk or its description is damaged, or of a codec that "
                "zarr-python does not know"
            ) from error

    def check_ranges(self, path: str) -> None:
        pass

    def close(self) -> None:
        with suppress(Exception):
            self._store.close()


class Zip(Folder):
    """Zarr in a ZIP file, at its top or one folder below; the file itself tells whether something has changed."""

    def __init__(self, path: Path) -> None:
        from zarr.storage import ZipStore

        self.path, self.notes = path, ()
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise SliceReadError(
                f"{path} is not a ZIP file that can be read: {reason(error)}; copy it again"
            ) from error
        roots = [n for n in names if n.rpartition("/")[2] in ("zarr.json", ".zgroup", ".zarray")]
        if not roots:
            raise SliceReadError(f"{path} is a ZIP file without Zarr in it")
        self._prefix = min(roots, key=lambda name: name.count("/")).rpartition("/")[0]
        self._prefix += "/" if self._prefix else ""
        self._store = ZipStore(path, read_only=True)

    def files(self, path: str, zarr_format: int, count: int) -> tuple[SliceFile, ...]:
        stat = self.path.stat()
        return (SliceFile(self.path, stat.st_size, stat.st_mtime_ns, count),)


class Web(Folder):
    """Zarr on a web server."""

    def __init__(self, url: str) -> None:
        try:
            import aiohttp
            import fsspec  # noqa: F401
        except ImportError:
            raise SliceError(
                f"{url}: to read from the web, fsspec and aiohttp are needed: pip install 'stackreel[zarr]'"
            ) from None
        from zarr.storage import FsspecStore

        self.url, self.notes = url.partition("?")[0].rstrip("/"), ()
        self.words = {"source": self.url}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)
        self._store = FsspecStore.from_url(
            self.url,
            storage_options={"client_kwargs": {"timeout": timeout, "trust_env": True}, "skip_instance_cache": True},
            read_only=True,
        )
        self._prefix = ""

    def __str__(self) -> str:
        return self.url

    def open(self, path: str) -> Any:
        with self.faults(f"{self}/{path}" if path else str(self)):
            return self.ask(lambda: _opened(self._store, path))

    def ask(self, question: Callable[[], T]) -> T:
        for attempt in range(TRIES):
            try:
                return question()
            except Exception as error:
                if attempt == TRIES - 1 or not _passes(error):
                    raise
                time.sleep(PAUSE * 4**attempt)
        raise AssertionError("the last try returns or raises")

    def children(self, group: Any) -> list[str]:
        return []

    def files(self, path: str, zarr_format: int, count: int) -> tuple[SliceFile, ...]:
        """The metadata files, as far as the server tells: size, and a number made of ETag or Last-Modified."""
        from zarr.core.sync import sync

        found: list[SliceFile] = []
        for name in _metadata(path, zarr_format):
            url = f"{self.url}/{name}"
            info: Mapping[str, Any] = {}
            with suppress(Exception):
                info = sync(self._store.fs._info(url))
            if info:
                mark = str(info.get("ETag") or info.get("Last-Modified") or "")
                found.append(
                    SliceFile(Path(url), int(info.get("size") or 0), zlib.crc32(mark.encode()), 0 if found else count)
                )
        return tuple(found) or (SliceFile(Path(self.url), 0, 0, count),)

    @contextmanager
    def faults(self, label: str) -> Iterator[None]:
        try:
            with super().faults(label):
                yield
        except SliceReadError as error:
            said = _web_words(error.__cause__)
            if said is None:
                raise
            raise SliceReadError(f"{label}: {said}") from error.__cause__

    def check_ranges(self, path: str) -> None:
        from zarr.core.sync import sync

        url = "/".join(part for part in (self.url, path, "zarr.json") if part)
        with self.faults(url):
            got = self.ask(lambda: sync(self._store.fs._cat_file(url, start=0, end=1)))
        if len(got) != 1:
            raise SliceReadError(
                f"{self.url}: its chunks lie together in shards, and the server does not send parts of files (HTTP "
                "Range); download it and convert it from the disk"
            )

    def close(self) -> None:
        from zarr.core.sync import sync

        session = getattr(self._store.fs, "_session", None)
        with suppress(Exception):
            if session is not None and not session.closed:
                sync(session.close())
        super().close()


def _opened(store: Any, path: str) -> Any:
    """The node at a path. Some servers answer 403 for what is not there: then version 2 is asked for by itself."""
    import zarr

    try:
        return zarr.open(store=store, path=path.rstrip("/"), mode="r")
    except Exception as error:
        if getattr(error, "status", None) != 403:
            raise
        return zarr.open(store=store, path=path.rstrip("/"), mode="r", zarr_format=2)


def _metadata(path: str, zarr_format: int) -> list[str]:
    """The files that describe an array and the image around it."""
    name, about = ("zarr.json", "zarr.json") if zarr_format == 3 else (".zarray", ".zattrs")
    return [f"{path}/{name}", about] if path else [name]


def _passes(error: BaseException) -> bool:
    """Whether a fault of the network may be gone a second later."""
    status = getattr(error, "status", None)
    if status:
        return int(status) >= 500 or status == 429
    if isinstance(error, FileNotFoundError):
        return False
    return isinstance(error, OSError) or type(error).__module__.startswith("aiohttp.")


def _web_words(error: BaseException | None) -> str | None:
    if error is None or not (_passes(error) or getattr(error, "status", None) or isinstance(error, FileNotFoundError)):
        return None
    status = getattr(error, "status", None)
    if status:
        said = f"the server answers {status} {getattr(error, 'message', '')}".rstrip()
        if status in (401, 403):
            return f"{said}: it asks for a permission that stackreel does not have; download the data and convert them"
        return f"{said}, {TRIES} times; try again later" if _passes(error) else said
    if isinstance(error, FileNotFoundError):
        return "there is no Zarr at this address (404); in a browser, zarr.json or .zattrs must be found below it"
    if isinstance(error, TimeoutError):
        return f"the server has not answered for {SILENCE_S} s, {TRIES} times; try again later"
    return f"the server cannot be reached ({reason(error)}); check the address and the network"
