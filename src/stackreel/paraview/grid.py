"""XDMF: a few lines of XML that tell ParaView what a data set in an HDF5 file is and where it stands.

The samples stay where they are. A file describes either a whole level of the volume (a *uniform* grid: opening it
costs the data's own size in memory) or every n-th sample of a part of it (a *hyperslab*: opening it costs three
times the part's size, since the reader keeps copies). Either way a feature stands at the same world position in
every file, because spacing and origin follow the samples taken. `renormalised` gives that up to make the part
itself one unit long, the convention of the two hand-written files that this project grew from.

Grammar: what VTK 9.7's reader and ParaView 5.11's Xdmf2 and Xdmf3 all read (hyperslabs: not Xdmf3, which leaves
the array out in silence; the ending .xmf2 makes ParaView choose Xdmf2). Everything is in the order z, y, x.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr, unescape

import numpy as np

from stackreel.errors import VolumeError
from stackreel.geometry import Index3, Placement, Spacing, Vec3

HYPERSLAB_COPIES = 3
"""How many times its own size a hyperslab takes while ParaView opens it (measured: 892 MB took 2.66 GB)."""

_NUMBER_TYPES = {
    "u1": ("UChar", 1),  # as UInt it would become a 32-bit array, four times the memory
    "i1": ("Char", 1),
    "u2": ("UShort", 2),  # the same, twice the memory
    "i2": ("Short", 2),
    "u4": ("UInt", 4),
    "i4": ("Int", 4),
    "i8": ("Int", 8),  # the unsigned kin is cut to 32 bits by the reader
    "f4": ("Float", 4),
    "f8": ("Float", 8),
}


@dataclass(frozen=True, slots=True)
class Grid:
    """A data set in an HDF5 file and where its samples stand.

    file      : name of the HDF5 file as seen from the XDMF file's folder, "/" between folders
    dataset   : path inside it, as "/PLI"
    name      : what ParaView calls the array
    dtype     : of the samples
    placement : shape, origin and step
    """

    file: str
    dataset: str
    name: str
    dtype: np.dtype[Any]
    placement: Placement

    @property
    def nbytes(self) -> int:
        """What opening the whole grid takes in memory."""
        return math.prod(self.placement.shape) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Slab:
    """Every stride-th sample from start on, count of them; each along (z, y, x)."""

    start: Index3
    stride: Index3
    count: Index3

    @staticmethod
    def of(
        shape: Sequence[int],
        start: Sequence[int] = (0, 0, 0),
        stride: Sequence[int] = (1, 1, 1),
        count: Sequence[int] | None = None,
    ) -> Slab:
        """The slab of a grid of that shape; without `count`, as many samples as fit.

        Raises VolumeError, naming the axis, when the slab would leave the grid.
        """
        counts = []
        for axis, n, a, k, c in zip("zyx", shape, start, stride, count or (None,) * 3, strict=True):
            if not 0 <= a < n:
                raise VolumeError(f"start along {axis} is {a}; there are samples 0 to {n - 1}")
            if k < 1:
                raise VolumeError(f"stride along {axis} is {k}; it must be 1 or more")
            fits = (n - 1 - a) // k + 1
            if c is not None and not 1 <= c <= fits:
                raise VolumeError(
                    f"count along {axis} is {c}; from sample {a} on in steps of {k}, 1 to {fits} of {n} samples fit"
                )
            counts.append(fits if c is None else c)
        return Slab(_index(start), _index(stride), _index(counts))

    def placement(self, full: Placement) -> Placement:
        """Where these samples of the full grid stand: exactly where they stood in it."""
        return full.strided(self.start, self.stride, self.count)

    def nbytes(self, dtype: np.dtype[Any]) -> int:
        """What opening it takes in memory, with the reader's copies."""
        return math.prod(self.count) * dtype.itemsize * HYPERSLAB_COPIES


def renormalised(placement: Placement) -> Placement:
    """The same grid rescaled to an extent of 1 of its own and centred on 0.

    It no longer registers with the grid it was taken from; only its proportions remain.
    """
    part = Placement.of(placement.shape, Spacing(*placement.step[::-1]))
    if placement.um_per_unit is None:
        return part
    return replace(part, um_per_unit=placement.um_per_unit * placement.step[0] / part.step[0])


