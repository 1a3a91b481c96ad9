"""What stages measured, as others read it: metrics/<stage>.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.lib.errors import Problem

Value = float | int | str | bool


class Metrics(NamedTuple):
    """The metrics of each stage, in the order of the pipeline."""

    stages: Mapping[str, Mapping[str, Value]]

    def need(self, stage: str, key: str) -> float:
        """Return a number that `stage` always writes. Raises Problem when it is missing."""
        value = self.find(stage, key)
        if value is None:
            raise Problem(
                f"metrics/{stage}.json has no number '{key}'",
                f"run 'dvc repro --force --single-item {stage}'",
            )
        return value

    def find(self, stage: str, key: str) -> float | None:
        """Return a number that `stage` leaves out when there is no data for it."""
        value = self.stages[stage].get(key)
        return None if value is None or isinstance(value, str) else value


def read_metrics(paths: Sequence[Path]) -> dict[str, dict[str, Value]]:
    """Return stage name (the file's) to its metrics."""
    return {path.stem: _flat(path) for path in paths}


def _flat(path: Path) -> dict[str, Value]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", f"run 'dvc repro {path.stem}' first") from None
    except ValueError as error:
        raise Problem(
            f"{path} is not JSON: {error}", f"remove it and run 'dvc repro {path.stem}'"
        ) from None
    if not isinstance(values, dict) or any(
        isinstance(value, dict | list) or value is None for value in values.values()
    ):
        raise Problem(f"{path} is not flat JSON", f"remove it and run 'dvc repro {path.stem}'")
    return values
