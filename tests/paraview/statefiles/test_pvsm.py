"""State files written by hand: every form that ParaView's versions have given them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackreel.paraview.proxies import Ref
from stackreel.paraview.statefiles import read_state_file
from stackreel.paraview.statefiles.pvsm import array_name

STATE = """\
<ParaView>
  <ServerManagerState version="5.11.0">
    <Proxy group="filters" type="Clip" id="7" servers="1">
      <Property name="ClipFunction" id="7.ClipFunction" number_of_elements="1">
        <Proxy value="8"/>
        <Domain name="proxy_list" id="7.ClipFunction.proxy_list"><Proxy value="8"/><Proxy value="9"/></Domain>
      </Property>
      <Property name="Input" number_of_elements="1"><Proxy value="6" output_port="0"/></Property>
      <Property name="InsideOut" number_of_elements="1"><Element index="0" value="1"/></Property>
      <Property name="Exact"/>
    </Proxy>
    <Proxy group="implicit_functions" type="Plane" id="8">
      <Property name="Normal" number_of_elements="3">
        <Element index="2" value="1e0"/>
        <Element index="0" value="-0.25"/>
        <Element index="1" value=".5"/>
      </Property>
    </Proxy>
    <Proxy group="sources" type="HDFReader" id="6">
      <Property name="FileName" number_of_elements="1"><Element index="0" value="0001"/></Property>
    </Proxy>
    <Proxy group="representations" type="UniformGridRepresentation" id="20">
      <Property name="ColorArrayName" number_of_elements="5">
        <Element index="0" value=""/><Element index="1" value=""/><Element index="2" value=""/>
        <Element index="3" value="1"/><Element index="4" value="417"/>
        <Domain name="array_list" id="20.ColorArrayName.array_list"><String text="417"/></Domain>
      </Property>
      <Property name="Representation" number_of_elements="1"><Element index="0" value="Volume"/></Property>
    </Proxy>
    <Proxy group="lookup_tables" type="PVLookupTable" id="30">
      <Property name="ColorSpace" number_of_elements="1">
        <Element index="0" value="2"/>
        <Domain name="enum" id="30.ColorSpace.enum">
          <Entry value="0" text="RGB"/><Entry value="1" text="HSV"/><Entry value="2" text="Lab"/>
        </Domain>
      </Property>
      <Property name="RGBPoints" number_of_elements="4">
        <Element index="0" value="0"/><Element index="1" value="1"/>
        <Element index="2" value="0.5"/><Element index="3" value="0"/>
      </Property>
    </Proxy>
    <Proxy group="animation" type="KeyFrameAnimationCue" id="40">
      <Property name="AnimatedProxy" number_of_elements="1"><Proxy value="7"/></Property>
      <Property name="AnimatedPropertyName" number_of_elements="1"><Element index="0" value="InsideOut"/></Property>
      <Property name="KeyFrames" number_of_elements="1"><Proxy value="41"/></Property>
    </Proxy>
    <Proxy group="animation_keyframes" type="CompositeKeyFrame" id="41">
      <Property name="KeyValues" number_of_elements="1"><Element index="0" value="3"/></Property>
      <Property name="Type" number_of_elements="1">
        <Element index="0" value="2"/>
        <Domain name="enum" id="41.Type.enum"><Entry value="2" text="Ramp"/></Domain>
      </Property>
    </Proxy>
    <ProxyCollection name="pq_helper_proxies.7"><Item id="7" name="helper"/></ProxyCollection>
    <ProxyCollection name="lookup_tables"><Item id="30" name="5.PLI.PVLookupTable"/></ProxyCollection>
    <ProxyCollection name="sources"><Item id="7" name="Clip1"/><Item id="6" name="b&#228;r.hdf"/></ProxyCollection>
    <CustomProxyDefinitions>
      <CustomProxyDefinition name="Mine" group="filters">
        <CompoundSourceProxy><Proxy group="filters" type="Cut" id="7"/></CompoundSourceProxy>
      </CustomProxyDefinition>
    </CustomProxyDefinitions>
    <Links><CameraLink name="both"/><PropertyLink name="opacities"/></Links>
    <Settings><SettingsProxy group="settings" type="ColorPalette"><Links/></SettingsProxy></Settings>
  </ServerManagerState>
