"""What the pipeline consists of: the order of its stages, and what dvc.yaml says of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stages

DVC_YAML = Path("dvc.yaml")
CODE = "stages/"
# The files that hold settings. A stage may also take a result, a value of another file, as a
# parameter.
SETTINGS = ("params.yaml", "pyproject.toml")


@dataclass(frozen=True)
class StageEntry:
    """One stage of dvc.yaml; paths as they are written there, in their order."""

    name: str
    desc: str
    cmd: str
    deps: list[str]
    params: dict[str, list[str]]
    outs: list[str]
    metrics: list[str]
    plots: list[str]

    @property
    def data_deps(self) -> list[str]:
        """What the stage reads that is not code."""
        return [path for path in self.deps if not path.startswith(CODE)]

    @property
    def code_deps(self) -> list[str]:
        """The code that the stage depends on."""
        return [path for path in self.deps if path.startswith(CODE)]

    @property
    def reads(self) -> list[str]:
        """Every file that the stage reads: its data, and results that it takes as parameters."""
        return [*self.data_deps, *(file for file in self.params if file not in SETTINGS)]

    @property
    def written(self) -> list[str]:
        """Everything that the stage writes."""
        return [*self.outs, *self.metrics, *self.plots]


def order() -> list[str]:
    """Return the names of the stages in pipeline order.

    The docstring of the package `stages` lists them in this order.
    """
    lines = (stages.__doc__ or "").splitlines()[1:]
    return [line.split()[0] for line in lines if " -> " in line]


def read_pipeline(path: Path = DVC_YAML) -> dict[str, StageEntry]:
    """Return the stages of `path` by name, in the order of the file."""
    from stages.lib.core.yaml_files import read_yaml

    return {name: _stage(name, entry) for name, entry in read_yaml(path).get("stages", {}).items()}


def entry_file(name: str, root: Path = Path()) -> Path:
    """Return the path of the file that `python -m stages.<name>` runs.

    It is stages/<name>.py, or __main__.py of the folder stages/<name>/.
    """
    folder = root / CODE / name
    return folder / "__main__.py" if folder.is_dir() else folder.with_suffix(".py")


def _stage(name: str, entry: dict[str, Any]) -> StageEntry:
    params: dict[str, list[str]] = {}
    for item in entry.get("params", []):
        for file, keys in item.items() if isinstance(item, dict) else [("params.yaml", [item])]:
            params.setdefault(file, []).extend(keys)
    deps, outs, metrics, plots = (
        _paths(entry.get(key, [])) for key in ("deps", "outs", "metrics", "plots")
    )
    desc = " ".join(str(entry.get("desc", "")).split())
    return StageEntry(name, desc, str(entry.get("cmd", "")), deps, params, outs, metrics, plots)


def _paths(items: list[Any]) -> list[str]:
    # An output with settings, such as `cache: false`, is a mapping of one key.
    return [str(next(iter(item)) if isinstance(item, dict) else item) for item in items]
