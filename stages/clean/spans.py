"""Spans of a text that no repair may touch, and repairs of what stands between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Span = tuple[int, int]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, with those that overlap as one.

    >>> merge_spans([(4, 9), (0, 5), (9, 9)])
    [(0, 9)]
    """
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))

    return merged


def map_outside(
    spans: Sequence[Span],
    text: str,
    function: Callable[[str], str],
) -> str:
    """Return `text` with `function` applied to each piece outside the sorted, disjoint `spans`.

    >>> map_outside([(2, 5)], "a `b` c", str.upper)
    'A `b` C'
    """
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces.append(function(text[position:start]))
        pieces.append(text[start:end])
        position = end

    pieces.append(function(text[position:]))
    return "".join(pieces)
