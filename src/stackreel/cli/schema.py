"""`stackreel schema`: the movie file's JSON Schema, from which editors complete and check."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = """\
Print the JSON Schema of the movie file, with a description and examples of every key. An editor with a YAML
language server completes and checks movie files that begin with the line

    # yaml-language-server: $schema=movie.schema.json"""

EXAMPLES = """\
examples:
  stackreel schema -o movie.schema.json
  stackreel schema | less"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "schema",
        help="the movie file's JSON Schema, for editors that complete and check",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", type=Path, help="the file to write (default: print it)")
    parser.add_argument("--overwrite", action="store_true", help="replace the file when it stands already")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import json

    from stackreel.scene.document import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if args.output is None:
        print(text)
        return 0
    from stackreel.files import check_writable, replacing

    check_writable(args.output, overwrite=args.overwrite)
    with replacing(args.output) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    print(f"{args.output}: the schema of stackreel's movie file, version 1")
    print(f"  next: begin a movie file with `# yaml-language-server: $schema={args.output}`")
    return 0
