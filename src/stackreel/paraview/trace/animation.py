"""ParaView's functions about time: the animation's scene, and the tracks along which a camera or a property changes."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.arguments import Arguments
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import PropertyOf, Thing, Unknown, number, settled


def scene(made: Made, name: str, given: Arguments) -> Any:
    """The one scene, with its times and number of frames."""
    return Thing(made.same(("scene",), given.key, "animation", "AnimationScene", given.line))


def time_track(made: Made, name: str, given: Arguments) -> Any:
    """The track of time itself."""
    return Thing(made.same(("time",), given.key, "animation", "TimeAnimationCue", given.line))


def camera_track(made: Made, name: str, given: Arguments) -> Any:
    """The track of a view's camera."""
    view = given.draft(0, "view") or made.view or made.the_view("", given.line)
    draft = made.same(("camera track", view.key), given.key, "animation", "CameraAnimationCue", given.line)
    draft.put("AnimatedProxy", Ref(view.key), given.line)
    return Thing(draft)


def track(made: Made, name: str, given: Arguments) -> Any:
    """The track of a property, or of one of its elements."""
    what, index, target = given.take(0, "propertyname_or_property"), given.take(1, "index"), given.take(2, "proxy")
    if isinstance(what, PropertyOf):
        before, _, what = what.thing.path.rpartition(".")
        target = Thing(
            given.values[0].thing.draft if given.values else given.named["propertyname_or_property"].thing.draft, before
        )
    elif target is None and made.source:
        target = Thing(made.source)
    what, at = settled(what), number(index)
    if not isinstance(target, Thing) or not isinstance(what, str):
        made.tell(given.line, "what is animated is not known here")
        return Unknown("what is animated is not known here")
    path = target.inside(what)
    identity = ("track", target.draft.key, path, "" if at is None else str(at))
    draft = made.same(identity, given.key, "animation", "KeyFrameAnimationCue", given.line)
    draft.put("AnimatedProxy", Ref(target.draft.key), given.line)
    draft.put("AnimatedPropertyName", path, given.line)
    if at is not None:
        draft.put("AnimatedElement", at, given.line)
    return Thing(draft)
