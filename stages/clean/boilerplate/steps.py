"""The steps of cleaning that find and remove boilerplate, each over one shard of documents.

Only documents of sources with recurring lines are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from stages.clean.abbreviations.context import mentioned
from stages.clean.abbreviations.definitions import find_definitions
from stages.clean.boilerplate import removal
from stages.clean.boilerplate.recurring_lines import families, survey
from stages.clean.rules import Rule, markup_rules
from stages.clean.steps import ShardCleaner
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.documents import Documents
from stages.lib.text.strict_form import strict_form

# Source to the keys of recurring lines.
Recurring = Mapping[str, frozenset[str]]


def count_families_documents(frame: pd.DataFrame, recurring: Recurring) -> list[pd.DataFrame]:
    """Count the families of all lines, and the writings of the `recurring` ones."""
    cleaner = ShardCleaner(frame, Documents)
    for row in cleaner.rows:
        source = row["source"]
        cleaner.keep(row)
        if source not in recurring:
            continue

        # A family says which of its lines stands in the document.
        items: set[str] = set()
        writings: set[str] = set()
        for segment in removal.segments(row["text"]):
            line = segment.of(row["text"])
            items.update(f"{family} {segment.key}" for family in families(line, segment.form))
            if segment.key in recurring[source]:
                writings.add(f"{segment.key} {line}")
        cleaner.count("family", items, source)
        cleaner.count("writing", writings, source)

    return cleaner.results()


def survey_documents(frame: pd.DataFrame, recurring: Recurring) -> list[pd.DataFrame]:
    """Count what each document says about its `recurring` lines."""
    cleaner = ShardCleaner(frame, Documents)
    for row in cleaner.rows:
        source = row["source"]
        cleaner.keep(row)
        if source not in recurring:
            continue

        segments = removal.segments(row["text"])
        result = survey(row["text"], segments, recurring[source])
        keys = ",".join(result.keys)
        cleaner.count("residue", [f"{result.residue} {result.full} {keys}"], source)
        if result.keys:
            most_words = result.keys if result.is_emptied else result.most_words
            cleaner.count("line_set", [keys], source)
            cleaner.count("heading", map(" ".join, result.headings), source)
            cleaner.count("most_words", most_words, source)

    return cleaner.results()


def strip_boilerplate_documents(
    frame: pd.DataFrame,
    recurring: Recurring,
    colliding: frozenset[str] = frozenset(),
    shorts: frozenset[str] | None = None,
) -> list[pd.DataFrame]:
    """Remove what recurs over a source; count definitions and mentions of abbreviations.

    Args:
        frame: the documents.
        recurring: the keys of the lines and sentences that go, by source.
        colliding: hashes of the strict forms of texts that would equal another one. These stay.
        shorts: the short forms of the word list; None counts no mentions.
    """
    cleaner = ShardCleaner(frame, Documents)
    rules = markup_rules(lines=True)

    for row in cleaner.rows:
        # Most sources have no boilerplate, and then the text stays as it is.
        keys = recurring.get(row["source"], frozenset())
        if keys and colliding and hash_hex(strict_form(row["text"])) in colliding:
            keys = frozenset()
        own: list[Rule] = []
        if keys:
            own.append(partial(removal.remove_recurring, recurring=keys))
            cleaner.count("removed", _removed_keys(row["text"], keys), row["source"])
        if not cleaner.apply_rules(row, ["text"], rules, own=own):
            continue

        # The next step needs the definitions of the whole corpus.
        definitions = find_definitions(row["text"])
        cleaner.count("definition", (f"{item.short}\t{item.long}" for item in definitions))
        if shorts is not None:
            cleaner.count("mention", ["", *mentioned(row["text"], shorts)])

        cleaner.keep(row)

    return cleaner.results()


def _removed_keys(text: str, keys: frozenset[str]) -> set[str]:
    """Return the lines that are removed from a text."""
    if not removal.remove_recurring(text, keys):
        return set()
    return {segment.key for segment in removal.segments(text)} & keys
