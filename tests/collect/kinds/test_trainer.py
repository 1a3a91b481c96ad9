"""Files of trainers, by layout: literals of other domains and scripts, dirty ones, and properties."""

import gzip
import io
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.records import document_id
from stages.lib.core.errors import UserError
from tests.collect.kinds.reading import contents, left_out, lines, pairs_of, read, texts_of
from tests.properties import examples


def trainer(content, file="a.jsonl", corpus=None, max_rejected_share=1.0, **settings):
    """Return the rows of one file, and of a corpus beside it."""
    files = {file: content}
    if corpus is not None:
        files["corpus.jsonl"] = corpus
        settings["corpus"] = "data/raw/corpus.jsonl"
    source = {"reader": "trainer", "path": f"data/raw/{file}", **settings}
    return read(source, files, max_rejected_share=max_rejected_share)


# Literals: the file, and (anchor, text, grade or score).
TEXTS = [
    # Sentence Transformers: pairs, triplets, several negatives, scores.
    ("anchor,positive\nWo ist das Büro?,Im zweiten Stock.\n", "a.csv",
     [("Wo ist das Büro?", "Im zweiten Stock.", 1.0)]),
    ("\ufeffanchor\tpositive\tnegative\nкак?\tтак\tнет\n", "a.tsv",
     [("как?", "так", 1), ("как?", "нет", 0)]),
    ("anchor,positive,negative_1,negative_2\r\nq,p,n,\r\n", "a.csv", [("q", "p", 1), ("q", "n", 0)]),
    ("sentence1,sentence2,score\na,b,0.25\nc,d,1\n", "a.csv", [("a", "b", 0.25), ("c", "d", 1.0)]),
    ("id,query,answer,label\n001,a,b,1\n002,c,d,0\n", "a.csv", [("a", "b", 1.0), ("c", "d", 0.0)]),
    # The order decides, not the name.
    ("answer,question\nYes.,Is it?\n", "a.csv", [("Yes.", "Is it?", 1.0)]),
    (lines({"dataset_name": "x", "anchor": "q", "positive": "p"}), "a.jsonl", [("q", "p", 1.0)]),
    (lines({"anchor": "痛みは？", "positive": ["薬です。", "休むこと。"], "negative": ["車です。"]}), "a.jsonl",
     [("痛みは？", "休むこと。", 1), ("痛みは？", "薬です。", 1), ("痛みは？", "車です。", 0)]),
    (lines({"query": "q", "docs": ["a", "b"], "labels": [1, 0]}), "a.jsonl", [("q", "a", 1.0), ("q", "b", 0.0)]),
    (lines({"text1": "a", "text2": "b", "label": True}, {"text1": "c", "text2": "d", "label": False}), "a.jsonl",
     [("a", "b", 1.0), ("c", "d", 0.0)]),
    (lines(["q", "p", "n"], ["r", "s", "t"]), "a.jsonl",
     [("q", "n", 0), ("q", "p", 1), ("r", "s", 1), ("r", "t", 0)]),
    (lines({"set": ["one", "two", "three"]}), "a.jsonl", [("one", "three", 1.0), ("one", "two", 1.0)]),
    (json.dumps([{"anchor": "a", "positive": "b"}], indent=2), "a.json", [("a", "b", 1.0)]),
    # A label beside negatives is the margin of a teacher.
    ("query,positive,negative,score\nq,p,n,7.5\n", "a.csv", [("q", "n", 0), ("q", "p", 1)]),
    # FlagEmbedding.
    (lines({"query": "q", "pos": ["a", "b"], "neg": ["c", "", "d"], "pos_scores": [9.1, 8]}), "a.jsonl",
     [("q", "a", 1), ("q", "b", 1), ("q", "c", 0), ("q", "d", 0)]),
    (lines({"query": "q", "pos": ["a"]}, {"pos": ["b"], "query": "r", "neg": None}), "a.json",
     [("q", "a", 1), ("r", "b", 1)]),
    (lines({"query": "ما هذا؟", "pos": ["هذا كتاب."], "neg": ["هذه شجرة."], "prompt": "p", "type": "normal"}),
     "a.jsonl", [("ما هذا؟", "هذا كتاب.", 1), ("ما هذا؟", "هذه شجرة.", 0)]),
    (lines({"query": "q", "pos": "one text", "neg": []}), "a.jsonl", [("q", "one text", 1)]),
    (lines({"query": 7, "pos": [1.10], "neg": [True]}), "a.jsonl", [("7", "1.1", 1), ("7", "true", 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "file", "expected"), TEXTS)
def test_rows_of_texts(content, file, expected):
    rows = trainer(content, file)
    assert pairs_of(rows) == sorted(expected)
    assert left_out(rows) == []


PASSAGES = [
    # Tevatron: passages in the rows, or ids of a corpus.
    (lines({"query_id": "1", "query": "q", "positive_passages": [{"docid": "d1", "title": "t", "text": "a"}],
            "negative_passages": [{"docid": "d2", "text": "b"}]}), None, [("q", "a", 1), ("q", "b", 0)]),
    (lines({"query": "q", "positive_passages": [{"text": "a"}], "negative_passages": []},
           {"query": "r", "positive_passages": [{"text": "a"}]}), None, [("q", "a", 1), ("r", "a", 1)]),
    (lines({"query_id": "1", "query_text": "q", "query_image": None, "positive_document_ids": ["001"],
            "negative_document_ids": [2], "answer": None}),
     lines({"docid": "001", "text": "a"}, {"docid": 2, "text": "b"}, {"docid": "3", "text": "c"}),
     [("q", "a", 1), ("q", "b", 0)]),
    # FlagEmbedding with ids: one document for each.
    (lines({"query": "q", "pos": ["a"], "pos_id": ["d1"], "neg": ["b"], "neg_id": ["d2"]},
           {"query": "r", "pos": ["b"], "pos_id": ["d2"], "neg": ["a"], "neg_id": ["d1"]}), None,
     [("q", "a", 1), ("q", "b", 0), ("r", "a", 0), ("r", "b", 1)]),
]  # fmt: skip
NEMO = {
    "corpus": {"path": "./corpus"},
    "data": [
        {"question_id": "q1", "question": "q", "corpus_id": "c", "pos_doc": [{"id": "d1"}], "neg_doc": ["d2"]},
        {"question_id": "q2", "question": "r", "corpus_id": "c", "pos_doc": [{"id": "d2"}], "neg_doc": []},
    ],
}  # fmt: skip
LLAMA_INDEX = {
    "queries": {"q1": "q", "q2": "r"},
    "corpus": {"n1": "a", "n2": "b", "n3": "c"},
    "relevant_docs": {"q1": ["n1", "n2"], "q2": ["n2"]},
    "mode": "text",
}


@pytest.mark.parametrize(("content", "corpus", "expected"), PASSAGES)
def test_rows_of_passages_with_ids(content, corpus, expected):
    rows = trainer(content, corpus=corpus)
    assert pairs_of(rows) == expected
    assert left_out(rows) == []
    assert rows.documents["doc_id"].is_unique


@pytest.mark.parametrize("indent", [None, 2])
def test_nemo(indent):
    corpus = lines({"id": "d1", "text": "a"}, {"id": "d2", "text": "b"})
    rows = trainer(json.dumps(NEMO, indent=indent), "a.json", corpus=corpus)
    assert pairs_of(rows) == [("q", "a", 1), ("q", "b", 0), ("r", "b", 1)]
    assert rows.documents["doc_id"].tolist() == [document_id("set", "d1"), document_id("set", "d2")]


@pytest.mark.parametrize("indent", [None, 4])
def test_llama_index(indent):
    rows = trainer(json.dumps(LLAMA_INDEX, indent=indent), "a.json")
    assert pairs_of(rows) == [("q", "a", 1), ("q", "b", 1), ("r", "b", 1)]
    assert texts_of(rows) == ["a", "b", "c"]


def test_parquet_and_compressed_files_give_the_same():
    row = {"query": "q", "pos": ["a"], "neg": ["b"]}
    stream = io.BytesIO()
    pd.DataFrame([row]).to_parquet(stream)
    expected = contents(trainer(lines(row)))
    assert contents(trainer(stream.getvalue(), "a.parquet")) == expected
    assert contents(trainer(gzip.compress(lines(row).encode()), "a.jsonl.gz")) == expected
    assert contents(trainer(lines(row).encode("utf-16"), encoding="utf-16")) == expected


# Dirty rows: what is left out, with its reason and place.
LEFT_OUT = [
    (lines({"query": "q", "pos": ["a"]}, {"query": "r", "pos": []}), None, [("empty_text", "a.jsonl, line 2")]),
    (lines({"query": "q", "pos": ["a"]}) + "\n" + lines({"query": "r", "pos": ["", " "]}), None,
     [("empty_text", "a.jsonl, line 3")]),
    # One id with two texts: one is kept, the other stands in the ledger.
    (lines({"query": "q", "positive_passages": [{"docid": "d", "text": "a"}, {"docid": "d", "text": "b"}]}), None,
     [("duplicate_key", "a.jsonl, line 1")]),
    # A negative of one row that is a positive of another row of the same query.
    (lines({"query_id": "1", "query": "q", "positive_passages": [{"docid": "d", "text": "a"}]},
           {"query_id": "1", "query": "q", "positive_passages": [{"docid": "e", "text": "b"}],
            "negative_passages": [{"docid": "d", "text": "a"}]}), None, [("duplicate_key", "a.jsonl, line 2")]),
    (lines({"query": "q", "positive_passages": [{"docid": "d", "text": "a"}]},
           {"query": "", "positive_passages": [{"docid": "d", "text": "a"}]}), None,
     [("empty_anchor", "a.jsonl, line 2")]),
    (lines({"query": "q", "positive_passages": [{"docid": "d", "text": "a"}]},
           {"query": "r", "positive_passages": [], "negative_passages": []}), None,
     [("unjudged_query", "a.jsonl, line 2")]),
    (lines({"query_text": "q", "positive_document_ids": ["d", "x", None]}), lines({"docid": "d", "text": "a"}),
     [("missing_key", "a.jsonl, line 1"), ("unknown_document", "a.jsonl, line 1")]),
    (lines({"query_text": "q", "positive_document_ids": ["d"]}),
     lines({"docid": "d", "text": "a"}, {"docid": "", "text": "b"}, {"docid": "e", "text": None}),
     [("empty_text", "corpus.jsonl, line 3"), ("missing_key", "corpus.jsonl, line 2")]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "corpus", "expected"), LEFT_OUT)
def test_what_cannot_be_used_stands_in_the_ledger_with_its_place(content, corpus, expected):
    rows = trainer(content, corpus=corpus)
    assert left_out(rows) == expected
    assert rows.records_read == rows.records_kept + len(expected)


def test_queries_of_llama_index_without_documents_and_documents_without_queries():
    value = {
        "queries": {"q1": "q", "q2": "r"},
        "corpus": {"n1": "a"},
        "relevant_docs": {"q1": ["n1"], "q9": ["n1"]},
    }
    assert left_out(trainer(json.dumps(value), "a.json")) == [
        ("unjudged_query", "a.json, queries, row 2"),
        ("unknown_query", "a.json, relevant_docs, row 2"),
    ]


def test_a_label_is_on_the_scale_of_the_settings():
    content = "sentence1,sentence2,score\na,b,5\nc,d,0\ne,f,1.0\n"
    rows = trainer(content, "a.csv", score_range=[0, 5])
    assert pairs_of(rows) == [("a", "b", 1.0), ("c", "d", 0.0), ("e", "f", 0.2)]
    with pytest.raises(UserError, match=r"row 1: column 'score' holds '5'.*outside 0 to 1"):
        trainer(content, "a.csv")


def test_the_split_of_the_settings_is_that_of_all_pairs():
    rows = trainer(lines({"query": "q", "pos": ["a"], "neg": ["b"]}), split="test")
    assert rows.given_splits["split"].tolist() == ["test", "test"]


# Broken files and wrong settings: the file, its place, and what to do.
ERRORS = [
    ("", {}, "a.jsonl is empty"),
    ("\n \n", {}, "a.jsonl holds no rows"),
    ("anchor,positive\n", {"file": "a.csv"}, "a.csv holds no rows"),
    ("anchor,positive\na,b\nc\n", {"file": "a.csv"}, "a.csv, line 3: 1 fields where the header has 2"),
    ("anchor,anchor\na,b\n", {"file": "a.csv"}, "line 1: more than one column is called 'anchor'"),
    ("text,label\na,1\n", {"file": "a.csv"}, "a pair needs two columns of texts; found 'text', 'label'"),
    (lines({"a": "x", "b": "y"}, {"b": "x", "a": "y"}), {}, "the columns stand in the order"),
    ('{"query": "q", "pos": ["a"]}\n{"query": \n', {}, "a.jsonl, line 2: this is not JSON"),
    ('7\n', {}, "line 1: '7' is no object"),
    (lines({"query": ["q"], "pos": ["a"]}), {}, "line 1: column 'query' holds a list, not a text"),
    (lines({"query": "q", "pos": [{"text": "a"}]}), {}, "line 1: column 'pos' holds a dict, not a text"),
    (lines({"query": "q", "pos": ["a", "b"], "pos_id": ["1"]}), {}, "'pos_id' holds 1 ids where 'pos' holds 2 texts"),
    (lines({"query": "q", "positive_passages": "a"}), {}, "'positive_passages' holds no list but 'a'"),
    (lines({"query": "q", "positive_passages": ["a"]}), {}, "holds 'a', which is no passage"),
    (lines({"query_text": "q", "positive_document_ids": ["d"]}), {}, "its rows name their passages by ids"),
    (lines({"query": "q", "answer": "a"}), {"layout": "flag_embedding"}, "there is no 'pos'; found 'query', 'answer'"),
    (lines({"query": "q", "pos": ["a"]}), {"layout": "tevatron"}, "there is no 'positive_passages' or 'positive_document_ids'"),
    (lines({"query": "q", "pos": ["a"]}), {"layout": "nemo"}, "is no file of the layout nemo"),
    (lines({"query": "q", "pos": ["a"]}), {"corpus": "{}"}, "corpus has no meaning for the layout flag_embedding"),
    (lines({"query": "q", "pos": ["a"]}), {"score_range": [0, 5]}, "score_range has no meaning"),
    ('{"queries": {"1": "q"}, "corpus": {"d": "a", "d": "b"}, "relevant_docs": {}}', {"file": "a.json"},
     "a.json: the key 'd' stands twice, with two values"),
    ('{"queries": {}, "corpus": [], "relevant_docs": {}}', {"file": "a.json"}, "there is no object 'corpus'"),
    ('{"queries": {}, "corpus": {}, "relevant_docs": {}}', {"file": "a.json"}, "a.json holds no rows"),
    (json.dumps({**LLAMA_INDEX, "mode": "text_image"}), {"file": "a.json"}, "its mode is 'text_image'"),
    (json.dumps({**NEMO, "data": 7}), {"file": "a.json", "corpus": lines({"id": "d1", "text": "a"})},
     "there is no list 'data'"),
    (json.dumps({**NEMO, "data": [{"question": "q"}]}), {"file": "a.json", "corpus": lines({"id": "d", "text": "a"})},
     "a.json, row 1: there is no 'question' with 'pos_doc'"),
    (json.dumps(NEMO), {"file": "a.json", "corpus": lines({"key": "d1", "text": "a"})}, "a corpus has a column of ids"),
    (json.dumps(NEMO).replace('"c"', '"e"', 1), {"file": "a.json", "corpus": lines({"id": "d1", "text": "a"})},
     "ids of two corpora may clash"),
    ("a" * 10, {"file": "a.txt"}, "ends in none of .csv, .tsv, .jsonl, .json, .parquet"),
    (b"PAR1", {"file": "a.parquet"}, "is not a readable Parquet file"),
    (b'{"query": "\xff"}', {}, "line 1: this is not utf-8"),
    ("[" * 100_000, {}, "line 1: this is not JSON"),
    ("{" * 10, {"file": "a.json"}, "a.json, line 1: this is not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "settings", "fact"), ERRORS)
def test_a_broken_file_and_a_wrong_setting_are_named(content, settings, fact):
    with pytest.raises(UserError) as error:
        trainer(content, **settings)
    assert fact in str(error.value)


def test_too_many_rejected_rows_are_shown_with_what_to_do():
    content = lines({"query": "q", "pos": ["a"]}, {"query": "r", "pos": []})
    with pytest.raises(UserError) as error:
        trainer(content, max_rejected_share=0.1)
    assert "a.jsonl, line 2 (empty_text)" in str(error.value)
    assert "correct the file, or name another layout" in str(error.value)


TEXT = st.sampled_from(["", " ", "a", "b", "ß", "ф", "痛み", "None", "001", "a\nb"])
ID = st.sampled_from(["", "1", "01", "x", "é"])
PASSAGE = st.fixed_dictionaries({"docid": ID, "text": TEXT}, optional={"title": TEXT})
LISTS = st.lists(TEXT, max_size=3)
ROWS = {
    "flag_embedding": st.fixed_dictionaries({"query": TEXT, "pos": LISTS}, optional={"neg": LISTS}),
    "tevatron": st.fixed_dictionaries(
        {"query_id": ID, "query": TEXT, "positive_passages": st.lists(PASSAGE, max_size=3)},
        optional={"negative_passages": st.lists(PASSAGE, max_size=3)},
    ),
    # The order of the columns counts.
    "sentence_transformers": st.tuples(TEXT, TEXT, TEXT).map(
        lambda texts: dict(zip(("anchor", "positive", "negative"), texts, strict=True))
    ),
}


@pytest.mark.parametrize("layout", ROWS)
@examples(100)
@given(data=st.data())
def test_rows_are_kept_or_located_and_their_order_has_no_effect(layout, data):
    values = data.draw(st.lists(ROWS[layout], min_size=1, max_size=6))
    shuffled = data.draw(st.permutations(values))
    try:
        rows = trainer(lines(*values), layout=layout)
    except UserError as error:
        # Nothing at all can be used, in whatever order.
        assert "can be used" in str(error)
        with pytest.raises(UserError, match="can be used"):
            trainer(lines(*shuffled), layout=layout)
        return

    assert contents(trainer(lines(*shuffled), layout=layout)) == contents(rows)
    places = left_out(rows)
    assert rows.records_read == rows.records_kept + len(places)
    assert all("a.jsonl, line " in place for _, place in places)

    # Each text that a row holds is a document, or its record is in the ledger.
    assert rows.documents["doc_id"].is_unique
    assert rows.pairs["pair_id"].is_unique
