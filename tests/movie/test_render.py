"""`stackreel render`, `frame` and `sheet` as people use them: on a volume, killed, edited, and run twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stackreel.cli import main

MOVIE = """\
stackreel: 1
volume: brain.h5
output: {{size: [160, 90], fps: 10}}
shots:
  - name: opening
    seconds: 2
    orbit: {{axis: y, degrees: 90}}
    title: {{text: "60 µm sections", from: 0.2, for: 1.5}}
  - name: hold
    seconds: 1
  - name: closer
    seconds: 2
    zoom: {{factor: {factor}}}
"""
FRAMES, PICTURES = 50, 40  # the hold and the first frame after it are one picture


@pytest.fixture(scope="session")
def brain(tmp_path_factory):
    from stackreel.geometry import Spacing
    from stackreel.slices.phantom import Phantom
    from stackreel.volume.build import build
    from stackreel.volume.recipe import Recipe

    path = tmp_path_factory.mktemp("data") / "brain.h5"
    build(Phantom((24, 96, 112)).source("transmittance"), path, Recipe("brain", Spacing(4, 1, 1), threads=1))
    return path


@pytest.fixture
def work(tmp_path, brain, monkeypatch):
    """A folder with a movie file and its volume; the working folder of the test."""
    (tmp_path / "brain.h5").symlink_to(brain)
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory, brain):
    """The movie, rendered in one go: its bytes."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "brain.h5").symlink_to(brain)
    write(folder)
    assert main(["render", str(folder / "flight.yaml"), "-o", str(folder / "flight.mp4")]) == 0
    return (folder / "flight.mp4").read_bytes()


def write(folder, factor=1.5, text=MOVIE):
    (folder / "flight.yaml").write_text(text.format(factor=factor), encoding="utf-8")


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "stackreel", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_frames(reel, count, process):
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if reel.is_dir() and len(list(reel.glob("[0-9a-f]*.png"))) >= count:
            return
        time.sleep(0.002)
    raise AssertionError(f"the run ended before it had {count} frames: {process.communicate()}")


def temporary_files(folder):
    return [p for p in folder.rglob(".*") if p.is_file()]


def counts(output):
    """(rendered, reused) as the command says."""
    words = output.split()
    return int(words[words.index("frames", words.index("second,")) - 1]), int(words[words.index("reused;") - 1])


def test_a_movie_resumed_after_kills_is_the_same_movie(work, finished, capsys):
    reel = work / "flight.reel"
    for at in (4, 11, 23):
        run = start("render", "flight.yaml", "-o", "flight.mp4", "--threads", "1")
        wait_for_frames(reel, at, run)
        run.kill()
        run.communicate()
        assert run.returncode == -signal.SIGKILL
        assert not (work / "flight.mp4").exists()
    kept = len(list(reel.glob("[0-9a-f]*.png")))
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 0
    rendered, reused = counts(capsys.readouterr().out)
    assert rendered == PICTURES - kept
    assert rendered + reused == FRAMES
    assert (work / "flight.mp4").read_bytes() == finished
    assert temporary_files(work) == []


def test_ctrl_c_says_what_is_kept_and_leaves_nothing_half_written(work, finished):
    run = start("render", "flight.yaml", "-o", "flight.mp4", "--threads", "1")
    wait_for_frames(work / "flight.reel", 5, run)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode == 130
    assert "of 50 frames are kept in flight.reel, and the same command goes on from there" in said
    assert "Traceback" not in said
    assert temporary_files(work) == []
    assert not (work / "flight.mp4").exists()
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 0
    assert (work / "flight.mp4").read_bytes() == finished


def test_two_runs_at_once_share_one_reel(work, finished):
    runs = [start("render", "flight.yaml", "-o", "flight.mp4", "--threads", "1") for _ in range(2)]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert (work / "flight.mp4").read_bytes() == finished
    assert len(os.listdir("flight.reel")) == PICTURES
    assert temporary_files(work) == []


def test_an_edit_of_the_last_shot_renders_only_the_last_shot(work, capsys):
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 0
    assert counts(capsys.readouterr().out) == (PICTURES, FRAMES - PICTURES)
    write(work, factor=2.0)
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["render", "flight.yaml", "-o", "flight.mp4", "--overwrite"]) == 0
    assert counts(capsys.readouterr().out) == (19, 31)


def test_other_data_under_the_same_name_is_rendered_anew(work, capsys):
    from stackreel.geometry import Spacing
    from stackreel.slices.phantom import Phantom
    from stackreel.volume.build import build
    from stackreel.volume.recipe import Recipe

    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 0
    (work / "brain.h5").unlink()
    build(Phantom((24, 96, 112), seed=7).source("transmittance"), work / "brain.h5", Recipe("brain", Spacing(4, 1, 1)))
    capsys.readouterr()
    assert main(["render", "flight.yaml", "-o", "flight.mp4", "--overwrite"]) == 0
    assert counts(capsys.readouterr().out) == (PICTURES, FRAMES - PICTURES)


