"""Evaluation sets: queries and qrels of held-out splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.schemas.evaluation_set import Qrels, QueryGrades, ScoredPairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels, query_id_of
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.split.columns import column_by_key


class QuerySet(NamedTuple):
    """The queries and qrels of one evaluation set."""

    queries: pd.DataFrame
    qrels: pd.DataFrame


class TopicRelevance:
    """The documents that are relevant where a pair asks for any document of a topic.

    That is the whole topic, but for the document whose text is the anchor.
    """

    def __init__(self, documents: pd.DataFrame, synthetic_pairs: pd.DataFrame) -> None:
        """Index the topics.

        Args:
            documents: Documents as they are embedded.
            synthetic_pairs: a SyntheticPairs table, with the document whose text is an anchor.
        """
        self._topic_of = column_by_key(documents, "doc_id", "topic")
        self._documents_of_topic = {
            str(topic): sorted(doc_ids) for topic, doc_ids in documents.groupby("topic")["doc_id"]
        }
        self._origin_of = dict(
            zip(synthetic_pairs["pair_id"], synthetic_pairs["origin_id"], strict=True)
        )

    def relevant_documents(self, pair_id: str, doc_id: str) -> list[str]:
        """Return the relevant documents of a same_label pair with the document `doc_id`."""
        topic = self._topic_of.get(doc_id, "")
        members = self._documents_of_topic.get(topic, [])
        return [member for member in members if member != self._origin_of[pair_id]]


def build_evaluation_sets(
    pairs: pd.DataFrame,
    cleaned_anchors: Mapping[str, str],
    splits: pd.DataFrame,
    topics: TopicRelevance,
) -> dict[str, QuerySet]:
    """Return the queries and qrels of validation and test.

    Args:
        pairs: Pairs as collected.
        cleaned_anchors: pair id to its anchor as cleaned. A query whose pair was dropped by
            cleaning stays, with its raw text.
        splits: the Splits.
        topics: the relevant documents of pairs that ask for a topic.

    Raises:
        UserError: a split has no queries.
    """
    placed = _with_splits(pairs, cleaned_anchors, splits)
    sets = {name: _query_set(placed[placed["split"] == name], topics) for name in EVALUATION_SPLITS}
    for name, query_set in sets.items():
        if not len(query_set.queries):
            raise UserError(
                f"the {len(pairs)} collected pairs leave the {name} split empty: "
                "too few, or all tied together",
                "bring more data, give larger shares (lower split.train), "
                "or look at the groups under collect.sources",
            )

    return sets


def build_synthetic_set(
    synthetic: pd.DataFrame,
    splits: pd.DataFrame,
    validation_queries: pd.DataFrame,
    topics: TopicRelevance,
) -> QuerySet:
    """Return the queries and qrels of the synthetic pairs in validation, which decide nothing.

    Those of the test split are never evaluated.

    Args:
        synthetic: Pairs built by recipes.
        splits: the Splits.
        validation_queries: Queries of collected pairs; synthetic queries that equal one are
            left out.
        topics: the relevant documents of pairs that ask for a topic.
    """
    placed = _with_splits(synthetic, {}, splits)
    queries, qrels = _query_set(placed[placed["split"] == "validation"], topics)
    # A collected query of the same text counts already.
    is_new = ~queries["query_id"].isin(validation_queries["query_id"])
    new_queries = queries[is_new]
    return QuerySet(new_queries, qrels[qrels["query_id"].isin(new_queries["query_id"])])


def with_grades(pairs: pd.DataFrame, grades: pd.DataFrame) -> pd.DataFrame:
    """Return `pairs` with the grade in place of the score where a pair has one.

    Args:
        pairs: Pairs.
        grades: a PairGrades table.
    """
    grade_of_pair = grades.set_index("pair_id")["grade"].astype("float64")
    scores = pairs["pair_id"].map(grade_of_pair).fillna(pairs["score"])
    return pairs.assign(score=scores.astype("float64"))


def query_grades(
    pairs: pd.DataFrame, grades: pd.DataFrame, splits: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the QueryGrades of validation and test: the grades of all queries that are held out.

    Where a query and a document have several grades, the best one counts, as in the qrels.

    Args:
        pairs: Pairs as collected.
        grades: a PairGrades table.
        splits: the Splits.
    """
    split_of_id = splits.set_index("id")["split"]
    graded = pairs[["pair_id", "anchor", "doc_id"]].merge(grades, on="pair_id")
    graded["query_id"] = [query_id_of(anchor) for anchor in graded["anchor"]]
    graded["split"] = graded["pair_id"].map(split_of_id)

    tables: dict[str, pd.DataFrame] = {}
    types = QueryGrades.empty().dtypes.to_dict()
    for name in EVALUATION_SPLITS:
        best_first = graded[graded["split"] == name].sort_values("grade", ascending=False)
        tables[name] = best_first.drop_duplicates(["query_id", "doc_id"])[list(types)].astype(types)

    return tables


def scored_pairs(
    pairs: pd.DataFrame, cleaned_anchors: Mapping[str, str], splits: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the ScoredPairs of validation and test.

    They are empty where all scores are the same, since such scores rank nothing.
    """
    has_grades = pairs["score"].nunique() > 1
    placed = _with_splits(pairs if has_grades else pairs.iloc[:0], cleaned_anchors, splits)
    types = ScoredPairs.empty().dtypes.to_dict()
    return {
        name: placed.loc[placed["split"] == name, list(types)].astype(types)
        for name in EVALUATION_SPLITS
    }


def _query_set(pairs: pd.DataFrame, topics: TopicRelevance) -> QuerySet:
    """Return queries and qrels of the pairs of one split."""
    queries, qrels = queries_and_qrels(pairs)

    # A pair of the recipe same_label asks for any document of a topic, so all of it is relevant.
    by_topic = pairs[pairs["source"] == "pair.same_label"]
    topic_rows: list[tuple[str, str, float]] = []
    for pair_id, raw_anchor, doc_id in zip(
        by_topic["pair_id"], by_topic["raw"], by_topic["doc_id"], strict=True
    ):
        for relevant_id in topics.relevant_documents(pair_id, doc_id):
            topic_rows.append((query_id_of(raw_anchor), relevant_id, 1.0))

    if not topic_rows:
        return QuerySet(queries, qrels)

    types = Qrels.empty().dtypes.to_dict()
    topic_qrels = pd.DataFrame(topic_rows, columns=["query_id", "doc_id", "grade"]).astype(types)
    # The first row counts, so the grade of a collected pair wins.
    all_qrels = pd.concat([qrels, topic_qrels]).drop_duplicates(["query_id", "doc_id"])
    return QuerySet(queries, all_qrels)


def _with_splits(
    pairs: pd.DataFrame, cleaned_anchors: Mapping[str, str], splits: pd.DataFrame
) -> pd.DataFrame:
    """Return `pairs` with raw and cleaned anchor, component and split."""
    # In the order of the pairs.
    split_rows = splits.set_index("id").reindex(pairs["pair_id"])
    anchors = [
        cleaned_anchors.get(pair_id, raw_anchor)
        for pair_id, raw_anchor in zip(pairs["pair_id"], pairs["anchor"], strict=True)
    ]

    return pairs.assign(
        raw=pairs["anchor"],
        anchor=pd.Series(anchors, index=pairs.index, dtype="str"),
        component_id=split_rows["component_id"].to_numpy(),
        split=split_rows["split"].to_numpy(),
    )
