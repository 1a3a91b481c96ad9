"""Edits: what a rule did to a text, as spans that can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple


class Edit(NamedTuple):
    """One change of a text by one rule.

    Offsets count characters in the text before this very edit. To undo a list of edits, go from the
    last one to the first, and put `before` back over the len(after) characters from `start`.

    Attributes:
        rule: the name of the rule.
        start: where the replaced span begins.
        end: where it ends, exclusive.
        before: the text that stood there.
        after: the text that stands there now.
        verdict: the id of the rule that a person called right, and that asks for it; or "".
    """

    rule: str
    start: int
    end: int
    before: str
    after: str
    verdict: str = ""


def between(
    rule: str,
    old: str,
    new: str,
) -> list[Edit]:
    """Return the smallest single edit that turns `old` into `new`; an empty list if they are equal.

    >>> between("typo", "a cta", "a cat")
    [Edit(rule='typo', start=3, end=5, before='ta', after='at', verdict='')]
    """
    if old == new:
        return []

    # The common end must not overlap the common beginning: "aa" to "a" is one character less,
    # not two.
    head = _common_length(old, new)
    tail = _common_length(old[head:][::-1], new[head:][::-1])

    old_end = len(old) - tail
    new_end = len(new) - tail

    return [Edit(rule, start=head, end=old_end, before=old[head:old_end], after=new[head:new_end])]


def apply(text: str, edits: list[Edit]) -> str:
    """Return `text` after `edits`, in their order.

    >>> apply("a cta", between("typo", "a cta", "a cat"))
    'a cat'
    """
    # Most rules return their edits from right to left.
    if all(later.end <= edit.start for edit, later in pairwise(edits)):
        return _apply_from_right(text, edits)

    for edit in edits:
        text = text[: edit.start] + edit.after + text[edit.end :]

    return text


def undone(text: str, edits: Iterable[Edit]) -> str:
    """Return `text` as it was before `edits`, which are in the order in which they were made.

    >>> undone("a cat", between("typo", "a cta", "a cat"))
    'a cta'
    """
    for edit in reversed(list(edits)):
        text = text[: edit.start] + edit.before + text[edit.start + len(edit.after) :]

    return text


def _apply_from_right(text: str, edits: list[Edit]) -> str:
    """Return `text` after edits that go from right to left.

    Each of their offsets also holds in the original text, so one pass is enough for any number
    of edits.
    """
    pieces: list[str] = []
    position = 0
    for edit in reversed(edits):
        pieces.append(text[position : edit.start])
        pieces.append(edit.after)
        position = edit.end

    pieces.append(text[position:])
    return "".join(pieces)


def _common_length(left: str, right: str) -> int:
    """Return the length of the common beginning."""
    for index, (left_char, right_char) in enumerate(zip(left, right, strict=False)):
        if left_char != right_char:
            return index

    return min(len(left), len(right))