def grid_xml(grid: Grid, slab: Slab | None = None, *, renormalise: bool = False, comment: str = "") -> str:
    """An XDMF document for a whole data set or, with `slab`, for a part of it.

    renormalise : see `renormalised`
    comment     : goes before the document, for people
    Raises VolumeError for names and types that ParaView's XDMF reader cannot take.
    """
    refuse_names(grid.file, grid.dataset)
    placement = grid.placement if slab is None else slab.placement(grid.placement)
    if renormalise:
        placement = renormalised(placement)
    name = quoteattr(grid.name)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
{_comment(comment)}<Xdmf Version="2.2">
  <Domain>
    <Grid Name={name} GridType="Uniform">
      <Topology TopologyType="3DCoRectMesh" Dimensions="{numbers(placement.shape)}"/>
      <Geometry GeometryType="ORIGIN_DXDYDZ">
        {_vector(placement.origin)}
        {_vector(placement.step)}
      </Geometry>
      <Attribute Name={name} AttributeType="Scalar" Center="Node">
        {_data_item(grid) if slab is None else _hyperslab_item(grid, slab)}
      </Attribute>
    </Grid>
  </Domain>
</Xdmf>
"""


def refuse_names(file: str, dataset: str) -> None:
    """VolumeError for a file name or data set that cannot stand in XDMF's "file:dataset"."""
    for what, text in (("file name", file), ("data set", dataset)):
        if ":" in text:
            raise VolumeError(
                f'{what} "{text}": ParaView\'s XDMF reader takes what follows ":" for the data set; '
                "choose a name without a colon"
            )
        if text != text.strip() or any(ord(character) < 32 for character in text):
            raise VolumeError(
                f"{what} {text!r}: XDMF cannot hold blanks at a name's ends, nor tabs and line breaks; rename it"
            )


def referenced_file(xml: str) -> str:
    """The file that a document of `grid_xml` points into, as it was named there; "" when it names none."""
    found = re.search(r'Format="HDF">([^<:]+):', xml)
    return unescape(found[1]) if found else ""


def numbers(values: Sequence[int]) -> str:
    """ "234 7180 7760" """
    return " ".join(str(v) for v in values)


def _data_item(grid: Grid) -> str:
    number, precision = _number_type(grid.dtype)
    return (
        f'<DataItem Dimensions="{numbers(grid.placement.shape)}" NumberType="{number}" Precision="{precision}" '
        f'Format="HDF">{escape(grid.file)}:{escape(grid.dataset)}</DataItem>'
    )


def _hyperslab_item(grid: Grid, slab: Slab) -> str:
    return f"""<DataItem ItemType="HyperSlab" Dimensions="{numbers(slab.count)}">
          <DataItem Dimensions="3 3" NumberType="Int" Precision="8" Format="XML">
            {numbers(slab.start)}
            {numbers(slab.stride)}
            {numbers(slab.count)}
          </DataItem>
          {_data_item(grid)}
        </DataItem>"""


def _number_type(dtype: np.dtype[Any]) -> tuple[str, int]:
    try:
        return _NUMBER_TYPES[f"{dtype.kind}{dtype.itemsize}"]
    except KeyError:
        raise VolumeError(
            f"ParaView's XDMF reader cannot take {dtype.name}; convert to 8-, 16- or 32-bit integers, int64, "
            "float32 or float64"
        ) from None


def _vector(xyz: Vec3) -> str:
    z, y, x = (repr(v) for v in xyz[::-1])  # repr: the shortest digits that give the same double back
    return f'<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">{z} {y} {x}</DataItem>'


def _comment(text: str) -> str:
    if not text:
        return ""
    while "--" in text:  # not allowed inside an XML comment
        text = text.replace("--", "- -")
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    return f"<!--\n{lines}-->\n"


def _index(values: Sequence[int]) -> Index3:
    z, y, x = (int(v) for v in values)
    return (z, y, x)
