"""Names for regions of the map: the words that tell the documents of a region from all others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from stages.explore.layout import Integers, Positions

# Regions have at least this many documents on average, and there are at most so many of them.
_DOCUMENTS_OF_REGION = 40
_MOST_REGIONS = 30
_ROUNDS = 25

# A name has up to two words. Each stands in this share of the region's documents at least. That
# share is so many times that of all documents, of which most lack the word. A word that stands in
# many whole texts tells nothing: "with" is rare in titles, and is no name.
_WORDS = 2
_LEAST_SHARE = 0.12
_LEAST_LIFT = 3.0
_LARGEST_SHARE_OF_ALL = 0.05
_LARGEST_SHARE_OF_TEXTS = 0.1

_WORD = re.compile(r"[^\W\d_]{3,}")


class Region(NamedTuple):
    """A region of the map: where its name stands, the name, and the number of its documents."""

    x: float
    y: float
    name: str
    size: int


def regions(positions: Positions, titles: Sequence[str], texts: Sequence[str]) -> list[Region]:
    """Return the regions of the map, the largest first; none where there are few documents.

    Regions are clusters of positions (k-means, Lloyd 1982). Their words are those with the largest
    product of the share in the region and the logarithm of that share over the share in all
    documents (after c-TF-IDF, Grootendorst 2022).

    Args:
        positions: shape (n, 2).
        titles: the title of each document, whose words make the names.
        texts: the whole text of each document.
    """
    count = min(_MOST_REGIONS, len(positions) // _DOCUMENTS_OF_REGION)
    if count < 2:
        return []

    region_of_document = _clusters(positions, count)
    words_of_document = [_words(title) for title in titles]
    documents_with_word = Counter(chain.from_iterable(words_of_document))
    general = _general_words(texts)

    named: list[Region] = []
    for region in range(count):
        members = np.flatnonzero(region_of_document == region)
        if not len(members):
            continue

        inside = Counter(chain.from_iterable(words_of_document[member] for member in members))
        for word in general & inside.keys():
            del inside[word]
        name = _name(inside, documents_with_word, len(members), len(titles))
        if name:
            centre = np.median(positions[members], axis=0).round(2)
            named.append(Region(float(centre[0]), float(centre[1]), name, len(members)))

    return sorted(named, key=lambda region: (-region.size, region.name))


def _words(text: str) -> list[str]:
    """Return the words of a text, each once."""
    return sorted(set(_WORD.findall(text.lower())))


def _general_words(texts: Sequence[str]) -> set[str]:
    counts = Counter(chain.from_iterable(map(_words, texts)))
    limit = _LARGEST_SHARE_OF_TEXTS * len(texts)
    return {word for word, count in counts.items() if count > limit}


def _clusters(positions: Positions, count: int) -> Integers:
    """Return the cluster of each position, shape (n,)."""
    # Centres begin at the first documents, whose ids are hashes. So they lie as dense as all do.
    centres = [positions[number] for number in range(count)]
    clusters = np.zeros(len(positions), dtype=np.int64)
    for _ in range(_ROUNDS):
        table = np.stack([_squares(positions, centre) for centre in centres], axis=1)
        clusters = table.argmin(axis=1)
        sizes = np.bincount(clusters, minlength=count)
        for number in range(count):
            if sizes[number]:
                members = positions[clusters == number]
                centres[number] = members.mean(axis=0).round(5)

    return clusters


def _squares(positions: Positions, centre: Positions) -> Positions:
    differences = positions - centre
    squares: Positions = (differences * differences).sum(axis=1)
    return squares


def _name(inside: Counter[str], everywhere: Counter[str], members: int, documents: int) -> str:
    """Return the telling words of a region; "" where no word tells it from the others."""
    scores: dict[str, float] = {}
    for word, number in inside.items():
        share = number / members
        share_of_all = everywhere[word] / documents
        lift = share / share_of_all
        is_frequent = share_of_all > _LARGEST_SHARE_OF_ALL
        if share >= _LEAST_SHARE and lift >= _LEAST_LIFT and not is_frequent:
            scores[word] = share * float(np.log(lift))

    ranked = sorted(scores, key=lambda word: (-round(scores[word], 6), word))
    return " ".join(ranked[:_WORDS])
