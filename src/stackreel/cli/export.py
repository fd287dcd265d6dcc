"""`stackreel export`: a volume, or part of it, as TIFF, NIfTI, HDF5 or OME-Zarr, for other programs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.start import loading
from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.volume import Volume
    from stackreel.volume.export import Excerpt

DESCRIPTION = """\
Write a volume, or part of one of its levels, for another program. The ending of OUT says what it becomes:

  .tif, .tiff         one BigTIFF with all sections, tiled and deflated, spacing and units as OME-XML
  none                a folder of sections, each such a TIFF
  .nii, .nii.gz       NIfTI; the affine leads to millimetres
  .h5                 a volume file again, all levels, from OME-Zarr
  .ome.zarr           OME-Zarr 0.5, all levels, from a volume file

Samples go from chunk to file in threads; memory stays small however large the volume. OUT gets its name when it is
complete."""

EXAMPLES = """\
examples:
  stackreel export brain.h5 brain.ome.zarr                                     for napari, Neuroglancer, BigStitcher …
  stackreel export brain.ome.zarr brain.h5                                     for ParaView
  stackreel export brain.h5 small.nii.gz --level 3                             a reduced level for FSL, ANTs, 3D Slicer
  stackreel export brain.h5 part.tif --start 100 8000 9000 --count 20 2000 2000     a box at full resolution
  stackreel export brain.h5 part.tif --level 1 --crop -0.1 0.1 0 0.2 -0.05 0.05     the same in world coordinates
  stackreel export brain.h5 sections/                                          a TIFF for each section"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "export",
        help="a volume, or part of a level, as TIFF, NIfTI, OME-Zarr or HDF5 for other programs",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a volume made by `stackreel convert`")
    parser.add_argument("out", metavar="OUT", help="what to write: .tif, .nii, .nii.gz, .h5, .ome.zarr, or a folder")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT, once the new one is complete")
    group = parser.add_argument_group("which samples, for TIFF and NIfTI")
    group.add_argument("--level", type=int, metavar="K", help="0 is full resolution, 1, 2, … are reduced (default: 0)")
    zyx = ("Z", "Y", "X")
    group.add_argument("--start", nargs=3, type=int, metavar=zyx, help="the first sample of the level (default: 0 0 0)")
    group.add_argument("--count", nargs=3, type=positive, metavar=zyx, help="how many (default: as many as there are)")
    group.add_argument(
        "--crop",
        nargs=6,
        type=float,
        metavar=("X0", "X1", "Y0", "Y1", "Z0", "Z1"),
        help="instead: a box in the world, in the order of ParaView's bounds; `stackreel info` tells the volume's",
    )
    group = parser.add_argument_group("machine")
    group.add_argument("--threads", type=positive, metavar="N", help="that unpack and pack (default: all cores)")
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    with loading():
        from stackreel.errors import VolumeError
        from stackreel.volume import open_volume

    out = Path(args.out)
    kind = _kind(out, folder=args.out.endswith(("/", os.sep)) or out.is_dir())
    if kind is None:
        raise VolumeError(
            f"{out}: the ending {out.suffix} is unknown; end the name in .tif, .nii, .nii.gz, .h5 or .ome.zarr, "
            "or name a folder without an ending"
        )
    if args.crop and (args.start or args.count):
        raise VolumeError("--crop and --start or --count both say which samples; leave one out")
    volume = open_volume(args.file)
    if out.exists() and out.resolve() == volume.path.resolve():
        raise VolumeError(f"{out} is the volume itself; give another name")
    if kind == "volume":
        return _whole(args, volume, out)
    return _part(args, volume, out, kind)


def _kind(out: Path, *, folder: bool) -> str | None:
    name = out.name.lower()
    if name.endswith((".h5", ".hdf5", ".hdf", ".zarr")):
        return "volume"
    if folder:
        return "sections"
    if name.endswith((".tif", ".tiff", ".btf")):
        return "stack"
    if name.endswith((".nii", ".nii.gz")):
        return "nifti"
    return "sections" if not out.suffix else None


def _whole(args: argparse.Namespace, volume: Volume, out: Path) -> int:
    """HDF5 as OME-Zarr, or the other way round."""
    import math
    import shlex

    from tqdm import tqdm

    from stackreel.errors import VolumeError
    from stackreel.files import format_bytes, size_on_disk
    from stackreel.paraview.doors import check_doors, write_doors
    from stackreel.paraview.vtkhdf import write_vtkhdf
    from stackreel.volume.export import copy_volume
    from stackreel.volume.output import check_output

    chosen = {"--level": args.level, "--start": args.start, "--count": args.count, "--crop": args.crop}
    given = [option for option, value in chosen.items() if value is not None]
    if given:
        raise VolumeError(
            f"{out.suffix} takes the whole volume with all levels, {given[0]} is for TIFF and NIfTI; export a part as "
            f"{out.with_suffix('.nii').name}, and `stackreel convert` makes a volume of that"
        )
    check_output(out, overwrite=args.overwrite)
    check_doors(out)
    expected = int(1.1 * sum(level.stored_bytes for level in volume.levels))
    print(f"{len(volume.levels)} levels, about {format_bytes(expected)}")
    _check_room(out, expected)
    total = sum(math.prod(level.shape) * level.dtype.itemsize for level in volume.levels)
    with tqdm(total=total, unit="B", unit_scale=True, desc="exporting", smoothing=0.1) as bar:
        made = copy_volume(
            volume, out, threads=_threads(args), overwrite=args.overwrite, progress=bar.update, finish=write_vtkhdf
        )
    beside = write_doors(made)
    print(f"{out}: {format_bytes(size_on_disk(out))}, all levels and statistics of {volume.path}")
    if beside:
        print(f"next: in ParaView, File > Open > {beside[0]}, Apply    (or: stackreel info {shlex.quote(str(out))})")
    else:
        print(f"next: napari {shlex.quote(str(out))}    (with the plugin napari-ome-zarr)")
    return 0


