"""Check that the results in the working tree are those of one run, of the settings in params.yaml.

The results of a run are in git, so a clone has results of its own before anything ran. A run that
stopped halfway leaves the results of an older run behind its last stage. `dvc.lock` names what each
stage read and wrote, so it shows both without a look at the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stages.commands.pipeline import order
from stages.lib.core.errors import UserError
from stages.lib.core.params import PARAMS_FILE
from stages.lib.core.yaml_files import read_yaml
from stages.lib.reporting.details import flatten
from stages.lib.schemas.splits import NOT_IN_SAMPLE

LOCK = Path("dvc.lock")

# So many parameters that differ are named.
_MAX_NAMED = 3

LockedStages = Mapping[str, Mapping[str, Any]]


def why_no_run(last_stage: str) -> str | None:
    """Return why there is no run up to `last_stage`; None if there is one.

    Without dvc.lock nothing contradicts the results, so None as well.

    Raises:
        UserError: dvc.lock is damaged, or params.yaml is no YAML mapping.
    """
    if not LOCK.is_file():
        return None

    # All stages before the last one belong to the run.
    locked = read_yaml(LOCK).get("stages", {})
    if not isinstance(locked, dict) or not all(isinstance(run, dict) for run in locked.values()):
        raise UserError(f"{LOCK} breaks off", "run 'python -m stages heal'")
    names = order()
    needed = names[: names.index(last_stage) + 1]
    never_run = [name for name in needed if name not in locked]
    if never_run:
        return f"{never_run[0]} has not run"

    return (
        _changed_params(locked, needed)
        or _older_input(locked, needed)
        or _foreign_details(locked, needed)
    )


def refuse_sample(splits: pd.DataFrame, what: str) -> None:
    """Check that the last run is one of all rows.

    Args:
        splits: the Splits of the run.
        what: what would come of a part of the rows, as a clause.

    Raises:
        UserError: it is a run of a sample.
    """
    outside = int((splits["split"] == NOT_IN_SAMPLE).sum())
    if outside:
        raise UserError(
            f"the last run is one of a sample (run.sample), which leaves {outside:,} rows out: "
            f"{what}",
            "set run.sample to null in params.yaml and run 'dvc repro split' first",
        )


def _changed_params(locked: LockedStages, names: Sequence[str]) -> str | None:
    """Return which parameters have another value than in the run; None if none has."""
    current = flatten(read_yaml(PARAMS_FILE))
    changed: set[str] = set()

    for name in names:
        # A recorded key may be a whole section.
        recorded = locked[name].get("params", {}).get(str(PARAMS_FILE), {})
        recorded_values = flatten(recorded)
        current_values = {
            key: value for key, value in current.items() if _is_covered(key, list(recorded))
        }
        keys = recorded_values.keys() | current_values.keys()
        changed |= {key for key in keys if not _is_same(recorded_values, current_values, key)}

    if not changed:
        return None
    named = sorted(changed)[:_MAX_NAMED]
    more = f" and {len(changed) - len(named)} more" if len(changed) > len(named) else ""
    return f"{PARAMS_FILE} has other values than the last run: {', '.join(named)}{more}"


def _is_covered(key: str, recorded: Sequence[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in recorded)


def _is_same(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    # A key that is missing is not a key without a value.
    return (key in before) == (key in after) and before.get(key) == after.get(key)


def _older_input(locked: LockedStages, names: Sequence[str]) -> str | None:
    """Return which stage read what another stage has written anew since; None if none did."""
    # The stage that writes each file, and the hash of what it wrote last.
    writer_of_path: dict[str, str] = {}
    hash_of_path: dict[str, str | None] = {}
    for name in names:
        for output in locked[name].get("outs", []):
            writer_of_path[output["path"]] = name
            hash_of_path[output["path"]] = output.get("md5")

    for name in names:
        for dependency in locked[name].get("deps", []):
            path = dependency["path"]
            if path in hash_of_path and dependency.get("md5") != hash_of_path[path]:
                return f"{name} has not run since {writer_of_path[path]} wrote {path}"
    return None


def _foreign_details(locked: LockedStages, names: Sequence[str]) -> str | None:
    """Return which file of details is not that of the run; None if all are."""
    for name in names:
        path = f"metrics/details/{name}.json"
        for output in locked[name].get("outs", []):
            if output["path"] == path and output.get("md5") != _md5(Path(path)):
                return f"{path} is not what the last run wrote"
    return None


def _md5(path: Path) -> str | None:
    """Return the hash that DVC gives a file; None if there is no such file."""
    if not path.is_file():
        return None
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
