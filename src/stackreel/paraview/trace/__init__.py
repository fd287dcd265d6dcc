"""ParaView's Python traces and states, and scripts for pvpython that people wrote, read without running any of it.

    from stackreel.paraview.trace import read_trace_file
    state = read_trace_file(Path("brain.py"))

Python 2 and files with broken lines are read as well; what could not be taken stands in `state.unread`, with its line
and the reason. A proxy's key is the variable's name (with ":2" the second time that the name is given to something
new), or "type@line" where it went to none. Names are those of ParaView's Python, as they stand; only a clip's
`InsideOut`, of 5.4 and earlier, is `Invert`.

    views                  RenderView …; "Representations": of all that was shown in it
                           CameraPose: see below
    sources, filters       type is the function: Clip, XDMFReader, OpenDataFile (its files are "FileNames"); "" for
                           GetActiveSource() and FindSource(…) of something that the script did not make
    representations        type is the third argument of Show, "" without; "Input", "View", "Visibility"
    lookup_tables, piecewise_functions, transfer_2d_functions     name is the array; "Separate" = 1.0 and
                           "Representation" where a representation has it for itself
    animation              AnimationScene, TimeAnimationCue; CameraAnimationCue with "AnimatedProxy" (the view);
                           KeyFrameAnimationCue with "AnimatedProxy", "AnimatedPropertyName" ("Opacity", or within a
                           plane "SliceType.Origin"), "AnimatedElement". Of a display's opacity it is the source.
    animation_keyframes    CameraKeyFrame, CompositeKeyFrame …
    misc                   SaveScreenshot, SaveAnimation, WriteImage, WriteAnimation with their arguments ("FileName",
                           "View", and those given by name); LoadPalette, named for the palette

Methods that say something become settings; where a later one undoes an earlier one, only the later one stands:

    ApplyPreset            (name, 1.0), or (name, 0.0) where the preset brings its own range. The name is "" for
                           ParaView 6's own colours (GenerateRGBPoints without a name). RGBPoints and Points go.
    RescaleTransferFunction (low, high): the range in the end. RGBPoints or Points beside it are to be stretched to it;
                           a preset without it spans what the data do. ApplyPreset keeps the range of points that go.
    RescaleToData          of a table or a representation: the colours span what the data do; () or its arguments
    InvertTransferFunction 1.0: reversed at the end
    ColorArrayName         also of ColorBy and SetScalarColoring: ("POINTS", "PLI"), with a component as a third part;
                           (None, "") for one colour. The array's tables, where there are any, are LookupTable and
                           ScalarOpacityFunction.
    ResetCamera            of a view: names those of CameraPosition, CameraFocalPoint and CameraParallelScale that the
                           data decide: the camera was fitted to the data, and these not set since. Position and focal
                           point, where they stand, still say from where it looks; without them from +z, with y up.

A view whose camera was set, drawn (Render, SaveScreenshot …) and set again gives a series: proxies views/CameraPose,
"renderView1#1", "renderView1#2" … in order, with the camera's settings, "View", and "FileName" of the picture. A
camera that was set only once gives none.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import State
from stackreel.paraview.trace.blocks import blocks
from stackreel.paraview.trace.lines import statements
from stackreel.paraview.trace.reader import Reader

__all__ = ["read_trace", "read_trace_file"]

LARGEST = 64 << 20
"""Bytes of the longest trace that is read."""

_HEADER = re.compile(r"^#.*generated using paraview version\s+(\d+(?:\.\d+)*)", re.IGNORECASE | re.MULTILINE)
_MAJOR, _MINOR = (
    re.compile(rf"^[ \t]{{0,8}}#?[ \t]{{0,8}}paraview\.compatibility\.{part}[ \t]*=[ \t]*(\d{{1,4}})", re.M)
    for part in ("major", "minor")
)


def read_trace(text: str, name: str) -> State:
    """What a trace or script says. name : of the file, for messages. Never raises, and runs nothing."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python thinks of the script's backslashes
        found = blocks(statements(text))
        return Reader(text).read(found, name, _version(text))


def read_trace_file(path: Path) -> State:
    """The same of a file. Raises ParaViewError where there is none, or it is no text."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ParaViewError(
                f"{path}: is {size / 2**20:.0f} MB long, and traces are read up to {LARGEST >> 20} MB; "
                "is it a trace at all? File > Save State with the ending .pvsm may be what you want"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise ParaViewError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ParaViewError(f"{path}: is a folder; name the trace in it") from None
    except OSError as error:
        raise ParaViewError(f"{path}: cannot be read: {error.strerror or error}") from None
    return read_trace(_decoded(data, path), path.name)


def _decoded(data: bytes, path: Path) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if data.startswith(mark):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                text = data.decode("latin-1")
            break
    if "\0" in text:
        raise ParaViewError(f"{path}: is not text, and so no Python trace; ParaView writes one by Tools > Start Trace")
    return text


def _version(text: str) -> str:
    header = _HEADER.search(text)
    if header:
        return header[1]
    parts = [part.search(text) for part in (_MAJOR, _MINOR)]
    return ".".join(part[1] for part in parts if part) if all(parts) else ""
