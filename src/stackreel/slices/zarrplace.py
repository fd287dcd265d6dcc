"""Where Zarr lies: a folder, a ZIP file, or the web (zarrweb). What goes wrong there, in words; zarr-python reads."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from stackreel.errors import SliceError, SliceReadError, StackreelError
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason

T = TypeVar("T")


class Place(Protocol):
    """A store of Zarr, by the name that a person gave it.

    words : for the provenance
    """

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
    if isinstance(src, str) and src.lower().startswith(("http://", "https://")):
        from stackreel.slices.zarrweb import Web

        return Web(src)
    path = Path(src)
    return Zip(path) if path.is_file() else Folder(path)


class Folder:
    """Zarr in a folder."""

    words: Mapping[str, str] = {}

    def __init__(self, path: Path) -> None:
        from zarr.storage import LocalStore

        self.path = path
        self._store: Any = LocalStore(path, read_only=True)
        self._prefix = ""

    def __str__(self) -> str:
        return str(self.path)

    def open(self, path: str) -> Any:
        with self.faults(f"{self}/{path}" if path else str(self)):
            return opened(self._store, self._prefix + path)

    def children(self, group: Any) -> list[str]:
        with suppress(Exception):
            return sorted(group.keys())
        return []

    def files(self, path: str, zarr_format: int, count: int) -> tuple[SliceFile, ...]:
        found: list[SliceFile] = []
        for name in metadata_files(path, zarr_format):
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

        self.path = path
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


def metadata_files(path: str, zarr_format: int) -> list[str]:
    """The files that describe an array and the image around it."""
    name, about = ("zarr.json", "zarr.json") if zarr_format == 3 else (".zarray", ".zattrs")
    return [f"{path}/{name}", about] if path else [name]


def opened(store: Any, path: str) -> Any:
    """The node at a path. Some servers answer 403 for what is not there: then version 2 is asked for by itself."""
    import zarr

    try:
        return zarr.open(store=store, path=path.rstrip("/"), mode="r")
    except Exception as error:
        if getattr(error, "status", None) != 403:
            raise
        return zarr.open(store=store, path=path.rstrip("/"), mode="r", zarr_format=2)
