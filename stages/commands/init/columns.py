"""Guess which column holds which field of a source, by names and by contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.collect.labels import SPLIT_OF_NAME
from stages.commands.init.column_facts import ColumnFacts, column_facts
from stages.commands.init.column_names import PART_OF_NAME, is_no_topic, name_rank, plain_name
from stages.commands.init.label_words import LABEL_NOTE, has_label_name, score_names

# A column is one of questions if this share of its values are.
QUESTIONS = 0.4
# Longest title and longest name of a topic, in words on average.
_TITLE_WORDS = 25
_TOPIC_WORDS = 6
# A column of single words may be anything.
_LEAST_WORDS = 2
# One of two words on average may be names of people, and is no question.
_TWIN_WORDS = 2.5
# So few different values among many are names of kinds of documents, and no titles.
_CATEGORY_SHARE = 0.05
# A word or two are no document beside a longer column.
_SHORTEST_TEXT = 4
# A group that holds so many of many rows would tie them all into one component.
_LARGEST_GROUP = 0.1
_MANY_ROWS = 200
_MOST_SPLITS = 8
_HIGHEST_GRADE = 10
# The scales that people score on, lowest and highest value.
SCALES = ((0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))

Facts = Mapping[str, ColumnFacts]


@dataclass(frozen=True)
class ColumnGuess:
    """The guess for a table.

    Attributes:
        columns: field to column.
        settings: other settings of the source that follow from the contents.
        uncertain: fields that a person should confirm, with the reason.
        notes: what is worth knowing about columns that are not mapped.
    """

    columns: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    uncertain: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def guess_columns(values: Mapping[str, Sequence[str]]) -> ColumnGuess:
    """Return which column of a table holds which field; no field `text` if there are no texts.

    Texts come first: the document, then its question, then its title. Columns that are left are
    labels, subjects, groups and times.

    >>> table = {"Nr": ["1", "2"], "Frage": ["Wo?", "Wann?"], "Antwort": ["Hier.", "Jetzt."]}
    >>> guess_columns(table).columns
    {'text': 'Antwort', 'anchor': 'Frage', 'key': 'Nr'}
    """
    facts = {column: column_facts(texts) for column, texts in values.items()}
    facts = {column: column_fact for column, column_fact in facts.items() if column_fact.filled}
    columns, uncertain = _guess_texts(facts)
    settings: dict[str, Any] = {}
    notes: list[str] = []
    if "text" not in columns:
        return ColumnGuess(columns, settings, uncertain, notes)

    # A key is unique. The name decides, then the first column of short codes.
    key = _first_key(facts, columns.values())
    if key:
        columns["key"] = key

    # Labels of pairs.
    if "anchor" in columns:
        columns |= _guess_split(facts, columns.values())
        label, label_settings, label_notes = _guess_label(values, facts, columns.values())
        columns |= label
        settings |= label_settings
        notes += label_notes

    # What rows have in common, and when they were written.
    columns |= _guess_parent(values, facts, columns)
    columns |= _guess_group(facts, columns.values())
    topic, topic_notes = _guess_topic(facts, columns.values(), has_numbers="anchor" not in columns)
    columns |= topic
    notes += topic_notes
    time, time_notes = _guess_time(facts, columns.values())
    columns |= time
    notes += time_notes
    return ColumnGuess(columns, settings, uncertain, notes)


def _guess_texts(facts: Facts) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns of text, anchor and title, and what is uncertain about them."""
    texts = {column: column_fact for column, column_fact in facts.items() if column_fact.is_prose}
    uncertain: dict[str, str] = {}
    anchor = _best_named({**texts, **_named_codes(facts)}, "anchor")
    text = _best_text(texts, anchor)
    title = _best_named(
        {
            column: column_fact
            for column, column_fact in texts.items()
            if column not in (anchor, text)
            and column_fact.words <= _TITLE_WORDS
            and not _is_category(column_fact)
        },
        "title",
    )

    # No name of a document: the longest column that is no question and no kind of document.
    others = {
        column: texts[column]
        for column in texts
        if column not in (anchor, title) and not _is_topic(column, texts[column])
    }
    filled = {column: others[column] for column in others if others[column].filled_share >= 0.5}
    others = filled or others
    if text is None and others:
        longest = max(others, key=lambda column: (-_is_asked(texts[column]), texts[column].words))
        # Names, authors and the like are no documents beside a longer column.
        if anchor is None or texts[longest].words >= _LEAST_WORDS:
            text = longest
            uncertain["text"] = "no name says which column holds the documents; this is the longest"
    if text is None:
        # One column of text alone, whatever its name is.
        only = anchor or title
        return ({"text": only} if only else {}), uncertain

    # No name of a question: a column of questions, a title that asks, or of two columns the other.
    if anchor is None:
        asking = {
            column: column_fact
            for column, column_fact in texts.items()
            if column != text and _is_asked(column_fact)
        }
        anchor = max(asking, key=lambda column: asking[column].question_share, default=None)
        if anchor is None and title is None and "text" in uncertain:
            anchor = _shorter_twin(texts, text)
            if anchor:
                uncertain["anchor"] = "no name says whether this column holds questions"
        if anchor == title:
            title = None

    columns = {"text": text}
    if anchor:
        columns["anchor"] = anchor
    if title:
        columns["title"] = title
    return columns, uncertain


