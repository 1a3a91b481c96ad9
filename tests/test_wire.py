"""make wire finds every import and replaces the code dependencies in dvc.yaml, and nothing else."""

import pytest
from typer.testing import CliRunner

from stages.ask.wire import app, closure, rewire


def project(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


SMALL = {
    "stages/__init__.py": '"""Small."""',
    "stages/lib/__init__.py": '"""Lib."""',
    "stages/lib/a.py": "from stages.lib import b",
    "stages/lib/b.py": "x = 1",
    "stages/lib/c.py": "import stages.lib.b",
    "stages/lib/typed.py": "",
}


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("from stages.lib import a", ["a", "b"]),
        ("from stages.lib.b import x", ["b"]),
        ("import stages.lib.c", ["b", "c"]),
        ("def late():\n    from stages.lib.b import x", ["b"]),
        ("from .lib import b", ["b"]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from stages.lib import typed",
            [],
        ),
        (
            "import typing\nif typing.TYPE_CHECKING:\n    import stages.lib.typed\nelse:\n    import stages.lib.b",
            ["b"],
        ),
        ("import json, os.path", []),
    ],
)
def test_imports_are_followed(tmp_path, source, reached):
    project(tmp_path, {**SMALL, "stages/one.py": source})
    assert closure("one", tmp_path) == [
        "stages/one.py",
        *(f"stages/lib/{name}.py" for name in reached),
    ]


def test_a_folder_brings_its_rooms_and_its_other_files(tmp_path):
    rooms = {
        "stages/one/__init__.py": '"""One."""',
        "stages/one/__main__.py": "from stages.one import room",
        "stages/one/room.py": "from . import inner\nfrom ..lib import b",
        "stages/one/inner.py": "",
        "stages/one/page.html": "<p>",
    }
    project(tmp_path, {**SMALL, **rooms})
    own = ["__main__.py", "inner.py", "page.html", "room.py"]
    assert closure("one", tmp_path) == [*(f"stages/one/{name}" for name in own), "stages/lib/b.py"]


DVC = """\
# The pipeline.
stages:
  one:
    desc: >
      Folded,   oddly
      spaced.
    cmd: "python -m stages.one"   # quoted
    deps:
      - data/raw
      # what it runs
      - stages/one.py
      - stages/lib/gone.py
    outs: [data/one/x.parquet]

  two:   # the second
    deps:
      - stages/two.py
      - data/one/x.parquet
    outs:
    - data/two/y.parquet:
        cache: false
  three:
    deps:
      - data/two/y.parquet
"""

WIRED = """\
# The pipeline.
stages:
  one:
    desc: >
      Folded,   oddly
      spaced.
    cmd: "python -m stages.one"   # quoted
    deps:
      - data/raw
      # what it runs
      - stages/one.py
      - stages/lib/a.py
    outs: [data/one/x.parquet]

  two:   # the second
    deps:
      - data/one/x.parquet
      - stages/two.py
    outs:
    - data/two/y.parquet:
        cache: false
  three:
    deps:
      - data/two/y.parquet
      - stages/three.py
"""

WANTED = {
    "one": ["stages/one.py", "stages/lib/a.py"],
    "two": ["stages/two.py"],
    "three": ["stages/three.py"],
}


def test_rewiring_replaces_the_code_and_no_other_byte():
    assert rewire(DVC, WANTED) == WIRED


def test_rewiring_what_is_right_changes_nothing():
    assert rewire(WIRED, WANTED) == WIRED


def wire(root, *arguments):
    return CliRunner().invoke(app, [*arguments, "--dvc-yaml", str(root / "dvc.yaml")])


@pytest.fixture
def root(tmp_path):
    return project(
        tmp_path,
        {
            **SMALL,
            "dvc.yaml": "stages:\n  one:\n    deps:\n      - data/raw\n",
            "stages/one.py": "from stages.lib import b",
        },
    )


def test_check_prints_what_to_paste_and_writes_nothing(root):
    result = wire(root, "--check")
    assert result.exit_code == 1
    assert (
        "  one:\n    deps:\n      - data/raw\n      - stages/one.py\n      - stages/lib/b.py\n"
        in result.stderr
    )
    assert (root / "dvc.yaml").read_text(
        "utf-8"
    ) == "stages:\n  one:\n    deps:\n      - data/raw\n"


def test_after_wiring_the_check_passes(root):
    assert wire(root).exit_code == 0
    assert wire(root, "--check").exit_code == 0


def test_a_stage_without_code_is_named(root):
    (root / "stages/one.py").unlink()
    assert "stage 'one' has no stages/one.py and no stages/one/__main__.py" in wire(root).stderr


def test_dependencies_on_one_line_are_refused(root):
    (root / "dvc.yaml").write_text("stages:\n  one:\n    deps: [data/raw]\n", "utf-8")
    assert "stage 'one' has no 'deps' with a dependency a line" in wire(root).stderr
