"""Build the (anchor, positive) pairs to learn from, and the documents as they are embedded.

Reads documents and pairs without copies, and both as collected; writes the documents with their text rendered by
`pair.document_text`, and the pairs: those that the sources gave, and those of the recipes that are switched on. A
recipe never invents a positive: it pairs a document with a part of itself, or with its like. Where there are no real
questions at all, made ones are the exam too, and what was cut out of a text to ask for it is cut from the text that
is searched.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stages.lib import tables
from stages.lib.benchmark import real
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.made import Made as MadeTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.errors import Problem
from stages.lib.ledger import Ledger, balance
from stages.lib.params import Model, load
from stages.lib.stage import command, write_metrics
from stages.pair.balance import REASONS as CAPS
from stages.pair.balance import cap, skew
from stages.pair.generated import generated, retrieved
from stages.pair.params import RECIPES, PairParams
from stages.pair.proposals import Made
from stages.pair.recipes import propose
from stages.pair.refusals import REASONS, drop_dissimilar, refuse, rows_of, shortcuts
from stages.pair.render import Source, Span, cut_passages, fill, render, render_passages, sources
from stages.pair.writers import writer

MAKING = RECIPES[1:]


def wanted_pairs(
    given: pd.DataFrame, params: PairParams, ledger: Ledger
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the given pairs that are built, those that are positives, and those that are not.

    With the shape `scores` both kinds are built; without the recipe `given` none is, but they stay known.
    """
    aside = Ledger() if params.shape == "scores" or "given" not in params.recipes else ledger
    similar, dissimilar = drop_dissimilar(given, params.positive_from, aside)
    if "given" not in params.recipes:
        for pair_id in given["pair_id"]:
            ledger.drop(pair_id, "recipe_off")
        return given.iloc[:0], similar, dissimilar
    return given if params.shape == "scores" else similar, similar, dissimilar


def make(
    found: Sequence[Source], raw: pd.DataFrame, similar: pd.DataFrame, params: PairParams
) -> list[Made]:
    """Return what the recipes propose; positives read as documents do when they are embedded, names as they stand."""
    asked: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair_id, anchor, doc_id in zip(
        similar["pair_id"], similar["anchor"], similar["doc_id"], strict=True
    ):
        asked[doc_id].append((pair_id, anchor))
    texts = dict(zip(raw["doc_id"], raw["text"], strict=True))
    proposed = list(propose(params.recipes, found, texts, asked))
    if "generated" in params.recipes:
        proposed += generated(found, params.generated, writer(params.generated))
    of = {source.doc_id: source for source in found}
    return [
        one
        if one.recipe == "synonyms" or not one.positive
        else one._replace(
            positive=fill(
                params.document_text, one.positive, of[one.doc_id].title, of[one.doc_id].topic
            )
        )
        for one in proposed
    ]


def table_of(stayed: Sequence[Made]) -> pd.DataFrame:
    """Return the Made table of the proposals that are built."""
    empty = MadeTable.empty()
    rows = [(one.pair_id, one.origin_id, one.positive) for one in stayed]
    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def cuts(stayed: Sequence[Made]) -> Mapping[str, Sequence[Span]]:
    """Return the stretches of each document that became anchors."""
    found: dict[str, list[Span]] = defaultdict(list)
    for one in stayed:
        if one.cut:
            found[one.doc_id].append(one.cut)
    return found


def main(
    collected: Path = Path("data/collect/documents.parquet"),
    collected_pairs: Path = Path("data/collect/pairs.parquet"),
    documents: Path = Path("data/deduplicate/documents.parquet"),
    passages: Path = Path("data/clean/passages.parquet"),
    pairs: Path = Path("data/deduplicate/pairs.parquet"),
    out_documents: Path = Path("data/pair/documents.parquet"),
    out_passages: Path = Path("data/pair/passages.parquet"),
    out_pairs: Path = Path("data/pair/pairs.parquet"),
    out_dissimilar: Path = Path("data/pair/dissimilar/pairs.parquet"),
    out_made: Path = Path("data/pair/made.parquet"),
    out_ledger: Path = Path("data/pair/ledger.parquet"),
    metrics: Path = Path("metrics/pair.json"),
) -> None:
    """Build the (anchor, positive) pairs to learn from, and the documents as they are embedded."""
    params, model, ledger = load(PairParams), load(Model), Ledger()
    kept, given = tables.read(documents, Documents), tables.read(pairs, Pairs)
    stretches = tables.read(passages, Passages)
    chosen, similar, dissimilar = wanted_pairs(given, params, ledger)
    found = sources(kept, stretches) if set(params.recipes) - {"given"} else []
    proposed = make(found, tables.read(collected, Documents), similar, params)
    for one in proposed:
        ledger.add(one.pair_id, one.recipe, partner_id=one.origin_id)
    written = [one for one in proposed if one.recipe == "generated"]
    others = [one for one in proposed if one.recipe != "generated"]
    stayed = refuse(
        [*others, *retrieved(written, params.generated.first, model, ledger)], similar, ledger
    )
    distinct = pd.concat([chosen, rows_of(stayed)], ignore_index=True) if stayed else chosen
    if not len(distinct):
        raise Problem(
            f"{pairs} holds no pairs, and no recipe makes any",
            "map an anchor column under collect.sources, or add to pair.recipes: [given, title, first_sentence]",
        )
    topics = dict(zip(kept["doc_id"], kept["topic"], strict=True))
    limits = {
        "document": params.max_pairs_per_document,
        "topic": params.max_pairs_per_topic,
        "relation": params.max_pairs_per_relation,
    }
    built = cap(distinct, limits, topics, ledger)
    kept_ids = frozenset(built["pair_id"])
    stayed = [one for one in stayed if one.pair_id in kept_ids]
    table = table_of(stayed)
    exam_is_made = not len(real(tables.read(collected_pairs, Pairs), params.positive_from))
    taken = cut_passages(found, cuts(stayed)) if exam_is_made else {}
    rendered = render(kept, params.document_text)
    searched = render_passages(stretches, kept, params.document_text, taken)
    counts = Counter(one.recipe for one in proposed)
    balanced = balance(len(given), len(built), ledger.dropped(), (*REASONS, *CAPS), counts, MAKING)

    tables.write(rendered, out_documents, Documents)
    tables.write(searched, out_passages, Passages)
    tables.write(built, out_pairs, Pairs)
    tables.write(dissimilar, out_dissimilar, Pairs)
    tables.write(table, out_made, MadeTable)
    tables.write(ledger.frame(), out_ledger, LedgerTable)
    texts = dict(zip(rendered["doc_id"], rendered["text"], strict=True))
    write_metrics(
        {
            **balanced,
            **skew(distinct, topics, "before"),
            **skew(built, topics, "after"),
            **shortcuts(built, texts, dict(zip(table["pair_id"], table["positive"], strict=True))),
            "documents": len(rendered),
            "passages": len(searched),
            "paired_documents": int(built["doc_id"].nunique()),
            "dissimilar": len(dissimilar),
        },
        metrics,
    )


app = command(main, "tables", "text", "lexical", "model")

if __name__ == "__main__":
    app()
