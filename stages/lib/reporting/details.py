"""The details that stages wrote, as other stages read them: metrics/details/<stage>.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.lib.core.errors import UserError

Value = float | int | str | bool


class StageDetails(NamedTuple):
    """The metrics of each stage, in the order of the pipeline."""

    stages: Mapping[str, Mapping[str, Value]]

    def require(self, stage: str, key: str) -> float:
        """Return a number that `stage` always writes. Raises UserError when it is missing."""
        value = self.get(stage, key)
        if value is None:
            raise UserError(
                f"metrics/details/{stage}.json has no number '{key}'",
                f"run 'dvc repro --force --single-item {stage}'",
            )
        return value

    def get(self, stage: str, key: str) -> float | None:
        """Return a number that `stage` leaves out when there is no data for it."""
        value = self.stages[stage].get(key)
        return None if value is None or isinstance(value, str) else value


def read_stage_details(paths: Sequence[Path]) -> dict[str, dict[str, Value]]:
    """Return stage name (the file's) to its details, with a dot between the levels of a key."""
    return {path.stem: read_details(path) for path in paths}


def read_details(path: Path) -> dict[str, Value]:
    """Return the details of a JSON file with flat keys.

    `{"dropped": {"empty": 0}}` becomes `dropped.empty`.

    Raises:
        UserError: the file is missing, or is no JSON object of numbers, texts and such objects.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", f"run 'dvc repro {path.stem}' first") from None
    except ValueError as error:
        raise UserError(
            f"{path} is not JSON: {error}", f"remove it and run 'dvc repro {path.stem}'"
        ) from None
    if not isinstance(values, dict):
        raise UserError(f"{path} is no JSON object", f"remove it and run 'dvc repro {path.stem}'")
    flat = flatten(values)
    if any(isinstance(value, list) or value is None for value in flat.values()):
        raise UserError(
            f"{path} holds a list or null", f"remove it and run 'dvc repro {path.stem}'"
        )
    return flat


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dictionaries as one, with a dot between the levels of a key.

    >>> flatten({"rows_in": 3, "dropped": {"empty": 1, "long": 0}})
    {'rows_in': 3, 'dropped.empty': 1, 'dropped.long': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
