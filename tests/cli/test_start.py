"""A quick start and a quick end change nothing else."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from stackreel.cli.start import loading


@pytest.fixture(autouse=True)
def thawed(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    yield
    gc.unfreeze()
    os.environ.pop("OPENBLAS_NUM_THREADS", None)


def test_what_is_loaded_is_left_out_of_the_search_for_garbage_and_the_search_goes_on():
    gc.unfreeze()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_failed_import_leaves_the_search_on():
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_a_command_still_says_everything_at_its_end():
    program = "from stackreel.cli.start import end_at_once; end_at_once(); print('said')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("said\n", "")
