"""Everything that a trace has made so far, which view and source are at hand, and where the cameras have been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.proxies import Ref, Setting, State, Unread, Value
from stackreel.paraview.trace import camera
from stackreel.paraview.trace.known import ALWAYS_LISTS
from stackreel.paraview.trace.values import Draft, Generated, Thing, Unknown, number, settled, stored, weight

TABLES = ("lookup_tables", "piecewise_functions")
_POINTS = {"lookup_tables": "RGBPoints", "piecewise_functions": "Points"}
_STEP = {"lookup_tables": 4, "piecewise_functions": 4}
_BY_PRESET = ("ColorSpace", "NanColor", "HSVWrap", "IndexedColors", "Annotations", "InvertTransferFunction")
_RENAMED = {("Clip", "InsideOut"): "Invert"}  # until ParaView 5.4
_MOST = 20_000_000  # values moved in one trace, beyond which lists are no longer followed


@dataclass(slots=True)
class Made:
    """The things of one trace."""

    drafts: list[Draft] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    view: Draft | None = None
    source: Draft | None = None
    conditions: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    functions: int = 0
    text: str = ""
    spent: int = 0
    by_identity: dict[tuple[str, ...], Draft] = field(default_factory=dict)
    by_key: dict[str, Draft] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    told: set[tuple[int, str]] = field(default_factory=set)
    poses: dict[str, list[Draft]] = field(default_factory=dict)
    moved: dict[str, int] = field(
        default_factory=dict
    )  # view → the line where its camera was set since the last picture
    tab: Setting | None = None  # (width, height) in pixels
    colored: dict[str, str] = field(default_factory=dict)  # representation → the array that ColorBy named

    # ------------------------------------------------------------ things

    def spend(self, amount: int) -> bool:
        self.spent += amount
        return self.spent < _MOST

    def every(self) -> list[Draft]:
        """All things; none once a script has gone through them too often."""
        return self.drafts if self.spend(8 * len(self.drafts)) else []

    def tell(self, line: int, reason: str, text: str = "") -> None:
        if (line, reason) not in self.told:
            self.told.add((line, reason))
            self.unread.append(Unread(line, text or self.text, reason))

    def make(self, key: str, group: str, type_: str, line: int, name: str = "") -> Draft:
        """A new thing. key : the variable's name; "" for none"""
        key = key or f"{type_ or group}@{line}"
        count = self.counts[key] = self.counts.get(key, 0) + 1
        while count > 1 and f"{key}:{count}" in self.by_key:
            count = self.counts[key] = count + 1
        key = key if count == 1 and key not in self.by_key else f"{key}:{max(count, 2)}"
        draft = Draft(key, group, type_, name, line, {}, self.conditions, self.loops)
        self.drafts.append(draft)
        self.by_key[key] = draft
        return draft

    def same(self, identity: tuple[str, ...], key: str, group: str, type_: str, line: int, name: str = "") -> Draft:
        """The one thing of its identity, which ParaView makes where there is none yet."""
        found = self.by_identity.get(identity)
        if found is None:
            found = self.by_identity[identity] = self.make(key, group, type_, line, name)
        return found

    def delete(self, draft: Draft) -> None:
        if self.conditions or self.loops or not self.every():
            return
        self.drafts = [each for each in self.drafts if each is not draft]
        self.by_identity = {name: each for name, each in self.by_identity.items() if each is not draft}
        self.view = None if self.view is draft else self.view
        self.source = None if self.source is draft else self.source

    def make_view(self, type_: str, key: str, line: int, name: str = "") -> Draft:
        draft = self.make(key, "views", type_, line, name)
        self.view = draft
        return draft

    def the_view(self, key: str, line: int, type_: str = "RenderView") -> Draft:
        """The active view; a new one where there is none."""
        if self.view is None or self.view.type != type_:
            self.make_view(type_, key, line)
        assert self.view is not None
        return self.view

    def representation(self, source: Draft, view: Draft, type_: str, key: str, line: int) -> Draft:
        draft = self.same(("representation", source.key, view.key), key, "representations", type_, line)
        if "Input" not in draft.settings:
            draft.put("Input", Ref(source.key), line)
            draft.put("View", Ref(view.key), line)
        draft.type = type_ or draft.type
        return draft

    def table(self, group: str, array: str, line: int, key: str = "", owner: Draft | None = None) -> Draft:
        """The colours or opacities of an array; owner : the representation that has them for itself"""
        types = {"lookup_tables": "PVLookupTable", "piecewise_functions": "PiecewiseFunction"}
        type_ = types.get(group, "TransferFunction2D")
        draft = self.same((group, array, owner.key if owner else ""), key, group, type_, line, array)
        if owner and "Separate" not in draft.settings:
            draft.put("Separate", 1.0, line)
            draft.put("Representation", Ref(owner.key), line)
        return draft

    # ------------------------------------------------------------ properties

    def sure(self, draft: Draft) -> bool:
        """Whether what is said now of a thing holds wherever the thing exists."""
        return all(each in draft.conditions for each in self.conditions)

    def set(self, thing: Thing, name: str, value: Any, line: int) -> None:
        """thing.name = value"""
        draft, path = thing.draft, thing.inside(name)
        path = _RENAMED.get((draft.type, path), path)
        if not self.sure(draft):
            self.tell(line, f"it depends on {self.conditions[-1]}")
            return
        if isinstance(value, Generated):
            self.generate(draft, path, value, line)
            return
        if weight(value, 1_000_000) > 1_000_000 or not self.spend(weight(value, 1_000_000)):
            value = Unknown("the script holds more than is followed here")
        found = stored(value)
        if isinstance(found, Unknown):
            self.tell(line, found.reason)
            if not self.loops:
                draft.drop(path)
            return
        if path in ALWAYS_LISTS and not isinstance(found, tuple):
            found = (found,)
        self.put(draft, path, found, line)

    def put(self, draft: Draft, path: str, value: Value, line: int) -> None:
        """The same, with a value that is known; whatever it takes the place of goes."""
        if draft.group in TABLES and path == _POINTS[draft.group]:
            draft.drop("ApplyPreset", "RescaleTransferFunction", "InvertTransferFunction", "RescaleToData")
        if isinstance(value, str) and draft.get(path) not in (None, value):
            draft.drop(*(each for each in draft.settings if each.startswith(path + ".")))  # another proxy inside
        draft.put(path, value, line)
        if draft.group == "views" and path in camera.POSE:
            camera.was_set(draft, path)
            self.moved.setdefault(draft.key, line)

    def generate(self, draft: Draft, path: str, value: Generated, line: int) -> None:
        """RGBPoints = GenerateRGBPoints(…)"""
        if draft.group != "lookup_tables" or path != "RGBPoints":
            self.tell(line, "GenerateRGBPoints makes colours, and this is no colour map")
            return
        draft.drop("RGBPoints", "InvertTransferFunction", "RescaleTransferFunction", "RescaleToData")
        draft.put("ApplyPreset", (value.preset or "", 1.0), line)
        if value.low is not None and value.high is not None:
            draft.put("RescaleTransferFunction", (value.low, value.high), line)

    def preset(self, draft: Draft, name: str, rescale: bool, line: int) -> None:
        """ApplyPreset: new colours, over the range that the table had; without rescale, over the preset's own."""
        spanned = self.range_of(draft)
        draft.drop(_POINTS.get(draft.group, ""), *_BY_PRESET)
        if not rescale:
            draft.drop("RescaleTransferFunction", "RescaleToData")
        elif spanned and "RescaleTransferFunction" not in draft.settings:
            draft.put("RescaleTransferFunction", spanned, line)
        draft.put("ApplyPreset", (name, 1.0 if rescale else 0.0), line)

    def range_of(self, draft: Draft) -> tuple[float, float] | None:
        """What a table spans, where that is known."""
        spanned = draft.get("RescaleTransferFunction")
        if isinstance(spanned, tuple) and len(spanned) == 2:
            low, high = spanned
            return (low, high) if isinstance(low, float) and isinstance(high, float) else None
        points = draft.get(_POINTS.get(draft.group, ""))
        if isinstance(points, tuple) and len(points) >= 4:
            places = [each for each in points[::4] if isinstance(each, float)]
            return (min(places), max(places)) if places else None
        return None

    def color_by(self, draft: Draft, value: Value, line: int) -> None:
        """ColorBy: an array, whose colours and opacities come with it."""
        self.put(draft, "ColorArrayName", value, line)
        draft.drop("LookupTable", "ScalarOpacityFunction")
        array = value[1] if isinstance(value, tuple) and len(value) > 1 else ""
        self.colored[draft.key] = array if isinstance(array, str) else ""

    def tables_behind(self, draft: Draft, path: str, line: int) -> Draft | None:
        """The table that ColorBy gave to a representation."""
        array = self.colored.get(draft.key)
        groups = {"LookupTable": "lookup_tables", "ScalarOpacityFunction": "piecewise_functions"}
        if not array or path not in groups:
            return None
        owner = draft if draft.get("UseSeparateColorMap") else None
        found = self.table(groups[path], array, line, "", owner)
        draft.put(path, Ref(found.key), line)
        return found

    # ------------------------------------------------------------ cameras

    def camera_moved(self, view: Draft, line: int) -> None:
        self.moved.setdefault(view.key, line)

    def shot(self, view: Draft | None, line: int, file: str = "") -> None:
        """A picture is made: where the camera stands now is one of the places it goes to."""
        for each in [view] if view else [draft for draft in self.every() if draft.group == "views"]:
            since = self.moved.pop(each.key, None)
            if since is not None:
                self.pose(each, since, file)

    def pose(self, view: Draft, line: int, file: str = "") -> None:
        places = self.poses.setdefault(view.key, [])
        settings = {name: view.settings[name] for name in camera.POSE if name in view.settings}
        if places and _values(places[-1].settings) == _values(settings):
            return
        places.append(Draft(f"{view.key}#{len(places) + 1}", "views", "CameraPose", "", line, settings))
        places[-1].put("View", Ref(view.key), line)
        if file:
            places[-1].put("FileName", file, line)

    # ------------------------------------------------------------ the end

    def tab_size(self, size: Any, line: int) -> None:
        """How large the tab is in which views lie: since ParaView 5.9 traces say only that."""
        found = settled(size)
        numbers = [number(each) for each in found] if isinstance(found, list | tuple) else []
        sizes = tuple(each for each in numbers if each is not None and each >= 1.0)
        if len(sizes) == len(numbers) == 2:
            self.tab = Setting(sizes, line)

    def state(self, name: str, version: str) -> State:
        views = [each for each in self.drafts if each.group == "views"]
        if self.tab is not None and len(views) == 1 and "ViewSize" not in views[0].settings:
            views[0].settings["ViewSize"] = self.tab
        shown: dict[Value, list[Ref]] = {}
        for each in self.drafts:
            if "Input" in each.settings and "View" in each.settings:
                shown.setdefault(each.get("View"), []).append(Ref(each.key))
        for view in self.drafts:
            if view.group == "views" and Ref(view.key) in shown and "Representations" not in view.settings:
                view.put("Representations", tuple(shown[Ref(view.key)]), view.line)
            if view.key in self.poses and view.key in self.moved:
                self.pose(view, self.moved[view.key])
        for key, array in self.colored.items():
            draft = self.by_key[key]
            owner = draft.key if draft.get("UseSeparateColorMap") else ""
            for path, group in (("LookupTable", "lookup_tables"), ("ScalarOpacityFunction", "piecewise_functions")):
                found = self.by_identity.get((group, array, owner))
                if found and path not in draft.settings:
                    draft.put(path, Ref(found.key), draft.settings["ColorArrayName"].line)
        kept = {each.key for each in self.drafts}
        series = [each for key, places in self.poses.items() if len(places) > 1 and key in kept for each in places]
        self.unread.sort(key=lambda one: one.line)
        return State(name, tuple(each.proxy() for each in [*self.drafts, *series]), tuple(self.unread), version)


def _values(settings: Iterable[Any] | dict[str, Any]) -> dict[str, Value]:
    assert isinstance(settings, dict)
    return {name: settings[name].value for name in camera.POSE if name in settings}
