"""Queues of rows that look wrong, the most suspicious first.

They are no samples, so that nothing is estimated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stages.clean.corpus_model import learn_corpus
from stages.clean.interface import CleanParams
from stages.commands.review.ambiguous_forms import TextField, meaning_rows
from stages.commands.review.cleaning_rules import cleaning_rules_queue
from stages.commands.review.queues import ReviewItem, ReviewQueue
from stages.lib.core import tables
from stages.lib.core.params import load_section
from stages.lib.preprocessing.word_lists import read_abbreviations
from stages.lib.schemas.corpus_counts import CorpusCounts, RecurringLines
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.reviews import MISPAIRED, NEAR_EDGES, VARIANTS
from stages.lib.schemas.splits import Splits

# No queue is longer: what comes later is hardly suspicious.
MAX_ROWS = 1000
# What may be shown: nothing of the test split.
_SHOWN_SPLITS = ("train", "validation", "corpus")
_VARIANT_SOURCE = "augment."
_PURPOSE = "the most suspicious rows first: no estimate stands on it"


def suspicious_queues(data: Path, triplets: pd.DataFrame, reviews: Path) -> list[ReviewQueue]:
    """Return the queues whose tables are there, and that have rows.

    Args:
        data: the folder of the tables.
        triplets: Triplets.
        reviews: the folder of the verdicts.
    """
    queues = [mispaired_queue(triplets, reviews)]

    near = data / "deduplicate/near_duplicates.parquet"
    splits = data / "split/splits.parquet"
    if near.exists() and splits.exists():
        edges = _shown_edges(tables.read(near, NearDuplicates), tables.read(splits, Splits))
        documents = tables.read(data / "clean/documents.parquet", Documents)
        pairs = tables.read(data / "clean/pairs.parquet", Pairs)
        queues.append(near_edges_queue(edges, text_of_ids(documents, pairs), reviews))

    cleaned = data / "clean/ledger.parquet"
    if cleaned.exists() and splits.exists():
        queues.append(_cleaning_rules(data, tables.read(splits, Splits), reviews))

    variants = data / "augment/pairs.parquet"
    if variants.exists():
        documents = tables.read(data / "pair/documents.parquet", Documents)
        ledger = tables.read(data / "augment/ledger.parquet", Ledger)
        pairs = tables.read(variants, Pairs)
        queues.append(variants_queue(pairs, ledger, text_of_ids(documents, pairs), reviews))
    return [queue for queue in queues if queue.items]


def _cleaning_rules(data: Path, splits: pd.DataFrame, reviews: Path) -> ReviewQueue:
    """Return the rules of cleaning, with examples from texts that may be shown."""
    documents = tables.read(data / "clean/documents.parquet", Documents)
    pairs = tables.read(data / "clean/pairs.parquet", Pairs)
    shown = frozenset(splits.loc[splits["split"].isin(_SHOWN_SPLITS), "id"])
    documents = documents[documents["doc_id"].isin(shown)]
    pairs = pairs[pairs["pair_id"].isin(shown)]

    # The abbreviations of the run. Corrections need no model: the ledger has both words.
    params = load_section(CleanParams).model_copy(update={"typos": "off"})
    learned = learn_corpus(
        tables.read(data / "clean/corpus_counts.parquet", CorpusCounts),
        read_abbreviations(data / "glossary/abbreviations.csv"),
        params,
    )
    ledger = tables.read(data / "clean/ledger.parquet", Ledger)
    is_written_out = params.abbreviations != "off"
    return cleaning_rules_queue(
        ledger,
        tables.read(data / "clean/recurring_lines.parquet", RecurringLines),
        text_of_ids(documents, pairs),
        long_of_short=dict([*learned.entries, *learned.defined_entries]),
        reviews=reviews,
        meanings=meaning_rows(
            learned.ambiguous if is_written_out else {}, text_fields(documents, pairs), ledger
        ),
    )


def mispaired_queue(triplets: pd.DataFrame, reviews: Path) -> ReviewQueue:
    """Return training pairs whose document is hardly closer to the query than another one."""
    rows = triplets[triplets["negative_ids"].map(len) > 0]
    best = [int(np.argmax(scores)) for scores in rows["negative_scores"]]
    columns = ["pair_id", "doc_id", "anchor", "positive", "positive_score"]
    lists = ["negatives", "negative_scores"]

    items = []
    margins = []
    for place, pair_id, doc_id, anchor, positive, score, negatives, scores in zip(
        best, *(rows[name] for name in (*columns, *lists)), strict=True
    ):
        margin = float(score) - float(scores[place])
        texts = (str(anchor), str(negatives[place]), str(positive))
        evidence = (
            f"cosine with the query: its document {score:.3f}, the other one {scores[place]:.3f}",
            f"margin {margin:.3f}",
        )
        items.append(ReviewItem((str(pair_id), str(doc_id)), str(pair_id), texts, evidence))
        margins.append(margin)

    order = np.argsort(np.array(margins), kind="stable")[:MAX_ROWS]
    return ReviewQueue(
        name="mispaired",
        title="Pairs that may be wrong",
        question="Does its document answer the query?",
        labels=("Query", "The closest other document", "Its document"),
        meanings=("the pair is right", "the pair is wrong"),
        text_columns=("anchor", "other", "positive"),
        header=MISPAIRED,
        path=reviews / "mispaired.csv",
        items=[items[place] for place in order],
        purpose=_PURPOSE,
        is_sample=False,
    )


def _shown_edges(edges: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the edges between rows that may be shown."""
    shown = splits.loc[splits["split"].isin(_SHOWN_SPLITS), "id"]
    is_shown = edges["left_id"].isin(shown) & edges["right_id"].isin(shown)
    return edges[is_shown & (edges["rule"] == "near")]


