"""The settings that suit the size and the kind of the data."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from stages.collect.id_set import IdSet
from stages.collect.records import DocumentRow, PairRow, SourceRows
from stages.commands.init.column_facts import word_count
from stages.commands.init.label_settings import label_settings, labels_of
from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.language import detect_language, split_sentences
from stages.lib.text.normal_form import normal_form

# A held-out share gives at least so many components where the data can; the shares are steps.
_COMPONENTS = 200
_SHARES = (0.1, 0.15, 0.2)
# Texts that are looked at for headings, questions and sentences.
_TEXTS = 500
_TEXTS_OF_LANGUAGE = 100
_COMMON = 0.3
# A share of another language that a reader should know of. Short texts are told wrong at times.
_FOREIGN = 0.15
# Longest utterance, in words: what a person types at once, in one sentence or two.
_UTTERANCE_WORDS = 20
# Fewer labels cannot be divided into three splits.
_LEAST_LABELS = 10
_HEADING = re.compile(r"^(#{1,6} \S|<h[1-6][ >])", re.MULTILINE | re.IGNORECASE)
_ASKING = re.compile(
    r"^\s{0,100}(Q:|Question:|[^\n]{5,150}[?\uff1f\u061f][^\S\n]*+\n)",
    re.IGNORECASE,
)


class Sizes(NamedTuple):
    """How large the data are.

    Attributes:
        records: rows of the files.
        documents: documents.
        pairs: pairs of the sources.
        answers: those of them whose document is an answer.
        components: about how many connected components there are at most.
        characters: characters of all documents.
    """

    records: int
    documents: int
    pairs: int
    answers: int
    components: int
    characters: int

    @property
    def sentence(self) -> str:
        """The sizes in words."""
        counted = f"{self.records:,} records: {self.documents:,} documents and {self.pairs:,} pairs"
        others = self.pairs - self.answers
        said = f"{others:,} of them say that a document is no answer: hard negatives"
        return f"{counted}; {said}" if others else counted


class DistinctValues:
    """Counts different texts, in 8 bytes each.

    >>> values = DistinctValues()
    >>> for value in ("a", "b", "a"):
    ...     values.add(value)
    >>> values.count()
    2
    """

    def __init__(self) -> None:
        self._hashes = array("Q")

    def add(self, value: str) -> None:
        """Add a value."""
        self._hashes.append(int(hash_hex(value), 16))

    def count(self) -> int:
        """Return how many different values were added."""
        return len(np.unique(np.frombuffer(self._hashes, dtype=np.uint64)))


def measure(rows_of_source: Sequence[SourceRows], positive_from: float) -> Sizes:
    """Return the sizes of all sources together.

    A pair is an answer from the score `positive_from` on.

    Documents with equal texts or of one group are one component, and so are those of one anchor.
    More may be tied later on: the number of components is an upper bound.
    """
    units = DistinctValues()
    answered = DistinctValues()
    anchors = DistinctValues()
    characters = 0
    answers = 0
    for rows in rows_of_source:
        for document in map(DocumentRow._make, rows.documents):
            characters += len(document.text)
            units.add(document.group or normal_form(document.text))
        for pair in map(PairRow._make, rows.pairs):
            if pair.score >= positive_from:
                answers += 1
                answered.add(pair.doc_id)
                anchors.add(pair.anchor)

    pairs = sum(len(rows.pairs) for rows in rows_of_source)
    components = units.count()
    if answers:
        components = min(components, answered.count(), anchors.count())
    return Sizes(
        records=sum(rows.records_read for rows in rows_of_source),
        documents=sum(len(rows.documents) for rows in rows_of_source),
        pairs=pairs,
        answers=answers,
        components=components,
        characters=characters,
    )


def first_documents(sources: Iterable[SourceRows]) -> list[DocumentRow]:
    """Return some documents of each source: those whose ids come first, as good as by chance."""
    documents: list[DocumentRow] = []
    for source in sources:
        documents += map(DocumentRow._make, islice(source.documents, _TEXTS))

    return sorted(documents)


def settings_for(
    rows_of_source: Mapping[str, SourceRows], sizes: Sizes
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of params.yaml that suit the data by dotted key, and sentences on them."""
    documents = first_documents(rows_of_source.values())
    recipes, sentences = _recipe_settings(documents, rows_of_source, sizes)

    # Of labels the number of labels counts, since each is in one split as a whole.
    components = sizes.components
    label_values: dict[str, Any] = {}
    has_divided_labels = False
    if recipes == ["same_label"]:
        labels = labels_of(rows_of_source.values())
        label_values, label_sentences = label_settings(labels)
        sentences += label_sentences
        components = labels.different
        has_divided_labels = labels.divided > 0
    share = held_out_share(components)
    values: dict[str, Any] = {
        "collect.out_of_domain": None,
        "deduplicate.authoritative": [],
        "pair.recipes": recipes,
        "split.train": round(1 - 2 * share, 2),
        "split.validation": share,
        "split.max_train_pairs": None,
        **label_values,
    }

    sentences += _language_sentence(documents)
    held_out = int(components * share)
    if held_out < MIN_COMPONENTS and not has_divided_labels:
        missing = "labels" if recipes == ["same_label"] else "data"
        sentences.append(
            f"Validation and test have about {held_out} components each. Under {MIN_COMPONENTS} "
            f"there are means without intervals, and no verdict: more {missing} will help most."
        )
    return values, sentences


