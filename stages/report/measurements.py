"""What other stages measured, read and checked, and the row accounting of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.lib.core.csv_cells import cell_text
from stages.lib.core.errors import UserError
from stages.lib.core.git_texts import label_id
from stages.lib.core.tables import check_table
from stages.lib.reporting.details import StageDetails, Value, read_stage_details
from stages.lib.reporting.html import Html
from stages.lib.reporting.ledger_rows import drops_of, ledger_parts
from stages.lib.schemas.runs import QueryResults
from stages.report.interface import Inputs

# Hits of a query that the page may show.
HIT_RANKS = 5

# Columns in which an empty field is a missing number. Elsewhere a name may be "NA" or "null".
_OPTIONAL_NUMBERS = ("first_score", "low", "high", "p")


class ValidationTexts(NamedTuple):
    """The texts behind the validation results.

    Attributes:
        documents: the documents of the corpus.
        aliases: the kept document of each dropped one.
        queries: the validation queries.
        qrels: their relevant documents.
        first_hits: the rows of Runs of the fine-tuned model at rank 1.
        hits: the first rows of Runs of all systems on validation.
        drops: id of a relevant document that is in no corpus to what dropped it, in words.
    """

    documents: pd.DataFrame
    aliases: pd.DataFrame
    queries: pd.DataFrame
    qrels: pd.DataFrame
    first_hits: pd.DataFrame
    hits: pd.DataFrame
    drops: Mapping[str, str]


class ReportData(NamedTuple):
    """Everything that the page shows.

    Attributes:
        metrics: the details of every stage.
        validation: QueryResults of the validation split.
        test: QueryResults of the test split.
        separation: histograms of cosines.
        loss: training loss by step.
        recall: recall at k by split and system.
        slices: the slices of the validation split.
        texts: the texts behind the validation results.
        reasons: a part of the page for each reason of the ledgers.
    """

    metrics: StageDetails
    validation: pd.DataFrame
    test: pd.DataFrame
    separation: pd.DataFrame
    loss: pd.DataFrame
    recall: pd.DataFrame
    slices: pd.DataFrame
    texts: ValidationTexts
    reasons: Sequence[Html]


def read_data(inputs: Inputs) -> ReportData:
    """Return everything that the page shows. Raises UserError for a missing or wrong file."""
    hits = [inputs.runs.frame(split="validation", rank=rank) for rank in range(1, HIT_RANKS + 1)]
    first_hits = hits[0]
    qrels = inputs.qrels.frame()
    documents = inputs.documents.frame()
    lost_ids = set(qrels["doc_id"]) - set(documents["doc_id"])
    texts = ValidationTexts(
        documents=documents,
        aliases=inputs.aliases.frame(),
        queries=inputs.queries.frame(),
        qrels=qrels,
        first_hits=first_hits[first_hits["system"] == "finetuned"].reset_index(drop=True),
        hits=pd.concat(hits, ignore_index=True),
        drops=drops_of(inputs.ledgers, lost_ids),
    )
    return ReportData(
        metrics=StageDetails(read_stage_details(list(vars(inputs.details).values()))),
        validation=read_results(inputs.validation_results, "validation"),
        test=read_results(inputs.test_results, "test"),
        separation=read_plot(inputs.separation, ("panel", "kind"), ("cosine", "share")),
        loss=read_plot(inputs.loss, (), ("step", "loss")),
        recall=read_plot(inputs.recall, ("split", "system"), ("k", "recall")),
        slices=with_label_names(read_slices(inputs.slices), texts),
        texts=texts,
        reasons=ledger_parts(inputs.ledgers, inputs.row_texts, inputs.splits.frame()),
    )


def read_results(path: Path, split: str) -> pd.DataFrame:
    """Return the QueryResults in a TSV file.

    Raises:
        UserError: the file breaks the contract, or holds results of another split.
    """
    columns = QueryResults.to_schema().columns
    text_columns = [name for name, column in columns.items() if str(column.dtype).startswith("str")]
    frame = check_table(_read_tsv(path, text_columns), QueryResults, str(path))
    if not (frame["split"] == split).all():
        raise UserError(
            f"{path} holds results of another split than {split}", "run 'dvc repro evaluate'"
        )
    return frame


def read_plot(
    path: Path, text_columns: Sequence[str], number_columns: Sequence[str]
) -> pd.DataFrame:
    """Return the named columns of a TSV file, rows in the order of the file.

    Raises:
        UserError: a column is missing, or a column of numbers holds something else.
    """
    frame = _read_tsv(path, text_columns)
    remedy = "run the stage that writes it again: 'dvc repro --force'"
    for name in (*text_columns, *number_columns):
        if name not in frame.columns:
            raise UserError(f"{path} has no column '{name}'", remedy)

    # An empty column has no type.
    for name in number_columns:
        if len(frame) and not pd.api.types.is_numeric_dtype(frame[name]):
            raise UserError(f"{path} has something else than numbers in '{name}'", remedy)

    return frame[[*text_columns, *number_columns]]


def read_slices(path: Path) -> pd.DataFrame:
    """Return the slices of validation in a TSV file. Those of the test split are never shown."""
    text_columns = ("split", "kind", "slice", "finding")
    number_columns = ("queries", "components", "base", "finetuned", "gain", "low", "high", "p")
    frame = read_plot(path, text_columns, number_columns)
    return frame[frame["split"] == "validation"].reset_index(drop=True)


def with_label_names(slices: pd.DataFrame, texts: ValidationTexts) -> pd.DataFrame:
    """Return the slices with names in place of ids: this page is no file for git."""
    labels = {*texts.documents["topic"], *texts.queries["relation"]}
    name_of_id = {label_id(name): name for name in sorted(labels)}
    return slices.assign(slice=[name_of_id.get(name, name) for name in slices["slice"]])


class RowCounts(NamedTuple):
    """The row accounting of one table in one stage.

    Attributes:
        stage: the stage, and the table if the stage has several.
        rows_in: rows that the stage read.
        added: rows that it added.
        dropped: rows that it dropped.
        rows_out: rows that it wrote.
        reasons: the reasons in words, the most frequent first.
    """

    stage: str
    rows_in: int
    added: int
    dropped: int
    rows_out: int
    reasons: str


def row_counts(metrics: StageDetails) -> list[RowCounts]:
    """Return the row accounting of every stage that has one, in the order of the pipeline.

    A stage with several tables has the name of the table before the key: `documents.rows_in`.
    """
    counts: list[RowCounts] = []
    for stage, values in metrics.stages.items():
        matches = [re.fullmatch(r"(?:(.+)\.)?rows_in", key) for key in values]
        tables = sorted(match.group(1) or "" for match in matches if match)
        counts += [_count_rows(stage, table, values) for table in tables]

    return counts


def _count_rows(stage: str, table: str, values: Mapping[str, Value]) -> RowCounts:
    prefix = f"{table}." if table else ""
    added = _by_reason(values, f"{prefix}added.")
    dropped = _by_reason(values, f"{prefix}dropped.")

    # Words such as "+2 glossary".
    reasons = [*_in_words("+", added), *_in_words("\u2212", dropped)]
    return RowCounts(
        stage=f"{stage}: {table}" if table else stage,
        rows_in=int(values[f"{prefix}rows_in"]),
        added=sum(added.values()),
        dropped=sum(dropped.values()),
        rows_out=int(values[f"{prefix}rows_out"]),
        reasons=", ".join(reasons),
    )


def _by_reason(values: Mapping[str, Value], prefix: str) -> dict[str, int]:
    """Return reason to number of rows, for the keys that begin with `prefix`."""
    return {
        key.removeprefix(prefix): int(value)
        for key, value in values.items()
        if key.startswith(prefix) and not isinstance(value, str)
    }


def _in_words(sign: str, count_by_reason: Mapping[str, int]) -> list[str]:
    ordered = sorted(count_by_reason.items(), key=lambda item: (-item[1], item[0]))
    return [f"{sign}{count:,} {reason.replace('_', ' ')}" for reason, count in ordered if count]


def _read_tsv(path: Path, text_columns: Sequence[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            dtype=dict.fromkeys(text_columns, "str"),
            keep_default_na=False,
            na_values={name: [""] for name in _OPTIONAL_NUMBERS},
        )
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "run 'dvc repro' first") from None
    except (ValueError, pd.errors.ParserError) as error:
        first_line = str(error).splitlines()[0]
        raise UserError(
            f"{path} is not a TSV table: {first_line}", "run 'dvc repro' again"
        ) from None

    for name in text_columns:
        if name in table:
            table[name] = table[name].map(cell_text)
    return table
