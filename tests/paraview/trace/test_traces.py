"""What ParaView's own traces say, in the ways its versions have of saying it."""

from __future__ import annotations

import pytest

from stackreel.paraview.proxies import Proxy, Ref, State
from stackreel.paraview.trace import read_trace

OLD = """\
# trace generated using paraview version 5.6.0

#### import the simple module from the paraview
from paraview.simple import *
#### disable automatic camera reset on 'Show'
paraview.simple._DisableFirstRenderCameraReset()

# create a new 'XDMF Reader'
brainxdmf = XDMFReader(FileNames=['/data/brain.xdmf'])
brainxdmf.PointArrayStatus = ['PLI']

renderView1 = GetActiveViewOrCreate('RenderView')
# uncomment following to set a specific view size
# renderView1.ViewSize = [1, 1]
renderView1.ViewSize = [1280, 720]

brainxdmfDisplay = Show(brainxdmf, renderView1)
brainxdmfDisplay.Representation = 'Outline'
brainxdmfDisplay.ScaleTransferFunction.Points = [7.0, 0.0, 0.5, 0.0, 8.0, 1.0, 0.5, 0.0]
brainxdmfDisplay.OpacityTransferFunction.Points = [9.0, 0.0, 0.5, 0.0, 10.0, 1.0, 0.5, 0.0]
renderView1.ResetCamera()
ColorBy(brainxdmfDisplay, ('POINTS', 'PLI'))
brainxdmfDisplay.SetScalarBarVisibility(renderView1, True)
pLILUT = GetColorTransferFunction('PLI')
pLILUT.RGBPoints = [0.0, 0.23, 0.3, 0.75,
    128.0, 0.86, 0.86, 0.86,
    255.0, 0.7, 0.01, 0.15]
pLIPWF = GetOpacityTransferFunction('PLI')
pLIPWF.Points = [0.0, 0.0, 0.5, 0.0, 255.0, 1.0, 0.5, 0.0]
brainxdmfDisplay.SetRepresentationType('Volume')
brainxdmfDisplay.ScalarOpacityUnitDistance = 0.01

clip1 = Clip(Input=brainxdmf)
clip1.ClipType = 'Plane'
clip1.InsideOut = 0
clip1.ClipType.Origin = [0.0, -0.1, 0.2]
clip1.ClipType.Normal = [0.0, 1.0, 0.0]
Hide(brainxdmf, renderView1)

#### saving camera placements for all active views
renderView1.CameraPosition = [1.5, -2.0, 3e-1]
renderView1.CameraFocalPoint = [0.0, 0.1, 0.0]
renderView1.CameraViewUp = [0.0, 0.0, 1.0]
renderView1.CameraParallelScale = 0.8
"""

SIX = """\
# state file generated using paraview version 6.0.1
import paraview
paraview.compatibility.major = 6
paraview.compatibility.minor = 0
from paraview.simple import *

renderView1 = CreateView('RenderView')
renderView1.Set(
    ViewSize=[934, 685],
    CameraPosition=[
        66.0,
        0.0, 0.],
    CameraParallelProjection=1,
)
layout1 = CreateLayout(name='Layout #1')
layout1.AssignView(0, renderView1)
layout1.SetSize(934, 685)
SetActiveView(renderView1)
brain = VTKHDFReader(registrationName='brain.hdf', FileName=['brain.hdf'])
clip1 = Clip(registrationName='Clip1', Input=brain)
clip1.Set(
    ClipType='Box',
    Invert=0,
)
clip1.ClipType.Set(
    Position=[0.0, 0.0, 0.0],
    Length=[1.0, 2.0, 3.0],
)
clip1Display = Show(clip1, renderView1, 'UnstructuredGridRepresentation')
PLILUT = GetColorTransferFunction('PLI', clip1Display, separate=True)
PLILUT.Set(
    ColorSpace='Lab',
    RGBPoints=GenerateRGBPoints(
        preset_name='Viridis',
        range_min=25,
        range_max=2000.0,
    ),
    NanColor=[1.0, 0.0, 0.0],
)
GetColorTransferFunction('PLI').RGBPoints = GenerateRGBPoints(range_min=0.0, range_max=1.0)
clip1Display.Set(
    Representation='Volume',
    ColorArrayName=['POINTS', 'PLI'],
    LookupTable=PLILUT,
)
"""


