"""What a graphics card draws, in Numba's simulator of one: as the processor draws it."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import raycases
import simulated

import stackreel
from stackreel.errors import EngineError
from stackreel.frames.native import NativeEngine
from stackreel.kernels.run import COMPOSITE

HERE = Path(__file__).parent
SIZE = (12, 9)
NAMES = [
    "no light", "studio", "crop", "several levels", "several passes", "labels", "large numbers", "the average",
    "cut open", "fill and rim", "very thick sections", "very thick sections, several levels",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The volumes, and what the simulator drew of them: in a process of its own, since it is all or nothing."""
    if find_spec("numba.cuda") is None:
        pytest.skip("this Numba has no simulator of graphics cards: pip install 'stackreel[cuda]'")
    folder = tmp_path_factory.mktemp("volumes")
    volumes = raycases.volumes(folder, 144)
    out = folder / "drawn.npz"
    command = [sys.executable, str(HERE / "simulated.py"), str(folder), str(out), ",".join(map(str, SIZE)), *NAMES]
    source = str(Path(stackreel.__file__).parents[1])
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": source}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return volumes, np.load(out)


@pytest.mark.parametrize("name", NAMES)
def test_a_graphics_card_draws_what_the_processor_draws(drawn, name):
    volumes, found = drawn
    case = replace(raycases.cases()[name], size=SIZE)
    expected, passes = raycases.draw(volumes, case, stride=simulated.STRIDE)
    assert np.ptp(expected[..., 0]) > 0.02, "there is something to see"
    difference = np.abs(found[name] - expected)
    assert (difference > 0.1 / 255).mean() <= 0.001, difference.max() * 255
    assert found[f"{name}: passes"] == passes
    assert passes > 1 or not (case.few or name == "several levels")


def test_frames_of_a_graphics_card_have_keys_of_their_own(drawn):
    assert str(drawn[1]["version"]) != NativeEngine().version


def test_memory_asked_for_bounds_what_a_graphics_card_holds(drawn):
    assert int(drawn[1]["memory"]) == 300 << 20


def test_without_a_graphics_card_the_way_out_is_said_before_anything_else():
    from stackreel.frames.native.choosing import _missing

    if _missing() is None:
        pytest.skip("there is a graphics card")
    with pytest.raises(EngineError, match=r"--device cuda: .*(pip install|nvidia-smi).*--device cpu"):
        NativeEngine(device="cuda")
    assert NativeEngine(device="auto").device == "cpu"


def test_the_kernels_compile_for_a_graphics_card(monkeypatch):
    """With the compiler for real cards, which needs none of them."""
    pytest.importorskip("numba_cuda", reason="pip install 'stackreel[cuda]'")
    from numba import config, cuda, float32, float64, int32, int64, uint8, uint64
    from numba.cuda import dispatcher

    from stackreel.kernels.cuda import place_kernel, walk_kernel

    if config.ENABLE_CUDASIM:
        pytest.skip("the simulator compiles nothing")
    hopper = types.SimpleNamespace(compute_capability=(9, 0))
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: hopper)
    arrays = (
        float32[:, :, ::1], float32[:, :, ::1], float64[::1], int64[::1], int32[:, :, ::1], int32[::1], uint64[::1],
        uint8[::1], float64[:, ::1], float32[::1], uint8[::1], int64[::1],
    )  # fmt: skip
    for shaded, nearest in ((False, True), (True, False)):
        kernel = walk_kernel(shaded, nearest, COMPOSITE, True)
        code, _ = cuda.compile(kernel, arrays, cc=(9, 0), device=False, abi="numba", fastmath=True)
        assert ".target sm_90" in code
    bricks = (uint8[:, ::1], int64[::1], uint8[::1])
    code, _ = cuda.compile(place_kernel, bricks, cc=(9, 0), device=False, abi="numba")
    assert ".target sm_90" in code
