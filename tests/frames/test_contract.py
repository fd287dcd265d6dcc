"""Our own renderer keeps what every engine promises."""

from __future__ import annotations

import pytest
from contract import EngineContract

from stackreel.frames.native import NativeEngine


class TestNative(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        return NativeEngine(256 << 20, 2, stride=0.5)
