"""Movie files: what goes in comes out, in players' terms; the same bytes every time; and never half a file."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stackreel.errors import DiskFullError, EncodeError, OutputExistsError, StackreelError
from stackreel.movie.encode import check_output, encode

HERE = Path(__file__).parent
W, H, N = 240, 136, 20


def picture(number):
    """A dark ramp with a coloured disc that travels; its middle tells the frame's number."""
    y, x = np.mgrid[:H, :W]
    rgb = np.zeros((H, W, 3), np.uint8)
    rgb[..., 2] = x // 4
    rgb[(x - 30 - 9 * number) ** 2 + (y - 68) ** 2 < 25**2] = [210, 120, 40]
    return rgb


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{k}.png" for k in range(N)]
    for k, path in enumerate(paths):
        Image.fromarray(picture(k)).save(path, compress_level=1)
    return paths


def played(path):
    """What a player shows: frames as uint8 (n, height, width, 3)."""
    with av.open(str(path)) as container:
        return np.stack(
            [
                frame.reformat(
                    format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709", dst_color_range="JPEG"
                ).to_ndarray()
                for frame in container.decode(video=0)
            ]
        )


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_video_plays_back_what_was_put_in(tmp_path, pictures, ending):
    path = tmp_path / f"a{ending}"
    encode(pictures, path, 25)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (W, H)
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 25
        assert container.duration == pytest.approx(N / 25 * 1e6, abs=1e3)
        context = stream.codec_context
        assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
    shown = played(path).astype(int)
    assert len(shown) == N
    for k in range(N):
        assert np.abs(shown[k] - picture(k)).mean() < 2.5, k
        assert np.abs(shown[k, 68, min(30 + 9 * k, W - 1)] - [210, 120, 40]).max() < 12, "the disc in its colour"
    assert os.listdir(tmp_path) == [path.name]


def test_an_mp4_starts_to_play_before_it_is_loaded_and_is_what_powerpoint_takes(tmp_path, pictures):
    encode(pictures, tmp_path / "a.mp4", 30)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.profile == "High"


def test_broadcast_rates_are_exact(tmp_path, pictures):
    encode(pictures, tmp_path / "a.mp4", 30000 / 1001)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].average_rate.as_integer_ratio() == (30000, 1001)


@pytest.mark.parametrize("fps", [10, 25, 30])
def test_a_gif_has_every_frame_its_time_and_its_colors(tmp_path, pictures, fps):
    path = tmp_path / "a.gif"
    encode(pictures, path, fps)
    with Image.open(path) as gif:
        assert (gif.size, gif.n_frames, gif.info["loop"]) == ((W, H), N, 0)
        milliseconds = 0
        for k in range(N):
            gif.seek(k)
            milliseconds += gif.info["duration"]
            shown = np.asarray(gif.convert("RGB")).astype(int)
            assert np.abs(shown - picture(k)).mean() < 2.5, k
    assert milliseconds == pytest.approx(1000 * N / fps, abs=25)


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif"])
def test_the_same_frames_give_the_same_bytes(tmp_path, pictures, ending):
    files = set()
    for _ in range(6):
        encode(pictures, tmp_path / f"a{ending}", 25)
        files.add((tmp_path / f"a{ending}").read_bytes())
    assert len(files) == 1


def test_a_sequence_is_numbered_by_the_movies_frames_and_loses_nothing(tmp_path, pictures):
    encode(pictures[:3], tmp_path / "frames" / "%04d.png", 25, numbers=range(100, 103))
    assert sorted(os.listdir(tmp_path / "frames")) == ["0100.png", "0101.png", "0102.png"]
    assert (np.asarray(Image.open(tmp_path / "frames" / "0101.png")) == picture(1)).all()


def test_a_hold_is_as_long_as_its_frames(tmp_path, pictures):
    encode([pictures[0]] * 40 + [pictures[1]], tmp_path / "a.mp4", 25)
    assert len(played(tmp_path / "a.mp4")) == 41


def test_an_unknown_ending_lists_what_is_possible(tmp_path):
    with pytest.raises(EncodeError, match=r'cannot write ".avi".*\.mp4, .*\.webm or \.gif.*%04d\.png'):
        check_output(tmp_path / "a.avi", (W, H), range(N), overwrite=False)


def test_an_odd_size_is_refused_with_the_next_even_one(tmp_path):
    with pytest.raises(EncodeError, match="even width and height, and 641 × 360 is not; use --size 642 360"):
        check_output(tmp_path / "a.mp4", (641, 360), range(N), overwrite=False)
    assert check_output(tmp_path / "a.gif", (641, 360), range(N), overwrite=False) is None


