"""The two sides: what a revision, an experiment or the working tree holds, from git and from DVC."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as arrow
from pyarrow import parquet
from ruamel.yaml import YAML

from stages.lib.errors import Problem

# What of QueryResults is compared. Other versions may have other columns besides.
METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10")
TRAINED, MODEL = (
    "finetuned",
    "data/finetune/model",
)  # the system that differs from version to version, and where it lies
_EXPERIMENT = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")


class Side(NamedTuple):
    """One version of the project: a commit, or the working tree, which has none."""

    name: str
    commit: str | None

    def text(self, path: str) -> str:
        """Return a file that is in git. Raises Problem when this version has none."""
        try:
            return (
                Path(path).read_text("utf-8")
                if self.commit is None
                else _git("show", f"{self.commit}:{path}")
            )
        except (FileNotFoundError, subprocess.CalledProcessError):
            raise Problem(
                f"{self.name} has no {path}",
                "name a revision in which 'make repro' was run and its metrics committed",
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
        """Return component_id and METRICS of one system on one split, by query id, from its table in git."""
        path = f"metrics/queries/{split}.tsv"
        wanted = ["query_id", "system", "component_id", *METRICS]
        frame = pd.read_csv(
            io.StringIO(self.text(path)), sep="\t", dtype=dict.fromkeys(wanted[:3], "str")
        )
        _need(wanted, list(frame.columns), f"{path} of {self.name}")
        found = (
            frame.loc[frame["system"] == system, wanted]
            .drop(columns="system")
            .set_index("query_id")
        )
        if not len(found):
            raise Problem(
                f"{path} of {self.name} has no rows of the system '{system}'",
                f"its systems are {', '.join(sorted(set(frame['system']))) or 'none'}",
            )
        return found.astype(dict.fromkeys(METRICS, "float64"))

    def table(self, path: str, *columns: str) -> pd.DataFrame:
        """Return `columns` of a table that DVC keeps. Raises Problem when neither the cache nor a remote has it.

        Nothing else is asked of it: another version was written under the contracts of its own time.
        """
        if self.commit is None:
            return _read(Path(path), columns, path)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / Path(path).name
            self.fetch(path, target)
            return _read(target, columns, f"{path} of {self.name}")

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file or folder that DVC keeps to `target`; of the working tree, what lies there."""
        from dvc.exceptions import DvcException

        try:
            _files(str(Path.cwd()), self.commit).get(path, str(target), recursive=True)
        except (DvcException, OSError) as error:
            # That a file is nowhere says it all; that a remote did not answer is worth telling.
            why = (
                ""
                if isinstance(error, FileNotFoundError)
                else f" ({str(error).partition(chr(10))[0]})"
            )
            raise Problem(
                f"{self.name} has no {path} in the DVC cache{why}",
                f"'dvc push' it where it was made and 'dvc fetch --all-commits {path}' here, or check out {self.name}, "
                "run 'dvc repro', and come back",
            ) from None

    def content(self, path: str) -> str | None:
        """Return the hash by which DVC knows the content of an output; None where dvc.lock has none."""
        try:
            stages = YAML(typ="safe").load(self.text("dvc.lock")).get("stages", {})
        except Problem:
            return None
        outs = [out for stage in stages.values() for out in stage.get("outs", [])]
        return next((str(out["md5"]) for out in outs if out["path"] == path and "md5" in out), None)


def side(name: str | None) -> Side:
    """Return the version that `name` means: a git revision or the name of an experiment; None is the working tree.

    Raises Problem when there is none.
    """
    if name is None:
        return Side("the working tree", None)
    for reference in (name, *(str(one.commit) for one, _ in experiments() if one.name == name)):
        try:
            return Side(
                name, _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").strip()
            )
        except subprocess.CalledProcessError:
            continue
    raise Problem(
        f"'{name}' is neither a revision nor an experiment",
        "see 'git log --oneline' and 'dvc exp list'",
    )


def history(path: str) -> list[Side]:
    """Return the commits of this branch that changed `path`, oldest first, by their short names."""
    found = _git("log", "--first-parent", "--reverse", "--format=%h %H", "--", path).splitlines()
    return [Side(*line.split()) for line in found]


def contents(path: str) -> list[tuple[Side, str]]:
    """Return every commit of every branch and experiment that changed `path`, oldest first, with the blob it left."""
    found = _git(
        "log", "--all", "--full-history", "--reverse", "--format=%h %H", "--", path
    ).splitlines()
    told = [Side(*line.split()) for line in found]
    blobs = _batch([f"{one.commit}:{path}" for one in told])
    return [(one, blob) for one, blob in zip(told, blobs, strict=True) if blob]


def blob_of(one: Side, path: str) -> str | None:
    """Return the object that holds a file of `one` in git, or would hold it; None where it has none."""
    if one.commit is None:
        return _git("hash-object", path).strip() if Path(path).is_file() else None
    return _batch([f"{one.commit}:{path}"])[0] or None


def experiments() -> list[tuple[Side, Side]]:
    """Return the experiments of DVC by their names, each with the commit it started from; by that, then by name."""
    found = []
    for line in _git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines():
        reference, commit = line.split()
        # refs/exps/<2 digits>/<38 digits of the commit it started from>/<name>; other refs are DVC's own notes.
        if match := _EXPERIMENT.fullmatch(reference):
            start = match[1] + match[2]
            found.append((Side(match[3], commit), Side(start[:7], start)))
    return sorted(found, key=lambda pair: (str(pair[1].commit), pair[0].name))


def subject(one: Side) -> str:
    """Return the first line of a commit's message; of the working tree, that it is one."""
    return one.name if one.commit is None else _git("show", "-s", "--format=%s", one.commit).strip()


@cache
def _files(folder: str, commit: str | None) -> Any:
    from dvc.api import DVCFileSystem

    return DVCFileSystem(folder, rev=commit)  # opened once: it reads every dvc.yaml of the version


def _read(path: Path, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    try:
        _need(columns, parquet.read_schema(path).names, name)
        frame: pd.DataFrame = parquet.read_table(path, columns=list(columns)).to_pandas()
    except FileNotFoundError:
        raise Problem(
            f"{name} does not exist", "run 'dvc repro' first, or 'dvc checkout'"
        ) from None
    except (arrow.ArrowException, OSError) as error:
        raise Problem(
            f"{name} is not a Parquet file: {str(error).partition(chr(10))[0]}",
            "remove it and run 'dvc repro'",
        ) from None
    return frame


def _need(wanted: Sequence[str], found: Sequence[str], name: str) -> None:
    if missing := [column for column in wanted if column not in found]:
        raise Problem(
            f"{name} has no column {', '.join(missing)}",
            "compare versions whose tables have it, or make them anew",
        )


def _batch(names: list[str]) -> list[str]:
    """Return the object that each name stands for; "" where there is none."""
    asked = "".join(f"{name}\n" for name in names)
    words = ["git", "cat-file", "--batch-check=%(objectname)"]
    done = subprocess.run(
        words, check=True, capture_output=True, text=True, encoding="utf-8", input=asked
    )
    return ["" if line.endswith(" missing") else line for line in done.stdout.splitlines()]


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found.update(
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, dict)
            else {f"{prefix}{key}": value}
        )
    return found
