"""A protected text is in no training row, in none of its versions."""

import json
from pathlib import Path

import pandas as pd
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints
from stages.lib.text.held_out import HeldOutMatch
from stages.lib.text.normal_form import normal_form, similarity
from stages.split.constraints import match_protected, read_protected
from tests.split.faq import (
    LONG,
    d,
    documents,
    metrics,
    nine_documents,
    p,
    pairs,
    run,
    splits,
    text,
    written,
)

FILES = {
    "a.txt": "Reset it\n\nCall us\n",
    "a.csv": 'id,text\n1,Reset it\n2,"Call us"\n',
    "a.jsonl": '{"text": "Reset it"}\n\n{"text": "Call us", "id": 2}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read(tmp_path, name):
    (tmp_path / name).write_text(FILES[name], "utf-8")
    assert [
        text_line.strip() for text_line in read_protected([f"data/protected/{name}"], tmp_path)
    ] == [
        "Call us",
        "Reset it",
    ]


def test_parquet_is_read(tmp_path):
    pd.DataFrame({"text": ["Reset it", None]}).to_parquet(tmp_path / "a.parquet")
    assert read_protected(["data/protected/a.parquet"], tmp_path) == ["Reset it"]


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("data/raw/a.txt", "x", "split.protect names 'data/raw/a.txt'"),
        ("data/protected/../raw/a.txt", "x", "split.protect names"),
        ("data/protected/a.xlsx", "x", "split.protect names"),
        ("data/protected/other.txt", "x", "does not exist"),
        ("data/protected/a.txt", "\n \n", "holds no text"),
        ("data/protected/a.csv", "id\n1\n", "there is no column 'text'"),
        (
            "data/protected/a.jsonl",
            '{"text": "x"}\n{"id": 1}\n',
            "a.jsonl, line 2: there is no column 'text'",
        ),
        ("data/protected/a.jsonl", '{"text": "x"}\nx\n', "a.jsonl, line 2: this is not JSON"),
        ("data/protected/a.parquet", "x", "is not a Parquet file"),
    ],
)
def test_a_file_that_protects_nothing_is_a_problem(tmp_path, name, content, fact):
    (tmp_path / f"a{Path(name).suffix}").write_text(content, "utf-8")
    with pytest.raises(UserError, match=fact):
        read_protected([name], tmp_path)


def d_of_protected(protected_text):
    return "d" + hash_hex("protected", hash_hex(normal_form(protected_text)))


def test_equal_and_near_texts_match_in_every_version_of_a_row():
    anchors = {p(1): ["<b>reset</b> it", "reset it"], p(2): ["Call them"]}
    texts = {d(1): [LONG + " please"], d(2): ["CD4+"]}
    actual = match_protected(sorted(["Reset it!", LONG, "CD4-"]), [anchors, texts], 0.8)
    ids = {name: d_of_protected(name) for name in ("Reset it!", LONG)}
    assert actual == {
        p(1): HeldOutMatch("equal", ids["Reset it!"], 1.0),
        d(1): HeldOutMatch("near", ids[LONG], 11 / 12),
    }
    assert similarity(LONG, LONG + " please") == 11 / 12
    assert match_protected([], [anchors, texts], 0.8) == {}


@pytest.fixture
def protected(project):
    def write(*lines):
        Path("data/protected").mkdir(parents=True)
        Path("data/protected/exam.txt").write_text("\n".join(lines) + "\n", "utf-8")
        return ["data/protected/exam.txt"]

    return write


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["component", "anchor"])
def test_protected_components_leave_and_row_accounting_balances(protected, unit):
    names, document_table, pair_table = nine_documents()
    # Twice as many questions, so that each unit has held-out ones; of the first document two.
    more = [f"{index}" for index in range(50_000, 50_060)]
    document_table = pd.concat([document_table, documents(*((name, text(name)) for name in more))])
    pair_table = pd.concat(
        [
            pair_table,
            pairs(("again", text("again"), names[0])),
            pairs(*((name, text(f"{name}?"), name) for name in more)),
        ]
    )
    assert run(document_table, pair_table, unit=unit).exit_code == 0
    before = splits()
    texts = dict(zip(document_table["doc_id"], document_table["text"], strict=True)) | dict(
        zip(pair_table["pair_id"], pair_table["anchor"], strict=True)
    )
    trained = sorted(
        row_id for row_id, split in before.items() if split == "train" and row_id in texts
    )
    by_text = next(
        row_id
        for row_id in trained
        if row_id.startswith("d") and row_id not in (d(names[0]), d("loose"))
    )
    by_anchor = next(
        row_id
        for row_id in reversed(trained)
        if row_id.startswith("p") and row_id not in (p(names[0]), p("again"))
    )
    held = next(
        row_id
        for row_id, split in sorted(before.items())
        if split == "test" and row_id.startswith("p")
    )
    protected_texts = [
        texts[by_text].upper(),
        texts[by_anchor] + "!",
        text("loose"),
        texts[held],
        text(names[0]),
    ]
    result = run(document_table, pair_table, unit=unit, protect=protected(*protected_texts))
    assert (result.exit_code, result.output) == (0, "")
    after = splits()
    assert (
        after[by_anchor] == after[by_text] == after[d("loose")] == after[d(names[0])] == "protected"
    )
    assert after[p(names[0])] == after[p("again")] == "protected"
    assert after[held] == "test"
    # Nothing that training can meet holds one of the texts: neither a pair nor a document as a negative.
    seen = [
        row_id
        for row_id, split in after.items()
        if split == "train" or (split == "corpus" and row_id.startswith("d"))
    ]
    assert (
        match_protected(protected_texts, [{row_id: [texts[row_id]] for row_id in seen}], 0.8) == {}
    )

    dropped = written(Ledger, "ledger").query("reason == 'protected'")
    gone = {
        row_id
        for row_id, split in before.items()
        if split == "train" and row_id.startswith("p") and after[row_id] == "protected"
    }
    assert set(dropped["row_id"]) >= gone and len(dropped) == metrics()["dropped.protected"] >= 4
    assert metrics()["rows_in"] == metrics()["rows_out"] + metrics()["dropped.protected"]
    assert metrics()["leaked_texts"] == 0


@pytest.mark.slow
def test_later_stages_know_protected_texts_by_their_fingerprints(protected):
    _, document_table, pair_table = nine_documents()
    assert run(document_table, pair_table, protect=protected("Secret exam")).exit_code == 0
    actual = written(Fingerprints, "fingerprints").query("split == 'protected'")
    form = hash_hex("secret exam")
    assert actual[["id", "normal_hash"]].to_numpy().tolist() == [
        ["d" + hash_hex("protected", form), form]
    ]
    assert "ecret" not in json.dumps(actual.astype("str").to_dict("records"))


def test_a_missing_file_stops_the_command(project):
    _, document_table, pair_table = nine_documents()
    result = run(document_table, pair_table, protect=["data/protected/exam.txt"])
    assert result.exit_code == 1
    assert "data/protected/exam.txt, which split.protect names, does not exist" in result.stderr
    assert not Path("data/split").exists()
