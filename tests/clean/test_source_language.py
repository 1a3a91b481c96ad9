"""Languages of anchors and queries: the text itself shows it, or the other texts of its source."""

import pandas as pd
import pytest

from stages.clean.rules import QueryCleaner
from stages.clean.spelling.source_language import are_english, english_sources, evidence_of
from stages.clean.steps import correct_and_filter_pairs, expand_abbreviations_pairs
from tests.clean.corpus import PARAMS, pairs

LONG_ANCHORS = PARAMS.model_copy(update={"max_anchor_characters": 500})
CORRECT = {"pumonary": "pulmonary", "seperate": "separate"}.get
ENGLISH = "What is the treatment of the pumonary artery in small children?"
PORTUGUESE = "Qual é o tratamento da artéria pumonary em crianças pequenas?"


def counts_of(*rows):
    return pd.DataFrame(rows, columns=["kind", "source", "item", "document_frequency"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, "english"),
        (PORTUGUESE, "foreign"),
        ("lung pain", "short, listed"),
        ("artrite gotosa", "short, unlisted"),
    ],
)
def test_what_a_text_says_of_its_source(text, expected):
    assert evidence_of(text, text.rstrip("?").split()) == expected


def test_texts_that_show_their_language_decide_for_the_short_ones():
    counts = counts_of(
        ("anchor_language", "faq", "english", 8),
        ("anchor_language", "faq", "foreign", 2),
        ("anchor_language", "mixed", "english", 7),
        ("anchor_language", "mixed", "foreign", 2),
        ("anchor_language", "labels", "short, listed", 9),
        ("anchor_language", "rotulos", "short, unlisted", 9),
        ("document_language", "rotulos", "english", 9),
    )
    assert english_sources(counts, "anchor_language") == {"faq", "labels"}
    assert not are_english(counts, "anchor_language")


def test_an_anchor_is_asked_itself_and_a_short_one_by_its_source():
    anchors = [ENGLISH, PORTUGUESE, "pumonary"]
    source = pairs(*anchors)["source"][0]
    for sources, expected in (({source}, {"pulmonary"}), (set(), {"pumonary"})):
        kept, *_ = correct_and_filter_pairs(
            pairs(*anchors), LONG_ANCHORS, CORRECT, frozenset(sources), frozenset()
        )
        assert (
            set(kept["anchor"]) == {ENGLISH.replace("pumonary", "pulmonary"), PORTUGUESE} | expected
        )


def test_a_foreign_anchor_teaches_nothing():
    _, _, counts = expand_abbreviations_pairs(pairs(PORTUGUESE), PARAMS, (), frozenset())
    assert counts[["kind", "item"]].to_numpy().tolist() == [["anchor_language", "foreign"]]


def test_a_query_is_cleaned_as_the_anchors_of_its_source():
    cleaner = QueryCleaner(
        PARAMS, (), CORRECT, english_sources=frozenset(["faq"]), is_english=False
    )
    assert cleaner.clean(PORTUGUESE, "faq").text == PORTUGUESE
    assert cleaner.clean("seperate bills", "faq").text == "separate bills"
    assert cleaner.clean("seperate bills", "outro").text == "seperate bills"
    assert cleaner.clean("seperate bills").text == "seperate bills"
