"""stackreel's own renderer draws the scene. VOLUME.h5 SCENE.json OUT [MEMORY_BYTES]

Into the folder OUT: last.png, and result.json with the seconds that opening took, those of each frame until it was
saved, those without saving, and a checksum over all frames' float pixels.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.movie.picture import write_picture
from stackreel.scene import Camera, Scene, TransferFunction
from stackreel.scene.light import PRESETS
from stackreel.volume import open_volume


def scenes(told: dict[str, Any]) -> list[Scene]:
    """The scene file's frames."""
    transfer = TransferFunction(
        tuple(tuple(p) for p in told["color"]), tuple(tuple(p) for p in told["opacity"]), told["opacity_unit"]
    )
    light = PRESETS["studio" if told["shaded"] else "none"]
    focal_point, view_up = tuple(told["focal_point"]), tuple(told["view_up"])
    cameras = [Camera(tuple(p), focal_point, view_up, told["view_angle"]) for p in told["positions"]]
    return [Scene(camera, transfer, light=light) for camera in cameras]


def main(path: Path, scene_file: Path, out: Path, memory: int | None) -> None:
    told = json.loads(scene_file.read_text())
    begin = time.perf_counter()
    session = NativeEngine(memory=memory).open(open_volume(path), Output(tuple(told["size"])))
    opening = time.perf_counter() - begin
    saved, drawn, checksum = [], [], hashlib.sha256()
    for scene in scenes(told):
        begin = time.perf_counter()
        frame = session.render(scene)
        picture = frame.over(scene.background)
        drawn.append(time.perf_counter() - begin)
        write_picture(out / "last.png", picture)
        saved.append(time.perf_counter() - begin)
        checksum.update(frame.rgba.tobytes())
    session.close()
    result = {"opening": opening, "frames": saved, "drawn": drawn, "checksum": checksum.hexdigest()}
    (out / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
