"""The dictionary of abbreviations: what the definitions of a corpus and the word list teach.

What a corpus teaches is knowledge about the corpus. It is written into a text only where the text
itself uses the long form (expansion.py).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from stages.clean.abbreviations.short_forms import singular
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.text.capital_names import CAPITAL_NAMES

# A line break or a blank behind a hyphen is a break of the line: "electro- cardiogram".
_BREAK = re.compile(r"(?<=\w)[-\u2010\u2011\u00ad]\s+(?=[^\W_])")
_WORD = re.compile(r"[^\W_]+(?:['\u2019]s\b)?|&")
# British spellings, by what they share with the American ones.
_BRITISH = (
    (re.compile(r"(?<=\w\w)our(?=s?$|ed|ing|al|able|ful|less|i[aestz]|y$)"), "or"),
    (re.compile(r"(?<=\w\w)is(?=e[drs]?$|ing|ation)"), "iz"),
    (re.compile(r"(?<=\w)ys(?=e[drs]?$|ing|is$)"), "yz"),
    (re.compile(r"(?<=[bcdghptv])re$"), "er"),
    (re.compile(r"ogue(?=s?$)"), "og"),
    (re.compile(r"[ao]e(?!$)"), "e"),
    (re.compile(r"(?<=\w)ll(?=ed|ing|er|or)"), "l"),
    (re.compile(r"(?<=\w)mme(?=s?$)"), "m"),
    (re.compile(r"(?<=en|fe)ce(?=s?$)"), "se"),
    (re.compile(r"sulph"), "sulf"),
    (re.compile(r"^aluminium"), "aluminum"),
    (re.compile(r"(?<=g)e(?=ing$|ment$)"), ""),
    # "analysis" and "analyses", "axis" and "axes"
    (re.compile(r"(?<=[sxz])is$|(?<=\w\w[sxzh])e$"), ""),
)


def build_dictionary(
    counts: Mapping[tuple[str, str], int],
    glossary: Abbreviations,
    minimum: int | None,
) -> Abbreviations:
    """Return the short forms with one meaning in corpus and glossary, and the ambiguous ones.

    Long forms with one `meaning_key` are one meaning. It is written as in most documents, and
    among equals as the first in the alphabet. The user's spelling always wins. A short form with
    two meanings is never expanded, even if a single document has the second one. Variants
    ("mobile ECG (mECG)") teach nothing, and neither do short forms that are common otherwise.

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
        elif short not in unambiguous and short not in ambiguous and not is_common(short):
            documents = sum(map(Counter.total, spellings_by_meaning.values()))
            if documents >= minimum:
                unambiguous[short] = next(iter(long_by_meaning.values()))

    return Abbreviations(unambiguous, dict(sorted(ambiguous.items())))


def meaning_key(long: str) -> str:
    """Return the key that the writings of one long form share.

    They differ in case, plural, quotes, brackets, hyphens, "&" for "and", and British or
    American spelling.

    >>> meaning_key("High-density lipoproteins")
    'highdensitylipoprotein'
    >>> meaning_key("tumour & oedema") == meaning_key("tumor and edemas")
    True
    """
    return "".join(meaning_words(long))


def meaning_words(text: str) -> list[str]:
    """Return the words of `meaning_key`, in order. They are keys: "labelled" is "labeled".

    >>> meaning_words("Centres of the (car and care) colour")
    ['center', 'of', 'the', 'car', 'and', 'care', 'color']
    """
    joined = _BREAK.sub("-", text).casefold()
    return [_meaning_word(word) for word in _WORD.findall(joined)]


def is_variant(short: str, long: str) -> bool:
    """Return True if a short form is another one with an addition, which the long form spells out.

    >>> is_variant("mECG", "mobile ECG"), is_variant("ECG", "electrocardiogram")
    (True, False)
    """
    for word in re.findall(r"[\w-]+", long):
        # "PI 3-kinase" has a word of its own; "mECG" is one with an addition.
        place = short.casefold().find(word.casefold())
        before = short[:place][-1:] if place >= 0 else ""
        after = short[place + len(word) :][:1] if place >= 0 else ""
        is_glued = before.isalnum() or after.isalnum()

        is_short_form = sum(letter.isupper() for letter in word) >= 2 and word in short
        if is_glued and (is_short_form or sum(map(str.isalpha, word)) > 3):
            return True

    return False


def is_common(short: str) -> bool:
    """Return True if a short form is common otherwise: a country, a unit, a brand, a word.

    >>> is_common("US"), is_common("IT"), is_common("kg"), is_common("ECG")
    (True, True, True, False)
    """
    return len(short) < 2 or short in _common_short_forms() or short in CAPITAL_NAMES


@lru_cache(maxsize=1)
def _common_short_forms() -> frozenset[str]:
    """Return the short forms of common_short_forms.txt."""
    lines = Path(__file__).with_name("common_short_forms.txt").read_text("utf-8").splitlines()
    words: set[str] = set()
    for line in lines:
        if not line.startswith("#"):
            words.update(line.split())

    return frozenset(words)


def _group_by_meaning(
    counts: Mapping[tuple[str, str], int],
) -> dict[str, dict[str, Counter[str]]]:
    """Return short form to meaning to the number of documents of each spelling."""
    result: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (short, long), documents in counts.items():
        if is_variant(short, long):
            continue

        short_singular = singular(short)
        spelling = long if short_singular == short else _with_singular_end(long)
        result[short_singular][meaning_key(long)][_one_line(spelling)] += documents

    return result


def _one_line(long: str) -> str:
    """Return a long form without quotes around it and without breaks behind hyphens."""
    return _BREAK.sub("-", long).strip("\"'\u201c\u201d\u2018\u2019")


def _commonest(spellings: Mapping[str, int]) -> str:
    """Return the spelling of most documents; among equals, the one in lower case.

    A capital is mostly that of a sentence.
    """

    def order(long: str) -> tuple[int, str, str]:
        return -spellings[long], long.casefold(), long.swapcase()

    return min(spellings, key=order)


@lru_cache(maxsize=65536)
def _meaning_word(word: str) -> str:
    """Return a word in the singular and in American spelling; "and" for "&"."""
    if word == "&":
        return "and"

    result = _singular_word(re.sub(r"['\u2019]s$", "", word))
    for british, american in _BRITISH:
        result = british.sub(american, result)

    return result


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
