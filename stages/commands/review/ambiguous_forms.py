"""Rows of ambiguous short forms: a person chooses what each means, in all texts or in one document.

`clean` leaves a short form with several long forms alone, because the texts do not show which is
meant. Each long form is a row, and "yes" chooses it. First come the rows for all texts, which show
ten of them. The documents among these ten have rows of their own, for what differs between texts.
Whoever has chosen one long form is not asked about the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviations.expansion import Entries, expand
from stages.clean.abbreviations.meanings import JUDGED_MEANING, without_article
from stages.clean.judged_rules import ABBREVIATION, rule_id
from stages.commands.review.queues import ReviewItem
from stages.lib.schemas.reviews import RowIds

MAX_EXAMPLES = 10

# Characters of the text on both sides of a short form.
_AROUND = 60


class TextField(NamedTuple):
    """A cleaned field: the document or the pair, and what it says."""

    row_id: str
    text: str


class ShortFormPlace(NamedTuple):
    """Where a short form stands in a field, or what a verdict wrote in its place."""

    field: TextField
    start: int
    end: int

    def marked(self, around: int | None = None) -> str:
        """Return the text with the place in brackets, with whole words of so many characters."""
        text = self.field.text
        left = text[: self.start]
        right = text[self.end :]
        if around is not None and len(left) > around:
            left = f"… {left[-around:].partition(' ')[2]}"
        if around is not None and len(right) > around:
            right = f"{right[:around].rpartition(' ')[0]} …"
        return f"{left}[{text[self.start : self.end]}]{right}"


class MeaningRows(NamedTuple):
    """The rows of a short form.

    Attributes:
        text_count: the number of texts that hold it.
        of_all: a row for each long form, for all texts.
        of_documents: a row for each long form in each of some documents.
    """

    text_count: int
    of_all: list[ReviewItem]
    of_documents: list[ReviewItem]


def meaning_rows(
    ambiguous: Mapping[str, Sequence[str]],
    fields: Iterable[TextField],
    ledger: pd.DataFrame,
) -> list[MeaningRows]:
    """Return the rows of each ambiguous short form that a text does not explain.

    The short form of the most texts comes first.

    Args:
        ambiguous: short form to its long forms, whether or not a person has chosen one.
        fields: the cleaned fields that may be shown, in order.
        ledger: the Ledger of `clean`, which names what was chosen.
    """
    places = _places(ambiguous, list(fields), ledger)
    rows = [_rows(short, ambiguous[short], list(places[short].values())) for short in places]
    return sorted(rows, key=lambda row: (-row.text_count, row.of_all[0].texts[2]))


def _places(
    ambiguous: Mapping[str, Sequence[str]], fields: Sequence[TextField], ledger: pd.DataFrame
) -> dict[str, dict[str, ShortFormPlace]]:
    """Return short form to row id to the first place in this row."""
    places: dict[str, dict[str, ShortFormPlace]] = defaultdict(dict)
    if not ambiguous:
        return places

    # Few fields hold one of the short forms at all.
    chosen = _chosen_by_row(ambiguous, ledger)
    rounds = _rounds(ambiguous)
    for field in fields:
        if field.row_id not in chosen and not any(short in field.text for short in ambiguous):
            continue

        # What a verdict has written out.
        for short, long in chosen.get(field.row_id, ()):
            start = field.text.casefold().find(long.casefold())
            if start >= 0:
                place = ShortFormPlace(field, start, start + len(long))
                places[short].setdefault(field.row_id, place)

        # What any of the long forms would be written for.
        for entries in rounds:
            for edit in expand(field.text, entries):
                short = edit.before if edit.before in ambiguous else without_article(edit.before)
                place = ShortFormPlace(field, edit.end - len(short), edit.end)
                places[short].setdefault(field.row_id, place)

    return places


def _chosen_by_row(
    ambiguous: Mapping[str, Sequence[str]], ledger: pd.DataFrame
) -> dict[str, list[tuple[str, str]]]:
    """Return row id to the short and long forms that verdicts wrote out there."""
    entry_of_id: dict[str, tuple[str, str]] = {}
    for short, longs in ambiguous.items():
        for long in longs:
            entry_of_id[rule_id(ABBREVIATION, short, long)] = (short, long)

    chosen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    notes = ledger[ledger["reason"] == JUDGED_MEANING]
    for row_id, name in zip(notes["row_id"], notes["partner_id"], strict=True):
        if name in entry_of_id:
            chosen[row_id].append(entry_of_id[name])

    return chosen


def _rounds(ambiguous: Mapping[str, Sequence[str]]) -> list[Entries]:
    """Return the abbreviations with the first long form of each, with the second, and so on."""
    rounds: list[Entries] = []
    for number in range(max(map(len, ambiguous.values()))):
        items = sorted(item for item in ambiguous.items() if number < len(item[1]))
        rounds.append(tuple((short, longs[number]) for short, longs in items))

    return rounds


def _rows(short: str, longs: Sequence[str], places: Sequence[ShortFormPlace]) -> MeaningRows:
    """Return the rows of one short form."""
    number = "1 text that does" if len(places) == 1 else f"{len(places):,} texts that do"
    meanings = " | ".join(longs)
    title = f"a meaning of {short}, in {number} not explain it; all: {meanings}"
    shown = places[:MAX_EXAMPLES]
    examples = "\n".join(place.marked(_AROUND).replace("\n", " ") for place in shown)
    of_all = _of_scope(short, longs, ABBREVIATION, (title, examples))

    # A verdict on all texts settles those on single ones. Anchors have no row of their own.
    of_documents: list[ReviewItem] = []
    for place in shown:
        row_id = place.field.row_id
        if row_id.startswith("d"):
            title = f"a meaning of {short} in this document; all: {meanings}"
            rows = _of_scope(short, longs, row_id, (title, place.marked()))
            outer = tuple(item.ids for item in of_all)
            of_documents += [row._replace(settled_by=(*row.settled_by, *outer)) for row in rows]

    return MeaningRows(len(places), of_all, of_documents)


def _of_scope(
    short: str, longs: Sequence[str], scope: str, texts: tuple[str, str]
) -> list[ReviewItem]:
    """Return a row for each long form, which a "yes" to another one settles."""
    ids: list[RowIds] = [(rule_id(ABBREVIATION, short, long), scope) for long in longs]
    items: list[ReviewItem] = []
    for own, long in zip(ids, longs, strict=True):
        others = tuple(other for other in ids if other != own)
        shown = (*texts, f"{short} → {long}")
        items.append(ReviewItem(own, own[0], shown, settled_by=others))

    return items
