"""A movie as a script for ParaView: one file that pvpython or pvbatch runs, here or on a cluster, without stackreel.

    text = script_of("flight", volume, timeline, output, data_folder=".", memory=8 << 30, script="flight_pv.py")

The script holds the movie as tables that people can read and change: settings first, then the shots, then how a frame
is drawn (the text of `stage`) and how the frames are gone through (the text of `exporting.frames`).
"""

from __future__ import annotations

import ast
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from stackreel.errors import EngineError, StackreelError
from stackreel.files import format_bytes
from stackreel.frames.engine import Output
from stackreel.frames.overlay import _lines
from stackreel.geometry import Box
from stackreel.paraview.beside import vtkhdf_path, xdmf_path
from stackreel.paraview.exporting import frames
from stackreel.paraview.exporting.literals import in_docstring, laid_out, literal, one_line
from stackreel.paraview.exporting.region import around, finest, in_view
from stackreel.paraview.exporting.tables import ShotTable, digits_for, shot_table
from stackreel.paraview.staging import COPIES, LONGEST, state_of
from stackreel.paraview.vtkhdf import is_readable
from stackreel.scene import Scene
from stackreel.scene.timeline import Timeline, TitleSpan
from stackreel.volume import Volume

RULE = "# " + 98 * "-"
CUT = "# --- cut ---"

_SPAN_OF: Callable[..., tuple[int, int]] = frames.span_of


@dataclass(frozen=True)
class Stretch:
    """Frames of a shot that are drawn from the same samples.

    first : frame of the shot
    level : the coarsest that is fine enough for all of them; used : the one that fits into the memory
    """

    first: int
    level: int
    used: int
    box: Box | None


@dataclass(frozen=True)
class Told:
    """One shot of the script, and the words that stand before it."""

    table: ShotTable
    comment: Sequence[str]
    samples: Sequence[Stretch]


def script_of(
    name: str,
    volume: Volume,
    timeline: Timeline,
    output: Output,
    *,
    data_folder: str,
    memory: int,
    script: str,
    movie_file: str = "",
) -> str:
    """The text of the script.

    name        : of the frames and of the film
    data_folder : where the volume is, as seen from the script
    memory      : bytes that a shot's samples may take
    script      : name of the script's own file
    movie_file  : where the movie comes from, for people
    """
    memory = _short(memory)
    shots = told(volume, timeline, output, memory)
    stage, play = _parts()
    parts = [
        _head(name, script, volume, timeline, output, movie_file),
        "\n".join(sorted({*stage.imports, *play.imports})) + PARAVIEW,
        _settings(name, timeline, output, data_folder, memory, len(volume.levels)),
        _data(volume),
        _movie(shots, volume),
        _section("How a frame is drawn", [stage.comment, stage.code]),
        _section("How the frames are gone through", [play.code]),
    ]
    text = "\n\n".join(part.strip("\n") for part in parts) + "\n"
    try:
        ast.parse(text, feature_version=(3, 8))
    except (SyntaxError, ValueError) as error:  # ValueError: what cannot be encoded
        raise StackreelError(f"{script}: not written, it would be no Python ({error}); please report this") from error
    return text


def _broken(span: TitleSpan, aspect: float) -> TitleSpan:
    """A title whose lines end before the picture does."""
    title = span.title
    return replace(span, title=replace(title, text="\n".join(_lines(title.text, title.size, aspect))))


def _short(count: int) -> int:
    """Three digits of a number, and zeros: what the script says is what was reckoned with."""
    unit: int = 10 ** max(0, len(str(count)) - 3)
    return count // unit * unit


