"""The steps over a shard: no row is lost without a line in the ledger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.boilerplate.steps import strip_boilerplate_documents
from stages.clean.steps import (
    correct_and_filter_documents,
    correct_and_filter_pairs,
    expand_abbreviations_documents,
    expand_abbreviations_pairs,
    strip_markup_documents,
)
from tests.clean.corpus import PARAMS, documents, pairs
from tests.clean.texts import ENTRIES, TEXTS
from tests.properties import examples


@examples(40)
@given(st.lists(TEXTS.filter(bool), max_size=6))
def test_every_document_stays_or_has_its_line_in_the_ledger(texts):
    frame, dropped = documents(*texts), []
    kept = frame
    for step in (
        lambda frame: strip_markup_documents(frame, PARAMS),
        lambda frame: strip_boilerplate_documents(frame, {}),
        lambda frame: expand_abbreviations_documents(frame, PARAMS, ENTRIES),
        lambda frame: correct_and_filter_documents(frame, PARAMS, None, frozenset(), None),
    ):
        kept, ledger, *_ = step(kept)
        dropped += list(ledger.loc[ledger["action"] == "drop", "row_id"])
    assert sorted([*kept["doc_id"], *dropped]) == sorted(frame["doc_id"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 2001, "too_many_bytes"),
        ("<b>x</b>" * 60, "too_many_nodes"),
        ("<div>" * 21 + "x", "too_deep"),
        ("<p> </p>", "empty"),
    ],
)
def test_a_text_over_a_limit_is_dropped_unread(text, reason):
    kept, ledger, _ = strip_markup_documents(documents(text), PARAMS)
    assert len(kept) == 0
    assert list(ledger.loc[ledger["action"] == "drop", "reason"]) == [reason]


def test_a_long_first_edit_points_to_the_row_as_collected():
    text = (
        "<ul>"
        + "".join(f"<li>Item number {index} of the list</li>" for index in range(20))
        + "</ul>"
    )
    kept, ledger, _ = strip_markup_documents(documents(text), PARAMS)
    assert kept["text"][0].splitlines()[:2] == [
        "- Item number 0 of the list",
        "- Item number 1 of the list",
    ]
    assert ledger[["reason", "start", "before", "after"]].iloc[0].tolist() == ["markup", -1, "", ""]


def test_titles_are_cleaned_and_may_be_empty():
    kept, ledger, _ = strip_markup_documents(documents("Fever.", title="<p></p>"), PARAMS)
    assert list(kept["title"]) == [""]
    assert list(ledger["field"]) == ["title"]


def test_a_title_alone_stays_where_titles_are_embedded():
    frame = documents("", title="<b>Oak</b> table")
    kept, ledger, _ = strip_markup_documents(frame, PARAMS, "{title}: {text}")
    assert (list(kept["title"]), list(kept["text"])) == (["Oak table"], [""])
    kept, _, _, passage_rows = correct_and_filter_documents(
        kept, PARAMS, None, frozenset(), None, template="{title}: {text}"
    )
    assert (list(kept["title"]), list(passage_rows["text"])) == (["Oak table"], [""])

    # Where the text alone is embedded, the document is empty.
    kept, ledger, _ = strip_markup_documents(frame, PARAMS)
    assert (len(kept), list(ledger["reason"])) == (0, ["markup", "empty"])


def test_the_filters_read_a_title_that_stands_alone():
    frame = documents("", title="lorem ipsum")
    kept, ledger, _, _ = correct_and_filter_documents(
        frame, PARAMS, None, frozenset(), None, template="{title} {text}"
    )
    assert (len(kept), list(ledger["reason"])) == (0, ["pattern"])


def test_a_dropped_document_takes_its_pairs_along():
    frame = pairs("fever", "rash")
    dropped_ids = frozenset([frame["doc_id"][0]])
    for kept, ledger, _ in (
        expand_abbreviations_pairs(frame, PARAMS, (), dropped_ids),
        correct_and_filter_pairs(frame, PARAMS, None, frozenset(), dropped_ids),
    ):
        assert list(kept["anchor"]) == ["rash"]
        decisions = ledger[["action", "reason", "partner_id"]].to_numpy().tolist()
        assert decisions == [["drop", "document_dropped", *dropped_ids]]


def test_redaction_leaves_nothing_private_in_the_ledger():
    kept, ledger, counts, _ = correct_and_filter_documents(
        documents("Mail jane@mail.example.org now."), PARAMS, None, frozenset(), None
    )
    assert list(kept["text"]) == ["Mail [EMAIL] now."]
    assert "jane" not in ledger.to_string()
    assert counts[["kind", "item", "document_frequency"]].to_numpy().tolist() == [
        ["private", "EMAIL", 1]
    ]


def test_typos_are_corrected_in_english_documents_alone():
    texts = [
        "The pumonary artery of the patient is wider than it should be at this age.",
        "A artéria pumonary do paciente é mais larga do que deveria ser nesta idade.",
    ]
    frame = documents(*texts)
    _, _, counts = expand_abbreviations_documents(frame, PARAMS, ())
    foreign = frozenset(counts.loc[counts["kind"] == "foreign", "item"])
    kept, _, _, _ = correct_and_filter_documents(
        frame, PARAMS, {"pumonary": "pulmonary"}.get, foreign, None
    )
    assert sorted("pulmonary" in text for text in kept["text"]) == [False, True]
