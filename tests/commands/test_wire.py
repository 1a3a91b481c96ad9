"""`make wire` finds every import, and writes what stages declare into dvc.yaml, and nothing else."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.pipeline import order
from stages.commands.wire import (
    _check_known,
    app,
    closure,
    code_dependencies,
    entry,
    load_stage,
    rewire,
)
from stages.lib.core.errors import UserError
from stages.lib.core.interface import Details, Metrics, Reads, Stage, TableFile, Writes
from stages.lib.core.params import ParamsSection
from stages.lib.schemas.pairs import Pairs


def project(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


SMALL = {
    "stages/__init__.py": '"""Small."""',
    "stages/lib/__init__.py": '"""Lib."""',
    "stages/lib/core/a.py": "from stages.lib.core import b",
    "stages/lib/core/b.py": "x = 1",
    "stages/lib/text/c.py": "import stages.lib.core.b",
    "stages/lib/text/typed.py": "",
    "stages/lib/schemas/pairs.py": "from stages.lib.schemas import table",
    "stages/lib/schemas/table.py": "",
    "stages/lib/schemas/runs.py": "",
}
CORE_B = "stages/lib/core/b.py"


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("from stages.lib.core import a", ["core/a", "core/b"]),
        ("from stages.lib.core.b import x", ["core/b"]),
        ("import stages.lib.text.c", ["core/b", "text/c"]),
        ("def late():\n    from stages.lib.core.b import x", ["core/b"]),
        ("from ..lib.core import b", ["core/b"]),
        (
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from stages.lib.text import typed",
            [],
        ),
        (
            "import typing\nif typing.TYPE_CHECKING:\n    import stages.lib.text.typed\n"
            "else:\n    import stages.lib.core.b",
            ["core/b"],
        ),
        ("import json, os.path", []),
    ],
)
def test_imports_are_followed(tmp_path, source, reached):
    project(tmp_path, {**SMALL, "stages/one/__main__.py": source})
    expected = {Path("stages/one/__main__.py"), *(Path(f"stages/lib/{p}.py") for p in reached)}
    assert closure("one", tmp_path) == expected


def test_code_is_a_folder_per_package_and_a_file_per_schema(tmp_path):
    source = "from stages.lib.text import c\nfrom stages.lib.schemas import pairs"
    project(tmp_path, {**SMALL, "stages/one/__main__.py": source})
    assert code_dependencies("one", tmp_path) == [
        "stages/one",
        "stages/lib/core",
        "stages/lib/schemas/pairs.py",
        "stages/lib/schemas/table.py",
        "stages/lib/text",
    ]


# ---- the generated keys of a stage


class OneParams(ParamsSection):
    section: ClassVar[str] = "one"
    size: int


class Seed(ParamsSection):
    model_config = {"extra": "ignore"}
    section: ClassVar[str] = "run"
    seed: int


@dataclass(frozen=True)
class Params:
    one: OneParams
    run: Seed


@dataclass(frozen=True)
class Inputs:
    pairs: Annotated[TableFile[Pairs], Reads("data/zero/pairs.parquet", "Pairs.")]
    raw: Annotated[Path, Reads("data/raw", "Files.")]


@dataclass(frozen=True)
class Outputs:
    pairs: Annotated[pd.DataFrame, Writes("data/one/pairs.parquet", "Pairs.", Pairs)]
    plot: Annotated[pd.DataFrame, Writes("metrics/plots/one.tsv", "A plot.")]
    metrics: Annotated[Metrics, Writes("metrics/one.json", "Metrics.")]
    details: Annotated[Details, Writes("metrics/details/one.json", "Details.")]


def run(inputs: Inputs, params: Params) -> Outputs:
    """Do it."""


ENTRY = {
    "deps": ["data/zero/pairs.parquet", "data/raw", "stages/one", "stages/lib/core"],
    "params": [
        "one",
        "run.seed",
        {
            "pyproject.toml": [
                "dependency-groups.tables",
                "dependency-groups.extra",
                "tool.pairsmith.wheels",
            ]
        },
    ],
    "outs": [
        "data/one/pairs.parquet",
        {"metrics/plots/one.tsv": {"cache": False}},
        {"metrics/details/one.json": {"cache": False}},
    ],
    "metrics": [{"metrics/one.json": {"cache": False}}],
}


def test_the_keys_follow_from_the_declaration(tmp_path):
    project(tmp_path, {**SMALL, "stages/one/__main__.py": "from stages.lib.core import b"})
    stage = Stage(run, ("tables",), optional_groups=("extra",), wheels=True)
    assert entry("one", stage, tmp_path) == ENTRY


# ---- dvc.yaml

BEFORE = """\
# The pipeline.
stages:
  # First
  one:
    desc: >
      Folded,   oddly
      spaced.
    cmd: "python -m stages.one"   # quoted
    deps:
      - data/raw
      - stages/gone
    params:
      - one
      - run.seed
      - pyproject.toml:
          - dependency-groups.tables
          - dependency-groups.extra
          - tool.pairsmith.wheels
    outs: [data/one/old.parquet]
    frozen: true

  two:   # the second
    cmd: python -m stages.two
    metrics:
      - metrics/two.json:
          cache: false
plots:
  - x
"""

AFTER = """\
# The pipeline.
stages:
  # First
  one:
    desc: >
      Folded,   oddly
      spaced.
    cmd: "python -m stages.one"   # quoted
    deps:
      - data/zero/pairs.parquet
      - data/raw
      - stages/one
      - stages/lib/core
    params:
      - one
      - run.seed
      - pyproject.toml:
          - dependency-groups.tables
          - dependency-groups.extra
          - tool.pairsmith.wheels
    outs:
      - data/one/pairs.parquet
      - metrics/plots/one.tsv:
          cache: false
      - metrics/details/one.json:
          cache: false
    metrics:
      - metrics/one.json:
          cache: false
    frozen: true

  two:   # the second
    cmd: python -m stages.two
    deps:
      - stages/two
