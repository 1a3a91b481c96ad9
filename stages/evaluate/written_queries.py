"""Evaluation sets of the queries that people wrote for held-out passages.

They are asked as they were written. A query counts only while its document is held out in the
split of its line, and while training holds no equal anchor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.evaluate.interface import Inputs, Params
from stages.evaluate.results import IntervalSettings, gains, means_by_system
from stages.evaluate.systems import Systems
from stages.evaluate.tasks import RetrievalTask, rank_all
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_qrels
from stages.lib.schemas.evaluation_set import Qrels, Queries, ScoredPairs
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.lib.schemas.splits import EVALUATION_SPLITS, NOT_IN_SAMPLE
from stages.lib.schemas.written_queries import SheetLine
from stages.lib.text.normal_form import normal_form

# The relation and source of such a query, for slices.
WRITTEN = "written"
# Why a written query is not asked.
REASONS = ("not_held_out", "not_in_corpus", "equals_training")


class WrittenSets(NamedTuple):
    """The evaluation set of each split, and how many written queries are left out, by reason."""

    set_of_split: Mapping[str, EvaluationSet]
    left_out: Mapping[str, int]


def ask_written_queries(
    sheet: Sequence[SheetLine],
    tasks: Mapping[str, RetrievalTask],
    inputs: Inputs,
    *,
    systems: Systems,
    params: Params,
) -> dict[str, float | int]:
    """Return means and gains on the queries that people wrote, by split, as `written_<split>`.

    Empty without such queries. They lead to no choice, and no table holds their texts.
    """
    if not any(line.is_written for line in sheet):
        return {}

    aliases = inputs.aliases.frame()
    corpus = tasks["validation"].corpus
    written = written_sets(
        sheet,
        inputs.splits.frame(),
        set(corpus.doc_ids.tolist()),
        training_anchors=inputs.triplets.frame()["anchor"],
        kept_id_of=dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True)),
    )
    written_tasks = {
        f"written_{split}": RetrievalTask(corpus, evaluation_set, ScoredPairs.empty())
        for split, evaluation_set in written.set_of_split.items()
    }
    ranked_sets = rank_all(written_tasks, systems, params.evaluate)

    # The same means and intervals as on the other sets.
    metrics: dict[str, float | int] = {
        f"written.left_out.{key}": count for key, count in written.left_out.items()
    }
    settings = IntervalSettings(
        params.run.seed, params.evaluate.seed_sd, params.evaluate.component_weight
    )
    for name, ranked in ranked_sets.items():
        metrics |= means_by_system(ranked.results, name, params.evaluate.component_weight)
        metrics[f"{name}.queries"] = len(ranked.evaluation_set.queries)
        metrics |= gains(ranked.results, name, settings)

    return metrics


def written_sets(
    lines: Iterable[SheetLine],
    splits: pd.DataFrame,
    corpus_ids: Collection[str],
    *,
    training_anchors: Iterable[str],
    kept_id_of: Mapping[str, str],
) -> WrittenSets:
    """Return the evaluation sets of the written queries, without empty ones.

    Args:
        lines: the lines of the sheet. Lines without a query are ignored.
        splits: a Splits table, for the split and component of each document.
        corpus_ids: the ids of the documents that are searched.
        training_anchors: the anchors of the training rows.
        kept_id_of: the kept document of each dropped copy.
    """
    place_of_id = {
        row_id: (split, component)
        for row_id, split, component in zip(
            splits["id"], splits["split"], splits["component_id"], strict=True
        )
    }
    trained_forms = {normal_form(anchor) for anchor in training_anchors}

    left_out: Counter[str] = Counter()
    query_rows: dict[str, list[dict[str, str]]] = {split: [] for split in EVALUATION_SPLITS}
    qrel_rows: dict[str, list[dict[str, str | float]]] = {split: [] for split in EVALUATION_SPLITS}
    for line in lines:
        if not line.is_written:
            continue

        split, component = place_of_id.get(line.doc_id, ("", ""))
        if split != line.split:
            left_out[NOT_IN_SAMPLE if split == NOT_IN_SAMPLE else "not_held_out"] += 1
        elif kept_id_of.get(line.doc_id, line.doc_id) not in corpus_ids:
            left_out["not_in_corpus"] += 1
        elif normal_form(line.query) in trained_forms:
            left_out["equals_training"] += 1
        else:
            query_id = query_id_of(line.query)
            query_rows[split].append(
                {
                    "query_id": query_id,
                    "component_id": component,
                    "raw": line.query,
                    "text": line.query.strip(),
                    "relation": WRITTEN,
                    "source": WRITTEN,
                }
            )
            qrel_rows[split].append({"query_id": query_id, "doc_id": line.doc_id, "grade": 1.0})

    sets: dict[str, EvaluationSet] = {}
    for split in EVALUATION_SPLITS:
        if query_rows[split]:
            sets[split] = _evaluation_set(query_rows[split], qrel_rows[split], kept_id_of)

    # Reasons without a query are listed too, but for that of a sample.
    return WrittenSets(sets, {**dict.fromkeys(REASONS, 0), **left_out})


def _evaluation_set(
    query_rows: list[dict[str, str]],
    qrel_rows: list[dict[str, str | float]],
    kept_id_of: Mapping[str, str],
) -> EvaluationSet:
    # A query that was written for several passages has all their documents.
    queries = pd.DataFrame(query_rows, columns=list(Queries.empty().columns))
    queries = queries.sort_values(["query_id", "component_id"]).drop_duplicates("query_id")
    qrels = pd.DataFrame(qrel_rows, columns=list(Qrels.empty().columns))
    qrels = qrels.sort_values(["query_id", "doc_id"]).drop_duplicates(["query_id", "doc_id"])

    return EvaluationSet(
        queries.reset_index(drop=True),
        resolve_qrels(qrels, kept_id_of),
        qrels.reset_index(drop=True),
    )
