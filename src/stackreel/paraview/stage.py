"""A movie's frames, drawn by ParaView: this file runs inside of pvpython or pvbatch, and needs nothing but them.

    stage = Stage((1280, 720))
    stage.show(state)                # everything of one frame; cheap where only the camera has changed
    stage.save("frame.png")

`state` is plain JSON, and says all of one frame; nothing of earlier frames remains. Points, directions and lengths are
those of the world that the files for ParaView have, as (x, y, z); colours are display colours, 0..1:

    {
      "data": {
        "file":   "/data/brain.L1of3.hdf",      what to open
        "kind":   "vtkhdf",                     or "xdmf"
        "array":  "brain",                      the point array in it
        "extent": [x0, x1, y0, y1, z0, z1]      samples to take, both ends counted, from 0; null takes all
      },
      "camera": {"position": [x, y, z], "focal_point": [x, y, z], "view_up": [x, y, z], "view_angle": degrees},
      "color":   [[value, r, g, b], ...],       piecewise linear, constant beyond its ends
      "opacity": [[value, opacity], ...],
      "opacity_unit": length,                   over which these opacities hold
      "blend": "composite",                     or "maximum", "minimum", "average"
      "interpolation": "linear",                or "nearest", for labels; left out: linear
      "crop": [[x0, x1], [y0, y1], [z0, z1]],   only this box is shown; null shows all
      "clip": [{"origin": [x, y, z], "normal": [x, y, z]}, ...],     the side that the normal points to is kept
      "slices": [{
        "origin": [x, y, z], "normal": [x, y, z],
        "opacity": 0..1,
        "color": [[value, r, g, b], ...],       null: the volume's
        "masked": false,                        true: nothing where the volume's opacity is 0
        "cropped": true,                        false: the slice spans the whole volume
        "cut": false,                           true: of the volume, nothing is shown where the normal points to
        "outline": [r, g, b],                   null: none
        "line": fraction of the picture's height
      }, ...],
      "light": null,                            unlit; or weights of a light at the camera:
               {"ambient": a, "diffuse": d, "specular": s, "specular_power": Blinn's}
      "background": {"top": [r, g, b], "bottom": [r, g, b]},
      "lamps": [{"direction": [right, up, backward], "weight": w}, ...],   of the light, seen from the camera; left out:
                                              one at the camera, whose weight is "diffuse"
      "titles": [{"text": ..., "place": "lower left", "size": of a line, as a fraction of the picture's height,
                  "color": [r, g, b], "opacity": 0..1}, ...]
    }

"opacity" and "color" hold one point or more, by rising value. What is from "crop" on may be left out, but for the
background. Works with ParaView 5.11 and later.
"""

# mypy: ignore-errors
# ruff: noqa: B905, RUF005, RUF007, UP031 - ParaView 5.11 has a Python of its own, 3.8 or later

import math

import vtk

from paraview import simple

LEFT_OUT = {
    "crop": None,
    "clip": [],
    "slices": [],
    "light": None,
    "lamps": [],
    "blend": "composite",
    "titles": [],
    "interpolation": "linear",
}
"""What a state may leave out, and what that means."""

BLENDS = {"composite": 0, "maximum": 1, "minimum": 2, "average": 3}
"""VTK's numbers of these; ParaView 5.11 has no names for the last three, but draws them."""

SAMPLES_PER_VOXEL = 2.0
"""Samples that a ray takes in every voxel."""

COLORS_IN_A_TABLE = 4096
"""Colours that a slice's table holds; VTK sees to the volume's, which has as many as it needs."""

MARGIN = 0.05  # around titles, as a share of the picture's height
LEADING = 1.2  # height of a line over the size of its letters
DESCENT = 0.21  # what letters such as g reach below their line, as a share of their size


