"""Read versions of the project: a git revision, a DVC experiment, or the working tree."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as arrow
from pyarrow import parquet

from stages.lib.core.errors import UserError
from stages.lib.core.machine_faults import machine_fault
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.core.yaml_text import YamlTextError, load_yaml
from stages.lib.reporting.details import flatten

# The columns of QueryResults that are compared. Tables of other versions may have more columns.
METRICS = ("ndcg_at_10", "mrr_at_10", "recall_at_10")

# The system that a training run produces, and the output of DVC that holds its model.
FINETUNED = "finetuned"
MODEL = "data/finetune/model"

# The stages whose details name their device.
_MODEL_STAGES = ("mine", "validate", "finetune", "evaluate")

# refs/exps/<2 digits>/<38 digits of the commit it started from>/<name>. Other refs are DVC's own.
_EXPERIMENT_REF = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")


class Version(NamedTuple):
    """One version of the project.

    Attributes:
        name: how messages name it.
        commit: the git commit; None for the working tree.
    """

    name: str
    commit: str | None

    def text(self, path: str) -> str:
        """Return the text of a file that git holds.

        Raises:
            UserError: this version has no such file.
        """
        try:
            if self.commit is None:
                return Path(path).read_text("utf-8")
            return _git("show", f"{self.commit}:{path}")
        except (FileNotFoundError, subprocess.CalledProcessError):
            # Only committed results count, so the remedy is to commit some.
            raise UserError(
                f"{self.name} has no {path}",
                "name a revision in which 'make repro' was run and its metrics committed",
            ) from None

    def details(self, stage: str) -> dict[str, Any]:
        """Return the details of a stage with dotted keys; empty if this version has none.

        Older versions have no metrics/details/. Their metrics/<stage>.json held the same keys.
        """
        try:
            return flatten(json.loads(self.text(f"metrics/details/{stage}.json")))
        except UserError:
            pass

        # A version from before metrics/details/.
        try:
            return _with_current_keys(json.loads(self.text(f"metrics/{stage}.json")))
        except UserError:
            return {}

    def device_class(self) -> str:
        """Return the class of device that models computed on, or all classes if stages differ.

        Details from before `run.device` name none: then the stages embedded on the processor.
        """
        classes = set()
        for stage in _MODEL_STAGES:
            details = self.details(stage)
            if details:
                classes.add(str(details.get("device", "cpu")))
        return " and ".join(sorted(classes)) or "cpu"

    def params(self) -> dict[str, Any]:
        """Return params.yaml with dotted keys."""
        return flatten(_mapping_of(self.text("params.yaml"), f"params.yaml of {self.name}"))

    def results(self, split: str, system: str) -> pd.DataFrame:
        """Return component_id and METRICS of one system by query id, from the table in git.

        Raises:
            UserError: this version has no results of the system on the split.
        """
        # Read ids as texts, so that none becomes a number.
        path = f"metrics/queries/{split}.tsv"
        columns = ["query_id", "system", "component_id", *METRICS]
        types = dict.fromkeys(columns[:3], "str")
        frame = pd.read_csv(io.StringIO(self.text(path)), sep="\t", dtype=types)
        _check_columns(columns, list(frame.columns), f"{path} of {self.name}")

        # Keep the rows of the system.
        rows = frame.loc[frame["system"] == system, columns]
        if not len(rows):
            systems = ", ".join(sorted(set(frame["system"]))) or "none"
            raise UserError(
                f"{path} of {self.name} has no rows of the system '{system}'",
                f"its systems are {systems}",
            )

        results = rows.drop(columns="system").set_index("query_id")
        return results.astype(dict.fromkeys(METRICS, "float64"))

    def table(self, path: str, *columns: str) -> pd.DataFrame:
        """Return `columns` of a table that DVC keeps.

        The table is not checked against today's contract, because an older version had other
        contracts.

        Raises:
            UserError: neither the cache nor a remote has the table, or it lacks a column.
        """
        if self.commit is None:
            return _read_parquet(Path(path), columns, path)

        # Copy the table of a commit out of the cache of DVC.
        with temporary_folder() as folder:
            target = folder / Path(path).name
            self.fetch(path, target)
            return _read_parquet(target, columns, f"{path} of {self.name}")

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file or folder that DVC keeps to `target`.

        Raises:
            UserError: neither the cache nor a remote has it.
        """
        from dvc.exceptions import DvcException

        try:
            files = _dvc_files(str(Path.cwd()), self.commit)
            files.get(path, str(target), recursive=True)
        except (DvcException, OSError) as error:
            # Only an unusual reason is shown, such as a remote that does not answer.
            reason = ""
            if not isinstance(error, FileNotFoundError):
                reason = f" ({_first_line(error)})"

            raise UserError(
                f"{self.name} has no {path} in the DVC cache{reason}",
                f"'dvc push' it where it was made and 'dvc fetch --all-commits {path}' here, "
                f"or check out {self.name}, run 'dvc repro', and come back",
            ) from None

    def output_hash(self, path: str) -> str | None:
        """Return the hash of an output in dvc.lock; None if dvc.lock has none."""
        try:
            text = self.text("dvc.lock")
            stages = _mapping_of(text, f"dvc.lock of {self.name}").get("stages", {})
        except UserError:
            return None

        # An output that git holds has no hash.
        for stage in stages.values():
            for output in stage.get("outs", []):
                if output["path"] == path and "md5" in output:
                    return str(output["md5"])

        return None


