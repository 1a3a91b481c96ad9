"""The queue of single rules of cleaning: a verdict on one holds for every text that it edits.

A row is a correction of a word, an abbreviation that is written out, or a line that is taken away.
It shows how many texts the rule edits, and ten of them. The rules that edit the most texts come
first: a wrong one of these does the most harm. Among them are the long forms of ambiguous short
forms, which a person can choose: ambiguous_forms.py. Their rows for single documents come last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviations.meanings import without_article
from stages.clean.judged_rules import ABBREVIATION, BOILERPLATE, TYPO, rule_id
from stages.commands.review.ambiguous_forms import MeaningRows
from stages.commands.review.queues import ReviewItem, ReviewQueue
from stages.lib.schemas.reviews import EDITS

MAX_RULES = 1000
MAX_EXAMPLES = 10

# Characters of the text on both sides of an edit.
_AROUND = 60


class RuleUse(NamedTuple):
    """One text that a rule edited.

    Attributes:
        row_id: the document or the pair.
        example: the edit with what stands around it now.
    """

    row_id: str
    example: str


def cleaning_rules_queue(
    ledger: pd.DataFrame,
    recurring: pd.DataFrame,
    text_of_id: Mapping[str, str],
    long_of_short: Mapping[str, str],
    reviews: Path,
    meanings: Sequence[MeaningRows] = (),
) -> ReviewQueue:
    """Return the rules that edited texts, those of the most texts first.

    Args:
        ledger: the Ledger of `clean`.
        recurring: RecurringLines.
        text_of_id: the cleaned texts that may be shown, of documents and of the anchors of pairs.
        long_of_short: the abbreviations that are written out.
        reviews: the folder of the verdicts.
        meanings: the rows of ambiguous short forms.
    """
    uses = _uses_of_rules(ledger, text_of_id, long_of_short)
    items = [
        *_word_items(uses),
        *_line_items(recurring, uses),
    ]

    # Equal counts in the order of the ids. The long forms of a short form stay together.
    groups = [(count, [item]) for count, item in items]
    groups += [(rows.text_count, rows.of_all) for rows in meanings]
    groups.sort(key=lambda group: (-group[0], group[1][0].ids))
    listed = [item for _, group in groups for item in group]
    for rows in meanings:
        listed += rows.of_documents

    return ReviewQueue(
        name="edits",
        title="Rules of cleaning",
        question="Is this edit right in all of these texts?",
        labels=("Rule", "Up to ten of the texts", "What it does"),
        meanings=("the edit is right", "the edit is wrong, and no text gets it"),
        text_columns=("kind", "examples", "change"),
        header=EDITS,
        path=reviews / "edits.csv",
        items=listed[:MAX_RULES],
        purpose="the rules of the most texts first, with the meanings of ambiguous abbreviations: "
        "one verdict holds for all texts",
        is_sample=False,
    )


def _uses_of_rules(
    ledger: pd.DataFrame, text_of_id: Mapping[str, str], long_of_short: Mapping[str, str]
) -> dict[tuple[str, str, str], list[RuleUse]]:
    """Return the texts that each rule edited: by kind, and what stood there before and after."""
    edits = ledger[(ledger["action"] == "edit") & ledger["row_id"].isin(text_of_id.keys())]
    columns = ["row_id", "reason", "before", "after"]
    uses: dict[tuple[str, str, str], list[RuleUse]] = defaultdict(list)
    for row_id, reason, before, after in zip(*(edits[name] for name in columns), strict=True):
        key = _rule_of_edit(reason, before, after, long_of_short)
        if key is not None:
            uses[key].append(RuleUse(row_id, _example(text_of_id[row_id], before, after)))

    return uses


def _rule_of_edit(
    reason: str, before: str, after: str, long_of_short: Mapping[str, str]
) -> tuple[str, str, str] | None:
    """Return kind, before and after of the rule behind an edit; None for edits of other kinds."""
    if reason == TYPO:
        return TYPO, before.lower(), after.lower()
    if reason == BOILERPLATE:
        return BOILERPLATE, before.strip(), ""
    if reason != ABBREVIATION:
        return None

    # A text may define a meaning of its own, which no rule has.
    # "an ECG" became "an electrocardiogram (ECG)".
    short = without_article(before)
    long = long_of_short.get(short, "")
    is_rule = long and long.casefold() in after.casefold()
    return (ABBREVIATION, short, long) if is_rule else None


def _example(text: str, before: str, after: str) -> str:
    """Return the place of an edit in the cleaned text, or what was there before."""
    start = text.find(after) if after else -1
    if start < 0:
        return f"{before} → {after}" if after else before
    end = start + len(after)
    left = text[max(0, start - _AROUND) : start]
    right = text[end : end + _AROUND]
    return f"{left}[{before} → {after}]{right}".replace("\n", " ")


def _word_items(
    uses: Mapping[tuple[str, str, str], list[RuleUse]],
) -> list[tuple[int, ReviewItem]]:
    """Return a row for each correction and each abbreviation, with the number of texts."""
    titles = {TYPO: "a correction", ABBREVIATION: "an abbreviation that is written out"}
    items: list[tuple[int, ReviewItem]] = []
    for (edit, before, after), texts in uses.items():
        if edit in titles:
            ids = (rule_id(edit, before, after), edit)
            items.append(_item(ids, titles[edit], texts, f"{before} → {after}"))

    return items


def _line_items(
    recurring: pd.DataFrame, uses: Mapping[tuple[str, str, str], list[RuleUse]]
) -> list[tuple[int, ReviewItem]]:
    """Return a row for each line that is taken away, with the number of documents."""
    items: list[tuple[int, ReviewItem]] = []
    removed = recurring[recurring["verdict"] == "removed"]
    columns = ["source", "key", "line", "removed_from"]
    for source, key, line, count in zip(*(removed[name] for name in columns), strict=True):
        texts = uses.get((BOILERPLATE, line.strip(), ""), [])
        ids = (rule_id(BOILERPLATE, source, key), BOILERPLATE)
        _, item = _item(ids, f"a line of {source} that is taken away", texts, line)
        evidence = (f"removed from {count:,} documents",)
        items.append((int(count), item._replace(evidence=evidence)))

    return items


def _item(
    ids: tuple[str, str], title: str, texts: Iterable[RuleUse], what: str
) -> tuple[int, ReviewItem]:
    """Return the number of texts and the row of a rule."""
    # A rule may edit a text in several places.
    example_of_row: dict[str, str] = {}
    for use in texts:
        example_of_row.setdefault(use.row_id, use.example)

    count = len(example_of_row)
    examples = "\n".join(list(example_of_row.values())[:MAX_EXAMPLES])
    number = "1 text" if count == 1 else f"{count:,} texts"
    shown = (f"{title}, {number}", examples or "none of these texts may be shown", what)
    return count, ReviewItem(ids, ids[0], shown, (f"{number} that may be shown",))
