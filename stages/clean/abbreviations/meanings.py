"""What people said an ambiguous short form means: in all texts, or in one document.

The verdict outranks the rule that leaves such a short form alone, and the one that leaves frequent
ones alone. A verdict on one document outranks that on all texts. Anchors and queries follow those
on all texts alone: a query of a user has no id.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviations.expansion import Entries
from stages.clean.edits import Edit
from stages.clean.judged_rules import ABBREVIATION, RuleVerdicts, rule_id
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.ledger import LedgerWriter

# The reason in the ledger, on a row that a verdict edited, and on the rule.
JUDGED_MEANING = "judged_meaning"

_ARTICLE = re.compile(r"^[Aa]n? ")


class DocumentEntries(NamedTuple):
    """The abbreviations as they hold in one document.

    Attributes:
        entries: those to write out.
        defined_entries: those to write out where the document has the long form.
        chosen: those of `entries` that a person chose.
    """

    entries: Entries
    defined_entries: Entries
    chosen: Entries


class Meanings(NamedTuple):
    """Pairs of a short form and the long form that a person chose, sorted.

    Attributes:
        in_all: what holds in all texts.
        chosen_in: document id to what holds there.
        refused_in: document id to what does not hold there.
    """

    in_all: Entries = ()
    chosen_in: Mapping[str, Entries] = {}
    refused_in: Mapping[str, Entries] = {}

    def for_document(
        self, doc_id: str, entries: Entries, defined_entries: Entries
    ) -> DocumentEntries:
        """Return the abbreviations as they hold in one document.

        Without a verdict on the document they are the same objects, whose index is known.

        Args:
            doc_id: the document.
            entries: the abbreviations of all texts, with those of `in_all`.
            defined_entries: those that the corpus defines.
        """
        if doc_id not in self.chosen_in and doc_id not in self.refused_in:
            return DocumentEntries(entries, defined_entries, self.in_all)

        # What the verdicts on this document decide is taken out, and what they chose put in.
        chosen = self.chosen_in.get(doc_id, ())
        shorts = {short for short, _ in chosen}
        refused = self.refused_in.get(doc_id, ())

        def remaining(pairs: Entries) -> Entries:
            return tuple(pair for pair in pairs if pair[0] not in shorts and pair not in refused)

        return DocumentEntries(
            entries=tuple(sorted((*remaining(entries), *chosen))),
            defined_entries=remaining(defined_entries),
            chosen=tuple(sorted((*remaining(self.in_all), *chosen))),
        )


NO_MEANINGS = Meanings()


def chosen_meanings(abbreviations: Abbreviations, verdicts: RuleVerdicts) -> Meanings:
    """Return the long forms that people chose.

    A short form with two chosen long forms has none: whoever chose them differs. For all texts only
    ambiguous short forms are chosen: to call any other abbreviation right changes nothing.

    Args:
        abbreviations: those of the word list and of the corpus.
        verdicts: what people decided about rules.
    """
    if not verdicts.right and not verdicts.of_document:
        return NO_MEANINGS

    ambiguous = _entries_by_id(abbreviations.ambiguous)
    known = _entries_by_id({short: [long] for short, long in abbreviations.known.items()})
    in_all = _single([ambiguous[name] for name in verdicts.right if name in ambiguous])

    # An abbreviation that was ambiguous once keeps the verdicts on single documents.
    every = known | ambiguous
    chosen_in: dict[str, Entries] = {}
    refused_in: dict[str, Entries] = {}
    for doc_id, is_right_by_id in sorted(verdicts.of_document.items()):
        of_verdict: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for name, is_right in is_right_by_id.items():
            if name in every:
                of_verdict[is_right].append(every[name])
        chosen_in[doc_id] = _single(of_verdict[True])
        refused_in[doc_id] = tuple(sorted(of_verdict[False]))

    return Meanings(in_all, chosen_in, refused_in)


def verdict_of_edit(edit: Edit, chosen: Entries) -> str:
    """Return the id of the verdict that asks for an edit; "" if there is none.

    >>> edit = Edit("abbreviation", start=0, end=2, before="AG", after="atrophic gastritis (AG)")
    >>> verdict_of_edit(edit, [("AG", "atrophic gastritis")])[0]
    'e'
    >>> verdict_of_edit(edit, [("AG", "arachnoid granulation")])
    ''
    """
    # "an AG" became "an atrophic gastritis (AG)".
    short = without_article(edit.before)
    after = edit.after if short == edit.before else without_article(edit.after)
    for chosen_short, long in chosen:
        if chosen_short == short and after in (long, f"{long} ({short})"):
            return rule_id(ABBREVIATION, short, long)

    return ""


def without_article(text: str) -> str:
    """Return a text without an article at its start: an edit may change that too.

    >>> without_article("an ECG")
    'ECG'
    """
    return _ARTICLE.sub("", text)


def meaning_notes(meanings: Meanings) -> pd.DataFrame:
    """Return a Ledger with a line for each long form that holds in all texts."""
    ledger = LedgerWriter()
    for short, long in meanings.in_all:
        name = rule_id(ABBREVIATION, short, long)
        ledger.note(f"rule:{name}", JUDGED_MEANING, partner_id=ABBREVIATION, after=long)

    return ledger.frame()


def _entries_by_id(longs_of_short: Mapping[str, Collection[str]]) -> dict[str, tuple[str, str]]:
    """Return the id of the rule of each long form to short form and long form."""
    entry_of_id: dict[str, tuple[str, str]] = {}
    for short, longs in longs_of_short.items():
        for long in longs:
            entry_of_id[rule_id(ABBREVIATION, short, long)] = (short, long)

    return entry_of_id


def _single(entries: Iterable[tuple[str, str]]) -> Entries:
    """Return the entries whose short form stands in no other one, sorted."""
    longs_of_short: dict[str, list[str]] = defaultdict(list)
    for short, long in entries:
        longs_of_short[short].append(long)

    return tuple(
        sorted((short, longs[0]) for short, longs in longs_of_short.items() if len(longs) == 1)
    )
