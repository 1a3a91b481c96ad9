"""Nothing is lost: each record is kept, or stands in the ledger with its place and reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.columns import Place
from stages.collect.kinds import table
from stages.collect.record_tables import FAULTS
from stages.collect.records import document_id
from stages.collect.rejections import Rejections
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from tests.collect.sources import FAQ, table_source

SCORED = {**FAQ, "score": "score"}


def test_a_row_without_an_anchor_keeps_its_document(read):
    collected = read("question,answer\nWo?,Hier.\n,Dort.\n , \n", columns=FAQ)
    assert sorted(collected.documents["text"]) == ["Dort.", "Hier."]
    assert collected.pairs["anchor"].tolist() == ["Wo?"]
    ledger = collected.ledger.frame().sort_values("action")
    assert ledger[["action", "reason", "row_id", "after"]].to_numpy().tolist()[1] == [
        "note",
        "empty_anchor",
        document_id("faq", "Dort.", "0"),
        "",
    ]
    assert collected.ledger.dropped() == {"empty_text": 1}


def test_a_row_without_an_anchor_needs_no_score(read):
    rows = "question,answer,score\nWo?,Hier.,1\n,Dort.,\nWann?,Jetzt.,\n"
    collected = read(rows, columns=SCORED)
    assert sorted(collected.documents["text"]) == ["Dort.", "Hier."]
    assert collected.ledger.dropped() == {"bad_score": 1}


def test_a_pair_to_another_source_needs_its_anchor(read):
    known = {document_id("docs", "1")}
    collected = read(
        "q,d\nWo?,1\n,1\n",
        columns={"anchor": "q", "document_key": "d"},
        documents_of="docs",
        known_documents=known,
    )
    assert collected.ledger.dropped() == {"empty_anchor": 1}


def test_a_row_without_a_text_still_says_what_is_above_it(read):
    rows = "id,name,above\n1,Shoes,\n2,,1\n3,Boots,2\n4,,2\n5,Clogs,4\n6,,7\n7,,6\n8,Socks,6\n"
    collected = read(rows, columns={"key": "id", "text": "name", "parent": "above"})
    shoes = document_id("faq", "1")
    assert sorted(collected.hierarchy.frame().to_numpy().tolist()) == sorted(
        [[document_id("faq", "3"), shoes], [document_id("faq", "5"), shoes]]
    )
    ledger = collected.ledger.frame()
    notes = ledger[ledger["action"] == "note"]
    assert notes[["row_id", "reason", "after"]].to_numpy().tolist() == [
        [document_id("faq", "8"), "bad_parent", "6"]
    ]
    assert collected.ledger.dropped() == {"empty_text": 4}


def test_parents_are_documents_also_beside_anchors(read):
    columns = {**FAQ, "key": "id", "parent": "above"}
    collected = read("id,question,answer,above\n1,A?,a,\n2,B?,b,1\n", columns=columns)
    assert collected.hierarchy.frame().to_numpy().tolist() == [
        [document_id("faq", "2"), document_id("faq", "1")]
    ]


# The share of rejected records


def test_too_many_rejected_records_stop_the_stage_and_the_first_are_shown(tmp_path):
    rows = [f"q{number},a{number},1" for number in range(6)]
    rows[1:1] = ["no score,x,", "no text,,1", "high,x,high", "none,x,-"]
    (tmp_path / "faq.csv").write_text("question,answer,score\n" + "\n".join(rows) + "\n", "utf-8")
    source = table_source(columns=SCORED)
    with pytest.raises(UserError) as raised:
        table.read_files(source, ReadRequest("faq", tmp_path, max_rejected_share=0.39))
    assert raised.value.fact.splitlines() == [
        "data/raw/faq.csv: 4 of 10 records were rejected (40 %: 3 bad_score, 1 empty_text); "
        "collect.max_rejected_share = 0.39 allows fewer",
        '  data/raw/faq.csv, line 3 (bad_score): {"text":"x"}'.replace(
            '{"text":"x"}', '{"answer":"x","question":"no score","score":""}'
        ),
        '  data/raw/faq.csv, line 4 (empty_text): {"answer":"","question":"no text","score":"1"}',
        '  data/raw/faq.csv, line 5 (bad_score): {"answer":"x","question":"high","score":"high"}',
    ]
    assert "correct collect.sources.faq.columns.score in params.yaml" in raised.value.remedy
    assert "collect.max_rejected_share" in raised.value.remedy
    assert len(str(raised.value).splitlines()) == 5

    # A share that is allowed is no error.
    assert (
        table.read_files(source, ReadRequest("faq", tmp_path, max_rejected_share=0.4)).records_kept
        == 6
    )


def test_the_first_records_of_several_files_are_shown(tmp_path):
    for name in "ba":
        (tmp_path / f"{name}.csv").write_text("question,answer\nx,\ny,\nz,\nv,w\n", "utf-8")
    with pytest.raises(UserError) as raised:
        table.read_files(
            table_source("*.csv"), ReadRequest("faq", tmp_path, max_rejected_share=0.1)
        )
    places = [line.split(" (")[0].strip() for line in raised.value.fact.splitlines()[1:]]
    assert places == [f"data/raw/a.csv, line {line}" for line in (2, 3, 4)]


def test_a_long_record_is_shown_in_one_short_line(read):
    text = "é\u2028" * 200
    with pytest.raises(UserError) as raised:
        read(
            json.dumps({"question": text, "answer": ""}) + '\n{"question": "a", "answer": "b"}\n',
            "faq.jsonl",
            max_rejected_share=0.1,
        )
    lines = raised.value.fact.splitlines()
    assert len(lines) == 2 and len(lines[1]) < 250 and lines[1].endswith("...")


# Properties

TEXT = st.sampled_from(["", " ", "a", "b", "מה?", "東京", "x,y", 'say "no"', "two\nlines", "NaN"])
LIST = st.lists(TEXT, max_size=3) | TEXT | st.none()
SCORE = st.sampled_from([1, 0.5, "", None, "high", "0"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": TEXT, "question": TEXT, "pos": LIST, "neg": LIST, "score": SCORE, "t": st.sampled_from(["", "2026-01-31", "then"])}
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip
LISTED = {"anchor": "question", "positive": "pos", "negative": "neg", "score": "score", "time": "t"}


def check_nothing_lost(rows, collected) -> None:
    """Check that rows in = rows out + rejected, and that each rejected record is located."""
    ledger = collected.ledger.frame()
    drops = ledger[ledger["action"] == "drop"]
    assert collected.records_read == len(rows) == collected.records_kept + len(drops)
    assert set(drops["reason"]) <= set(FAULTS)

    # The line that is named holds the record.
    for place, before in zip(drops["after"], drops["before"], strict=True):
        number = int(place.removeprefix("data/raw/faq.jsonl, line "))
        assert json.loads(before)["question"] == rows[number - 1]["question"]
    assert drops["after"].is_unique

    # Each text of a row that is kept is in a document, each pair leads to one.
    texts = set(collected.documents["text"])
    rejected = {int(place.split("line ")[1]) for place in drops["after"]}
    notes = set(ledger.loc[ledger["action"] == "note", "after"])
    for number, row in enumerate(rows, 1):
        listed: list = []
        for value in (row["pos"], row["neg"]):
            listed += value if isinstance(value, list) else [value]
        row_texts = {text for text in listed if text and text.strip()}
        assert number in rejected or (row_texts and row_texts <= texts | notes)
    assert set(collected.pairs["doc_id"]) <= set(collected.documents["doc_id"])
    assert collected.pairs["pair_id"].is_unique
    assert collected.documents["doc_id"].is_unique
    assert ledger[["row_id", "seq"]].duplicated().sum() == 0


def read_rows(folder, rows, columns):
    content = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "faq.jsonl").write_text(content, "utf-8")
    return table.read_files(table_source("faq.jsonl", columns), ReadRequest("faq", folder))


@given(rows=ROWS, keyed=st.booleans())
def test_rows_in_are_rows_out_and_rejected(tmp_path_factory, rows, keyed):
    columns = {**LISTED, "key": "id"} if keyed else LISTED
    for row in rows:
        if isinstance(row["pos"], list):
            row["score"] = [row["score"]] * len(row["pos"])
    try:
        collected = read_rows(tmp_path_factory.mktemp("raw"), rows, columns)
    except UserError as error:
        assert f"none of its {len(rows)} rows can be used" in error.fact
        return
    check_nothing_lost(rows, collected)


def test_a_lost_record_is_noticed(tmp_path, monkeypatch):
    rows = [
        {"question": "a", "pos": "", "neg": "", "score": 1, "t": ""},
        {"question": "b", "pos": "x", "neg": "", "score": 1, "t": ""},
    ]
    check_nothing_lost(rows, read_rows(tmp_path, rows, LISTED))

    # Without the line in the ledger, and with the line of another record.
    with monkeypatch.context() as patch:
        patch.setattr(Rejections, "add", lambda *_: None)
        with pytest.raises(AssertionError):
            check_nothing_lost(rows, read_rows(tmp_path, rows, LISTED))
    with monkeypatch.context() as patch:
        patch.setattr(Place, "__str__", lambda _: "data/raw/faq.jsonl, line 2")
        with pytest.raises(AssertionError):
            check_nothing_lost(rows, read_rows(tmp_path, rows, LISTED))


@pytest.mark.parametrize(
    ("content", "pairs"),
    [
        ("question,answer\nWo?,Hier.\n", 1),
        ("question,answer\n" + "Wo?,Hier.\n" * 3, 3),
        ("question,answer\n" + "".join(f"q{n},Hier.\n" for n in range(3)), 3),
        ("\ufeffquestion,answer\n\ufeffWo?,Hier.\n", 1),
        ('question,answer\n"a\n\nb","c,""d"""\n\n\n', 1),
        ("answer,question,question2\nמה?,כן,x\n", 1),
        ("question,answer\nかな,東京\n", 1),
        ("question,answer\n\u202eabc,\u200f\u200e\n", 1),
    ],
)
def test_unusual_tables_are_read(read, content, pairs):
    assert len(read(content).pairs) == pairs


@pytest.mark.slow
@pytest.mark.parametrize("file", ["faq.jsonl", "faq.json", "faq.csv"])
def test_a_long_line_is_read(read, file):
    text = "Wörter " * 3_000_000
    content = json.dumps({"question": "q", "answer": text}, ensure_ascii=False)
    if file == "faq.csv":
        content = f"question,answer\nq,{text}\n"
    assert (
        read(f"[{content}]" if file == "faq.json" else content, file).documents["text"][0] == text
    )
