"""What the counts over a corpus teach about its recurring lines, and the table of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd

from stages.clean.boilerplate.recurring_lines import (
    JUDGED,
    REMOVED,
    LineCounts,
    SurveyedText,
    colliding_texts,
    distinguishing_lines,
    is_field,
    most_frequent_writing,
    verdicts,
)
from stages.clean.boilerplate.removal import recurring_segments
from stages.clean.interface import CleanParams
from stages.clean.judged_rules import BOILERPLATE, is_wrong
from stages.lib.schemas.corpus_counts import RecurringLines

# Source to the keys of recurring lines.
Recurring = Mapping[str, frozenset[str]]

# (source, key) to the verdict on the line.
Verdicts = Mapping[tuple[str, str], str]


class LineVerdicts(NamedTuple):
    """What was decided about recurring lines.

    Attributes:
        recurring: source to the lines that go, or may still go.
        verdicts: the verdicts so far.
        colliding: hashes of the texts that would equal another one.
    """

    recurring: Recurring
    verdicts: Verdicts
    colliding: frozenset[str] = frozenset()


def find_recurring(counts: pd.DataFrame, params: CleanParams) -> dict[str, frozenset[str]]:
    """Return source to its recurring lines and sentences; sources without any are left out."""
    if params.boilerplate_share is None:
        return {}

    texts_of_source = _counts(counts, "text")
    recurring: dict[str, frozenset[str]] = {}
    for source, count_of_line in _counts(counts, "boilerplate").items():
        recurring[source] = recurring_segments(
            count_of_line,
            texts_of_source[source][""],
            share=params.boilerplate_share,
            minimum=params.boilerplate_min_documents,
        )

    return {source: keys for source, keys in recurring.items() if keys}


def without_fields(counts: pd.DataFrame, recurring: Recurring) -> LineVerdicts:
    """Return the `recurring` lines that are no values of a field."""
    line_counts = _counts(counts, "boilerplate")
    verdict_of_line: dict[tuple[str, str], str] = {}
    for source, others_of_item in _counts(counts, "family").items():
        for item, other_count in sorted(others_of_item.items()):
            family, key = item.split()
            line_count = line_counts[source].get(key, 0)
            if key in recurring[source] and is_field(family, line_count, other_count):
                verdict_of_line[source, key] = "field"

    return LineVerdicts(_others(recurring, verdict_of_line), verdict_of_line)


def without_content(
    counts: pd.DataFrame, line_verdicts: LineVerdicts, wrong: Collection[str] = ()
) -> LineVerdicts:
    """Return the lines of `line_verdicts` that carry nothing, as the surveys say.

    Args:
        counts: CorpusCounts.
        line_verdicts: what was decided so far.
        wrong: the ids of rules that a person judged wrong. Such a line stays.
    """
    texts = _counts(counts, "text")
    holders = _counts(counts, "boilerplate")
    sets = _counts(counts, "line_set")
    headings = {
        source: _by_line(count_of_item)
        for source, count_of_item in _counts(counts, "heading").items()
    }
    most_words = _counts(counts, "most_words")
    residues = _counts(counts, "residue")

    verdict_of_line = dict(line_verdicts.verdicts)
    colliding: set[str] = set()
    for source, keys in line_verdicts.recurring.items():
        # Texts that would be equal to another one.
        surveyed = [_surveyed_text(item, count) for item, count in residues[source].items()]
        line_counts = LineCounts(
            texts[source].get("", 0),
            holders={key: holders[source].get(key, 0) for key in sorted(keys)},
            sets={tuple(item.split(",")): count for item, count in sets[source].items()},
            headings=headings.get(source, {}),
            most_words=most_words[source],
            colliding=distinguishing_lines(surveyed),
        )
        new_verdicts = {
            key: _judged(source, key, verdict, wrong)
            for key, verdict in verdicts(line_counts).items()
        }
        for key, verdict in new_verdicts.items():
            verdict_of_line[source, key] = verdict

        going = frozenset(key for key, verdict in new_verdicts.items() if verdict == REMOVED)
        colliding |= colliding_texts(surveyed, going)

    return LineVerdicts(
        _others(line_verdicts.recurring, verdict_of_line), verdict_of_line, frozenset(colliding)
    )


def _judged(source: str, key: str, verdict: str, wrong: Collection[str]) -> str:
    """Return the verdict on a line, or JUDGED if a person found its removal wrong."""
    if verdict == REMOVED and is_wrong(BOILERPLATE, source, key, wrong):
        return JUDGED
    return verdict


def recurring_lines(counts: pd.DataFrame, verdict_of_line: Verdicts) -> pd.DataFrame:
    """Return the table RecurringLines: each line that was thought of, and what became of it."""
    holders = _counts(counts, "boilerplate")
    removed = _counts(counts, "removed")
    writings = {
        source: most_frequent_writing(_by_pair(count_of_item))
        for source, count_of_item in _counts(counts, "writing").items()
    }
    rows = [
        (
            source,
            key,
            writings[source][key],
            holders[source][key],
            removed[source].get(key, 0),
            verdict,
        )
        for (source, key), verdict in sorted(verdict_of_line.items())
    ]
    empty = RecurringLines.empty()
    frame = pd.DataFrame(rows, columns=list(empty.columns))
    return frame.astype(empty.dtypes.to_dict())


def _counts(counts: pd.DataFrame, kind: str) -> defaultdict[str, dict[str, int]]:
    """Return source to item to number of documents, for one kind of CorpusCounts."""
    rows = counts[counts["kind"] == kind]
    count_of_item: defaultdict[str, dict[str, int]] = defaultdict(dict)
    columns = zip(rows["source"], rows["item"], rows["document_frequency"], strict=True)
    for source, item, count in columns:
        count_of_item[source][item] = count

    return count_of_item


def _by_pair(count_of_item: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Return (key, writing) to count, from "key writing" to count."""
    pairs: dict[tuple[str, str], int] = {}
    for item, count in count_of_item.items():
        key, _, writing = item.partition(" ")
        pairs[key, writing] = count

    return pairs


def _by_line(count_of_item: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return line to section to count, from "line section" to count."""
    count_of_section: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (key, section), count in _by_pair(count_of_item).items():
        count_of_section[key][section] = count

    return dict(count_of_section)


def _surveyed_text(item: str, count: int) -> SurveyedText:
    """Return the text that a count of a residue is about."""
    residue, full, joined = item.split(" ")
    keys = tuple(joined.split(",")) if joined else ()
    return SurveyedText(residue, full, keys, documents=count)


def _others(recurring: Recurring, verdict_of_line: Verdicts) -> dict[str, frozenset[str]]:
    """Return `recurring` without the lines that stay; sources without any are left out."""
    others: dict[str, frozenset[str]] = {}
    for source, keys in recurring.items():
        left = {key for key in keys if verdict_of_line.get((source, key), REMOVED) == REMOVED}
        if left:
            others[source] = frozenset(left)

    return others
