"""Test collections in the forms of BEIR, MS MARCO and TREC."""

import gzip
import io
import json
from pathlib import PurePosixPath

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.kinds.beir_files import known_split, role_of
from stages.collect.kinds.trec_topics import read_topics
from stages.collect.records import document_id
from stages.lib.core.errors import UserError
from tests.collect.kinds.reading import contents, left_out, lines, pairs_of, read, texts_of
from tests.properties import examples

CORPUS = lines(
    {"_id": "d1", "title": "Pumps", "text": "A pump moves water."},
    {"_id": "d2", "title": "", "text": "Ein Ventil regelt den Druck.", "metadata": {"url": "x"}},
    {"_id": "003", "title": "弁", "text": "弁は流れを止める。"},
)
QUERIES = lines(
    {"_id": "q1", "text": "What moves water?"}, {"_id": "q2", "text": "何が流れを止めるか"}
)


def parquet(names, rows):
    """Return the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pd.DataFrame(rows, columns=names).to_parquet(buffer)
    return buffer.getvalue()


QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\t003\t1\n"
EXPECTED = [
    ("What moves water?", "A pump moves water.", 2),
    ("What moves water?", "Ein Ventil regelt den Druck.", 0),
    ("何が流れを止めるか", "弁は流れを止める。", 1),
]


def beir(corpus=CORPUS, queries=QUERIES, qrels=QRELS, names=None, named=None, **settings):
    """Return the rows of a set of three files. `names`: their paths in the folder."""
    corpus_name, queries_name, qrels_name = names or (
        "corpus.jsonl",
        "queries.jsonl",
        "qrels/test.tsv",
    )
    files = {
        f"scifact/{corpus_name}": corpus,
        f"scifact/{queries_name}": queries,
        f"scifact/{qrels_name}": qrels,
    }
    source = {"reader": "beir", "path": "data/raw/scifact", **settings, **(named or {})}
    return read(source, files)


def test_documents_queries_and_judgements_come_in_as_they_are():
    rows = beir()
    assert pairs_of(rows) == EXPECTED
    assert sorted(rows.documents["title"]) == ["", "Pumps", "弁"]
    assert set(rows.given_splits["split"]) == {"test"}
    assert sorted(rows.grades["role"]) == ["irrelevant", "positive", "positive"]
    assert rows.documents["doc_id"].tolist() == sorted(
        document_id("set", key) for key in ("003", "d1", "d2")
    )
    assert (rows.records_read, rows.records_kept) == (6, 6)


def test_documents_that_no_judgement_names_come_in_and_queries_without_one_are_noted():
    corpus = CORPUS + lines(
        *({"_id": f"x{index}", "text": f"Text {index}."} for index in range(40))
    )
    queries = QUERIES + lines({"_id": "q3", "text": "Who?"})
    rows = beir(corpus, queries)
    assert len(rows.documents) == 43
    assert left_out(rows) == [("unjudged_query", "scifact/queries.jsonl, line 3")]


# The same set in other forms: the three files, their names, and settings.
FORMS = [
    (CORPUS, QUERIES, QRELS, ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"), {}),
    ("\ufeff" + CORPUS, QUERIES.replace("\n", "\r\n"), "\ufeff" + QRELS.replace("\n", "\r\n"), None, {}),
    (gzip.compress(CORPUS.encode()), gzip.compress(QUERIES.encode()), gzip.compress(QRELS.encode()),
     ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels/test.tsv.gz"), {}),
    # Lines of TREC, with tabs and with spaces, and without a header.
    (CORPUS, QUERIES, "q1 0 d1 2\nq1 0 d2 0\nq2 0 003 1\n", ("corpus.jsonl", "queries.jsonl", "qrels.test.txt"), {}),
    (CORPUS, QUERIES, "q1\t0\td1\t2\nq1\tQ0\td2\t0\n\nq2\t0\t003\t1", None, {}),
    (CORPUS, QUERIES, "q1\td1\t2\nq1\td2\t0\nq2\t003\t1\n", None, {}),
    (CORPUS, QUERIES, 'query-id\tcorpus-id\tscore\n"q1"\t"d1"\t2\nq1\td2\t0.0\nq2\t003\t1\n', None, {}),
    # MS MARCO.
    ("d1\tA pump moves water.\nd2\tEin Ventil regelt den Druck.\n003\t弁は流れを止める。\n",
     "q1\tWhat moves water?\nq2\t何が流れを止めるか\n", "q1\t0\td1\t2\nq1\t0\td2\t0\nq2\t0\t003\t1\n",
     ("collection.tsv", "queries.test.tsv", "qrels.test.tsv"), {}),
    ("id\ttext\ttitle\nd1\tA pump moves water.\tPumps\nd2\tEin Ventil regelt den Druck.\t\n003\t弁は流れを止める。\t弁\n",
     "qid\ttext\nq1\tWhat moves water?\nq2\t何が流れを止めるか\n", QRELS,
     ("corpus.tsv", "queries.tsv", "qrels/test.tsv"), {}),
    # Topics of TREC, in the old form and in XML.
    (CORPUS, "<top>\n<num> Number: q1\n<title> What moves\n water?\n<desc> Description:\nLong.\n</top>\n\n"
     "<top>\n<num>q2</num>\n<title>何が流れを止めるか</title>\n</top>\n", QRELS,
     ("corpus.jsonl", "topics.test.txt", "qrels/test.tsv"), {}),
    (CORPUS, '<?xml version="1.0"?>\n<topics task="x">\n<topic number="q1"><query>What moves water?</query>'
     "<question>Q?</question></topic>\n<topic number='q2'>何が流れを止めるか</topic></topics>", QRELS,
     ("corpus.jsonl", "topics.xml", "qrels/test.tsv"), {}),
    # Other names, which the settings give.
    (CORPUS, QUERIES, QRELS, ("texts.jsonl", "asked.jsonl", "judged.tsv"),
     {"corpus": ["texts.jsonl"], "queries": ["asked.jsonl"], "qrels": ["judged.tsv"], "split_names": {"judged": "test"}}),
    (CORPUS.replace("_id", "docid"), QUERIES.replace("_id", "query_id"), QRELS, None, {}),
    (json.dumps([json.loads(line) for line in CORPUS.splitlines()]), QUERIES, QRELS,
     ("corpus.json", "queries.jsonl", "qrels/test.tsv"), {}),
    # Judgements in rows of columns with names, as copies on a hub have them.
    (CORPUS, QUERIES, lines(
        {"query-id": "q1", "corpus-id": "d1", "score": 2}, {"query-id": "q1", "corpus-id": "d2", "score": 0.0},
        {"query-id": "q2", "corpus-id": "003", "score": 1}), ("corpus.jsonl", "queries.jsonl", "qrels/test.jsonl"), {}),
    (CORPUS, QUERIES, QRELS.replace("\t", ","), ("corpus.jsonl", "queries.jsonl", "qrels-test.csv"), {}),
    (parquet(["_id", "title", "text"], [["d1", "Pumps", "A pump moves water."], ["d2", "", "Ein Ventil regelt den Druck."],
                                        ["003", "弁", "弁は流れを止める。"]]),
     parquet(["_id", "text"], [["q1", "What moves water?"], ["q2", "何が流れを止めるか"]]),
     parquet(["query-id", "corpus-id", "score"], [["q1", "d1", 2], ["q1", "d2", 0], ["q2", "003", 1]]),
     ("corpus.parquet", "queries-test.parquet", "qrels-test.parquet"), {}),
    (CORPUS.encode("utf-16"), QUERIES.encode("utf-16"), QRELS.encode("utf-16"), None, {"encoding": "utf-16"}),
]  # fmt: skip


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_other_forms_of_the_same_set_give_the_same_rows(form):
    corpus, queries, qrels, names, settings = FORMS[form]
    rows = beir(corpus, queries, qrels, names, named=settings)
    assert pairs_of(rows) == EXPECTED
    assert set(rows.given_splits["split"]) == {"test"}
    assert left_out(rows) == []


# Dirty ones: corpus, queries and qrels, and what is left out.
LEFT_OUT = [
    ({"qrels": QRELS + "q9\td1\t1\n"}, [("unknown_query", "scifact/qrels/test.tsv, line 5")]),
    ({"qrels": QRELS + "q1\t003\t-1\nq2\td1\t-2\n"},
     [("negative_grade", "scifact/qrels/test.tsv, line 5"), ("negative_grade", "scifact/qrels/test.tsv, line 6")]),
    ({"qrels": QRELS + "q1\td1\t2\n"}, [("duplicate_key", "scifact/qrels/test.tsv, line 5")]),
    ({"qrels": QRELS + "q1\t003\tNaN\n"}, [("bad_grade", "scifact/qrels/test.tsv, line 5")]),
    ({"qrels": QRELS + "q2\t\t1\n"}, [("missing_key", "scifact/qrels/test.tsv, line 5")]),
    ({"corpus": CORPUS + lines({"_id": "d1", "title": "Pumps", "text": "Another text."})},
     [("duplicate_key", "scifact/corpus.jsonl, line 4")]),
    ({"corpus": CORPUS + lines({"_id": "d4", "text": ""}, {"_id": None, "text": "x"})},
     [("empty_text", "scifact/corpus.jsonl, line 4"), ("missing_key", "scifact/corpus.jsonl, line 5")]),
    ({"queries": QUERIES + lines({"_id": "q1", "text": "Which moves water?"})},
     [("duplicate_key", "scifact/queries.jsonl, line 3")]),
    ({"queries": QUERIES + lines({"_id": "", "text": "x"})}, [("missing_key", "scifact/queries.jsonl, line 3")]),
    ({"queries": lines({"_id": "q1", "text": " "}, {"_id": "q2", "text": "b"})},
     [("empty_anchor", "scifact/qrels/test.tsv, line 2"), ("empty_anchor", "scifact/qrels/test.tsv, line 3")]),
    ({"qrels": QRELS.splitlines()[0] + "\nq1\td1\t1\n"}, [("unjudged_query", "scifact/queries.jsonl, line 2")]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LEFT_OUT)
def test_what_cannot_be_used_stands_in_the_ledger_with_its_place(files, expected):
    rows = beir(**files)
    assert left_out(rows) == expected
    assert rows.records_read == rows.records_kept + len(expected)


def test_a_training_judgement_of_an_unknown_document_is_rejected_and_a_held_out_one_stays():
    held_out = beir(qrels=QRELS + "q1\td9\t1\n")
    assert left_out(held_out) == []
    assert "missing_document" in set(held_out.ledger.frame()["reason"])
    train = beir(
        qrels=QRELS + "q1\td9\t1\n", names=("corpus.jsonl", "queries.jsonl", "qrels/train.tsv")
    )
    assert left_out(train) == [("unknown_document", "scifact/qrels/train.tsv, line 5")]


def test_numbers_of_topics_may_have_zeros_where_qrels_have_none():
    topics = "<top>\n<num> Number: 051\n<title> Topic: Airbus &amp; Boeing\n</top>\n"
    rows = beir(
        queries=topics, qrels="51 0 d1 1\n", names=("corpus.jsonl", "topics.txt", "qrels.test")
    )
    assert pairs_of(rows) == [("Airbus & Boeing", "A pump moves water.", 1)]
    # Ids of BEIR are no numbers.
    queries = lines({"_id": "051", "text": "Airbus"})
    with pytest.raises(UserError, match="none of its"):
        beir(queries=queries, qrels="query-id\tcorpus-id\tscore\n51\td1\t1\n")


def test_topics_have_fields():
    topics = read_topics(
        "# comment\n<top>\n<num> Number: 301\n<title> crime\n<desc> Description:\nIdentify it.\n"
        "<narr> Narrative:\nA document\nmust.\n</top><TOP><num>2</num><title></title><desc>d</desc></TOP>"
    )
    assert dict(topics[0].fields) == {
        "num": "301", "title": "crime", "desc": "Identify it.", "narr": "A document must."
    }  # fmt: skip
    assert [topic.query(None) for topic in topics] == ["crime", "d"]
    assert [topic.query("desc") for topic in topics] == ["Identify it.", "d"]
    assert [topic.line for topic in topics] == [2, 10]


def test_an_entity_of_a_topic_is_a_text():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><topic number="1"><query>&b; x</query></topic>'
    assert read_topics(bomb)[0].query(None) == "&b; x"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("qrels/test.tsv", "test"), ("qrels/dev.tsv", "validation"), ("qrels/train.tsv.gz", "train"),
        ("qrels.dev.small.tsv", "validation"), ("qrels_TEST.txt", "test"), ("qrels-validation.tsv", "validation"),
        ("2019qrels-pass.txt", None), ("qrels.txt", None), ("qrels/contest.tsv", None), ("qrels/latest.tsv", None),
    ],
)  # fmt: skip
def test_the_split_of_a_file_is_in_its_name(name, split):
    assert known_split(name, {}) == split


def test_a_mapping_of_the_users_own_comes_first():
    assert known_split("qrels/test.tsv", {"Test": None}) == ""
    assert known_split("2019qrels-pass.txt", {"2019qrels-pass": "test"}) == "test"


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("corpus.jsonl", "corpus"), ("corpus/part-0.parquet", "corpus"), ("collection.tsv.gz", "corpus"),
        ("queries.dev.tsv", "queries"), ("topics.401-450.txt", "queries"), ("nfcorpus-queries.jsonl", "queries"),
        ("qrels/dev.tsv", "qrels"), ("qrels.dev.tsv", "qrels"), ("2019qrels-pass.txt", "qrels"),
        ("corpus.jsonl.dvc", ""), ("README_queries.txt", ""), ("a/qrels/b.tsv", ""), ("notes.txt", ""),
    ],
)  # fmt: skip
def test_the_role_of_a_file_is_in_its_name(path, role):
    assert role_of(PurePosixPath(path)) == role


def test_a_split_that_no_file_gives_gets_a_share_of_the_training_queries():
    count = 400
    queries = lines(*({"_id": f"q{index}", "text": f"query {index}"} for index in range(count)))
    qrels = "".join(f"q{index} 0 d1 1\n" for index in range(count))
    names = ("corpus.jsonl", "queries.jsonl", "qrels/train.tsv")
    files = {"qrels": qrels, "queries": queries, "names": names}
    counts = beir(**files, missing_split_share=0.25).given_splits["split"].value_counts()
    assert counts["train"] + counts["validation"] + counts["test"] == count
    assert 70 <= counts["validation"] <= 130
    assert 70 <= counts["test"] <= 130
    # Without the setting nothing is moved.
    assert set(beir(**files).given_splits["split"]) == {"train"}


def test_given_held_out_queries_stay_where_they_are():
    files = {
        "s/corpus.jsonl": CORPUS,
        "s/queries.jsonl": QUERIES,
        "s/qrels/test.tsv": "q1 0 d1 1\n",
        "s/qrels/train.tsv": "q2 0 003 1\n",
    }
    rows = read({"reader": "beir", "path": "data/raw/s", "missing_split_share": 0.5}, files)
    split_of_anchor = dict(zip(rows.pairs["pair_id"], rows.pairs["anchor"], strict=True))
    splits = {split_of_anchor[row.id]: row.split for row in rows.given_splits.frame().itertuples()}
    assert splits["What moves water?"] == "test"
    assert splits["何が流れを止めるか"] in ("train", "validation")


def test_a_query_under_two_ids_is_in_one_split():
    """Choices are made on validation, so test must not ask the same."""
    queries = [
        (f"q{n}", f"{'How' if n % 2 else ' how'} is part {n // 2} mended?") for n in range(80)
    ]
    files = {
        "s/corpus.jsonl": lines(
            *({"_id": f"d{n}", "text": f"Part {n} is here."} for n in range(80))
        ),
        "s/queries.jsonl": lines(*({"_id": key, "text": text} for key, text in queries)),
        "s/qrels/test.tsv": "query-id\tcorpus-id\tscore\n"
        + "".join(f"{key}\td{n}\t1\n" for n, (key, _) in enumerate(queries)),
    }
    rows = read({"reader": "beir", "path": "data/raw/s", "missing_split_share": 0.5}, files)
    split_of_pair = {row.id: row.split for row in rows.given_splits.frame().itertuples()}
    splits_of_text = {}
    for pair in rows.pairs.frame().itertuples():
        text = pair.anchor.strip().casefold()
        splits_of_text.setdefault(text, set()).add(split_of_pair[pair.pair_id])
    assert len(splits_of_text) == 40
    assert {len(splits) for splits in splits_of_text.values()} == {1}
    assert set.union(*splits_of_text.values()) == {"validation", "test"}


# Errors: the set, and the fact.
ERRORS = [
    ({"qrels": QRELS + "q1\td1\n"}, "test.tsv, line 5: 2 fields, and a judgement has 3"),
    ({"qrels": QRELS + "q1\td1\t0.5\n"}, "line 5: the grade is '0.5', and grades are whole numbers"),
    ({"corpus": ""}, "scifact/corpus.jsonl is empty"),
    ({"corpus": "\n\n"}, "scifact/corpus.jsonl holds no rows"),
    ({"corpus": CORPUS + "{"}, "corpus.jsonl, line 4: this is not JSON"),
    ({"corpus": lines({"_id": "d1", "abstract": "x"})}, "there is none of the columns text, contents"),
    ({"corpus": lines({"text": "x"})}, "there is none of the columns _id, id"),
    ({"corpus": lines({"_id": "d1", "text": ["x"]})}, "column 'text' holds a list, not a text"),
    ({"corpus": b'{"_id": "\xff"}'}, "line 1: this is not utf-8"),
    ({"names": ("corpus.jsonl", "queries.jsonl", "qrels/pool.tsv")}, "qrels/pool.tsv: its name is that of no split"),
    ({"names": ("texts.jsonl", "queries.jsonl", "qrels/test.tsv")}, "holds no file of corpus by its name"),
    ({"corpus": "d1\tx\nd2\n", "names": ("collection.tsv", "queries.jsonl", "qrels/test.tsv")},
     "collection.tsv, line 2: 1 fields between tabs where there should be 2"),
    ({"queries": "<top></x>", "names": ("corpus.jsonl", "topics.txt", "qrels/test.tsv")}, "holds tags and no topic"),
    ({"queries": "<top><num>1<title>x</top>", "names": ("corpus.jsonl", "topics.txt", "qrels/test.tsv"),
      "topic_field": "narr"}, "topic_field = 'narr' is no field of"),
    ({"qrels": "query-id\tcorpus-id\tscore\nq7\td1\t1\n"}, "none of its 3 rows can be used (unjudged_query 2, unknown_query 1)"),
    ({"path": "data/scifact"}, "path = 'data/scifact' is not under data/raw/"),
    ({"path": "data/raw/missing"}, "data/raw/missing is no folder"),
    ({"qrels": QRELS, "corpus": CORPUS, "encoding": "klingon"}, "encoding = 'klingon' is no text encoding"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "fact"), ERRORS)
def test_a_broken_set_and_a_wrong_setting_are_named(files, fact):
    with pytest.raises(UserError) as error:
        beir(**files)
    assert fact in str(error.value)


def test_a_set_without_judgements_gives_its_documents():
    rows = beir(queries=lines({"_id": "q1", "text": "a"}), qrels="q1\t0\td1\t1\n")
    assert len(rows.documents) == 3


def test_a_packed_file_beside_the_same_one_is_not_read_twice():
    files = {
        "s/corpus.jsonl": CORPUS,
        "s/corpus.jsonl.gz": gzip.compress(CORPUS.encode()),
        "s/queries.jsonl": QUERIES,
        "s/qrels/test.tsv": QRELS,
    }
    with pytest.raises(UserError, match=r"holds both corpus\.jsonl and corpus\.jsonl\.gz"):
        read({"reader": "beir", "path": "data/raw/s"}, files)


def test_relevance_begins_at_the_grade_of_the_settings():
    rows = beir(relevant_from=2)
    assert sorted(rows.grades["role"]) == ["irrelevant", "irrelevant", "positive"]


IDS = st.sampled_from(["d1", "d2", "003", "3", "é", ""])
QUERY_IDS = st.sampled_from(["q1", "q2", "q3", "01", "1"])
GRADES = st.sampled_from(["0", "1", "2", "-1", "1.0", "x", "nan", ""])
JUDGEMENTS = st.lists(st.tuples(QUERY_IDS, IDS, GRADES), max_size=8)
DOCUMENTS = st.lists(st.tuples(IDS, st.sampled_from(["a", "b", "", "ф"])), min_size=1, max_size=6)


@examples(100)
@given(
    data=st.data(),
    judgements=JUDGEMENTS,
    documents=DOCUMENTS,
    split=st.sampled_from(["train", "test"]),
)
def test_records_are_kept_or_located_and_their_order_has_no_effect(
    data, judgements, documents, split
):
    names = ("corpus.jsonl", "queries.jsonl", f"qrels/{split}.tsv")

    def rows_of(judgements, documents):
        qrels = "query-id\tcorpus-id\tscore\n" + "".join(
            "\t".join(row) + "\n" for row in judgements
        )
        corpus = lines(*({"_id": key, "text": text} for key, text in documents))
        return beir(corpus, QUERIES, qrels, names)

    shuffled = data.draw(st.permutations(judgements)), data.draw(st.permutations(documents))
    try:
        rows = rows_of(judgements, documents)
    except UserError as error:
        assert "can be used" in str(error)
        with pytest.raises(UserError, match="can be used"):
            rows_of(*shuffled)
        return

    assert contents(rows_of(*shuffled)) == contents(rows)
    places = left_out(rows)
    assert rows.records_read == rows.records_kept + len(places)
    assert all(", line " in place for _, place in places)
    assert len(texts_of(rows)) == rows.documents["doc_id"].nunique()