class Stage:
    """A render view of ParaView with a volume in it, and what belongs to that.

    size    : (width, height) of the picture in pixels
    samples : of ParaView's reader: (lowest, highest) value of what `show` opened last
    """

    def __init__(self, size):
        self.size = (int(size[0]), int(size[1]))
        self.samples = None
        self._shown = {}  # the parts of the state that the view shows
        self._reader = self._source = self._volume = None
        self._box = None  # world box of the samples: [[x0, x1], [y0, y1], [z0, z1]]
        self._sheets = []  # what slices consist of: filters, last one first
        self._lamps, self._strengths = [], []
        self._texts = []
        self._step = None  # world length between two samples of a ray
        self._double, self._hidden, self._trouble = _double(), [], None
        self._smart = False  # whether VTK chose another caster for the double
        simple._DisableFirstRenderCameraReset()
        self.view = simple.CreateView("RenderView")
        self.view.ViewSize = list(self.size)
        _set(
            self.view,
            OrientationAxesVisibility=0,
            CenterAxesVisibility=0,
            UseColorPaletteForBackground=0,
            UseLight=0,  # the light kit; lamps are ours
            UseFXAA=0,
            MultiSamples=0,
        )
        # At the beginning of every drawing, ParaView has set everything up and nothing is drawn yet.
        renderer = self._renderer()
        if renderer is not None:
            renderer.AddVolume(self._double)
            renderer.AddObserver("StartEvent", self._refine)
            renderer.AddObserver("EndEvent", self._give_back)

    def show(self, state):
        """Make the view show what the state says; what is as it was is left alone."""
        state = dict(LEFT_OUT, **state)
        try:
            self._update(state)
        except Exception:
            self._shown = {}  # nobody knows how much of it was set
            raise
        self._shown = state

    def _update(self, state):
        if self._changed(state, "data"):
            self._open(state["data"])
        if self._changed(state, "data", "color", "opacity", "opacity_unit", "interpolation"):
            self._look(state)
        if self._changed(state, "data", "light", "lamps"):
            self._light(state["light"], state["lamps"])
        if self._changed(state, "data", "crop", "blend"):
            self._cut_out(state)
        if self._changed(state, "data", "slices", "crop", "clip", "color", "opacity"):
            self._slice(state)
        if self._changed(state, "background"):
            self._ground(state["background"])
        if self._changed(state, "titles"):
            self._write(state["titles"])
        self._look_from(state["camera"])

    def save(self, path, transparent=False):
        """Write the picture as PNG; transparent: with an alpha channel, and without the background."""
        options = {"ImageResolution": list(self.size), "TransparentBackground": int(transparent)}
        simple.SaveScreenshot(path, self.view, **options)

    def pixels(self, transparent=False):
        """The picture as bytes, four a pixel, from the lowest row up: red, green, blue and alpha.

        transparent : without the background, and colours already multiplied by alpha
        """
        if transparent:
            self._ground({"top": [0.0, 0.0, 0.0], "bottom": [0.0, 0.0, 0.0]})
            self._shown.pop("background", None)
        _set(self.view, AlphaBitPlanes=int(transparent))
        simple.Render(self.view)
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.view.GetRenderWindow())
        grab.SetInputBufferTypeToRGBA()
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        return bytes(memoryview(grab.GetOutput().GetPointData().GetScalars()))

    def _changed(self, state, *names):
        return any(name not in self._shown or state[name] != self._shown[name] for name in names)

    # --- what there is ---

    def _open(self, data):
        """Open the file, and put its samples into the view; what was there before is let go of first."""
        self._remove_slices()
        for proxy in (self._source, self._reader):
            if proxy is not None and (proxy is self._reader or self._source is not self._reader):
                simple.Delete(proxy)
        self._shown = {key: value for key, value in self._shown.items() if key in ("background", "titles")}
        self._reader = self._source = self._volume = None
        self._reader = reader = simple.OpenDataFile(data["file"])
        if reader is None:
            raise RuntimeError("ParaView has no reader for %s" % data["file"])
        self._source = source = reader
        if data.get("extent"):
            self._source = source = simple.ExtractSubset(Input=reader, VOI=[int(n) for n in data["extent"]])
        source.UpdatePipeline()
        array = source.PointData.GetArray(data["array"])
        if array is None:
            raise RuntimeError('ParaView reads no "%s" from %s' % (data["array"], data["file"]))
        self.samples = tuple(array.GetRange(0))
        self._box, self._spacing = _grid(source)
        self._array = data["array"]
        self._volume = simple.Show(source, self.view)
        self._volume.SetRepresentationType("Volume")
        _set(self._volume, ColorArrayName=["POINTS", self._array])
        self._volume.SetScalarBarVisibility(self.view, False)

    def _look(self, state):
        """Colours and opacities of the volume."""
        colors = simple.GetColorTransferFunction(self._array)
        _color(colors, state["color"])
        opacities = simple.GetOpacityTransferFunction(self._array)
        _opacity(opacities, state["opacity"])
        _set(
            self._volume,
            LookupTable=colors,
            ScalarOpacityFunction=opacities,
            ScalarOpacityUnitDistance=state["opacity_unit"],
            InterpolationType=state["interpolation"].capitalize(),
        )

    def _light(self, light, lamps):
        """The weights of the light, and its lamps: the first one makes highlights."""
        for lamp in self._lamps:
            simple.RemoveLight(lamp)
        self._lamps = []
        lit = light is not None and bool(lamps or max(light["diffuse"], light["specular"]) > 0.0)
        _set(self._volume, Shade=int(lit))
        if not lit:
            return
        lamps = lamps or [{"direction": [0.0, 0.0, 1.0], "weight": light["diffuse"]}]
        self._strengths = [one["weight"] for one in lamps]
        for one in lamps:
            lamp = simple.AddLight(view=self.view)
            self._lamps.append(lamp)
            if len(lamps) == 1 and _unit(one["direction"])[2] > 0.9999:
                _set(lamp, Coords="Headlight")
            else:
                _set(lamp, Coords="Camera", Type="Directional", Position=one["direction"], FocalPoint=[0.0, 0.0, 0.0])
            _set(lamp, Intensity=one["weight"])
        _set(
            self._volume,
            Ambient=light["ambient"],
            Diffuse=1.0,  # the lamps have their own strengths
            Specular=light["specular"] / max(lamps[0]["weight"], 1e-6),
            SpecularPower=light["specular_power"] / 4.0,  # VTK's is Phong's: highlights as large take a quarter
        )

    def _cut_out(self, state):
        """The crop, as the box that ParaView scales and moves, and the way in which rays gather values."""
        crop = state["crop"]
        shares, origins = [1.0] * 3, [0.0] * 3
        for k, (low, high) in enumerate(crop or []):
            first, last = self._box[k]
            shares[k] = (high - low) / (last - first)
            origins[k] = low - shares[k] * first
        _set(self._volume, UseCropping=int(crop is not None), CroppingScale=shares, CroppingOrigin=origins)
        _number(self._volume, "BlendMode", BLENDS[state["blend"]])

    # --- slices ---

    def _slice(self, state):
        """Every slice: the plane's cut through the samples, cut by crop and clip planes, and its outline."""
        self._remove_slices()
        shown = [one for one in state["slices"] if one["opacity"] > 0.0]
        for one in shown:
            self._add_slice(one, state)
        # what lets light through is to be sorted in among the volume's own samples, which takes longer
        glass = any(one["opacity"] < 1.0 or one["masked"] for one in shown)
        _set(self.view, DepthPeelingForVolumes=int(glass))

    def _add_slice(self, one, state):
        """A slice: the plane through the samples, the parts of it that are hidden taken away, and its outline."""
        corners = _border(_within(one["origin"], one["normal"], self._box), one["normal"], self._box)
        part = simple.Slice(Input=self._source)
        self._sheets.insert(0, part)
        part.SliceType.Origin = _within(one["origin"], one["normal"], self._box)
        part.SliceType.Normal = list(one["normal"])
        for origin, normal in self._sides(one, state):
            left = _kept(corners, origin, normal)
            if left != corners:
                corners = left
                part = simple.Clip(Input=part, ClipType="Plane", Invert=0)
                self._sheets.insert(0, part)
                part.ClipType.Origin, part.ClipType.Normal = list(origin), list(normal)
        if len(corners) < 3:
            return
        sheet = simple.Show(part, self.view)
        sheet.SetRepresentationType("Surface")
        own = bool(one["color"] or one["masked"])
        colors = simple.GetColorTransferFunction(self._array)
        if own:
            _set(sheet, UseSeparateColorMap=1)
            colors = simple.GetColorTransferFunction(self._array, sheet, separate=True)
            _color(colors, one["color"] or state["color"])
            if one["masked"]:
                shown = simple.GetOpacityTransferFunction(self._array, sheet, separate=True)
                _opacity(shown, _visible(state["opacity"]))
                _set(colors, EnableOpacityMapping=1, ScalarOpacityFunction=shown)
        # not by ColorBy, which would stretch the volume's colours and opacities to the values of the slice
        _set(sheet, ColorArrayName=["POINTS", self._array], LookupTable=colors)
        sheet.SetScalarBarVisibility(self.view, False)
        _set(sheet, Opacity=one["opacity"], InterpolateScalarsBeforeMapping=1)
        _set(sheet, Ambient=1.0, Diffuse=0.0, Specular=0.0)
        if one["outline"] is not None:
            line = simple.PolyLineSource(Points=[x for corner in corners for x in corner], Closed=1)
            self._sheets.insert(0, line)
            border = simple.Show(line, self.view)
            border.ColorArrayName = [None, ""]
            _set(border, AmbientColor=one["outline"], DiffuseColor=one["outline"], Opacity=one["opacity"])
            _set(border, Ambient=1.0, Diffuse=0.0, Specular=0.0)
            _set(border, LineWidth=max(1.0, one["line"] * self.size[1]))

    def _sides(self, one, state):
        """The planes (origin, normal) that cut a slice; what they point to is kept."""
        if not one["cropped"]:
            return []
        sides = [(plane["origin"], plane["normal"]) for plane in state["clip"]]
        for other in state["slices"]:
            if other["cut"] and other is not one:
                sides.append((other["origin"], [-n for n in other["normal"]]))
        sides += _walls(state["crop"] or [])
        return sides

    def _remove_slices(self):
        for proxy in self._sheets:
            simple.Delete(proxy)
        self._sheets = []

    # --- around it ---

    def _ground(self, background):
        top, bottom = list(background["top"]), list(background["bottom"])
        mode = "Single Color" if top == bottom else "Gradient"
        _set(self.view, BackgroundColorMode=mode, Background=bottom, Background2=top)

    def _write(self, titles):
        """Titles, within margins of a twentieth of the picture's height; every line is a text of its own."""
        for text in self._texts:
            simple.Delete(text)
        self._texts = []
        width, height = self.size
        for one in titles:
            down, _, across = one["place"].partition(" ")
            across = {"left": 0.0, "": 0.5, "right": 1.0}[across]
            down = {"upper": 0.0, "center": 0.5, "lower": 1.0}[down]
            lines, line = one["text"].strip("\n").split("\n"), one["size"] * height
            size = max(1, round(line / LEADING))
            top = MARGIN * height + down * (height - 2.0 * MARGIN * height - len(lines) * line)
            for k, words in enumerate(lines):
                if not words.strip():
                    continue
                left = MARGIN * height + across * (width - 2.0 * MARGIN * height - _width(words, size))
                bottom = top + (k + 0.5) * line + (0.33 + DESCENT) * size  # capitals stand centred in their line
                text = simple.Text(Text=words)
                self._texts.append(text)
                letters = simple.Show(text, self.view)
                _set(letters, WindowLocation="Any Location", Position=[left / width, 1.0 - bottom / height])
                _set(letters, FontFamily="Arial", FontSize=size, Bold=1, Shadow=1, Justification="Left")
                _set(letters, Color=one["color"], Opacity=one["opacity"])

    def _look_from(self, camera):
        _set(
            self.view,
            CameraParallelProjection=0,
            CameraPosition=camera["position"],
            CameraFocalPoint=camera["focal_point"],
            CameraViewUp=camera["view_up"],
            CameraViewAngle=camera["view_angle"],
            CenterOfRotation=camera["focal_point"],
        )
        self._step = _step(camera, self.size, self._spacing)

    # --- below ParaView: what its properties cannot say ---

    def _renderer(self):
        """VTK's renderer behind the view; None where it is in another process."""
        try:
            return self.view.GetRenderer()
        except AttributeError:
            return None

    def _refine(self, renderer, event):
        """Put a double in the place of ParaView's volume, for what ParaView's properties have no words for.

        ParaView's representation takes its step from the mean of the spacings, which is coarse where sections are
        thick, and knows no clip planes; ambient light of its lamps has no colour, and both sides of a surface are lit
        at once. The double has the same samples and the same look, and none of this. Where ParaView draws in another
        process than this one, there is none.
        """
        try:
            self._replace(renderer)
        except Exception as error:  # VTK would print it and go on
            self._trouble = error

    def _replace(self, renderer):
        for k in range(renderer.GetVolumes().GetNumberOfItems()):
            theirs = renderer.GetVolumes().GetItemAsObject(k)
            if theirs is self._double:
                continue
            samples = theirs.GetMapper().GetDataObjectInput()
            if samples is not None and samples.IsA("vtkImageData") and theirs.GetVisibility():
                self._double.SetProperty(theirs.GetProperty())
                self._cast(samples, renderer.GetRenderWindow())
                self._double.VisibilityOn()
                theirs.VisibilityOff()
                self._hidden.append(theirs)
                if self._lamps:
                    self._lamp_by_lamp(renderer, theirs.GetProperty())

    def _give_back(self, renderer, event):
        """The end of a drawing: ParaView's volume is seen again, its double is not."""
        for volume in self._hidden:
            volume.VisibilityOn()
        self._hidden = []
        self._double.VisibilityOff()

    def _cast(self, samples, window):
        """Have VTK's ray caster draw these samples as the state wants them."""
        caster, state = self._double.GetMapper(), self._shown
        if not self._smart and not caster.IsRenderSupported(window, self._double.GetProperty()):
            caster, self._smart = vtk.vtkSmartVolumeMapper(), True  # takes the processor, and steps of its own
            self._double.SetMapper(caster)
        caster.SetAutoAdjustSampleDistances(0)
        caster.SetScalarModeToUsePointFieldData()
        caster.SetInputDataObject(samples)
        caster.SelectScalarArray(self._array)
        caster.SetSampleDistance(self._step)
        caster.SetBlendMode(BLENDS[state["blend"]])
        planes, crop = _planes(state, self._step), state["crop"]
        if state["blend"] == "minimum" and crop is not None:
            # rays that pass by the cropped part would show the highest value
            planes, crop = planes + _walls(crop), None
        caster.SetCropping(int(crop is not None))
        if crop is not None:
            caster.SetCroppingRegionPlanes([x for pair in crop for x in pair])
            caster.SetCroppingRegionFlagsToSubVolume()
        collection = vtk.vtkPlaneCollection()
        for origin, normal in planes:
            plane = vtk.vtkPlane()
            plane.SetOrigin(*origin)
            plane.SetNormal(*normal)
            collection.AddItem(plane)
        caster.SetClippingPlanes(collection)

    def _lamp_by_lamp(self, renderer, material):
        """Lamps light what is turned to them on the side that is seen, and the first makes highlights."""
        light = self._shown["light"]
        # from the camera, both sides are the side that is seen; for other lamps, see _double
        renderer.SetTwoSidedLighting(int(self._lamps[0].Coords == "Headlight"))
        material.SetAmbient(light["ambient"])
        material.SetDiffuse(1.0)
        material.SetSpecular(1.0)
        for k, proxy in enumerate(self._lamps):
            lamp = proxy.SMProxy.GetClientSideObject()
            lamp.SetIntensity(1.0)
            lamp.SetDiffuseColor(*[self._strengths[k]] * 3)
            lamp.SetSpecularColor(*[light["specular"] if k == 0 else 0.0] * 3)


