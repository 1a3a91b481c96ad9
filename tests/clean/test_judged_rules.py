"""A rule that a person judged wrong edits no text, and all others go on."""

from pathlib import Path

import pandas as pd
import pytest

from stages.clean.__main__ import main
from stages.clean.boilerplate.removal import segments
from stages.clean.corpus_model import learn_corpus, query_cleaner
from stages.clean.judged_rules import RuleVerdicts, rule_id
from stages.lib.core import tables
from stages.lib.preprocessing.word_lists import Abbreviations
from stages.lib.reporting.details import read_details
from stages.lib.schemas.corpus_counts import CorpusCounts, RecurringLines
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger
from stages.lib.text.normal_form import normal_form
from tests.clean.corpus import PARAMS, documents
from tests.clean.sources import clean_source

FILE = Path("data/review/edits.csv")
ECG = rule_id("abbreviation", "ECG", "electrocardiogram")


def say_wrong(*rules):
    """Write a verdict on each (edit, before, after)."""
    lines = [f"{rule_id(*rule)},{rule[0]},no,,\n" for rule in rules]
    FILE.write_text("rule_id,edit,verdict,judge,note\n" + "".join(sorted(lines)), "utf-8")


def learned(wrong):
    """Return what a corpus teaches in which two words are misspelt once."""
    words = {"patient": 40, "hospital": 40, "patietn": 1, "hosptial": 1}
    rows = [("word", "", word, count) for word, count in words.items()]
    counts = pd.DataFrame(rows, columns=list(CorpusCounts.empty().columns))
    known = {"ECG": "electrocardiogram", "MRI": "magnetic resonance imaging"}
    params = PARAMS.model_copy(update={"typos": "correct"})
    return learn_corpus(counts, Abbreviations(known, {}), params, RuleVerdicts(frozenset(wrong)))


def test_without_verdicts_both_words_are_corrected():
    model = learned(frozenset())
    assert model.corrections == {"patietn": "patient", "hosptial": "hospital"}
    assert [short for short, _ in model.entries] == ["ECG", "MRI"]
    assert model.wrong == frozenset()


def test_one_correction_and_one_abbreviation_are_left_alone():
    wrong = {rule_id("typo", "hosptial", "hospital"), ECG}
    model = learned(wrong)
    assert model.corrections == {"patietn": "patient"}
    assert [short for short, _ in model.entries] == ["MRI"]
    assert {rule.id for rule in model.wrong} == wrong


def test_a_verdict_on_another_correction_of_the_word_says_nothing():
    model = learned({rule_id("typo", "hosptial", "favour")})
    assert model.corrections == {"patietn": "patient", "hosptial": "hospital"}
    assert model.wrong == frozenset()


def test_a_line_that_a_person_wants_to_keep_stays():
    texts = [f"The {word} is heavy.\nPrint this page" for word in (
        "apple", "stone", "table", "glass", "bread", "chair", "house", "river"
    )]  # fmt: skip
    cleaned, verdicts = clean_source(texts)
    assert verdicts == {"Print this page": "removed"}
    assert "Print this page" not in cleaned[0]

    documents_read = documents(*texts)
    (source,) = set(documents_read["source"])
    (segment,) = segments("Print this page")
    wrong = rule_id("boilerplate", source, segment.key)
    kept, verdicts = clean_source(texts, frozenset([wrong]))
    assert verdicts == {"Print this page": "judged"}
    assert kept == texts


@pytest.mark.slow
def test_the_stage_follows_a_verdict_and_says_so(project):
    main()
    before = tables.read(Path("data/clean/documents.parquet"), Documents)
    assert before["text"].str.contains("electrocardiogram").any()
    assert read_details(Path("metrics/details/clean.json"))["judged_wrong"] == 0

    say_wrong(("abbreviation", "ECG", "electrocardiogram"), ("typo", "nowhere", "anywhere"))
    main()
    after = tables.read(Path("data/clean/documents.parquet"), Documents)
    assert not after["text"].str.contains("electrocardiogram").any()
    restored = before["text"].str.replace("an electrocardiogram (ECG)", "an ECG", regex=False)
    restored = restored.str.replace("electrocardiogram (ECG)", "ECG", regex=False)
    assert list(after["text"]) == list(restored)

    # The rule that was there is counted, and the ledger names it without a text of a row.
    assert read_details(Path("metrics/details/clean.json"))["judged_wrong"] == 1
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    lines = ledger[ledger["reason"] == "judged_wrong"]
    assert lines[["row_id", "action", "partner_id"]].to_numpy().tolist() == [
        [f"rule:{ECG}", "note", "abbreviation"]
    ]

    # A server cleans as the run did.
    cleaner = query_cleaner(
        Path("data/clean/corpus_counts.parquet"), Path("data/glossary"), PARAMS, FILE
    )
    assert cleaner.clean("an  ECG of bone").text == "an ECG of bone"


@pytest.mark.slow
def test_a_line_is_kept_through_the_command(project):
    main()
    lines = tables.read(Path("data/clean/recurring_lines.parquet"), RecurringLines)
    removed = lines[lines["verdict"] == "removed"]
    assert len(removed) == 1
    ((source, key),) = removed[["source", "key"]].to_numpy().tolist()
    say_wrong(("boilerplate", source, key))
    main()
    lines = tables.read(Path("data/clean/recurring_lines.parquet"), RecurringLines)
    kept = lines[lines["key"] == key]
    assert list(kept["verdict"]) == ["judged"]
    assert list(kept["removed_from"]) == [0]
    documents_after = tables.read(Path("data/clean/documents.parquet"), Documents)
    line = normal_form(removed["line"].iloc[0])
    assert documents_after["text"].map(lambda text: line in normal_form(text)).all()


def test_the_id_of_a_rule_is_no_text():
    assert pd.Series([ECG]).str.fullmatch(r"e[0-9a-f]{16}").all()
