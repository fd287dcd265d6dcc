"""Colour maps in all their notations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.statefiles import read_state_file

Written = Callable[[str, "str | bytes"], Path]


def test_a_preset_is_a_lookup_table_with_its_opacities(written: Written) -> None:
    text = """[{"Name": "Tissue", "ColorSpace": "CIELAB", "NanColor": [1, 1, 0],
                "RGBPoints": [0, 0.1, 0, 0, 1, 1, 0.9, 0.8], "Points": [0, 0, 0.5, 0, 1, 0.75, 0.5, 0]}]"""
    (table,) = read_state_file(written("tissue.json", text)).proxies
    assert (table.group, table.type, table.name) == ("lookup_tables", "PVLookupTable", "Tissue")
    assert table.get("ColorSpace") == "Lab"
    assert table.numbers("RGBPoints") == (0, 0.1, 0, 0, 1, 1, 0.9, 0.8)
    assert table.numbers("Points") == (0, 0, 0.5, 0, 1, 0.75, 0.5, 0)
    assert table.numbers("NanColor") == (1, 1, 0)


def test_json_may_have_comments_and_commas_too_many(written: Written) -> None:
    text = """\ufeff// exported
[ /* two, of
which */ {"Name": "not // a comment, ]", "RGBPoints": [[0, 0, 0, 0], [1, 1, 1, 1,],], "Source": NaN,},
]
"""
    (table,) = read_state_file(written("loose.json", text)).proxies
    assert table.name == "not // a comment, ]"
    assert table.numbers("RGBPoints") == (0, 0, 0, 0, 1, 1, 1, 1)


def test_one_preset_without_a_list_around_it_will_do(written: Written) -> None:
    (table,) = read_state_file(written("one.json", '{"Name": "One", "RGBPoints": [0, 0, 0, 0]}')).proxies
    assert table.name == "One"


def test_colours_for_categories_are_told_apart_from_a_scale(written: Written) -> None:
    text = '[{"Name": "Regions", "IndexedColors": [1, 0, 0, 0, 0, 1], "Annotations": ["1", "cortex", "2", "white"]}]'
    (table,) = read_state_file(written("regions.json", text)).proxies
    assert table.get("InterpretValuesAsCategories") == 1.0
    assert table.get("Annotations") == ("1", "cortex", "2", "white")


def test_a_preset_that_is_broken_is_named_and_the_others_are_read(written: Written) -> None:
    text = """[{"Name": "short", "RGBPoints": [0, 0, 0]}, {"Name": "words", "RGBPoints": ["a"]}, 7,
              {"RGBPoints": [0, 0, 0, 0]}]"""
    state = read_state_file(written("some.json", text))
    assert [(one.text, one.reason[:20]) for one in state.unread] == [
        ("short", "RGBPoints holds 3 nu"),
        ("words", "RGBPoints is no list"),
        ("colour map 3", "is no colour map, wh"),
    ]
    assert len(state.proxies) == 1


def test_json_without_colours_is_refused(written: Written) -> None:
    with pytest.raises(ParaViewError, match="holds no colour map of ParaView's"):
        read_state_file(written("groups.json", '[{"groupName": "Default", "presets": ["Fast"]}]'))


def test_old_colour_maps_are_sorted_and_their_opacities_taken_where_they_say_something(written: Written) -> None:
    text = """<ColorMaps>
<ColorMap name="Depth" space="Wrapped"><Point x="10" o="0.5" r="1" g="0" b="0"/><Point x="-5" o="1" r="0" g="0" b="1"/>
<NaN r="0.5" g="0.5" b="0.5"/></ColorMap>
<ColorMap name="Plain" space="Lab"><Point x="0" o="1" r="0" g="0" b="0"/></ColorMap>
<ColorMap name="Kinds" indexedLookup="true"><Point r="1" g="0" b="0"/><Annotation v="3" t="three"/></ColorMap>
<ColorMap name="Empty" space="RGB"/>
</ColorMaps>"""
    state = read_state_file(written("old.xml", text))
    depth, plain, kinds = state.proxies
    assert depth.numbers("RGBPoints") == (-5, 0, 0, 1, 10, 1, 0, 0)
    assert depth.numbers("Points") == (-5, 1, 0.5, 0, 10, 0.5, 0.5, 0)
    assert (depth.get("ColorSpace"), depth.get("HSVWrap"), depth.numbers("NanColor")) == ("HSV", 1.0, (0.5,) * 3)
    assert plain.get("Points") is None
    assert kinds.numbers("IndexedColors") == (1, 0, 0)
    assert kinds.get("Annotations") == ("3", "three")
    assert [(one.text, one.line) for one in state.unread] == [("Empty", 6)]


def test_slicers_properties_give_colours_and_opacities(written: Written) -> None:
    mrml = """<MRML><VolumeProperty name="CT-Bone" scalarOpacity="4 0 0 300 0.5" colorTransfer="8 0 0 0 0 300 1 1 0.5"/>
<VolumeProperty name="torn" scalarOpacity="4 0 0" colorTransfer="8 0 0 0 0 300 1 1 0.5"/></MRML>"""
    state = read_state_file(written("presets.xml", mrml))
    (bone,) = state.proxies
    assert bone.numbers("RGBPoints") == (0, 0, 0, 0, 300, 1, 1, 0.5)
    assert bone.numbers("Points") == (0, 0, 0.5, 0, 300, 0.5, 0.5, 0)
    assert [one.text for one in state.unread] == ["torn"]
    vp = "1\n1\n0.4\n0.4\n0.4\n38.5\n4 0 0 300 0.5\n4 0 1 255 1\n8 0 0 0 0 300 1 1 0.5\n"
    (same,) = read_state_file(written("bone.vp", vp)).proxies
    assert {k: v.value for k, v in same.settings.items()} == {k: v.value for k, v in bone.settings.items()}