def of(state: State, key: str) -> Proxy:
    found = state.find(key)
    assert found, f"{key} is not among {[each.key for each in state.proxies]}"
    return found


def read(text: str, *, unread: bool = False) -> State:
    state = read_trace(text, "a.py")
    assert unread or not state.unread
    return state


def test_a_trace_of_paraview_5_6_is_read_whole():
    state = read(OLD)
    assert (state.name, state.version) == ("a.py", "5.6.0")
    view = of(state, "renderView1")
    assert (view.group, view.type, view.line) == ("views", "RenderView", 12)
    assert view.numbers("ViewSize") == (1280.0, 720.0)
    assert view.numbers("CameraPosition") == (1.5, -2.0, 0.3)
    assert view.line_of("CameraPosition") == OLD.split("\n").index("renderView1.CameraPosition = [1.5, -2.0, 3e-1]") + 1
    source = of(state, "brainxdmf")
    assert (source.group, source.type) == ("sources", "XDMFReader")
    assert source.get("FileNames") == ("/data/brain.xdmf",)
    display = of(state, "brainxdmfDisplay")
    assert (display.group, display.type) == ("representations", "")
    assert display.get("Input") == Ref("brainxdmf")
    assert display.get("Representation") == "Volume"
    assert display.get("Visibility") == 0.0
    assert display.get("ColorArrayName") == ("POINTS", "PLI")
    assert state.behind(display, "LookupTable") is of(state, "pLILUT")
    assert state.behind(display, "ScalarOpacityFunction") is of(state, "pLIPWF")
    assert view.get("Representations") == (Ref("brainxdmfDisplay"),)


def test_the_opacity_of_glyphs_is_not_the_volumes():
    state = read(OLD)
    assert of(state, "pLIPWF").numbers("Points") == (0.0, 0.0, 0.5, 0.0, 255.0, 1.0, 0.5, 0.0)
    glyphs = of(state, "brainxdmfDisplay").numbers("OpacityTransferFunction.Points")
    assert glyphs == (9.0, 0.0, 0.5, 0.0, 10.0, 1.0, 0.5, 0.0)


def test_a_wrapped_list_has_the_line_where_it_begins():
    table = of(read(OLD), "pLILUT")
    assert len(table.numbers("RGBPoints") or ()) == 12
    assert OLD.split("\n")[table.line_of("RGBPoints") - 1].startswith("pLILUT.RGBPoints")


def test_a_clip_has_its_plane_and_its_new_name_for_the_side():
    clip = of(read(OLD), "clip1")
    assert (clip.group, clip.type, clip.get("Input")) == ("filters", "Clip", Ref("brainxdmf"))
    assert clip.numbers("ClipType.Origin", "Origin") == (0.0, -0.1, 0.2)
    assert clip.get("Invert") == 0.0
    assert clip.get("InsideOut") is None


def test_a_state_of_paraview_6_is_read_whole():
    state = read(SIX)
    assert state.version == "6.0.1"
    view = of(state, "renderView1")
    assert view.numbers("CameraPosition") == (66.0, 0.0, 0.0)
    assert view.get("CameraParallelProjection") == 1.0
    assert SIX.split("\n")[view.line_of("CameraPosition") - 1] == "    CameraPosition=["
    clip = of(state, "clip1")
    assert (clip.name, clip.get("ClipType")) == ("Clip1", "Box")
    assert clip.numbers("ClipType.Length") == (1.0, 2.0, 3.0)
    assert of(state, "brain").get("FileName") == ("brain.hdf",)
    assert of(state, "clip1Display").type == "UnstructuredGridRepresentation"


def test_colors_that_paraview_6_generates_are_a_preset_and_a_range():
    state = read(SIX)
    table = of(state, "PLILUT")
    assert table.get("ApplyPreset") == ("Viridis", 1.0)
    assert table.get("RescaleTransferFunction") == (25.0, 2000.0)
    assert table.get("RGBPoints") is None
    assert table.get("ColorSpace") == "Lab"


