"""Definitions of abbreviations: find them in a text, and bring them together over a corpus.

Source: Schwartz and Hearst (2003), "A simple algorithm for identifying abbreviation definitions
in biomedical text". Added to it: square brackets, plural short forms, digits that the long form
spells differently ("carbon dioxide (CO2)"), a word that both forms share ("Systems Manager
document (SSM document)"), and checks for precision.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import NamedTuple

from stages.lib.preprocessing.word_lists import Abbreviations


class Definition(NamedTuple):
    """A short form that a text defines.

    Attributes:
        short: the short form as written.
        long: the long form as written, with single spaces.
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
_BRACKET = re.compile(r"(?<=[^\S\n])(?:\(([^()\[\]\n]{2,100})\)|\[([^()\[\]\n]{2,100})\])")
_WINDOW_CHARACTERS = 200
_SHORT_WINDOW_CHARACTERS = 13
_SHORT_FORM = re.compile(r"(?=.{2,10}$)(?=.*[A-Z0-9])(?=.*[^\W\d_].*)[^\W_][\w/.+'-]*[\w+]")
# "JobId" is a name in a program.
_CAMEL_CASE = re.compile(r"(?:[A-Z][a-z]+){2,}")
_CLAUSE_END_PATTERN = r"(?:[.!?;:]\s|[()\[\]{}\n]|,\s)"
_CLAUSE_END = re.compile(_CLAUSE_END_PATTERN)
_LAST_CLAUSE_END = re.compile(f".*{_CLAUSE_END_PATTERN}", re.DOTALL)
_CODE_SIGNS = re.compile(r"[=<>`{}|\\]")
_WORD = re.compile(r"[^\W_]+")
_STOPWORD_LIST = """
a an the of in on to for by from with without at as and or but is are was be this that these its
via per not which against into also called known
"""
_STOPWORDS = frozenset(_STOPWORD_LIST.split())
_OPENING_SIGNS = "\"'\u201c\u2018[("
_QUOTES = "\"'\u201c\u201d\u2018\u2019 "
# Fences, code in a line, and addresses.
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)


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

        if code_index < len(code) and code[code_index][0] < match.end():
            continue

        definition = _long_form_before(text, match) or _short_form_before(text, match)
        # The words of an earlier definition cannot serve again.
        if definition and (not definitions or definition.start >= definitions[-1].end):
            definitions.append(definition)

    return definitions


def is_short_form(word: str) -> bool:
    """Return True for a token of 2 to 10 characters with a letter, and a capital or digit.

    >>> is_short_form("ECG"), is_short_form("heart")
    (True, False)
    """
    if word.endswith(("-", ".")):
        return False

    return bool(_SHORT_FORM.fullmatch(word)) and not _CAMEL_CASE.fullmatch(word)


def singular(word: str) -> str:
    """Return the short form without the "s" of its plural.

    >>> singular("ECGs")
    'ECG'
    """
    if len(word) <= 2 or word[-1] != "s":
        return word

    is_plural = word[-2].isupper() or word[-2].isdigit()
    return word[:-1] if is_plural else word


def build_dictionary(
    counts: Mapping[tuple[str, str], int],
    glossary: Abbreviations,
    minimum: int | None,
) -> Abbreviations:
    """Return the short forms with one meaning in corpus and glossary, and the ambiguous ones.

    Long forms that differ only in case, plural or hyphens are one meaning. It is written as in
    most documents, and among equals as the first in the alphabet. The user's spelling always
    wins. A short form with two meanings is never expanded, even if a single document has the
    second one.

    Args:
        counts: the number of documents that define (short form, long form).
        glossary: the user's abbreviations.
        minimum: the number of documents from which a meaning of the corpus is used; None
            ignores the corpus.
    """
    unambiguous = dict(glossary.known)
    ambiguous = dict(glossary.ambiguous)
    if minimum is None:
        return Abbreviations(unambiguous, dict(sorted(ambiguous.items())))

    for short, spellings_by_meaning in sorted(_group_by_meaning(counts).items()):
        user_longs = list(glossary.ambiguous.get(short, []))
        if short in glossary.known:
            user_longs = user_longs or [glossary.known[short]]

        long_by_meaning = {
            meaning: _commonest(spellings) for meaning, spellings in spellings_by_meaning.items()
        }
        long_by_meaning |= {meaning_key(long): long for long in user_longs}

        if len(long_by_meaning) > 1:
            unambiguous.pop(short, None)
            ambiguous[short] = sorted({*long_by_meaning.values(), *user_longs})
        elif short not in unambiguous and short not in ambiguous:
            documents = sum(map(Counter.total, spellings_by_meaning.values()))
            if documents >= minimum:
                unambiguous[short] = next(iter(long_by_meaning.values()))

    return Abbreviations(unambiguous, dict(sorted(ambiguous.items())))


