"""A person says what an ambiguous short form means: the texts decided change, and no others."""

from pathlib import Path

import pytest

from stages.clean.__main__ import main
from stages.clean.abbreviations.meanings import chosen_meanings
from stages.clean.corpus_model import query_cleaner
from stages.clean.judged_rules import RuleVerdicts, rule_id
from stages.lib.core import tables
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from tests.clean.corpus import PARAMS, documents, pairs

FILE = Path("data/review/edits.csv")
STENOSIS = rule_id("abbreviation", "MS", "mitral stenosis")
SCLEROSIS = rule_id("abbreviation", "MS", "multiple sclerosis")
ECG = rule_id("abbreviation", "ECG", "electrocardiogram")
LISTED = Abbreviations(
    {"ECG": "electrocardiogram"}, {"MS": ["mitral stenosis", "multiple sclerosis"]}
)

TEXTS = [
    "A murmur of MS was heard at rest.",
    "The nerves suffer from an MS of long standing.",
    "The multiple sclerosis (MS) of the spine.",
    "Nothing is short in this text.",
]
FRAME = documents(*TEXTS)
FIRST, SECOND = FRAME["doc_id"][:2]


def say(*lines):
    """Write verdicts: (rule, scope, verdict) or (rule, scope, verdict, judge)."""
    cells = [(*line, "", "") if len(line) == 3 else (*line, "") for line in sorted(lines)]
    text = "".join(",".join(row) + "\n" for row in cells)
    FILE.write_text("rule_id,edit,verdict,judge,note\n" + text, "utf-8")


def of_all(*right):
    return chosen_meanings(LISTED, RuleVerdicts(right=frozenset(right))).in_all


def test_one_long_form_is_chosen_for_all_texts():
    assert of_all(STENOSIS) == (("MS", "mitral stenosis"),)


def test_who_chooses_both_long_forms_chooses_none():
    assert of_all(STENOSIS, SCLEROSIS) == ()


def test_to_call_an_abbreviation_right_that_is_not_ambiguous_changes_nothing():
    assert of_all(ECG) == ()


def test_a_verdict_on_a_document_outranks_that_on_all_texts():
    verdicts = RuleVerdicts(
        right=frozenset([STENOSIS]),
        of_document={
            "d1": {SCLEROSIS: True},
            "d2": {STENOSIS: False, ECG: False},
            "d3": {STENOSIS: True, SCLEROSIS: True},
        },
    )
    meanings = chosen_meanings(LISTED, verdicts)
    entries = (("ECG", "electrocardiogram"), ("MS", "mitral stenosis"))

    def shown(doc_id):
        return meanings.for_document(doc_id, entries, (("TB", "tuberculosis"),))

    assert shown("d1").entries == (("ECG", "electrocardiogram"), ("MS", "multiple sclerosis"))
    assert shown("d1").chosen == (("MS", "multiple sclerosis"),)
    assert shown("d2").entries == ()
    assert shown("d2").chosen == ()
    assert shown("d2").defined_entries == (("TB", "tuberculosis"),)

    # Two long forms in one document decide nothing, and a document without verdicts has no copy.
    assert shown("d3").entries == entries
    assert shown("d4").entries is entries


@pytest.fixture
def spoken(project):
    """Give the project four texts, with the short form MS in three of them."""
    tables.write(FRAME, Path("data/collect/documents.parquet"), Documents)
    anchors = pairs("signs of MS", "loud MS", "spine", "short")
    tables.write(anchors, Path("data/collect/pairs.parquet"), Pairs)
    return project


def cleaned():
    main()
    texts = tables.read(Path("data/clean/documents.parquet"), Documents).set_index("doc_id")
    anchors = tables.read(Path("data/clean/pairs.parquet"), Pairs)["anchor"]
    return list(texts.loc[list(FRAME["doc_id"]), "text"]), sorted(anchors)


def named_rows():
    """Return the rows whose edits name a verdict, with its rule."""
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    lines = ledger[ledger["reason"] == "judged_meaning"]
    return {tuple(row) for row in lines[["row_id", "partner_id"]].to_numpy().tolist()}


def written():
    files = sorted(Path("data/clean").glob("*.parquet"))
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.slow
def test_a_meaning_for_all_texts_makes_the_round_trip(spoken):
    assert cleaned() == (TEXTS, ["loud MS", "short", "signs of MS", "spine"])
    before = written()
    say((STENOSIS, "abbreviation", "yes"))
    assert cleaned() == (
        [
            "A murmur of mitral stenosis (MS) was heard at rest.",
            "The nerves suffer from a mitral stenosis (MS) of long standing.",
            *TEXTS[2:],
        ],
        ["loud mitral stenosis (MS)", "short", "signs of mitral stenosis (MS)", "spine"],
    )

    # The ledger names the verdict where a text changed, and the rule once.
    anchors = tables.read(Path("data/clean/pairs.parquet"), Pairs)
    edited = anchors.loc[anchors["anchor"].str.contains("stenosis"), "pair_id"]
    assert named_rows() == {
        (f"rule:{STENOSIS}", "abbreviation"),
        *((row_id, STENOSIS) for row_id in (FIRST, SECOND, *edited)),
    }
    assert read_details(Path("metrics/details/clean.json"))["ambiguous_abbreviations"] == 0

    # A server cleans a query as the stage cleans an anchor.
    cleaner = query_cleaner(
        Path("data/clean/corpus_counts.parquet"), Path("data/glossary"), PARAMS, FILE
    )
    assert cleaner.clean("signs of MS").text == "signs of mitral stenosis (MS)"

    # Without the verdict every byte is as it was, and so with judges who differ.
    say()
    main()
    assert written() == before
    say((STENOSIS, "abbreviation", "yes", "ann"), (STENOSIS, "abbreviation", "no", "ben"))
    main()
    assert written() == before


@pytest.mark.slow
def test_a_meaning_in_one_document_changes_this_document_alone(spoken):
    say((SCLEROSIS, SECOND, "yes"))
    assert cleaned() == (
        [
            TEXTS[0],
            "The nerves suffer from a multiple sclerosis (MS) of long standing.",
            *TEXTS[2:],
        ],
        ["loud MS", "short", "signs of MS", "spine"],
    )
    assert named_rows() == {(SECOND, SCLEROSIS)}
    assert read_details(Path("metrics/details/clean.json"))["ambiguous_abbreviations"] == 1

    # "No" in one document is no verdict on the others.
    say((STENOSIS, "abbreviation", "yes"), (STENOSIS, SECOND, "no"))
    texts, _ = cleaned()
    assert texts == ["A murmur of mitral stenosis (MS) was heard at rest.", *TEXTS[1:]]
