"""A protected text stands in no row of training, in no shape that this project can tell."""

import json
from pathlib import Path

import pandas as pd
import pytest

from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.errors import Problem
from stages.lib.text import hash_hex, similarity
from stages.split.protect import Match, matches, read_protected
from tests.split.faq import (
    LONG,
    d,
    documents,
    metrics,
    p,
    pairs,
    run,
    splits,
    text,
    told_and_asked,
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
    assert [one.strip() for one in read_protected([f"data/protected/{name}"], tmp_path)] == [
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
    with pytest.raises(Problem, match=fact):
        read_protected([name], tmp_path)


def test_equal_and_near_texts_match_in_every_shape_that_a_row_has_had():
    anchors = {p(1): ["<b>reset</b> it", "reset it"], p(2): ["Call them"]}
    texts = {d(1): [LONG + " please"], d(2): ["CD4+"]}
    found = matches(sorted(["Reset it!", LONG, "CD4-"]), [anchors, texts], 0.8)
    assert found == {p(1): Match(1.0, 1), d(1): Match(11 / 12, 2)}
    assert similarity(LONG, LONG + " please") == 11 / 12
    assert matches([], [anchors, texts], 0.8) == {}


@pytest.fixture
def protected(project):
    def write(*lines):
        Path("data/protected").mkdir(parents=True)
        Path("data/protected/exam.txt").write_text("\n".join(lines) + "\n", "utf-8")
        return ["data/protected/exam.txt"]

    return write


@pytest.mark.parametrize("unit", ["component", "anchor"])
def test_protected_components_leave_training_and_the_sums_balance(protected, unit):
    names, frame, asked = told_and_asked()
    # Twice as many questions, so that each unit has held-out ones; of the first document two.
    more = [f"{at}" for at in range(50_000, 50_060)]
    frame = pd.concat([frame, documents(*((name, text(name)) for name in more))])
    asked = pd.concat(
        [
            asked,
            pairs(("again", text("again"), names[0])),
            pairs(*((name, text(f"{name}?"), name) for name in more)),
        ]
    )
    assert run(frame, asked, unit=unit).exit_code == 0
    before = splits()
    texts = dict(zip(frame["doc_id"], frame["text"], strict=True)) | dict(
        zip(asked["pair_id"], asked["anchor"], strict=True)
    )
    trained = sorted(i for i, split in before.items() if split == "train" and i in texts)
    by_text = next(i for i in trained if i.startswith("d") and i not in (d(names[0]), d("loose")))
    by_anchor = next(
        i for i in reversed(trained) if i.startswith("p") and i not in (p(names[0]), p("again"))
    )
    held = next(i for i, split in sorted(before.items()) if split == "test" and i.startswith("p"))
    secrets = [
        texts[by_text].upper(),
        texts[by_anchor] + "!",
        text("loose"),
        texts[held],
        text(names[0]),
    ]
    result = run(frame, asked, unit=unit, protect=protected(*secrets))
    assert (result.exit_code, result.output) == (0, "")
    after = splits()
    assert (
        after[by_anchor] == after[by_text] == after[d("loose")] == after[d(names[0])] == "protected"
    )
    assert after[p(names[0])] == after[p("again")] == "protected"
    assert after[held] == "test"
    # Nothing that training can meet holds one of the texts: neither a pair nor a document as a negative.
    met = [
        i
        for i, split in after.items()
        if split == "train" or (split == "corpus" and i.startswith("d"))
    ]
    assert matches(secrets, [{i: [texts[i]] for i in met}], 0.8) == {}

    dropped = written(LedgerTable, "ledger").query("reason == 'protected'")
    gone = {
        i
        for i, split in before.items()
        if split == "train" and i.startswith("p") and after[i] == "protected"
    }
    assert set(dropped["row_id"]) >= gone and len(dropped) == metrics()["dropped.protected"] >= 4
    assert metrics()["rows_in"] == metrics()["rows_out"] + metrics()["dropped.protected"]
    assert metrics()["leaked_texts"] == 0


def test_later_stages_know_protected_texts_by_their_fingerprints(protected):
    _, frame, asked = told_and_asked()
    assert run(frame, asked, protect=protected("Secret exam")).exit_code == 0
    found = written(Fingerprints, "fingerprints").query("split == 'protected'")
    form = hash_hex("secret exam")
    assert found[["id", "normal_hash"]].to_numpy().tolist() == [
        [letter + hash_hex("protected", form), form] for letter in "dp"
    ]
    assert "ecret" not in json.dumps(found.astype("str").to_dict("records"))


def test_a_missing_file_stops_the_command(project):
    _, frame, asked = told_and_asked()
    result = run(frame, asked, protect=["data/protected/exam.txt"])
    assert result.exit_code == 1
    assert "data/protected/exam.txt, which split.protect names, does not exist" in result.stderr
    assert not Path("data/split").exists()