def meaning_key(long: str) -> str:
    """Return the key that two writings of one long form share: without case, plural and hyphens.

    >>> meaning_key("High-density lipoproteins")
    'highdensitylipoprotein'
    """
    # Hyphens count as spaces: "high-density" is "high density".
    words = re.split(r"[\s\-\u2010\u2011]+", long.casefold())
    return "".join(_singular_word(word) for word in words)


def _group_by_meaning(
    counts: Mapping[tuple[str, str], int],
) -> dict[str, dict[str, Counter[str]]]:
    """Return short form to meaning to the number of documents of each spelling."""
    result: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (short, long), documents in counts.items():
        short_singular = singular(short)
        spelling = long if short_singular == short else _with_singular_end(long)
        result[short_singular][meaning_key(long)][spelling] += documents

    return result


def _commonest(spellings: Mapping[str, int]) -> str:
    """Return the spelling of most documents; among equals, the one in lower case.

    A capital is mostly that of a sentence.
    """

    def order(long: str) -> tuple[int, str, str]:
        return -spellings[long], long.casefold(), long.swapcase()

    return min(spellings, key=order)


def _with_singular_end(long: str) -> str:
    head, space, last_word = long.rpartition(" ")
    return f"{head}{space}{_singular_word(last_word)}"


def _singular_word(word: str) -> str:
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "'s")):
        return word[:-2]

    return word[:-1]


def _bracket_text(match: re.Match[str]) -> str:
    """Return what the bracket holds, up to a comma or semicolon."""
    inside = match[match.lastindex or 1]
    return re.split(r"[,;]\s", inside.strip())[0]


def _long_form_before(text: str, match: re.Match[str]) -> Definition | None:
    """Return the definition of the form "electrocardiogram (ECG)", or None."""
    inside = _bracket_text(match).strip(_QUOTES)

    # The long form lies in the clause before the bracket.
    window_start = max(0, match.start() - _WINDOW_CHARACTERS)
    window = text[window_start : match.start()].rstrip()
    clause_end = _LAST_CLAUSE_END.match(window)
    clause_start = clause_end.end() if clause_end else 0

    for short, start, end in _candidates(inside, window, clause_start):
        offset = _match_start(singular(short), window[start:end])
        if offset is not None and _is_sound(short, window[start + offset : end]):
            long = " ".join(window[start + offset : end].split())
            return Definition(
                short=short,
                long=long,
                start=window_start + start + offset,
                end=match.end(),
            )

    return None


def _candidates(
    inside: str,
    window: str,
    clause_start: int,
) -> Iterator[_Candidate]:
    """Yield the short forms that a bracket may hold, best first."""
    words = inside.split()
    if len(words) == 1:
        # "ECG/EKG" may also stand for its first part.
        for short in dict.fromkeys((inside, inside.split("/")[0])):
            if is_short_form(short):
                end = len(window)
                start = _last_words_start(window, clause_start, end=end, short=short)
                yield _Candidate(short, start, end)
    elif len(words) == 2:
        first, last = words
        # "Systems Manager document (SSM document)"
        if is_short_form(first) and window.endswith(f" {last}"):
            end = len(window) - len(last) - 1
            start = _last_words_start(window, clause_start, end=end, short=first)
            yield _Candidate(first, start, end)

        # "Amazon Virtual Private Clouds (Amazon VPCs)"
        shared = window.rfind(f"{first} ", clause_start)
        if is_short_form(last) and first[0].isupper() and shared >= 0:
            yield _Candidate(last, shared + len(first) + 1, len(window))


