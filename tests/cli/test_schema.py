import json

from stackreel.cli import main


def test_schema_prints_json_that_an_editor_understands(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert "shots" in schema["properties"]


def test_schema_writes_a_file_but_not_over_one(tmp_path, capsys):
    out = tmp_path / "movie.schema.json"
    assert main(["schema", "-o", str(out)]) == 0
    assert json.loads(out.read_text())["title"].startswith("stackreel movie file")
    assert "yaml-language-server: $schema=" in capsys.readouterr().out
    out.write_text("mine")
    assert main(["schema", "-o", str(out)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["schema", "-o", str(out), "--overwrite"]) == 0
    assert out.read_text() != "mine"
