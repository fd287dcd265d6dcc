"""Frames in order become a movie file: MP4, WebM, GIF, or the numbered pictures themselves.

The ending of the name decides. MP4 is what browsers, PowerPoint and Keynote play (H.264, 4:2:0, with its index in
front); WebM is its patent-free sister; GIF plays everywhere and looks it; `%04d.png` writes the frames for an
editing program. The same frames give the same bytes every time.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from stackreel.errors import EncodeError, OutputExistsError, StackreelError
from stackreel.files import check_writable, replacing

_THREADS = 4  # fixed: the encoders' output depends on it
_BITEXACT = 0x400  # AVFMT_FLAG_BITEXACT: no dates, no version strings
_BT709 = 1  # matrix, primaries and transfer of HD video, as FFmpeg numbers them

_NUMBERED = re.compile(r"[^%]*%(0[1-9])?d[^%]*")

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Codec:
    """How FFmpeg is asked for one kind of movie file.

    longest : pixels that a side may have; x264 encodes no more, and players show no more of VP9
    """

    name: str
    options: dict[str, str]
    container: dict[str, str] = field(default_factory=dict)
    longest: int = 16384


# crf 17: no artefact that an eye finds; aq-mode 3 spends more on the dark, where fog would show bands; mbtree off,
# because its AVX-512 code gives other bytes on every run when the width is no multiple of 64 (x264 core 165)
_H264 = {"preset": "medium", "crf": "17", "profile": "high", "x264-params": "mbtree=0:aq-mode=3"}
_VP9 = {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "2", "tile-columns": "2"}

_SHORTEST = 2  # pixels: 4:2:0 shares its colours among two by two
_GIF_LONGEST = 65535  # the format's 16 bits

VIDEO = {
    ".mp4": Codec("libx264", _H264, {"movflags": "+faststart"}),
    ".mov": Codec("libx264", _H264, {"movflags": "+faststart"}),
    ".mkv": Codec("libx264", _H264),
    ".webm": Codec("libvpx-vp9", _VP9),
}


def check_output(
    path: Path, size: tuple[int, int], frames: range, *, overwrite: bool, transparent: bool = False
) -> str | None:
    """Raise, before any frame is rendered, when the movie could not be written as asked; or a word of advice.

    EncodeError for an unknown ending or a size that the format cannot hold; OutputExistsError when something would
    be replaced without leave; StackreelError when the folder is missing or cannot be written to.
    """
    kind = path.suffix.lower()
    if kind == ".png":
        _check_sequence(path, frames, overwrite=overwrite)
        return None
    if kind not in VIDEO and kind != ".gif":
        raise EncodeError(
            f'{path}: cannot write "{kind or path.name}"; the ending decides: {", ".join(VIDEO)} or .gif, '
            "or a folder of pictures such as frames/%04d.png"
        )
    if transparent:
        raise EncodeError(
            f"{path}: {kind} movies have no alpha channel here; write pictures, such as frames/%04d.png, which editing "
            "programs lay over anything, or leave out transparent"
        )
    if kind in VIDEO and (size[0] % 2 or size[1] % 2):
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        raise EncodeError(
            f"{path}: {kind} movies need an even width and height, and {size[0]} × {size[1]} is not; "
            f"use --size {even[0]} {even[1]}"
        )
    longest = VIDEO[kind].longest if kind in VIDEO else _GIF_LONGEST
    if max(size) > longest or min(size) < _SHORTEST:
        raise EncodeError(
            f"{path}: {kind} movies have sides of {_SHORTEST} to {longest} pixels, and {size[0]} × {size[1]} does not "
            "fit; change --size, or write pictures, such as frames/%04d.png"
        )
    check_writable(path, overwrite=overwrite)
    if kind == ".gif" and size[0] * size[1] * len(frames) > 100e6:
        return (
            f"{path}: a GIF of {len(frames)} frames at {size[0]} × {size[1]} will be large; "
            "--draft or --size makes it smaller, .mp4 more than ten times smaller"
        )
    return None


def encode(
    pictures: Sequence[Path], path: Path, fps: float, *, numbers: range | None = None, step: Step = lambda: None
) -> None:
    """Write the pictures, PNG files of one size in the order shown, as the movie file path.

    numbers : the frames' numbers in the movie, for a numbered sequence; 0, 1, 2, … without
    step    : called after every frame, for progress
    Raises EncodeError when FFmpeg refuses or a picture cannot be read, DiskFullError when the disk is full; nothing
    half-written stays.
    """
    import av

    if path.suffix.lower() == ".png":
        _copy_sequence(pictures, path, numbers or range(len(pictures)), step)
        return
    try:
        with replacing(path) as temporary:
            if path.suffix.lower() == ".gif":
                _encode_gif(pictures, temporary, _rate(fps), step)
            else:
                _encode_video(pictures, temporary, VIDEO[path.suffix.lower()], _rate(fps), step)
    except av.FFmpegError as error:
        raise EncodeError(f"{path}: {error}") from error


def _encode_video(pictures: Sequence[Path], path: Path, codec: Codec, rate: Fraction, step: Step) -> None:
    import av

    with av.open(_url(path), "w", options=dict(codec.container)) as container:
        container.flags |= _BITEXACT
        stream: Any = container.add_stream(codec.name, rate=rate)
        height, width = _read(pictures[0]).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = dict(codec.options)
        context = stream.codec_context
        context.thread_count = _THREADS
        context.color_range = 1  # limited ("tv"), as players expect of 4:2:0
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        for number, rgb in enumerate(_pictures(pictures)):
            frame: Any = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
                format="yuv420p",
                src_colorspace="ITU709",
                dst_colorspace="ITU709",
                src_color_range="JPEG",
                dst_color_range="MPEG",
            )
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
            step()
        container.mux(stream.encode(None))


def _encode_gif(pictures: Sequence[Path], path: Path, rate: Fraction, step: Step) -> None:
    """A GIF with one palette made for the whole movie: read once to choose the colours, once to draw with them."""
    import av

    height, width = _read(pictures[0]).shape[:2]
    with av.open(_url(path), "w", options={"loop": "0"}) as container:
        container.flags |= _BITEXACT
        stream: Any = container.add_stream("gif", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        for number, frame in enumerate(_paletted(pictures, width, height, rate)):
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
            step()
        container.mux(stream.encode(None))


def _paletted(pictures: Sequence[Path], width: int, height: int, rate: Fraction) -> Iterator[Any]:
    """The pictures in 256 colours chosen over all of them, as FFmpeg frames."""
    import av

    def source(graph: Any, wide: int, high: int, kind: str) -> Any:
        return graph.add_buffer(width=wide, height=high, format=av.VideoFormat(kind), time_base=1 / rate)

    def fed(rgb: npt.NDArray[np.uint8], number: int) -> Any:
        frame: Any = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="rgb32")
        frame.pts, frame.time_base = number, 1 / rate
        return frame

    choose = av.filter.Graph()
    choose.link_nodes(
        source(choose, width, height, "rgb32"),
        choose.add("palettegen", "stats_mode=full:reserve_transparent=0"),
        choose.add("buffersink"),
    ).configure()
    for number, rgb in enumerate(_pictures(pictures[:: max(1, len(pictures) // 120)])):
        choose.push(fed(rgb, number))
    choose.push(None)
    palette = choose.pull()

    draw = av.filter.Graph()
    video, colors = source(draw, width, height, "rgb32"), source(draw, 16, 16, "rgb32")
    use = draw.add("paletteuse", "dither=sierra2_4a:diff_mode=rectangle")
    sink = draw.add("buffersink")
    video.link_to(use, 0, 0)
    colors.link_to(use, 0, 1)
    use.link_to(sink)
    draw.configure()
    palette.pts, palette.time_base = 0, 1 / rate
    colors.push(palette)
    colors.push(None)
    for number, rgb in enumerate(_pictures(pictures)):
        video.push(fed(rgb, number))
        yield from _ready(sink)
    video.push(None)
    yield from _ready(sink)


def _ready(sink: Any) -> Iterator[Any]:
    """The frames that a filter graph has finished."""
    import av

    while True:
        try:
            yield sink.pull()
        except (av.BlockingIOError, av.EOFError):
            return


def _check_sequence(path: Path, frames: range, *, overwrite: bool) -> None:
    if not _NUMBERED.fullmatch(path.name):
        raise EncodeError(
            f"{path}: a movie as pictures needs one number in its name, %d or %01d to %09d, such as %04d.png; "
            "for a single picture there is `stackreel frame`"
        )
    first, last = (path.name % number for number in (frames[0], frames[-1]))
    folder = path.absolute().parent
    if not folder.exists() and folder.parent.is_dir():
        check_writable(folder, overwrite=True)
        return
    check_writable(path.with_name(last), overwrite=True)
    standing = [name for name in (path.name % number for number in frames) if (path.parent / name).exists()]
    if standing and not overwrite:
        raise OutputExistsError(
            f"{path.parent / standing[0]}: stands already, as do {len(standing)} of the {len(frames)} pictures "
            f"{first} … {last}; --overwrite replaces them"
        )


def _copy_sequence(pictures: Sequence[Path], path: Path, numbers: range, step: Step) -> None:
    path.parent.mkdir(exist_ok=True)
    for number, picture in zip(numbers, pictures, strict=True):
        with replacing(path.with_name(path.name % number)) as temporary:
            shutil.copyfile(picture, temporary)
        step()


def _pictures(paths: Sequence[Path]) -> Iterator[npt.NDArray[np.uint8]]:
    """The pictures one after the other; a hold is read once."""
    last: Path | None = None
    rgb: npt.NDArray[np.uint8] | None = None
    for path in paths:
        if rgb is None or path != last:
            last, rgb = path, _read(path)
        yield rgb


def _read(path: Path) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise EncodeError(f"{path}: this frame cannot be read ({error}); the same command renders it again") from error


def _url(path: Path) -> str:
    """The file as FFmpeg names it: what stands before a colon in a path is no protocol."""
    return f"file:{path}"


def _rate(fps: float) -> Fraction:
    """Frames per second as players count them: 25, 30000/1001 for 29.97."""
    rate = Fraction(fps).limit_denominator(1001)
    if rate <= 0:
        raise StackreelError(f"{fps:g} frames per second; it must be a positive number")
    return rate