def _double():
    """A volume of VTK's that takes the steps that it is told to.

    Two lines of VTK's shader for several lamps are changed: ambient light has the volume's colour, and a surface is lit
    on the side that is seen, wherever its slope points. That slope is turned with the view, not stretched with the box
    of samples besides: else the light would depend on what is read, and on how processes share it. In a VTK whose
    shader has other words, nothing is changed.
    """
    volume = vtk.vtkVolume()
    volume.SetMapper(vtk.vtkGPUVolumeRayCastMapper())
    volume.VisibilityOff()
    shader = volume.GetShaderProperty()
    slope = "(%s * vec4(shading_gradient.xyz, 0.0)).xyz);"
    turned = slope % "in_modelViewMatrix" + " if (dot(normal, viewDirection) > 0.0) normal = -normal;"
    for words, others in (
        ("in_ambient[component] * ambient", "in_ambient[component] * color.rgb"),
        (slope % "in_textureToEye[0]", turned),
    ):
        shader.AddFragmentShaderReplacement(words, False, others, True)
    return volume


def _width(words, size):
    """Pixels that a line of a title takes."""
    letters = vtk.vtkTextProperty()
    letters.SetFontFamilyToArial()
    letters.SetFontSize(size)
    letters.SetBold(1)
    found = [0, 0, 0, 0]
    vtk.vtkTextRenderer.GetInstance().GetBoundingBox(letters, words, found, 72)
    return found[1] - found[0]