@pytest.mark.parametrize(
    ("name", "size"),
    [("a.mp4", (20000, 2)), ("a.webm", (2, 16386)), ("a.gif", (65536, 2)), ("a.gif", (1, 64)), ("a.mkv", (0, 64))],
)
def test_a_size_that_no_encoder_takes_is_refused_with_the_sizes_that_it_does(tmp_path, name, size):
    with pytest.raises(EncodeError, match=r"sides of 2 to \d+ pixels, and .* does not fit; change --size"):
        check_output(tmp_path / name, size, range(N), overwrite=False)


@pytest.mark.parametrize(("name", "size"), [("a.mp4", (16384, 2)), ("a.webm", (2, 16384)), ("a.gif", (65535, 1 + 1))])
def test_the_largest_size_that_is_let_through_can_be_written(tmp_path, name, size):
    check_output(tmp_path / name, size, range(1), overwrite=False)
    Image.new("RGB", size, "teal").save(tmp_path / "0.png")
    encode([tmp_path / "0.png"], tmp_path / name, 25)
    assert played(tmp_path / name).shape == (1, size[1], size[0], 3)


@pytest.mark.parametrize(
    "name", ["r%c.png", "r%s.png", "r%999999999d.png", "r%5d.png", "r%0.3d.png", "%d%d.png", "%%d.png"]
)
def test_pictures_have_one_plain_number_in_their_name(tmp_path, name):
    with pytest.raises(EncodeError, match="needs one number in its name, %d or"):
        check_output(tmp_path / name, (W, H), range(N), overwrite=False)


@pytest.mark.parametrize("name", ["a:b.mp4", "http:a.webm", "c:50%d.gif"])
def test_a_colon_in_a_name_is_just_a_character(tmp_path, pictures, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    encode(pictures[:2], Path(name), 25)
    assert os.listdir(tmp_path) == [name]


def test_what_stands_is_not_replaced_without_leave(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_output(path, (W, H), range(N), overwrite=False)
    check_output(path, (W, H), range(N), overwrite=True)
    assert path.read_bytes() == b"precious"


def test_a_sequence_replaces_only_its_own_numbers_with_leave(tmp_path):
    (tmp_path / "0005.png").touch()
    pattern = tmp_path / "%04d.png"
    check_output(pattern, (W, H), range(5), overwrite=False)
    with pytest.raises(OutputExistsError, match=r"0005\.png"):
        check_output(pattern, (W, H), range(10), overwrite=False)
    check_output(pattern, (W, H), range(10), overwrite=True)
    with pytest.raises(EncodeError, match="needs one number in its name"):
        check_output(tmp_path / "a.png", (W, H), range(N), overwrite=False)


def test_a_missing_folder_is_named_before_anything_is_done(tmp_path):
    with pytest.raises(StackreelError, match="does not exist"):
        check_output(tmp_path / "not" / "a.mp4", (W, H), range(N), overwrite=False)
    with pytest.raises(StackreelError, match="does not exist"):
        check_output(tmp_path / "not" / "yet" / "%d.png", (W, H), range(N), overwrite=False)
    assert check_output(tmp_path / "new" / "%d.png", (W, H), range(N), overwrite=False) is None
    assert os.listdir(tmp_path) == []


def test_a_folder_where_nothing_can_be_written_is_named(tmp_path):
    if not Path("/proc/version").exists():
        pytest.skip("needs a folder that nobody can write to; /proc is one")
    with pytest.raises(StackreelError, match="/proc cannot be written to"):
        check_output(Path("/proc/a.mp4"), (W, H), range(N), overwrite=False)


def test_an_unreadable_frame_leaves_the_old_movie_alone(tmp_path, pictures):
    path = tmp_path / "a.mp4"
    encode(pictures, path, 25)
    before = path.read_bytes()
    broken = tmp_path / "broken.png"
    broken.write_bytes(pictures[3].read_bytes()[:200])
    with pytest.raises(EncodeError, match=r"broken\.png: this frame cannot be read"):
        encode([*pictures[:3], broken, *pictures[4:]], path, 25)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "broken.png"]


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_ctrl_c_while_writing_leaves_nothing(tmp_path, pictures, ending):
    written = []

    def step():
        written.append(1)
        if len(written) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(pictures, tmp_path / f"a{ending}", 25, step=step)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "%d.png"])
def test_a_full_disk_leaves_nothing_under_the_final_name(tmp_path, pictures, name):
    program = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from stackreel.errors import DiskFullError
        from stackreel.movie.encode import encode
        out, *pictures = map(Path, sys.argv[1:])
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
        try:
            encode(pictures, out, 25)
        except DiskFullError as error:
            print(error)
    """)
    command = [sys.executable, "-c", program, str(tmp_path / name), *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no room left on the disk" in done.stdout
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_a_really_full_disk_leaves_nothing_under_the_final_name(tmp_path, pictures, name):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)], capture_output=True
    ).returncode:
        pytest.skip("this machine allows no mounts")
    try:
        with pytest.raises(DiskFullError, match="no room left") as caught:
            encode(pictures, tmp_path / name, 25)
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert os.listdir(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