def test_a_frame_is_what_the_movie_shows_then(work):
    assert main(["render", "flight.yaml", "-o", "all/%03d.png", "--frames", "10:14"]) == 0
    assert main(["frame", "flight.yaml", "--at", "1.2s", "-o", "at.png"]) == 0
    assert sorted(os.listdir("all")) == ["010.png", "011.png", "012.png", "013.png"]
    shown = np.asarray(Image.open("at.png"))
    assert shown.shape == (90, 160, 3)
    assert shown.max() > 100
    assert (shown == np.asarray(Image.open("all/012.png"))).all()


def test_a_draft_is_a_quarter_of_the_size_and_the_same_length(work):
    assert main(["render", "flight.yaml", "-o", "draft.mp4", "--draft"]) == 0
    with av.open("draft.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (40, 22, FRAMES)


def test_names_with_a_percent_sign_are_names(work, capsys):
    assert main(["render", "flight.yaml", "-o", "100%.mp4", "--draft"]) == 0
    assert "100%.mp4: 5 s, 50 frames of 40 × 22 at 10 per second" in capsys.readouterr().out
    assert (work / "100%.reel").is_dir()


def test_size_and_rate_can_be_other_than_the_files(work):
    assert main(["render", "flight.yaml", "-o", "a.mp4", "--size", "64", "64", "--fps", "4"]) == 0
    with av.open("a.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames, stream.average_rate) == (64, 64, 20, 4)


def test_a_sheet_has_a_row_for_every_shot(work, capsys):
    assert main(["sheet", "flight.yaml", "-o", "sheet.png", "--columns", "3"]) == 0
    assert "7 frames of flight.yaml, 5 s in 3 shots" in capsys.readouterr().out
    assert Image.open("sheet.png").size[0] > 1900


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["render", "flight.yaml", "-o", "a.avi"], "the ending decides: .mp4"),
        (["render", "flight.yaml", "-o", "not/a.mp4"], "does not exist"),
        (["render", "flight.yaml", "-o", "a.mp4", "--size", "161", "90"], "use --size 162 90"),
        (["render", "flight.yaml", "-o", "a.mp4", "--frames", "40:60"], "the movie has frames 0 to 49 (5 s)"),
        (["render", "flight.yaml", "-o", "a.mp4", "--frames", "7:7"], "the movie has frames 0 to 49 (5 s)"),
        (["render", "flight.yaml", "-o", "a.mp4", "--memory", "1k"], "is too little"),
        (["render", "nothing.yaml", "-o", "a.mp4"], "nothing.yaml"),
        (["frame", "flight.yaml", "--at", "5.5s", "-o", "a.png"], "runs from 0 to 5 s"),
        (["frame", "flight.yaml", "--at", "1", "-o", "a.jpg"], ".png"),
        (["sheet", "flight.yaml", "-o", "a.png", "--columns", "50"], "24 or fewer"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_frame(work, capsys, arguments, said):
    before = sorted(os.listdir(work))
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert sorted(os.listdir(work)) == before


def test_a_missing_volume_is_named(work, capsys):
    (work / "brain.h5").unlink()
    assert main(["render", "flight.yaml", "-o", "a.mp4"]) == 1
    assert "brain.h5" in capsys.readouterr().err


def test_letters_that_cannot_be_drawn_are_named_before_rendering(work, capsys):
    write(work, text=MOVIE.replace("60 µm sections", "脳"))
    assert main(["frame", "flight.yaml", "--at", "1s", "-o", "a.png"]) == 0
    assert "note: " in (error := capsys.readouterr().err)
    assert "脳" in error


def test_a_disk_that_fills_up_while_rendering_loses_no_frame(work, finished):
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "from stackreel.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", limited, "render", "flight.yaml", "-o", "flight.mp4"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1, run.stderr
    assert "disk" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (work / "flight.mp4").exists()
    assert temporary_files(work) == []
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 0
    assert (work / "flight.mp4").read_bytes() == finished


def test_a_file_where_the_reel_belongs_is_noticed_before_rendering(work, capsys):
    for make in (lambda p: p.write_text("mine"), lambda p: p.symlink_to("nowhere")):
        make(Path("flight.reel"))
        assert main(["render", "flight.yaml", "-o", "flight.mp4", "--draft"]) == 1
        error = capsys.readouterr().err
        assert "flight.reel is not a folder, but finished frames are to be kept there; move it away" in error
        assert "rendering" not in error
        Path("flight.reel").unlink()


def test_other_files_in_the_folder_are_left_alone(work):
    for name in ("notes.txt", ".hidden", "other.part"):
        Path(name).write_text("mine")
    assert main(["render", "flight.yaml", "-o", "a.gif", "--draft"]) == 0
    assert {Path(name).read_text() for name in ("notes.txt", ".hidden", "other.part")} == {"mine"}
