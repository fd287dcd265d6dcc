"""Everything ParaView: the small files through which it opens a volume.

from stackreel.paraview import write_xdmf, write_vtkhdf, write_vtkhdf_companions, write_doors, check_doors
"""

from stackreel.paraview.doors import check_doors, write_doors
from stackreel.paraview.grid import Grid, Slab, grid_xml, renormalised
from stackreel.paraview.vtkhdf import write_vtkhdf, write_vtkhdf_companions
from stackreel.paraview.xdmf import write_part, write_xdmf

__all__ = [
    "Grid",
    "Slab",
    "check_doors",
    "grid_xml",
    "renormalised",
    "write_doors",
    "write_part",
    "write_vtkhdf",
    "write_vtkhdf_companions",
    "write_xdmf",
]
