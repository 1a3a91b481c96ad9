"""Markup that a text speaks of: "why does <hr> need no end?", "what is &shy; for?".

A tag is markup where the text is a fragment of HTML: elements with words inside, attributes,
comments, tags against words. A tag that stands alone between the words of a sentence is its
subject, and stays. So does an entity, if the words around it speak of it: "Fish &amp; chips" is
escaped text. Tags that break lines are a case between the two: "Fever <br> Rash" is a fragment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.clean.markup.html_tokens import Token
from stages.clean.markup.speaking_words import (
    BETWEEN_SPOKEN,
    MOST_SPOKEN,
    NOUN,
    SPEAKING,
    SPEAKING_AFTER,
    SPEAKING_BEFORE,
    UNSPACED_NOUN,
    is_question,
    is_quoted,
    is_spoken_of,
    is_unspaced,
    joins_list,
    line_around,
    names_markup,
    stands_alone,
    word_after,
    word_before,
)

# Tags that are often left open, to break a line.
_SEPARATOR_LIST = "br p hr wbr li dt dd td th tr"
_SEPARATORS = frozenset(_SEPARATOR_LIST.split())
_FIRM_BEFORE_LIST = (
    "use uses using insert add put remove replace does do is are an the write type between without "
    "with of why like"
)
_FIRM_BEFORE = frozenset(_FIRM_BEFORE_LIST.split())


def spoken_tags(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Return the tags of `tokens` that `text` speaks of, in order."""
    tags = [token for token in tokens if token.name[0] not in "!`"]
    if not tags or len(tags) > MOST_SPOKEN:
        return []

    closed = _closed_with_words(text, tags)
    is_fragment = _is_fragment(text, tokens, tags, closed=closed)
    spoken: list[Token] = []
    for tag in tags:
        if tag.name in closed or not stands_alone(text, tag.start, tag.end):
            continue

        # In a fragment, only a tag that is called one, or is quoted, is spoken of.
        is_called = names_markup(text, tag.start, tag.end) or is_quoted(text, tag.start, tag.end)
        is_listed = bool(spoken) and joins_list(text[spoken[-1].end : tag.start])
        if is_called or (not is_fragment and (is_listed or _is_subject(text, tag))):
            spoken.append(tag)

    return spoken


def _is_subject(text: str, tag: Token) -> bool:
    """Return True if a tag that stands alone is the subject of the sentence around it."""
    line_start = text.rfind("\n", 0, tag.start) + 1
    line = line_around(text, tag.start, tag.end)
    other_words = re.findall(r"\w+", re.sub("<[^<>]*>", " ", line))
    if not other_words:
        return False

    before = word_before(text, tag.start)
    after = word_after(text, tag.end)
    speaks = before in SPEAKING_BEFORE or after in SPEAKING_AFTER
    next_char = text[tag.end :].lstrip()[:1]
    if "=" in text[tag.start : tag.end]:
        return is_question(line) and after != "" and next_char.islower()
    if all(word.lower() in SPEAKING for word in other_words):
        return True
    if tag.name not in _SEPARATORS:
        return True
    if is_unspaced(text, tag.start, tag.end):
        return bool(UNSPACED_NOUN.search(line))
    if is_question(line):
        return True

    # Behind a tag that breaks a line, a new sentence begins.
    is_break = next_char.isupper() or not text[line_start : tag.start].strip()
    return speaks and not is_break and (before in _FIRM_BEFORE or bool(NOUN.fullmatch(after)))


def _is_fragment(
    text: str,
    tokens: Sequence[Token],
    tags: Sequence[Token],
    closed: frozenset[str],
) -> bool:
    """Return True if the tags show a fragment of HTML."""
    if closed or any(token.name[0] == "!" for token in tokens):
        return True

    has_attributes = [tag for tag in tags if "=" in text[tag.start : tag.end]]
    if has_attributes and len(tags) > 1:
        return True

    # A tag against a word, unless it breaks a line there.
    glued = [tag for tag in tags if not stands_alone(text, tag.start, tag.end)]
    return any(tag.name not in _SEPARATORS or tag.closes for tag in glued)


def _closed_with_words(text: str, tags: Sequence[Token]) -> frozenset[str]:
    """Return the names of elements that hold words, and of empty ones without a reason."""
    opened: dict[str, Token] = {}
    names: set[str] = set()
    for tag in tags:
        if not tag.closes:
            opened[tag.name] = tag
        elif tag.name in opened:
            start = opened.pop(tag.name)
            between = text[start.end : tag.start]
            is_empty = not between.strip()
            if not BETWEEN_SPOKEN.fullmatch(between) or (
                is_empty and not is_spoken_of(text, start.start, tag.end)
            ):
                names.add(tag.name)

    return frozenset(names)