def told(volume: Volume, timeline: Timeline, output: Output, memory: int) -> list[Told]:
    """The shots, each with the level and the box that suit it."""
    moments = [(k, timeline.time_of(k)) for k in range(timeline.frames)]
    found: list[Told] = []
    said: dict[str, Any] = {}
    for shot, some in groupby(moments, key=lambda one: timeline.shot_at(one[1])):
        numbers = [k for k, _ in some]
        scenes = [timeline.at(timeline.time_of(k)) for k in numbers]
        late = timeline.time_of(numbers[0]) - shot.start
        states = [{**state_of(scene, {}), "interpolation": _interpolation(volume)} for scene in scenes]
        before = said
        titles = [_broken(span, output.size[0] / output.size[1]) for span in shot.titles]
        table, said = shot_table(shot.name, states, before, output.size[1], titles, late)
        digits = digits_for([state["camera"] for state in states], output.size[1])
        samples = _stretches(shot.name, volume, scenes, output, memory, digits)
        comment = [
            f'Shot {len(found) + 1}, "{shot.name}": {shot.start:g} s to {shot.end:g} s, '
            f"frames {numbers[0]} to {numbers[-1]}",
            *_events(table, not before),
        ]
        found.append(Told(table, comment, samples))
    return found


def _interpolation(volume: Volume) -> str:
    """What is between two samples: of labels, the nearer one."""
    return "nearest" if volume.kind == "label" else "linear"


def _stretches(
    name: str, volume: Volume, scenes: Sequence[Scene], output: Output, memory: int, digits: int
) -> list[Stretch]:
    """A shot's frames, cut where one level and one box for all of them would not fit, but finer ones for some would.

    Raises EngineError where even the coarsest level of what a frame shows takes too much.
    """
    placements = [level.placement for level in volume.levels]
    aspect = output.size[0] / output.size[1]

    views = [in_view(scene, volume.placement, aspect) for scene in scenes]
    last = max((k for k, place in enumerate(placements) if min(place.shape) > 1), default=0)
    wanted = [min(finest([scene], placements, output.size[1], output.detail), last) for scene in scenes]

    def stretch(first: int, end: int) -> Stretch:
        box = around(views[first:end], volume.placement)
        box = None if box is None else _rounded(box, digits)
        best = min(wanted[first:end])
        for level in range(best, len(placements)):
            if _fits(volume, level, box, memory):
                return Stretch(first, best, level, box)
        takes = _memory(volume, len(placements) - 1, box)
        raise EngineError(
            f'shot "{name}": what it shows of {volume.path.name} takes {format_bytes(takes)} in ParaView even at the '
            f"coarsest level, and {format_bytes(memory)} may be used; give more with --memory"
        )

    whole = stretch(0, len(scenes))
    if whole.used == whole.level:
        return [whole]
    alone = [stretch(k, k + 1) for k in range(len(scenes))]
    found, first = [], 0
    for k in range(1, len(scenes) + 1):
        if k == len(scenes) or alone[k].used != alone[first].used or stretch(first, k + 1).used != alone[first].used:
            found.append(stretch(first, k))
            first = k
    return found


def _fits(volume: Volume, level: int, box: Box | None, memory: int) -> bool:
    sides = [b - a + 1 for a, b in _extent(volume, level, box)]
    return _memory(volume, level, box) <= memory and max(sides) <= LONGEST and min(volume.levels[level].shape) > 1


def _extent(volume: Volume, level: int, box: Box | None) -> list[tuple[int, int]]:
    """First and last sample along x, y, z: what `exporting.frames` makes of a box."""
    place = volume.levels[level].placement
    ends = zip(*(box.lower, box.upper), strict=True) if box else [(-float("inf"), float("inf"))] * 3
    return [
        _SPAN_OF(low, high, n, o, s)
        for (low, high), n, o, s in zip(ends, place.shape[::-1], place.origin, place.step, strict=True)
    ]


def _shape(volume: Volume, level: int, box: Box | None) -> str:
    return " x ".join(str(b - a + 1) for a, b in _extent(volume, level, box))


def _memory(volume: Volume, level: int, box: Box | None) -> int:
    """What drawing the samples of a box takes."""
    return COPIES["vtkhdf"] * _bytes(volume, level, box)


def _bytes(volume: Volume, level: int, box: Box | None) -> int:
    count = volume.dtype.itemsize
    for a, b in _extent(volume, level, box):
        count *= b - a + 1
    return count


