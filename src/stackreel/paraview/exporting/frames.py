# mypy: ignore-errors
# ruff: noqa: B905 - ParaView 5.11 has a Python of its own, 3.8 or later
"""The end of an exported script, which goes through the frames. What stands above the cut stands above it there, too.

This file is run by ParaView's own Python, 3.8 or later, and not by ours; see `script`, which puts it together.
"""

import argparse
import hashlib
import json
import math
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import vtk
    from paraview.modules.vtkRemotingCore import vtkProcessModule

    from paraview import simple
    from stackreel.paraview.stage import Stage

NAME = ""
SIZE = (0, 0)
FPS = 0
FRAMES = (0, 0)
OUTPUT = DATA = ""
LEVEL: "int | None" = None
MEMORY = 0.0
TRANSPARENT = False
ARRAY = VOLUME = SAMPLES_ID = ""
SAMPLE_BYTES = 1
LEVELS: "list[dict[str, Any]]" = []
SHOTS: "list[dict[str, Any]]" = []

# --- cut ---

COPIES = 3  # times that a sample lies in memory while ParaView draws it: as read, as the view's, as a texture
LONGEST = 2048  # samples along an axis that every graphics driver takes as one texture
MOST_SAMPLES = 2**31 - 1  # that ParaView 5.11 reads at once from a .hdf file
ENDS = 1 << 16  # bytes at each end of VOLUME; its seal, a hash over the hashes of all samples, is among the first

HERE = os.path.dirname(os.path.abspath(__file__))


DRAWING = None
SAMPLES_NOW = None


class Refused(Exception):  # noqa: N818
    """Something that whoever runs this script can mend."""


