"""The stage as a whole: idempotent, reversible, and no row lost without a reason."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.__main__ import main
from stages.clean.anchors import expand_pairs, finish_pairs
from stages.clean.edits import apply, between
from stages.clean.learned import query_cleaner
from stages.clean.rules import abbreviations, finish, outline, repair
from stages.clean.steps import (
    expand_documents,
    finish_documents,
    outline_documents,
    strip_documents,
)
from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.errors import Problem
from tests.clean.corpus import PARAMS, documents, pairs

ENTRIES = (("ECG", "electrocardiogram"), ("HDL", "high-density lipoprotein"))
# Pieces that the rules act on, and that can combine into new ones: escaped escapes, split entities, mojibake.
PIECES = st.sampled_from(
    [
        *["&amp;", "lt;", "&lt;", "&#60;", "&AMP;", "&NBSP;", *"aB5 <>&;()/`-"],
        *[
            "p>",
            "<p>",
            "</p>",
            "<b>",
            "</x>",
            "<x>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<sup>",
            "</sup>",
        ],
        *["<li>", "</li>", "<td>", "<pre>", "</pre>", "```", "\n\n", "\t"],
        *[
            "\u200b",
            "\u00ad",
            "\x00",
            "\n",
            "\u00a0",
            "e\u0301",
            "\u00c3\u00b6",
            "\u00e2\u20ac\u2122",
            "\ufb01",
        ],
        *[
            "ECG",
            "HDL",
            "electrocardiogram",
            "\u338e",
            "\u2163",
            "a@b.example.org",
            "pumonary",
            "发烧",
            "ação",
        ],
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=30))


def undo(text: str, edits) -> str:
    for start, before, after in reversed(edits):
        assert text[start : start + len(after)] == after
        text = text[:start] + before + text[start + len(after) :]
    return text


def clean_text(text: str, lines: bool, lowercase: str = "off"):
    """Run every rule that needs no corpus, as the steps do."""
    params = PARAMS.model_copy(update={"private_data": "off", "lowercase": lowercase})
    rules = [
        *outline(lines),
        *abbreviations(ENTRIES, params),
        *finish({"pumonary": "pulmonary"}.get, params),
    ]
    return repair(text, rules)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.booleans(), st.sampled_from(["off", "prose", "all"]))
def test_cleaning_what_is_clean_changes_nothing(text, lines, lowercase):
    cleaned, _, settled = clean_text(text, lines, lowercase)
    if settled:
        assert clean_text(cleaned, lines, lowercase) == (cleaned, [], True)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.booleans(), st.sampled_from(["off", "prose", "all"]))
def test_edits_undone_from_last_to_first_give_the_text_back(text, lines, lowercase):
    cleaned, edits, _ = clean_text(text, lines, lowercase)
    assert apply(text, []) == text
    assert undo(cleaned, [(edit.start, edit.before, edit.after) for edit in edits]) == text


@given(st.text("ab"), st.text("ab"))
def test_a_span_is_as_small_as_a_single_one_can_be(old, new):
    for edit in between("rule", old, new):
        assert old[edit.start : edit.end] == edit.before
        assert not (edit.before and edit.after) or (
            edit.before[0] != edit.after[0] and edit.before[-1] != edit.after[-1]
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS.filter(bool), max_size=6))
def test_every_document_stays_or_has_its_line_in_the_ledger(texts):
    frame, dropped = documents(*texts), []
    kept = frame
    for step in (
        lambda frame: outline_documents(frame, PARAMS),
        lambda frame: strip_documents(frame, {}),
        lambda frame: expand_documents(frame, PARAMS, ENTRIES),
        lambda frame: finish_documents(frame, PARAMS, None, frozenset(), None),
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
def test_what_is_too_much_is_dropped_unread(text, reason):
    kept, ledger, _ = outline_documents(documents(text), PARAMS)
    assert len(kept) == 0
    assert list(ledger.loc[ledger["action"] == "drop", "reason"]) == [reason]


def test_a_long_first_edit_points_to_the_row_as_collected():
    text = "<ul>" + "".join(f"<li>Item number {at} of the list</li>" for at in range(20)) + "</ul>"
    kept, ledger, _ = outline_documents(documents(text), PARAMS)
    assert kept["text"][0].splitlines()[:2] == [
        "- Item number 0 of the list",
        "- Item number 1 of the list",
    ]
    assert ledger[["reason", "start", "before", "after"]].iloc[0].tolist() == ["markup", -1, "", ""]


def test_titles_are_cleaned_and_may_be_empty():
    kept, ledger, _ = outline_documents(documents("Fever.", title="<p></p>"), PARAMS)
    assert list(kept["title"]) == [""]
    assert list(ledger["field"]) == ["title"]


def test_a_dropped_document_takes_its_pairs_along():
    frame = pairs("fever", "rash")
    gone = frozenset([frame["doc_id"][0]])
    for kept, ledger, _ in (
        expand_pairs(frame, PARAMS, (), frozenset(), gone),
        finish_pairs(frame, PARAMS, None, frozenset(), gone),
    ):
        assert list(kept["anchor"]) == ["rash"]
        told = ledger[["action", "reason", "partner_id"]].to_numpy().tolist()
        assert told == [["drop", "document_dropped", *gone]]


def test_redaction_leaves_nothing_private_in_the_ledger():
    kept, ledger, known, _ = finish_documents(
        documents("Mail jane@mail.example.org now."), PARAMS, None, frozenset(), None
    )
    assert list(kept["text"]) == ["Mail [EMAIL] now."]
    assert "jane" not in ledger.to_string()
    assert known[["kind", "item", "documents"]].to_numpy().tolist() == [["private", "EMAIL", 1]]


def test_typos_are_corrected_in_english_documents_alone():
    texts = [
        "The pumonary artery of the patient is wider than it should be at this age.",
        "A artéria pumonary do paciente é mais larga do que deveria ser nesta idade.",
    ]
    frame = documents(*texts)
    _, _, known = expand_documents(frame, PARAMS, ())
    foreign = frozenset(known.loc[known["kind"] == "foreign", "item"])
    kept, _, _, _ = finish_documents(frame, PARAMS, {"pumonary": "pulmonary"}.get, foreign, None)
    assert sorted("pulmonary" in text for text in kept["text"]) == [False, True]


@pytest.mark.slow
def test_the_stage_accounts_for_every_row_and_the_workers_change_no_byte(project, monkeypatch):
    written = []
    for workers in ("1", "3"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        main()
        written.append(
            {
                path.name: path.read_bytes()
                for path in [*Path("data/clean").iterdir(), Path("metrics/clean.json")]
            }
        )
    assert written[0] == written[1]

    metrics = json.loads(Path("metrics/clean.json").read_text())
    expected = {
        "rows_in": 22,
        "rows_out": 21,
        "dropped.empty": 1,
        "passages": 21,
        "pairs.rows_in": 5,
        "pairs.rows_out": 2,
        "pairs.dropped.document_dropped": 1,
        "pairs.dropped.too_short": 2,
        "edits.boilerplate": 21,
        "edits.abbreviation": 22,
        "edits.case": 0,
        "ambiguous_abbreviations": 1,
        "out_of_domain.rows_in": 0,
    }
    assert {key: metrics[key] for key in expected} == expected
    texts = tables.read(Path("data/clean/documents.parquet"), Documents)["text"]
    assert {text.partition(" & ")[2] for text in texts} == {"its electrocardiogram (ECG) & bone."}
    assert list(tables.read(Path("data/clean/passages.parquet"), Passages)["text"]) == list(texts)
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    assert list(ledger.loc[ledger["action"] == "note", "after"]) == [
        "mitral stenosis | multiple sclerosis"
    ]


@pytest.mark.slow
def test_the_ledger_gives_every_text_back(project):
    main()
    before = tables.read(Path("data/collect/documents.parquet"), Documents).set_index("doc_id")
    after = tables.read(Path("data/clean/documents.parquet"), Documents).set_index("doc_id")
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    edits = ledger[(ledger["action"] == "edit") & (ledger["field"] == "text")]
    for doc_id, lines in edits[edits["row_id"].isin(after.index)].groupby("row_id"):
        spans = list(zip(lines["start"], lines["before"], lines["after"], strict=True))
        assert undo(after.loc[doc_id, "text"], spans) == before.loc[doc_id, "text"]


@pytest.mark.slow
def test_cleaning_the_cleaned_corpus_changes_nothing(project):
    main()
    for name in ("documents", "pairs"):
        Path(f"data/collect/{name}.parquet").write_bytes(
            Path(f"data/clean/{name}.parquet").read_bytes()
        )
    first = {
        name: Path(f"data/clean/{name}.parquet").read_bytes() for name in ("documents", "pairs")
    }
    main()
    assert {
        name: Path(f"data/clean/{name}.parquet").read_bytes() for name in ("documents", "pairs")
    } == first
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    assert set(ledger["action"]) == {"note"}


@pytest.mark.slow
def test_the_cleaner_of_queries_makes_of_a_query_what_the_stage_makes_of_the_anchor(project):
    main()
    cleaner = query_cleaner(Path("data/clean/knowledge.parquet"), Path("data/glossary"), PARAMS)
    raw = tables.read(Path("data/collect/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    cleaned = tables.read(Path("data/clean/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    assert {key: cleaner.clean(raw[key]).text for key in cleaned.index} == dict(cleaned)
    assert cleaner.clean("an  ECG of bone").text == "an electrocardiogram (ECG) of bone"
    known = tables.read(Path("data/clean/knowledge.parquet"), Knowledge)
    assert set(known["kind"]) >= {"text", "boilerplate", "word"}


def test_limits_that_no_text_could_pass_are_refused(project):
    params = Path("params.yaml")
    params.write_text(
        params.read_text().replace("max_anchor_characters: 50", "max_anchor_characters: 1")
    )
    with pytest.raises(
        Problem, match="min_anchor_characters = 2 is above max_anchor_characters = 1"
    ):
        main()
    assert not Path("data/clean").exists()