def _part(args: argparse.Namespace, volume: Volume, out: Path, kind: str) -> int:
    """Samples of one level as TIFF or NIfTI."""
    from tqdm import tqdm

    from stackreel.files import format_bytes, size_on_disk
    from stackreel.geometry import Box
    from stackreel.volume.export import Excerpt, export_nifti, export_sections, export_stack

    box = None
    if args.crop:
        x0, x1, y0, y1, z0, z1 = args.crop
        box = Box((min(x0, x1), min(y0, y1), min(z0, z1)), (max(x0, x1), max(y0, y1), max(z0, z1)))
    excerpt = Excerpt.of(volume, args.level or 0, args.start, args.count, box)
    _check_target(out, kind, overwrite=args.overwrite)
    expected = _expected(excerpt, out)
    z, y, x = excerpt.count
    print(
        f"{z} sections of {y} × {x} {volume.dtype.name}, level {excerpt.level.index}, {excerpt.spacing} (z × y × x): "
        f"{format_bytes(excerpt.nbytes)}, about {format_bytes(expected)} on the disk"
    )
    _check_room(out, expected)
    with tqdm(total=excerpt.nbytes, unit="B", unit_scale=True, desc="exporting", smoothing=0.1) as bar:
        export = {"stack": export_stack, "sections": export_sections, "nifti": export_nifti}[kind]
        export(excerpt, out, threads=_threads(args), progress=bar.update)
    print(f"{out}: {format_bytes(size_on_disk(out))}")
    print(f"next: {_next(out, kind)}")
    return 0


def _next(out: Path, kind: str) -> str:
    import shlex

    name = shlex.quote(str(out))
    if kind == "nifti":
        return f"fsleyes {name}    (or ITK-SNAP, 3D Slicer)"
    if kind == "sections":
        return f"in Fiji, File > Import > Image Sequence > {out}"
    return f"in Fiji, Plugins > Bio-Formats > Bio-Formats Importer > {out}    (or: napari {name})"


def _expected(excerpt: Excerpt, out: Path) -> int:
    """How large the output will be, about; deflate takes a little more than the volume itself does."""
    if out.name.lower().endswith(".nii"):
        return excerpt.nbytes + 4096
    return min(int(1.3 * excerpt.stored_bytes), excerpt.nbytes) + 65536


def _check_target(out: Path, kind: str, *, overwrite: bool) -> None:
    """Raises, before any work is done, when OUT cannot be written at the end."""
    from stackreel.errors import OutputExistsError, VolumeError
    from stackreel.files import check_writable, refuse_device

    if kind != "sections":
        check_writable(out, overwrite=overwrite)
        return
    if not out.absolute().parent.is_dir():
        raise VolumeError(f"{out}: the folder {out.absolute().parent} does not exist; make it first")
    refuse_device(out)
    if out.exists() and not out.is_dir():
        raise OutputExistsError(f"{out} is no folder; name a folder, or end the name in .tif")
    if out.is_dir() and any(out.iterdir()):
        strange = [path.name for path in sorted(out.iterdir()) if not _is_ours(path)]
        if strange:
            raise OutputExistsError(f"{out} holds other things ({strange[0]} …); name a new folder")
        if not overwrite:
            raise OutputExistsError(f"{out} holds sections already; give another name, or --overwrite to replace them")


def _is_ours(path: Path) -> bool:
    """Whether a file is a section that was exported before: nobody else's sections are ever replaced."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return 'Creator="stackreel' in (file.pages.first.description or "")
    except (OSError, ValueError):  # no TIFF, which tifffile tells by a ValueError
        return False


def _check_room(out: Path, expected: int) -> None:
    import shutil

    from stackreel.errors import DiskFullError
    from stackreel.files import format_bytes, true_path

    folder = true_path(out).parent
    free = shutil.disk_usage(folder).free
    if free < expected:
        raise DiskFullError(
            f"{folder}: {format_bytes(free)} are free, and about {format_bytes(expected)} are needed; free some "
            "space, write elsewhere, or export a part or a coarser --level"
        )


def _threads(args: argparse.Namespace) -> int:
    return args.threads or os.cpu_count() or 1
