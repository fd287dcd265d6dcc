import numpy as np
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.geometry import Spacing
from stackreel.movie.subject import subject_of
from stackreel.scene import load


@pytest.fixture
def ball(make_volume):
    """A bright ball in the dark, 60 × 40 × 40 µm voxels."""
    z, y, x = np.mgrid[:24, :36, :40]
    inside = ((z - 12) / 9) ** 2 + ((y - 18) / 14) ** 2 + ((x - 20) / 15) ** 2 < 1
    rng = np.random.default_rng(0)
    voxels = np.where(inside, rng.normal(150, 15, inside.shape), rng.normal(10, 3, inside.shape)).clip(0, 255)
    return make_volume(voxels.astype(np.uint8), Spacing(60, 40, 40, "um"), name="ball_of_wool")


def test_new_writes_a_sound_movie_file_beside_any_folder(ball, tmp_path, capsys):
    out = tmp_path / "films" / "a.yaml"
    out.parent.mkdir()
    assert main(["new", str(ball.path), "-o", str(out)]) == 0
    document = load(out)
    assert document.volume.resolve() == ball.path.resolve()
    assert not document.spec.volume.startswith("/")
    timeline = document.timeline(subject_of(ball))
    assert (timeline.seconds, timeline.frames, timeline.size) == (10, 250, (1280, 720))
    assert timeline.at(1).titles[0].text == "ball of wool"
    assert timeline.at(0).transfer.opacities_at([10])[0] == 0
    assert timeline.at(0).transfer.opacities_at([150])[0] > 0.03
    assert "stackreel sheet" in capsys.readouterr().out


def test_new_does_not_write_over_an_edited_movie(ball, tmp_path, capsys):
    out = tmp_path / "a.yaml"
    out.write_text("mine")
    assert main(["new", str(ball.path), "-o", str(out)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["new", str(ball.path), "-o", str(out), "--overwrite", "--title", "no: yes"]) == 0
    assert load(out).timeline(subject_of(ball)).at(1).titles[0].text == "no: yes"


def test_new_without_a_volume_says_so(tmp_path, capsys):
    assert main(["new", str(tmp_path / "none.h5"), "-o", str(tmp_path / "a.yaml")]) == 1
    assert "none.h5" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("voxels", "said"),
    [
        (np.full((6, 8, 9), 7, np.uint8), "all samples are 7: nothing to see"),
        (np.zeros((6, 8, 9), np.float32), "all samples are 0: nothing to see"),
        (np.full((6, 8, 9), np.nan, np.float32), "no sample is a number: nothing to see"),
    ],
)
def test_a_volume_in_which_there_is_nothing_to_see_is_said_to_be_so(make_volume, tmp_path, capsys, voxels, said):
    volume = make_volume(voxels)
    assert main(["new", str(volume.path), "-o", str(tmp_path / "a.yaml")]) == 0
    assert said in capsys.readouterr().err
    picture = ["-o", str(tmp_path / "a.png"), "--size", "64", "36"]
    assert main(["frame", str(tmp_path / "a.yaml"), *picture]) == 0
    assert said in capsys.readouterr().err


def shown(path, at, tmp_path):
    """A frame of a movie as pixels (y, x, 3)."""
    out = tmp_path / f"{at}.png"
    assert main(["frame", str(path), "--at", str(at), "-o", str(out), "--size", "160", "90"]) == 0
    return np.asarray(Image.open(out)).astype(int)


def test_directions_show_as_hues_and_no_direction_is_not_there(make_volume, tmp_path):
    z, y, x = np.mgrid[:24, :36, :40]
    inside = ((z - 12) / 9) ** 2 + ((y - 18) / 14) ** 2 + ((x - 20) / 15) ** 2 < 1
    angles = np.where(inside, np.where(x < 20, 45, 135), 0).astype(np.uint8)
    volume = make_volume(angles, kind="axial", period=180, background=0)
    assert main(["new", str(volume.path), "-o", str(tmp_path / "a.yaml")]) == 0
    picture = shown(tmp_path / "a.yaml", 0, tmp_path)
    assert (picture[:4] == 0).all(), "the background is empty"
    assert (picture[:, :30] == 0).all(), "the background is empty"
    left, right = picture[45, 65], picture[45, 92]
    assert np.abs(left - right).max() > 60, "two directions, two hues"


def test_around_tissue_that_is_masked_with_nan_nothing_is_seen_and_all_tissue_is(make_volume, tmp_path):
    z, y, x = np.mgrid[:24, :36, :40]
    inside = ((z - 12) / 9) ** 2 + ((y - 18) / 14) ** 2 + ((x - 20) / 15) ** 2 < 1
    rng = np.random.default_rng(0)
    volume = make_volume(np.where(inside, rng.normal(0.5, 0.05, inside.shape), np.nan).astype(np.float32))
    subject = subject_of(volume)
    assert subject.numbers == pytest.approx(inside.mean())
    assert main(["new", str(volume.path), "-o", str(tmp_path / "a.yaml")]) == 0
    picture = shown(tmp_path / "a.yaml", 0, tmp_path)
    assert (picture[:4] == 0).all()
    assert (picture[:, :30] == 0).all()
    assert picture[45, 80].min() > 20


def test_a_single_section_gets_a_movie_too(make_volume, tmp_path):
    voxels = np.random.default_rng(0).integers(0, 255, (1, 60, 80), dtype=np.uint8)
    volume = make_volume(voxels)
    out = tmp_path / "a.yaml"
    assert main(["new", str(volume.path), "-o", str(out)]) == 0
    assert load(out).timeline(subject_of(volume)).frames == 250
