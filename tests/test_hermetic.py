"""A stage reads what it declares and nothing else, and writes what it declares and nothing else.

Proved by running it in a folder that holds its declared dependencies, its declared parameters and
nothing more: what it reads besides is not there, natively read Parquet included.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.commands.pipeline import read_pipeline
from stages.lib.core.yaml_files import read_yaml

# Training takes minutes; its imports and paths are covered by test_wiring.
STAGES = [
    stage
    for stage in read_pipeline().values()
    if "dependency-groups.train" not in stage.params["pyproject.toml"]
]


def copy(path, source, target):
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    if (source / path).is_dir():
        shutil.copytree(source / path, target / path)
    else:
        shutil.copyfile(source / path, target / path)


def only_declared(stage, project, alone):
    """Make `alone` a project that holds what `stage` declares and nothing more."""
    for path in stage.deps:
        copy(path, project, alone)
    for package in {parent for path in stage.code_deps for parent in Path(path).parents} - {Path()}:
        if (project / package / "__init__.py").is_file():  # docstrings only, see test_wiring
            copy(package / "__init__.py", project, alone)
    declared = [key.split(".") for key in stage.params.get("params.yaml", [])]
    sections = {keys[0]: read_yaml(project / "params.yaml")[keys[0]] for keys in declared}
    YAML(pure=True).dump(sections, alone / "params.yaml")
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    keys = stage.params["pyproject.toml"]
    lines = ["[dependency-groups]"]
    for group in (
        key.removeprefix("dependency-groups.")
        for key in keys
        if key.startswith("dependency-groups.")
    ):
        lines.append(f"{group} = {settings['dependency-groups'][group]!r}")
    if "tool.pairsmith.wheels" in keys:
        for name, pin in settings["tool"]["pairsmith"]["wheels"].items():
            lines += [
                f"[tool.pairsmith.wheels.{name}]",
                *(f"{key} = {value!r}" for key, value in pin.items()),
            ]
    (alone / "pyproject.toml").write_text("\n".join(lines) + "\n", "utf-8")


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def run(stage, folder, outside):
    """Run `stage` in `folder`, its home, cache and temporary folder each an own folder under `outside`."""
    places = {name: str(outside / name) for name in ("HOME", "TMPDIR", "PAIRSMITH_CACHE")}
    for place in places.values():
        Path(place).mkdir(parents=True)
    environment = {
        **os.environ,
        **places,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "",
        "CI": "1",
    }
    environment.pop("XDG_CACHE_HOME", None)
    command = [sys.executable, "-m", f"stages.{stage.name}"]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES, ids=[stage.name for stage in STAGES])
def test_a_stage_needs_what_it_declares_and_writes_what_it_declares(stage, tiny_project, tmp_path):
    alone, outside = tmp_path / "alone", tmp_path / "outside"
    alone.mkdir()
    only_declared(stage, tiny_project, alone)
    before = contents(alone)
    result = run(stage, alone, outside)
    assert result.returncode == 0, result.stderr[-2000:]

    after = contents(alone)
    assert {path: after.get(path) for path in before} == before, (
        "a stage never touches what it reads"
    )
    new = set(after) - set(before)
    # What TensorBoard shows lies in runs/, outside git and DVC.
    written = [*stage.written, "runs"]
    undeclared = {
        path
        for path in new
        if not any(path == out or path.startswith(f"{out}/") for out in written)
    }
    assert undeclared == set()
    assert [out for out in stage.written if not (alone / out).exists()] == []

    # Alone it makes the same bytes as in the whole project: nothing undeclared decides anything.
    whole = contents(tiny_project)
    assert {path: after[path] for path in new} == {path: whole[path] for path in new}

    assert contents(outside / "TMPDIR") == {}, "temporary files are taken away"
    assert [path for path in contents(outside / "HOME") if not path.startswith(".cache/")] == []
