"""Zarr on a web server.

A request may fail and succeed a second later, so each is tried three times. A chunk that a server does not have (404)
is one that was never written, and reads as the fill value, as everywhere in Zarr.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.zarrplace import Folder, metadata_files, opened

TRIES = 3
PAUSE = 0.5  # seconds before the second try; longer before the third
CONNECT_S, SILENCE_S = 15, 60

T = TypeVar("T")


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

        self.url = url.partition("?")[0].rstrip("/")
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
            return self.ask(lambda: opened(self._store, path))

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
        for name in metadata_files(path, zarr_format):
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