def find_version(name: str | None) -> Version:
    """Return the version called `name`: a git revision or a DVC experiment.

    If `name` is None, it is the working tree.

    Raises:
        UserError: there is no such version.
    """
    if name is None:
        return Version("the working tree", None)

    # A revision comes before an experiment of the same name.
    commits = [str(version.commit) for version, _ in experiments() if version.name == name]
    for reference in (name, *commits):
        try:
            commit = _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
            return Version(name, commit.strip())
        except subprocess.CalledProcessError:
            continue

    raise UserError(
        f"'{name}' is neither a revision nor an experiment",
        "see 'git log --oneline' and 'dvc exp list'",
    )


def commits_of(path: str) -> list[Version]:
    """Return the commits of this branch that changed `path`, oldest first, by short name."""
    log = _git("log", "--first-parent", "--reverse", "--format=%h %H", "--", path)
    return [Version(*line.split()) for line in log.splitlines()]


def file_versions(path: str) -> list[tuple[Version, str]]:
    """Return the commits of all branches and experiments that changed `path`, oldest first.

    Each comes with the git blob of the file. Commits that removed the file are left out.
    """
    log = _git("log", "--all", "--full-history", "--reverse", "--format=%h %H", "--", path)
    versions = [Version(*line.split()) for line in log.splitlines()]

    # One call of git for all blobs: there may be hundreds of commits.
    blobs = _blobs([f"{version.commit}:{path}" for version in versions])
    return [(version, blob) for version, blob in zip(versions, blobs, strict=True) if blob]


def blob_of(version: Version, path: str) -> str | None:
    """Return the git blob of a file of `version`; None if it has no such file."""
    if version.commit is not None:
        return _blobs([f"{version.commit}:{path}"])[0] or None

    # The blob that git would write for the file of the working tree.
    if not Path(path).is_file():
        return None
    return _git("hash-object", path).strip()


def experiments() -> list[tuple[Version, Version]]:
    """Return the experiments of DVC, each with the commit it started from, sorted by both."""
    pairs = []

    references = _git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps")
    for line in references.splitlines():
        reference, commit = line.split()
        match = _EXPERIMENT_REF.fullmatch(reference)
        if match is not None:
            start = match[1] + match[2]
            pairs.append((Version(match[3], commit), Version(start[:7], start)))

    return sorted(pairs, key=lambda pair: (str(pair[1].commit), pair[0].name))


def commit_subject(version: Version) -> str:
    """Return the first line of the commit message; for the working tree, its name."""
    if version.commit is None:
        return version.name
    return _git("show", "-s", "--format=%s", version.commit).strip()


def _with_current_keys(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat metrics of an older version under the keys of today.

    A key cannot be both a value and a level: if there is `pairs.seen`, `pairs` becomes
    `pairs.count`.
    """
    # All proper prefixes of keys: `a.b.c` has the levels `a` and `a.b`.
    levels = set()
    for key in metrics:
        parts = key.split(".")
        for count in range(1, len(parts)):
            levels.add(".".join(parts[:count]))

    return {f"{key}.count" if key in levels else key: value for key, value in metrics.items()}


@cache
def _dvc_files(folder: str, commit: str | None) -> Any:
    """Return the file system of DVC at a commit. Opening one is slow: it reads every dvc.yaml."""
    from dvc.api import DVCFileSystem

    return DVCFileSystem(folder, rev=commit)


def _read_parquet(path: Path, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    try:
        _check_columns(columns, parquet.read_schema(path).names, name)
        frame: pd.DataFrame = parquet.read_table(path, columns=list(columns)).to_pandas()
    except FileNotFoundError:
        raise UserError(
            f"{name} does not exist", "run 'dvc repro' first, or 'dvc checkout'"
        ) from None
    except (arrow.ArrowException, OSError) as error:
        problem = UserError(
            f"{name} is not a Parquet file: {_first_line(error)}",
            "remove it and run 'dvc repro'",
        )
        raise machine_fault(error) or problem from None

    return frame


def _check_columns(columns: Sequence[str], present: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in present]

    if missing:
        raise UserError(
            f"{name} has no column {', '.join(missing)}",
            "compare versions whose tables have it, or make them anew",
        )


def _blobs(names: list[str]) -> list[str]:
    """Return the git object of each name, such as `HEAD:params.yaml`; "" if there is none."""
    command = ["git", "cat-file", "--batch-check=%(objectname)"]
    lines = "".join(f"{name}\n" for name in names)

    # git answers with a line per name.
    process = subprocess.run(
        command, check=True, capture_output=True, text=True, encoding="utf-8", input=lines
    )
    answers = process.stdout.splitlines()

    return ["" if answer.endswith(" missing") else answer for answer in answers]


def _git(*arguments: str) -> str:
    process = subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return process.stdout


def _mapping_of(text: str, where: str) -> dict[str, Any]:
    """Return the mapping of a YAML text that stands in `where`."""
    try:
        values = load_yaml(text, is_long=True)
    except YamlTextError as error:
        raise UserError(f"{where} is not valid YAML: {error}", "correct it there") from None
    if not isinstance(values, dict):
        raise UserError(f"{where} holds no sections", "restore it from an older commit")
    return values


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def merge_aliases(aliases: list[Mapping[str, str]]) -> dict[str, str]:
    """Return document id to the smallest id among all documents that `aliases` merge with it."""
    from stages.split.components import connected_components

    # Two aliases can chain: a copy of a copy belongs to the same group.
    edges: list[tuple[str, str]] = []
    for kept_id in aliases:
        edges.extend(kept_id.items())
    doc_ids = {doc_id for edge in edges for doc_id in edge}

    return connected_components(sorted(doc_ids), edges, min)