def _recipe_settings(
    documents: Sequence[DocumentRow], rows_of_source: Mapping[str, SourceRows], sizes: Sizes
) -> tuple[list[str], list[str]]:
    """Return the recipes that the data need, and sentences on them.

    Documents without questions need recipes, and so does a set that gives none to train on.
    """
    unasked = _unasked_documents(sizes, rows_of_source)
    if not sizes.pairs or unasked:
        made = recipes_for(unasked or documents)
        sentences: list[str] = []
        questions = f"only {sizes.pairs:,}" if unasked else "no"
        sentences.append(
            f"There are {questions} questions, so pairs are made of the documents: "
            f"{', '.join(made)}. A gain on made questions says little about real "
            "ones: add real questions as soon as you have some."
        )
        if not _have_rests(documents) and made == ["first_sentence"]:
            sentences.append(
                "Most documents are single sentences without a title, of which no recipe makes a "
                "pair. Questions, titles or labels (columns.anchor, title, topic) are needed."
            )
        return (["given", *made] if unasked else made), sentences

    if _has_training_pairs(list(rows_of_source.values())):
        return ["given"], []
    made = recipes_for(documents)
    return ["given", *made], [
        "All questions belong to validation or test, so training pairs are made of the "
        f"documents: {', '.join(made)}."
    ]


def _has_training_pairs(rows_of_sources: Sequence[SourceRows]) -> bool:
    """Return whether some pair that counts as a positive is not held out by its source."""
    for rows in rows_of_sources:
        held_out = IdSet(row[0] for row in rows.given_splits if row[1] != "train")
        irrelevant = IdSet(row[0] for row in rows.grades if row[2] == "irrelevant")
        if any(row[0] not in held_out and row[0] not in irrelevant for row in rows.pairs):
            return True
    return False


def _unasked_documents(sizes: Sizes, rows_of_source: Mapping[str, SourceRows]) -> list[DocumentRow]:
    """Return documents to which no pair leads, if questions are too few for a verdict; else none.

    Most documents have no question then. A set with a split or grades of its own is asked as it is.
    """
    is_judged = any(len(rows.given_splits) or len(rows.grades) for rows in rows_of_source.values())
    has_enough = int(sizes.components * _SHARES[-1]) >= MIN_COMPONENTS
    if not sizes.pairs or is_judged or has_enough:
        return []

    every_source = rows_of_source.values()
    answered = IdSet(pair[2] for rows in every_source for pair in rows.pairs)
    answered_count = sum(row[0] in answered for rows in every_source for row in rows.documents)
    if 2 * (sizes.documents - answered_count) <= sizes.documents:
        return []

    documents: list[DocumentRow] = []
    for rows in every_source:
        unasked = (row for row in rows.documents if row[0] not in answered)
        documents += map(DocumentRow._make, islice(unasked, _TEXTS))

    return sorted(documents)


def _language_sentence(documents: Sequence[DocumentRow]) -> list[str]:
    """Return a sentence if texts are in another language than the base model's, English."""
    languages = [detect_language(row.text) for row in documents[:_TEXTS_OF_LANGUAGE]]
    counts = Counter(language for language in languages if language)
    others = {language: count for language, count in counts.items() if language != "en"}
    if not others:
        return []

    most_frequent = min(others, key=lambda language: (-others[language], language))
    share = others[most_frequent] / counts.total()
    if share < _FOREIGN:
        return []
    how_many = "Most" if share > 0.5 else f"About {share:.0%} of the"
    return [
        f"{how_many} texts are in the language '{most_frequent}'. The base model of the project "
        "knows English: set model.base to a model that knows yours."
    ]


def held_out_share(components: int) -> float:
    """Return the share of validation, and of test: the smallest that holds enough components.

    >>> held_out_share(20_000), held_out_share(1_500), held_out_share(300)
    (0.1, 0.15, 0.2)
    """
    enough = [share for share in _SHARES if components * share >= _COMPONENTS]
    return enough[0] if enough else _SHARES[-1]


def recipes_for(documents: Sequence[DocumentRow]) -> list[str]:
    """Return the recipes that find something to pair in documents without questions."""
    texts = [document.text for document in documents[:_TEXTS]]
    titles = [document.title for document in documents[:_TEXTS] if document.title]
    recipes: list[str] = []
    if len(titles) >= _COMMON * len(texts):
        recipes.append("title")
    if _share(texts, _HEADING) >= _COMMON:
        recipes.append("heading")
    if _share(texts, _ASKING) >= _COMMON:
        recipes.append("question")

    # A first sentence finds the rest, if there is a rest. Short texts find others of their label.
    has_rests = _have_rests(documents)
    if not recipes and (not has_rests or _are_short(texts)) and _has_labels(documents):
        return ["same_label"]
    if has_rests or not recipes:
        recipes.append("first_sentence")
    return recipes


def _have_rests(documents: Sequence[DocumentRow]) -> bool:
    """Return whether enough documents have more than one sentence."""
    texts = [document.text for document in documents[:_TEXTS]]
    several = [text for text in texts if len(split_sentences(text)) > 1]
    return len(several) >= _COMMON * len(texts)


def _are_short(texts: Sequence[str]) -> bool:
    """Return whether texts are as long as what people type: "Hello. Where is my card?"."""
    return median(word_count(text) for text in texts) <= _UTTERANCE_WORDS


def _has_labels(documents: Sequence[DocumentRow]) -> bool:
    """Return whether there are labels enough to divide them: a label is in one split as a whole."""
    counts = Counter(document.topic for document in documents if document.topic)
    shared = [label for label, count in counts.items() if count > 1]
    return len(shared) >= _LEAST_LABELS and counts.total() >= _COMMON * len(documents)


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.search(text) is not None for text in texts) / len(texts)
