"""Which recurring lines carry something, as a source teaches it.

A line goes only if it carries nothing. It stays as

    field       other lines of the source have its label, its wording or its numbers with other
                values: "Width: 20 cm", "Made in Italy", "governed by the laws of New York"
    choice      it never stands beside certain other lines, as set answers do
    heading     it heads sections that stay
    most_words  most of its documents have half of their words from it, or hardly any words
                beside recurring lines
    distinct    without it different documents would be equal

The counts say in how many documents something stands, so no order of documents matters.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stages.clean.boilerplate.removal import Segment, edits_of, letter_count, remaining_share
from stages.lib.core.ids import hash_hex
from stages.lib.text.normal_form import UNSPACED_SCRIPT, normal_form
from stages.lib.text.strict_form import strict_form

REMOVED = "removed"
JUDGED = "judged"
VERDICTS = (REMOVED, "field", "choice", "heading", "most_words", "distinct", JUDGED)

# A label of a few words, and what stands behind it: "Width: 20 cm", "Width = 20 cm",
# "Width - 20 cm", "| Width | 20 cm |". Long values are sentences, as in "Note: ...".
_LABEL = re.compile(
    r"[\s|*\u2022-]{0,100}([^\s:\uff1a=|]{1,200}(?: [^\s:\uff1a=|]{1,200}){0,5}?)"
    r"(?:\s{0,100}[:\uff1a=|\t]|\s[-\u2013\u2014](?=\s))([^\w\n]*+\w.*)"
)
MOST_VALUE_WORDS = 10
_DIGITS = re.compile(r"\d+(?: \d+)*")

# Sizes of openings and closings in words: one of them is a third of a line or more.
_PART_SIZES = (1, 2, 4, 8, 16, 32)

# Other values of a wording must stand in this share of the documents of a line, and in so many.
LEAST_OTHER_SHARE = 0.05
LEAST_OTHERS = 2

# Lines that never meet although chance alone would have them meet so often are alternatives.
LEAST_EXPECTED = 3.0

# Combinations of lines that tell documents apart: so many, and most documents have their own.
LEAST_COMBINATIONS = 8
NEARLY_ALL = 0.9

# A heading has at most so many words, and does not end as a sentence does.
MOST_HEADING_WORDS = 8
# Digits of the hash of a section. They only show whether sections differ.
SECTION_DIGITS = 2
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f;,][\"'\u201d\u2019)\]]*$")

# A line carries something if that is so in this share of its documents.
MAJORITY = 0.5
LEAST_COLLIDING = 0.05

# A line of this share of the letters and digits of a document is most of it. Less than the second
# share remains of a document that consists of recurring lines.
MOST_WORDS = 0.5
LEAST_OWN = 0.25


class Survey(NamedTuple):
    """What one document says about its recurring lines.

    Attributes:
        keys: its recurring lines, sorted.
        headings: those that head a section which stays, each with a hash of the section.
        most_words: those whose removal would take most words.
        is_emptied: whether hardly anything would remain without all of them.
        full: the hash of the strict form of the text.
        residue: the hash of the strict form without the recurring lines.
    """

    keys: tuple[str, ...]
    headings: frozenset[tuple[str, str]]
    most_words: frozenset[str]
    is_emptied: bool
    full: str
    residue: str


class SurveyedText(NamedTuple):
    """A text whose residue several different texts have.

    Attributes:
        residue: the hash of what remains without recurring lines.
        full: the hash of the text.
        keys: its recurring lines.
        documents: how many documents have the text.
    """

    residue: str
    full: str
    keys: tuple[str, ...]
    documents: int


class LineCounts(NamedTuple):
    """What the surveys of a source add up to: numbers of documents.

    Attributes:
        documents: all documents of the source.
        holders: by line, its documents.
        sets: by set of lines, the documents that hold exactly these.
        headings: by line, the documents in which it heads a section, by the hash of the section.
        most_words: by line, the documents of which it is most, or that would be emptied.
        colliding: by line, the documents that would equal another one.
    """

    documents: int
    holders: Mapping[str, int]
    sets: Mapping[tuple[str, ...], int]
    headings: Mapping[str, Mapping[str, int]]
    most_words: Mapping[str, int]
    colliding: Mapping[str, int]


def families(line: str, form: str) -> list[str]:
    """Return the families of a line. Lines of one family say the same but for a value.

    Args:
        line: the line.
        form: its normal form.

    >>> families("Width: 20 cm", "width 20 cm")[0] == families("Width: 3 m", "width 3 m")[0]
    True
    """
    names: list[str] = []

    # A label, and the numbers.
    label = _LABEL.match(line)
    if label and normal_form(label[1]) and len(label[2].split()) <= MOST_VALUE_WORDS:
        names.append(f"l{hash_hex(normal_form(label[1]))}")
    if _DIGITS.search(form):
        names.append(f"n{hash_hex(_DIGITS.sub('0', form))}")

    # The first words and the last ones. Lines of two words share one.
    words = _words(form)
    count = len(words)
    for size in _PART_SIZES:
        if size < count <= 3 * size and (size > 1 or count == 2):
            names.append(f"o{hash_hex(' '.join(words[:size]))}")
            names.append(f"c{hash_hex(' '.join(words[-size:]))}")

    return names


def is_field(family: str, line_count: int, other_count: int) -> bool:
    """Return whether a line is one of several values of its family.

    Args:
        family: the name of the family. Labels and numbers are sure signs of values.
        line_count: the number of documents with the line.
        other_count: the number of documents with other lines of the family.
    """
    if family[0] in "ln":
        return other_count > 0
    return other_count >= max(LEAST_OTHERS, LEAST_OTHER_SHARE * line_count)


def survey(text: str, segments: Sequence[Segment], recurring: frozenset[str]) -> Survey:
    """Return what a document says about the lines with a key in `recurring`."""
    held = [segment for segment in segments if segment.key in recurring]
    full = hash_hex(strict_form(text))
    if not held:
        return Survey((), frozenset(), frozenset(), is_emptied=False, full=full, residue=full)

    # The text without them, and the pieces of it before, between and behind them.
    edits = edits_of(text, [(segment.start, segment.end) for segment in held])
    residue = text
    for edit in edits:
        residue = residue[: edit.start] + residue[edit.end :]
    starts = [0, *(segment.end for segment in held)]
    ends = [*(segment.start for segment in held), len(text)]
    has_words = [letter_count(text[start:end]) > 0 for start, end in zip(starts, ends, strict=True)]

    # A heading has a section behind it and other words somewhere before it.
    headings: set[tuple[str, str]] = set()
    for index, segment in enumerate(held):
        is_inside = any(has_words[: index + 1]) and has_words[index + 1]
        if is_inside and _is_heading(text, segment):
            section = normal_form(text[starts[index + 1] : ends[index + 1]])
            headings.add((segment.key, hash_hex(section)[:SECTION_DIGITS]))

    # One line may be most of a text.
    length = letter_count(text)
    most_words = {
        segment.key for segment in held if letter_count(segment.of(text)) > MOST_WORDS * length
    }
    return Survey(
        tuple(sorted({segment.key for segment in held})),
        frozenset(headings),
        frozenset(most_words),
        is_emptied=remaining_share(text, edits) < LEAST_OWN,
        full=full,
        residue=hash_hex(strict_form(residue)),
    )


def verdicts(counts: LineCounts) -> dict[str, str]:
    """Return the verdict on each surveyed line of a source."""
    choices = choice_lines(counts)
    verdict_of_line: dict[str, str] = {}
    for key, holders in counts.holders.items():
        if key in choices:
            verdict = "choice"
        elif _heads_sections(counts.headings.get(key, {}), holders):
            verdict = "heading"
        elif counts.most_words.get(key, 0) >= MAJORITY * holders:
            verdict = "most_words"
        elif counts.colliding.get(key, 0) >= LEAST_COLLIDING * holders:
            verdict = "distinct"
        else:
            verdict = REMOVED
        verdict_of_line[key] = verdict

    return verdict_of_line


def choice_lines(counts: LineCounts) -> frozenset[str]:
    """Return the lines that exclude others: set answers, kinds, clauses of which one holds."""
    # So many combinations tell documents apart. A line of nearly all documents has no part in it.
    choices: set[str] = set()
    set_documents = sum(counts.sets.values())
    if len(counts.sets) >= max(LEAST_COMBINATIONS, MAJORITY * set_documents):
        choices.update(
            key for key, holders in counts.holders.items() if holders < NEARLY_ALL * set_documents
        )

    # Which lines stand beside each other.
    neighbours: dict[str, set[str]] = defaultdict(set)
    for keys in counts.sets:
        for key in keys:
            neighbours[key].update(keys)

    for key, holders in counts.holders.items():
        others = counts.holders.keys() - neighbours[key]
        if not others:
            continue

        # The documents with a line that never meets this one.
        other_documents = sum(
            count for keys, count in counts.sets.items() if not others.isdisjoint(keys)
        )
        if holders * other_documents >= LEAST_EXPECTED * max(1, counts.documents):
            choices.add(key)

    return frozenset(choices)


def colliding_texts(texts: Iterable[SurveyedText], going: frozenset[str]) -> frozenset[str]:
    """Return the hashes of texts that differ, and would not without the lines in `going`.

    >>> both = [SurveyedText("r", "a", ("k",), 1), SurveyedText("r", "b", (), 1)]
    >>> sorted(colliding_texts(both, frozenset("k"))), sorted(colliding_texts(both, frozenset()))
    (['a', 'b'], [])
    """
    texts_of_rest: dict[tuple[str, frozenset[str]], set[str]] = defaultdict(set)
    for text in texts:
        staying = frozenset(text.keys) - going
        texts_of_rest[text.residue, staying].add(text.full)

    colliding: set[str] = set()
    for fulls in texts_of_rest.values():
        if len(fulls) > 1:
            colliding |= fulls

    return frozenset(colliding)


def distinguishing_lines(texts: Iterable[SurveyedText]) -> Counter[str]:
    """Return line to the number of documents that it tells from others with the same residue.

    A line that all documents of a residue hold tells none of them apart.
    """
    texts_of_residue: dict[str, list[SurveyedText]] = defaultdict(list)
    for text in texts:
        texts_of_residue[text.residue].append(text)

    counts: Counter[str] = Counter()
    for members in texts_of_residue.values():
        common = frozenset.intersection(*(frozenset(text.keys) for text in members))
        for text in members:
            counts.update(dict.fromkeys(set(text.keys) - common, text.documents))

    return counts


def most_frequent_writing(counts: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """Return key to the writing of the line in most documents; of equal ones the first by text."""
    writing_of_key: dict[str, str] = {}
    for key, writing in sorted(counts, key=lambda pair: (-counts[pair], pair)):
        writing_of_key.setdefault(key, writing)

    return writing_of_key


def _heads_sections(count_of_section: Mapping[str, int], holders: int) -> bool:
    """Return whether a line heads sections that differ, in most of its documents."""
    counts = sorted(count_of_section.values())
    return sum(counts) >= MAJORITY * holders > 0 and sum(counts[:-1]) >= MAJORITY * sum(counts)


def _is_heading(text: str, segment: Segment) -> bool:
    """Return whether a line is short, has a line of its own, and is no sentence."""
    is_line = text[: segment.start].endswith("\n") and text[segment.end :].lstrip(" \t")[:1] == "\n"
    is_short = len(_words(segment.form)) <= MOST_HEADING_WORDS
    return is_line and is_short and not _SENTENCE_END.search(segment.of(text))


def _words(form: str) -> list[str]:
    """Return the words of a normal form; the characters in a script without spaces."""
    if UNSPACED_SCRIPT.search(form):
        return [character for character in form if not character.isspace()]
    return form.split()