def _set(proxy, **values):
    """Set properties of a proxy, those that this ParaView has."""
    for name, value in values.items():
        if proxy.GetProperty(name) is not None:
            setattr(proxy, name, value)


def _number(proxy, name, value):
    """Set a property by the number that is behind its names."""
    setting = proxy.SMProxy.GetProperty(name)
    if setting is not None:
        setting.SetElement(0, value)
        proxy.SMProxy.UpdateVTKObjects()


def _color(table, points):
    """Colour points into ParaView's table; a single one is a constant."""
    points = [list(p) for p in points]
    if len(points) == 1:
        points.append([points[0][0] + 1.0] + points[0][1:])
    _set(
        table,
        ColorSpace="RGB",
        Discretize=0,
        NumberOfTableValues=COLORS_IN_A_TABLE,
        AllowDuplicateScalars=1,
        AutomaticRescaleRangeMode="Never",
        UseLogScale=0,
        EnableOpacityMapping=0,
        RGBPoints=[float(x) for p in points for x in p],
        ScalarRangeInitialized=1,
    )


def _opacity(table, points):
    """Opacity points into ParaView's table, straight lines between them."""
    points = [list(p) for p in points]
    if len(points) == 1:
        points.append([points[0][0] + 1.0, points[0][1]])
    _set(table, AllowDuplicateScalars=1, UseLogScale=0, ScalarRangeInitialized=1)
    _set(table, Points=[float(x) for value, alpha in points for x in (value, alpha, 0.5, 0.0)])


