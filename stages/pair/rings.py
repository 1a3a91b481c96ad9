"""Recipes over several texts that mean the same: documents of one topic, names of one document.

They form a ring in the order of a hash, so that each is asked once and found once: all pairs would be a square of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from stages.lib.text import hash_hex, normal_form
from stages.pair.proposals import Made
from stages.pair.render import Source


def same_label(found: Sequence[Source]) -> Iterator[Made]:
    """Yield a pair per document that shares its topic with others: its first passage should find another one.

    The documents of a topic form a ring in the order of a hash of their ids, so that each is asked and found once.
    """
    for _, ring in sorted(_by_topic(found).items()):
        for source, other in pairwise([*ring, ring[0]]) if len(ring) > 1 else ():
            start, end = source.passages[0]
            pair_id = "p" + hash_hex("pair.same_label", source.doc_id)
            yield Made(
                "same_label", pair_id, source.text[start:end].strip(), other.doc_id, source.doc_id
            )


def _by_topic(found: Sequence[Source]) -> dict[str, list[Source]]:
    topics: dict[str, list[Source]] = {}
    for source in sorted(found, key=lambda one: (hash_hex("same_label", one.doc_id), one.doc_id)):
        if source.topic and source.passages:
            topics.setdefault(source.topic, []).append(source)
    return topics


def synonyms(
    found: Sequence[Source], asked: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[Made]:
    """Yield pairs of what stands for the same document: one name should find another.

    `asked` gives the pairs (id, anchor) of each document. Names are the anchors and the title, each normal form once;
    they form a ring in the order of a hash, so that each is asked once and found once (two names: one pair).
    """
    for source in found:
        names = {normal_form(source.title): (source.doc_id, source.title)}
        for pair_id, anchor in sorted(asked.get(source.doc_id, ())):
            names.setdefault(normal_form(anchor), (pair_id, anchor))
        ring = [
            names[form]
            for form in sorted(names, key=lambda form: (hash_hex("synonyms", form), form))
            if form
        ]
        for (_, name), (origin_id, other) in pairwise([*ring, ring[0]] if len(ring) > 2 else ring):
            pair_id = "p" + hash_hex("pair.synonyms", source.doc_id, normal_form(name))
            yield Made("synonyms", pair_id, name, source.doc_id, origin_id, other)
