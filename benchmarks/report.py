"""The results as Markdown tables: readable on a terminal, and pasted into the documentation as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Result = dict[str, Any]


def markdown(result: Result) -> str:
    """All that was measured: the machine, one table for each part, and who was missing."""
    parts = [_machine(result)]
    for name, part in _PARTS.items():
        if name in result:
            parts.append("\n".join([*part(result[name]), *_missing(result[name])]))
    return "\n\n".join(parts) + "\n"


def speed(result: Result) -> str:
    """The few lines that the README's section Speed says."""
    lines = []
    if "conversion" in result:
        part = result["conversion"]
        ours, rest = _split(part["commands"], "stackreel convert")
        lines.append(
            f"- **Conversion** of {_shape(part)}: {_s(ours['median'])} with compression, all levels and statistics, in "
            f"{_bytes(ours['peak'])} of memory. " + _beside(rest)
        )
    if "frames" in result:
        part = result["frames"]
        ours, rest = _split(part["renderers"], "stackreel")
        lines.append(
            f"- **Frames** of that volume at {part['size'][0]} × {part['size'][1]}, on the processor: "
            f"{_s(ours['frame'])} each, {ours['psnr']:.0f} dB from a converged picture. " + _beside(rest)
        )
    if "memory" in result:
        same = {name: b for name, b in result["memory"]["budgets"].items() if name != "default" and b["identical"]}
        if same:
            name, least = min(same.items(), key=lambda item: float(item[1]["peak"]))
            lines.append(
                f"- **Memory**: with `--memory {name}` the whole process stays at {_bytes(least['peak'])}, and the "
                "frames are identical to the last bit."
            )
    note = ["", result["note"]] if result.get("note") else []
    return "\n".join([f"Measured side by side {_where(result)}; [how](docs/benchmarks.md):", "", *lines, *note])


def _machine(result: Result) -> str:
    machine = result["machine"]
    programs = [f"{name} {version}" for name, version in machine["packages"].items() if version]
    if machine["paraview"]:
        programs.append(machine["paraview"].replace("paraview version", "ParaView"))
    small = "\n\nA quick trial with a small stack: these figures say nothing about large ones."
    note = f"\n\n{result['note']}" if result.get("note") else ""
    trial = small if result["quick"] else ""
    return (
        f"Measured on {result['date'][:10]} {_where(result)}, with a load of {result['load'][0]:.1f} before and "
        f"{result['load'][1]:.1f} after; {machine['system']}, Python {machine['python']}, "
        f"{', '.join(programs)}; commit {machine['commit']}; `{result['command']}`.{trial}{note}"
    )


def _where(result: Result) -> str:
    machine = result["machine"]
    kind = "virtual machine" if machine["virtual"] else "machine"
    return f"on a {machine['cores']}-core {machine['processor']} {kind} with {_bytes(machine['memory'])} of memory"


def _conversion(part: Result) -> Iterator[str]:
    yield f"Conversion of {_shape(part)}, page cache warm, {_count(part['rounds'], 'round')} in turn:\n"
    rows = [
        [name, _s(c["min"]), _s(c["median"]), _times(c["ratio"]), _s(c["on_disk"]), _s(c["cpu"]), *map(_bytes, sizes)]
        for name, c in part["commands"].items()
        for sizes in [(c["peak"], c["output"])]
    ]
    yield _table(["command", "min", "median", "÷ stackreel", "on disk", "processor", "peak memory", "output"], rows)


def _frames(part: Result) -> Iterator[str]:
    width, height = part["size"]
    rounds = _count(part["rounds"], "round")
    yield f"Frames at {width} × {height}, unshaded, each saved as PNG, {rounds} of four frames:\n"
    rows = [
        [name, _s(r["first"]), _s(r["frame"]), _times(r["ratio"]), f"{r['psnr']:.1f} dB", _bytes(r["peak"])]
        for name, r in part["renderers"].items()
    ]
    yield _table(["renderer", "first, with opening", "each further", "÷ stackreel", "PSNR", "peak memory"], rows)
    drawn = sorted(s for run in part["renderers"]["stackreel"]["runs"] for s in run["drawn"][1:])
    yield f"\nWithout saving, stackreel's further frames take {_s(drawn[len(drawn) // 2])}."
    peers = [r["ratio"] for name, r in part["renderers"].items() if name.startswith("ParaView")]
    if peers:
        yield f"The faster ParaView mode takes {_times(min(peers))}, the slower {_times(max(peers))} as long."
    if "shaded" in part:
        yield '\nThe same shaded, for information (stackreel: light "studio"; the others: their default shading):\n'
        rows = [
            [name, _s(r["first"]), _s(r["frame"]), _times(r["ratio"]), _bytes(r["peak"])]
            for name, r in part["shaded"]["renderers"].items()
        ]
        yield _table(["renderer", "first, with opening", "each further", "÷ stackreel", "peak memory"], rows)
        yield from _missing(part["shaded"])


