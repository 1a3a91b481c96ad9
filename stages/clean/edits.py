"""What a rule did to a text: spans that can be undone."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple


class Edit(NamedTuple):
    """`before` stood at `start` to `end` of the text as it was, `after` stands there now.

    Offsets count characters in the text before this very edit. So a list of edits is undone from last to
    first, each by putting `before` back over the len(after) characters from `start`.
    """

    rule: str
    start: int
    end: int
    before: str
    after: str


def between(rule: str, old: str, new: str) -> list[Edit]:
    """Return the smallest single span that turns `old` into `new`; nothing when they are equal."""
    if old == new:
        return []
    head = _common(old, new)
    # The common end may not reach into the common beginning: "aa" to "a" is one character less, not two.
    tail = _common(old[head:][::-1], new[head:][::-1])
    return [
        Edit(rule, head, len(old) - tail, old[head : len(old) - tail], new[head : len(new) - tail])
    ]


def apply(text: str, edits: list[Edit]) -> str:
    """Return `text` after `edits`, in their order."""
    if all(later.end <= edit.start for edit, later in pairwise(edits)):
        return _apply_at_once(text, edits)
    for edit in edits:
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


def _apply_at_once(text: str, edits: list[Edit]) -> str:
    # From right to left every offset also holds in the text as given: one pass, however many edits there are.
    pieces, at = [], 0
    for edit in reversed(edits):
        pieces += [text[at : edit.start], edit.after]
        at = edit.end
    return "".join([*pieces, text[at:]])


def _common(left: str, right: str) -> int:
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    return min(len(left), len(right))
