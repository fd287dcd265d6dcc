"""Titles on the picture.

Text is drawn after the volume, in the picture's own plane: white letters with a soft shadow, so that they read on
tissue as well as on a black ground, inside a margin that no projector cuts off. Everything is measured in fractions
of the picture's height, so a draft shows the same page as the final. The typeface is Source Sans Pro (SIL Open
Font Licence), which has the letters of Latin, Greek and Cyrillic writing and the signs of the field: µ, ×, °, ±.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import font_source_sans_pro
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from stackreel.scene import Title

STYLE = "source-sans-semibold-1"  # part of every titled frame's key; changes when letters look different

MARGIN = 0.05  # of the picture's height, on every side
LEADING = 1.2  # line height over letter size
SHADOW = 0.75  # how dark the shadow is under opaque letters
_FINE = 4  # letters are drawn so many times larger, then averaged: the same shapes at every size
_RULER = 256  # letter size in pixels at which lines are measured and broken

VERTICAL = {"lower": 1.0, "center": 0.5, "upper": 0.0}
HORIZONTAL = {"left": 0.0, "center": 0.5, "right": 1.0}
PLACES = tuple(VERTICAL) + tuple(f"{v} {h}" for v in ("lower", "upper") for h in ("left", "right"))


def draw_titles(rgb: npt.NDArray[np.uint8], titles: Iterable[Title]) -> npt.NDArray[np.uint8]:
    """The picture with its titles, uint8 (height, width, 3); the picture itself when there is nothing to draw.

    A picture with straight alpha, (height, width, 4), keeps it: titles are opaque on it.
    Lines wider than the picture are broken between words.
    """
    visible = [t for t in titles if t.opacity > 0.0 and t.text.strip()]
    if not visible:
        return rgb
    picture = rgb.astype(np.float32)
    if rgb.shape[2] == 4:
        picture[..., :3] *= picture[..., 3:] / 255.0
    for title in visible:
        _draw(picture, title)
    if rgb.shape[2] == 4:
        picture[..., :3] *= 255.0 / np.maximum(picture[..., 3:], 1e-6)
    finished: npt.NDArray[np.uint8] = np.clip(picture + 0.5, 0.0, 255.0).astype(np.uint8)
    return finished


def missing_characters(text: str) -> str:
    """The characters of text that the typeface cannot draw, each once; "" when all is well."""
    font = typeface(64.0)
    blank = _shape(font, "\uffff")
    return "".join(c for c in dict.fromkeys(text) if not c.isspace() and _shape(font, c) == blank)


def doubts(titles: Iterable[Title], size: tuple[int, int]) -> list[str]:
    """What a viewer would miss in these titles on a picture of (width, height), in sentences; none when all is well."""
    found = []
    for title in dict.fromkeys((t.text, t.size) for t in titles):
        text, line = title
        name = f'title "{text.splitlines()[0] if text else text}"'
        if lost := missing_characters(text):
            codes = ", ".join(f"{c} (U+{ord(c):04X})" for c in lost)
            found.append(f"{name}: the typeface has no {codes}; a box will stand in its place")
        lines = _lines(text, line, size[0] / size[1])
        if len(lines) * line > 1.0 - 2 * MARGIN or any(_width(t) * line / LEADING > size[0] / size[1] for t in lines):
            found.append(f"{name}: does not fit the picture; shorten it or make it smaller (size: {line / 2:.3g})")
    return found


def _draw(picture: npt.NDArray[np.float32], title: Title) -> None:
    """Blend one title into picture, in place."""
    height, width = picture.shape[:2]
    letter = title.size * height / LEADING
    mask = _mask(_lines(title.text, title.size, width / height), letter, _across(title.place))
    pad = round(letter)  # room for the shadow
    left, top = _corner(title.place, (mask.width, mask.height), (width, height))
    canvas = Image.new("L", (mask.width + 2 * pad, mask.height + 2 * pad))
    canvas.paste(mask, (pad, pad))
    soft = canvas.filter(ImageFilter.GaussianBlur(0.09 * letter))
    lift = max(1, round(0.03 * letter))

    y0, x0 = max(0, top - pad), max(0, left - pad)
    y1, x1 = min(height, top - pad + canvas.height), min(width, left - pad + canvas.width)
    if y1 <= y0 or x1 <= x0:
        return
    part = (slice(y0 - top + pad, y1 - top + pad), slice(x0 - left + pad, x1 - left + pad))
    letters = np.asarray(canvas, np.float32)[part][..., None] / 255.0
    shadow = np.roll(np.asarray(soft, np.float32), lift, axis=0)[part][..., None] / 255.0
    channels = picture.shape[2]
    color = np.asarray((*title.color, 1.0), np.float32)[:channels]
    dark = np.dot(title.color, (0.2126, 0.7152, 0.0722)) > 0.4
    ground = np.asarray((0.0, 0.0, 0.0, 255.0) if dark else (255.0,) * 4, np.float32)[:channels]

    view = picture[y0:y1, x0:x1]
    view += (ground - view) * np.minimum(1.6 * shadow, 1.0) * (SHADOW * title.opacity)
    view += (255.0 * color - view) * (letters * title.opacity)


def _mask(lines: list[str], letter: float, across: float) -> Image.Image:
    """Coverage of the lines, set at a letter size in pixels, aligned by across: 0 left, 0.5 centred, 1 right."""
    font = typeface(letter * _FINE)
    leading = letter * _FINE * LEADING
    widths = [font.getlength(line) for line in lines]
    columns, rows = max(widths) / _FINE, len(lines) * letter * LEADING
    size = (max(1, int(columns + 1.999)) * _FINE, max(1, int(rows + 0.999)) * _FINE)
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    for k, (line, length) in enumerate(zip(lines, widths, strict=True)):
        baseline = (k + 0.5) * leading + 0.33 * letter * _FINE  # capitals stand centred in their line
        draw.text((across * (size[0] - length), baseline), line, fill=255, font=font, anchor="ls")
    return image.reduce(_FINE)


def _corner(place: str, box: tuple[int, int], picture: tuple[int, int]) -> tuple[int, int]:
    """Left and top of a box of (width, height) that stands at place inside the margins of a picture."""
    margin = MARGIN * picture[1]
    across, down = _across(place), VERTICAL[place.split()[0]]
    left = margin + across * (picture[0] - 2 * margin - box[0])
    top = margin + down * (picture[1] - 2 * margin - box[1])
    return round(left), round(top)


def _across(place: str) -> float:
    words = place.split()
    return HORIZONTAL[words[1]] if len(words) > 1 else 0.5


def _lines(text: str, size: float, aspect: float) -> list[str]:
    """The text's lines, broken between words where they would leave a picture of width/height = aspect."""
    room = (aspect - 2 * MARGIN) / (size / LEADING)
    lines = []
    for paragraph in text.strip("\n").split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and _width(longer) > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@cache
def _width(text: str) -> float:
    """Length of a line in letter sizes."""
    return float(typeface(_RULER).getlength(text)) / _RULER


@cache
def typeface(size: float) -> ImageFont.FreeTypeFont:
    """The letters that titles are set in, at a size in pixels."""
    path = font_source_sans_pro.font_files_ttf["SourceSansProSemibold"]
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def _shape(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
