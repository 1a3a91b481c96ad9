"""The exported cleaner of queries does what the stage does, without the pipeline."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.clean.__main__ import main
from stages.clean.judged_rules import rule_id
from stages.commands.export.__main__ import app
from stages.commands.export.query_cleaner import required_packages
from stages.lib.core import tables
from stages.lib.schemas.pairs import Pairs

# Run apart from this project: -I ignores the current folder and PYTHONPATH.
SERVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from query_cleaner import clean
print(json.dumps([clean(text) for text in json.loads(sys.stdin.read())]))
assert not [name for name in sys.modules if name.split(".")[0] == "stages"]
"""


@pytest.mark.slow
def test_a_server_cleans_queries_as_the_stage_does(project, tmp_path_factory):
    # A person has said what an ambiguous short form means.
    line = f"{rule_id('abbreviation', 'MS', 'mitral stenosis')},abbreviation,yes,,\n"
    with Path("data/review/edits.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    main()
    Path("pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    folder = tmp_path_factory.mktemp("server") / "out"
    result = CliRunner().invoke(app, ["query-cleaner", str(folder)])
    assert result.exit_code == 0, result.output

    raw = tables.read(Path("data/collect/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    cleaned = tables.read(Path("data/clean/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    asked = [*raw[cleaned.index], "an  ECG of bone", "loud MS"]
    answer = subprocess.run(
        [sys.executable, "-I", "-c", SERVER, str(folder)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=folder.parent,
        check=True,
    )
    assert json.loads(answer.stdout) == [
        *cleaned,
        "an electrocardiogram (ECG) of bone",
        "loud mitral stenosis (MS)",
    ]
    requirements = (folder / "requirements.txt").read_text("utf-8").split()
    assert {line.partition("==")[0] for line in requirements} >= {"ftfy", "pandas", "pydantic"}


def test_only_what_is_imported_and_installed_is_required(tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        "import os\nimport ftfy\nfrom nowhere import x\ndef f():\n    import numpy.linalg\n"
    )
    assert [line.partition("==")[0] for line in required_packages([code])] == ["ftfy", "numpy"]
