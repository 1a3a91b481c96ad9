"""Abbreviations and spelling, as a corpus and the glossary of the project teach them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.clean.abbreviations.dictionary import build_dictionary
from stages.clean.abbreviations.expansion import Entries
from stages.clean.abbreviations.meanings import NO_MEANINGS, Meanings, chosen_meanings
from stages.clean.interface import CleanParams
from stages.clean.judged_rules import (
    ABBREVIATION,
    NO_VERDICTS,
    TYPO,
    RuleVerdicts,
    WrongRule,
    is_wrong,
    read_rule_verdicts,
)
from stages.clean.rules import QueryCleaner
from stages.clean.spelling.source_language import are_english, english_sources
from stages.clean.spelling.speller import Speller, correct_vocabulary
from stages.lib.core import tables
from stages.lib.preprocessing.word_lists import Abbreviations, read_abbreviations
from stages.lib.schemas.corpus_counts import CorpusCounts

# Short forms in more than this share of the documents are not written out, from this
# number of documents on (docs/decisions/0024-abbreviations.md).
FREQUENT_SHARE = 0.02
FREQUENT_DOCUMENTS = 25

# A capital inside a sentence of a single text may be a heading.
LEAST_TEXTS_WITH_NAME = 2


class CorpusModel(NamedTuple):
    """What was learned about abbreviations and spelling.

    Attributes:
        entries: short forms of the word list with one meaning, and those that people chose a
            meaning for, with their long forms.
        defined_entries: short forms that only the corpus defines, and their long forms.
        ambiguous: short forms with several meanings, of which nobody chose any for all texts.
        frequent: short forms that stand in so many documents that they are not written out, and
            the share of these (0 to 1).
        corrections: lower-cased word to its correction; empty if typos stay.
        word_counts: lower-cased word to the number of texts with it; empty if typos stay.
        terms: lower-cased words of abbreviations and names, which are never corrected.
        wrong: the rules that would be among these, and that a person judged wrong.
        meanings: what people said ambiguous short forms mean.
    """

    entries: Entries = ()
    defined_entries: Entries = ()
    ambiguous: Mapping[str, list[str]] = {}
    frequent: Mapping[str, float] = {}
    corrections: Mapping[str, str] = {}
    word_counts: Mapping[str, int] = {}
    terms: frozenset[str] = frozenset()
    wrong: frozenset[WrongRule] = frozenset()
    meanings: Meanings = NO_MEANINGS


def learn_corpus(
    counts: pd.DataFrame,
    glossary: Abbreviations,
    params: CleanParams,
    verdicts: RuleVerdicts = NO_VERDICTS,
) -> CorpusModel:
    """Return the model that `counts` (CorpusCounts, in any order) and the glossary teach.

    Args:
        counts: CorpusCounts, in any order.
        glossary: the abbreviations of the project.
        params: the section `clean`.
        verdicts: what people decided about rules.
    """
    abbreviations = build_dictionary(
        _definitions(counts), glossary, params.abbreviation_min_documents
    )

    # Words of abbreviations are no typos, and neither are names.
    terms = _terms(abbreviations)
    word_counts: dict[str, int] = {}
    corrections: dict[str, str] = {}
    if params.typos == "correct":
        word_counts = _count_english_words(counts)
        terms |= _names(counts)
        corrections = correct_vocabulary(word_counts, terms)

    # A form of the whole domain tells no documents apart: written out, it makes all alike.
    frequent = _frequent(counts, abbreviations)
    usable = sorted(item for item in abbreviations.known.items() if item[0] not in frequent)

    # What a person judged wrong is not applied.
    refused = {
        *_wrong_rules(TYPO, corrections.items(), verdicts.wrong),
        *_wrong_rules(ABBREVIATION, usable, verdicts.wrong),
    }
    rules = [item for item in usable if WrongRule(ABBREVIATION, *item) not in refused]

    # What a person chose for all texts is like a line of the word list.
    meanings = chosen_meanings(abbreviations, verdicts)
    listed = [item for item in rules if item[0] in glossary.known]
    chosen_shorts = {short for short, _ in meanings.in_all}

    return CorpusModel(
        entries=tuple(sorted((*listed, *meanings.in_all))),
        defined_entries=tuple(item for item in rules if item[0] not in glossary.known),
        ambiguous={
            short: longs
            for short, longs in abbreviations.ambiguous.items()
            if short not in chosen_shorts
        },
        frequent=frequent,
        corrections=dict(
            item for item in corrections.items() if WrongRule(TYPO, *item) not in refused
        ),
        word_counts=word_counts,
        terms=terms,
        wrong=frozenset(refused),
        meanings=meanings,
    )


def query_cleaner(
    counts_file: Path,
    glossary: Path,
    params: CleanParams,
    reviews: Path,
) -> QueryCleaner:
    """Return the cleaner of queries that belongs to a run, for a server with queries of its users.

    What the run learned also decides about words that the run did not see.

    Args:
        counts_file: CorpusCounts of the run.
        glossary: the folder of the word lists.
        params: the section `clean`.
        reviews: the file of verdicts on rules of cleaning.
    """
    verdicts = read_rule_verdicts(reviews)
    abbreviations = read_abbreviations(glossary / "abbreviations.csv")
    counts = tables.read(counts_file, CorpusCounts)
    corpus_model = learn_corpus(counts, abbreviations, params, verdicts)

    # The vocabulary of the corrected corpus.
    word_counts = dict(corpus_model.word_counts)
    for word, correction in corpus_model.corrections.items():
        word_counts[correction] = word_counts.get(correction, 0) + word_counts.pop(word, 0)

    speller = Speller(word_counts, corpus_model.terms)

    def correct(word: str) -> str | None:
        right = corpus_model.corrections.get(word) or speller.correct(word)
        return None if right and is_wrong(TYPO, word, right, verdicts.wrong) else right

    return QueryCleaner(
        params=params,
        entries=corpus_model.entries,
        correct=correct if params.typos == "correct" else None,
        english_sources=english_sources(counts, "anchor_language"),
        is_english=are_english(counts, "anchor_language"),
    )


def _definitions(counts: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return short and long form to the number of documents that define it so."""
    rows = counts[counts["kind"] == "definition"]
    count_by_definition: dict[tuple[str, str], int] = {}
    for item, documents in zip(rows["item"], rows["document_frequency"], strict=True):
        # Definitions are counted as "short<tab>long".
        short, long = item.split("\t")
        count_by_definition[short, long] = documents

    return count_by_definition


