"""`stackreel phantom`: a synthetic brain on disk, section by section, to try everything else on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.geometry import Spacing
    from stackreel.slices.phantom import Modality, Phantom

DESCRIPTION = """\
Write the sections of a synthetic hemisphere in the style of 3D polarised light imaging: gyri and sulci, cortical
layers, white matter with its bundles, a ventricle. Transmittance is shown as myelin (white matter bright);
direction holds the in-plane fibre angle, 256 codes for 180 degrees. Outside the tissue everything is 0.

Any size works, in little memory. A run that was stopped goes on where it was when started again."""

EXAMPLES = """\
examples:
  stackreel phantom brain/ --shape 120 640 720                           55 MB, some seconds
  stackreel phantom brain/ --shape 120 640 720 --modality all            transmittance, retardation and direction
  stackreel phantom vervet/ --shape 234 28721 31076 --spacing 60um 1.3um 1.3um        209 GB: the real thing's size"""

SIDECAR = "phantom.json"
BAND_BYTES = 16 << 20
SUFFIX = {"raw": ".raw", "tiff": ".tif"}
THREADS = 2
MOST_SECTIONS = 1_000_000


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "phantom",
        help="a synthetic brain of any size, to try things out on",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the sections go; made if missing")
    parser.add_argument(
        "--shape",
        nargs=3,
        type=positive,
        metavar=("Z", "Y", "X"),
        default=(120, 640, 720),
        help="sections, rows and columns (default: 120 640 720)",
    )
    parser.add_argument(
        "--modality",
        choices=("transmittance", "retardation", "direction", "all"),
        default="transmittance",
        help="what the microscope shows; all makes a folder for each (default: transmittance)",
    )
    parser.add_argument("--format", choices=tuple(SUFFIX), default="raw", help="of the files (default: raw)")
    parser.add_argument("--seed", type=int, metavar="N", help="another seed, another brain")
    parser.add_argument(
        "--spacing",
        nargs=3,
        metavar=("Z", "Y", "X"),
        help="between sections, rows and columns, such as 60um 1.3um 1.3um (default: a brain 40 mm across, 20 mm deep)",
    )
    parser.add_argument(
        "--jitter",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="sections mounted and lit a little differently, as real ones are (default: yes)",
    )
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import StackreelError
    from stackreel.geometry import Spacing
    from stackreel.slices.phantom import DEFAULT_SEED, MODALITIES, Phantom

    if args.shape[0] > MOST_SECTIONS:
        raise StackreelError(
            f"--shape {' '.join(map(str, args.shape))}: each of the {args.shape[0]:,} sections would be a file; "
            f"choose {MOST_SECTIONS:,} at most"
        )
    spacing = Spacing.parse(args.spacing) if args.spacing else None
    seed = DEFAULT_SEED if args.seed is None else args.seed
    phantom = Phantom(tuple(args.shape), spacing, seed, args.jitter)
    wanted = MODALITIES if args.modality == "all" else (args.modality,)
    folders = {m: args.folder / m if args.modality == "all" else args.folder for m in wanted}

    note = _sidecar(phantom, wanted, args.format)
    _check_folder(args.folder, note)
    size = phantom.shape[1] * phantom.shape[2]
    _check_space(args.folder, size * phantom.shape[0] * len(wanted) - _stored(folders.values(), args.format))
    jobs = [
        (modality, z, folders[modality] / f"{modality}_{z:04d}{SUFFIX[args.format]}")
        for modality in wanted
        for z in range(phantom.shape[0])
    ]
    missing = [job for job in jobs if not _is_complete(job[2], size, args.format)]
    for folder in folders.values():
        _make_folder(folder)
    _write_sidecar(args.folder / SIDECAR, note)
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} sections stand already")
    _write_all(phantom, missing, args.format)

    rows, columns = phantom.shape[1:]
    print(f"{len(jobs)} sections of {rows} × {columns} uint8 in {args.folder}, {phantom.sampling} (z × y × x)")
    print("next:" if len(wanted) > 1 else f"next: {_convert_command(phantom, wanted[0], args.folder, args.format)}")
    if len(wanted) > 1:
        for modality, folder in folders.items():
            print(f"  {_convert_command(phantom, modality, folder, args.format)}")
    return 0


