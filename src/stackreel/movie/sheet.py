"""A contact sheet: the whole movie on one page, a few small frames of every shot with their times.

Looking at a page takes seconds, rendering a movie takes hours; what is wrong with the flight is seen here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from stackreel.frames.overlay import typeface
from stackreel.scene.timeline import Timeline

PAGE = 1920  # pixels across
_MARGIN, _GAP = 40, 12
_GROUND, _INK, _FAINT, _FRAME = (24, 26, 30), (236, 238, 240), (150, 156, 164), (58, 62, 70)


@dataclass(frozen=True, slots=True)
class Cell:
    """One small frame of the sheet: when it is, and what stands under it."""

    seconds: float
    caption: str


@dataclass(frozen=True, slots=True)
class Row:
    """Frames side by side under one heading (none: "")."""

    heading: str
    cells: tuple[Cell, ...]


def rows_by_shot(timeline: Timeline, columns: int) -> tuple[Row, ...]:
    """One row a shot: its first and last frame and what lies evenly between, as far as it differs."""
    rows = []
    for number, shot in enumerate(timeline.shots, start=1):
        first = min(round(shot.start * timeline.fps), timeline.frames - 1)
        last = max(first, min(round(shot.end * timeline.fps), timeline.frames) - 1)
        cells: list[Cell] = []
        for frame in _spread(first, last, columns):
            time = timeline.time_of(frame)
            if not cells or timeline.at(cells[-1].seconds) != timeline.at(time):
                cells.append(Cell(time, clock(time, tenths=True)))
        heading = f"{shot.name or f'shot {number}'}   {clock(shot.start)} – {clock(shot.end)}"
        rows.append(Row(heading, tuple(cells)))
    return tuple(rows)


def rows_evenly(timeline: Timeline, columns: int, count: int) -> tuple[Row, ...]:
    """So many frames evenly over the whole movie, from the first to the last, each with its shot's name."""
    times = [timeline.time_of(frame) for frame in _spread(0, timeline.frames - 1, count)]
    cells = [Cell(t, f"{clock(t, tenths=True)}  {timeline.shot_at(t).name}".rstrip()) for t in times]
    return tuple(Row("", tuple(cells[k : k + columns])) for k in range(0, len(cells), columns))


def cell_size(columns: int, size: tuple[int, int]) -> tuple[int, int]:
    """Pixels (width, height) of a small frame, so that `columns` of them fill a page; in the movie's proportions."""
    width = (PAGE - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    return width, max(1, round(width * size[1] / size[0]))


def draw_sheet(title: str, rows: Sequence[Row], pictures: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """The page: pictures, uint8 (height, width, 3) and all of one size, in the order of the rows' cells."""
    high, wide = pictures[0].shape[:2]
    heading, caption = 46, 34
    columns = max(len(row.cells) for row in rows)
    width = max(2 * _MARGIN + columns * wide + (columns - 1) * _GAP, PAGE // 2)
    tall = [(heading if row.heading else 0) + high + caption + _GAP for row in rows]
    page = Image.new("RGB", (width, 2 * _MARGIN + 44 + sum(tall)), _GROUND)
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, _MARGIN + 14), title, fill=_INK, font=typeface(30), anchor="lm")
    top, shown = _MARGIN + 44, iter(pictures)
    for row, row_height in zip(rows, tall, strict=True):
        at = top
        if row.heading:
            draw.text((_MARGIN, at + heading * 0.55), row.heading, fill=_INK, font=typeface(22), anchor="lm")
            at += heading
        for k, cell in enumerate(row.cells):
            left = _MARGIN + k * (wide + _GAP)
            draw.rectangle((left - 1, at - 1, left + wide, at + high), outline=_FRAME)
            page.paste(Image.fromarray(next(shown)), (left, at))
            draw.text((left, at + high + caption * 0.45), cell.caption, fill=_FAINT, font=typeface(18), anchor="lm")
        top += row_height
    return np.asarray(page)


def clock(seconds: float, *, tenths: bool = False) -> str:
    """3.2 → "0:03.2", 75 → "1:15"; with tenths "1:15.0"."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 or tenths else "")


def _spread(first: int, last: int, count: int) -> list[int]:
    """At most count frame numbers evenly from first to last, each once."""
    return sorted({first + round((last - first) * k / max(count - 1, 1)) for k in range(count)})