def _wrong_rules(
    edit: str, rules: Iterable[tuple[str, str]], wrong: Collection[str]
) -> list[WrongRule]:
    """Return those of `rules` that a person judged wrong."""
    return [
        WrongRule(edit, before, after)
        for before, after in rules
        if is_wrong(edit, before, after, wrong)
    ]


def _frequent(counts: pd.DataFrame, abbreviations: Abbreviations) -> dict[str, float]:
    """Return the short forms that stand in much of the corpus, with the share of documents."""
    rows = counts[counts["kind"] == "mention"]
    documents = dict(zip(rows["item"], rows["document_frequency"], strict=True))
    total = documents.pop("", 0)

    frequent: dict[str, float] = {}
    for short in sorted(abbreviations.known):
        count = documents.get(short, 0)
        if count >= FREQUENT_DOCUMENTS and count > FREQUENT_SHARE * total:
            frequent[short] = count / total

    return frequent


def _count_english_words(counts: pd.DataFrame) -> dict[str, int]:
    """Return the number of English texts with each word; short texts are what their source is."""
    is_taught = counts["kind"] == "word"
    for kind in ("document", "anchor"):
        is_english = counts["source"].isin(english_sources(counts, f"{kind}_language"))
        is_taught |= (counts["kind"] == f"short_{kind}_word") & is_english

    summed = counts[is_taught].groupby("item")["document_frequency"].sum()

    return {str(word): int(count) for word, count in summed.items()}


def _names(counts: pd.DataFrame) -> frozenset[str]:
    """Return the lower-cased words that several texts write with a capital inside sentences."""
    is_name = (counts["kind"] == "name") & (counts["document_frequency"] >= LEAST_TEXTS_WITH_NAME)

    return frozenset(counts.loc[is_name, "item"])


def _terms(abbreviations: Abbreviations) -> frozenset[str]:
    """Return the lower-cased words of all short and long forms."""
    texts = [*abbreviations.known, *abbreviations.known.values(), *abbreviations.ambiguous]
    for longs in abbreviations.ambiguous.values():
        texts += longs

    terms: set[str] = set()
    for text in texts:
        terms.update(text.lower().split())

    return frozenset(terms)