</ParaView>
"""

Written = Callable[[str, "str | bytes"], Path]


def test_proxies_have_the_names_that_people_gave_them(written: Written) -> None:
    state = read_state_file(written("brain.pvsm", STATE))
    assert (state.name, state.version) == ("brain.pvsm", "5.11.0")
    assert [(p.key, p.group, p.type, p.name) for p in state.proxies[:3]] == [
        ("7", "filters", "Clip", "Clip1"),
        ("8", "implicit_functions", "Plane", ""),
        ("6", "sources", "HDFReader", "bär.hdf"),
    ]


def test_a_proxy_inside_of_another_stands_by_itself_and_is_referred_to_by_its_name_in_python(written: Written) -> None:
    state = read_state_file(written("brain.pvsm", STATE))
    (clip,) = state.of("filters")
    assert clip.get("ClipType") == Ref("8")  # not the list of what else it could be
    plane = state.behind(clip, "ClipType")
    assert plane is not None
    assert plane.numbers("Normal") == (-0.25, 0.5, 1.0)  # by their index
    assert clip.get("Invert") == 1.0
    assert clip.get("Exact") is None  # a property without a value


def test_choices_are_words_as_in_a_trace(written: Written) -> None:
    state = read_state_file(written("brain.pvsm", STATE))
    assert state.of("lookup_tables")[0].get("ColorSpace") == "Lab"
    assert state.of("animation_keyframes")[0].get("Interpolation") == "Ramp"


def test_what_an_animation_moves_is_named_as_in_a_trace_and_keys_are_a_list(written: Written) -> None:
    (cue,) = read_state_file(written("brain.pvsm", STATE)).of("animation")
    assert cue.get("AnimatedPropertyName") == "Invert"
    assert cue.get("KeyFrames") == (Ref("41"),)


def test_names_that_look_like_numbers_stay_names(written: Written) -> None:
    state = read_state_file(written("brain.pvsm", STATE))
    assert state.of("sources")[0].get("FileName") == "0001"
    assert state.of("representations")[0].get("ColorArrayName") == ("CELLS", "417")


def test_settings_know_their_line(written: Written) -> None:
    (clip,) = read_state_file(written("brain.pvsm", STATE)).of("filters")
    assert STATE.splitlines()[clip.line - 1].strip().startswith('<Proxy group="filters"')
    assert "InsideOut" in STATE.splitlines()[clip.line_of("Invert") - 1]


def test_what_is_not_taken_over_is_said(written: Written) -> None:
    state = read_state_file(written("brain.pvsm", STATE))
    assert [(one.text, one.reason.partition(";")[0]) for one in state.unread] == [
        ("Mine", "a custom filter"),
        ("opacities", "a link between properties"),
    ]
    assert "Cut" not in {p.type for p in state.proxies}
    lost = STATE.replace('type="CompositeKeyFrame" id="41"', 'type="CompositeKeyFrame" id="42"')
    (cue,) = [one for one in read_state_file(written("lost.pvsm", lost)).unread if "key frames" in one.reason]
    assert "1 of its 1" in cue.reason


@pytest.mark.parametrize(
    ("registered", "array"),
    [
        ("PLI.PVLookupTable", "PLI"),
        ("5.PLI.PVLookupTable", "PLI"),
        ("Separate_69161_RTData.PVLookupTable", "RTData"),
        ("flow.x.PiecewiseFunction", "flow.x"),
        ("OpacityTransferFunction", "OpacityTransferFunction"),
    ],
)
def test_a_transfer_function_is_named_for_its_array(registered: str, array: str) -> None:
    assert array_name(registered) == array


def test_a_file_name_that_is_no_utf_8_does_not_hide_the_rest(written: Written) -> None:
    raw = STATE.replace("0001", "bär.hdf").encode("latin-1")
    assert read_state_file(written("windows.pvsm", raw)).of("sources")[0].get("FileName") == "bär.hdf"


def test_a_large_state_is_read_without_holding_its_tree(written: Written) -> None:
    import tracemalloc

    choices = "".join(f"<Entry value='{k}' text='choice number {k}'/>" for k in range(200))
    proxy = f"<Property name='P'><Element value='1'/><Domain name='enum'>{choices}</Domain></Property></Proxy>"
    body = "".join(f'<Proxy group="misc" type="T" id="{k}">{proxy}' for k in range(700))
    text = f"<ParaView><ServerManagerState version='6.0.0'>{body}</ServerManagerState></ParaView>"
    path = written("large.pvsm", text)
    tracemalloc.start()
    try:
        assert len(read_state_file(path).proxies) == 700
        assert tracemalloc.get_traced_memory()[1] < 0.7 * path.stat().st_size
    finally:
        tracemalloc.stop()