plots:
  - x
"""

ENTRIES = {"one": ENTRY, "two": {"deps": ["stages/two"]}}


def test_rewiring_replaces_what_differs_and_no_other_byte():
    assert rewire(BEFORE, ENTRIES) == AFTER


def test_rewiring_what_is_right_changes_nothing():
    assert rewire(AFTER, ENTRIES) == AFTER


def test_a_stage_without_a_declaration_is_named():
    with pytest.raises(UserError, match=r"stages/lib/__main__.py declares no STAGE"):
        load_stage("lib")


@pytest.mark.slow
def test_check_names_the_file_and_writes_nothing(tmp_path):
    # The real pipeline with one dependency less.
    lines = Path("dvc.yaml").read_text("utf-8").splitlines(keepends=True)
    broken = "".join(line for line in lines if line.strip() != "- data/raw")
    (tmp_path / "dvc.yaml").write_text(broken, "utf-8")
    arguments = ["--dvc-yaml", str(tmp_path / "dvc.yaml")]
    result = CliRunner().invoke(app, ["--check", *arguments])
    assert result.exit_code == 1
    assert "differs from what the stages declare\n  remedy: run 'make wire'" in result.stderr
    assert (tmp_path / "dvc.yaml").read_text("utf-8") == broken

    # After wiring, the check passes, and the file is as in git.
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, ["--check", *arguments]).exit_code == 0
    assert (tmp_path / "dvc.yaml").read_text("utf-8") == "".join(lines)


# ---- files that git does not know


@pytest.fixture
def in_git(tmp_path, monkeypatch):
    """Stand in a small project, all of whose files git knows."""
    files = {
        **SMALL,
        "stages/one/__main__.py": "from stages.lib.text import c\nfrom stages.lib.schemas import pairs",
        "stages/commands/tool.py": "",
        ".gitignore": "secret.py\n",
        ".dvcignore": "__pycache__/\n.*.new.tmp\n",
    }
    project(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], check=True)
    return tmp_path


IMPORTED = "is imported by a stage"
HASHED = "lies in a folder whose hash DVC records"


@pytest.mark.parametrize(
    ("name", "importer", "reason"),
    [
        ("stages/lib/schemas/new.py", "stages/one/__main__.py", IMPORTED),
        ("stages/lib/schemas/new.py", None, None),
        ("stages/lib/text/new.py", "stages/lib/text/c.py", IMPORTED),
        ("stages/lib/text/new.py", None, HASHED),
        ("stages/lib/new.py", "stages/lib/core/b.py", IMPORTED),
        ("stages/one/new.py", "stages/one/__main__.py", IMPORTED),
        ("stages/one/words.txt", None, HASHED),
        ("stages/one/inside/words.txt", None, HASHED),
        ("stages/one/name with\nline", None, HASHED),
        ("stages/one/secret.py", "stages/one/__main__.py", IMPORTED),
        ("stages/one/__main__.py.orig", None, HASHED),
        ("stages/one/__pycache__/new.pyc", None, None),
        ("stages/one/.words.txt.17.new.tmp", None, None),
        ("stages/commands/new.py", None, None),
        ("stages/two/new.py", None, None),
        ("new.py", None, None),
    ],
)
def test_a_file_that_git_does_not_know_is_named(in_git, name, importer, reason):
    _check_known(["one"])
    project(in_git, {name: ""})
    if importer is not None:
        module = name.removesuffix(".py").replace("/", ".")
        (in_git / importer).write_text((in_git / importer).read_text() + f"\nimport {module}")
    if reason is None:
        _check_known(["one"])
        return

    with pytest.raises(UserError) as caught:
        _check_known(["one"])
    assert caught.value.fact == f"git does not know all files of the stages:\n{name} {reason}"
    subprocess.run(["git", "add", "-f", name], check=True)
    _check_known(["one"])


def test_without_git_there_is_nothing_to_compare_with(tmp_path, monkeypatch):
    project(tmp_path, {**SMALL, "stages/one/__main__.py": ""})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    _check_known(["one"])


def test_writing_is_refused_before_the_first_byte(tmp_path, monkeypatch):
    def refuse(names):
        raise UserError("git does not know all files of the stages:", "run 'git add' on them")

    monkeypatch.setattr("stages.commands.wire._check_known", refuse)
    (tmp_path / "dvc.yaml").write_text(BEFORE, "utf-8")
    result = CliRunner().invoke(app, ["--dvc-yaml", str(tmp_path / "dvc.yaml")])
    assert result.exit_code == 1
    assert (tmp_path / "dvc.yaml").read_text("utf-8") == BEFORE


@pytest.mark.slow
def test_json_says_whether_the_file_differs(tmp_path):
    # The real pipeline with one dependency less.
    lines = Path("dvc.yaml").read_text("utf-8").splitlines(keepends=True)
    broken = "".join(line for line in lines if line.strip() != "- data/raw")
    path = tmp_path / "dvc.yaml"
    path.write_text(broken, "utf-8")
    arguments = ["--dvc-yaml", str(path), "--json"]
    result = CliRunner().invoke(app, ["--check", *arguments])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "differs": True,
        "file": str(path),
        "rewritten": False,
        "stages": len(order()),
    }
    assert "differs from what the stages declare" in result.stderr