def test_a_separate_table_is_another_one_than_the_arrays():
    state = read(SIX)
    own, shared = state.of("lookup_tables", "PVLookupTable")
    assert (own.name, own.get("Separate"), own.get("Representation")) == ("PLI", 1.0, Ref("clip1Display"))
    assert (shared.name, shared.get("Separate"), shared.get("ApplyPreset")) == ("PLI", None, ("", 1.0))
    assert state.behind(of(state, "clip1Display"), "LookupTable") is own


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("# trace generated using paraview version 5.10.1\n", "5.10.1"),
        ("# state file generated using paraview version 6.0.0\r\n", "6.0.0"),
        ("import paraview\nparaview.compatibility.major = 5\nparaview.compatibility.minor = 11\n", "5.11"),
        ("from paraview.simple import *\n", ""),
    ],
)
def test_the_version_is_the_one_that_wrote_it(said, version):
    assert read(said).version == version


def test_several_views_are_several_things():
    state = read(
        """
v1 = CreateView('RenderView')
v2 = CreateRenderView()
chart = CreateView('LineChartView')
s = Sphere()
d1 = Show(s, v1, 'GeometryRepresentation')
d2 = Show(s, v2, 'GeometryRepresentation')
v1.CameraPosition = [1, 0, 0]
v2.CameraPosition = [2, 0, 0]
Hide(s, v1)
"""
    )
    views = state.of("views")
    assert [(each.key, each.type) for each in views] == [
        ("v1", "RenderView"),
        ("v2", "RenderView"),
        ("chart", "LineChartView"),
    ]
    assert [each.numbers("CameraPosition") for each in views[:2]] == [(1.0, 0.0, 0.0), (2.0, 0.0, 0.0)]
    assert [of(state, key).get("Visibility") for key in ("d1", "d2")] == [0.0, 1.0]


def test_asking_for_the_same_thing_twice_gives_the_same_thing():
    state = read(
        """
a = GetActiveViewOrCreate('RenderView')
b = GetActiveView()
s = Sphere()
d = Show(s, a)
e = GetDisplayProperties(s, view=b)
e.Opacity = 0.25
t = GetColorTransferFunction('PLI')
GetColorTransferFunction('PLI').ColorSpace = 'HSV'
scene = GetAnimationScene()
GetAnimationScene().NumberOfFrames = 7
"""
    )
    assert [each.key for each in state.proxies] == ["a", "s", "d", "t", "scene"]
    assert of(state, "d").get("Opacity") == 0.25
    assert of(state, "t").get("ColorSpace") == "HSV"
    assert of(state, "scene").get("NumberOfFrames") == 7.0


def test_a_variable_given_to_something_new_is_two_things():
    state = read("c = Clip(Input=Sphere())\nc.Invert = 1\nc = Clip(Input=Cone())\nc.Invert = 0\n")
    assert [(each.key, each.get("Invert")) for each in state.of("filters")] == [("c", 1.0), ("c:2", 0.0)]


def test_another_shape_for_a_clip_begins_anew():
    clip = of(read("c = Clip(Input=Sphere())\nc.ClipType='Plane'\nc.ClipType.Origin=[1,2,3]\nc.ClipType='Box'\n"), "c")
    assert clip.get("ClipType.Origin") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("t.RGBPoints=[0,0,0,0, 9,1,1,1]\nt.ApplyPreset('Jet', True)", {"RescaleTransferFunction": (0.0, 9.0)}),
        ("t.ApplyPreset('Jet')\nt.RescaleTransferFunction(2, 3.5)", {"RescaleTransferFunction": (2.0, 3.5)}),
        ("t.RescaleTransferFunction([2, 3.5])\nt.ApplyPreset('Jet')", {"RescaleTransferFunction": (2.0, 3.5)}),
        ("t.RescaleTransferFunction(2, 3)\nt.RescaleTransferFunction(0, 2.5, True)\nt.ApplyPreset('Jet')",
         {"RescaleTransferFunction": (0.0, 3.0)}),
        ("t.ColorSpace='HSV'\nt.ApplyPreset('Jet')", {}),
        ("t.ApplyPreset('Jet')\nt.ColorSpace='HSV'", {"ColorSpace": "HSV"}),
        ("t.ApplyPreset('Jet')\nt.InvertTransferFunction()", {"InvertTransferFunction": 1.0}),
        ("t.ApplyPreset('Jet')\nt.InvertTransferFunction()\nt.InvertTransferFunction()", {}),
        ("t.InvertTransferFunction()\nt.ApplyPreset('Jet')", {}),
    ],
)  # fmt: skip
def test_of_presets_points_and_ranges_the_last_one_stands(said, expected):
    table = of(read(f"t = GetColorTransferFunction('a')\n{said}\n"), "t")
    assert {name: each.value for name, each in table.settings.items()} == {"ApplyPreset": ("Jet", 1.0), **expected}


