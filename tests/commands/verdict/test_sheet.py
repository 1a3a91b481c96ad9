"""The sheet of unjudged hits: what it lists, how it is labelled, and that no label is lost."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.verdict import sheet as sheet_module
from stages.commands.verdict.measures import measure_run, parse_measure
from stages.commands.verdict.sheet import read_labels, with_labels, write_sheet
from stages.commands.verdict.unjudged import UnjudgedHit, decisive_hits
from stages.lib.core import csv_cells
from stages.lib.core.errors import UserError
from tests.commands.verdict.made_runs import ranked, simulated, trec, verdict
from tests.properties import examples

# Both runs show x first, so that its label changes nothing. Only the new one shows y, at rank 2.
RUNS = {"base": {"q": ranked(["x", "z", "a"])}, "new": {"q": ranked(["x", "y", "a"])}}
QRELS = {"q": {"a": 1, "z": 0}}


def decisive(runs, qrels, count=50, measure="RR@10", groups=None, labelled=()):
    query_ids = sorted(qrels)
    return decisive_hits(
        runs,
        qrels,
        query_ids,
        groups=np.array(groups or query_ids),
        measure=parse_measure(measure),
        count=count,
        labelled=labelled,
    )


def test_a_hit_that_one_run_has_moves_the_verdict_and_one_of_both_does_not():
    # If y is relevant, the reciprocal rank of the new run rises from 1/3 to 1/2.
    (hit,) = decisive(RUNS, QRELS)
    assert hit[:3] == ("q", "y", (None, 2))
    assert hit.change == pytest.approx(1 / 2 - 1 / 3)
    assert decisive(RUNS, QRELS, labelled={("q", "y")}) == []


def test_a_query_of_a_large_group_moves_less():
    qrels = {f"q{number:02}": {"a": 1} for number in range(30)}
    runs = {
        "base": {query: ranked(["a"]) for query in qrels},
        "new": {query: ranked(["y", "a"]) for query in qrels},
    }
    groups = ["all"] * 20 + [f"g{number}" for number in range(10)]
    hits = decisive(runs, qrels, groups=groups)
    # 20 queries count as 10 together: half of what the ten others count.
    assert [hit.query_id for hit in hits[:10]] == [f"q{number}" for number in range(20, 30)]
    assert hits[10].change == pytest.approx(hits[0].change / 2)


@examples(30)
@given(st.randoms(use_true_random=False), st.sampled_from(["nDCG@5", "RR@3", "AP@10", "R@4"]))
def test_the_change_told_is_the_change_that_the_label_makes(source, name):
    docs = [f"d{number}" for number in range(9)]
    queries = [f"q{number}" for number in range(4)]
    qrels = {query: {source.choice(docs): 1, source.choice(docs): 0} for query in queries}
    qrels = {query: {**grades, "right": 1} for query, grades in qrels.items()}
    runs = {
        run: {query: ranked(source.sample([*docs, "right"], 7)) for query in queries}
        for run in ("base", "new")
    }
    measure = parse_measure(name)

    def difference(judgements):
        base, new = (measure_run(runs[run], judgements, queries, measure) for run in runs)
        return float((new - base).mean())

    hits = decisive(runs, qrels, measure=name)
    assert [hit.change for hit in hits] == sorted((hit.change for hit in hits), reverse=True)
    for hit in hits:
        labelled = with_labels(qrels, {(hit.query_id, hit.doc_id): 1.0}, Path("sheet.csv"))
        assert abs(difference(labelled) - difference(qrels)) == pytest.approx(hit.change, abs=1e-9)


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(path, grades):
    """Write grades into the sheet: (query, document) to text."""
    rows = read(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            key = (row["query_id"], row["doc_id"])
            writer.writerow({**row, "grade": grades.get(key, row["grade"])})


def test_a_sheet_is_filled_in_and_read_back(files):
    # w0 is unjudged in every query. Ask for the five hits that matter most.
    result = verdict("base.run", "new.run", "--judge", "5", "--sheet", "sheet.csv")
    assert result.exit_code == 0, result.output
    assert "sheet.csv lists 5 unjudged hits. The first one alone would move" in result.output
    rows = read(Path("sheet.csv"))
    assert len(rows) == 5
    assert [row["grade"] for row in rows] == [""] * 5
    assert set(rows[0]) == {
        *("query_id", "doc_id", "grade", "query", "document"),
        *("rank in base", "rank in new", "change"),
    }

    # Two labels count, in two ways of writing them. The others are not judged.
    first, second = ((row["query_id"], row["doc_id"]) for row in rows[:2])
    fill(Path("sheet.csv"), {first: "yes", second: "0"})
    assert read_labels(Path("sheet.csv")) == {first: 1.0, second: 0.0}
    labelled = verdict("base.run", "new.run", "--labels", "sheet.csv", "--format", "json")
    before = verdict("base.run", "new.run", "--format", "json")
    changes = [json.loads(result.stdout)["pairs"][0]["difference"] for result in (before, labelled)]
    assert abs(changes[1] - changes[0]) == pytest.approx(float(rows[0]["change"]), abs=1e-6)


def test_labels_stay_when_the_sheet_is_written_again(files):
    arguments = ("base.run", "new.run", "--judge", "3", "--sheet", "sheet.csv")
    verdict(*arguments)
    first = [(row["query_id"], row["doc_id"]) for row in read(Path("sheet.csv"))]
    fill(Path("sheet.csv"), {first[1]: "no"})

    # With and without the labels as judgements: the labelled line stays, and is not listed anew.
    for labels in ((), ("--labels", "sheet.csv")):
        result = verdict(*arguments, *labels)
        assert result.exit_code == 0, result.output
        rows = read(Path("sheet.csv"))
        keys = [(row["query_id"], row["doc_id"]) for row in rows]
        assert keys[0] == first[1]
        assert len(set(keys)) == len(keys) == 4
        assert [row["grade"] for row in rows] == ["no", "", "", ""]


def test_texts_stand_in_the_sheet_and_are_no_formulas(files):
    qrels, *_ = simulated(120, gain=0.4)
    queries = [{"_id": query, "text": f"=SUM({query})"} for query in qrels]
    documents = [{"_id": "w0", "title": "Reset", "text": "Press it."}]
    for name, lines in (("queries.jsonl", queries), ("corpus.jsonl", documents)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        Path(name).write_text(text, "utf-8")
    arguments = ("--groups", "queries.jsonl", "--corpus", "corpus.jsonl")
    result = verdict("base.run", "new.run", "--judge", "200", "--sheet", "sheet.csv", *arguments)
    assert result.exit_code == 0, result.output
    rows = read(Path("sheet.csv"))
    assert {row["query"] for row in rows} == {f"'=SUM({row['query_id']})" for row in rows}
    assert {row["document"] for row in rows if row["doc_id"] == "w0"} == {"Reset Press it."}
    assert {row["document"] for row in rows if row["doc_id"] != "w0"} <= {""}


@examples(50)
@given(st.text(max_size=8))
def test_cells_are_those_of_all_other_sheets(text):
    assert sheet_module._safe_cell(text) == csv_cells.safe_cell(text)
    assert sheet_module._cell_text(text) == csv_cells.cell_text(text)


@examples(50)
@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=4, unique=True))
def test_any_id_comes_back_from_the_sheet(tmp_path_factory, keys):
    keys = [tuple(part.encode("utf-8", "ignore").decode() or "q" for part in key) for key in keys]
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    hits = [UnjudgedHit(query, doc, (1, None), 0.5) for query, doc in dict.fromkeys(keys)]
    write_sheet(path, hits, ["=base", "new"], {}, {})
    rows = sheet_module._read_rows(path)
    assert [(row["query_id"], row["doc_id"]) for row in rows] == list(dict.fromkeys(keys))
    assert read_labels(path) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query_id,doc_id\nq,a\n", "has no column grade"),
        ("", "has no column query_id, doc_id, grade"),
        ("query_id,doc_id,grade\nq,a,perhaps\n", "row 2: the grade is 'perhaps'"),
        ("query_id,doc_id,grade\nq,a,nan\n", "row 2: the grade is 'nan'"),
        ("query_id,doc_id,grade\nq,a\n", "row 2 has 2 cells, and the header 3"),
        ("query_id,doc_id,grade\nq,a,1\nq,a,0\n", "row 3: document 'a' has two grades"),
    ],
)
def test_a_bad_sheet_is_named(tmp_path, text, message):
    path = tmp_path / "sheet.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=message):
        read_labels(path)


def test_a_sheet_of_a_spreadsheet_with_semicolons_is_read(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("\ufeffquery_id;doc_id;grade\nq;a;1,0\nq;b;NO\nq;c;\n", "utf-8")
    assert read_labels(path) == {("q", "a"): 1.0, ("q", "b"): 0.0}


def test_a_label_that_contradicts_the_qrels_is_an_error():
    with pytest.raises(UserError, match="has the grade 0, and 1 in the qrels"):
        with_labels(QRELS, {("q", "a"): 0.0}, Path("sheet.csv"))


def test_a_list_needs_a_sheet(files):
    result = verdict("base.run", "new.run", "--judge", "5")
    assert result.exit_code == 1
    assert "--judge and --sheet belong together" in result.stderr


def test_a_file_that_is_no_sheet_is_not_written_over(files):
    Path("notes.csv").write_text("my,notes\n1,2\n", "utf-8")
    result = verdict("base.run", "new.run", "--judge", "5", "--sheet", "notes.csv")
    assert result.exit_code == 1
    assert "notes.csv has no column query_id, doc_id, grade" in result.stderr
    assert Path("notes.csv").read_text("utf-8") == "my,notes\n1,2\n"


def test_judged_hits_alone_give_an_empty_sheet(files):
    Path("right.run").write_text(
        trec({f"q{number}": {"right": 1.0} for number in range(120)}), "utf-8"
    )
    Path("same.run").write_text(Path("right.run").read_text("utf-8"), "utf-8")
    result = verdict("right.run", "same.run", "--judge", "5", "--sheet", "sheet.csv")
    assert "sheet.csv: no hit is unjudged." in result.output
    assert "right: 0.0% of the first 10 hits are unjudged." in result.output
    assert read(Path("sheet.csv")) == []
