import numpy as np
import pytest

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
