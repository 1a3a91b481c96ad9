"""Copies of this project with other parameters, in which stages are run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import peers

ROOT = Path(__file__).parent.parent


def copy(folder: Path, changes: Mapping[str, Mapping[str, Any]], given: Sequence[str]) -> None:
    """Make a project in `folder` with parameters changed by section; of this one's data/ it sees the folders `given`.

    It also sees this one's metrics, and its data counts as validated.
    """
    (folder / "data").mkdir(parents=True)
    write_params(folder, changes)
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for name in given:
        (folder / "data" / name).symlink_to(ROOT / "data" / name)
    shutil.copytree(ROOT / "metrics/details", folder / "metrics/details")
    (folder / "data/validate").mkdir(exist_ok=True)
    (folder / "data/validate/verdict.json").write_text('{"passed": true}\n', "utf-8")


def write_params(folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the parameters of this project to a project in `folder`, changed by section."""
    from ruamel.yaml import YAML

    yaml = YAML()
    params = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    for section, values in changes.items():
        params[section].update(values)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def run(folder: Path, stage: str, cache: Path | None = None) -> None:
    """Run a stage in `folder`, in a process of its own, with embeddings kept in `cache`, or where they always are.

    SystemExit with what it said when it fails.
    """
    module = f"stages.{stage}.__main__" if (ROOT / "stages" / stage).is_dir() else f"stages.{stage}"
    code = f"from {module} import main; main(); print('done')"
    environment = {
        "PYTHONPATH": str(ROOT),
        "CI": "1",
        **({"PAIRSMITH_CACHE": str(cache)} if cache else {}),
    }
    peers.last_line([sys.executable, "-c", code], environment, folder)


@contextmanager
def cached_in(folder: Path) -> Iterator[None]:
    """Keep embeddings in `folder` for a while: those of models that are of no use afterwards."""
    before = os.environ.get("PAIRSMITH_CACHE")
    os.environ["PAIRSMITH_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("PAIRSMITH_CACHE")
        if before is not None:
            os.environ["PAIRSMITH_CACHE"] = before
