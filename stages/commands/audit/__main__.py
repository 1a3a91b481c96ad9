"""Audit the splits: what leaks, by kind, and what a random split by row would leak.

    python -m stages audit                  the splits of the last run
    python -m stages audit --splits FILE    your own split: CSV or Parquet with id,split of pairs
    python -m stages audit PATH             any data set that has splits of its own
    python -m stages audit PATH --json -    what leaks as one JSON document, and nothing else
    python -m stages audit PATH --against FOLDER    PATH as training data, FOLDER as test sets

The audit is exact, and it is that of the split. It compares every held-out anchor and every text of
its document with all other texts: as collected, as cleaned and as embedded, passages and positives
that recipes cut out. The random split by row uses the same data.
The exit code is 1 if a text leaks that `split.unit` keeps apart.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from stages.commands.audit.foreign_audit import audit_foreign, foreign_figures, foreign_lines
from stages.commands.audit.foreign_page import foreign_page
from stages.commands.audit.given import (
    AuditedApart,
    read_given_pairs,
    repeated_queries,
)
from stages.commands.audit.leaks import (
    SPLITS,
    AuditData,
    find_leaks,
)
from stages.commands.audit.run_report import RunAudit, run_figures, run_lines
from stages.commands.json_output import json_text, message_printer, say_json
from stages.lib.core import atomic, tables
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import TableFile
from stages.lib.core.machine_faults import machine_fault
from stages.lib.core.params import PairShape, RunParams, ScoreThreshold, load_section
from stages.lib.core.stage import command
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.lib.schemas.splits import EVALUATION_SPLITS, Splits
from stages.split.components import text_versions
from stages.split.dissimilar import dissimilar_pairs, home_of_pairs
from stages.split.given import without_keys
from stages.split.interface import SplitParams
from stages.split.texts import document_texts

# The file name that stands for the standard output.
_STANDARD_OUTPUT = Path("-")
_REMEDY = (
    "give a CSV or Parquet file with the columns id (of pairs) and split (train, validation, test)"
)


def random_row_split(pair_ids: Iterable[str], params: SplitParams, seed: int) -> dict[str, str]:
    """Return the usual split: each pair by itself, shuffled and cut at the shares of `params`."""
    shuffled = sorted(pair_ids, key=lambda pair_id: hash_hex("row", str(seed), pair_id))
    train_end = round(params.train * len(shuffled))
    validation_end = round((params.train + params.validation) * len(shuffled))

    split_of_pair = dict.fromkeys(shuffled[:train_end], "train")
    split_of_pair |= dict.fromkeys(shuffled[train_end:validation_end], "validation")
    split_of_pair |= dict.fromkeys(shuffled[validation_end:], "test")
    return split_of_pair


def read_audit_data(data: Path) -> AuditData:
    """Return all pairs under `data`, with each text: as collected, as cleaned, as embedded."""
    raw_documents = TableFile(data / "collect/documents.parquet", Documents)
    raw_pairs = tables.read(data / "collect/pairs.parquet", Pairs)
    clean_pairs = tables.read(data / "clean/pairs.parquet", Pairs)
    pairs = tables.read(data / "pair/pairs.parquet", Pairs)

    # Pairs that a later stage dropped are audited too, and so are those that recipes added.
    every_pair = pairs
    if len(raw_pairs):
        every_pair = pd.concat([raw_pairs, pairs]).drop_duplicates("pair_id")

    # The texts that are trained on, and those as collected.
    untied = dissimilar_pairs(raw_pairs, load_section(ScoreThreshold), load_section(PairShape))
    document_of_pair = dict(zip(every_pair["pair_id"], every_pair["doc_id"], strict=True))
    texts, untrained = document_texts(
        raw_documents,
        [
            TableFile(data / "clean/documents.parquet", Documents),
            TableFile(data / "pair/documents.parquet", Documents),
            TableFile(data / "pair/passages.parquet", Passages),
        ],
        tables.read(data / "pair/synthetic_pairs.parquet", SyntheticPairs),
        document_of_pair=document_of_pair,
    )

    # Groups of two sources may share a name.
    documents = raw_documents.frame().drop(columns="text")
    group_of_document = {}
    rows = documents[["doc_id", "source", "group"]].itertuples(index=False)
    for doc_id, source, group in rows:
        if group:
            group_of_document[doc_id] = f"{source}\n{group}"

    anchor_tables = [(frame, "pair_id", "anchor") for frame in (every_pair, clean_pairs, pairs)]
    return AuditData(
        text_versions(*anchor_tables),
        home_of_pairs(document_of_pair, untied),
        # A held-out pair of a given split may name a document that is missing.
        {**{doc_id: [] for doc_id in document_of_pair.values()}, **texts},
        group_of_document,
        untrained=untrained,
        source_of={
            **dict(zip(every_pair["pair_id"], every_pair["source"], strict=True)),
            **dict(zip(documents["doc_id"], documents["source"], strict=True)),
        },
    )


def read_splits(path: Path, known_pairs: Collection[str]) -> dict[str, str]:
    """Return pair id to split from a CSV or Parquet file with the columns id and split.

    Ids that are not in `known_pairs` are left out.

    Raises:
        UserError: the file has another shape, contradicts itself, or holds out no known pair.
    """
    rows = _read_rows(path)

    # One id in two splits.
    split_of_pair = dict(rows)
    for pair_id, split in rows:
        if split_of_pair[pair_id] != split:
            raise UserError(f"{path}: {pair_id} stands in two splits", _REMEDY)

    # Splits that the pipeline does not have.
    unknown = sorted(set(split_of_pair.values()) - {*SPLITS, "corpus", "protected"})
    if unknown:
        raise UserError(f"{path}: {unknown[0][:40]!r} is none of {', '.join(SPLITS)}", _REMEDY)

    known = {pair_id: split for pair_id, split in split_of_pair.items() if pair_id in known_pairs}
    if not set(known.values()) & set(EVALUATION_SPLITS):
        raise UserError(
            f"{path}: none of its {len(split_of_pair):,} ids is a held-out pair of this data",
            _REMEDY,
        )
    return known


def main(
    path: Annotated[
        Path | None, typer.Argument(help="A data set of others; without it, the last run.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Test sets that PATH, as training data, must not hold.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what leaks to this JSON file; - prints it.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write what leaks of PATH as a page.")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="CSV or Parquet file with id,split over pair ids.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of the stages' tables.")] = Path("data"),
) -> None:
    """Audit the splits: what leaks, by kind, and what a random split by row would leak."""
    if path is None and (against or html_file):
        raise UserError("--against and --html go with a data set", "name it: audit PATH")
    if path is not None:
        leaking = _audit_foreign(path, against, json_file=json_file, html_file=html_file)
    else:
        leaking = _audit_run(splits, data, json_file)

    if leaking:
        raise typer.Exit(1)


def _audit_foreign(
    path: Path, against: Path | None, *, json_file: Path | None, html_file: Path | None
) -> bool:
    """Audit a data set of others, and return whether anything leaks."""
    targets = [file for file in (json_file, html_file) if file is not None]
    if len(targets) > len(set(targets)):
        raise UserError(f"--json and --html both name {json_file}", "give each a file of its own")
    if html_file is not None:
        atomic.check_target(html_file)
    tell = _check_json(json_file)
    audit = audit_foreign(path, against)
    tell("\n".join(foreign_lines(audit)))

    if html_file is not None:
        atomic.write_text(html_file, foreign_page(audit))
    _write_json(json_file, foreign_figures(audit))
    # A leak ends the command with exit code 1, and is no error that takes the files back.
    atomic.settle()
    return audit.leaked() > 0


def _check_json(json_file: Path | None) -> Callable[[str], None]:
    """Check where the JSON goes, and return what prints the lines for people."""
    if json_file is not None and json_file != _STANDARD_OUTPUT:
        atomic.check_target(json_file)
    return message_printer(json_file == _STANDARD_OUTPUT)


def _write_json(json_file: Path | None, figures: object) -> None:
    """Write or print the figures if the user wants them."""
    if json_file == _STANDARD_OUTPUT:
        say_json(figures)
    elif json_file is not None:
        atomic.write_text(json_file, json_text(figures) + "\n")


def _audit_run(splits: Path | None, data: Path, json_file: Path | None) -> bool:
    """Audit the last run, and return whether a text leaks that must not."""
    tell = _check_json(json_file)
    audit = _measure_run(splits, data)
    tell("\n".join(run_lines(audit, has_examples=splits is not None)))

    _write_json(json_file, run_figures(audit))
    atomic.settle()
    return audit.is_leaking


def _measure_run(splits: Path | None, data: Path) -> RunAudit:
    """Return what leaks in the last run, or in other splits of its pairs."""
    params = load_section(SplitParams)
    audit_data = read_audit_data(data)
    known_pairs = audit_data.document_of_pair

    # The audited split, and the usual one beside it.
    given = AuditedApart(frozenset(), frozenset())
    repeats: list[str] = []
    if splits is None:
        given = read_given_pairs(data)
        all_splits = without_keys(_own_splits(data, known_pairs), given.irrelevant)
        repeats = repeated_queries(audit_data, all_splits, given)
        split_of_pair = without_keys(all_splits, given.held_out)
    else:
        split_of_pair = read_splits(splits, known_pairs)
    row_split = random_row_split(known_pairs, params, load_section(RunParams).seed)

    # With splits by date, a question may occur again later, in the next held-out split.
    # Only training must not contain it.
    against = ("train",) if params.unit == "time" else SPLITS
    matches = audit_data.matches(params.near_threshold)
    return RunAudit(
        pairs=len(known_pairs),
        split_of_pair=split_of_pair,
        row_split=row_split,
        leaks=find_leaks(audit_data, matches, split_of_pair, against=against),
        row_leaks=find_leaks(audit_data, matches, row_split, against=against),
        test_leaks=find_leaks(audit_data, matches, row_split, held_out=["test"], against=["train"]),
        given=given,
        repeats=repeats,
        params=params,
    )


def _own_splits(data: Path, known_pairs: Collection[str]) -> dict[str, str]:
    """Return pair id to split from the splits of the last run."""
    table = tables.read(data / "split/splits.parquet", Splits)
    rows = zip(table["id"], table["split"], strict=True)

    return {identity: split for identity, split in rows if identity in known_pairs}


def _read_rows(path: Path) -> list[tuple[str, str]]:
    """Return id and split of each row of a CSV or Parquet file."""
    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path).to_dict("records")
        else:
            # A spreadsheet may have written a byte order mark before the header.
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        return [(str(row["id"]), str(row["split"])) for row in rows]
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", _REMEDY) from None
    except (KeyError, OSError, ValueError, csv.Error) as error:
        reason = str(error).partition("\n")[0]
        problem = UserError(f"{path} is no table of splits: {reason}", _REMEDY)
        raise machine_fault(error, path) or problem from None


app = command(main)
if __name__ == "__main__":
    app()
