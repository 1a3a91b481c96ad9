"""The queues of rows to judge: mined negatives, and first hits that no label calls relevant.

Both are random samples, on whose verdicts an estimate stands. So their order is that of a hash,
and nothing in it depends on scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.evaluate.diagnostics import sample_errors
from stages.evaluate.interface import EvaluateParams
from stages.lib.core import tables
from stages.lib.core.params import load_section
from stages.lib.evaluation.evaluation_set import EvaluationSet, read_evaluation_set
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.reviews import FIRST_HITS, NEGATIVES, RowIds
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.training import PER_NEGATIVE
from stages.mine import false_negatives
from stages.mine.interface import MineParams
from stages.mine.verdicts import JUDGED


class ReviewItem(NamedTuple):
    """A row to judge.

    Attributes:
        ids: the ids of the query (or pair), and of the document that is judged.
        cluster: rows of one cluster were sampled together.
        texts: the query, what is known to answer it, and the text that is judged.
        evidence: scores and rules, which are shown once the row is judged.
        opinions: what others said, where people come to agree.
        settled_by: rows that exclude this one: after "yes" to one of them, nobody is asked again.
    """

    ids: RowIds
    cluster: str
    texts: tuple[str, str, str]
    evidence: tuple[str, ...] = ()
    opinions: tuple[str, ...] = ()
    settled_by: tuple[RowIds, ...] = ()


@dataclass(frozen=True)
class ReviewQueue:
    """Rows to judge, and the file of their verdicts.

    Attributes:
        name: its name in addresses and of its file.
        title: its heading.
        question: what a person answers with yes or no.
        labels: what the three texts are.
        meanings: what follows from yes, and from no.
        text_columns: the names of the three texts in a sheet.
        header: the first line of its file.
        path: the file of verdicts, for git.
        items: the rows.
        purpose: what its verdicts are for.
        is_sample: whether the rows are a random sample, so that the rate of yes is an estimate.
    """

    name: str
    title: str
    question: str
    labels: tuple[str, str, str]
    meanings: tuple[str, str]
    text_columns: tuple[str, str, str]
    header: Sequence[str]
    path: Path
    items: Sequence[ReviewItem]
    purpose: str
    is_sample: bool = True


def negatives_queue(triplets: pd.DataFrame, path: Path, seed: int) -> ReviewQueue:
    """Return the sample of mined negatives on which `mine` estimates the false ones.

    Args:
        triplets: Triplets.
        path: the file of verdicts.
        seed: the seed of the order.
    """
    size = load_section(MineParams).judged_negatives
    return ReviewQueue(
        name="negatives",
        title="Mined negatives",
        question="Does the negative answer the query as its document does?",
        labels=("Query", "Its document", "The negative"),
        meanings=("it is a false negative", "it is a negative"),
        text_columns=("anchor", "positive", "negative"),
        header=NEGATIVES,
        path=path,
        items=sampled_negatives(triplets, size, seed),
        purpose="a random sample: the share of false negatives stands on it",
    )


def with_removed(
    triplets: pd.DataFrame, ledger: pd.DataFrame, text_of_document: Mapping[str, str]
) -> pd.DataFrame:
    """Return the triplets with the negatives that verdicts removed, each at the end of its row.

    Without them the sample would lose all that was found wrong, and the rate would be too low.

    Args:
        triplets: Triplets.
        ledger: the Ledger of `mine`.
        text_of_document: document id to text.
    """
    removed: dict[str, list[str]] = {}
    lines = ledger[ledger["reason"] == JUDGED]
    for pair_id, doc_id in zip(lines["row_id"], lines["before"], strict=True):
        removed.setdefault(pair_id, []).append(doc_id)

    # Nothing else is known of them any more.
    unknown = {
        "negative_scores": math.nan,
        "negative_cross_scores": math.nan,
        "negative_miners": "",
        "negative_ranks": 0,
        "negative_rules": "",
    }
    columns: dict[str, list[list[Any]]] = {name: list(triplets[name]) for name in PER_NEGATIVE}
    for place, pair_id in enumerate(triplets["pair_id"]):
        doc_ids = removed.get(pair_id, [])
        more: dict[str, list[Any]] = {name: [unknown[name]] * len(doc_ids) for name in unknown}
        more["negative_ids"] = doc_ids
        more["negatives"] = [text_of_document.get(doc_id, doc_id) for doc_id in doc_ids]
        for name, values in more.items():
            columns[name][place] = [*columns[name][place], *values]
    series = {name: pd.Series(rows, triplets.index, object) for name, rows in columns.items()}
    return triplets.assign(**series)


def sampled_negatives(triplets: pd.DataFrame, size: int, seed: int) -> list[ReviewItem]:
    """Return about `size` mined negatives.

    Args:
        triplets: Triplets.
        size: the size of the sample, as `mine` draws it.
        seed: the seed of its order.
    """
    sample = false_negatives.sample_negatives(triplets, size, seed)
    evidence = _mining_evidence(triplets[triplets["pair_id"].isin(sample["pair_id"])])

    columns = ["pair_id", "negative_id", "form", "anchor", "positive", "negative"]
    items = []
    for pair_id, negative_id, form, anchor, positive, negative in zip(
        *(sample[name] for name in columns), strict=True
    ):
        ids = (str(pair_id), str(negative_id))
        texts = (str(anchor), str(positive), str(negative))
        items.append(ReviewItem(ids, str(form), texts, evidence[ids]))
    return items


def _mining_evidence(triplets: pd.DataFrame) -> dict[RowIds, tuple[str, ...]]:
    """Return scores, miners and filters of each negative."""
    columns = [
        "negative_ids",
        "negative_scores",
        "negative_cross_scores",
        "negative_miners",
        "negative_ranks",
        "negative_rules",
    ]
    rows = triplets[["pair_id", "positive_score", *columns]].explode(columns)
    rows = rows[rows["negative_ids"].notna()]
    evidence: dict[RowIds, tuple[str, ...]] = {}
    for pair_id, positive, doc_id, negative, cross, miners, rank, rules in zip(
        *(rows[name] for name in ("pair_id", "positive_score", *columns)), strict=True
    ):
        if not miners:
            evidence[str(pair_id), str(doc_id)] = ("a verdict has removed it",)
            continue

        lines = [
            f"cosine with the query: its document {positive:.3f}, the negative {negative:.3f}",
            f"proposed by {miners}, at rank {rank}",
            f"filters that it passed: {rules or 'none'}",
        ]
        if not math.isnan(cross):
            lines.append(f"score of the cross-encoder: {cross:.3f}")
        evidence[str(pair_id), str(doc_id)] = tuple(lines)
    return evidence


def first_hits_queue(data: Path, runs: Path, path: Path, seed: int) -> ReviewQueue:
    """Return the sample of first hits on which `evaluate` estimates the errors of labels.

    Args:
        data: the folder of the tables.
        runs: Runs of the fine-tuned model.
        path: the file of verdicts.
        seed: the seed of the order.
    """
    copies = tables.read(data / "deduplicate/aliases.parquet", Aliases)
    kept_id = dict(zip(copies["doc_id"], copies["kept_id"], strict=True))
    validation = data / "split/validation"
    evaluation_set = read_evaluation_set(
        validation / "queries.parquet", validation / "qrels.parquet", kept_id
    )
    first_ranks = tables.read(runs, Runs, split="validation", system="finetuned", rank=1)
    limit = load_section(EvaluateParams).judged_errors
    errors = sample_errors(first_ranks, evaluation_set, limit, seed)
    scores = dict(zip(first_ranks["query_id"], first_ranks["score"], strict=True))
    documents = tables.read(data / "pair/documents.parquet", Documents)
    return ReviewQueue(
        name="first_hits",
        title="First hits without a label",
        question="Does the first hit answer the query as the known document does?",
        labels=("Query", "The known document", "The first hit"),
        meanings=("a label is missing", "the model is wrong"),
        text_columns=("query", "answer", "found"),
        header=FIRST_HITS,
        path=path,
        items=described_first_hits(errors, evaluation_set, documents, scores),
        purpose="a random sample: the share of missing labels stands on it",
    )


def described_first_hits(
    errors: pd.DataFrame,
    evaluation_set: EvaluationSet,
    documents: pd.DataFrame,
    scores: dict[str, float],
) -> list[ReviewItem]:
    """Return rows for sampled errors on the first rank, each with the best known document.

    Args:
        errors: the columns query_id, component_id and doc_id.
        evaluation_set: the queries of validation with their relevant documents.
        documents: the Documents that are searched.
        scores: the score of the first hit of each query.
    """
    text_of_document = {}
    rows = documents[["doc_id", "title", "text"]].itertuples(index=False, name=None)
    for doc_id, title, text in rows:
        text_of_document[doc_id] = f"{title}: {text}" if title else text

    queries = evaluation_set.queries
    text_of_query = dict(zip(queries["query_id"], queries["text"], strict=True))

    # A relevant document may have been dropped since the queries were collected.
    items = []
    columns = ["query_id", "component_id", "doc_id"]
    for query_id, component_id, doc_id in zip(*(errors[name] for name in columns), strict=True):
        best_id = evaluation_set.best_document(query_id)
        missing = f"{best_id}, which is no longer in the corpus"
        texts = (
            text_of_query[query_id],
            text_of_document.get(best_id, missing),
            text_of_document.get(doc_id, doc_id),
        )
        evidence = (f"score of the fine-tuned model: {scores[query_id]:.3f}",)
        items.append(ReviewItem((query_id, doc_id), component_id, texts, evidence))
    return items
