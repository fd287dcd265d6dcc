"""stackreel's own renderer draws the scene. VOLUME.h5 SCENE.json OUT [--memory BYTES] [--detail D] [--stride S]

Into the folder OUT: last.png, and result.json with the seconds that opening took, those of each frame until it was
saved, those without saving, and a checksum over all frames' float pixels.
"""

import argparse
import hashlib
import json
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


def main(args: argparse.Namespace) -> None:
    told = json.loads(args.scene.read_text())
    begin = time.perf_counter()
    engine = NativeEngine(memory=args.memory, **({} if args.stride is None else {"stride": args.stride}))
    output = Output(tuple(told["size"]), **({} if args.detail is None else {"detail": args.detail}))
    session = engine.open(open_volume(args.volume), output)
    opening = time.perf_counter() - begin
    saved, drawn, checksum, finest = [], [], hashlib.sha256(), 99
    for scene in scenes(told):
        begin = time.perf_counter()
        frame = session.render(scene)
        picture = frame.over(scene.background)
        drawn.append(time.perf_counter() - begin)
        write_picture(args.out / "last.png", picture)
        saved.append(time.perf_counter() - begin)
        checksum.update(frame.rgba.tobytes())
        finest = min(finest, frame.level)
    session.close()
    result = {"opening": opening, "frames": saved, "drawn": drawn, "checksum": checksum.hexdigest(), "level": finest}
    (args.out / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("volume", "scene", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--memory", type=int)
    parser.add_argument("--detail", type=float)
    parser.add_argument("--stride", type=float)
    main(parser.parse_args())
