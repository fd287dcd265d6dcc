"""The small files beside a volume file through which ParaView opens it: their names, and how they are written.

    brain.h5                the volume: full resolution and all reduced levels
    brain.xmf2, brain.hdf   full resolution, for ParaView's XDMF and VTKHDF readers
    brain.L1of3.xmf2, …     the reduced levels, each a fraction of the memory

None of them holds samples: each is a few kilobytes that point into brain.h5 by name, so they move together with
it. The level's number is followed by "of3" because ParaView's file dialog takes brain.L1.hdf, brain.L2.hdf, … for
the time steps of one series and would play the levels one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from stackreel.errors import OutputExistsError


def xdmf_path(volume_path: Path, level: int, levels: int) -> Path:
    """Where level 0 … levels-1 of a volume gets its XDMF file: brain.xmf2, brain.L1of3.xmf2, …"""
    return _beside(volume_path, level, levels, ".xmf2")


def vtkhdf_path(volume_path: Path, level: int, levels: int) -> Path:
    """Where level 0 … levels-1 of a volume gets its VTKHDF file: brain.hdf, brain.L1of3.hdf, …"""
    return _beside(volume_path, level, levels, ".hdf")


def existing(volume_path: Path, suffix: str) -> list[Path]:
    """Files beside the volume that have names we would give, for any number of levels; sorted."""
    pattern = re.compile(rf"{re.escape(volume_path.stem)}(\.L\d+of\d+)?{re.escape(suffix)}")
    folder = volume_path.parent
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if pattern.fullmatch(p.name) and p.name != volume_path.name)


def refuse_foreign(volume_path: Path, suffix: str, volume_of: Callable[[Path], str | None]) -> None:
    """Raises OutputExistsError when a file under one of our names is not stackreel's, or another volume's.

    volume_of : the name of the volume file that one of the files shows; None for a file that stackreel did not write
    """
    for path in existing(volume_path, suffix):
        shown = volume_of(path) if path.is_file() else None
        if shown is None:
            raise OutputExistsError(
                f"{path} stands already and was not written by stackreel; "
                f"move it away, or give the volume another name than {volume_path.name}"
            )
        if shown != volume_path.name and (volume_path.parent / shown).is_file():
            raise OutputExistsError(
                f"{path} shows {shown} in ParaView and would be replaced; "
                f"give the volume a name that differs in more than its ending, or move {shown} away"
            )


def remove_stale(volume_path: Path, suffix: str, keep: Collection[Path]) -> None:
    """Take away the files of an earlier volume of this name with another number of levels."""
    for path in existing(volume_path, suffix):
        if path not in keep:
            path.unlink()


def _beside(volume_path: Path, level: int, levels: int, suffix: str) -> Path:
    stem = volume_path.stem if level == 0 else f"{volume_path.stem}.L{level}of{levels - 1}"
    return volume_path.with_name(stem + suffix)
