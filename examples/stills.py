"""Pictures for a talk: each is a movie file in `stills/`, and this makes the volumes that they show.

    python examples/stills.py talk/                          all of them, 1920 × 1080
    python examples/stills.py talk/ fibres close-up          only these
    python examples/stills.py talk/ --data ../shared/data    where the volumes of others are

Three are of the synthetic hemisphere, and need nothing. Four are of brains that others have measured; what is not
there is left out, with a word. A volume, movie file or picture that stands in the folder already is kept: change a
movie file there and remove its picture to see it anew.
"""

from __future__ import annotations

import argparse
import gzip
import shlex
import shutil
import struct
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stackreel.cli import main as stackreel

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
MOVIES = sorted((HERE / "stills").glob("*.yaml"))


def run(*words: str | Path) -> None:
    """One command of stackreel, shown as it would be typed."""
    said = [str(word) for word in words]
    print("$ stackreel", shlex.join(said), flush=True)
    if stackreel(said) != 0:
        sys.exit(f"stills: that did not work: stackreel {shlex.join(said)}")


# --- a synthetic hemisphere -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Synthetic:
    """One modality of the phantom."""

    modality: str
    meaning: tuple[str, ...] = ()

    def missing(self, data: Path) -> None:
        return None

    def make(self, volume: Path, data: Path, shape: list[int]) -> None:
        z, y, x = shape
        across = 40_000 / max(y, x)
        spacing = [f"{step:.3f}um" for step in (20_000 / z, across, across)]
        with tempfile.TemporaryDirectory(dir=volume.parent) as folder:
            size = [str(n) for n in shape]
            run("phantom", folder, "--shape", *size, "--spacing", *spacing, "--modality", self.modality)
            sections = ["--shape", str(y), str(x), "--dtype", "uint8"]
            run("convert", folder, volume, *sections, "--spacing", *spacing, *self.meaning)


# --- brains that others have measured ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A file of the data folder: how it becomes a folder of sections, and what `convert` is to know of them."""

    file: str
    unpack: Callable[[Path, Path], None]
    words: tuple[str, ...]

    def missing(self, data: Path) -> Path | None:
        path = data / "volumes" / self.file
        return None if path.is_file() else path

    def make(self, volume: Path, data: Path, shape: list[int]) -> None:
        with tempfile.TemporaryDirectory(dir=volume.parent) as folder:
            self.unpack(data / "volumes" / self.file, Path(folder))
            run("convert", folder, volume, *self.words)


def untar(archive: Path, folder: Path) -> None:
    """The files of an archive, all into one folder."""
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                (folder / Path(member.name).name).write_bytes(content.read())


NIFTI_TYPES = {2: "u1", 512: "<u2"}


def read_nifti(path: Path) -> npt.NDArray[np.unsignedinteger]:
    """The samples (z, y, x) of a little-endian NIfTI-1 file of unsigned numbers, as they are stored."""
    with gzip.open(path) as file:
        raw = file.read()
    nx, ny, nz = struct.unpack_from("<3h", raw, 42)
    (code,), (start,) = struct.unpack_from("<h", raw, 70), struct.unpack_from("<f", raw, 108)
    return np.frombuffer(raw, NIFTI_TYPES[code], nx * ny * nz, int(start)).reshape(nz, ny, nx)


def nifti_sections(path: Path, folder: Path) -> None:
    """Its slices as PNGs."""
    for k, section in enumerate(read_nifti(path)):
        Image.fromarray(section).save(folder / f"{k:04d}.png")


VOLUMES: dict[str, Synthetic | Measured] = {
    "brain.h5": Synthetic("transmittance"),
    "retardation.h5": Synthetic("retardation"),
    "direction.h5": Synthetic("direction", ("--kind", "axial", "--period", "256", "--background", "0")),
    "mouse.h5": Measured("mouse_lightsheet_brainreg.tar.xz", untar, ("--spacing", "50um", "40um", "40um")),
    "human.h5": Measured("CIT168toMNI152-2009c_T1w_brain.nii.gz", nifti_sections, ("--spacing", "1mm", "1mm", "1mm")),
    "regions.h5": Measured(
        "niivue_AllenHumanAtlas_labels.nii.gz",
        nifti_sections,
        ("--spacing", "0.5mm", "0.5mm", "0.5mm", "--kind", "label"),
    ),
    "vessels.h5": Measured("niivue_MR_Gd.nii.gz", nifti_sections, ("--spacing", "1.0026mm", "0.97656mm", "0.97656mm")),
}


def volumes_of(movie: Path) -> list[str]:
    """The volumes that a movie file shows."""
    text = movie.read_text("utf-8")
    return [name for name in VOLUMES if name in text]


def still(movie: Path, args: argparse.Namespace) -> bool:
    """One picture, and the volumes that it needs; False where they cannot be had."""
    needed = volumes_of(movie)
    for name in needed:
        missing = VOLUMES[name].missing(args.data)
        if missing and not (args.folder / name).exists():
            print(f"{movie.stem}: left out, because there is no {missing}; --data says where the data are")
            return False
    for name in needed:
        if not (args.folder / name).exists():
            VOLUMES[name].make(args.folder / name, args.data, args.shape)
    picture, copy = args.folder / f"{movie.stem}.png", args.folder / movie.name
    if not copy.exists():
        shutil.copy(movie, copy)
    if not picture.exists():
        run("frame", copy, "-o", picture, *(["--size", *map(str, args.size)] if args.size else []))
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the stills of examples/stills, and make what they show.")
    parser.add_argument("folder", type=Path, help="where pictures and volumes go; made if missing")
    names = [movie.stem for movie in MOVIES]
    parser.add_argument("stills", nargs="*", metavar="STILL", help=f"which (default: all): {', '.join(names)}")
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="volumes of others (default: %(default)s)"
    )
    parser.add_argument(
        "--shape",
        nargs=3,
        type=int,
        default=[234, 1795, 1942],
        metavar=("Z", "Y", "X"),
        help="of the synthetic hemisphere; a smaller one is quicker (default: 234 1795 1942)",
    )
    parser.add_argument("--size", nargs=2, type=int, metavar=("W", "H"), help="of the pictures (default: 1920 1080)")
    args = parser.parse_args()
    unknown = sorted(set(args.stills) - set(names))
    if unknown:
        parser.error(f"there is no still {', '.join(unknown)}; there are {', '.join(names)}")
    args.folder.mkdir(parents=True, exist_ok=True)
    wanted = [movie for movie in MOVIES if not args.stills or movie.stem in args.stills]
    done = [movie.stem for movie in wanted if still(movie, args)]
    print(f"{args.folder}: {', '.join(done) or 'nothing'}")


if __name__ == "__main__":
    main()
