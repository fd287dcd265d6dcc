"""The scene's last frame as it should be, and how far pictures are from it.

    converged.py VOLUME.h5 SCENE.json REFERENCE.png     full resolution, four rays a pixel, quarter-voxel steps
    converged.py --compare REFERENCE.png PICTURE.png …  the pictures' PSNR in dB and SSIM, as JSON beside the reference

The four rays are averaged before the picture is rounded to 8 bits.
"""

import json
import sys
from pathlib import Path

import numpy as np
from native_frames import scenes  # type: ignore[import-not-found]  # the script beside this one
from PIL import Image
from skimage.metrics import structural_similarity

from stackreel.frames.engine import Frame, Output
from stackreel.frames.native import NativeEngine
from stackreel.movie.picture import write_picture
from stackreel.volume import open_volume

FULL_RESOLUTION = 1e-9  # pixels that a voxel may cover


def draw(path: Path, scene_file: Path, out: Path) -> None:
    told = json.loads(scene_file.read_text())
    width, height = told["size"]
    session = NativeEngine(stride=0.25).open(open_volume(path), Output((2 * width, 2 * height), FULL_RESOLUTION))
    scene = scenes(told)[-1]
    fine = session.render(scene)
    session.close()
    if fine.level != 0:
        raise SystemExit(f"the reference was drawn from level {fine.level}, not from the full resolution")
    mean = fine.rgba.reshape(height, 2, width, 2, 4).mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    write_picture(out, Frame(mean).over(scene.background))


def truth(reference: Path, picture: Path) -> dict[str, float]:
    """Peak signal-to-noise ratio in dB over all pixels and channels, and structural similarity."""
    a, b = (np.asarray(Image.open(path).convert("RGB")) for path in (reference, picture))
    if a.shape != b.shape:
        raise SystemExit(f"{picture}: {b.shape} is not the reference's size, {a.shape}")
    error = max(float(((a.astype(np.float64) - b) ** 2).mean()), 1e-12)
    return {
        "psnr": float(10.0 * np.log10(255.0**2 / error)),
        "ssim": float(structural_similarity(a, b, channel_axis=2)),
    }


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        first, *others = (Path(name) for name in sys.argv[2:])
        (first.parent / "truth.json").write_text(json.dumps([truth(first, other) for other in others]))
    else:
        draw(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