def main(arguments=None):
    """Draw the frames that are missing. Returns the exit code: 0 done, 1 something has to be mended."""
    options = read_options(arguments)
    try:
        check_paraview()
        frames = chosen_frames(options)
        folder = make_folder(options)
        plan = plan_samples(options, frames)
        tell(plan, frames, folder, options)
        if not options.plan:
            draw_all(plan, frames, folder, options)
        return 0
    except (Refused, RuntimeError, OSError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped; the same command goes on with the frames that are missing")
        return 130


def read_options(arguments):
    """What the command line says; everything has its default in the settings above."""
    what = f"Draw the frames of the movie {NAME} with ParaView."
    if "%(prog)" in what:  # only then does argparse take the percent signs for its own
        what = percents(what)
    parser = argparse.ArgumentParser(prog=os.path.basename(__file__), description=what)
    parser.add_argument("--frames", metavar="A:B", help="only frames A to B-1, counted from 0")
    parser.add_argument("--part", metavar="I/N", help="the frames in N equal parts, of these the I-th (1 to N)")
    parser.add_argument("--size", nargs=2, type=int, metavar=("W", "H"), help=f"pixels ({SIZE[0]} {SIZE[1]})")
    parser.add_argument("--level", type=int, help="samples of this level everywhere; 0 is the finest")
    parser.add_argument("--memory", type=float, metavar="GB", help=f"that samples may take ({MEMORY:g})")
    parser.add_argument("--data", metavar="DIR", help=percents(f"the folder with {VOLUME}"))
    parser.add_argument("--output", metavar="DIR", help=percents(f"the folder for the frames ({OUTPUT})"))
    parser.add_argument("--again", action="store_true", help="draw every frame anew, also those that are there")
    parser.add_argument("--plan", action="store_true", help="say what would be drawn, and draw nothing")
    options = parser.parse_args(arguments)
    options.size = tuple(options.size or SIZE)
    options.level = LEVEL if options.level is None else options.level
    options.memory = MEMORY if options.memory is None else options.memory
    options.data = os.path.abspath(options.data) if options.data else os.path.join(HERE, os.path.expanduser(DATA))
    options.output = os.path.abspath(options.output) if options.output else os.path.join(HERE, OUTPUT)
    return options


def check_paraview():
    """Refuse where this script would draw something else than the movie, or nothing."""
    version = simple.GetParaViewVersion()
    if (version.major, version.minor) < (5, 11):
        raise Refused(f"ParaView {version.major}.{version.minor} is too old; 5.11 or later is needed")
    process = vtkProcessModule.GetProcessModule()
    if process.GetNumberOfLocalPartitions() > 1 and not process.GetSymmetricMPIMode():
        raise Refused("write pvbatch --sym where there are several processes: then all of them draw alike")


def chosen_frames(options):
    """The numbers of the frames to draw, in order."""
    first, end = FRAMES
    if options.frames:
        try:
            a, b = options.frames.split(":")
            first, end = int(a) if a else first, int(b) if b else end
        except ValueError:
            raise Refused(f"--frames {options.frames}: write 100:200, :50 or 300:") from None
    count = sum(shot["frames"] for shot in SHOTS)
    if not 0 <= first < end <= count:
        raise Refused(f"there are no frames {first}:{end}; the movie has frames 0 to {count - 1}")
    frames = list(range(first, end))
    if options.part:
        try:
            part, parts = (int(n) for n in options.part.split("/"))
        except ValueError:
            part, parts = 0, 0
        if not 1 <= part <= parts:
            raise Refused(f"--part {options.part}: write 1/8, 2/8, ... 8/8")
        frames = frames[len(frames) * (part - 1) // parts : len(frames) * part // parts]
    return frames


def make_folder(options):
    """The folder for the frames; half-written ones of runs that were killed are swept out of it."""
    if min(options.size) < 2:
        raise Refused(f"--size {options.size[0]} {options.size[1]}: too small to see anything")
    try:
        os.makedirs(options.output, exist_ok=True)
        for name in os.listdir(options.output):
            words = name.split("-")  # .flight.000012-HOST-PID.part.png
            ours = name.startswith(f".{NAME}.") and name.endswith(".part.png") and words[-2:-1] == [this_host()]
            if ours and not is_alive(int(words[-1].split(".")[0])):
                os.remove(os.path.join(options.output, name))
    except OSError as error:
        raise Refused(f"{options.output}: no frames can be written there ({error.strerror})") from None
    return options.output


# --- which samples ---


def plan_samples(options, frames):
    """For every stretch of frames that is drawn: (shot, its first frame there) -> (level, what Stage wants to know)."""
    if options.level is not None and not 0 <= options.level < len(LEVELS):
        raise Refused(f"there is no level {options.level}; there are 0 (the finest) to {len(LEVELS) - 1}")
    plan = {}
    for number, first in sorted({stretch_of(frame) for frame in frames}):
        best, box = SHOTS[number]["samples"][first]
        level = options.level if options.level is not None else level_for(number, best, box, options.memory)
        plan[number, first] = (level, data_of(level, box, options.data))
    for name in {data["file"] for _, data in plan.values()} | {os.path.join(options.data, VOLUME)}:
        if not os.path.exists(name):
            raise Refused(
                f"there is no {name}. Put {VOLUME} and the small files beside it (those ending in .hdf and .xmf2) "
                "into one folder, and say which with --data or with DATA in this script"
            )
    return plan


def stretch_of(frame):
    """The number of a frame's shot, and from which of the shot's frames on the samples are those for this one."""
    number, k = place_of(frame)
    return number, max(first for first in SHOTS[number]["samples"] if first <= k)


def level_for(number, best, box, memory):
    """The finest level that the pictures can show, and whose samples fit into so many GB and one texture."""
    for level in range(best, len(LEVELS)):
        thick = min(LEVELS[level]["samples"]) > 1  # of a single section, ParaView draws nothing
        if thick and gigabytes(level, box) <= memory and longest(extent_of(level, box)) <= LONGEST:
            return level
    raise Refused(
        f'shot "{SHOTS[number]["name"]}" takes {amount(gigabytes(len(LEVELS) - 1, box))} even at the coarsest level; '
        f"give it more than {amount(memory)} (--memory, or MEMORY in this script)"
    )


def data_of(level, box, folder):
    """What Stage wants to know of the data."""
    extent, grid = extent_of(level, box), LEVELS[level]
    kind = kind_of(extent, grid)
    return {"file": os.path.join(folder, grid[kind]), "kind": kind, "array": ARRAY, "extent": extent}


def kind_of(extent, grid):
    """Which of a level's two files is opened."""
    return "vtkhdf" if grid["vtkhdf"] and samples_in(extent) <= MOST_SAMPLES else "xdmf"


def extent_of(level, box):
    """The samples of a level that a box needs: [x0, x1, y0, y1, z0, z1], both ends counted; two beyond each side."""
    extent = []
    for axis in range(3):
        grid = [LEVELS[level][key][axis] for key in ("samples", "origin", "spacing")]
        low, high = box[axis] if box else (-math.inf, math.inf)
        extent += span_of(low, high, *grid)
    return extent


def span_of(low, high, count, origin, spacing):
    """The first and the last of so many samples that lie between low and high, two more at each end."""
    first = 0 if low == -math.inf else math.floor((low - origin) / spacing) - 2
    last = count - 1 if high == math.inf else math.ceil((high - origin) / spacing) + 2
    first = min(max(first, 0), max(count - 2, 0))
    return [first, max(min(last, count - 1), min(first + 1, count - 1))]


def longest(extent):
    """The samples along the longest side."""
    return max(extent[2 * k + 1] - extent[2 * k] + 1 for k in range(3))


def samples_in(extent):
    """How many samples an extent has."""
    return math.prod(extent[2 * k + 1] - extent[2 * k] + 1 for k in range(3))


def gigabytes(level, box):
    """The memory that it takes to draw the samples of a box at a level, in GB."""
    extent, grid = extent_of(level, box), LEVELS[level]
    count = COPIES * samples_in(extent)
    if kind_of(extent, grid) == "xdmf" and box:  # that reader takes all, to throw most of it away
        count += math.prod(grid["samples"])
    return count * SAMPLE_BYTES / 1e9


# --- what a frame shows ---


def place_of(frame):
    """The number of the shot that a frame belongs to, and which of the shot's frames it is."""
    for number, shot in enumerate(SHOTS):
        if frame < shot["frames"]:
            return number, frame
        frame -= shot["frames"]
    raise IndexError(frame)


def state_of(frame):
    """All that a frame shows, as Stage wants it, but for the data."""
    number, k = place_of(frame)
    state = {}
    for shot in SHOTS[: number + 1]:
        last = k if shot is SHOTS[number] else shot["frames"]
        for at in sorted(shot["changes"]):
            if at <= last:
                state.update(shot["changes"][at])
        if shot["cameras"]:
            row = shot["cameras"][min(last, len(shot["cameras"]) - 1)]
            state["camera"] = dict(zip(("position", "focal_point", "view_up", "view_angle"), row))
    state["titles"] = [title for title in (faded(one, k / FPS) for one in SHOTS[number]["titles"]) if title]
    return state


def faded(title, seconds):
    """A title so many seconds into its shot, as Stage wants it; None when it does not show."""
    into, left = seconds - title["from"], title["from"] + title["for"] - seconds
    if into < -1e-9 or left < -1e-9:
        return None
    fade = min(title["fade"], 0.5 * title["for"])
    opacity = title["opacity"] * (1.0 if fade <= 0.0 else min(max(min(into, left) / fade, 0.0), 1.0))
    shown = {key: title[key] for key in ("text", "place", "size", "color")}
    shown["opacity"] = opacity
    return shown if opacity > 0.0 else None


# --- frame after frame ---


def draw_all(plan, frames, folder, options):
    """Draw the frames that are not there yet, and say how it goes."""
    stage = None
    drawn = kept = 0
    last = None  # mark and file of the frame before
    looked_at = None
    begun = told = time.time()
    for frame in frames:
        number, _ = place_of(frame)
        state = state_of(frame)
        state["data"] = plan[stretch_of(frame)][1]
        path = path_of(folder, frame)
        mark = mark_of(state, options.size)
        if not options.again and is_whole(path, options.size, mark):
            kept += 1
        elif last and last[0] == mark:  # nothing moves: the same picture once more
            if is_first():
                copy(last[1], path)
            drawn += 1
        else:
            if stage is None:
                stage = Stage(options.size)
                begun = time.time()
            temporary = temporary_name(path)
            try:
                stage.show(state)
                if looked_at != state["data"]:
                    check_samples(stage.samples, frame, plan)
                looked_at = state["data"]
                stage.save(temporary, TRANSPARENT)
                if is_first():
                    sign(temporary, mark)
                    keep(temporary, path)
            finally:
                if os.path.exists(temporary):
                    os.remove(temporary)
            drawn += 1
        last = (mark, path)
        now = time.time()
        if drawn and (drawn == 1 or now - told > 5.0 or frame == frames[-1]):
            told, done = now, drawn + kept
            left = (now - begun) / drawn * (len(frames) - done)
            say(
                f'frame {frame}, shot "{SHOTS[number]["name"]}": {done} of {len(frames)} done, about {clock(left)} left'
            )
    say(f"{drawn} frames drawn, {kept} were there already")
    say_next(folder, options)


def check_samples(found, frame, plan):
    """Refuse where ParaView took zeros for samples, without a word, as its readers do. found : (lowest, highest)"""
    if not nowhere(tuple(found) == (0, 0)):
        return
    number, first = stretch_of(frame)
    level, data = plan[number, first]
    zeros = f"{data['file']}: ParaView reads nothing but zeros"
    if level in SHOTS[number].get("filled", {}).get(first, ()):
        raise Refused(
            f"{zeros} where there are samples; is {VOLUME} beside it the one that this script was made for, and "
            "complete? Does ParaView's HDF5 lack the filter that packed them? No frame of it was kept"
        )
    say(f"note: {zeros} in extent {data['extent']}; is {VOLUME} beside it, and complete?")


def nowhere(empty):
    """Whether it is so in all processes; each holds a part of the samples."""
    if vtkProcessModule.GetProcessModule().GetNumberOfLocalPartitions() < 2:
        return empty
    mine, least = vtk.vtkIntArray(), vtk.vtkIntArray()
    for numbers in (mine, least):
        numbers.InsertNextValue(int(empty))
    vtk.vtkMultiProcessController.GetGlobalController().AllReduce(mine, least, vtk.vtkCommunicator.MIN_OP)
    return bool(least.GetValue(0))


def mark_of(state, size):
    """A few digits that differ where two frames do; a frame's file carries them."""
    folder, name = os.path.split(state["data"]["file"])
    plain = dict(state, data=[name, state["data"]["extent"]])
    marked = [plain, list(size), TRANSPARENT, SAMPLES_ID, samples_now(os.path.join(folder, VOLUME)), drawing()]
    text = json.dumps(marked, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def samples_now(path):
    """What the volume's file holds now: its size and a hash of both ends. A copy has the same."""
    global SAMPLES_NOW
    if SAMPLES_NOW is None:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            found = hashlib.sha256(b"%d" % size)
            for at in (0, max(size - ENDS, 0)):
                file.seek(at)
                found.update(file.read(ENDS))
        SAMPLES_NOW = found.hexdigest()[:32]
    return SAMPLES_NOW


def drawing():
    """The part of this script that says how a frame is drawn: where that is changed, frames are drawn anew."""
    global DRAWING
    if DRAWING is None:
        with open(os.path.abspath(__file__), encoding="utf-8") as file:
            DRAWING = (
                file.read().partition("# How a frame is drawn\n")[2].partition("# How the frames are gone through\n")[0]
            )
    return DRAWING


def sign(path, mark):
    """Write the mark into a PNG file, as a text that programs pass over."""
    with open(path, "rb") as file:
        data = file.read()
    body = b"tEXtframe\0" + mark.encode("ascii")
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    with open(path, "wb") as file:
        file.write(data[:33] + text + data[33:])  # after the header
        file.flush()
        os.fsync(file.fileno())


def is_whole(path, size, mark):
    """Whether a frame's file is complete, of that size, and shows what it ought to."""
    try:
        with open(path, "rb") as file:
            head = file.read(33 + 12 + 6 + 32)
            file.seek(-12, os.SEEK_END)
            tail = file.read()
    except OSError:
        return False
    right_size = head[16:24] == struct.pack(">II", *size)
    return right_size and head[47:].startswith(mark.encode("ascii")) and tail[4:8] == b"IEND"


def path_of(folder, frame):
    return os.path.join(folder, f"{NAME}.{frame:06d}.png")


def keep(temporary, path):
    """Give a picture its name, in one step: whatever happens, a frame with its name is complete."""
    os.replace(temporary, path)


def copy(source, path):
    """The same picture under another name."""
    temporary = temporary_name(path)
    shutil.copyfile(source, temporary)
    keep(temporary, path)


def is_first():
    """Whether this process is the one that writes and speaks; there are more of them in pvbatch --sym."""
    return vtkProcessModule.GetProcessModule().GetPartitionId() == 0


def temporary_name(path):
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:-4]}-{this_host()}-{os.getpid()}.part.png")


def this_host():
    return socket.gethostname().split(".")[0].replace("-", "_")


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


# --- what is said ---


def tell(plan, frames, folder, options):
    """What will be drawn, from which samples, and where to."""
    say(f"{NAME}: {spans(frames)} of {options.size[0]} x {options.size[1]} into {folder}")
    for (number, first), (level, data) in sorted(plan.items()):
        best, box = SHOTS[number]["samples"][first]
        much = f"{shape_text(data['extent'])} samples, {amount(gigabytes(level, box))} of memory"
        if level > best:
            much += f"; the pictures could show level {best}, which takes {amount(gigabytes(best, box))}"
        start = f", from its frame {first} on" if first else ""
        say(f'  shot "{SHOTS[number]["name"]}"{start}: level {level}, {os.path.basename(data["file"])}, {much}')


def say_next(folder, options):
    """How the frames become a movie."""
    names = [path_of(folder, frame) for frame in range(*FRAMES)]
    missing = [name for name in names if not os.path.exists(name)]
    say(f"the frames are in {folder}")
    if missing:
        say(f"{len(missing)} of {len(names)} frames are missing, the first is {os.path.basename(missing[0])}")
        return
    pattern = os.path.join(percents(folder), percents(NAME) + ".%06d.png")
    if TRANSPARENT:
        coding = "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"
    else:
        coding = (
            "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -c:v libx264 -crf 16 -colorspace bt709 "
            "-color_primaries bt709 -color_trc bt709 -movflags +faststart"
        )
    film = NAME + (".mov" if TRANSPARENT else ".mp4")
    if film.startswith("-") or ":" in film:  # an option, or a protocol
        film = os.path.join(".", film)
    start = f"-start_number {FRAMES[0]} " if FRAMES[0] else ""
    say("next, the movie:")
    say(f"  ffmpeg -framerate {FPS:g} {start}-i {quoted(pattern)} {coding} {quoted(film)}")


def percents(text):
    """With percent signs that mean nothing more, to ffmpeg and argparse."""
    return text.replace("%", "%%")


def quoted(text):
    """One word of a command line, whatever is in it."""
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)


def spans(frames):
    return (
        f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]} to {frames[-1]}" if frames else "no frames"
    )


def shape_text(extent):
    return " x ".join(str(extent[2 * k + 1] - extent[2 * k] + 1) for k in range(3))


def amount(gigabytes):
    return f"{gigabytes:.3g} GB" if gigabytes >= 1.0 else f"{1e3 * gigabytes:.3g} MB"


def clock(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def say(text):
    if is_first():
        print(text, flush=True)


if __name__ == "__main__":
    code = main()
    if code:
        sys.exit(code)
