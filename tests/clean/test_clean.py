"""The stage as a whole: idempotent, reversible, and no row lost without a reason."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.__main__ import CleanParams, clean_documents, clean_pairs, clean_text, main
from stages.clean.edits import apply, between
from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.errors import Problem
from stages.lib.text import hash_hex

ENTRIES = (("ECG", "electrocardiogram"), ("HDL", "high-density lipoprotein"))
PARAMS = CleanParams(
    abbreviations="expand",
    lowercase=False,
    min_document_characters=1,
    max_document_characters=200,
    min_anchor_characters=2,
    max_anchor_characters=50,
)
# Pieces that the rules act on, and that can combine into new ones: escaped escapes, split entities, mojibake.
PIECES = st.sampled_from(
    [
        *["&amp;", "lt;", "&lt;", "&#60;", "&AMP;", "&NBSP;", *"aB5 <>&;()/"],
        *["p>", "<p>", "</p>", "<b>", "</x>", "<x>", "<script>", "</script>", "<!--", "-->", "<sup>", "</sup>"],
        *["\u200b", "\u00ad", "\x00", "\n", "\u00a0", "e\u0301", "Ã¶", "â€™", "\ufb01", "İ"],
        *["ECG", "HDL", "electrocardiogram"],
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=30))


def documents(*texts: str, title: str = "") -> pd.DataFrame:
    rows = [("d" + hash_hex(str(at)), "s", title, text, "", "") for at, text in enumerate(texts)]
    return pd.DataFrame(rows, columns=list(Documents.empty().columns)).astype(Documents.empty().dtypes.to_dict())


def pairs(*anchors: str) -> pd.DataFrame:
    rows = [
        ("p" + hash_hex(str(at)), text, "d" + hash_hex(str(at)), "exact", 1.0, "s") for at, text in enumerate(anchors)
    ]
    return pd.DataFrame(rows, columns=list(Pairs.empty().columns)).astype(Pairs.empty().dtypes.to_dict())


def undo(text: str, edits) -> str:
    for start, before, after in reversed(edits):
        assert text[start : start + len(after)] == after
        text = text[:start] + before + text[start + len(after) :]
    return text


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.booleans())
def test_cleaning_what_is_clean_changes_nothing(text, lowercase):
    cleaned, _, settled = clean_text(text, ENTRIES, lowercase)
    assert settled
    assert clean_text(cleaned, ENTRIES, lowercase) == (cleaned, [], True)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.booleans())
def test_edits_undone_from_last_to_first_give_the_text_back(text, lowercase):
    cleaned, edits, _ = clean_text(text, ENTRIES, lowercase)
    assert apply(text, edits) == cleaned
    assert undo(cleaned, [(edit.start, edit.before, edit.after) for edit in edits]) == text


@given(st.text("ab"), st.text("ab"))
def test_a_span_is_as_small_as_a_single_one_can_be(old, new):
    for edit in between("rule", old, new):
        assert old[edit.start : edit.end] == edit.before
        assert not (edit.before and edit.after) or (
            edit.before[0] != edit.after[0] and edit.before[-1] != edit.after[-1]
        )


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS.filter(bool), max_size=6))
def test_every_document_stays_or_has_its_line_in_the_ledger(texts):
    frame = documents(*texts)
    kept, ledger = clean_documents(frame, PARAMS, ENTRIES)
    dropped = ledger.loc[ledger["action"] == "drop", "row_id"]
    assert sorted([*kept["doc_id"], *dropped]) == sorted(frame["doc_id"])


def test_escapes_of_escapes_are_undone_to_the_end():
    assert clean_text("&amp;lt;p&amp;gt;Fever &a\u200bmp; rash", (), False)[0] == "Fever & rash"


def test_text_that_never_settles_is_dropped_and_says_so():
    kept, ledger = clean_documents(documents("&" + "amp;" * 30 + "lt;"), PARAMS, ())
    assert len(kept) == 0
    assert list(ledger.loc[ledger["action"] == "drop", "reason"]) == ["unstable"]


def test_each_rule_tells_its_edit():
    text = "<p>SjÃ¶gren\u200b  ECG</p>"
    told = [(edit.rule, edit.before, edit.after) for edit in clean_text(text, ENTRIES, True)[1]]
    assert [rule for rule, _, _ in told] == ["markup", "encoding", "characters", "whitespace", "abbreviation", "case"]
    assert told[1:5] == [
        ("encoding", "Ã¶", "ö"),
        ("characters", "\u200b", ""),
        ("whitespace", " ", ""),
        ("abbreviation", "ECG", "electrocardiogram (ECG)"),
    ]


def test_titles_are_cleaned_and_may_be_empty():
    kept, ledger = clean_documents(documents("Fever.", title="<p></p>"), PARAMS, ())
    assert list(kept["title"]) == [""]
    assert list(ledger["field"]) == ["title"]


def test_a_dropped_document_takes_its_pairs_along():
    frame = pairs("fever", "rash")
    gone = frame["doc_id"][0]
    kept, ledger = clean_pairs(frame, PARAMS, (), frozenset([gone]))
    assert list(kept["anchor"]) == ["rash"]
    assert ledger[["action", "reason", "partner_id"]].to_numpy().tolist() == [["drop", "document_dropped", gone]]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Make a folder with the stage's inputs; enough documents for two shards."""
    monkeypatch.chdir(tmp_path)
    collect = Path("data/collect")
    many = [f"<p>Document {at} &amp; its ECG</p>" for at in range(tables.SHARD_ROWS + 5)]
    own = documents("<p></p>", *many)
    tables.write(own, collect / "documents.parquet", Documents)
    tables.write(pairs("lost", "&lt;b&gt;", "HDL", "x"), collect / "pairs.parquet", Pairs)
    tables.write(Documents.empty(), collect / "out_of_domain_documents.parquet", Documents)
    tables.write(Pairs.empty(), collect / "out_of_domain_pairs.parquet", Pairs)
    Path("data/glossary").mkdir()
    Path("data/glossary/abbreviations.csv").write_text(
        "short,long\nECG,electrocardiogram\nMS,multiple sclerosis\nMS,mitral stenosis\n"
    )
    section = "\n".join(f"  {key}: {json.dumps(value)}" for key, value in PARAMS.model_dump().items())
    Path("params.yaml").write_text(f"clean:\n{section}\n")
    return tmp_path