def _short_form_before(text: str, match: re.Match[str]) -> Definition | None:
    """Return the definition of the form "ECG (electrocardiogram)", or None."""
    inside = _bracket_text(match).strip()
    # The short form is the last word before the bracket.
    window_start = max(0, match.start() - _SHORT_WINDOW_CHARACTERS)
    words = text[window_start : match.start()].split(" ")
    short = words[-2].strip(_OPENING_SIGNS) if len(words) > 1 else ""
    letters = singular(short)

    # The bracket must hold a single clause, longer than the short form.
    if len(inside) <= len(short) or not is_short_form(short):
        return None
    if _CLAUSE_END.search(inside):
        return None
    if len(_WORD.findall(inside)) > 2 * len(letters):
        return None

    # The bracket must begin with the long form, and with the first letter of the short form.
    if inside[0].casefold() != short[0].casefold():
        return None
    if _match_start(letters, inside) != 0:
        return None
    if not _is_sound(short, inside):
        return None

    start = text.rfind(short, 0, match.start())

    long = " ".join(inside.split())
    return Definition(short=short, long=long, start=start, end=match.end())


def _last_words_start(
    window: str,
    start: int,
    end: int,
    short: str,
) -> int:
    """Return the start of the last min(n + 5, 2 n) words; n is the length of `short`."""
    word_starts = [word.start() for word in re.finditer(r"\S+", window[start:end])]
    most_words = min(len(short) + 5, 2 * len(short))
    if len(word_starts) <= most_words:
        return start

    return start + word_starts[-most_words]


def _match_start(short: str, window: str) -> int | None:
    """Return the start of the shortest end of `window` with the letters of `short`, or None.

    The first letter must begin a word. Digits that are missing may be left out if there are two
    letters.
    """
    folded = window.casefold()
    signs = [sign for sign in short.casefold() if sign.isalnum()]
    letters = [sign for sign in short.casefold() if sign.isalpha()]

    start = _match_signs(signs, folded)
    has_digits = any(sign.isdigit() for sign in short)
    if start is None and has_digits and len(letters) >= 2:
        start = _match_signs(letters, folded)

    return start


def _match_signs(signs: list[str], window: str) -> int | None:
    """Match `signs` from the last to the first, each as far to the right as possible."""
    position = len(window)
    for index in range(len(signs) - 1, -1, -1):
        position = window.rfind(signs[index], 0, position)
        # The first sign must begin a word.
        while index == 0 and position > 0 and window[position - 1].isalnum():
            position = window.rfind(signs[index], 0, position)

        if position < 0:
            return None

    return position


def _is_sound(short: str, long: str) -> bool:
    """Return True if a match is more than chance."""
    words = _WORD.findall(long.casefold())
    letters = [sign for sign in singular(short).casefold() if sign.isalnum()]
    if not words or len(letters) < 2:
        return False

    # A long form does not begin with a stopword, and holds no code.
    without_lead = list(dropwhile(lambda word: word in _STOPWORDS, words))
    if len(without_lead) < len(words) or _CODE_SIGNS.search(long):
        return False

    # It is longer than the short form, does not hold it, and has about a word for each letter.
    if len(long) <= len(short):
        return False
    if short.casefold() in long.casefold().split():
        return False

    content_words = [word for word in words if word not in _STOPWORDS]
    if len(content_words) > len(letters) + 2:
        return False

    # Two letters match almost anywhere. If there are several words, they must be initials.
    if len(letters) > 2 or len(words) == 1:
        return True

    return letters[1] in (word[0] for word in words[1:])
