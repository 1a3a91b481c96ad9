"""Abbreviations harm no text: what stays as it is, and a guard that knows nothing of the rule."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.clean.abbreviations import expansion
from stages.clean.abbreviations.expansion import expand
from stages.clean.boilerplate.steps import strip_boilerplate_documents
from stages.clean.corpus_model import learn_corpus
from stages.clean.edits import apply
from stages.clean.steps import (
    expand_abbreviations_documents,
    expand_abbreviations_pairs,
)
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.schemas.corpus_counts import CorpusCounts
from tests.clean.corpus import PARAMS, documents, pairs

NO_WORDS = Abbreviations({}, {})
WORDS = (
    ("ECG", "electrocardiogram"),
    ("IT", "information technology"),
    ("MS", "multiple sclerosis"),
    ("PM", "particulate matter"),
    ("No", "nitric oxide"),
    ("CA", "certificate authority"),
    ("VPC", "virtual private cloud"),
    ("US", "ultrasound"),
)
LEARNED = (
    ("ECG", "electrocardiogram"),
    ("TNF", "tumor necrosis factor"),
    ("VPC", "virtual private cloud"),
)


@pytest.mark.parametrize(
    "text",
    [
        "the ECG Society met in May",  # a longer name
        "New ECG Society",
        "open it in MS Word today",
        "a US Air Force base",
        "an Amazon VPC endpoint",
        "we met at 5 PM there",  # a quantity, a time
        "the MS 2000 printer",
        "see No 5 of the list",  # numbers of sections
        "under the § US of the code",
        "Section 12 CA applies",
        "from J. MS smith",  # initials
        "in the AT&T IT division",
        "the CA & IT teams",  # signs join names
        "Los Angeles CA 90001",
        "READ THE IT MANUAL FIRST",  # all in capitals
        "WE USE IT.\nECG",
        "MS ECG",  # two short forms are one name
        "No smoking. IT'S late.",
        "the ECG-guided and non-ECG, ECG/EEG",
    ],
)
def test_short_forms_in_names_numbers_and_capitals_stay(text):
    assert expand(text, WORDS) == []
    assert expand(text, WORDS, "all") == []


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("Abnormal ECG", "Abnormal electrocardiogram (ECG)"),
        ("A low ECG was seen.", "A low electrocardiogram (ECG) was seen."),
        ("we ask the IT team", "we ask the information technology (IT) team"),
        ("signs of MS, or not", "signs of multiple sclerosis (MS), or not"),
        ("Berlin. PM was high", "Berlin. particulate matter (PM) was high"),
        ("ECG", "electrocardiogram (ECG)"),
    ],
)
def test_the_word_list_is_written_out_elsewhere(text, expanded):
    assert apply(text, expand(text, WORDS)) == expanded


@pytest.mark.parametrize(
    ("context", "is_expanded"),
    [
        ("The tumor necrosis factor is a cytokine.", True),
        ("Tumour-necrosis factors rise.", True),  # British, plural, with a hyphen
        ("TUMOR NECROSIS FACTOR", True),
        ("A tumor necro- sis factor", True),  # broken at the end of a line
        ("A \u201ctumor necrosis\u201d factor", True),
        ("Another factor of necrosis in a tumor", False),
        ("Tumor necrosis was a factor.", False),
        ("An antitumor necrosis factory", False),
        ("", False),
    ],
)
def test_a_meaning_of_the_corpus_needs_its_long_form_in_the_document(context, is_expanded):
    text = "high TNF in plasma"
    after = apply(text, expand(text, (), defined_entries=LEARNED, context=context))
    expected = "high tumor necrosis factor (TNF) in plasma" if is_expanded else text
    assert after == expected


def test_title_and_text_explain_each_other():
    frame = documents("An electrocardiogram shows it.", "Nothing of the kind.")
    frame["title"] = "Abnormal ECG"
    kept, ledger, *_ = expand_abbreviations_documents(frame, PARAMS, (), LEARNED)
    assert list(kept["title"]) == ["Abnormal electrocardiogram (ECG)", "Abnormal ECG"]
    # Each expansion has its line in the ledger.
    lines = ledger[["row_id", "field", "reason", "before", "after"]].to_numpy().tolist()
    first_id = frame["doc_id"][0]
    assert lines == [[first_id, "title", "abbreviation", "ECG", "electrocardiogram (ECG)"]]


def test_an_anchor_learns_nothing_from_the_corpus():
    kept, ledger, _ = expand_abbreviations_pairs(
        pairs("low TNF", "low ECG"), PARAMS, WORDS, frozenset()
    )
    assert sorted(kept["anchor"]) == ["low TNF", "low electrocardiogram (ECG)"]
    assert len(ledger) == 1


def test_forms_of_much_of_the_corpus_are_not_written_out():
    words = Abbreviations({"VPC": "virtual private cloud", "ECG": "electrocardiogram"}, {})
    texts = ["a VPC link"] * 30 + ["an ECG"] * 5 + ["nothing"] * 90
    _, _, counts = strip_boilerplate_documents(documents(*texts), {}, shorts=frozenset(words.known))
    model = learn_corpus(counts, words, PARAMS)
    assert model.entries == (("ECG", "electrocardiogram"),)
    assert model.frequent == {"VPC": 30 / 125}
    assert model.defined_entries == ()


def test_what_much_of_the_corpus_defines_is_not_written_out_either():
    texts = ["a virtual private cloud (VPC)"] * 30 + ["nothing"] * 90
    _, _, counts = strip_boilerplate_documents(documents(*texts), {}, shorts=frozenset())
    model = learn_corpus(counts, NO_WORDS, PARAMS)
    assert model.defined_entries == ()
    assert model.frequent == {"VPC": 30 / 120}


def test_with_expansion_off_definitions_are_still_counted():
    params = PARAMS.model_copy(update={"abbreviations": "off"})
    text = "An electrocardiogram (ECG) helps."
    _, _, counts = strip_boilerplate_documents(documents(text, text), {})
    assert counts[["kind", "item", "document_frequency"]].to_numpy().tolist() == [
        ["definition", "ECG\telectrocardiogram", 2]
    ]
    assert learn_corpus(counts, NO_WORDS, params).defined_entries == (("ECG", "electrocardiogram"),)
    frame = documents("an ECG", title="electrocardiogram")
    kept, ledger, *_ = expand_abbreviations_documents(frame, params, WORDS, LEARNED)
    assert list(kept["text"]) == ["an ECG"]
    assert len(ledger) == 0


CORPUS = [
    ("", "A tumor necrosis factor (TNF) test."),
    ("", "The tumor necrosis factor (TNF) rises."),
    ("TNF", "The TNF band played in the hall."),
    ("A drop of TNF", "Some tumor necrosis factor was seen."),
    ("", "the IT team of the US Air Force at 5 PM"),
    ("", "READ IT NOW"),
]


def broken_promises(before: pd.DataFrame, ledger: pd.DataFrame, listed: set[str]) -> list[str]:
    """Return the expansions that neither the word list nor the document explains.

    It compares plain letters of the document as it was, and shares no code with the rule.
    """
    fields_of_id = before.set_index("doc_id")[["title", "text"]].agg(" ".join, axis=1)
    broken: list[str] = []
    for _, line in ledger.iterrows():
        short = line["before"].split(" ")[-1]
        long = line["after"].removesuffix(f" ({short})")
        letters = "".join(filter(str.isalpha, fields_of_id[line["row_id"]].lower()))
        is_explained = "".join(filter(str.isalpha, long.lower())) in letters
        if short not in listed and not is_explained:
            broken.append(line["row_id"])

        # A word with a capital or a number beside it makes a name.
        words = before.set_index("doc_id").loc[line["row_id"], line["field"]].split()
        place = words.index(short) if short in words else -1
        beside = words[place + 1 : place + 2] if place >= 0 else []
        if beside and (beside[0][0].isupper() or beside[0][0].isdigit()):
            broken.append(line["row_id"])

    return broken


def expanded_corpus() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return documents that tempt the rule, and the ledger of what it does to them."""
    frame = documents(*(text for _, text in CORPUS))
    frame["title"] = [title for title, _ in CORPUS]
    _, _, counts = strip_boilerplate_documents(frame, {})
    learned = learn_corpus(counts, NO_WORDS, PARAMS).defined_entries
    listed = (("US", "ultrasound"), ("IT", "information technology"))
    _, ledger, *_ = expand_abbreviations_documents(frame, PARAMS, listed, learned)
    return frame, ledger


