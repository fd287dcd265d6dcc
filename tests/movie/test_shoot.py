"""Shooting: only what is missing, each picture once, and stopping loses nothing."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import painter
import pytest
from PIL import Image

from stackreel.errors import DiskFullError
from stackreel.frames.overlay import draw_titles
from stackreel.movie.reel import Reel
from stackreel.movie.shoot import Stopped, check_room, missing, shoot, takes

HERE = Path(__file__).parent


def movie(timeline=None, frames=None):
    timeline = timeline or painter.timeline()
    return takes(timeline, frames or range(timeline.frames), data="d", engine="p 1", output=painter.OUTPUT)


def run(reel, wanted, session=None):
    session = session or painter.Painter()
    return shoot(wanted, session, reel, painter.SIZE, progress=False), session


def bytes_of(reel, wanted):
    return [reel.path(take.key).read_bytes() for take in wanted]


def test_every_frame_is_in_the_reel_as_the_engine_drew_it(tmp_path):
    reel, wanted = Reel(tmp_path / "r"), movie()
    run(reel, wanted)
    for take in wanted:
        drawn = painter.Painter().render(take.scene).over(take.scene.background)
        assert (np.asarray(Image.open(reel.path(take.key))) == drawn).all()


def test_a_hold_is_rendered_once(tmp_path):
    report, session = run(Reel(tmp_path), movie(painter.timeline(hold=2.0)))
    assert report.rendered == 10 + 10  # two flights; the hold is the second flight's first frame
    assert report.rendered == len(session.rendered)
    assert report.rendered + report.reused == 30


def test_a_title_that_fades_over_a_hold_costs_one_rendering(tmp_path):
    reel, wanted = Reel(tmp_path), movie(painter.timeline(title="Vervet"))
    report, session = run(reel, wanted)
    assert len(session.rendered) == 10 + 10
    assert report.rendered > 20  # the faded titles are pictures of their own
    for take in wanted:
        drawn = draw_titles(painter.Painter().render(take.scene).over(take.scene.background), take.scene.titles)
        assert (np.asarray(Image.open(reel.path(take.key))) == drawn).all()


def test_a_second_run_renders_nothing(tmp_path):
    reel = Reel(tmp_path)
    run(reel, movie())
    report, session = run(reel, movie())
    assert (report.rendered, report.reused, session.rendered) == (0, 25, [])


def test_an_edit_of_the_second_half_renders_only_what_it_changed(tmp_path):
    reel = Reel(tmp_path)
    run(reel, movie())
    report, _ = run(reel, movie(painter.timeline(second=(-1.0, 0.5, 2.0))))
    assert report.rendered == 9  # the ten frames of the last shot but its first, where it still stands
    back, _ = run(reel, movie())
    assert back.rendered == 0  # undone, and all is there still


def test_a_part_of_the_movie_shares_its_frames_with_the_whole(tmp_path):
    reel = Reel(tmp_path)
    run(reel, movie(frames=range(3, 8)))
    report, _ = run(reel, movie())
    assert report.rendered == 20 - 5


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: bytes(len(b)), lambda b: b[:-30] + b"x" * 30]
)
def test_a_damaged_frame_is_rendered_again(tmp_path, damage):
    reel, wanted = Reel(tmp_path), movie()
    run(reel, wanted)
    whole = bytes_of(reel, wanted)
    path = reel.path(wanted[7].key)
    path.write_bytes(damage(path.read_bytes()))
    report, session = run(reel, wanted)
    assert [s.camera for s in session.rendered] == [wanted[7].scene.camera]
    assert report.rendered == 1
    assert bytes_of(reel, wanted) == whole


def test_frames_that_another_run_has_made_meanwhile_are_taken(tmp_path):
    reel, wanted = Reel(tmp_path), movie()

    def other(count):
        if count == 3:
            run(reel, wanted[10:])

    report, _ = run(reel, wanted, painter.Painter(after=other))
    assert report.rendered < 12
    assert missing(wanted, reel, painter.SIZE) == []


def test_ctrl_c_ends_after_the_frame_in_hand_and_the_rest_follows(tmp_path):
    reel, wanted = Reel(tmp_path / "r"), movie()

    def interrupt(count):
        if count == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Stopped, match=r"6 of 25 frames are kept in .*r, and the same command goes on"):
        run(reel, wanted, painter.Painter(after=interrupt))
    assert len(os.listdir(reel.folder)) == 6
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    report, _ = run(reel, wanted)
    assert report.rendered == 14


def test_a_failing_engine_loses_no_finished_frame(tmp_path):
    reel = Reel(tmp_path)

    def fail(count):
        if count == 5:
            raise ValueError("engine broke")

    with pytest.raises(ValueError, match="engine broke"):
        run(reel, movie(), painter.Painter(after=fail))
    assert len(os.listdir(reel.folder)) == 4
    assert all(reel.holds(name[:-4], painter.SIZE) for name in os.listdir(reel.folder))


def test_a_killed_run_goes_on_and_gives_the_same_frames(tmp_path):
    program = textwrap.dedent(f"""
        import os, signal, sys
        sys.path.insert(0, {str(HERE)!r})
        import painter, test_shoot
        from stackreel.movie.reel import Reel
        kill = lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == int(sys.argv[2]) else None
        test_shoot.run(Reel(test_shoot.Path(sys.argv[1])), test_shoot.movie(), painter.Painter(after=kill))
    """)
    reel, straight = Reel(tmp_path / "killed"), Reel(tmp_path / "straight")
    for at in (4, 9):
        end = subprocess.run([sys.executable, "-c", program, str(reel.folder), str(at)], check=False)
        assert end.returncode == -signal.SIGKILL
    run(reel, movie())
    run(straight, movie())
    assert bytes_of(reel, movie()) == bytes_of(straight, movie())
    assert sorted(os.listdir(reel.folder)) == sorted(os.listdir(straight.folder)), "something half-written stays"


def test_a_full_disk_is_an_error_that_says_what_is_kept(tmp_path):
    program = textwrap.dedent(f"""
        import resource, sys
        sys.path.insert(0, {str(HERE)!r})
        import painter, test_shoot
        from stackreel.errors import DiskFullError
        from stackreel.movie.reel import Reel
        def fill(n):
            if n == 5:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            test_shoot.run(Reel(test_shoot.Path(sys.argv[1])), test_shoot.movie(), painter.Painter(after=fill))
        except DiskFullError as error:
            print(error)
    """)
    reel = Reel(tmp_path / "r")
    done = subprocess.run([sys.executable, "-c", program, str(reel.folder)], capture_output=True, text=True, check=True)
    assert "the disk is full" in done.stdout
    names = os.listdir(reel.folder)
    assert f"{len(names)} of 25 frames are kept" in done.stdout
    assert 1 <= len(names) <= 4  # a frame or two waited for the disk when it filled up
    assert all(reel.holds(name[:-4], painter.SIZE) for name in names)


def test_a_movie_that_cannot_fit_on_the_disk_is_refused_before_the_first_frame(tmp_path):
    with pytest.raises(DiskFullError, match=r"free, but 1000000000 frames of 3840 × 2160 need about"):
        check_room(10**9, (3840, 2160), tmp_path / "not" / "yet")
    assert check_room(10, (64, 36), tmp_path) is None


def test_equal_scenes_have_one_picture_whatever_their_number():
    wanted = movie()
    same = [take for take in wanted if take.scene == wanted[12].scene]
    assert {take.key for take in same} == {wanted[12].key}
    assert len(same) == 6
    assert replace(wanted[12], number=0).key == wanted[12].key
