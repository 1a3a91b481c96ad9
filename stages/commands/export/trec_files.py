"""Runs and qrels as TREC files, for example for trec_eval.

`<split>.<system>.run` has the first hundred hits of each query. `<split>.qrels` has the qrels as
evaluate scored them, with copies resolved, and 0 for documents whose grade is not relevant.

The score of a hit is 101 minus its rank. trec_eval sorts again, in single precision and with its
own order of ties, so our scores would not give our ranking. TREC needs whole grades, so fractions
are multiplied by a power of ten. nDCG does not change, since its gains are linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from stages.evaluate.graded import graded_documents
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.evaluation.evaluation_set import read_evaluation_set, resolve_qrels
from stages.lib.evaluation.ranking_metrics import DEPTH
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import QueryGrades
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.schemas.runs import Runs

QrelsOfQuery = Mapping[str, Mapping[str, float]]

RUNS = Path("data/evaluate/runs.parquet")
ALIASES = Path("data/deduplicate/aliases.parquet")
SPLITS = Path("data/split")
OUT_OF_DOMAIN = Path("data/clean/out_of_domain_pairs.parquet")

_MAX_DECIMALS = 6


def whole_grades(qrels: QrelsOfQuery) -> dict[str, dict[str, int]]:
    """Return the grades times the smallest power of ten that makes all of them whole.

    Fractions count up to six decimals. A smaller grade becomes 1, so that its document stays
    relevant. A grade of 0 stays 0.

    >>> whole_grades({"q1": {"d1": 1.0}, "q2": {"d2": 0.5}})
    {'q1': {'d1': 10}, 'q2': {'d2': 5}}
    """
    grades: set[float] = set()
    for grade_of_document in qrels.values():
        grades.update(grade_of_document.values())

    # The first power of ten that leaves no fraction.
    for decimals in range(_MAX_DECIMALS + 1):
        factor = 10**decimals
        if all(abs(grade * factor - round(grade * factor)) < 1e-6 for grade in grades):
            break

    whole: dict[str, dict[str, int]] = {}
    for query_id, grade_of_document in qrels.items():
        whole[query_id] = {
            doc_id: max(int(grade > 0), round(grade * factor))
            for doc_id, grade in grade_of_document.items()
        }
    return whole


def read_qrels(
    split: str, folder: Path, kept_id: Mapping[str, str], *, out_of_domain: Path
) -> QrelsOfQuery:
    """Return query id to graded documents of a split, as evaluate scored them.

    Args:
        split: validation, test, synthetic or out_of_domain.
        folder: the output of the stage split.
        kept_id: document id of a copy to the document that was kept.
        out_of_domain: the pairs of the out-of-domain set.
    """
    if split != "out_of_domain":
        queries = folder / split / "queries.parquet"
        qrels = folder / split / "qrels.parquet"
        evaluation_set = read_evaluation_set(queries, qrels, kept_id)
        return with_irrelevant(evaluation_set.qrels, folder / split / "grades.parquet", kept_id)

    # The out-of-domain set has pairs instead of queries and qrels.
    pairs = tables.read(out_of_domain, Pairs)
    pairs = pairs.assign(raw=pairs["anchor"], component_id=pairs["doc_id"])
    _, qrels_table = queries_and_qrels(pairs)
    return resolve_qrels(qrels_table, {})


def with_irrelevant(qrels: QrelsOfQuery, grades: Path, kept_id: Mapping[str, str]) -> QrelsOfQuery:
    """Return `qrels` with grade 0 for the documents that have a grade and are not relevant.

    Args:
        qrels: query id to graded documents.
        grades: a file with QueryGrades; a set without it has no grades.
        kept_id: document id of a copy to the document that was kept.
    """
    if not grades.is_file():
        return qrels

    # Only queries of the set, and only documents that the qrels lack.
    graded = graded_documents(tables.read(grades, QueryGrades), kept_id)
    return {
        query_id: {**dict.fromkeys(graded.get(query_id, ()), 0.0), **grade_of_document}
        for query_id, grade_of_document in qrels.items()
    }


def run_lines(hits: pd.DataFrame, system: str) -> list[str]:
    """Return the TREC lines of the hits (query_id, doc_id, rank) of one system."""
    lines = []

    for query_id, doc_id, rank in zip(hits["query_id"], hits["doc_id"], hits["rank"], strict=True):
        lines.append(f"{query_id} Q0 {doc_id} {rank} {DEPTH + 1 - rank} {system}")

    return lines


def qrels_lines(qrels: QrelsOfQuery) -> list[str]:
    """Return the TREC lines of qrels, sorted by query and document."""
    lines = []

    for query_id, grade_of_document in sorted(whole_grades(qrels).items()):
        for doc_id, grade in sorted(grade_of_document.items()):
            lines.append(f"{query_id} 0 {doc_id} {grade}")

    return lines


def write_trec(folder: Path) -> None:
    """Write a file of qrels for each split, and a file for each split and system.

    Raises:
        UserError: nothing was evaluated.
    """
    table = tables.read(RUNS, Runs)
    if not len(table):
        raise UserError(f"{RUNS} holds no run", "run 'dvc repro evaluate' first")
    copies = tables.read(ALIASES, Aliases)
    kept_id = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))

    for name in table["split"].drop_duplicates():
        qrels = read_qrels(name, SPLITS, kept_id, out_of_domain=OUT_OF_DOMAIN)
        _write_lines(folder / f"{name}.qrels", qrels_lines(qrels))

    for (name, system), hits in table.groupby(["split", "system"], sort=True):
        _write_lines(folder / f"{name}.{system}.run", run_lines(hits, str(system)))


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