def _named_codes(facts: Facts) -> Facts:
    """Return columns of codes that may be asked for, such as the error codes of a column `term`."""
    return {
        column: column_fact
        for column, column_fact in facts.items()
        if column_fact.is_text
        and not column_fact.is_prose
        and not _is_category(column_fact)
        and (name_rank(column, "anchor") or 0) < PART_OF_NAME
    }


def _is_category(column_fact: ColumnFacts) -> bool:
    """Return whether few values stand in many rows, as names of kinds of documents do."""
    return column_fact.distinct <= _CATEGORY_SHARE * column_fact.filled


def _is_topic(column: str, column_fact: ColumnFacts) -> bool:
    """Return whether a column of few short values has a name of topics, or of no topic."""
    has_name = name_rank(column, "topic") is not None or is_no_topic(column)
    return has_name and _is_category(column_fact) and column_fact.words <= _TOPIC_WORDS


def _is_asked(column_fact: ColumnFacts) -> bool:
    return column_fact.question_share >= QUESTIONS


def _best_named(facts: Facts, field_name: str) -> str | None:
    """Return the column whose name is the best for a field; None if none has a name of it."""
    rank_of_column: dict[str, int] = {}
    for column in facts:
        rank = name_rank(column, field_name)
        if rank is not None:
            rank_of_column[column] = rank
    return min(rank_of_column, key=lambda column: rank_of_column[column], default=None)


def _best_text(texts: Facts, anchor: str | None) -> str | None:
    """Return the named column of documents. A longer one is taken if the best holds single words.

    An extract of a word or two, as the answers of reading tests, is no document.
    """
    named = {column: texts[column] for column in texts if column != anchor}
    best = _best_named(named, "text")
    if best is None or texts[best].words >= _SHORTEST_TEXT:
        return best

    longer = {
        column: column_fact
        for column, column_fact in named.items()
        if column_fact.words >= 3 * texts[best].words and column_fact.words >= _SHORTEST_TEXT
    }
    return _best_named(longer, "text") or best


def _shorter_twin(texts: Facts, text: str) -> str | None:
    """Return the only other column of many different texts; None if there is not exactly one."""
    twins = [
        column
        for column in texts
        if column != text
        and 2 * texts[column].distinct > texts[column].filled
        and texts[column].words >= _TWIN_WORDS
        and texts[column].phrase_share > 0.5
        and not is_no_topic(column)
        and name_rank(column, "key") is None
    ]
    return twins[0] if len(twins) == 1 else None


def _first_key(facts: Facts, used: Collection[str]) -> str | None:
    free = [column for column in facts if column not in used]
    unique = {column: facts[column] for column in free if facts[column].is_unique}
    named = _best_named(unique, "key")
    if named:
        return named

    # The address of a page, or the codes or numbers of the first column.
    addresses = [column for column in unique if unique[column].url_share == 1.0]
    first = next(iter(facts))
    if first in unique and unique[first].words <= 3 and not unique[first].date_share:
        is_counted = unique[first].is_whole or unique[first].letter_share > 0
        return first if is_counted else None
    return addresses[0] if addresses else None


def _guess_split(facts: Facts, used: Collection[str]) -> dict[str, str]:
    for column, column_fact in facts.items():
        if column in used or column_fact.distinct > _MOST_SPLITS:
            continue
        names = {value.casefold() for value in column_fact.frequent}
        known = names <= SPLIT_OF_NAME.keys()
        if known and (len(names) > 1 or name_rank(column, "split") is not None):
            return {"split": column}
    return {}


