"""What `python -m benchmarks origin` found, as Markdown: the same on a terminal, in docs and after `make bench`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report import Result, _bytes, _machine, _missing, _s, _shape, _table

DIVE = "The dive: the whole brain, opened to its middle, and on to single fibres. All twenty frames, row by row."
LEVEL = "Level {level} in ParaView, drawn on the processor"


def markdown(result: Result, pictures: Mapping[str, str] | None = None) -> str:
    """All that was measured, and the pictures: their names and where they stand."""
    origin = result["origin"]
    told = result | {"quick": False, "load": (origin["sample"]["load"][0], _last_load(origin))}
    parts = [_machine(told), *part_of(origin, pictures), "\n".join(_missing(origin)).strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def part_of(origin: Result, pictures: Mapping[str, str] | None = None) -> Iterator[str]:
    """The steps' paragraphs and tables; those that were not measured are left out."""
    pictures = pictures or {}
    yield _what(origin)
    for name, part in (("conversion", _conversion), ("verify", _verify), ("paraview", _paraview), ("dive", _dive)):
        if name in origin:
            yield from part(origin)
        if name == "paraview" and "paraview.jpg" in pictures:
            yield f"![{LEVEL.format(level=origin[name]['level'])}]({pictures['paraview.jpg']})"
        if name == "dive" and "dive.jpg" in pictures:
            yield f"![{DIVE}]({pictures['dive.jpg']})"


def _what(origin: Result) -> str:
    share = origin["tissue"]
    return (
        f"{_shape(origin)}, transmittance of a synthetic hemisphere that takes {share:.0%} of a section's width and "
        "height; around it is glass, which is 0. Sections are made as they are read, on the same cores."
    )


def _conversion(origin: Result) -> Iterator[str]:
    one, sample = origin["conversion"], origin["sample"]
    converter = one["cpu"] - one["generator"]
    rows = [
        ["as it ran, sections made meanwhile", _s(one["seconds"]), _s(one["cpu"]), _rate(origin, one["seconds"])],
        ["making the sections alone", "", _s(one["generator"]), ""],
        ["the conversion alone", "", _s(converter), f"{origin['bytes'] / converter / 1e6:,.0f} MB/s a core"],
        [
            f"a sample of {_bytes(sample['bytes'])}, read from memory",
            _s(sample["converting"]),
            _s(sample["converter"]),
            _rate(sample, sample["converting"]),
        ],
    ]
    yield "**Conversion**"
    yield _table(["", "time", "processor", "rate"], rows)
    yield (
        f"Peak memory {_bytes(one['peak'])}. The volume with all its levels takes {_bytes(one['stored'])}, "
        f"{one['stored'] / origin['bytes']:.0%} of the sections; {_s(one['settled'])} more until all of it is on the "
        f"disk. {_stops(origin, one)}"
    ).strip()


def _stops(origin: Result, one: Result) -> str:
    """How often it was killed, and what that cost."""
    runs = one["runs"]
    if len(runs) == 1:
        return ""
    killed = [run for run in runs if run.get("killed")]
    where = f"killed (SIGKILL) at {killed[0]['at'] / origin['bytes']:.0%}" if killed else "stopped"
    return (
        f"It was {where} and went on from there in {_count(len(runs) - 1)}; {_bytes(one['again'])} of sections were "
        f"read a second time. Figures are of all runs together."
    )


def _count(more: int) -> str:
    return "a second run" if more == 1 else f"{more} more runs"


def _verify(origin: Result) -> Iterator[str]:
    one, stored = origin["verify"], origin["conversion"]["stored"]
    yield (
        f"**Verification**: `stackreel verify` reads all of the file from the disk and compares every hash: "
        f"{_s(one['seconds'])} ({stored / one['seconds'] / 1e6:,.0f} MB/s of the file), peak memory "
        f"{_bytes(one['peak'])}."
    )


def _paraview(origin: Result) -> Iterator[str]:
    part = origin["paraview"]
    first = next(iter(part["readers"].values()))
    z, y, x = first["shape"]
    yield f"**ParaView** opens level {part['level']} ({z} × {y} × {x}, {_bytes(z * y * x)}), from the disk:"
    rows = [
        [
            name,
            _s(one["opening"]),
            _s(one["drawing"]),
            _bytes(one["peak"]),
            f"{one['differing']} of {one['compared']}",
            "the same" if one["same_shape"] and one["apart"] < 1e-6 else f"{one['apart']:.3g} voxels apart",
        ]
        for name, one in part["readers"].items()
    ]
    yield _table(["file", "reading", "picture", "peak memory", "values that differ", "grid"], rows)
    yield (
        f"Values are compared with stackreel's at {first['compared']} places all over the volume, "
        f"{first['tissue']} of them in tissue."
    )


def _dive(origin: Result) -> Iterator[str]:
    runs = origin["dive"]["runs"]
    first = next(iter(runs.values()))
    count, (width, height) = len(first["frames"]), first["size"]
    yield f"**A dive** of {count} frames at {width} × {height}, from the whole brain to single fibres:"
    rows = []
    for name, one in runs.items():
        seconds = [frame["seconds"] for frame in one["frames"]]
        last = one["frames"][-1]
        rows.append(
            [
                f"`--memory {name.split(',')[0]}`, {name.split(', ')[1]}",
                _s(one["seconds"]),
                _s(one["opening"] + seconds[0]),
                _s(statistics.median(seconds[1:])),
                _s(max(seconds[1:])),
                _bytes(one["peak"]),
                _bytes(last["stored"]),
                _bytes(one["fetched"]),
                "identical" if one["checksum"] == first["checksum"] else "DIFFERENT",
            ]
        )
    head = ["", "all", "first, with opening", "each further", "slowest", "peak memory", "read", "from the disk"]
    yield _table([*head, "floats"], rows)
    yield _frames(runs)


def _frames(runs: Result) -> str:
    """Every frame: how fine it is, and its seconds in every run."""
    names = list(runs)
    rows: list[list[str]] = []
    for k, frame in enumerate(runs[names[0]]["frames"]):
        rows.append([str(k), str(frame["level"]), *(_s(runs[name]["frames"][k]["seconds"]) for name in names)])
    return _table(["frame", "finest level", *names], rows)


def _rate(part: Result, seconds: float) -> str:
    return f"{part['bytes'] / seconds / 1e6:,.0f} MB/s"


def _last_load(origin: Result) -> float:
    loads: list[Any] = [part["load"][1] for part in origin.values() if isinstance(part, dict) and "load" in part]
    return float(loads[-1])
