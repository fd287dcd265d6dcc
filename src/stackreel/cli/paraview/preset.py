"""`stackreel paraview preset`: a colour map, or a movie's look, as a preset for ParaView's Color Map Editor."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackreel.scene.document import Document
    from stackreel.scene.scene import Scene
    from stackreel.scene.subject import Subject

DESCRIPTION = """\
Write colours as a preset that ParaView imports: a named colour map, or what a movie file begins with, or one of its
looks, with opacities as well."""

EXAMPLES = """\
examples:
  stackreel paraview preset tissue -o tissue.json
  stackreel paraview preset batlow -o batlow.json --range 0 255
  stackreel paraview preset flight.yaml -o opening.json              colours and opacities of the movie's first frame
  stackreel paraview preset "flight.yaml#fibres" -o fibres.json      of its look `fibres`

In ParaView: Color Map Editor > Choose Preset > Import, then tick Colors, Opacities and Use preset range, and Apply."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "preset",
        help="a colour map or a movie's look for ParaView's Color Map Editor",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("colors", metavar="MAP or MOVIE[#LOOK]", help="a colour map's name, or a movie file and a look")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NAME.json", help="the file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the file when it stands already")
    parser.add_argument(
        "--range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="a map's first and last value (default: 0 1)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import StackreelError
    from stackreel.files import check_writable, replacing
    from stackreel.paraview.presets import presets_text

    if args.output.suffix != ".json":
        raise StackreelError(f"{args.output}: ParaView imports presets by their ending; name it {args.output}.json")
    check_writable(args.output, overwrite=args.overwrite)
    movie, _, look = args.colors.partition("#")
    if Path(movie).suffix.lower() in (".yaml", ".yml", ".json") or Path(movie).is_file():
        if args.range:
            raise StackreelError("--range goes with a colour map; a movie file says its ranges itself")
        found, hints = _of_movie(Path(movie), look)
    else:
        found, hints = [_of_map(args.colors, args.range)], []
    with replacing(args.output) as temporary:
        temporary.write_text(presets_text(found), encoding="utf-8", newline="\n")
    print(f"{args.output}: " + ", ".join(_described(preset) for preset in found))
    for hint in hints:
        print(f"  {hint}")
    keep = ", tick Use preset range" if args.range or hints else ""
    print(f"  next: in ParaView, Color Map Editor > Choose Preset > Import > {args.output.name}{keep}, Apply")
    return 0


def _of_map(name: str, ends: list[float] | None) -> dict[str, Any]:
    import math

    from stackreel.errors import StackreelError
    from stackreel.paraview.presets import map_preset

    low, high = ends or (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        raise StackreelError(f"--range {low:g} {high:g}: give two different numbers, the first and the last value")
    try:
        return map_preset(name, (low, high))
    except ValueError as error:
        raise StackreelError(f"{error}; a movie file is named with its ending, as in flight.yaml#look") from None


def _of_movie(path: Path, look: str) -> tuple[list[dict[str, Any]], list[str]]:
    """A preset for each of the movie's layers, and what ParaView has to be told besides."""
    from stackreel.movie.subject import subject_of
    from stackreel.paraview.presets import look_preset
    from stackreel.scene.document import load
    from stackreel.volume import open_registered

    document = load(path)
    subject = subject_of(open_registered(document.volumes))
    scene = _scene(document, subject, look)
    presets, hints = [], []
    for transfer in scene.layers:
        seen = subject.channel(transfer.color_channel)
        name = " ".join(part for part in (path.stem, look, transfer.color_channel) if part)
        presets.append(look_preset(name, transfer, seen.color_range))
        hints.append(f'"{name}": set Scalar Opacity Unit Distance to {transfer.opacity_unit:.6g}')
        if transfer.channel != transfer.color_channel:
            hints.append(
                f'"{name}": its opacities are for the values of {transfer.channel}, which ParaView keeps apart'
            )
        if transfer.mask or transfer.brightness:
            hints.append(f'"{name}": what another channel dims or hides is not in it; ParaView has no such thing')
    return presets, hints


def _scene(document: Document, subject: Subject, look: str) -> Scene:
    """What the movie begins with, or that look laid over it."""
    from stackreel.errors import MovieFileError
    from stackreel.scene.document import from_data

    if not look:
        return document.timeline(subject).at(0.0)
    looks = document.spec.looks
    if look not in looks:
        known = f"its looks are {', '.join(looks)}" if looks else "it has none; leave #… out for what it begins with"
        raise MovieFileError(f'{document.name}: there is no look "{look}"; {known}')
    shown = {**document.to_data(), "shots": [{"seconds": 1, "look": look}]}
    return from_data(shown, document.name, document.folder).timeline(subject).shots[-1].closing


def _described(preset: dict[str, Any]) -> str:
    colors = len(preset["RGBPoints"]) // 4
    opacities = f" and {len(preset['Points']) // 4} opacities" if "Points" in preset else ""
    ends = f"{preset['RGBPoints'][0]:g} to {preset['RGBPoints'][-4]:g}"
    return f'"{preset["Name"]}", {colors} colours{opacities} over {ends}'
