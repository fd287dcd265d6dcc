"""ParaView as an engine: what every engine promises, and what a person is told when something is amiss."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackreel.paraview.engine import ParaViewEngine

from .conftest import convert, find_pvpython

sys.path.insert(0, str(Path(__file__).parents[1] / "frames"))
from contract import EngineContract

pytestmark = pytest.mark.paraview


class TestParaView(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        find_pvpython()
        return ParaViewEngine(256 << 20)

    @classmethod
    def made(cls, fog, folder):
        return convert(folder, "fog.h5", fog, "--spacing", "1", "1", "1")