def _visible(opacity):
    """Points (value, 1 or 0): whether a value is opaque at all."""
    found = []
    for (v, a), (w, b) in zip(opacity, opacity[1:]):
        seen = 1.0 if a > 0.0 or b > 0.0 else 0.0
        found += [[v, seen], [w, seen]]
    first, last = opacity[0], opacity[-1]
    found = [[first[0], float(first[1] > 0.0)]] + found + [[last[0], float(last[1] > 0.0)]]
    return found


def _planes(state, gap):
    """The planes (origin, normal) that cut the volume: clip planes, and slices that open it.

    gap : room behind such a slice; VTK takes a sample even where a ray has nothing to go, and would paint the slice
    """
    planes = [(one["origin"], one["normal"]) for one in state["clip"]]
    for one in state["slices"]:
        if one["cut"]:
            inwards = [-x for x in _unit(one["normal"])]
            planes.append(([o + gap * x for o, x in zip(one["origin"], inwards)], inwards))
    return planes


def _walls(box):
    """The six planes (origin, normal) of a box, which point inwards."""
    walls = []
    for k, ends in enumerate(box):
        for at, way in zip(ends, (1.0, -1.0)):
            point, normal = [0.0] * 3, [0.0] * 3
            point[k], normal[k] = at, way
            walls.append((point, normal))
    return walls


