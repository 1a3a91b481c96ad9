"""Definitions of abbreviations: find them in a text.

Sources: Schwartz and Hearst (2003), "A simple algorithm for identifying abbreviation definitions
in biomedical text", for where short and long forms stand; Sohn et al. (2008) for what counts as
a match (alignment.py). Added to them: square brackets, brackets within brackets,
names of chemistry, a word that both forms share ("Systems Manager document (SSM document)"), the
words of contracts ('(the "EU")'), and checks for precision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from stages.clean.abbreviations.alignment import (
    LOCANTS,
    STOPWORDS,
    align,
    has_chemical_signs,
    parts_of,
    signs_of,
)
from stages.clean.abbreviations.short_forms import (
    MOST_SHORT_CHARACTERS,
    QUOTES,
    bracket_pieces,
    is_lower_short_form,
    is_short_form,
    is_short_phrase,
    singular,
)


class Definition(NamedTuple):
    """A short form that a text defines.

    Attributes:
        short: the short form as written.
        long: the long form as written, with single spaces, without brackets of other definitions.
        start: where the whole definition begins in the text.
        end: where it ends, exclusive.
    """

    short: str
    long: str
    start: int
    end: int


class _Candidate(NamedTuple):
    """A short form, and the part of the window before its bracket that may hold the long form."""

    short: str
    start: int
    end: int


# The length of a bracket is bounded, and the window before it. So the time is linear for any text.
# A bracket may hold brackets: "(1,25(OH)2D3)". The lookahead also finds brackets within others.
_BRACKET = re.compile(
    r"(?<=[^\S\n])(?=(\((?:[^()\[\]\n]|\([^()\n]{0,30}\)|\[[^\[\]\n]{0,30}\]){2,100}\)"
    r"|\[[^()\[\]\n]{2,100}\]))"
)
_WINDOW_CHARACTERS = 200
# Not after an initial ("S. aureus") or "St."
_SENTENCE_END_PATTERN = r"(?:(?<![\s(][A-Z])(?<!\bSt)[.!?;:]\s|\n)"
# A bracket within a word belongs to it: "2-(dipropylamino)tetralin".
_CLAUSE_END_PATTERN = rf"(?:{_SENTENCE_END_PATTERN}|(?:^|(?<=\s))[(\[{{]|[)\]}}](?!\w)|,\s)"
_CLAUSE_END = re.compile(_CLAUSE_END_PATTERN)
_LAST_CLAUSE_END = re.compile(f".*{_CLAUSE_END_PATTERN}", re.DOTALL)
_LAST_SENTENCE_END = re.compile(f".*{_SENTENCE_END_PATTERN}", re.DOTALL)
_EARLIER_BRACKET = re.compile(r"\s\([^()]*\)|\s\[[^\[\]]*\]")
_SHARED_WORD = re.compile(r"[a-z]{3,}")
_CODE_SIGNS = re.compile(r"[=<>`{}|\\]")
_NON_SPACE = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
_OPENING_SIGNS = "\"'\u201c\u2018\u201e\u00ab[("
# Fences, code in a line, and addresses.
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)

# The highest cost of an alignment, by the number of signs.
_MOST_COST = {2: 1.2, 3: 3.1, 4: 3.6}
_MOST_COST_OF_LONGER = 4.6
# A window across commas or brackets is taken only for initials.
_MOST_COST_ACROSS = 1.0
_MOST_COST_LOWER_CASE = 1.0
_MOST_COST_OF_ONE_LETTER = 0.6
_MOST_COST_OF_TITLE = 2.0


def find_definitions(text: str) -> list[Definition]:
    """Return the abbreviations that `text` defines, in the order of their brackets.

    >>> find_definitions("an electrocardiogram (ECG)")
    [Definition(short='ECG', long='electrocardiogram', start=3, end=26)]
    """
    has_code = "`" in text or "://" in text
    code = [match.span() for match in CODE.finditer(text)] if has_code else []

    definitions: list[Definition] = []
    code_index = 0
    for match in _BRACKET.finditer(text):
        # Brackets in code define nothing.
        while code_index < len(code) and code[code_index][1] <= match.start():
            code_index += 1

        if code_index < len(code) and code[code_index][0] < match.end(1):
            continue

        definition = (
            _long_form_before(text, match)
            or _short_form_before(text, match)
            or _both_within(text, match)
        )
        if definition and _is_free(definition, definitions):
            definitions.append(definition)

    return definitions


def _is_free(definition: Definition, earlier: list[Definition]) -> bool:
    """Return True if a definition shares no words with the last one, or holds all of it.

    The words of an earlier definition cannot serve again, except in "parathyroid hormone
    (PTH)-related protein (PTHrP)".
    """
    if not earlier:
        return True

    last = earlier[-1]
    return definition.start >= last.end or (
        definition.start <= last.start and definition.end > last.end
    )


def _long_form_before(text: str, match: re.Match[str]) -> Definition | None:
    """Return the definition of the form "electrocardiogram (ECG)", or None."""
    window_start = max(0, match.start() - _WINDOW_CHARACTERS)
    window = text[window_start : match.start()].rstrip()

    # The long form lies in the clause before the bracket.
    clause_end = _LAST_CLAUSE_END.match(window)
    clause_start = clause_end.end() if clause_end else 0

    for index, piece in enumerate(bracket_pieces(match[1][1:-1])):
        for candidate in _candidates(piece, window, clause_start):
            # "(Edmonton, AB)": behind a comma mostly stands something else.
            most_cost = _MOST_COST_ACROSS if index else None
            start = _long_form_start(candidate, window, most_cost=most_cost)
            if start is None and candidate.end == len(window):
                start = _start_across(candidate, window)

            if start is not None:
                return Definition(
                    short=candidate.short,
                    long=_long_text(window[start : candidate.end]),
                    start=window_start + start,
                    end=match.end(1),
                )

    return None


def _start_across(candidate: _Candidate, window: str) -> int | None:
    """Return where a long form begins whose initials stand across commas and brackets, or None."""
    if len(candidate.short) < 3:
        return None

    sentence_end = _LAST_SENTENCE_END.match(window)
    sentence_start = sentence_end.end() if sentence_end else 0
    if sentence_start >= candidate.start:
        return None

    without_brackets = window
    if "(" in window or "[" in window:
        without_brackets = _EARLIER_BRACKET.sub(lambda bracket: " " * len(bracket[0]), window)

    wider = candidate._replace(start=sentence_start)
    return _long_form_start(wider, without_brackets, most_cost=_MOST_COST_ACROSS)


def _candidates(
    inside: str,
    window: str,
    clause_start: int,
) -> Iterator[_Candidate]:
    """Yield the short forms that a piece of a bracket may hold, best first."""
    words = inside.split()
    if len(words) == 1:
        # "ECG/EKG" may also stand for its first part.
        for short in dict.fromkeys((inside, inside.split("/")[0])):
            if is_short_form(short) or is_lower_short_form(short):
                yield _Candidate(short, clause_start, len(window))
    elif len(words) == 2:
        first, last = words
        # "Systems Manager document (SSM document)"
        if is_short_form(first) and _SHARED_WORD.fullmatch(last) and window.endswith(f" {last}"):
            yield _Candidate(first, clause_start, len(window) - len(last) - 1)

        # "Amazon Virtual Private Clouds (Amazon VPCs)"
        shared = window.rfind(f"{first} ", clause_start)
        if is_short_form(last) and first[0].isupper() and shared >= 0:
            yield _Candidate(last, shared + len(first) + 1, len(window))

    # "NF-kappa B", "Ang II", "PI 3-kinase"
    if len(words) in (2, 3) and is_short_phrase(words):
        yield _Candidate(" ".join(words), clause_start, len(window))


def _long_form_start(
    candidate: _Candidate,
    window: str,
    *,
    most_cost: float | None = None,
) -> int | None:
    """Return where the long form of a candidate begins in `window`, or None.

    With `most_cost`, only an alignment of at most this cost counts, of three signs or more.
    """
    short = candidate.short
    for signs in dict.fromkeys((signs_of(singular(short)), signs_of(short))):
        if len(signs) < 2 or not _are_signs_in(signs, window[candidate.start : candidate.end]):
            continue

        first = _last_words_start(window, candidate.start, end=candidate.end, count=len(signs))
        alignment = align(signs, parts_of(window[first : candidate.end]))
        limit = _most_cost(short, signs)
        if most_cost is not None:
            limit = min(limit, most_cost) if len(signs) > 2 else -1.0

        if alignment and alignment.cost <= limit:
            start = _with_locants(window, first + alignment.start, short=short)
            if _is_sound(short, window[start : candidate.end]):
                return start

    return None


def _most_cost(short: str, signs: str) -> float:
    """Return the highest cost of an alignment that is more than chance."""
    if short.islower() and short.isascii() and short.replace(".", "").isalpha():
        return 2.0 if "." in short else _MOST_COST_LOWER_CASE

    # "A protein of 42 kDa (p42)" defines nothing.
    if sum(sign.isalpha() for sign in signs) < 2:
        return _MOST_COST_OF_ONE_LETTER

    # "Cin" and "Aldo" look like words.
    limit = _MOST_COST.get(len(signs), _MOST_COST_OF_LONGER)
    return min(limit, _MOST_COST_OF_TITLE) if short.istitle() and short.isalpha() else limit


def _are_signs_in(signs: str, window: str) -> bool:
    """Return False if a window surely does not hold the letters in order, at little cost."""
    folded = window.casefold()
    position = -1
    for sign in signs:
        if sign.isalpha():
            position = folded.find(sign, position + 1)
            if position < 0:
                # Accents and signs of chemistry may stand for a letter.
                return not folded.isascii() or has_chemical_signs(folded)

    return True


def _short_form_before(text: str, match: re.Match[str]) -> Definition | None:
    """Return the definition of the form "ECG (electrocardiogram)", or None."""
    inside = re.split(r"[,;]\s", match[1][1:-1].strip())[0].strip(QUOTES)
    # The short form is the last word before the bracket.
    window_start = max(0, match.start() - MOST_SHORT_CHARACTERS - 2)
    words = text[window_start : match.start()].split(" ")
    short = words[-2].strip(_OPENING_SIGNS + QUOTES) if len(words) > 1 else ""

    # The bracket must hold a single clause, longer than the short form.
    if len(inside) <= len(short) or not is_short_form(short):
        return None
    if _CLAUSE_END.search(inside):
        return None

    signs = signs_of(singular(short))
    if len(signs) < 2 or len(_WORD.findall(inside)) > 2 * len(signs):
        return None

    # The bracket must begin with the long form.
    parts = parts_of(inside)
    locants = LOCANTS.match(inside)
    alignment = align(signs, parts, at_start=True)
    if alignment is None and locants:
        later = [part for part in parts if part.start >= locants.end()]
        alignment = align(signs, later, at_start=True)
    if alignment is None or alignment.cost > _most_cost(short, signs):
        return None
    if not _is_sound(short, inside):
        return None

    start = text.rfind(short, 0, match.start())
    return Definition(short=short, long=" ".join(inside.split()), start=start, end=match.end(1))


def _both_within(text: str, match: re.Match[str]) -> Definition | None:
    """Return the definition of the form "(5-hydroxytryptamine; 5-HT)", or None."""
    pieces = re.split(r"[,;]\s+", match[1][1:-1])
    if len(pieces) != 2:
        return None

    long, short = (piece.strip(QUOTES) for piece in pieces)
    if not is_short_form(short):
        return None

    # The long form is the entire first piece.
    start = _long_form_start(_Candidate(short, 0, len(long)), long)
    if start != 0:
        return None

    return Definition(
        short=short,
        long=" ".join(long.split()),
        start=text.index(long, match.start()),
        end=match.end(1),
    )


def _last_words_start(
    window: str,
    start: int,
    end: int,
    count: int,
) -> int:
    """Return the start of the last min(count + 5, 2 count) words before `end`.

    Words such as "of" do not count, up to as many again.
    """
    most_words = min(count + 5, 2 * count)
    words = [word.span() for word in _NON_SPACE.finditer(window, start, end)]
    content_words = 0
    for word_start, word_end in reversed(words[-2 * most_words :]):
        content_words += window[word_start:word_end].casefold() not in STOPWORDS
        if content_words > most_words:
            return word_end + 1

    return words[-2 * most_words][0] if len(words) > 2 * most_words else start


def _with_locants(window: str, start: int, short: str) -> int:
    """Return the start of the long form with what belongs to its first word.

    "3,4-methylenedioxy..." begins with its digits, and "50% inhibitory concentration (IC50)" with
    the number that the short form has too.
    """
    word_start = max(window.rfind(" ", 0, start), window.rfind("\n", 0, start)) + 1
    if word_start < start and LOCANTS.fullmatch(window, word_start, start):
        start = word_start

    number = re.search(r"(?<!\d)(\d++)%\s$", window[:start])
    if number and short.endswith(number[1]):
        start = number.start()

    return start


def _long_text(long: str) -> str:
    """Return a long form with single spaces, without the brackets of other definitions."""
    return " ".join(_EARLIER_BRACKET.sub("", long).split())


def _is_sound(short: str, long: str) -> bool:
    """Return True if a match is more than chance."""
    words = _WORD.findall(long.casefold())
    if not words or _CODE_SIGNS.search(long):
        return False

    # It is longer than the short form, and does not hold it.
    folded_words = long.casefold().split()
    if len(long) <= len(short) or short.casefold() in folded_words:
        return False
    # "P-450 (P-450b)" defines nothing.
    if long.casefold().startswith(short.casefold()) and len(long) <= len(short) + 2:
        return False

    # It has about a word for each letter.
    content_words = [word for word in words if word not in STOPWORDS and not word.isdigit()]
    return len(content_words) <= len(signs_of(short)) + 2
