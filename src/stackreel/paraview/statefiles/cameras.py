"""Cameras that were saved from ParaView's Adjust Camera dialog: one (.pvcc), or all custom viewpoints (.pvcvbc).

Each becomes a view with nothing but its camera; its name is what people wrote on the viewpoint's button.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, State
from stackreel.paraview.statefiles.properties import settings_of
from stackreel.paraview.statefiles.xmltree import Node, tree


def read_cameras(path: Path, root: str) -> State:
    """The cameras in such a file, as views. Raises ParaViewError where there is none."""
    views = [
        Proxy("camera", node.get("group", "views"), node.get("type", "RenderView"), name, settings_of(node), node.line)
        for node, name in _cameras(tree(path, root), "")
    ]
    views = [view for view in views if view.get("CameraPosition", "CameraFocalPoint") is not None]
    if not views:
        raise ParaViewError(f"{path}: holds no camera; in ParaView, Adjust Camera > Save writes one")
    if len(views) > 1:
        views = [replace(view, key=f"camera {k}") for k, view in enumerate(views, 1)]
    return State(path.name, tuple(views))


def _cameras(node: Node, name: str) -> Iterator[tuple[Node, str]]:
    """Every proxy below a camera configuration, with the name of the button that it belongs to."""
    name = next((tip.get("value") for tip in node.all("ToolTip")), name)
    for child in node.children:
        if node.tag == "PVCameraConfiguration" and child.tag == "Proxy":
            yield child, name
        else:
            yield from _cameras(child, name)