def _write_all(phantom: Phantom, jobs: list[tuple[Modality, int, Path]], kind: str) -> None:
    """Write every section, two at a time; the first failure or Ctrl-C stops the rest."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
    from threading import Event

    from tqdm import tqdm

    stop = Event()
    total = phantom.shape[1] * phantom.shape[2] * len(jobs)
    with (
        tqdm(total=total, unit="B", unit_scale=True, desc="cutting", smoothing=0.1) as bar,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        try:
            futures = [pool.submit(_write_one, phantom, *job, kind, stop, bar.update) for job in jobs]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _write_one(
    phantom: Phantom, modality: Modality, z: int, path: Path, kind: str, stop: Any, progress: Callable[[int], Any]
) -> None:
    """One section to a temporary file, band by band, then to its name."""
    import os

    import numpy as np
    import tifffile

    from stackreel.errors import DiskFullError

    _, rows, columns = phantom.shape
    height = max(1, BAND_BYTES // columns)
    temporary = path.with_name(f".{path.name}.part")

    def bands() -> Any:
        for first in range(0, rows, height):
            if stop.is_set():
                raise KeyboardInterrupt
            band = phantom.rows(z, first, min(first + height, rows), modality)
            yield band
            progress(band.nbytes)

    try:
        if kind == "raw":
            with open(temporary, "wb") as file:
                for band in bands():
                    file.write(memoryview(band))
        else:
            with tifffile.TiffWriter(temporary, bigtiff=rows * columns > 2**31) as tiff:
                tiff.write(
                    bands(), shape=(rows, columns), dtype=np.uint8, rowsperstrip=height, photometric="minisblack",
                    **_tiff_resolution(phantom.sampling),
                )  # fmt: skip
        os.replace(temporary, path)
    except OSError as error:
        why = error.strerror or error
        raise DiskFullError(f"{path} could not be written ({why}); make room and run it again") from error
    finally:
        temporary.unlink(missing_ok=True)


def _tiff_resolution(spacing: Spacing) -> dict[str, Any]:
    if spacing.unit != "um":
        return {}
    return {"resolution": (1e4 / spacing.x, 1e4 / spacing.y), "resolutionunit": "CENTIMETER"}


def _is_complete(path: Path, size: int, kind: str) -> bool:
    """Sections get their names when they are complete; the size guards against files cut short by others."""
    if not path.is_file():
        return False
    found = path.stat().st_size
    return found == size if kind == "raw" else found > size


def _sidecar(phantom: Phantom, modalities: tuple[Modality, ...], kind: str) -> dict[str, Any]:
    from stackreel.slices.phantom import DIRECTION_PERIOD

    spacing = phantom.sampling
    return {
        "what": "a synthetic brain made by stackreel phantom, not a real one",
        "shape": list(phantom.shape),
        "dtype": "uint8",
        "spacing": list(spacing.zyx),
        "spacing_unit": spacing.unit,
        "seed": phantom.seed,
        "jitter": phantom.jitter,
        "modalities": list(modalities),
        "format": kind,
        "background": 0,
        "direction_period": DIRECTION_PERIOD,
    }


def _check_folder(folder: Path, note: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but the same phantom, begun earlier."""
    import json

    from stackreel.errors import OutputExistsError

    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise OutputExistsError(f"{place} is a file; the sections need a folder: choose another name")
    if not folder.exists():
        return
    sidecar = folder / SIDECAR
    if not sidecar.is_file():
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise OutputExistsError(f"{folder} holds other files and no {SIDECAR}; choose an empty or a new folder")
        return
    try:
        found = json.loads(sidecar.read_text(encoding="utf-8"))
        different = [k for k in note if found.get(k) != note[k]]
    except (OSError, ValueError, AttributeError) as error:
        raise OutputExistsError(f"{sidecar} cannot be read ({error}); choose a new folder or remove it") from error
    if different:
        changes = "; ".join(f"{k} {found.get(k)} there, {note[k]} asked for" for k in different)
        raise OutputExistsError(f"{folder} holds another phantom: {changes}. Choose a new folder or remove this one")


def _stored(folders: Iterable[Path], kind: str) -> int:
    """Bytes of the sections that stand in the folders already."""
    return sum(p.stat().st_size for folder in folders for p in folder.glob(f"*{SUFFIX[kind]}"))


def _check_space(folder: Path, needed: int) -> None:
    import shutil

    from stackreel.errors import DiskFullError

    place = folder.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed * 1.01 + (needed > 0) * 1e6 > free:
        raise DiskFullError(
            f"the sections need {needed / 1e9:,.1f} GB, {free / 1e9:,.1f} GB are free on {place}; "
            "make room, choose another disk, or a smaller --shape"
        )


def _make_folder(folder: Path) -> None:
    from stackreel.errors import OutputExistsError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputExistsError(f"{folder} cannot be made: {error.strerror}; choose another folder") from error


def _write_sidecar(path: Path, note: dict[str, Any]) -> None:
    import json
    import os

    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _convert_command(phantom: Phantom, modality: Modality, folder: Path, kind: str) -> str:
    """The command that makes a volume of these sections."""
    import shlex

    from stackreel.slices.phantom import DIRECTION_PERIOD

    spacing = phantom.sampling
    words = ["stackreel", "convert", str(folder), "brain.h5" if modality != "direction" else "direction.h5"]
    if modality == "retardation":
        words[3] = "retardation.h5"
    if kind == "raw":
        words += ["--shape", str(phantom.shape[1]), str(phantom.shape[2]), "--dtype", "uint8"]
    words += ["--spacing", *(f"{v:.10g}{spacing.unit}" for v in spacing.zyx)]
    if modality == "direction":
        words += ["--kind", "axial", "--period", str(DIRECTION_PERIOD), "--background", "0"]
    return shlex.join(words)