def _memory(part: Result) -> Iterator[str]:
    yield f"The same frames at {part['size'][0]} × {part['size'][1]} in less memory:\n"
    rows = [
        [f"`{name}`", _bytes(b["peak"]), _s(b["frame"]), "identical" if b["identical"] else "DIFFERENT"]
        for name, b in part["budgets"].items()
    ]
    yield _table(["--memory", "peak memory of the process", "each further frame", "all frames' floats"], rows)


def _detail(part: Result) -> Iterator[str]:
    width, height = part["size"]
    yield f"Coarser levels and longer steps at {width} × {height}, unshaded, against full resolution:\n"
    rows = [
        [name, *_setting(s), _s(s["frame"]), f"{s['psnr']:.1f} dB", f"{s['ssim']:.4f}"]
        for name, s in part["settings"].items()
    ]
    head = ["setting", "pixels a voxel", "voxels a step", "finest level", "each further frame", "PSNR", "SSIM"]
    yield _table(head, rows)


def _start(part: Result) -> Iterator[str]:
    yield "Until something is there, whole processes, median of five:\n"
    rows = [
        ["`python -c pass`", _s(part["python"])],
        ["`python -c 'import stackreel'`", _s(part["import"])],
        ["`stackreel --help`", _s(part["help"])],
        [f"`stackreel frame`, {_bytes(part['bytes'])} volume in the page cache", _s(part["warm"])],
        ["the same, nothing of the volume in memory", _s(part["cold"])],
    ]
    yield _table(["command", "time"], rows)


def _gpu(part: Result) -> Iterator[str]:
    width, height = part["size"]
    yield f"Frames at {width} × {height} on a graphics card, unshaded, bricks resident, {part['rounds']} rounds:\n"
    rows = [
        [name, r["card"], _s(r["first"]), _s(r["frame"]), _times(r["ratio"])] for name, r in part["renderers"].items()
    ]
    yield _table(["renderer", "card", "until all was drawn once", "each frame", "÷ stackreel"], rows)


def _origin(part: Result) -> Iterator[str]:
    from benchmarks.origin_report import part_of

    yield "The size of the origin's sections, an eighth along rows and columns (docs/origin-size.md):\n"
    yield "\n\n".join(part_of(part))


_PARTS = {
    "conversion": _conversion,
    "frames": _frames,
    "detail": _detail,
    "memory": _memory,
    "start": _start,
    "origin": _origin,
    "gpu": _gpu,
}


def _setting(told: Result) -> list[str]:
    detail = f"{told['detail']:g}" if told["detail"] > 1e-3 else "0"
    return [detail, f"{told['stride']:g}", str(told["level"])]


def _missing(part: Result) -> Iterator[str]:
    for name, why in part.get("missing", {}).items():
        yield f"\nNot measured: {name} ({why})."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    ruler = ["-" * w if k == 0 else "-" * (w - 1) + ":" for k, w in enumerate(widths)]
    lines = [
        [cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths, strict=True))]
        for row in (head, ruler, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _split(figures: Result, ours: str) -> tuple[Result, Result]:
    return figures[ours], {name: f for name, f in figures.items() if name != ours}


def _beside(others: Result) -> str:
    """The others' times as multiples of ours."""
    told = [f"{name} {_times(f['ratio'])}" for name, f in others.items()]
    return f"As multiples of that time: {', '.join(told)}." if told else ""


def _shape(part: Result) -> str:
    z, y, x = part["shape"]
    return f"{z} sections of {y} × {x} ({_bytes(part['bytes'])})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.1f} ×"


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