def near_edges_queue(
    edges: pd.DataFrame, text_of_id: Mapping[str, str], reviews: Path
) -> ReviewQueue:
    """Return near-duplicates, those at the threshold first.

    Args:
        edges: NearDuplicates that may be shown.
        text_of_id: the texts of documents and of the anchors of pairs.
        reviews: the folder of the verdicts.
    """
    ordered = edges.sort_values(["similarity", "left_id", "right_id"], kind="stable")
    items: list[ReviewItem] = []
    columns = ["left_id", "right_id", "similarity"]
    for left_id, right_id, similarity in zip(*(ordered[name] for name in columns), strict=True):
        if len(items) == MAX_ROWS:
            break
        if left_id not in text_of_id or right_id not in text_of_id:
            continue
        kind = "documents" if left_id.startswith("d") else "queries"
        texts = (f"Two {kind}", text_of_id[left_id], text_of_id[right_id])
        evidence = (f"similarity {similarity:.3f}",)
        items.append(ReviewItem((left_id, right_id), left_id, texts, evidence))
    return ReviewQueue(
        name="near_edges",
        title="Near-duplicates at the threshold",
        question="Do both texts say the same?",
        labels=("Kind", "One text", "The other text"),
        meanings=("they are near-duplicates", "they are not"),
        text_columns=("kind", "left", "right"),
        header=NEAR_EDGES,
        path=reviews / "near_edges.csv",
        items=items,
        purpose=_PURPOSE,
        is_sample=False,
    )


def variants_queue(
    pairs: pd.DataFrame, ledger: pd.DataFrame, text_of_id: Mapping[str, str], reviews: Path
) -> ReviewQueue:
    """Return variants of queries, those that are least like the original first.

    Args:
        pairs: the Pairs with the variants.
        ledger: the Ledger of `augment`, which names the pair that each variant comes from.
        text_of_id: the texts of documents and of the anchors of pairs.
        reviews: the folder of the verdicts.
    """
    added = ledger[ledger["action"] == "add"]
    parent_of_pair = dict(zip(added["row_id"], added["partner_id"], strict=True))
    score_of_pair = dict(zip(added["row_id"], added["score"], strict=True))
    variants = pairs[pairs["source"].str.startswith(_VARIANT_SOURCE)]
    scores = variants["pair_id"].map(score_of_pair)

    # Only some methods give a score. The others come after them, in the order of their ids.
    ordered = variants.assign(likeness=scores).sort_values(["likeness", "pair_id"], kind="stable")
    items: list[ReviewItem] = []
    columns = ["pair_id", "anchor", "doc_id", "source", "likeness"]
    for pair_id, anchor, doc_id, source, likeness in zip(
        *(ordered[name] for name in columns), strict=True
    ):
        parent_id = parent_of_pair.get(pair_id, "")
        if parent_id not in text_of_id or len(items) == MAX_ROWS:
            continue
        texts = (text_of_id.get(doc_id, doc_id), text_of_id[parent_id], anchor)
        evidence = [f"made by {source.removeprefix(_VARIANT_SOURCE)}"]
        if likeness == likeness:
            evidence.append(f"score {likeness:.3f}")
        items.append(ReviewItem((parent_id, pair_id), parent_id, texts, tuple(evidence)))
    return ReviewQueue(
        name="variants",
        title="Variants of queries",
        question="Does the variant ask the same as the query?",
        labels=("Their document", "Query", "The variant"),
        meanings=("the variant is right", "it asks something else"),
        text_columns=("document", "anchor", "variant"),
        header=VARIANTS,
        path=reviews / "variants.csv",
        items=items,
        purpose=_PURPOSE,
        is_sample=False,
    )


def text_of_ids(documents: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, str]:
    """Return the text of each document, with its title, and the anchor of each pair."""
    text_of_id = dict(zip(pairs["pair_id"], pairs["anchor"], strict=True))
    rows = documents[["doc_id", "title", "text"]].itertuples(index=False, name=None)
    for doc_id, title, text in rows:
        text_of_id[doc_id] = f"{title}: {text}" if title else text
    return text_of_id


def text_fields(documents: pd.DataFrame, pairs: pd.DataFrame) -> list[TextField]:
    """Return titles and texts of documents, and anchors of pairs, as `clean` reads them."""
    fields: list[TextField] = []
    rows = documents[["doc_id", "title", "text"]].itertuples(index=False, name=None)
    for doc_id, title, text in rows:
        fields += [TextField(doc_id, title), TextField(doc_id, text)]
    anchors = pairs[["pair_id", "anchor"]].itertuples(index=False, name=None)
    return fields + [TextField(*row) for row in anchors]