def _step(camera, size, spacing):
    """World length of a step that takes no ray of the picture through more than a share of a voxel."""
    ahead = _unit([b - a for a, b in zip(camera["position"], camera["focal_point"])])
    up = math.tan(math.radians(0.5 * camera["view_angle"]))
    widest = math.atan(math.hypot(up, up * size[0] / size[1]))  # of a ray, from the view direction
    voxels = 0.0  # that a ray passes on a world length of 1, at the most
    for along, step in zip(ahead, spacing):
        from_axis = math.acos(min(1.0, abs(along)))
        voxels = max(voxels, math.cos(max(0.0, from_axis - widest)) / step)
    return 1.0 / (SAMPLES_PER_VOXEL * voxels)


def _unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def _grid(source):
    """The world box [[x0, x1], …] of a source's samples, and the distances between them, along x, y, z.

    Of the whole of it, where several processes hold a part each.
    """
    try:
        steps = vtk.vtkStreamingDemandDrivenPipeline
        told = source.SMProxy.GetClientSideObject().GetOutputInformation(0)
        extent = told.Get(steps.WHOLE_EXTENT())
        origin, spacing = told.Get(vtk.vtkDataObject.ORIGIN()), told.Get(vtk.vtkDataObject.SPACING())
        box = [[origin[k] + spacing[k] * extent[2 * k + end] for end in (0, 1)] for k in range(3)]
        return box, list(spacing)
    except (AttributeError, TypeError):  # it is in another process
        told = source.GetDataInformation()
        bounds, extent = told.GetBounds(), told.GetExtent()
        box = [list(bounds[2 * k : 2 * k + 2]) for k in range(3)]
        counts = [extent[2 * k + 1] - extent[2 * k] for k in range(3)]
        return box, [(b - a) / max(n, 1) for (a, b), n in zip(box, counts)]


