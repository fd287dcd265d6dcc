"""A volume, or a part of one, for other programs: TIFF, NIfTI, HDF5 and OME-Zarr."""

from stackreel.volume.export.excerpt import Excerpt
from stackreel.volume.export.nifti import export_nifti
from stackreel.volume.export.tiff import export_sections, export_stack
from stackreel.volume.export.whole import copy_volume

__all__ = ["Excerpt", "copy_volume", "export_nifti", "export_sections", "export_stack"]
