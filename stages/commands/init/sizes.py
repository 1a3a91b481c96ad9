"""The settings that suit the size and the kind of the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from stages.collect.records import SourceRows
from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.preprocessing.language import detect_language, split_sentences
from stages.lib.text.normal_form import normal_form

# A held-out share gives at least so many components where the data can; the shares are steps.
_COMPONENTS = 200
_SHARES = (0.1, 0.15, 0.2)
# Texts that are looked at for headings, questions and sentences.
_TEXTS = 500
_TEXTS_OF_LANGUAGE = 100
_COMMON = 0.3
_HEADING = re.compile(r"^(#{1,6} \S|<h[1-6][ >])", re.MULTILINE | re.IGNORECASE)
_ASKING = re.compile(r"^\s*(Q:|Question:|[^\n]{5,150}[?\uff1f\u061f]\s*\n)", re.IGNORECASE)


class Sizes(NamedTuple):
    """How large the data are.

    Attributes:
        records: rows of the files.
        documents: documents.
        pairs: pairs of the sources.
        components: about how many connected components there are at most.
        characters: characters of all documents.
    """

    records: int
    documents: int
    pairs: int
    components: int
    characters: int


def measure(rows_of_source: Sequence[SourceRows]) -> Sizes:
    """Return the sizes of all sources together.

    Documents with equal texts or of one group are one component, and so are those of one anchor.
    More may be tied later on: the number of components is an upper bound.
    """
    documents = pd.concat([rows.documents for rows in rows_of_source], ignore_index=True)
    pairs = pd.concat([rows.pairs for rows in rows_of_source], ignore_index=True)
    units = documents["group"].where(documents["group"] != "", documents["text"].map(normal_form))
    components = units.nunique()
    if len(pairs):
        components = min(components, pairs["doc_id"].nunique(), pairs["anchor"].nunique())
    return Sizes(
        records=sum(rows.records_read for rows in rows_of_source),
        documents=len(documents),
        pairs=len(pairs),
        components=int(components),
        characters=int(documents["text"].str.len().sum()),
    )


def settings_for(
    rows_of_source: Mapping[str, SourceRows], sizes: Sizes
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of params.yaml that suit the data by dotted key, and sentences on them."""
    sentences: list[str] = []
    share = held_out_share(sizes.components)
    values: dict[str, Any] = {
        "collect.out_of_domain": None,
        "deduplicate.authoritative": [],
        "pair.recipes": ["given"],
        "split.train": round(1 - 2 * share, 2),
        "split.validation": share,
        "split.max_train_pairs": None,
    }

    # Documents without questions need recipes, and so does a set that gives none to train on.
    documents = pd.concat([rows.documents for rows in rows_of_source.values()])
    without_question = _without_questions(documents, rows_of_source)
    has_few = bool(sizes.pairs) and _has_few_questions(sizes, rows_of_source, len(without_question))
    if not sizes.pairs or has_few:
        made = recipes_for(without_question)
        values["pair.recipes"] = ["given", *made] if has_few else made
        questions = f"only {sizes.pairs:,}" if has_few else "no"
        sentences.append(
            f"There are {questions} questions, so pairs are made of the documents: "
            f"{', '.join(made)}. A gain on made questions says little about real "
            "ones: add real questions as soon as you have some."
        )
    elif not _has_training_pairs(list(rows_of_source.values())):
        values["pair.recipes"] = ["given", *recipes_for(documents)]
        sentences.append(
            "All questions belong to validation or test, so training pairs are made of the "
            f"documents: {', '.join(values['pair.recipes'][1:])}."
        )

    sentences += _language_sentence(documents)
    held_out = int(sizes.components * share)
    if held_out < MIN_COMPONENTS:
        sentences.append(
            f"Validation and test have about {held_out} components each. Under {MIN_COMPONENTS} "
            "there are means without intervals, and no verdict: more data will help most."
        )
    return values, sentences


def _has_training_pairs(rows_of_sources: Sequence[SourceRows]) -> bool:
    """Return whether some pair that counts as a positive is not held out by its source."""
    for rows in rows_of_sources:
        held_out = rows.given_splits.query("split != 'train'")["id"]
        irrelevant = rows.grades.query("role == 'irrelevant'")["pair_id"]
        unused = {*held_out, *irrelevant}
        if any(pair_id not in unused for pair_id in rows.pairs["pair_id"]):
            return True
    return False


def _without_questions(
    documents: pd.DataFrame, rows_of_source: Mapping[str, SourceRows]
) -> pd.DataFrame:
    """Return the documents to which no pair leads."""
    with_question: set[str] = set()
    for rows in rows_of_source.values():
        with_question.update(rows.pairs["doc_id"])
    return documents[~documents["doc_id"].isin(with_question)]


def _has_few_questions(
    sizes: Sizes, rows_of_source: Mapping[str, SourceRows], without_question: int
) -> bool:
    """Return whether the questions are too few for a verdict, and most documents have none.

    A set with a split or grades of its own is asked as it is.
    """
    is_judged = any(len(rows.given_splits) or len(rows.grades) for rows in rows_of_source.values())
    too_few = int(sizes.components * _SHARES[-1]) < MIN_COMPONENTS
    return too_few and 2 * without_question > sizes.documents and not is_judged


def _language_sentence(documents: pd.DataFrame) -> list[str]:
    """Return a sentence if most texts are in another language than the base model's, English."""
    languages = documents["text"].head(_TEXTS_OF_LANGUAGE).map(detect_language)
    known = languages[languages != ""]
    if not len(known) or (known == "en").mean() >= _COMMON:
        return []
    return [
        f"Most texts are in the language '{known.mode()[0]}'. The base model of the project knows "
        "English: set model.base to a model that knows yours."
    ]


def held_out_share(components: int) -> float:
    """Return the share of validation, and of test: the smallest that holds enough components.

    >>> held_out_share(20_000), held_out_share(1_500), held_out_share(300)
    (0.1, 0.15, 0.2)
    """
    enough = [share for share in _SHARES if components * share >= _COMPONENTS]
    return enough[0] if enough else _SHARES[-1]


def recipes_for(documents: pd.DataFrame) -> list[str]:
    """Return the recipes that find something to pair in documents without questions.

    Args:
        documents: a Documents table.
    """
    texts = documents["text"].head(_TEXTS).tolist()
    titles = documents["title"].head(_TEXTS)
    recipes: list[str] = []
    if (titles != "").mean() >= _COMMON:
        recipes.append("title")
    if _share(texts, _HEADING) >= _COMMON:
        recipes.append("heading")
    if _share(texts, _ASKING) >= _COMMON:
        recipes.append("question")

    # A first sentence finds the rest, if there is a rest.
    several = [text for text in texts if len(split_sentences(text)) > 1]
    if len(several) >= _COMMON * len(texts) or not recipes:
        recipes.append("first_sentence")
    return recipes


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.search(text) is not None for text in texts) / len(texts)
