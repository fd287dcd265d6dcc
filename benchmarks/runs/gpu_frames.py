"""Frames on a graphics card by stackreel or VTK's GPU mapper: card, or stackreel|vtk VOLUME.h5 SCENE.json OUT [STEP]

With `card` nothing is drawn: it only says which card there is, or fails. Else, into the folder OUT: last.png, and
result.json with the seconds until the volume was open and drawn once from everywhere, those of each frame after that
until its pixels were back in the machine's memory, and the name of the card. STEP: of VTK, in voxels.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAPS = 3


def stackreels_card() -> str:
    """The card's name. Ends with a sentence where there is none."""
    from stackreel.errors import EngineError
    from stackreel.frames.native.choosing import chosen

    try:
        chosen("cuda")
    except EngineError as error:
        sys.exit(str(error))
    from numba import config, cuda

    if config.ENABLE_CUDASIM:
        sys.exit("NUMBA_ENABLE_CUDASIM is set: the simulator's times say nothing about a graphics card")
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def by_stackreel(volume: Path, told: dict[str, Any], out: Path) -> tuple[str, list[Callable[[], None]]]:
    from native_frames import scenes

    from stackreel.frames.engine import Output
    from stackreel.frames.native import NativeEngine
    from stackreel.movie.picture import write_picture
    from stackreel.volume import open_volume

    card = stackreels_card()
    session = NativeEngine(device="cuda").open(open_volume(volume), Output(tuple(told["size"])))
    found = {}

    def draw(scene: Any) -> None:
        found["last"] = session.render(scene).over(scene.background)

    frames = [lambda scene=scene: draw(scene) for scene in scenes(told)]
    return card, [*frames, lambda: write_picture(out / "last.png", found["last"])]


def by_vtk(volume: Path, told: dict[str, Any], out: Path, step: float) -> tuple[str, list[Callable[[], None]]]:
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    from vtk_frames import image_of, volume_of, window_of
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

    from stackreel.movie.picture import write_picture

    image = image_of(volume)
    drawn = volume_of(image, told, "gpu")
    drawn.GetMapper().SetSampleDistance(step * min(image.GetSpacing()))
    renderer, window = window_of(drawn, told)
    window.Render()
    says = [line for line in window.ReportCapabilities().splitlines() if "renderer string" in line]
    card = says[0].split(":", 1)[1].strip() if says else "unknown"
    if "NVIDIA" not in window.ReportCapabilities() and "--any" not in sys.argv:
        sys.exit(f"VTK draws with {card}, not with the graphics card")
    width, height = told["size"]
    pixels = vtkUnsignedCharArray()

    def draw(position: Any) -> None:
        renderer.GetActiveCamera().SetPosition(*position)
        renderer.ResetCameraClippingRange()
        window.Render()
        window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)

    def save() -> None:
        write_picture(out / "last.png", vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy())

    return card, [*(lambda position=position: draw(position) for position in told["positions"]), save]


def main(who: str, volume: Path, scene: Path, out: Path, step: float) -> None:
    told = json.loads(scene.read_text())
    begin = time.perf_counter()
    card, frames = by_stackreel(volume, told, out) if who == "stackreel" else by_vtk(volume, told, out, step)
    *frames, save = frames
    for draw in frames:
        draw()
    first, seconds = time.perf_counter() - begin, []
    for draw in frames * LAPS:
        begin = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - begin)
    save()
    (out / "result.json").write_text(json.dumps({"card": card, "first": first, "frames": seconds}))


if __name__ == "__main__":
    if sys.argv[1] == "card":
        print(stackreels_card())
    else:
        main(*sys.argv[1:2], *map(Path, sys.argv[2:5]), float(sys.argv[5]) if len(sys.argv) > 5 else 0.5)