def _within(origin, normal, box):
    """A plane's origin, moved inwards by a hair where the plane lies on a box's face, which VTK may leave out."""
    n = _unit(normal)
    corners = [[x, y, z] for x in box[0] for y in box[1] for z in box[2]]
    heights = [_dot([c - o for c, o in zip(corner, origin)], n) for corner in corners]
    hair = 3e-6
    if -hair < min(heights) < hair:
        return [o + (hair + min(heights)) * x for o, x in zip(origin, n)]
    if -hair < max(heights) < hair:
        return [o - (hair - max(heights)) * x for o, x in zip(origin, n)]
    return list(origin)


def _border(origin, normal, box):
    """The corners of a plane's polygon inside of a box, in order; fewer than three where it passes by."""
    n = _unit(normal)
    across = _unit(_cross(n, min(([1, 0, 0], [0, 1, 0], [0, 0, 1]), key=lambda a: abs(_dot(a, n)))))
    along = _cross(n, across)
    center = [0.5 * (a + b) for a, b in box]
    far = 2.0 * sum(b - a for a, b in box)
    off = _dot([o - c for o, c in zip(origin, center)], n)
    middle = [c + off * x for c, x in zip(center, n)]
    corners = [
        [m + far * (s * a + t * b) for m, a, b in zip(middle, across, along)]
        for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    for point, inwards in _walls(box):
        corners = _kept(corners, point, inwards)
    return corners


def _kept(corners, origin, normal):
    """What of a polygon lies on the side of a plane that its normal points to."""
    n = _unit(normal)
    heights = [_dot([x - o for x, o in zip(corner, origin)], n) for corner in corners]
    if min(heights, default=0.0) >= -1e-6:
        return corners
    found = []
    for k, corner in enumerate(corners):
        before, height, previous = corners[k - 1], heights[k], heights[k - 1]
        if (height >= 0.0) != (previous >= 0.0):
            share = previous / (previous - height)
            found.append([a + share * (b - a) for a, b in zip(before, corner)])
        if height >= 0.0:
            found.append(corner)
    return found


def _dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def _cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