def guess_label(
    values: Mapping[str, Sequence[str]], used: Collection[str]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return the column of grades or scores of pairs, its settings, and notes.

    Args:
        values: the columns.
        used: those that are mapped.
    """
    facts = {column: column_facts(texts) for column, texts in values.items()}
    filled = {column: column_fact for column, column_fact in facts.items() if column_fact.filled}
    return _guess_label(values, filled, used)


def _guess_label(
    values: Mapping[str, Sequence[str]], facts: Facts, used: Collection[str]
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return the column of grades or scores, its settings, and notes."""
    named = {column: score_names(column, values[column]) for column in facts if column not in used}
    named = {column: names for column, names in named.items() if names}
    word = _best_named({column: facts[column] for column in named}, "score") or next(
        iter(named), None
    )
    if word:
        return {"score": word}, {"score_names": named[word]}, []

    numeric = {
        column: column_fact
        for column, column_fact in facts.items()
        if column not in used and column_fact.number_share == 1.0 and column_fact.distinct > 1
    }

    # Whole steps from 0 are grades. Two steps are a score of right and wrong.
    grades = {
        column: column_fact
        for column, column_fact in numeric.items()
        if column_fact.is_whole
        and column_fact.distinct > 2
        and 0 <= (column_fact.low or 0) <= (column_fact.high or 0) <= _HIGHEST_GRADE
        and plain_name(column) not in ("rating", "score")
    }
    grade = _best_named(grades, "grade")
    if grade:
        return {"grade": grade}, {}, []

    score = _best_named(numeric, "score")
    if score is None:
        return {}, {}, []
    low = numeric[score].low or 0.0
    high = numeric[score].high or 0.0
    scale = next((scale for scale in SCALES if scale[0] <= low and high <= scale[1]), None)
    is_label_of_class = plain_name(score) == "label" and numeric[score].distinct > 2
    if scale is None or is_label_of_class:
        note = f"column '{score}' holds numbers from {low:g} to {high:g}, which are no known scale"
        return {}, {}, [note]
    settings = {} if scale == (0.0, 1.0) else {"score_range": list(scale)}
    return {"score": score}, settings, []


def _guess_parent(
    values: Mapping[str, Sequence[str]], facts: Facts, columns: Mapping[str, str]
) -> dict[str, str]:
    free = {column: facts[column] for column in facts if column not in columns.values()}
    parent = _best_named(free, "parent")
    if parent is None or "key" not in columns or "anchor" in columns:
        return {}

    # Most parents are rows of this file.
    keys = set(values[columns["key"]])
    known = [value in keys for value in values[parent] if value.strip()]
    return {"parent": parent} if 2 * sum(known) > len(known) else {}


def _guess_group(facts: Facts, used: Collection[str]) -> dict[str, str]:
    repeated = {
        column: column_fact
        for column, column_fact in facts.items()
        if column not in used
        and not _is_topic(column, column_fact)
        and 1 < column_fact.distinct < column_fact.filled
        and not (column_fact.filled >= _MANY_ROWS and column_fact.largest_share > _LARGEST_GROUP)
    }
    group = _best_named(repeated, "group")
    return {"group": group} if group else {}


def _guess_topic(
    facts: Facts, used: Collection[str], *, has_numbers: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the column of the subjects, and notes.

    Args:
        facts: the columns.
        used: those that are mapped.
        has_numbers: whether subjects may be numbers, as the classes of documents are.
    """
    few = {
        column: column_fact
        for column, column_fact in facts.items()
        if column not in used
        and column_fact.words <= _TOPIC_WORDS
        and 1 < column_fact.distinct < column_fact.filled
        and not is_no_topic(column)
    }
    words = {column: few[column] for column in few if few[column].is_text}
    topic = _best_named(words, "topic") or _best_named(words, "group")
    if topic is None and has_numbers:
        numbers = {column: few[column] for column in few if few[column].is_whole}
        topic = _best_named(numbers, "topic")
    if topic is None:
        return {}, []

    # A word for whether a question and a text belong together may be one that is not known.
    is_label = has_label_name(topic) and not has_numbers
    return {"topic": topic}, [LABEL_NOTE.format(column=topic)] if is_label else []


def _guess_time(facts: Facts, used: Collection[str]) -> tuple[dict[str, str], list[str]]:
    free = {column: facts[column] for column in facts if column not in used}
    dated = {column: free[column] for column in free if free[column].date_share == 1.0}
    best = _best_named(dated, "time") or next(iter(dated), None)
    if best:
        return {"time": best}, []

    named = _best_named(free, "time")
    if named is None or free[named].is_text or free[named].filled_share < 0.5:
        return {}, []
    example = free[named].frequent[0]
    return {}, [f"column '{named}' holds no ISO dates (such as {example!r}), so it is not read"]
