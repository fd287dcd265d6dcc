"""A session that ParaView itself has made and saved, and small files written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stackreel.paraview.proxies import State
from stackreel.paraview.statefiles import read_state_file

from ..pvpython import run_pvpython

SCRIPT = Path(__file__).with_name("save_states.py")


@dataclass(frozen=True)
class Saved:
    """What ParaView saved, and what it said of that itself.

    folder : session.pvsm, camera.pvcc, presets.json
    values : number of a proxy → {"type": …, "values": {property: value}}
    names  : how the script calls a proxy → its number
    """

    folder: Path
    state: State
    values: dict[str, Any]
    names: dict[str, str]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    run_pvpython(SCRIPT, folder)
    values, names = (json.loads((folder / f"{name}.json").read_text()) for name in ("values", "names"))
    return Saved(folder, read_state_file(folder / "session.pvsm"), values, names)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """written(name, text) → the file."""

    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write
