"""What each system retrieved for single queries, and what became of relevant documents."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.reporting.difference_charts import TOLERANCE
from stages.lib.reporting.html import Html, collapsible
from stages.lib.schemas.runs import SYSTEMS
from stages.report.measurements import ValidationTexts
from stages.report.queries import relevant_documents, short_texts, with_queries, worst_first

# The systems whose hits are shown.
SHOWN_SYSTEMS = ("bm25", "base", "finetuned")

# Queries that changed most, in each direction.
MAX_CHANGED = 10

# Relevant documents of a query that are listed.
_MAX_RELEVANT = 5


class ShownQuery(NamedTuple):
    """A query of validation.

    Attributes:
        query_id: its id.
        text: its text.
        relation: its relation; "" for none.
        base: nDCG@10 of the base model.
        finetuned: nDCG@10 of the fine-tuned model.
    """

    query_id: str
    text: str
    relation: str
    base: float
    finetuned: float


def worst_shown(paired: pd.DataFrame, texts: ValidationTexts, count: int) -> list[ShownQuery]:
    """Return the queries on which the fine-tuned model does worst, the worst first."""
    return _shown(worst_first(paired, texts).head(count))


def changed_most(
    paired: pd.DataFrame, texts: ValidationTexts, count: int, *, is_loss: bool
) -> list[ShownQuery]:
    """Return the queries that fell most, or rose most, against the base model."""
    changes = -paired["change"] if is_loss else paired["change"]
    frame = with_queries(paired[changes > TOLERANCE], texts.queries)
    frame = frame.assign(size=-frame["change"].abs())
    return _shown(frame.sort_values(["size", "query_id"]).head(count))


def _shown(frame: pd.DataFrame) -> list[ShownQuery]:
    rows = frame[["query_id", "text", "relation", "base", "finetuned"]]
    return [ShownQuery(*row) for row in rows.itertuples(index=False, name=None)]


def query_details(queries: Sequence[ShownQuery], texts: ValidationTexts) -> list[Html]:
    """Return a line for each query, which opens to the hits of each system."""
    text_of_document = short_texts(texts)
    relevant = relevant_documents(texts)
    hits_of_query = _hits_of_queries(texts.hits, {query.query_id for query in queries})

    parts = []
    for query in queries:
        gold = list(dict.fromkeys(relevant[query.query_id]))
        lists = []
        for system in SHOWN_SYSTEMS:
            doc_ids = hits_of_query.get((query.query_id, system))
            if doc_ids:
                lists.append(_hit_list(system, doc_ids, gold, text_of_document))
        hit_lists = Html(f'<div class="systems">{"".join(lists)}</div>')
        body = [_gold_list(gold, text_of_document, texts.drops), hit_lists]
        change = query.finetuned - query.base
        scores = f"nDCG@10 {query.base:.3f} to {query.finetuned:.3f} ({change:+z.3f})"
        relation = f" ({query.relation})" if query.relation else ""
        parts.append(collapsible(f"{query.text}{relation}: {scores}", *body))
    return parts


def _hits_of_queries(hits: pd.DataFrame, query_ids: set[str]) -> dict[tuple[str, str], list[str]]:
    """Return (query, system) to its hits, the best first."""
    shown = hits[hits["query_id"].isin(query_ids)].sort_values("rank", kind="stable")
    hits_of_query: dict[tuple[str, str], list[str]] = {}
    for query_id, system, doc_id in zip(
        shown["query_id"], shown["system"], shown["doc_id"], strict=True
    ):
        hits_of_query.setdefault((query_id, system), []).append(doc_id)
    return hits_of_query


def _gold_list(
    gold: Sequence[str], text_of_document: Mapping[str, str], drops: Mapping[str, str]
) -> Html:
    """Return the relevant documents; one that is lost comes with the decision that took it."""
    lines = []
    for doc_id in gold[:_MAX_RELEVANT]:
        text = text_of_document.get(doc_id)
        if text is None:
            reason = drops.get(doc_id, "no ledger names it")
            text = f"{doc_id} is not in the corpus ({reason})"
        lines.append(f"<li>{html.escape(text)}</li>")
    if len(gold) > _MAX_RELEVANT:
        lines.append(f"<li>and {len(gold) - _MAX_RELEVANT:,} more</li>")
    return Html(f'<p><b>Relevant</b></p>\n<ul class="hits">{"".join(lines)}</ul>')


def _hit_list(
    system: str,
    doc_ids: Sequence[str],
    gold: Sequence[str],
    text_of_document: Mapping[str, str],
) -> Html:
    """Return the hits of a system, with a sign at those that are relevant."""
    lines = []
    for doc_id in doc_ids:
        text = html.escape(text_of_document.get(doc_id, doc_id))
        if doc_id in gold:
            lines.append(f'<li class="gold"><mark>\u2713 relevant</mark> {text}</li>')
        else:
            lines.append(f"<li>{text}</li>")
    name = SYSTEMS[system]
    heading = f"{name[0].upper()}{name[1:]}"
    return Html(f'<div><p><b>{heading}</b></p>\n<ol class="hits">{"".join(lines)}</ol></div>')
