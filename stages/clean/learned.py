"""What the corpus taught: abbreviations and spelling, out of counts, the project's word lists and the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviation_definitions import dictionary
from stages.clean.abbreviation_expansion import Entries
from stages.clean.interface import CleanParams
from stages.clean.rules import Query
from stages.clean.speller import Speller, decide
from stages.lib import tables
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.glossary import Abbreviations, read_abbreviations


class Learned(NamedTuple):
    """Short forms with one meaning each, those with several, the words to correct, and how often words stand.

    `corrections` and `counts` go by lower-cased words; both are empty where typos are left alone.
    """

    entries: Entries
    ambiguous: dict[str, list[str]]
    corrections: dict[str, str]
    counts: dict[str, int]
    terms: frozenset[str]


def learn(knowledge: pd.DataFrame, given: Abbreviations, params: CleanParams) -> Learned:
    """Return what `knowledge` and the user's glossary teach. The same rows in any order teach the same."""
    rows = {kind: knowledge[knowledge["kind"] == kind] for kind in ("definition", "word")}
    pairs = (item.split("\t") for item in rows["definition"]["item"])
    defined = dict(
        zip(((short, long) for short, long in pairs), rows["definition"]["documents"], strict=True)
    )
    found = dictionary(defined, given, params.abbreviation_min_documents)
    longs = [
        *found.known.values(),
        *(long for several in found.ambiguous.values() for long in several),
    ]
    terms = frozenset(
        word for text in [*longs, *found.known, *found.ambiguous] for word in text.lower().split()
    )
    counts, corrections = dict[str, int](), dict[str, str]()
    if params.typos == "correct":
        counts = dict(zip(rows["word"]["item"], rows["word"]["documents"], strict=True))
        corrections = decide(counts, terms)
    return Learned(tuple(sorted(found.known.items())), found.ambiguous, corrections, counts, terms)


def query_cleaner(knowledge: Path, glossary: Path, params: CleanParams) -> Query:
    """Return the cleaner of queries that belongs to a run: what a server calls on what its users type.

    A word that the run did not see is judged by what the run learned.
    """
    given = read_abbreviations(glossary / "abbreviations.csv")
    learned = learn(tables.read(knowledge, Knowledge), given, params)
    counts = dict(learned.counts)
    for word, right in learned.corrections.items():
        counts[right] = counts.get(right, 0) + counts.pop(word, 0)
    speller = Speller(counts, learned.terms)

    def correct(word: str) -> str | None:
        return learned.corrections.get(word) or speller.correct(word)

    return Query(params, learned.entries, correct if params.typos == "correct" else None)
