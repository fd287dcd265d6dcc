"""What ParaView saves besides traces, read as one kind of value: states, cameras, key frames, colour maps.

    from stackreel.paraview.statefiles import read_state_file
    state = read_state_file(Path("brain.pvsm"))

    .pvsm         all that a session held: views, filters, transfer functions, animation      File > Save State
    .pvcc         one camera                                             Adjust Camera > Save
    .pvcvbc       the custom viewpoints, each a camera with a name       Adjust Camera > Configure > Export
    .pvkfc        the key frames of one animation track (5.12 and later) Animation > edit > Export
    .json         colour maps, with or without opacities                 Choose Preset > Export
    .xml          colour maps of ParaView 4 and earlier
    .vp, .mrml    volume properties of 3D Slicer, which hold colours and opacities as well

What a file is, is seen from what stands in it; names do not count. Nothing in it is ever executed, and XML that could
reach for other files or blow up in memory is refused.
"""

from __future__ import annotations

from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import State
from stackreel.paraview.statefiles.cameras import read_cameras
from stackreel.paraview.statefiles.colormaps import read_color_maps
from stackreel.paraview.statefiles.keyframes import key_frames_of
from stackreel.paraview.statefiles.loosejson import parse
from stackreel.paraview.statefiles.presets import presets_of
from stackreel.paraview.statefiles.pvsm import read_pvsm
from stackreel.paraview.statefiles.slicer import read_mrml, volume_property_of
from stackreel.paraview.statefiles.xmltree import root_of

__all__ = ["read_state_file"]

_HEAD = 65536


def read_state_file(path: Path) -> State:
    """What such a file holds. Raises ParaViewError, saying what and where, for one that is none of them, or is broken.

    Names are those that a Python trace has: "ClipType" also where the state file says "ClipFunction", and the word
    where it has a choice's number: ColorSpace "Lab", Mode "Path-based". A transfer function's name is its array's.
    """
    head = _head(path)
    start = head.lstrip()[:1]
    if start == "<":
        return _from_xml(path)
    if start and start in "[{/":
        data = parse(_text(path), path.name)
        return key_frames_of(data, path.name) if _is_key_frames(data) else presets_of(data, path.name)
    first = head.split(None, 1)[:1]
    if first and first[0].lstrip("-").replace(".", "", 1).isdigit():
        return volume_property_of(_text(path), path.name)
    raise ParaViewError(
        f"{path}: " + ("is empty" if not head.strip() else "is neither XML nor JSON") + ", and so none of ParaView's "
        "states (.pvsm), cameras (.pvcc), key frames (.pvkfc) or colour maps (.json, .xml); save it again in ParaView"
    )


def _from_xml(path: Path) -> State:
    root = root_of(path)
    if root == "PVCameraConfiguration" or root.startswith("CustomView"):
        return read_cameras(path, root)
    if root in ("ColorMaps", "ColorMap"):
        return read_color_maps(path, root)
    if root == "MRML":
        return read_mrml(path)
    return read_pvsm(path, root)


def _is_key_frames(data: object) -> bool:
    return isinstance(data, dict) and "keyFrames" in data


def _head(path: Path) -> str:
    """The file's beginning as text, roughly; enough to tell XML from JSON."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise ParaViewError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ParaViewError(f"{path}: is a folder; name a file in it") from None
    except OSError as error:
        raise ParaViewError(f"{path}: cannot be read ({error.strerror})") from error
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ParaViewError(f"{path}: cannot be read ({error.strerror})") from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
