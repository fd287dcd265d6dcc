"""What an XDMF file of any program describes: the samples of its first grid, and where they are said to lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from stackreel.errors import VolumeError
from stackreel.geometry import Index3
from stackreel.paraview.grid import Slab
from stackreel.paraview.known import Known, OfDataset, OfRaw
from stackreel.paraview.needs import dataset_in

_KINDS = {("float", 4): "f4", ("float", 8): "f8", ("char", 1): "i1", ("uchar", 1): "u1", ("short", 2): "i2"}
_KINDS |= {("ushort", 2): "u2", ("int", 1): "i1", ("int", 2): "i2", ("int", 4): "i4", ("int", 8): "i8"}
_KINDS |= {("uint", 1): "u1", ("uint", 2): "u2", ("uint", 4): "u4", ("uint", 8): "u8"}


@dataclass(frozen=True)
class Description:
    """An array of an XDMF file.

    name    : the attribute's; shape : (z, y, x) that it is said to have, components : of every sample
    dtype   : that it is said to have
    file    : that holds it; None where the samples stand in the XML; as_written : how it is named there
    dataset : in an HDF5 file; "" in a raw one, from byte `seek` on
    slab    : the part that is taken of a grid of shape `of`; None for all of it
    center  : "node" or "cell"
    """

    name: str
    shape: Index3
    components: int
    dtype: np.dtype[np.generic]
    file: Path | None
    as_written: str
    dataset: str
    seek: int
    slab: Slab | None
    of: Index3
    center: str

    def known(self) -> Known | None:
        """The samples, as they can be read without ParaView; None where that is not known.

        Raises OSError or KeyError when the file or the data set is not there.
        """
        if self.file is None:
            return None
        if not self.dataset:
            return None if self.slab else OfRaw(self.file, self.shape, self.dtype, self.seek, self.components)
        found = dataset_in(self.file, self.dataset)
        if found is None:
            return None
        if self.slab is not None:
            return OfDataset(self.file, self.dataset, found.full, found.dtype, found.components, self.slab, found.flat)
        return found


def described(path: Path) -> Description:
    """The first array of the first grid. Raises VolumeError when the file is no XDMF, or none that we can follow."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise VolumeError(f"{path}: is not well-formed XML ({error}); no reader takes it") from error
    except OSError as error:
        raise VolumeError(f"{path}: cannot be read ({error.strerror or error})") from error
    if root.tag != "Xdmf":
        raise VolumeError(f"{path}: is XML, but no XDMF: it begins with <{root.tag}>")
    grid = next((g for g in root.iter("Grid") if g.get("GridType", "Uniform").lower() == "uniform"), None)
    attribute = None if grid is None else grid.find("Attribute")
    item = None if attribute is None else attribute.find("DataItem")
    if attribute is None or item is None:
        raise VolumeError(f"{path}: no uniform grid with samples is described here")
    slab, of = None, None
    if item.get("ItemType", "").lower() == "hyperslab":
        parts = item.findall("DataItem")
        if len(parts) != 2:
            raise VolumeError(f"{path}: a hyperslab here has {len(parts)} items; it needs a 3 × 3 table and the source")
        table = _numbers(parts[0].text)
        if len(table) != 9:
            raise VolumeError(f"{path}: only hyperslabs of three axes are followed here")
        item = parts[1]
        of = _shape(item)[0]
        slab = Slab.of(of, table[0:3], table[3:6], table[6:9])
    return _description(path, attribute, item, slab, of)


def _description(
    path: Path, attribute: ElementTree.Element, item: ElementTree.Element, slab: Slab | None, of: Index3 | None
) -> Description:
    shape, components = _shape(item)
    form = item.get("Format", "XML").lower()
    text = " ".join((item.text or "").split())
    number, precision = item.get("NumberType", "Float").lower(), int(item.get("Precision", "4"))
    order = ">" if item.get("Endian", "Native").lower() == "big" else "<"
    dtype = np.dtype(order + _KINDS.get((number, precision), "f4"))
    file, dataset = (text, "") if form != "hdf" else (text.rpartition(":")[0], text.rpartition(":")[2])
    return Description(
        attribute.get("Name", ""),
        slab.count if slab is not None else shape,
        components,
        dtype,
        None if form == "xml" or not file else path.absolute().parent / file,
        file,
        dataset,
        int(item.get("Seek", "0")),
        slab,
        of or shape,
        attribute.get("Center", "Node").lower(),
    )


def _shape(item: ElementTree.Element) -> tuple[Index3, int]:
    numbers = _numbers(item.get("Dimensions"))
    components = numbers.pop() if len(numbers) == 4 else 1
    if not 1 <= len(numbers) <= 3:
        raise VolumeError(f'Dimensions="{item.get("Dimensions")}" are no grid\'s; three numbers are followed here')
    z, y, x = [1] * (3 - len(numbers)) + numbers
    return (z, y, x), components


def _numbers(text: str | None) -> list[int]:
    return [int(float(word)) for word in re.findall(r"[-+.\deE]+", text or "")]
