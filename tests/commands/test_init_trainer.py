"""init takes the files of trainers, and `collect` reads them without an editor."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.collect.__main__ import app as collect
from stages.commands.init.trainer import recognise_trainer
from stages.lib.core.errors import UserError
from tests.collect.kinds.reading import lines
from tests.commands.test_init import clone, init, params, tree  # noqa: F401  the fixture

PARTS = ["Ventil", "Pumpe", "насос", "弁", "صمام", "rotor", "bearing", "piston"]
FLAG = [
    {
        "query": f"How is the {part} replaced?",
        "pos": [f"Open the cover, and pull out the {part}."],
        "neg": [f"The {part} costs 12 euros."],
        "pos_scores": [0.9],
        "prompt": "Represent this:",
    }
    for part in PARTS
]
TEVATRON = [
    {"query_id": str(index), "query_text": row["query"], "positive_document_ids": [f"d{index}"], "answer": None}
    for index, row in enumerate(FLAG)
]  # fmt: skip
NEMO = {
    "corpus": {"path": "./corpus/"},
    "data": [
        {"question_id": str(index), "question": row["query"], "corpus_id": "c", "pos_doc": [{"id": f"d{index}"}],
         "neg_doc": [], "source": "x"}
        for index, row in enumerate(FLAG)
    ],
}  # fmt: skip
LLAMA_INDEX = {
    "queries": {str(index): row["query"] for index, row in enumerate(FLAG)},
    "corpus": {f"d{index}": row["pos"][0] for index, row in enumerate(FLAG)},
    "relevant_docs": {str(index): [f"d{index}"] for index in range(len(FLAG))},
    "mode": "text",
}
DOCUMENTS = [{"id": f"d{index}", "text": row["pos"][0]} for index, row in enumerate(FLAG)]


@pytest.fixture
def folder(tmp_path_factory):
    """Return a folder outside of the project."""
    return tmp_path_factory.mktemp("own")


def collected():
    """Run `collect` in this project, and return the number of documents and of pairs."""
    result = CliRunner().invoke(collect, [])
    assert result.exit_code == 0, result.output
    tables = [pd.read_parquet(f"data/collect/{name}.parquet") for name in ("documents", "pairs")]
    return tuple(len(table) for table in tables)


def test_a_file_of_flag_embedding_becomes_the_data(clone, folder):  # noqa: F811
    (folder / "toy data.jsonl").write_text(lines(*FLAG), "utf-8")
    result = init(folder / "toy data.jsonl", "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"] == {
        "toy_data": {"reader": "trainer", "layout": "flag_embedding", "path": "data/raw/toy_data.jsonl"}
    }  # fmt: skip
    assert "not read: 'pos_scores', 'prompt'" in result.output
    assert "query: How is the " in result.output
    assert "8 records: 16 documents and 16 pairs" in result.output
    assert collected() == (16, 16)

    before = tree()
    assert "Nothing to change" in init(folder / "toy data.jsonl", "--yes").output
    assert tree() == before


# The files, the one that is named, its settings, and the numbers of documents and pairs.
LAYOUTS = [
    ({"a.csv": "anchor;positive;negative\n" + "".join(f"{p}?;{p}.;Kein {p}\n" for p in PARTS)}, "a.csv",
     {"layout": "sentence_transformers", "delimiter": ";"}, (16, 16)),
    ({"a.tsv": "sentence1\tsentence2\tscore\n" + "".join(f"Das {p} ist\tEs ist {p}\t{i % 6}\n" for i, p in enumerate(PARTS))},
     "a.tsv", {"layout": "sentence_transformers", "score_range": [0.0, 5.0]}, (8, 8)),
    ({"a.jsonl": lines(*([row["query"], row["pos"][0]] for row in FLAG))}, "a.jsonl",
     {"layout": "sentence_transformers"}, (8, 8)),
    ({"a.jsonl": lines(*TEVATRON), "a_corpus.jsonl": lines(*DOCUMENTS)}, "a.jsonl",
     {"layout": "tevatron", "corpus": "data/raw/a_corpus/a_corpus.jsonl"}, (8, 8)),
    ({"train.json": json.dumps(NEMO, indent=2), "corpus/train.jsonl": lines(*DOCUMENTS),
      "corpus/merlin_metadata.json": "{}"}, ".", {"layout": "nemo"}, (8, 8)),
    ({"a.json": json.dumps(LLAMA_INDEX, indent=4)}, "a.json", {"layout": "llama_index"}, (8, 8)),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
def test_every_layout_becomes_the_data(clone, folder, layout):  # noqa: F811
    files, named, settings, counts = LAYOUTS[layout]
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    result = init(folder / named, "--yes")
    assert result.exit_code == 0, result.output
    source = next(iter(params()["collect"]["sources"].values()))
    assert source["reader"] == "trainer"
    assert settings.items() <= source.items()
    assert collected() == counts


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "question,answer\nWho?,He.\n"),
        ("a.csv", "anchor\nWho?\n"),
        ("a.csv", "sentence,label\nWho?,1\n"),
        ("a.csv", "premise,hypothesis,label\na,b,0\nc,d,2\n"),
        ("a.csv", "sentence1,sentence2,label\na,b,0\nc,d,1\ne,f,2\n"),
        ("a.csv", ""),
        ("a.csv", "anchor,positive\n"),
        ("a.jsonl", '{"id": 1, "text": "x"}\n'),
        ("a.jsonl", "broken\n"),
        ("a.json", "[]"),
        ("a.json", '{"a": {"b": 1}}'),
        ("a.txt", "anchor,positive\na,b\n"),
        ("a.xlsx", "PK"),
        ("a.parquet", "PAR1"),
        ("corpus.jsonl", '{"_id": "1", "text": "x"}\n'),
    ],
)
def test_what_is_no_file_of_a_trainer_is_left_to_other_kinds(folder, name, content):
    (folder / name).write_text(content, "utf-8")
    assert recognise_trainer(str(folder / name), []) is None


def test_names_that_are_used_and_patterns_of_files(folder):
    (folder / "a.jsonl").write_text(lines(*FLAG), "utf-8")
    assert recognise_trainer(str(folder / "a.jsonl"), ["a"]).name == "a_2"
    assert recognise_trainer(str(folder / "*.jsonl"), []) is None
    assert recognise_trainer(str(folder / "missing.jsonl"), []) is None


def test_another_encoding_is_guessed(folder):
    content = lines(*FLAG).encode("utf-16")
    (folder / "a.jsonl").write_bytes(content)
    assert recognise_trainer(str(folder / "a.jsonl"), []).settings()["encoding"] == "utf-16"


def test_ids_without_a_corpus_say_where_to_put_it(folder):
    (folder / "a.jsonl").write_text(lines(*TEVATRON), "utf-8")
    with pytest.raises(UserError, match=r"there is no corpus at .*corpus\.jsonl"):
        recognise_trainer(str(folder / "a.jsonl"), [])


def test_a_person_names_another_layout(folder, monkeypatch):
    (folder / "a.jsonl").write_text(
        lines({"query": "q", "positive": "p", "pos": ["a"], "neg": ["b"]}), "utf-8"
    )
    confirmed = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(confirmed))
    layouts = iter(["unknown", "sentence_transformers"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(layouts))
    guess = recognise_trainer(str(folder / "a.jsonl"), [])
    assert guess.layout == "flag_embedding"
    assert guess.ask().layout == "sentence_transformers"


def test_answers_are_shown_before_negatives_and_both_are_counted(clone, tmp_path):  # noqa: F811
    """A person who sees three wrong pairs first would take the file for misread."""
    rows = [
        {"query": f"What is a {name}?", "pos": [f"A {name} is a plant."], "neg": negatives(name)}
        for name in ("fern", "moss", "reed", "lily", "rose", "sage", "mint", "dill")
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = init(tmp_path / "rows.jsonl", "--yes")
    assert result.exit_code == 0, result.output
    assert result.output.count("(grade 1)") == 3
    assert "(grade 0)" not in result.output
    assert (
        "8 records: 32 documents and 32 pairs; 24 of them say that a document is no answer: hard "
        "negatives"
    ) in result.output


def negatives(name):
    return [f"A {thing} is no {name}." for thing in ("stone", "nail", "cup")]
