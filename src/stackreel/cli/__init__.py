"""The command line: one verb for each step of the way from a stack to a movie."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence

from stackreel._version import __version__
from stackreel.cli.options import announce_compiling
from stackreel.cli.start import end_at_once, loading
from stackreel.errors import StackreelError

# in the order of the work
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("From the microscope to a volume", ("phantom", "convert", "link", "info", "verify", "xdmf", "export")),
    ("From a volume to a movie", ("new", "frame", "sheet", "plan", "render", "schema")),
    ("With ParaView", ("paraview", "doctor")),
)

EXAMPLE = """\
stackreel convert sections/ brain.h5 --spacing 60um 1.3um 1.3um
stackreel new brain.h5 -o flight.yaml
stackreel render flight.yaml -o flight.mp4 --draft"""


class _Main(argparse.ArgumentParser):
    """The top of the command line; its help shows the verbs in groups."""

    summaries: dict[str, str]

    def format_help(self) -> str:
        lines = [
            f"usage: {self.prog} <verb> …     ({self.prog} <verb> --help tells more)",
            "",
            "From a stack of brain sections to a movie, however large the stack.",
        ]
        for title, verbs in GROUPS:
            lines += ["", f"{title}:"]
            for verb in verbs:
                lines += textwrap.wrap(
                    self.summaries[verb], 96, initial_indent=f"  {verb:<10}", subsequent_indent=" " * 12
                )
        lines += ["", "For example:", textwrap.indent(EXAMPLE, "  "), ""]
        lines += ["Options:", "  -h, --help  this text", "  --version   the version", ""]
        return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line. Light: a verb imports what it needs when it runs."""
    top = _Main(prog="stackreel")
    top.add_argument("--version", action="version", version=f"stackreel {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="<verb>", required=True, parser_class=argparse.ArgumentParser)
    for _, names in GROUPS:
        for name in names:
            importlib.import_module(f"stackreel.cli.{name}").add(verbs)
    top.summaries = {choice.dest: choice.help or "" for choice in verbs._choices_actions}
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C or SIGTERM."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    top = parser()
    if not arguments:
        print(top.format_help())
        return 2
    try:
        args = top.parse_args(arguments)
    except SystemExit as end:  # argparse has said what it had to say
        return end.code if isinstance(end.code, int) else 2
    try:
        if getattr(args, "compiles", False):
            end_at_once()
            with loading():
                announce_compiling()
        with _sigterm_as_ctrl_c():
            code: int = args.run(args)
        sys.stdout.flush()
        return code
    except StackreelError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt as stop:
        _say(str(stop) or "stopped")
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        _say("this is a defect in stackreel, not in what you asked; please report it with the lines above")
        return 1


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Job schedulers end what runs too long with SIGTERM: it stops a command as tidily as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    print(f"stackreel: {text}", file=sys.stderr)