def test_the_stage_accounts_for_every_row_and_the_workers_change_no_byte(project, monkeypatch):
    written = []
    for workers in ("1", "3"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        main()
        written.append(
            {path.name: path.read_bytes() for path in [*Path("data/clean").iterdir(), Path("metrics/clean.json")]}
        )
    assert written[0] == written[1]

    metrics = json.loads(Path("metrics/clean.json").read_text())
    expected = {
        "rows_in": tables.SHARD_ROWS + 6,
        "rows_out": tables.SHARD_ROWS + 5,
        "dropped.empty": 1,
        "pairs.rows_in": 4,
        "pairs.rows_out": 1,
        "pairs.dropped.document_dropped": 1,
        "pairs.dropped.empty": 1,
        "pairs.dropped.too_short": 1,
        "edits.abbreviation": tables.SHARD_ROWS + 5,
        "edits.case": 0,
        "ambiguous_abbreviations": 1,
        "out_of_domain.rows_in": 0,
    }
    assert {key: metrics[key] for key in expected} == expected
    assert set(tables.read(Path("data/clean/documents.parquet"), Documents)["text"].str.slice(-21)) == {
        "electrocardiogram (ECG)"[-21:]
    }
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    assert list(ledger.loc[ledger["action"] == "note", "after"]) == ["mitral stenosis | multiple sclerosis"]


def test_the_ledger_gives_every_text_back(project):
    main()
    before = tables.read(Path("data/collect/documents.parquet"), Documents).set_index("doc_id")
    after = tables.read(Path("data/clean/documents.parquet"), Documents).set_index("doc_id")
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    edits = ledger[(ledger["action"] == "edit") & (ledger["field"] == "text")]
    for doc_id, lines in list(edits[edits["row_id"].isin(after.index)].groupby("row_id"))[:50]:
        spans = list(zip(lines["start"], lines["before"], lines["after"], strict=True))
        assert undo(after.loc[doc_id, "text"], spans) == before.loc[doc_id, "text"]


def test_limits_that_no_text_could_pass_are_refused(project):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("max_anchor_characters: 50", "max_anchor_characters: 1"))
    with pytest.raises(Problem, match="min_anchor_characters = 2 is above max_anchor_characters = 1"):
        main()
    assert not Path("data/clean").exists()