def test_the_rule_keeps_the_promises():
    frame, ledger = expanded_corpus()
    edits = ledger[["field", "before", "after"]].to_numpy().tolist()
    assert sorted(edits) == [
        ["text", "IT", "information technology (IT)"],
        ["title", "TNF", "tumor necrosis factor (TNF)"],
    ]
    assert broken_promises(frame, ledger, {"US", "IT"}) == []


def test_the_guard_catches_a_meaning_from_elsewhere(monkeypatch):
    def everything(mentions, index, own_longs, text):
        return mentions

    monkeypatch.setattr(expansion, "_without_unexplained", everything)
    frame, ledger = expanded_corpus()
    assert broken_promises(frame, ledger, {"US", "IT"}) != []


def test_the_guard_catches_a_short_form_inside_a_name(monkeypatch):
    def nowhere(text, start, end):
        return False

    monkeypatch.setattr(expansion, "is_in_name", nowhere)
    frame, ledger = expanded_corpus()
    assert broken_promises(frame, ledger, {"US", "IT"}) != []


def test_counts_are_a_table_of_their_contract():
    _, _, counts = strip_boilerplate_documents(documents("an ECG"), {}, shorts=frozenset({"ECG"}))
    assert set(counts["kind"]) == {"mention"}
    assert sorted(counts["item"]) == ["", "ECG"]
    CorpusCounts.validate(counts)
