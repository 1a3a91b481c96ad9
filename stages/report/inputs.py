"""Read what other stages measured, and refuse what does not look like it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.table import check
from stages.lib.errors import Problem
from stages.lib.measured import Metrics, Value


class Held(NamedTuple):
    """The texts behind the validation results; `first` are the Runs of the fine-tuned model on the first rank."""

    documents: pd.DataFrame
    aliases: pd.DataFrame
    queries: pd.DataFrame
    qrels: pd.DataFrame
    first: pd.DataFrame


def read_results(path: Path, split: str) -> pd.DataFrame:
    """Return the QueryResults in a TSV file, which must all be of `split`."""
    kinds = {name: str(column.dtype) for name, column in QueryResults.to_schema().columns.items()}
    text = [name for name, kind in kinds.items() if kind.startswith("str")]
    frame = check(_tsv(path, text), QueryResults, str(path))
    if not (frame["split"] == split).all():
        raise Problem(
            f"{path} holds results of another split than {split}", "run 'dvc repro evaluate'"
        )
    return frame


def read_plot(path: Path, names: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """Return the columns `names` (text) and `numbers` of a TSV file, in the order of its rows."""
    frame = _tsv(path, names)
    missing = [name for name in (*names, *numbers) if name not in frame.columns]
    wrong = [name for name in numbers if name not in missing and not _is_number(frame[name])]
    if missing or wrong:
        fault = (
            f"has no column '{missing[0]}'"
            if missing
            else f"has something else than numbers in '{wrong[0]}'"
        )
        raise Problem(f"{path} {fault}", "run the stage that writes it again: 'dvc repro --force'")
    return frame[[*names, *numbers]]


def read_slices(path: Path) -> pd.DataFrame:
    """Return the slices of validation in a TSV file, as `evaluate` writes it; those of test are never shown."""
    names = ("split", "kind", "slice", "finding")
    frame = read_plot(
        path, names, ("queries", "components", "base", "finetuned", "gain", "low", "high", "p")
    )
    return frame[frame["split"] == "validation"].reset_index(drop=True)


def _is_number(values: pd.Series[float]) -> bool:
    return not len(values) or pd.api.types.is_numeric_dtype(values)


def _tsv(path: Path, text: Sequence[str]) -> pd.DataFrame:
    # Only an empty field is a missing value: an id or a name may well read "NA" or "null".
    try:
        return pd.read_csv(
            path,
            sep="\t",
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values={name: [""] for name in ("first_score", "low", "high", "p")},
        )
    except FileNotFoundError:
        raise Problem(f"{path} does not exist", "run 'dvc repro' first") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise Problem(
            f"{path} is not a TSV table: {str(error).splitlines()[0]}", "run 'dvc repro' again"
        ) from None


class Book(NamedTuple):
    """The row accounting of one table in one stage; `why` tells the reasons in words."""

    stage: str
    rows_in: int
    added: int
    dropped: int
    rows_out: int
    why: str


def funnel(metrics: Metrics) -> list[Book]:
    """Return the row accounting of every stage that has one, in the order of the pipeline.

    A stage that keeps books of several tables names them in front of the key (`documents.rows_in`); each
    has its own.
    """
    found: list[Book] = []
    for stage, values in metrics.stages.items():
        names = [
            match.group(1) or ""
            for key in values
            if (match := re.fullmatch(r"(?:(.+)\.)?rows_in", key))
        ]
        found.extend(_book(stage, name, values) for name in sorted(names))
    return found


def _book(stage: str, table: str, values: Mapping[str, Value]) -> Book:
    start = f"{table}." if table else ""
    counts: dict[str, dict[str, int]] = {"added": {}, "dropped": {}}
    for key, value in values.items():
        for kind, reasons in counts.items():
            if key.startswith(f"{start}{kind}.") and not isinstance(value, str):
                reasons[key.removeprefix(f"{start}{kind}.")] = int(value)
    why = [
        f"{sign}{count:,} {reason.replace('_', ' ')}"
        for sign, reasons in (("+", counts["added"]), ("\u2212", counts["dropped"]))
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]
    return Book(
        stage=f"{stage}: {table}" if table else stage,
        rows_in=int(values[f"{start}rows_in"]),
        added=sum(counts["added"].values()),
        dropped=sum(counts["dropped"].values()),
        rows_out=int(values[f"{start}rows_out"]),
        why=", ".join(why),
    )
