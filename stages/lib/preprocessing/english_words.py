"""English words: lists of well-kept packages, and how often each word occurs on the web.

    symspellpy       frequent words (SCOWL), with their counts on the web
    lemminflect      SPECIALIST lexicon of the NIH: inflected words, American and British
    english-words    Webster's Second International: rare words of all domains
    wordsegment      counts of 333,000 strings of the web; it holds names and errors too, and so
                     it says how common a string is, not that it is a word

The files are read by themselves: importing the packages takes longer than reading their lists.
"""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class WordLists(NamedTuple):
    """What the lists know about lower-cased words.

    Attributes:
        known: words that some list knows, names among them.
        common: words that are no names, with their counts on the web: what a typo may stand for.
    """

    known: frozenset[str]
    common: Mapping[str, int]


@lru_cache(maxsize=1)
def english() -> Mapping[str, int]:
    """Return frequent English words: lower-cased word to its count on the web."""
    text = _data_file("symspellpy", "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    lines = (line.split() for line in text.splitlines())

    return {word: int(count) for word, count in lines}


@lru_cache(maxsize=1)
def web_counts() -> Mapping[str, int]:
    """Return the strings that are frequent on the web: lower-cased string to its count."""
    text = _data_file("wordsegment", "unigrams.txt").read_text("utf-8")
    lines = (line.split("\t") for line in text.splitlines())

    return {word: int(count) for word, count in lines}


@lru_cache(maxsize=1)
def word_lists() -> WordLists:
    """Return the words of all lists, and the counts of those that are no names."""
    cased = _specialist_words() | _webster_words()
    uncased = english().keys()

    # A word that the cased lists write with a capital only is a name.
    lower = {word for word in cased if word.islower()}
    names = {word.lower() for word in cased} - lower

    counts = web_counts()
    plain = (lower | uncased) - names
    common = {word: counts[word] for word in plain if word in counts}

    return WordLists(frozenset(lower | names | uncased), common)


@lru_cache(maxsize=1)
def base_forms() -> Mapping[str, frozenset[str]]:
    """Return the base forms of inflected words, in lower case: "held" to "hold"."""
    forms: dict[str, frozenset[str]] = {}
    for line in _unzipped("lemminflect", "resources/lemma_lu.csv.gz").splitlines():
        inflected, _, listed = line.lower().split(",")
        forms[inflected] = forms.get(inflected, frozenset()) | frozenset(listed.split("/"))

    return forms


def _specialist_words() -> set[str]:
    """Return the base forms and inflections of the SPECIALIST lexicon, in their case."""
    words: set[str] = set()
    for line in _unzipped("lemminflect", "resources/lemma_lu.csv.gz").splitlines():
        inflected, _, base_forms = line.split(",")
        words.add(inflected)
        words.update(base_forms.split("/"))

    return words


def _webster_words() -> set[str]:
    """Return the headwords of Webster's Second International, in their case."""
    # The file is a part of an installed package, as its code is.
    content = _data_file("english_words", "data/web2.pickle").read_bytes()
    words: set[str] = pickle.loads(content)

    return words


def _unzipped(package: str, name: str) -> str:
    return gzip.decompress(_data_file(package, name).read_bytes()).decode("utf-8")


def _data_file(package: str, name: str) -> Path:
    """Return the path of a data file in an installed package, without importing the package."""
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations, f"{package} is not installed"

    return Path(spec.submodule_search_locations[0], name)
