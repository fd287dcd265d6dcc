"""Whether ParaView sees what stackreel sees. VOLUME.h5 LEVEL RESULT.json PICTURE.jpg FOLDER …

Each FOLDER holds what runs/paraview_level.py wrote. Writes, for each, at how many places values were compared, how
many of them lie in tissue, how many differ, and by how much of a voxel the grids are apart at most; and the first
folder's picture as JPEG.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from stackreel.volume import open_volume


def main(volume: str, index: str, result: str, picture: str, *folders: str) -> None:
    level = open_volume(volume).levels[int(index)]
    place = level.placement
    found = []
    for folder in folders:
        told = json.loads((Path(folder) / "result.json").read_text())
        differing = tissue = 0
        for i, j, k, value in told["values"]:
            ours = int(level.read((slice(k, k + 1), slice(j, j + 1), slice(i, i + 1)))[0, 0, 0])
            differing += ours != value
            tissue += ours > 0
        step = np.array(place.step)
        last = np.array(place.shape[::-1]) - 1
        begins = np.array(told["origin"]) - place.origin
        ends = begins + last * (np.array(told["spacing"]) - step)
        apart = float(max(np.abs(begins / step).max(), np.abs(ends / step).max()))
        found.append(
            {
                "compared": len(told["values"]),
                "tissue": tissue,
                "differing": differing,
                "same_shape": told["shape"] == list(place.shape),
                "apart": apart,
            }
        )
    Image.open(Path(folders[0]) / "picture.png").convert("RGB").save(picture, quality=88, optimize=True)
    Path(result).write_text(json.dumps({"level": level.index, "shape": level.shape, "compared": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
