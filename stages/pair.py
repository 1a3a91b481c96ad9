"""Build the (anchor, positive) pairs to learn from, and the documents as they are embedded.

Reads documents and pairs without copies; writes the documents with their text rendered by
`pair.document_text`, and the pairs: those that the sources gave, and those of the recipes that are
switched on. A recipe never invents a positive: it only pairs a document with a part of itself.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from string import Formatter
from typing import ClassVar

import pandas as pd
from pydantic import Field, field_validator

from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Section, load
from stages.lib.stage import command, write_metrics
from stages.lib.text import hash_hex, normal_form, words

REASONS = ("not_relevant", "already_given", "over_document_cap")
_PLACEHOLDERS = {"text", "title", "topic"}


class PairParams(Section):
    """Which pairs are built, and how a document reads when it is embedded."""

    section: ClassVar[str] = "pair"
    document_text: str
    title_to_text: bool
    max_pairs_per_document: int | None = Field(ge=1)

    @field_validator("document_text")
    @classmethod
    def _names_the_text(cls, template: str) -> str:
        fields = [field for _, *field in Formatter().parse(template) if field[0] is not None]
        names = {name for name, _, _ in fields}
        # A conversion or a format ("{text!r}", "{text:d}") would fail, or change the text, once it is filled in.
        if "text" not in names or names - _PLACEHOLDERS or any(spec or kind for _, spec, kind in fields):
            raise ValueError("it must hold {text}, and of other placeholders only {title} and {topic}")
        return template


def render(documents: pd.DataFrame, template: str) -> pd.DataFrame:
    """Return `documents` with the text that is embedded: `template` filled in, trimmed."""
    rows = zip(documents["text"], documents["title"], documents["topic"], strict=True)
    texts = [template.format(text=text, title=title, topic=topic).strip() for text, title, topic in rows]
    return documents.assign(text=texts)


def render_passages(passages: pd.DataFrame, documents: pd.DataFrame, template: str) -> pd.DataFrame:
    """Return the passages of `documents`, each rendered with its document's title and topic."""
    of = documents.set_index("doc_id")[["title", "topic"]]
    kept = passages[passages["doc_id"].isin(of.index)]
    columns = {name: kept["doc_id"].map(of[name]).astype("str") for name in ("title", "topic")}
    return render(kept.assign(**columns), template).drop(columns=["title", "topic"])


def titles(documents: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Return a pair per titled document: its title should find it."""
    titled = documents[documents["title"].map(normal_form) != ""]
    pair_ids = ["p" + hash_hex("pair.title", doc_id) for doc_id in titled["doc_id"]]
    for pair_id, doc_id in zip(pair_ids, titled["doc_id"], strict=True):
        ledger.add(pair_id, "title", partner_id=doc_id)
    return pd.DataFrame(
        {
            "pair_id": pair_ids,
            "anchor": titled["title"].to_numpy(),
            "doc_id": titled["doc_id"].to_numpy(),
            "relation": "title",
            "score": 1.0,
            "source": "pair.title",
        }
    )


def cap(pairs: pd.DataFrame, most: int | None, ledger: Ledger) -> pd.DataFrame:
    """Return at most `most` pairs per document, those whose id hashes smallest."""
    if most is None:
        return pairs
    ranked = pairs.assign(lot=pairs["pair_id"].map(hash_hex)).sort_values(["doc_id", "lot"])
    place = ranked.groupby("doc_id").cumcount()
    for pair_id in sorted(ranked.loc[place >= most, "pair_id"]):
        ledger.drop(pair_id, "over_document_cap", score=float(most))
    return pairs[pairs["pair_id"].isin(set(ranked.loc[place < most, "pair_id"]))]


def drop_irrelevant(pairs: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Drop pairs that the source scores 0: their document is no answer."""
    for pair_id in pairs.loc[pairs["score"] == 0, "pair_id"]:
        ledger.drop(pair_id, "not_relevant", score=0.0)
    return pairs[pairs["score"] > 0]


def drop_repeated(pairs: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Drop made pairs that say what a given one already says: the same anchor for the same document."""
    made = pairs["source"].str.startswith("pair.")
    form = pairs["anchor"].map(normal_form) + "\n" + pairs["doc_id"]
    given = dict(zip(form[~made], pairs.loc[~made, "pair_id"], strict=True))
    repeated = made & form.isin(given)
    for pair_id, key in zip(pairs.loc[repeated, "pair_id"], form[repeated], strict=True):
        ledger.drop(pair_id, "already_given", partner_id=given[key])
    return pairs[~repeated]


def shortcuts(pairs: pd.DataFrame, texts: dict[str, str]) -> dict[str, float]:
    """Return how many pairs a model could solve by copying, or could not solve by any shared word.

    anchor_in_positive_share: the anchor's words stand in the positive as they are. no_common_word_share:
    not one word is common.
    """
    contained = uncommon = 0
    for anchor, doc_id in zip(pairs["anchor"], pairs["doc_id"], strict=True):
        mine, theirs = words(anchor), words(texts[doc_id])
        contained += f" {' '.join(mine)} " in f" {' '.join(theirs)} "
        uncommon += not set(mine) & set(theirs)
    count = max(1, len(pairs))
    return {"anchor_in_positive_share": contained / count, "no_common_word_share": uncommon / count}


def main(
    documents: Path = Path("data/deduplicate/documents.parquet"),
    passages: Path = Path("data/clean/passages.parquet"),
    pairs: Path = Path("data/deduplicate/pairs.parquet"),
    out_documents: Path = Path("data/pair/documents.parquet"),
    out_passages: Path = Path("data/pair/passages.parquet"),
    out_pairs: Path = Path("data/pair/pairs.parquet"),
    out_ledger: Path = Path("data/pair/ledger.parquet"),
    metrics: Path = Path("metrics/pair.json"),
) -> None:
    """Build the (anchor, positive) pairs to learn from, and the documents as they are embedded."""
    params = load(PairParams)
    kept, given, ledger = tables.read(documents, Documents), tables.read(pairs, Pairs), Ledger()
    made = titles(kept, ledger) if params.title_to_text else Pairs.empty()
    if not (given["score"] > 0).any() and not len(made):
        raise Problem(
            f"{pairs} holds no pairs, and no recipe makes any",
            "map an anchor column under collect.sources, or set pair.title_to_text: true",
        )
    relevant = drop_irrelevant(given, ledger)
    distinct = drop_repeated(pd.concat([relevant, made] if len(made) else [relevant], ignore_index=True), ledger)
    built = cap(distinct, params.max_pairs_per_document, ledger)
    rendered = render(kept, params.document_text)
    texts = dict(zip(rendered["doc_id"], rendered["text"], strict=True))
    balanced = balance(
        len(given),
        len(built),
        ledger.dropped(),
        REASONS,
        Counter(title=len(made)),
        ["title"],
    )
    stretches = render_passages(tables.read(passages, Passages), kept, params.document_text)
    tables.write(rendered, out_documents, Documents)
    tables.write(stretches, out_passages, Passages)
    tables.write(built, out_pairs, Pairs)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    per_document = built["doc_id"].value_counts()
    write_metrics(
        {
            **balanced,
            **shortcuts(built, texts),
            "documents": len(rendered),
            "passages": len(stretches),
            "paired_documents": len(per_document),
            "largest_document_share": float(per_document.max() / len(built)),
        },
        metrics,
    )


app = command(main, "tables")

if __name__ == "__main__":
    app()
