"""Which files are the sections: a folder, a glob or one file becomes an ordered list of one kind.

A folder of sections holds other things too: thumbnails that a viewer left, notes, a settings file. Only
files with an ending that sections have are taken, and all of them must share it; what else lies there is
left alone and named.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.naming import natural_key, numbering_notes

Kind = Literal["raw", "tiff", "image", "zarr", "hdf5", "nifti", "nrrd", "minc"]

ENDINGS: dict[str, Kind] = {
    **dict.fromkeys((".raw", ".bin", ".dat"), "raw"),
    **dict.fromkeys((".tif", ".tiff", ".btf", ".tf8"), "tiff"),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), "image"),
}
CONTAINERS: dict[str, Kind] = {
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".ims"), "hdf5"),
    **dict.fromkeys((".nii", ".nii.gz", ".mgh", ".mgz"), "nifti"),
    **dict.fromkeys((".nrrd", ".nhdr"), "nrrd"),
    ".mnc": "minc",
}
"""Files that may hold a whole stack. Beside sections they are taken for somebody's result, and left alone."""

_ZARR = ("zarr.json", ".zattrs", ".zgroup", ".zarray")  # one of these lies in every folder that is Zarr
_ZIPPED = (".zarr.zip", ".ozx")
_WEB = ("http://", "https://")
_NEVER = {"thumbs.db", "desktop.ini", "phantom.json"}  # besides hidden files and README
_TEXT = {
    ".txt",
    ".md",
    ".json",
    ".yaml",
    ".yml",
    ".xml",
    ".csv",
    ".tsv",
    ".log",
    ".html",
    ".pdf",
    ".py",
    ".sh",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Sections as they lie on disk, in their natural order, at least one, all of one kind.

    names   : of the paths, without what they share and without endings: what numbers the sections; none for one file
    inside  : the data set that was named behind a colon, as in brain.h5:/Image; "" where none was
    address : of Zarr on the web; "" for what lies on a disk
    """

    kind: Kind
    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    inside: str = ""
    address: str = ""


def find_slices(src: str | Path, *, raw: bool = False) -> Found:
    """The sections that SRC names: a folder, a glob ('*' in it), a file, file.h5:/data/set, or the URL of Zarr.

    raw : the shape and type of raw slices were stated, so files of an unknown ending may be raw ones
    Raises SliceReadError when there is nothing, SliceError when it is not clear which files are meant.
    """
    text = os.fspath(src)
    if text.lower().startswith(_WEB):
        return Found("zarr", (Path(text),), address=text.rstrip("/"))
    path = Path(text)
    if is_zarr(path):
        return Found("zarr", (path,))
    if not path.exists() and ":/" in text:
        return _in_container(text, raw)
    if path.is_dir():
        return _in_folder(path, raw)
    if path.exists():
        return Found(_kind_of_file(path, raw), (path,))
    if glob.has_magic(text):
        return _matching(text, raw)
    raise SliceReadError(f"{path}: there is no such file or folder{_nearest(path)}")


def is_zarr(path: Path) -> bool:
    """Whether a path is a folder of Zarr's, or such a folder in a ZIP file."""
    if path.name.lower().endswith(_ZIPPED):
        return path.is_file()
    return path.is_dir() and (path.suffix.lower() == ".zarr" or any((path / name).is_file() for name in _ZARR))


def _in_container(text: str, raw: bool) -> Found:
    """What file.h5:/data/set names; the part before the colon may be a folder or a glob."""
    before, _, inside = text.rpartition(":/")
    found = find_slices(before, raw=raw)
    if found.kind != "hdf5":
        raise SliceError(f"{text}: a colon and a name are for data sets in HDF5 files; {found.paths[0]} is none")
    return replace(found, inside="/" + inside.strip("/"))


def _in_folder(folder: Path, raw: bool) -> Found:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise SliceReadError(f"{folder}: the folder cannot be listed: {(error.strerror or '').lower()}") from error
    visible = [p for p in entries if not _ignored(p)]
    known = [p for p in visible if ending(p) in ENDINGS] or [p for p in visible if ending(p) in CONTAINERS]
    others = [p for p in visible if p not in known and not p.is_dir()]
    if not known and raw:
        known, others = [p for p in others if ending(p) not in _TEXT], []
    if known:
        return _ordered(known, others, str(folder), folder, raw)
    if not entries:
        raise SliceReadError(f"{folder}: the folder is empty; name the folder that holds the sections")
    held = _counts(others) or "only folders or hidden files"
    raise SliceReadError(
        f"{folder}: no sections found; it holds {held}. Sections end in {_all_endings()}; raw files with "
        "another ending need --shape and --dtype, other formats become TIFF first (Fiji opens most)"
        + _folders_below(entries)
    )


def _matching(pattern: str, raw: bool) -> Found:
    paths = [Path(p) for p in glob.glob(pattern, recursive=True)]
    files = [p for p in paths if not _ignored(p)]
    zarrs = [p for p in files if is_zarr(p)]
    if len(zarrs) == len(files) == 1:
        return Found("zarr", (zarrs[0],))
    if zarrs:
        raise SliceError(
            f"{pattern}: {len(zarrs)} of what matches is Zarr, a volume each; name one, such as {zarrs[0]}"
        )
    if not files:
        folder = Path(pattern).parent
        if glob.has_magic(str(folder)):
            where = ""
        elif folder.is_dir():
            held = _counts(p for p in folder.iterdir() if not p.is_dir())
            where = f"; {folder} holds {held or 'no files'}"
        else:
            where = f"; there is no folder {folder}{_nearest(folder)}"
        raise SliceReadError(f"{pattern}: no file matches{where}")
    return _ordered(files, [], pattern, Path(os.path.commonpath([p.parent for p in files])), raw)


def _ordered(paths: Sequence[Path], others: Sequence[Path], where: str, folder: Path, raw: bool) -> Found:
    """The paths in natural order of their place below folder, once they turn out to be of one ending."""
    endings = Counter(ending(p) for p in paths)
    if len(endings) > 1:
        globs = " or ".join(f"'{folder}/*{e}'" for e in sorted(endings))
        raise SliceError(f"{where}: {_counts(paths)} together; say which are the sections with a glob: {globs}")
    below = {p: p.relative_to(folder) for p in paths}
    ordered = sorted(paths, key=lambda p: [natural_key(part) for part in below[p].parts])
    names = tuple(below[p].as_posix().removesuffix(_suffix(p)) for p in ordered)
    notes = numbering_notes(names)
    if others:
        shown = ", ".join(p.name for p in others[:3]) + (", …" if len(others) > 3 else "")
        notes.append(f"{_files(len(others))} in {folder} not taken for sections: {shown}")
    return Found(_kind_of_file(ordered[0], raw), tuple(ordered), tuple(notes), names)


def _kind_of_file(path: Path, raw: bool) -> Kind:
    kind = ENDINGS.get(ending(path)) or CONTAINERS.get(ending(path))
    if kind:
        return kind
    if raw:
        return "raw"
    said = f"the ending {ending(path)} is unknown" if ending(path) else "the name has no ending"
    raise SliceError(
        f"{path}: {said}; sections end in {_all_endings()}. If it holds raw samples, give --shape ROWS COLS "
        "and --dtype; else convert it to TIFF, with Fiji for instance"
    )


def ending(path: Path) -> str:
    """The last suffix in lower case, dot included, .nii.gz as one; "" without one, or for a number (scan.0012)."""
    return _suffix(path).lower()


def _suffix(path: Path) -> str:
    if path.name.lower().endswith(".nii.gz"):
        return path.name[-len(".nii.gz") :]
    return "" if path.suffix[1:].isdigit() else path.suffix


def _ignored(path: Path) -> bool:
    name = path.name.casefold()
    return name.startswith((".", "readme", "~")) or name in _NEVER


def _counts(paths: Iterable[Path]) -> str:
    counts = Counter(ending(p) or "(no ending)" for p in paths)
    return " and ".join(f"{n} {e}" for e, n in counts.most_common(6)) + (" …" if len(counts) > 6 else "")


def _files(n: int) -> str:
    return "1 file" if n == 1 else f"{n} files"


def _all_endings() -> str:
    return ", ".join((*ENDINGS, *CONTAINERS, ".zarr"))


def _folders_below(entries: Sequence[Path]) -> str:
    """A hint when the sections seem to lie one folder deeper."""
    for p in entries:
        if is_zarr(p):
            return f". {p} is Zarr: perhaps that is meant"
        if p.is_dir() and not _ignored(p) and any(ending(q) in ENDINGS for q in _listed(p)):
            return f". {p} holds sections: perhaps that folder is meant"
    return ""


def _nearest(path: Path) -> str:
    """Where a mistyped path still exists, and the entry there that resembles what was asked for."""
    import difflib

    missing = path
    while missing.parent != missing and not missing.parent.is_dir():
        missing = missing.parent
    close = difflib.get_close_matches(missing.name, [p.name for p in _listed(missing.parent)], n=1)
    return f"; did you mean {missing.parent / close[0]}?" if close else f" ({missing.parent} exists)"


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
