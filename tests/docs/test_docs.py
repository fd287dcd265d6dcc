"""What README and docs show works: every movie file and every Python example in them is tried."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from stackreel.cli import GROUPS, main
from stackreel.geometry import Box, Spacing
from stackreel.scene import Subject
from stackreel.scene.document import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
KINDS = {"direction": "axial", "regions": "label"}
"""What the docs' movies call channels that are no intensities."""
SUBJECT = Subject(Box((-0.5, -0.45, -0.25), (0.5, 0.45, 0.25)), um_per_unit=40_000.0)


def blocks(language):
    for page in PAGES:
        for i, text in enumerate(re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)):
            yield pytest.param(text, id=f"{page.name}-{i}")


@pytest.mark.parametrize("text", list(blocks("yaml")))
def test_every_movie_file_in_the_docs_is_a_movie(text):
    said = yaml.safe_load(text)
    whole = {"stackreel": 1, "volume": "brain.h5", "shots": [{"seconds": 1}], **said}
    names = whole["volume"] if isinstance(whole["volume"], dict) else {}
    each = [(n, replace(SUBJECT, kind=KINDS.get(n, "intensity"), period=256.0, background=0.0)) for n in names]
    timeline = parse(yaml.safe_dump(whole, allow_unicode=True), "docs.yaml", ROOT).timeline(
        replace(SUBJECT, channels=tuple(each))
    )
    assert timeline.at(timeline.seconds) is not None


def test_the_demo_is_ten_seconds_of_1280_by_720():
    timeline = parse((ROOT / "examples" / "demo.yaml").read_text("utf-8"), "demo.yaml", ROOT).timeline(SUBJECT)
    assert (timeline.seconds, timeline.size) == (10.0, (1280, 720))


def test_every_python_example_in_the_docs_runs(tmp_path, monkeypatch):
    """In the order in which they stand in a page, in a folder with sections and the volume made of them."""
    import tifffile

    monkeypatch.chdir(tmp_path)
    Path("sections").mkdir()
    ramp = np.linspace(0, 255, 72 * 96).reshape(72, 96).astype(np.uint8)
    for z in range(120):
        tifffile.imwrite(f"sections/s{z:03d}.tif", np.roll(ramp, z, axis=1))
    assert main(["convert", "sections", "brain.h5", "--spacing", "167um", "55.6um", "55.6um"]) == 0
    ran = 0
    for block in blocks("python"):
        (text,) = block.values
        if "paraview" not in text:  # that one needs ParaView's own Python; it is tried in tests/paraview
            exec(compile(text, block.id, "exec"), {})
            ran += 1
    assert ran >= 5
    assert Path("flight.yaml").exists()
    assert Path("other.h5").exists()


def test_the_docs_name_no_verb_that_is_not_there():
    known = {verb for _, verbs in GROUPS for verb in verbs}
    for page in PAGES:
        named = set(re.findall(r"^\$ stackreel (\w+)", page.read_text("utf-8"), re.M))
        assert named <= known, f"{page.name}: {named - known}"


def test_links_between_pages_lead_somewhere():
    pages = [*PAGES, *(ROOT / "docs" / "decisions").glob("*.md"), ROOT / "CONTRIBUTING.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"


def test_spacing_in_the_docs_is_spacing():
    for page in PAGES:
        for said in re.findall(r"--spacing ((?:\S+ ){2}\S+)", page.read_text("utf-8")):
            values = said.replace("`", "").split()
            assert Spacing.parse(values).z > 0


def test_the_reference_shows_every_part_of_the_movie_file_and_every_command():
    spec = importlib.util.spec_from_file_location("mkdocs_hooks", ROOT / "tools" / "mkdocs_hooks.py")
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    keys = hooks.movie_file_keys()  # ends with the names of parts that it does not show
    for key in ("`slices (in scene)`", "`channels: <name>`", "`iso: {…}`", "`shots`"):
        assert f"### {key}" in keys
    assert "stackreel plan" in hooks.command_line()
