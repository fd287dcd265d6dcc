"""States as the readers make them, written by hand; and VTK, which is asked what ParaView would have shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stackreel.geometry import Placement, Spacing
from stackreel.paraview.importing.frame import Ground
from stackreel.paraview.proxies import Proxy, Ref, Setting, State, Value
from stackreel.scene.subject import Subject


def value(given: Any) -> Value:
    """Numbers as floats, lists as tuples: as a reader has them."""
    if isinstance(given, (list, tuple, np.ndarray)):
        return tuple(value(one) for one in given)
    if isinstance(given, (bool, int, float, np.floating)):
        return float(given)
    return given


def proxy(key: str, group: str, kind: str = "", name: str = "", line: int = 0, **settings: Any) -> Proxy:
    """Double underscores in names stand for dots."""
    said = {k.replace("__", "."): Setting(value(v), line) for k, v in settings.items()}
    return Proxy(key, group, kind, name, said, line)


def state(*proxies: Proxy, name: str = "trace.py") -> State:
    return State(name, proxies)


def view(key: str = "renderView1", **settings: Any) -> Proxy:
    pose = {"CameraPosition": [1.5, -0.6, -1.9], "CameraFocalPoint": [0, 0.1, 0], "CameraViewUp": [0, -1, 0]}
    return proxy(key, "views", "RenderView", key, **{**pose, **settings})


def volume(**settings: Any) -> tuple[Proxy, ...]:
    """A volume that is shown, with its tables."""
    rep = {
        "Representation": "Volume",
        "Input": Ref("reader"),
        "View": Ref("renderView1"),
        "ColorArrayName": ("POINTS", "PLI"),
        "LookupTable": Ref("lut"),
        "ScalarOpacityFunction": Ref("pwf"),
        "ScalarOpacityUnitDistance": 0.004,
        **settings,
    }
    return (
        proxy("reader", "sources", "XDMFReader", "brain.xmf2", FileNames=("/data/brain.xmf2",)),
        proxy("display", "representations", "UniformGridRepresentation", "", 40, **rep),
        proxy(
            "lut", "lookup_tables", "PVLookupTable", "PLI", 50,
            RGBPoints=[0, 0, 0, 0, 255, 1, 0.5, 0], ColorSpace="RGB",
        ),
        proxy("pwf", "piecewise_functions", "PiecewiseFunction", "PLI", 51, Points=[0, 0, 0.5, 0, 255, 0.4, 0.5, 0]),
    )  # fmt: skip


@pytest.fixture
def ground() -> Ground:
    """A volume of 40 × 200 × 100 samples, 3 : 1 : 1."""
    full = Placement.of((40, 200, 100), Spacing(3.0, 1.0, 1.0))
    return Ground((full, full.reduced((1, 2, 2)), full.reduced((2, 4, 4))), "brain")


@pytest.fixture
def subject(ground: Ground) -> Subject:
    return Subject(ground.full.bounds, value_range=(10.0, 210.0), step=ground.full.step)
