"""The command line as a whole: quick help, clear errors, and exit codes that scripts can rely on."""

import argparse
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import stackreel.cli as cli
from stackreel._version import __version__
from stackreel.cli import GROUPS, main, values
from stackreel.errors import MovieFileError

VERBS = [verb for _, verbs in GROUPS for verb in verbs]


def test_help_names_every_verb_in_the_order_of_the_work(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n  {verb} ") for verb in VERBS]
    assert places == sorted(places)
    assert "For example:" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb, capsys):
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"stackreel {verb} " in text.partition("\n\n")[2], "an example of its use"


def test_the_examples_on_the_first_page_are_ones_that_the_verbs_accept():
    for line in cli.EXAMPLE.splitlines():
        name, *arguments = line.split()
        assert name == "stackreel"
        assert cli.parser().parse_args(arguments).run


def test_no_command_at_all_shows_the_help_and_is_wrong_use(capsys):
    assert main([]) == 2
    assert "For example:" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"stackreel {__version__}\n"


@pytest.mark.parametrize("arguments", [["fly"], ["render"], ["frame", "a.yaml", "--at", "noon", "-o", "a.png"]])
def test_wrong_use_is_2(arguments, capsys):
    assert main(arguments) == 2
    assert "error" in capsys.readouterr().err


def test_help_comes_at_once():
    subprocess.run([sys.executable, "-m", "stackreel", "--help"], capture_output=True, check=True)
    spent = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "stackreel", "--help"], capture_output=True, check=True)
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.3


def test_help_loads_nothing_heavy():
    program = (
        "import sys; from stackreel.cli import main; main(['render', '--help']); "
        "print(sorted({'numpy', 'h5py', 'numba', 'pydantic', 'av', 'PIL', 'tqdm'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def run_with(monkeypatch, work):
    """main() with a verb that does `work`."""
    top = SimpleNamespace(parse_args=lambda _: argparse.Namespace(run=lambda _: work()))
    monkeypatch.setattr(cli, "parser", lambda: top)
    return main(["anything"])


def raising(error):
    def work():
        raise error

    return work


def test_what_a_user_can_mend_is_one_line_and_1(monkeypatch, capsys):
    assert run_with(monkeypatch, raising(MovieFileError("flight.yaml: no shots"))) == 1
    assert capsys.readouterr().err == "stackreel: error: flight.yaml: no shots\n"


def test_ctrl_c_is_130_with_a_word(monkeypatch, capsys):
    assert run_with(monkeypatch, raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "stackreel: stopped\n"


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
def test_the_end_of_a_jobs_time_is_a_stop_like_ctrl_c(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert run_with(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGTERM)) == 130
    assert capsys.readouterr().err == "stackreel: stopped\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_defect_shows_where_it_is_and_asks_for_a_report(monkeypatch, capsys):
    assert run_with(monkeypatch, raising(ZeroDivisionError("oh"))) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in said
    assert "report" in said.splitlines()[-1]


def test_a_reader_that_has_seen_enough_is_no_error():
    program = (
        "import sys, argparse, stackreel.cli as cli\n"
        "class Top:\n"
        "    def parse_args(self, a): return argparse.Namespace(run=lambda _: print('x' * 10**7) or 0)\n"
        "cli.parser = Top\n"
        "sys.exit(cli.main(['anything']))"
    )
    command = f'{sys.executable} -c "$PROGRAM" | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env={**os.environ, "PROGRAM": program}, check=True
    )
    assert done.stdout.strip() == "0"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "seconds"), [("3.2s", 3.2), ("3.2", 3.2), ("1:03.5", 63.5), ("0", 0.0), (".5 s", 0.5), ("10:00", 600.0)]
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert values.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1", "1:2:3", "three", "1e3"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"write 3\.2s, 3\.2 or 1:03\.5"):
        values.seconds(text)


@pytest.mark.parametrize(
    ("text", "count"), [("4G", 4 << 30), ("512M", 512 << 20), ("1.5GiB", 3 << 29), ("100k", 102400), ("7", 7)]
)
def test_memory_is_read_as_people_write_it(text, count):
    assert values.byte_count(text) == count


@pytest.mark.parametrize("text", ["", "G", "0", "-4G", "4 elephants"])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="4G or 512M"):
        values.byte_count(text)


def test_ranges_are_half_open_and_may_be_open():
    assert [values.frame_range(t).indices(10)[:2] for t in ("2:5", ":5", "5:", ":")] == [
        (2, 5),
        (0, 5),
        (5, 10),
        (0, 10),
    ]
    for text in ("5", "a:b", "-3:", "1:2:3"):
        with pytest.raises(argparse.ArgumentTypeError, match="range of frames"):
            values.frame_range(text)
