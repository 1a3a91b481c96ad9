"""Check that what is sent has passed: one whole run, its gates, and the counts that must be 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.commands.headline import INVARIANTS
from stages.commands.run_at_hand import refuse_sample, why_no_run
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.yaml_files import read_yaml
from stages.lib.reporting.details import read_details
from stages.lib.schemas.splits import Splits

_VERDICT = Path("data/validate/verdict.json")
_SPLITS = Path("data/split/splits.parquet")
_DETAILS = Path("metrics/details")


def check_passed(*, has_model: bool) -> None:
    """Check that the data set at hand, or the model, may be given to others.

    Raises:
        UserError: there is no whole run, a gate failed, a count that must be 0 is not, or the run
            is one of a sample.
    """
    last_stage = "finetune" if has_model else "validate"
    reason = why_no_run(last_stage)
    if reason is not None:
        raise UserError(f"there is no run at hand: {reason}", f"run 'dvc repro {last_stage}' first")

    _check_gates()
    for stage, keys in INVARIANTS.items():
        if stage == "finetune" and not has_model:
            continue
        details = _read(stage)
        for key in keys:
            if details.get(key) != 0:
                raise UserError(
                    f"{stage}.{key} must be 0, but it is {details.get(key, 'not measured')}",
                    "see data/report/index.html; what is broken is never sent",
                )
    refuse_sample(tables.read(_SPLITS, Splits), "a part of the data would be sent as the whole")


def _check_gates() -> None:
    if not _VERDICT.is_file():
        raise UserError(f"{_VERDICT} does not exist", "run 'make data' first")
    if read_yaml(_VERDICT).get("passed") is True:
        return

    details = _read("validate")
    failed = [
        key.removeprefix("gates.")
        for key, status in details.items()
        if key.startswith("gates.") and status == "fail"
    ]
    raise UserError(
        f"the data did not pass these gates of validate: {', '.join(failed) or 'not named'}",
        "read data/validate/index.html, and run 'make data' once the data is mended",
    )


def _read(stage: str) -> dict[str, Any]:
    path = _DETAILS / f"{stage}.json"
    if not path.is_file():
        raise UserError(f"{path} does not exist", f"run 'dvc repro {stage}' first")
    return dict(read_details(path))