def _filled(volume: Volume, box: Box | None) -> tuple[int, ...]:
    """The levels that hold more than zeros in a box, by the bricks that lie in it as a whole."""
    if not all(math.isfinite(value) for value in volume.value_range):
        return ()  # nobody has looked
    found = []
    for k, level in enumerate(volume.levels):
        summary = level.summary()
        ends: list[slice] = []
        for (first, last), brick, count in zip(_extent(volume, k, box)[::-1], summary.brick, level.shape, strict=True):
            ends.append(slice(-(-first // brick), None if last == count - 1 else (last + 1) // brick))
        low, high = (values[tuple(ends)] for values in (summary.low, summary.high))
        if (high > 0).any() or ((low < 0) & np.isfinite(low)).any():
            found.append(k)
    return tuple(found)


def _events(table: ShotTable, first: bool) -> list[str]:
    """What happens in a shot, in words."""
    moving = sorted({key for k, change in table.changes.items() if k > 0 for key in change})
    words = {
        "opacity_unit": "opacity unit",
        "crop": "the box that is shown",
        "clip": "the cuts",
        "slices": "the slices",
        "color": "colours",
        "opacity": "opacities",
        "light": "the light",
        "lamps": "the lamps",
    }
    what = ["the camera"] if len(table.cameras) > 1 else []
    what += [words.get(key, key) for key in moving]
    said = f"In motion: {', '.join(what)}." if what else "Nothing moves."
    if not first and table.changes.get(0):
        new = [words.get(key, key) for key in table.changes[0] if key not in moving]
        said += f" New from its first frame on: {', '.join(new)}." if new else ""
    if table.titles:
        said += " Titles: " + ", ".join(literal(t["text"].split("\n")[0]) for t in table.titles) + "."
    return [said]


# --- the parts of the text ---


def _head(name: str, script: str, volume: Volume, timeline: Timeline, output: Output, movie_file: str) -> str:
    width, height = output.size
    shots = ", ".join(f"{shot.name} ({shot.seconds:g} s)" for shot in timeline.shots)
    made_of = f"{movie_file} and {volume.path.name}" if movie_file else volume.path.name
    body = BODY.format(
        name=one_line(name),
        job=re.sub(r"[^A-Za-z0-9_.-]+", "_", name),
        script=shlex.quote(one_line(script)),
        seconds=f"{timeline.seconds:g}",
        frames=timeline.frames,
        width=width,
        height=height,
        fps=timeline.fps,
        shots=one_line(shots),
        made_of=one_line(made_of),
        volume=one_line(volume.path.name),
        stem=one_line(volume.path.stem),
    )
    return f'#!/usr/bin/env pvpython\n"""{in_docstring(body)}"""\n'


BODY = """\
The movie "{name}", drawn by ParaView 5.11 or later: {seconds} s, {frames} frames of {width} x {height}.

Made of {made_of}. Needs nothing but ParaView, {volume} and the small files beside it ({stem}*.hdf and
{stem}*.xmf2), which are looked for in the folder DATA, below. On a laptop or a workstation:

    pvpython --force-offscreen-rendering {script}                  all frames, into the folder frames
    pvpython {script} --frames 0:25 --size 640 360                 the first second, small
    pvpython {script} --plan                                       what would be drawn, from which samples
    pvpython {script} --help                                       everything that can be said

Whatever stops it, the same command goes on: a frame that is there, complete, and shows what the script says now is not
drawn again. When all are there, it prints the ffmpeg command that makes the film of them.

On a cluster, this is a job array of eight jobs for sbatch, each with an eighth of the frames (what to load is another
matter on every machine; where there is no graphics card, choose a ParaView with OSMesa or EGL, or write
xvfb-run -a before pvbatch):

    #!/bin/bash
    #SBATCH --job-name={job} --array=1-8
    #SBATCH --nodes=1 --ntasks=8 --mem=64G --time=04:00:00
    module load ParaView
    srun pvbatch --sym {script} --part $SLURM_ARRAY_TASK_ID/8 --memory 24

With several tasks (srun, or mpiexec -n 8 pvbatch --sym ...), ParaView distributes the samples over them.

The shots: {shots}.
Below: the settings, the data, the shots one by one, then how a frame is drawn and how the frames are gone through.
"""


PARAVIEW = """

try:
    import vtk
    from paraview import simple
    from paraview.modules.vtkRemotingCore import vtkProcessModule
except ImportError:
    sys.exit("this is a script for ParaView: pvpython " + os.path.basename(__file__) + ", or pvbatch")
"""


def _settings(name: str, timeline: Timeline, output: Output, data_folder: str, memory: int, levels: int) -> str:
    rows = [
        ("NAME", literal(name), "of the frames' files and of the film"),
        ("SIZE", literal(tuple(output.size)), "width and height in pixels; even numbers, for film"),
        ("FPS", literal(timeline.fps), "frames in a second; cameras below were sampled at this rate"),
        ("FRAMES", literal((0, timeline.frames)), "the first frame to draw, and the one after the last"),
        ("OUTPUT", '"frames"', "the folder for the frames, seen from this script"),
        ("DATA", literal(data_folder), "the folder with the data, seen from this script"),
        ("LEVEL", "None", f"None: as every shot says; or 0 (finest) to {levels - 1}: that one everywhere"),
        ("MEMORY", literal(memory / 1e9), "GB that a shot may take; what needs more is drawn from a coarser level"),
        ("TRANSPARENT", literal(output.transparent), "True: without the background, with an alpha channel"),
    ]
    width = max(len(f"{key} = {value}") for key, value, _ in rows)
    lines = [f"{f'{key} = {value}':{width}}  # {what}" for key, value, what in rows]
    return _section("Settings", ["\n".join(lines)])


def _data(volume: Volume) -> str:
    count = len(volume.levels)
    rows = []
    for k, level in enumerate(volume.levels):
        place = level.placement
        vtkhdf = vtkhdf_path(volume.path, k, count).name if is_readable(place) else None
        size = " x ".join(str(n) for n in place.shape[::-1])
        rows += [
            f"    {{  # level {k}: {size} samples (x, y, z), {format_bytes(_bytes(volume, k, None))}",
            f'        "vtkhdf": {literal(vtkhdf)},  # reads only the box that is needed',
            f'        "xdmf": {literal(xdmf_path(volume.path, k, count).name)},  # reads all of it',
            f'        "samples": {literal(place.shape[::-1])},',
            f'        "origin": {literal(place.origin)},  # of the first sample',
            f'        "spacing": {literal(place.step)},',
            "    },",
        ]
    lines = [
        f"VOLUME = {literal(volume.path.name)}  # the samples; the files below lead into it",
        f"ARRAY = {literal(volume.name)}  # what ParaView calls them",
        f"SAMPLE_BYTES = {volume.dtype.itemsize}  # {volume.dtype.name}",
        f"SAMPLES_ID = {literal(_samples_id(volume))}  # frames of other samples are not taken for frames of these",
        "LEVELS = [",
        *rows,
        "]",
    ]
    return _section("The data", ["\n".join(lines)])


def _samples_id(volume: Volume) -> str:
    """What tells these samples from others; nothing where the file says something else there."""
    return volume.fingerprint[:16] if re.fullmatch(r"[0-9A-Fa-f]+", volume.fingerprint) else ""


def _movie(shots: Sequence[Told], volume: Volume) -> str:
    return _section("The shots", [EXPLAINED, "SHOTS = []", *(_shot(one, volume) for one in shots)])


EXPLAINED = """\
# A shot says what changes; everything that it does not mention stays as it was. Points, directions and lengths are
# ParaView's, as (x, y, z); colours are red, green, blue from 0 to 1.
#
#   frames   how many there are in the shot
#   samples  frame of the shot: (level, box), what is read for the pictures from there on. level is the coarsest whose
#            voxels are small enough for them (0 is the finest), box is what comes into view of the volume,
#            ((x0, x1), (y0, y1), (z0, z1)); None: all of it
#   filled   frame of the shot: the levels that hold more than zeros in that box; () where you have moved it
#   titles   from, for, fade in seconds of the shot; size is a line's share of the picture's height
#   changes  frame of the shot: properties that are new from there on. color and opacity are points over the values
#            of the samples, opacity_unit the length over which these opacities hold; see "How a frame is drawn"
#   cameras  a line for each frame: position, focal point, view up, view angle; the last line holds to the shot's end"""


def _shot(one: Told, volume: Volume) -> str:
    table = one.table
    lines = [f"# {line}" for said in one.comment for line in _wrapped(one_line(said))]
    lines += [
        "SHOTS.append({",
        f'    "name": {literal(table.name)},',
        f'    "frames": {table.frames},',
        '    "samples": {',
        *(line for stretch in one.samples for line in _sampled(stretch, volume)),
        "    },",
        f'    "filled": {laid_out({part.first: _filled(volume, part.box) for part in one.samples}, 4, 15)},',
    ]
    if table.titles:
        lines += ['    "titles": [', *(f"        {laid_out(t, 8, 9)}," for t in table.titles), "    ],"]
    else:
        lines.append('    "titles": [],')
    lines += _changes(table.changes)
    lines += _cameras(table.cameras)
    return "\n".join([*lines, "})"])


def _sampled(one: Stretch, volume: Volume) -> list[str]:
    box = "None" if one.box is None else literal(tuple(zip(one.box.lower, one.box.upper, strict=True)))
    what = f"level {one.level}: {_shape(volume, one.level, one.box)} samples, "
    what += f"{format_bytes(_memory(volume, one.level, one.box))} of memory"
    lines = [f"        # {what}"]
    if one.used != one.level:
        lines.append(
            f"        # as MEMORY and LONGEST are, it will be level {one.used}: "
            f"{_shape(volume, one.used, one.box)} samples, {format_bytes(_memory(volume, one.used, one.box))}"
        )
    return [*lines, f"        {one.first}: ({one.level}, {box}),"]


def _changes(changes: Mapping[int, dict[str, Any]]) -> list[str]:
    if not changes:
        return ['    "changes": {},']
    lines = ['    "changes": {']
    for frame, change in changes.items():
        line = f"        {frame}: {literal(change)},"
        if len(line) <= 118 and frame > 0:
            lines.append(line)
            continue
        lines.append(f"        {frame}: {{")
        lines += [f'            "{key}": {laid_out(v, 12, 17 + len(key))},' for key, v in change.items()]
        lines.append("        },")
    return [*lines, "    },"]


def _cameras(cameras: Sequence[tuple[Any, ...]]) -> list[str]:
    if not cameras:
        return ['    "cameras": [],  # stays where it is']
    return ['    "cameras": [', *(f"        {literal(row)}," for row in cameras), "    ],"]


def _section(title: str, parts: Sequence[str]) -> str:
    return "\n\n".join([f"{RULE}\n# {title}\n{RULE}", *parts])


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 116, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class Source:
    """A module's text as a part of a script.

    imports : of Python's own modules; comment : its docstring; code : the rest
    """

    imports: Sequence[str]
    comment: str
    code: str

    @staticmethod
    def of(package: str, name: str) -> Source:
        text = files(package).joinpath(name).read_text(encoding="utf-8")
        above, cut, below = text.partition(CUT)
        imports = re.findall(r"^import (?!vtk)\w+$", above, re.M)
        if cut:
            return Source(imports, "", below.strip("\n"))
        match = re.match(r'"""(.*?)"""\n', text, re.S)
        said, code = (match[1], text[match.end() :]) if match else ("", text)
        code = re.sub(r"^(# (mypy|ruff):.*|import \w+|from paraview import simple)\n", "", code, flags=re.M)
        comment = "\n".join(f"# {line}".rstrip() for line in said.strip("\n").splitlines())
        return Source(imports, comment, code.strip("\n"))


def _parts() -> tuple[Source, Source]:
    """How a frame is drawn, and how the frames are gone through."""
    return Source.of("stackreel.paraview", "stage.py"), Source.of("stackreel.paraview.exporting", "frames.py")


def _rounded(box: Box, digits: int) -> Box:
    def near(point: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = (round(v, digits) + 0.0 for v in point)
        return (x, y, z)

    return Box(near(box.lower), near(box.upper))
