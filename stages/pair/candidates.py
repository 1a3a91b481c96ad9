"""The candidate pairs that recipes propose, before any filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.pair.render import SourceDocument, Span

# A sentence, section or remainder of fewer words says too little to be an anchor or a positive.
MIN_WORDS = 4


class PairCandidate(NamedTuple):
    """A pair that a recipe proposes.

    Attributes:
        recipe: the name of the recipe.
        pair_id: the id of the pair. It depends on the recipe, the document and the part of it.
        anchor: the text that should find the document.
        doc_id: the document.
        origin_id: the document or pair that the anchor, or the positive, comes from.
        positive: the text to train on; "" for any passage of the document.
        anchor_span: the span of the document's text that became the anchor, if it is one.
    """

    recipe: str
    pair_id: str
    anchor: str
    doc_id: str
    origin_id: str
    positive: str = ""
    anchor_span: Span | None = None


def candidate(
    recipe: str,
    source: SourceDocument,
    key: Sequence[str],
    *,
    anchor: str,
    positive: str = "",
    anchor_span: Span | None = None,
) -> PairCandidate:
    """Return the pair of a document with a part of itself.

    `key` distinguishes the pairs that a recipe makes of one document, such as the index of a
    passage.
    """
    return PairCandidate(
        recipe,
        pair_id="p" + hash_hex(f"pair.{recipe}", source.doc_id, *key),
        anchor=anchor,
        doc_id=source.doc_id,
        origin_id=source.doc_id,
        positive=positive,
        anchor_span=anchor_span,
    )


def line_spans(text: str) -> Iterator[Span]:
    r"""Yield the spans of the lines of `text`. Line breaks are part of their line.

    >>> list(line_spans("Why?\nSo."))
    [Span(start=0, end=5), Span(start=5, end=8)]
    """
    start = 0
    for line in text.splitlines(keepends=True):
        yield Span(start, start + len(line))
        start += len(line)


def longest_part(source: SourceDocument, stretch: Span) -> str:
    """Return the text of `stretch`, or its longest part in one passage if it spans several."""
    parts: list[str] = []
    for passage in source.passages:
        if passage.start < stretch.end:
            part = Span(max(passage.start, stretch.start), min(passage.end, stretch.end))
            parts.append(part.of(source.text).strip())

    return max(parts, key=len)


def candidate_rows(candidates: Sequence[PairCandidate]) -> pd.DataFrame:
    """Return the candidates as Pairs. The columns `source` and `relation` name the recipe."""
    empty = Pairs.empty()
    if not candidates:
        return empty

    # A synthetic pair is a full positive: its score is 1.
    rows = [
        (
            pair.pair_id,
            pair.anchor,
            pair.doc_id,
            pair.recipe,
            1.0,
            f"pair.{pair.recipe}",
        )
        for pair in candidates
    ]

    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())


def synthetic_rows(candidates: Iterable[PairCandidate]) -> pd.DataFrame:
    """Return the table of synthetic pairs: the origin of each candidate, and its positive."""
    empty = SyntheticPairs.empty()
    rows = [(pair.pair_id, pair.origin_id, pair.positive) for pair in candidates]

    return pd.DataFrame(rows, columns=list(empty.columns)).astype(empty.dtypes.to_dict())