def test_a_preset_with_its_own_range_forgets_the_tables():
    table = of(
        read("t = GetColorTransferFunction('a')\nt.RGBPoints=[0,0,0,0,9,1,1,1]\nt.ApplyPreset('Jet', False)\n"), "t"
    )
    assert {name: each.value for name, each in table.settings.items()} == {"ApplyPreset": ("Jet", 0.0)}


def test_points_set_after_a_preset_undo_it():
    table = of(read("t = GetColorTransferFunction('a')\nt.ApplyPreset('Jet')\nt.RGBPoints=[0,0,0,0,9,1,1,1]\n"), "t")
    assert list(table.settings) == ["RGBPoints"]


def test_tables_made_in_the_way_of_paraview_3_are_read():
    state = read(
        """
try: paraview.simple
except: from paraview.simple import *
RenderView1 = GetRenderView()
DataRepresentation1 = Show()
a1_PLI_PVLookupTable = GetLookupTableForArray( "PLI", 1, RGBPoints=[-1.0, 0, 0, 1, 1.0, 1, 0, 0], ColorSpace='HSV' )
a1_PLI_PiecewiseFunction = CreatePiecewiseFunction( Points=[-1.0, 0.0, 0.5, 0.0, 1.0, 1.0, 0.5, 0.0] )
DataRepresentation1.ScalarOpacityFunction = a1_PLI_PiecewiseFunction
DataRepresentation1.LookupTable = a1_PLI_PVLookupTable
DataRepresentation1.ColorArrayName = ('POINT_DATA', 'PLI')
other = servermanager.rendering.PVLookupTable()
Render()
""".replace("DataRepresentation1 = Show()", "r = LegacyVTKReader( FileNames=['a.vtk'] )\nDataRepresentation1 = Show()")
    )
    display = of(state, "DataRepresentation1")
    assert display.get("Input") == Ref("r")
    table = state.behind(display, "LookupTable")
    assert table
    assert (table.name, table.get("ColorSpace"), len(table.numbers("RGBPoints") or ())) == ("PLI", "HSV", 8)
    assert state.behind(display, "ScalarOpacityFunction") is of(state, "a1_PLI_PiecewiseFunction")
    assert of(state, "other").group == "lookup_tables"


def test_key_frames_hang_on_the_track_of_their_view():
    state = read(
        """
from paraview import simple as s
view = s.GetRenderView()
scene = s.GetAnimationScene()
scene.PlayMode = 'Sequence'
track = s.GetCameraTrack(view=view)
k0 = s.CameraKeyFrame()
k0.KeyTime = 0
k0.Position = [0, 0, 5]
k1 = s.CameraKeyFrame(KeyTime=1.0)
k1.Position = k0.Position
k1.ClosedPositionPath = 1
track.Mode = 'Path-based'
track.KeyFrames = [k0, k1]
scene.Play()
scene.GoToFirst()
"""
    )
    track = of(state, "track")
    assert (track.group, track.type) == ("animation", "CameraAnimationCue")
    assert track.get("AnimatedProxy") == Ref("view")
    assert track.get("KeyFrames") == (Ref("k0"), Ref("k1"))
    assert [each.numbers("Position") for each in state.of("animation_keyframes", "CameraKeyFrame")] == [
        (0.0, 0.0, 5.0)
    ] * 2


