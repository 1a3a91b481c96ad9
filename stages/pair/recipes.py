"""The recipes by name. Each pairs a document with a part of itself, or with its like.

No recipe invents a positive. A text that becomes an anchor is removed from the text to train on,
or the task would be to find a string (inverse cloze task: Lee, Chang and Toutanova 2019, arXiv
1906.00300).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.language import split_sentences
from stages.lib.text.normal_form import normal_form, words
from stages.pair.candidates import MIN_WORDS, PairCandidate, candidate
from stages.pair.render import SourceDocument, Span, remove_spans
from stages.pair.sections import heading, question


class _Name(NamedTuple):
    """A name of a document: the document or pair that it comes from, and its text."""

    origin_id: str
    text: str


def propose_candidates(
    recipes: Sequence[str],
    sources: Sequence[SourceDocument],
    *,
    collected_text: Mapping[str, str],
    given_anchors: Mapping[str, Sequence[tuple[str, str]]],
) -> Iterator[PairCandidate]:
    """Yield the pairs that `recipes` make of the documents.

    Args:
        recipes: names of recipes. `given` and `generated` are not made here.
        sources: the documents.
        collected_text: the text of each document as it was collected, by document id.
        given_anchors: the given pairs of each document as (pair id, anchor), by document id.
    """
    # Recipes that need one document at a time. A title alone has no part to pair it with.
    with_text = [source for source in sources if source.text]
    for source in with_text:
        for recipe in recipes:
            if recipe in SINGLE_DOCUMENT_RECIPES:
                yield from SINGLE_DOCUMENT_RECIPES[recipe](source)

        if "heading" in recipes:
            yield from heading(source, collected_text[source.doc_id])

    # Recipes over several texts that mean the same.
    if "same_label" in recipes:
        yield from same_label(with_text)
    if "synonyms" in recipes:
        yield from synonyms(sources, given_anchors)


def title(source: SourceDocument) -> Iterator[PairCandidate]:
    """Yield the pair of a titled document: its title finds it."""
    if normal_form(source.title):
        yield candidate("title", source, (), anchor=source.title)


def first_sentence(source: SourceDocument) -> Iterator[PairCandidate]:
    """Yield a pair for each passage: its first sentence finds the rest of it.

    Sentences of fewer than `MIN_WORDS` words are skipped.
    """
    for index, passage in enumerate(source.passages):
        sentence = _first_full_sentence(source.text, passage)
        if sentence is None:
            continue

        rest = remove_spans(source.text, passage, [sentence])
        if len(words(rest)) >= MIN_WORDS:
            yield candidate(
                "first_sentence",
                source,
                (str(index),),
                anchor=sentence.of(source.text).strip(),
                positive=rest,
                anchor_span=sentence,
            )


def neighbours(source: SourceDocument) -> Iterator[PairCandidate]:
    """Yield a pair for each passage that has a next one: it finds the next one.

    The text that both passages hold is removed from the positive.
    """
    for index, (passage, next_passage) in enumerate(pairwise(source.passages)):
        rest = Span(passage.end, next_passage.end).of(source.text).strip()
        if len(words(rest)) >= MIN_WORDS:
            anchor = passage.of(source.text).strip()
            yield candidate("neighbours", source, (str(index),), anchor=anchor, positive=rest)


SINGLE_DOCUMENT_RECIPES: Mapping[str, Callable[[SourceDocument], Iterator[PairCandidate]]] = {
    "title": title,
    "question": question,
    "first_sentence": first_sentence,
    "neighbours": neighbours,
}


def same_label(sources: Sequence[SourceDocument]) -> Iterator[PairCandidate]:
    """Yield a pair for each document that shares its topic: it finds another document.

    The anchor is its first passage.

    The documents of a topic form a ring in the order of a hash of their ids. Each is an anchor
    once and a positive once; the pairs of all with all would grow with the square of their
    number.
    """
    for _, documents in sorted(_documents_by_topic(sources).items()):
        if len(documents) < 2:
            continue

        for source, next_source in pairwise([*documents, documents[0]]):
            yield PairCandidate(
                "same_label",
                pair_id="p" + hash_hex("pair.same_label", source.doc_id),
                anchor=source.passages[0].of(source.text).strip(),
                doc_id=next_source.doc_id,
                origin_id=source.doc_id,
            )


def synonyms(
    sources: Sequence[SourceDocument],
    given_anchors: Mapping[str, Sequence[tuple[str, str]]],
) -> Iterator[PairCandidate]:
    """Yield pairs of names of the same document: one name finds another.

    Names are the title and the given anchors, each normal form once. They form a ring in the
    order of a hash, so that each is an anchor once and a positive once. Two names give one pair.

    Args:
        sources: the documents.
        given_anchors: the given pairs of each document as (pair id, anchor), by document id.
    """
    for source in sources:
        names = _ordered_names(source, given_anchors.get(source.doc_id, ()))
        ring = [*names, names[0]] if len(names) > 2 else names
        for name, next_name in pairwise(ring):
            yield PairCandidate(
                "synonyms",
                pair_id="p" + hash_hex("pair.synonyms", source.doc_id, normal_form(name.text)),
                anchor=name.text,
                doc_id=source.doc_id,
                origin_id=next_name.origin_id,
                positive=next_name.text,
            )


def _first_full_sentence(text: str, passage: Span) -> Span | None:
    """Return the span of the first sentence of a passage that has enough words."""
    start = passage.start
    for sentence in split_sentences(passage.of(text)):
        if len(words(sentence.strip())) >= MIN_WORDS:
            return Span(start, start + len(sentence))

        start += len(sentence)

    return None


def _documents_by_topic(
    sources: Sequence[SourceDocument],
) -> dict[str, list[SourceDocument]]:
    """Return the documents of each topic, in the order of a hash of their ids."""
    documents_of_topic: dict[str, list[SourceDocument]] = {}

    # The order does not depend on the order of the documents.
    by_hash = sorted(
        sources,
        key=lambda source: (hash_hex("same_label", source.doc_id), source.doc_id),
    )

    for source in by_hash:
        if source.topic and source.passages:
            documents_of_topic.setdefault(source.topic, []).append(source)

    return documents_of_topic


def _ordered_names(source: SourceDocument, given: Sequence[tuple[str, str]]) -> list[_Name]:
    """Return the names of a document, each normal form once, in the order of a hash."""
    # The title comes before anchors of the same normal form.
    name_of_form = {normal_form(source.title): _Name(source.doc_id, source.title)}
    for pair_id, anchor in sorted(given):
        name_of_form.setdefault(normal_form(anchor), _Name(pair_id, anchor))

    # An empty form is no name.
    forms = sorted(name_of_form, key=lambda form: (hash_hex("synonyms", form), form))

    return [name_of_form[form] for form in forms if form]
