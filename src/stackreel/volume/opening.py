"""Which kind of volume file it is: HDF5, a folder of OME-Zarr, or HDF5 that is still being made."""

from __future__ import annotations

from pathlib import Path

from stackreel.errors import VolumeError, VolumeMissingError
from stackreel.volume.hdf5 import open_volume as open_hdf5_volume
from stackreel.volume.omezarr import open_zarr_volume
from stackreel.volume.output import is_zarr
from stackreel.volume.partial import ENDING, open_partial
from stackreel.volume.place import stepped_aside
from stackreel.volume.volume import Volume


def open_volume(path: str | Path, name: str | None = None) -> Volume:
    """The volume in a file that stackreel made, HDF5 or OME-Zarr; `name` chooses when there are several.

    Of brain.h5.partial, HDF5 that is still being made, all that is there by now.

    Raises VolumeMissingError when there is no such file, VolumeError when it is not a volume of ours.
    """
    path = Path(path)
    if path.suffix == ENDING and path.is_file():
        return open_partial(path, name)
    if path.suffix == ENDING and path.is_dir():
        raise VolumeError(f"{path}: OME-Zarr can be opened when it is finished; HDF5 (.h5) while it is being made, too")
    aside = stepped_aside(path)
    if aside is not None:
        raise VolumeMissingError(
            f"{path} was about to be replaced when a run was killed, and stands in {aside} now; rename it back, or run "
            "the same command again"
        )
    partial = path.with_name(path.name + ENDING)
    if not path.exists() and partial.is_file():
        raise VolumeMissingError(f"{path} is not finished; what there is of it can be seen in {partial}")
    return open_zarr_volume(path, name) if is_zarr(path) or path.is_dir() else open_hdf5_volume(path, name)
