"""`stackreel verify`: is a volume still what was written, does it hold what the slices hold, and make it so."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli import converting
from stackreel.cli.lacking import add_missing_options
from stackreel.cli.options import announce_compiling, note
from stackreel.cli.start import loading

if TYPE_CHECKING:
    from stackreel.slices.source import SliceSource
    from stackreel.volume.against import Comparison, Rows
    from stackreel.volume.damage import BadChunk, Range, Report
    from stackreel.volume.ledger import Ledger
    from stackreel.volume.repair import Mended

DESCRIPTION = """\
Check every byte of a volume against the hashes that were kept when it was made, and say which sections,
rows and columns show what is damaged. All numbers count from 0.

The exit code is 0 for a volume that is whole (and, with --against, the same as the slices), 1 for any other."""

EXAMPLES = """\
examples:
  stackreel verify brain.h5                          as fast as the disk; nothing else is needed
  stackreel verify brain.h5 --against sections/      every sample against the slices
  stackreel verify brain.h5 --repair sections/       mend what is damaged, and nothing else
  stackreel verify brain.h5 --json | jq .damaged     for programs; ranges there are first and last + 1"""

MOST_LINES = 20


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "verify",
        help="is every byte of a volume as it was written, and as in the slices; mend what is not",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="a volume made by `stackreel convert`: brain.h5, brain.ome.zarr")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--against", metavar="SRC", help="compare every sample with the slices, as convert took them")
    either.add_argument("--repair", metavar="SRC", help="mend what is damaged, from the slices that it was made of")
    parser.add_argument("--json", action="store_true", help="for programs: what was found, as JSON")
    converting.add_part_options(parser)
    group = parser.add_argument_group("of the slices, as for convert")
    group.add_argument("--to", choices=("uint8", "uint16"), help=argparse.SUPPRESS)
    group.add_argument(
        "--window",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="the values that became 0 and the largest (default: those that the volume was made with)",
    )
    group.add_argument("--raw-values", action="store_true", help="of NIfTI with a slope: the stored numbers")
    group.add_argument("--weights", metavar="SRC", help="of axial data that were converted with weights; for --repair")
    converting.add_raw_options(parser)
    add_missing_options(parser)
    converting.add_threads_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import json
    import time

    with loading():
        from stackreel.volume.shardledger import read_any_ledger
        from stackreel.volume.verify import verify

    if args.repair and args.file.exists():
        _resume(args)
    started = time.perf_counter()
    with _bar("verifying") as (begin, progress):
        report = verify(args.file, threads=args.threads, begin=lambda total: begin(total, "B"), progress=progress)
    seconds = time.perf_counter() - started
    found: dict[str, Any] = facts(report)
    say = (lambda _: None) if args.json else print
    say(describe(report, seconds))
    whole = report.whole
    ledger = read_any_ledger(args.file)
    if args.against and ledger is not None:
        comparison = _compare(args, ledger)
        say(describe_comparison(comparison, args.against))
        found["against"] = comparison_facts(comparison)
        whole = whole and comparison.same
    elif args.repair and not whole:
        mended = _repair(args, ledger, report)
        say(describe_mended(mended, args.file))
        found["repair"] = {"chunks": mended.chunks, "anew": mended.anew, "whole": mended.report.whole}
        whole = mended.report.whole
    elif not whole and not args.json:
        print(_next(args.file, report))
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0 if whole else 1


def _resume(args: argparse.Namespace) -> None:
    """Take back what a repair that was stopped had done; the slices are looked at before anything is written."""
    from contextlib import closing

    from stackreel.volume.against import check_fits
    from stackreel.volume.repair import resume
    from stackreel.volume.undo import stopped_ledger

    ledger = stopped_ledger(args.file)
    if ledger is not None:
        with closing(_open(args, args.repair, ledger)) as source:
            check_fits(args.file, ledger, source)
    found = resume(args.file)
    if found == "taken back":
        note("an earlier repair was stopped in the middle; what it had done to the index is taken back")
    elif found == "dropped" and args.file.is_file():
        note(
            f"{args.file}.undo was of a repair of another file that stood here before; it is removed, and nothing was "
            "written"
        )


def _compare(args: argparse.Namespace, ledger: Ledger) -> Comparison:
    from contextlib import closing

    from stackreel.volume.against import check_fits, compare

    with closing(_open(args, args.against, ledger)) as source, _bar("comparing") as (begin, progress):
        check_fits(args.file, ledger, source)
        begin(source.shape[0] * source.shape[1] * source.shape[2] * source.dtype.itemsize, "B")
        return compare(args.file, ledger, source, threads=args.threads, progress=progress)


def _repair(args: argparse.Namespace, ledger: Ledger | None, report: Report) -> Mended:
    from contextlib import ExitStack, closing

    from stackreel.errors import VolumeError
    from stackreel.paraview.vtkhdf import write_vtkhdf
    from stackreel.volume.repair import lost, repair

    if ledger is None:
        raise VolumeError(lost(args.file))
    announce_compiling()
    with ExitStack() as open_:
        source = open_.enter_context(closing(_open(args, args.repair, ledger)))
        weights = converting.open_weights(args)
        if weights is not None:
            open_.enter_context(closing(weights))
        begin, progress = open_.enter_context(_bar("repairing"))
        return repair(
            args.file,
            source,
            weights=weights,
            report=report,
            threads=args.threads,
            begin=begin,
            progress=progress,
            finish=write_vtkhdf,
        )


def _open(args: argparse.Namespace, src: str, ledger: Ledger) -> SliceSource:
    """The slices, read as the volume was made of them, as far as it says so itself."""
    from stackreel.slices.mapped import mapped

    args.source = src
    for key in ("kind", "period", "background"):
        setattr(args, key, ledger.settings["reduction"][key])
    window, to, words = args.window, args.to, ledger.provenance
    if window is None and "window_low" in words:
        window = (float(words["window_low"]), float(words["window_high"]))
    if window is not None and to is None:
        to = ledger.dtype.name
    return mapped(converting.open_source(args), window, to, kind=args.kind)


@contextmanager
def _bar(doing: str) -> Iterator[tuple[Callable[[int, str], None], Callable[[int], object]]]:
    """A bar of progress on stderr that learns how much there is once that is known."""
    from tqdm import tqdm

    bars: list[Any] = []

    def begin(total: int, unit: str) -> None:
        word = unit if unit == "B" else f" {unit}s"
        bars.append(tqdm(total=total, unit=word, unit_scale=unit == "B", desc=doing, smoothing=0.1))

    def progress(done: int) -> None:
        if bars:
            bars[-1].update(done)

    try:
        yield begin, progress
    finally:
        for bar in bars:
            bar.close()


def facts(report: Report) -> dict[str, Any]:
    """What was found as plain values, for JSON. Chunks are (z, y, x), ranges first and last + 1."""
    return {
        "path": str(report.path),
        "whole": report.whole,
        "size": report.size,
        "expected_size": report.expected,
        "metadata_whole": report.metadata,
        "sealed": report.sealed,
        "hashed": report.hashed,
        "stopped_repair": report.stopped,
        "linked": report.linked,
        "strangers": list(report.strangers),
        "index": list(report.index),
        "chunks": report.chunks,
        "stored_bytes": report.stored,
        "damaged": [
            {
                "dataset": one.where,
                "level": one.level,
                "resultants": one.resultants,
                "chunk": list(one.place),
                "why": one.why,
                **{key: list(span) for key, span in zip(("sections", "rows", "columns"), one.box, strict=True)},
            }
            for one in report.bad
        ],
    }


def describe(report: Report, seconds: float | None = None) -> str:
    """What was found, in words."""
    from stackreel.files import format_bytes

    took = "" if seconds is None else f" in {seconds:.1f} s, {report.samples / 1e6 / max(seconds, 1e-9):,.0f} MB/s"
    checked = (
        f"{report.chunks:,} chunks ({format_bytes(report.samples)} of samples in {format_bytes(report.stored)}) and "
        f"all that lies around them checked{took}"
    )
    if report.whole:
        linked = (
            ["  the full resolution is not in it but in the slices' own files: --against SRC checks these"]
            if report.linked
            else []
        )
        return "\n".join([f"{report.path}: whole; {checked}", *linked, *_strangers(report)])
    lines = [f"{report.path}: DAMAGED; {checked}" if report.hashed else f"{report.path}: DAMAGED"]
    lines += [f"  {text}" for text in _about_file(report)]
    for key in sorted({(one.level, one.resultants) for one in report.bad}):
        lines += _about_level([one for one in report.bad if (one.level, one.resultants) == key])
    return "\n".join([*lines, *_strangers(report)])


def _strangers(report: Report) -> list[str]:
    """What lies in a folder besides the volume, in a line."""
    if not report.strangers:
        return []
    some = ", ".join(report.strangers[:3]) + (", …" if report.strangers[3:] else "")
    return [f"  not of the volume, and doing it no harm: {converting.count(len(report.strangers), 'file')} ({some})"]


def _about_file(report: Report) -> list[str]:
    lines = []
    if report.stopped:
        lines.append("a repair was stopped in the middle; --repair goes on with it")
    if report.missing:
        lines.append(
            f"{report.size:,} bytes long, and {report.expected:,} by its own superblock: {report.missing:,} bytes are "
            f"missing at the end{'' if not report.sealed and report.hashed else ', HDF5 refuses to open it'}"
        )
    if not report.hashed:
        lines += [*report.index, "its hashes are lost: what is left cannot be checked"]
        return lines
    if not report.sealed:
        what = "the files around the shards" if report.folder else "the bytes around the chunks"
        index = "OME's pages" if report.folder else "HDF5's index"
        lines.append(
            f"{what} are not what was written: {index}, statistics, attributes or hashes; "
            "do not trust these, and programs may fail to open it"
        )
    said = "" if report.folder else "HDF5's own index is not what was written: "
    lines += [f"{said}{text}" for text in report.index]
    if not report.bad and not report.index:
        lines.append("all samples are as they were written")
    return lines


def _about_level(bad: Sequence[BadChunk]) -> list[str]:
    """Which part of the brain the damaged chunks of a level show."""
    from stackreel.volume.damage import parts

    level = "full resolution" if bad[0].level == 0 else f"level {bad[0].level}"
    what = f"{level}, how far directions agree" if bad[0].resultants else level
    why = sorted({str(one.why) for one in bad})
    lines = [f"  {what}: {converting.count(len(bad), 'chunk')} damaged ({', '.join(why)})"]
    found = parts(bad)
    for part in found[:MOST_LINES]:
        z, y, x = (_span(span) for span in part.box)
        chunks = f"   ({converting.count(part.chunks, 'chunk')})" if len(found) > 1 else ""
        lines.append(f"    sections {z}, rows {y}, columns {x}{chunks}")
    if len(found) > MOST_LINES:
        lines.append(f"    and {len(found) - MOST_LINES} more such parts; --json lists every chunk")
    return lines


def comparison_facts(found: Comparison) -> dict[str, Any]:
    def rows(many: Sequence[Rows]) -> list[dict[str, Any]]:
        return [{"slice": one.slice, "rows": list(one.rows)} for one in many]

    return {
        "same": found.same,
        "changed_slices": rows(found.changed),
        "differ": rows(found.differ),
        "damaged_chunks": found.damaged,
        "other_dates": [str(path) for path in found.redated],
    }


def describe_comparison(found: Comparison, src: str) -> str:
    """How volume and slices differ, in words."""
    lines = []
    if found.same:
        lines.append(f"{src}: every sample is the same")
    if found.changed:
        lines.append(f"{src}: not what was converted in {_slices(found.changed)}:")
        lines += _listed(found.changed)
    if found.differ:
        lines.append(f"volume and slices hold other samples in {_slices(found.differ)}:")
        lines += _listed(found.differ)
        if not found.changed:
            lines.append("  the slices are what was converted, so it is the volume that is wrong: convert them again")
    if found.damaged:
        if not found.changed and not found.differ:
            lines.append(f"{src}: what could be compared is the same")
        lines.append(f"{converting.count(found.damaged, 'damaged chunk')} could not be compared")
    if found.redated:
        number = converting.count(len(found.redated), "file")
        lines.append(
            f"note: {number} ({found.redated[0].name}{', …' if found.redated[1:] else ''}) changed date since the "
            "conversion, and nothing else"
        )
    return "\n".join(lines)


def _slices(many: Sequence[Rows]) -> str:
    return converting.count(len({one.slice for one in many}), "slice")


def _listed(many: Sequence[Rows]) -> list[str]:
    """Rows by slice; slices that follow each other with the same rows as one line."""
    runs: list[tuple[int, int, tuple[Range, ...]]] = []
    for z in sorted({one.slice for one in many}):
        rows = tuple(one.rows for one in many if one.slice == z)
        if runs and runs[-1][1] == z and runs[-1][2] == rows:
            runs[-1] = (runs[-1][0], z + 1, rows)
        else:
            runs.append((z, z + 1, rows))
    lines = []
    for first, last, rows in runs[:MOST_LINES]:
        some = ", ".join(_span(span) for span in rows[:6]) + (" …" if rows[6:] else "")
        lines.append(f"  {'slice' if last - first == 1 else 'slices'} {_span((first, last))}, rows {some}")
    if len(runs) > MOST_LINES:
        lines.append(f"  and {len(runs) - MOST_LINES} more such lines; --json lists all")
    return lines


def describe_mended(mended: Mended, path: Path) -> str:
    done = "converted anew" if mended.anew else f"{converting.count(mended.chunks, 'chunk')} mended"
    if mended.report.whole:
        return f"{path}: {done}; every byte has been checked since, it is whole"
    return f"{path}: {done}, and still damaged; is the disk all right?\n{describe(mended.report)}"


def _next(path: Path, report: Report) -> str:
    import shlex

    file = shlex.quote(str(path))
    if not report.hashed and not report.stopped:
        return f"next: stackreel convert SLICES {file} --overwrite    with the options of then"
    return f"next: stackreel verify {file} --repair SLICES    with the slices, and the options about them, of then"


def _span(span: Range) -> str:
    return str(span[0]) if span[1] - span[0] == 1 else f"{span[0]} to {span[1] - 1}"
