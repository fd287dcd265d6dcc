"""Looks of a movie file, laid over a volume: which channel says how opaque, which says which colour, and the light.

A volume alone is its own only channel. Where a movie names several, every word of a look may say of which it speaks;
what it does not say stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from stackreel.geometry import Vec3
from stackreel.scene import channels, iso
from stackreel.scene.colormaps import color_points, map_points, parse_color
from stackreel.scene.document.measure import Measure, said
from stackreel.scene.document.picture import (
    ChannelSpec,
    ColorMap,
    GradientSpec,
    IsoSpec,
    LabelsSpec,
    LightSpec,
    LookSpec,
    OpacityOf,
)
from stackreel.scene.document.problems import Path, did_you_mean
from stackreel.scene.light import PRESETS, Light
from stackreel.scene.moves import LookGlide
from stackreel.scene.scene import Background, Gradient, Scene
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import suggest
from stackreel.scene.transfer import ColorPoint, OpacityPoint, TransferFunction

Layers = tuple[TransferFunction, ...]


class Looks(Measure):
    """What the words of a look stand for."""

    # ------------------------------------------------------------ channels

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the movie's channels; none where the volume stands alone."""
        return () if isinstance(self.spec.volume, str) else tuple(self.spec.volume)

    def channel(self, name: str | None, otherwise: str, path: Path) -> str:
        """The channel of that name; `otherwise` where none is said, or after a problem."""
        if name is None or name in self.names:
            return otherwise if name is None else name
        if self.names:
            self.say(path, f'there is no channel "{name}"' + did_you_mean(name, self.names, listing="there are"))
        else:
            self.say(path, f'there is no channel "{name}"; name files as channels, as in volume: {{{name}: brain.h5}}')
        return otherwise

    def kind(self, name: str) -> str:
        """intensity, axial or label; "" while the volumes are not known."""
        return "" if self.early else self.subject.channel(name).kind

    def first_layers(self) -> Layers:
        """How the volumes are shown where nothing is said."""
        if self.names and not self.subject.channels:
            one = self.names[0]
            return (channels.own_look(one, self.subject, suggest(self.subject)),)
        return channels.first_layers(self.subject)

    # ------------------------------------------------------------ colours and opacities

    def layers(self, look: LookSpec, base: Layers, path: Path) -> Layers:
        """The transfer functions of a look that starts from others."""
        if look.channels is None:
            return self._one(look, base, path)
        for key in ("color", "opacity", "opacity_unit", "iso"):
            if getattr(look, key) is not None:
                self.say((*path, key), "does not go with channels; write it into each of them")
        found = [] if path == ("scene",) else [t for t in base if t.channel == t.color_channel or len(base) > 1]
        for name, spec in look.channels.items():
            here = (*path, "channels", name)
            if self.channel(name, "", here) != name:
                continue
            at = next((i for i, t in enumerate(found) if t.channel == name), None)
            start = channels.own_look(name, self.subject.channel(name), suggest(self.subject.channel(name)))
            one = self.transfer(spec, start if at is None else found[at], here)
            found[len(found) if at is None else at : len(found) if at is None else at + 1] = [one]
        if look.labels is not None:
            found = [self._masked(t, look.labels, (*path, "labels")) for t in found]
        return tuple(found) or base

    def _one(self, look: LookSpec, base: Layers, path: Path) -> Layers:
        spoken = [k for k in ("color", "opacity", "opacity_unit") if getattr(look, k) is not None]
        if look.iso is not None:
            for key in spoken:
                self.say((*path, key), "does not go with iso, which says colours and opacities itself")
            one = self._surfaces(look.iso, base[0], (*path, "iso"))
            return (one if look.labels is None else self._masked(one, look.labels, (*path, "labels")),)
        if len(base) > 1 and spoken:
            if path == ("scene",) or isinstance(look.opacity, OpacityOf):
                base = base[:1]
            else:
                self.say(
                    (*path, spoken[0]),
                    "several channels are shown; say whose, as in channels: {name: {color: …}}",
                    needs_volume=True,
                )
                return base
        found = tuple(self.transfer(look, t, path) for t in base) if spoken else base
        if look.labels is not None:
            found = tuple(self._masked(t, look.labels, (*path, "labels")) for t in found)
        return found

    def transfer(self, look: LookSpec | ChannelSpec, base: TransferFunction, path: Path) -> TransferFunction:
        """A transfer function that starts from another one; that one itself after a problem."""
        before = len(self.problems)
        made = base
        if look.opacity is not None:
            made = self._opacity(look.opacity, made, (*path, "opacity"))
        if look.color is not None:
            made = self._color(look.color, made, (*path, "color"))
        if look.opacity_unit is not None:
            unit = self.length(look.opacity_unit, (*path, "opacity_unit"))
            if unit < 1e-12:
                self.say((*path, "opacity_unit"), f"{said(look.opacity_unit)} must be a positive length")
            elif len(self.problems) == before:
                made = replace(made, opacity_unit=unit)
        return base if len(self.problems) > before else made

    def _opacity(self, spec: OpacityOf | list[OpacityPoint], base: TransferFunction, path: Path) -> TransferFunction:
        if isinstance(spec, OpacityOf):
            name = self.channel(spec.channel, base.channel, (*path, "channel"))
            if name != base.channel:
                first = suggest(self.subject.channel(name))
                other = channels.own_look(name, self.subject.channel(name), first)
                own = base.color_channel == base.channel
                base = (
                    other
                    if own
                    else replace(base, channel=name, opacity=other.opacity, opacity_unit=other.opacity_unit)
                )
            points, path = spec.points, (*path, "points")
        else:
            points = spec
        if points is None:
            return base
        self._values_rise([p[0] for p in points], path)
        return replace(base, opacity=tuple(points)) if _rises(points) else base

    def _color(self, spec: Any, base: TransferFunction, path: Path) -> TransferFunction:
        made = self._hues(spec, base, path)
        if isinstance(spec, ColorMap) and spec.brightness is not None:
            self._values_rise([p[0] for p in spec.brightness], (*path, "brightness"))
            return replace(made, brightness=tuple(spec.brightness)) if _rises(spec.brightness) else made
        name = made.color_channel
        return replace(made, brightness=channels.shading(made, name, self.subject.channel(name)))

    def _hues(self, spec: Any, base: TransferFunction, path: Path) -> TransferFunction:
        given = spec.channel if isinstance(spec, ColorMap) else None
        name = self.channel(given, base.channel, (*path, "channel"))
        seen = self.subject.channel(name)
        if isinstance(spec, ColorMap):
            ways = [k for k in ("map", "points", "labels") if getattr(spec, k) is not None]
            if len(ways) > 1:
                self.say((*path, ways[1]), f"does not go with {ways[0]}; write one of the two")
                return base
            if not ways:
                if given is None:
                    self.say(path, "says nothing; give a map, points or labels")
                    return base
                return channels.colored_by(base, name, seen)
            if spec.labels is not None:
                return self._labelled(spec, base, name, path)
            if spec.other is not None:
                self.say((*path, "other"), "goes with labels only; it is the colour of those not listed")
        axial = bool(name) and self.kind(name) == "axial"
        period = channels.period_of(seen) if axial else None
        points = self.colors(spec, path, seen, period, label=bool(name) and self.kind(name) == "label")
        if points is None:
            return base
        if points == ():
            color, period = channels.categories(str(spec.map if isinstance(spec, ColorMap) else spec))
            return replace(base, color=color, color_channel=name, color_period=period)
        return replace(base, color=points, color_channel=name, color_period=period)

    def _labelled(self, spec: ColorMap, base: TransferFunction, name: str, path: Path) -> TransferFunction:
        if self.kind(name) not in ("label", ""):
            self.say(
                (*path, "labels"),
                f"{_of(name)} holds no labels but values of kind {self.kind(name)}; convert it with --kind label, "
                "or give a map",
                needs_volume=True,
            )
            return base
        assert spec.labels is not None
        table = {int(label): parse_color(color) for label, color in spec.labels.items()}
        other = channels.GREY if spec.other is None else parse_color(spec.other)
        return replace(base, color=channels.label_colors(table, other), color_channel=name, color_period=None)

    def colors(
        self, spec: Any, path: Path, seen: Subject, period: float | None, *, label: bool = False
    ) -> tuple[ColorPoint, ...] | None:
        """Colours over values; () for a list of colours that labels take by number, None after a problem."""
        listed = spec.points if isinstance(spec, ColorMap) and spec.points is not None else spec
        if isinstance(listed, list):
            where = path if listed is spec else (*path, "points")
            before = len(self.problems)
            self._values_rise([p[0] for p in listed], where)
            return tuple((v, *parse_color(c)) for v, c in listed) if len(self.problems) == before else None
        (lo, hi), where = seen.color_range, path
        if period is not None:
            lo, hi = suggest(seen).range
        name = spec
        if isinstance(spec, ColorMap):
            assert spec.map is not None
            name, where = spec.map, (*path, "map")
            lo, hi = spec.range or (lo, hi)
            if lo == hi:
                self.say((*path, "range"), f"from {lo:g} to {hi:g} holds no values; write [smallest, largest]")
                return None
            if period is not None and abs(abs(hi - lo) - period) > 1e-6 * period:
                self.say(
                    (*path, "range"),
                    f"from {lo:g} to {hi:g} is not the whole circle; these directions repeat after {period:g}",
                )
                return None
        if (one := _single_color(name)) is not None:
            return ((lo, *one),)
        try:
            points = color_points(name, lo, hi)
        except ValueError as error:
            self.say(where, str(error))
            return None
        if period is not None and not channels.is_cyclic(name):
            self.say(
                where,
                f"{name} does not end where it begins; directions need a cyclic map, such as cmocean:phase, "
                "twilight, hsv or romaO",
            )
            return None
        return () if label and channels.is_categorical(name) else points

    def _masked(self, base: TransferFunction, spec: LabelsSpec, path: Path) -> TransferFunction:
        """The same with some regions dimmed or hidden."""
        known = [n for n in self.names if self.kind(n) == "label"]
        shown = base.color_channel if self.kind(base.color_channel) == "label" else None
        name = self.channel(spec.channel, shown or (known[0] if known else base.color_channel), (*path, "channel"))
        if self.kind(name) not in ("label", ""):
            self.say(path, f"{_of(name)} holds no labels; convert regions with --kind label", needs_volume=True)
            return base
        mask = channels.label_mask(spec.highlight or (), spec.hide or (), spec.dim)
        return replace(base, mask=() if mask == ((0.0, 1.0),) else mask, mask_channel=name)

    def _values_rise(self, values: list[float], path: Path) -> bool:
        sound = True
        for i, (a, b) in enumerate(pairwise(values), start=1):
            if b < a:
                self.say((*path, i), f"values must increase, but {b:g} follows {a:g}")
                sound = False
            elif b == a and i >= 2 and values[i - 2] == b:
                self.say(
                    (*path, i),
                    f"{b:g} stands here a third time; twice makes a step, and that is all a step needs",
                )
                sound = False
        return sound

    def _surfaces(self, spec: IsoSpec | list[IsoSpec], base: TransferFunction, path: Path) -> TransferFunction:
        specs = spec if isinstance(spec, list) else [spec]
        seen, before = self.subject.channel(base.channel), len(self.problems)
        if self.kind(base.channel) in ("axial", "label"):
            self.say(path, f"{_of(base.channel)} holds no intensities, and has no surfaces of equal value")
        for i, one in enumerate(specs):
            here = (*path, i) if isinstance(spec, list) else path
            low, high = seen.value_range
            if not low <= one.value <= high:
                self.say(
                    (*here, "value"), f"{one.value:g} lies beyond the values, {low:g} to {high:g}", needs_volume=True
                )
            if any(other.value == one.value for other in specs[:i]):
                self.say((*here, "value"), f"{one.value:g} stands here twice; a value has one surface")
            if one.inside is not None and one.inside != (specs[0].inside or one.inside):
                self.say((*here, "inside"), "differs from the first surface's; all of them need the same")
        if len(self.problems) > before:
            return base
        inside = next((s.inside for s in specs if s.inside is not None), None)
        below = iso.is_inside_below(seen) if inside is None else inside == "below"
        listed = [iso.Iso(s.value, parse_color(s.color), s.opacity, s.width) for s in specs]
        return iso.surfaces(listed, seen, base, below=below)

    # ------------------------------------------------------------ light

    def preset(self, name: str, path: Path) -> Light:
        if name not in PRESETS:
            self.say(path, f'there is no light "{name}"' + did_you_mean(name, PRESETS))
            return Light()
        return PRESETS[name]

    def light(self, spec: str | LightSpec, path: Path) -> Light:
        if isinstance(spec, str):
            return self.preset(spec, path)
        base = Light() if spec.preset is None else self.preset(spec.preset, (*path, "preset"))
        given = {k: v for k in spec.model_fields_set if k != "preset" and (v := getattr(spec, k)) is not None}
        for name in ("direction", "fill_direction", "rim_direction"):
            if name in given and not max(map(abs, given[name])) > 1e-9:
                self.say((*path, name), "is zero; it must point towards the light")
                del given[name]
        return replace(base, **given)

    def glide(self, look: LookSpec, opening: Scene, path: Path) -> LookGlide:
        """What a look changes, on top of the scene that it starts from."""
        words = ("color", "opacity", "opacity_unit", "channels", "labels", "iso")
        speaks = any(getattr(look, k) is not None for k in words)
        return LookGlide(
            self.layers(look, opening.layers, path) if speaks else None,
            self.light(look.light, (*path, "light")) if look.light is not None else None,
            self.background(look.background) if look.background is not None else None,
            look.blend,
        )

    def background(self, spec: Any) -> Background:
        if isinstance(spec, GradientSpec):
            return Gradient(parse_color(spec.top), parse_color(spec.bottom))
        return parse_color(spec)


def _single_color(name: str) -> Vec3 | None:
    """The colour with that name, where no map has it."""
    if not name.startswith("#"):
        try:
            map_points(name)
            return None
        except ValueError:
            pass
    try:
        return parse_color(name)
    except ValueError:
        return None


def _rises(points: list[OpacityPoint]) -> bool:
    return all(a[0] <= b[0] for a, b in pairwise(points))


def _of(name: str) -> str:
    return f"channel {name}" if name else "the volume"
