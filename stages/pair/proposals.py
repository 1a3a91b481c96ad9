"""Proposals: a pair that a recipe makes, before anything is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stages.lib.text import hash_hex
from stages.pair.render import Source, Span

# A sentence or a remainder of fewer words says too little to be asked or found.
LEAST_WORDS = 4


class Made(NamedTuple):
    """A pair that a recipe proposes.

    `positive` is what is trained on, "" for any passage of the document; `cut` the stretch of the document's text
    that became the anchor; `origin_id` the document or pair that the anchor, or the positive, comes from.
    """

    recipe: str
    pair_id: str
    anchor: str
    doc_id: str
    origin_id: str
    positive: str = ""
    cut: Span | None = None


def made(
    recipe: str,
    source: Source,
    what: Sequence[str],
    anchor: str,
    positive: str = "",
    cut: Span | None = None,
) -> Made:
    """Return the pair of a document with a part of itself; `what` tells it from others of the document."""
    pair_id = "p" + hash_hex(f"pair.{recipe}", source.doc_id, *what)
    return Made(recipe, pair_id, anchor, source.doc_id, source.doc_id, positive, cut)


def lines_of(text: str) -> Iterator[Span]:
    """Yield the spans of the lines of `text`, line breaks included."""
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, at + len(line)
        at += len(line)


def fitting(source: Source, start: int, end: int) -> str:
    """Return what stands from `start` to `end`, or of a stretch over several passages the longest part in one."""
    parts = [
        source.text[max(left, start) : min(right, end)].strip()
        for left, right in source.passages
        if left < end
    ]
    return max(parts, key=len)
