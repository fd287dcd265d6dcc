"""Which kind of volume file it is: HDF5, or a folder of OME-Zarr."""

from __future__ import annotations

from pathlib import Path

from stackreel.volume.hdf5 import open_volume as open_hdf5_volume
from stackreel.volume.omezarr import open_zarr_volume
from stackreel.volume.output import is_zarr
from stackreel.volume.volume import Volume


def open_volume(path: str | Path, name: str | None = None) -> Volume:
    """The volume in a file that stackreel made, HDF5 or OME-Zarr; `name` chooses when there are several.

    Raises VolumeMissingError when there is no such file, VolumeError when it is not a volume of ours.
    """
    path = Path(path)
    return open_zarr_volume(path, name) if is_zarr(path) or path.is_dir() else open_hdf5_volume(path, name)
