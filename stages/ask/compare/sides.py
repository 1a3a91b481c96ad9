"""The two sides: what a revision, an experiment or the working tree holds, from git and from DVC."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from ruamel.yaml import YAML

from stages.lib import tables
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.table import Table, check
from stages.lib.errors import Problem


class Side(NamedTuple):
    """One version of the project: a commit, or the working tree, which has none."""

    name: str
    commit: str | None

    def text(self, path: str) -> str:
        """Return a file that is in git. Raises Problem when this version has none."""
        try:
            return Path(path).read_text("utf-8") if self.commit is None else _git("show", f"{self.commit}:{path}")
        except (FileNotFoundError, subprocess.CalledProcessError):
            raise Problem(
                f"{self.name} has no {path}", "name a revision in which 'make repro' was run and its metrics committed"
            ) from None

    def metrics(self, stage: str) -> dict[str, Any]:
        """Return metrics/<stage>.json; empty where this version has no such stage."""
        try:
            found: dict[str, Any] = json.loads(self.text(f"metrics/{stage}.json"))
        except Problem:
            return {}
        return found

    def params(self) -> dict[str, Any]:
        """Return params.yaml with dotted keys."""
        return _flat(YAML(typ="safe").load(self.text("params.yaml")))

    def results(self, split: str, system: str) -> pd.DataFrame:
        """Return the QueryResults of one system on one split, by query id."""
        path = f"metrics/queries/{split}.tsv"
        read = pd.read_csv(io.StringIO(self.text(path)), sep="\t", dtype={"first_rank": "int64"})
        frame = check(read, QueryResults, f"{path} of {self.name}")
        found = frame[frame["system"] == system].set_index("query_id")
        if not len(found):
            raise Problem(f"{path} of {self.name} has no rows of the system '{system}'", "see its column 'system'")
        return found

    def table(self, path: str, table: type[Table]) -> pd.DataFrame:
        """Return a table that DVC keeps. Raises Problem when neither the cache nor a remote has it."""
        if self.commit is None:
            return tables.read(Path(path), table)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / Path(path).name
            self.fetch(path, target)
            return tables.read(target, table)

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file or folder that DVC keeps to `target`."""
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException

        try:
            DVCFileSystem(".", rev=self.commit).get(path, str(target), recursive=True)
        except (DvcException, OSError) as error:
            raise Problem(
                f"{self.name} has no {path} in the DVC cache: {error}",
                f"run 'dvc fetch --rev {self.commit}', or 'dvc repro' in a checkout of it",
            ) from None


def side(name: str | None) -> Side:
    """Return the version that `name` means: a git revision or the name of an experiment; None is the working tree.

    Raises Problem when there is none.
    """
    if name is None:
        return Side("the working tree", None)
    for reference in (name, *_experiments(name)):
        try:
            return Side(name, _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").strip())
        except subprocess.CalledProcessError:
            continue
    raise Problem(f"'{name}' is neither a revision nor an experiment", "see 'git log --oneline' and 'dvc exp list'")


def history(path: str) -> list[Side]:
    """Return the commits of this branch that changed `path`, oldest first, by their short names."""
    found = _git("log", "--first-parent", "--reverse", "--format=%h %H", "--", path).splitlines()
    return [Side(*line.split()) for line in found]


def subject(one: Side) -> str:
    """Return the first line of a commit's message; of the working tree, that it is one."""
    return one.name if one.commit is None else _git("show", "-s", "--format=%s", one.commit).strip()


def _experiments(name: str) -> list[str]:
    found = _git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    return [reference for reference in found if reference.rsplit("/", 1)[-1] == name]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True, encoding="utf-8").stdout


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found