def test_a_track_says_what_it_moves():
    state = read(
        """
s = Sphere()
c = Slice(Input=s)
c.SliceType = 'Plane'
o = GetAnimationTrack('Opacity', proxy=s)
p = GetAnimationTrack('Origin', index=2, proxy=c.SliceType)
q = GetAnimationTrack(c.SliceType.GetProperty('Normal'), 0)
k = CompositeKeyFrame()
k.KeyValues = [0.5]
o.KeyFrames.append(k)
"""
    )
    moved = [(each.get("AnimatedProxy"), each.get("AnimatedPropertyName")) for each in state.of("animation")]
    assert moved == [(Ref("s"), "Opacity"), (Ref("c"), "SliceType.Origin"), (Ref("c"), "SliceType.Normal")]
    assert of(state, "p").get("AnimatedElement") == 2.0
    assert of(state, "o").get("KeyFrames") == (Ref("k"),)


def test_pictures_and_films_keep_what_they_were_told():
    state = read(
        """
v = GetActiveViewOrCreate('RenderView')
SaveScreenshot('/a/b.png', v, ImageResolution=[800, 600], TransparentBackground=1)
SaveAnimation('film.avi', v, FrameRate=25, FrameWindow=[0, 99])
WriteImage('c.png')
WriteAnimation('d.avi', Magnification=2, FrameRate=15.0)
"""
    )
    assert [each.type for each in state.of("misc")] == [
        "SaveScreenshot",
        "SaveAnimation",
        "WriteImage",
        "WriteAnimation",
    ]
    picture, film, _, old = state.of("misc")
    assert (picture.get("FileName"), picture.numbers("ImageResolution")) == ("/a/b.png", (800.0, 600.0))
    assert picture.get("View") == Ref("v")
    assert (film.get("FrameRate"), film.numbers("FrameWindow"), old.get("Magnification")) == (25.0, (0.0, 99.0), 2.0)


def test_a_camera_that_is_drawn_and_set_again_gives_a_series():
    state = read(
        """
view = GetActiveViewOrCreate('RenderView')
view.CameraPosition = [1, 0, 0]
view.CameraViewUp = [0, 0, 1]
SaveScreenshot('a.png', view)
SaveScreenshot('again.png', view)
view.CameraPosition = [2, 0, 0]
Render()
view.CameraPosition = [2, 0, 0]
Render()
view.CameraPosition = [3, 0, 0]
"""
    )
    poses = state.of("views", "CameraPose")
    assert [each.key for each in poses] == ["view#1", "view#2", "view#3"]
    assert [(each.numbers("CameraPosition") or (0,))[0] for each in poses] == [1.0, 2.0, 3.0]
    assert [each.numbers("CameraViewUp") for each in poses] == [(0.0, 0.0, 1.0)] * 3
    assert [each.line for each in poses] == [3, 7, 11]
    assert (poses[0].get("FileName"), poses[0].get("View")) == ("a.png", Ref("view"))
    assert of(state, "view").numbers("CameraPosition") == (3.0, 0.0, 0.0)


def test_a_camera_that_is_set_once_gives_no_series():
    said = "v = GetRenderView()\nv.CameraPosition = [1, 2, 3]\nRender()\nSaveScreenshot('a.png')\n"
    assert not read(said).of("views", "CameraPose")


def test_a_later_value_takes_the_place_of_an_earlier_one():
    view = of(read("v = GetRenderView()\nv.Background = [0, 0, 0]\nv.Background = [1, 1, 1]\n"), "v")
    assert (view.numbers("Background"), view.line_of("Background")) == ((1.0, 1.0, 1.0), 3)


def test_what_was_deleted_is_not_there():
    assert [each.key for each in read("a = Sphere()\nb = Cone()\nDelete(a)\ndel a\n").proxies] == ["b"]


def test_the_size_of_the_only_views_tab_is_the_pictures():
    """Traces of ParaView 5.9 and later say it of the layout."""
    text = "v = GetActiveViewOrCreate('RenderView')\nlayout1 = GetLayout()\nlayout1.SetSize(1588, 1078)\n"
    assert read_trace(text, "t").of("views")[0].numbers("ViewSize") == (1588.0, 1078.0)
    state = read_trace(text + "v.ViewSize = [640, 480]\n", "t")
    assert state.of("views")[0].numbers("ViewSize") == (640.0, 480.0)
    two = read_trace(text + "w = CreateView('RenderView')\n", "t")
    assert [view.get("ViewSize") for view in two.of("views")] == [None, None]
    assert read_trace(text.replace("1588", "width"), "t").of("views")[0].get("ViewSize") is None
