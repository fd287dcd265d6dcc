"""What everybody works on: the sections of a synthetic brain, made once, and the volume stackreel makes of them."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import RunError, run, say

SPACING = ("2.5", "1", "1")
STACKREEL = (sys.executable, "-m", "stackreel")


@dataclass(frozen=True, slots=True)
class Stack:
    """Sections of uint8 in a folder of the work folder; shape is (z, y, x)."""

    work: Path
    shape: tuple[int, int, int]

    @property
    def folder(self) -> Path:
        return self.work / f"sections-{'x'.join(str(n) for n in self.shape)}"

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def sections(self) -> list[Path]:
        return sorted(self.folder.glob("*.raw"))

    def convert_command(self, out: Path) -> list[str]:
        rows, columns = (str(n) for n in self.shape[1:])
        return [
            *STACKREEL, "convert", str(self.folder), str(out), "--shape", rows, columns, "--dtype", "uint8",
            "--spacing", *SPACING, "--overwrite",
        ]  # fmt: skip

    def check_space(self) -> None:
        """Raise RunError when the work folder's disk could not hold sections, volume and one output at a time."""
        self.work.mkdir(parents=True, exist_ok=True)
        have = sum(path.stat().st_size for path in self.sections)
        needed = max(self.nbytes - have, 0) + 3 * self.nbytes
        free = shutil.disk_usage(self.work).free
        if free < needed:
            raise RunError(
                f"{self.work}: {free / 1e9:.1f} GB are free and {needed / 1e9:.1f} GB needed; "
                "give another folder with --work, or measure a small stack with --quick"
            )

    def prepare(self) -> None:
        """Make the sections that are missing, and check that all are there."""
        if len(self.sections) != self.shape[0]:
            say(f"making {self.shape[0]} sections in {self.folder}")
            run([*STACKREEL, "phantom", str(self.folder), "--shape", *(str(n) for n in self.shape)])
        sizes = {path.stat().st_size for path in self.sections}
        if len(self.sections) != self.shape[0] or sizes != {self.shape[1] * self.shape[2]}:
            raise RunError(f"{self.folder}: not {self.shape} sections of uint8; remove the folder and start again")

    def warm(self) -> None:
        """Read every section once, so that the operating system holds them all in memory for everybody."""
        buffer = bytearray(1 << 20)
        for path in self.sections:
            with open(path, "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    def volume(self) -> Path:
        """The sections as stackreel's volume file, with the files for ParaView beside it; made anew."""
        folder = self.work / f"volume-{'x'.join(str(n) for n in self.shape)}"
        folder.mkdir(exist_ok=True)
        say(f"converting the sections for the renderers, in {folder}")
        run(self.convert_command(folder / "stack.h5"))
        return folder / "stack.h5"
