import numpy as np
import pytest

from stackreel.scene.colormaps import color_points, map_names, map_points, parse_color


def test_colours_are_read_as_people_write_them():
    assert parse_color("#ff8000") == (1.0, 128 / 255, 0.0)
    assert parse_color("#fff") == (1.0, 1.0, 1.0)
    assert parse_color("Steel Blue") == (70 / 255, 130 / 255, 180 / 255)
    assert parse_color([0, 0.5, 1]) == (0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [("#12345", "#rrggbb"), ("whit", 'did you mean "white"'), ("none", "not a colour"), ([1, 2, 3], "from 0 to 1")],
)
def test_what_is_no_colour_is_refused_with_a_way_out(text, says):
    with pytest.raises(ValueError, match=says):
        parse_color(text)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Cool to Warm", (59, 76, 192), (180, 4, 38)),
        ("X Ray", (255, 255, 255), (0, 0, 0)),
        ("Viridis (matplotlib)", (68, 1, 84), (253, 231, 37)),
        ("Black-Body Radiation", (0, 0, 0), (255, 255, 255)),
        ("Grayscale", (0, 0, 0), (255, 255, 255)),
        ("X Ray_r", (0, 0, 0), (255, 255, 255)),
        ("Blue to Red Rainbow", (0, 0, 255), (255, 0, 0)),
        ("bone", (0, 0, 0), (255, 255, 255)),
        ("tissue_r", (255, 255, 255), (27, 15, 11)),
    ],
)
def test_paraviews_names_give_paraviews_colours(name, first, last):
    points = map_points(name)
    np.testing.assert_allclose(np.array(points[0][1:]) * 255, first, atol=1)
    np.testing.assert_allclose(np.array(points[-1][1:]) * 255, last, atol=1)


@pytest.mark.parametrize("name", ["viridis", "matplotlib:coolwarm", "jet", "cmocean:phase"])
def test_the_points_of_a_map_show_its_colours_everywhere(name):
    import cmap

    points = np.array(map_points(name))
    at = np.linspace(0, 1, 256)
    shown = np.stack([np.interp(at, points[:, 0], points[:, k]) for k in (1, 2, 3)], axis=1)
    np.testing.assert_allclose(shown, cmap.Colormap(name).lut(256)[:, :3], atol=0.5 / 255)
    assert len(points) < 100


def test_a_qualitative_map_has_steps_not_ramps():
    points = np.array(map_points("tab10"))
    assert len(points) == 20
    np.testing.assert_array_equal(points[1::2, 1:], points[::2, 1:])
    np.testing.assert_allclose(points[1:-1:2, 0], points[2::2, 0])


def test_a_map_laid_backwards_is_the_reversed_map():
    np.testing.assert_allclose(color_points("bone", 255, 0), color_points("bone_r", 0, 255), atol=0.5 / 255)


def test_a_misspelt_map_is_told_its_neighbours():
    with pytest.raises(ValueError, match=r'no colour map "virdis"; did you mean viridis'):
        map_points("virdis")
    assert "viridis" in map_names()


def test_ambiguous_names_are_not_worth_a_warning(caplog, capfd):
    map_points.cache_clear()
    map_points("coolwarm")
    map_points("rainbow")
    assert caplog.text == ""
    assert capfd.readouterr().err == ""
