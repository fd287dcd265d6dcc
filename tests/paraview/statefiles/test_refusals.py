"""What cannot be read is refused, with the place and the way out, and before it can do harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.statefiles import read_state_file

from .test_pvsm import STATE

Written = Callable[[str, "str | bytes"], Path]

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><ParaView>&i;</ParaView>"
)
SECRETS = (
    '<!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/passwd">]><ParaView><ServerManagerState version="&s;"/></ParaView>'
)
FAR = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><ParaView/>'


@pytest.mark.parametrize("text", [LAUGHS, SECRETS, FAR], ids=["billion laughs", "external entity", "external DTD"])
def test_xml_that_declares_entities_is_refused_at_once(written: Written, text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ParaViewError, match=r"bad.pvsm, line 1: declares a document type"):
        read_state_file(written("bad.pvsm", text))
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("   \n", "is empty"),
        ("from paraview.simple import *\n", "is neither XML nor JSON"),
        (b"\x89HDF\r\n\x1a\n" + bytes(range(256)), "is neither XML nor JSON"),
        ("<html><body/></html>", "root <html>, but holds no ParaView state"),
        ("<ParaView></ServerManagerState>", r"line 1, column 13: not XML as ParaView writes it \(mismatched tag\)"),
        ("<ParaView><ServerManagerState version='5.11.0'/></ParaView>", "holds no ParaView state"),
        ("<a>" * 2000 + "</a>" * 2000, "nested deeper"),
        ('<?xml version="1.0" encoding="klingon"?><ParaView/>', "klingon"),
        ("[" * 100_000, "breaks off|not JSON"),
        ('[{"Name": "x", "RGBPoints": [0, 1', "line 1: the file breaks off there"),
        ("[\n{'Name': 1}]", "line 2, column 2: not JSON"),
        ("12 13\n", "holds numbers, but is no volume property"),
        ("[1" + "0" * 10_000 + "]", "not JSON|no colour map"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_reason(written: Written, text: str | bytes, said: str) -> None:
    with pytest.raises(ParaViewError, match=said):
        read_state_file(written("odd.file", text))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_state_that_breaks_off_is_not_taken_for_a_whole_one(written: Written, share: float) -> None:
    with pytest.raises(ParaViewError, match=r"half.pvsm, line \d+: the file breaks off there"):
        read_state_file(written("half.pvsm", STATE[: int(len(STATE.rstrip()) * share)]))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParaViewError, match=r"none.pvsm: there is no such file"):
        read_state_file(tmp_path / "none.pvsm")
    with pytest.raises(ParaViewError, match="is a folder"):
        read_state_file(tmp_path)


@pytest.mark.parametrize("text", ['"' * 200_001, "/*" * 100_000, "[" + ", " * 100_000, '["\\' * 50_000])
def test_odd_json_does_not_take_long(written: Written, text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ParaViewError):
        read_state_file(written("odd.json", "[" + text))
    assert time.monotonic() - begun < 5.0
