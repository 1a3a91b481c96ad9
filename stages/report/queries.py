"""The validation queries one by one: how each changed, and the worst of them."""

from __future__ import annotations

import pandas as pd

from stages.lib.core.errors import UserError
from stages.lib.reporting.difference_charts import TOLERANCE
from stages.report.measurements import ValidationTexts

# Longer documents are cut.
TEXT_LENGTH = 120

# The rank of a relevant document that is not among the first hundred hits, for sorting.
_NOT_FOUND = 101

_COLUMNS = ["query_id", "component_id", "ndcg_at_10", "first_rank"]
_PAIRED_NAMES = {
    "ndcg_at_10_base": "base",
    "ndcg_at_10_tuned": "finetuned",
    "first_rank_base": "base_rank",
    "first_rank_tuned": "tuned_rank",
}


def paired_results(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each query with the results of the base and the fine-tuned model.

    Columns: query_id, component_id, base and finetuned (nDCG@10), change (their difference),
        base_rank
    and tuned_rank (of the first relevant document; 0 beyond a hundred hits).

    Raises:
        UserError: the two models were not scored on the same queries.
    """
    base = results.loc[results["system"] == "base", _COLUMNS]
    tuned = results.loc[results["system"] == "finetuned", _COLUMNS]
    paired = base.merge(
        tuned, on=["query_id", "component_id"], suffixes=("_base", "_tuned"), validate="1:1"
    )
    if len(paired) != len(base) or len(paired) != len(tuned):
        raise UserError(
            "base and fine-tuned were not scored on the same queries", "run 'dvc repro evaluate'"
        )

    # A positive change is a gain of the fine-tuned model.
    paired = paired.rename(columns=_PAIRED_NAMES)
    paired["change"] = paired["finetuned"] - paired["base"]
    return paired.sort_values("query_id", ignore_index=True)


def count_changes(paired: pd.DataFrame) -> tuple[int, int]:
    """Return how many queries did better and how many did worse with the fine-tuned model."""
    better = int((paired["change"] > TOLERANCE).sum())
    worse = int((paired["change"] < -TOLERANCE).sum())
    return better, worse


def worst_first(paired: pd.DataFrame, texts: ValidationTexts) -> pd.DataFrame:
    """Return the queries without a perfect result, with text and relation, the worst first."""
    is_imperfect = paired["finetuned"] < 1.0 - TOLERANCE
    frame = with_queries(paired[is_imperfect], texts.queries)
    depth = frame["tuned_rank"].where(frame["tuned_rank"] > 0, _NOT_FOUND)
    frame = frame.assign(depth=-depth, base_first=-frame["base"])
    return frame.sort_values(["finetuned", "depth", "base_first", "query_id"], ignore_index=True)


def worst_queries(paired: pd.DataFrame, texts: ValidationTexts, count: int) -> pd.DataFrame:
    """Return the `count` validation queries on which the fine-tuned model does worst.

    The lowest nDCG@10 comes first, then the relevant document that is furthest down, then the query
    on which the base model was best. Queries with a perfect result are left out. A rank is missing
    beyond a hundred hits. The first hit is shown if it is not relevant.
    """
    frame = worst_first(paired, texts).head(count)

    # Texts in place of ids. A rank of 0 means that there is none.
    relevant = _relevant_texts(texts)
    found_instead = _first_hits(texts)
    ranks = frame[["base_rank", "tuned_rank"]].astype("Int64").replace(0, pd.NA)
    return pd.DataFrame(
        {
            "Query": frame["text"],
            "Relation": frame["relation"],
            "Relevant document": [relevant[query_id] for query_id in frame["query_id"]],
            "Found instead": [found_instead[query_id] for query_id in frame["query_id"]],
            "Base rank": ranks["base_rank"],
            "Fine-tuned rank": ranks["tuned_rank"],
        }
    )


def _relevant_texts(texts: ValidationTexts) -> dict[str, str]:
    """Return query id to its best relevant document, and how many more there are."""
    text_of_document = short_texts(texts)
    relevant: dict[str, str] = {}
    for query_id, doc_ids in relevant_documents(texts).items():
        missing = "{}, which is no longer in the corpus"
        shown = [text_of_document.get(doc_id, missing.format(doc_id)) for doc_id in doc_ids]

        # Copies of one document are shown once.
        distinct = list(dict.fromkeys(shown))
        more = f" (and {len(distinct) - 1} more)" if len(distinct) > 1 else ""
        relevant[query_id] = distinct[0] + more

    return relevant


def _first_hits(texts: ValidationTexts) -> dict[str, str]:
    """Return query id to the first hit; empty where it is relevant."""
    text_of_document = short_texts(texts)
    relevant = relevant_documents(texts)
    hits = texts.first_hits
    return {
        query_id: "" if doc_id in relevant[query_id] else text_of_document.get(doc_id, doc_id)
        for query_id, doc_id in zip(hits["query_id"], hits["doc_id"], strict=True)
    }


def short_texts(texts: ValidationTexts) -> dict[str, str]:
    """Return document id to its title and the beginning of its text."""
    documents = texts.documents
    rows = zip(documents["doc_id"], documents["title"], documents["text"], strict=True)
    return {doc_id: _shorten(title, text) for doc_id, title, text in rows}


def relevant_documents(texts: ValidationTexts) -> dict[str, list[str]]:
    """Return query id to its relevant documents that were kept, the best first."""
    aliases = texts.aliases
    kept_of_dropped = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))
    qrels = texts.qrels.sort_values(["query_id", "grade", "doc_id"], ascending=[True, False, True])

    documents: dict[str, list[str]] = {}
    for query_id, doc_id in zip(qrels["query_id"], qrels["doc_id"], strict=True):
        documents.setdefault(query_id, []).append(kept_of_dropped.get(doc_id, doc_id))
    return documents


def _shorten(title: str, text: str) -> str:
    start = text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH].rstrip() + "…"
    return f"{title}: {start}" if title else start


def with_queries(paired: pd.DataFrame, queries: pd.DataFrame) -> pd.DataFrame:
    """Return `paired` with text and relation of each query; UserError for an unknown one."""
    frame = paired.merge(
        queries[["query_id", "text", "relation"]], on="query_id", how="left", validate="1:1"
    )
    is_unknown = frame["text"].isna()
    if is_unknown.any():
        first = frame.loc[is_unknown, "query_id"].iloc[0]
        raise UserError(
            f"metrics/queries/validation.tsv scores {first}, which is no query",
            "run 'dvc repro evaluate'",
        )
    return frame
