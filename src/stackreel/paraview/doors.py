"""The doors through which ParaView enters a volume: all the small files beside it at once.

Two formats, because each serves where the other fails: XDMF is read by every ParaView of the last fifteen years
and can take every n-th sample; VTKHDF reads only the part that is asked for, however large the volume.
"""

from __future__ import annotations

from pathlib import Path

from stackreel.paraview import vtkhdf, xdmf
from stackreel.paraview.beside import refuse_foreign
from stackreel.paraview.grid import refuse_names
from stackreel.volume import Volume
from stackreel.volume.output import is_zarr


def check_doors(volume_path: Path) -> None:
    """To be asked before a long conversion: can the files for ParaView be written beside this volume?

    Raises VolumeError for a name that ParaView's readers cannot take, OutputExistsError for files in the way that
    stackreel did not write, or that belong to another volume. ParaView does not open OME-Zarr: nothing goes beside it.
    """
    if is_zarr(volume_path):
        return
    refuse_names(volume_path.name, "")
    refuse_foreign(volume_path, ".xmf2", xdmf.volume_of)
    refuse_foreign(volume_path, ".hdf", vtkhdf.volume_of)


def write_doors(volume: Volume) -> list[Path]:
    """Every file for ParaView beside the volume, XDMF and VTKHDF; what an earlier build left is replaced.

    OME-Zarr gets none: ParaView does not read version 0.5.
    """
    if is_zarr(volume.path):
        return []
    check_doors(volume.path)
    return [*xdmf.write_xdmf(volume), *vtkhdf.write_vtkhdf_companions(volume)]
