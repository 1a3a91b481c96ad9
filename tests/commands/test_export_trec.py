"""TREC files give other tools the ranking of the runs."""

import ir_measures
import pandas as pd
import pytest
from ir_measures import AP, Judged, nDCG
from typer.testing import CliRunner

from stages.commands.export.__main__ import app
from stages.commands.export.trec_files import whole_grades
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries, QueryGrades
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.runs import Runs

STOP = "q" + hash_hex("query", "stop it")


def name(letter, number):
    return f"{letter}{number:016x}"


def test_grades_become_whole_and_keep_their_ratios():
    assert whole_grades({"q": {"a": 1.0, "b": 2.0}}) == {"q": {"a": 1, "b": 2}}
    assert whole_grades({"q": {"a": 1.0}, "r": {"b": 0.25}}) == {"q": {"a": 100}, "r": {"b": 25}}
    assert whole_grades({"q": {"a": 1.0, "b": 1 / 3}}) == {"q": {"a": 1_000_000, "b": 333_333}}
    assert whole_grades({"q": {"a": 1.0, "b": 1e-9}}) == {
        "q": {"a": 1, "b": 1}
    }  # it stays relevant
    assert whole_grades({"q": {"a": 3.0, "b": 0.0}}) == {"q": {"a": 3, "b": 0}}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    row = {
        "query_id": name("q", 1),
        "component_id": name("d", 1),
        "raw": "fever",
        "text": "fever",
        "relation": "",
        "source": "s",
    }
    for split in ("validation", "test"):
        tables.write(pd.DataFrame([row]), tmp_path / f"data/split/{split}/queries.parquet", Queries)
        judged = pd.DataFrame(
            {"query_id": name("q", 1), "doc_id": [name("d", 2), name("d", 9)], "grade": [1.0, 0.5]}
        )
        tables.write(judged, tmp_path / f"data/split/{split}/qrels.parquet", Qrels)
    copies = pd.DataFrame({"doc_id": [name("d", 9)], "kept_id": [name("d", 3)]})
    tables.write(copies, tmp_path / "data/deduplicate/aliases.parquet", Aliases)
    asked = pd.DataFrame(
        [(name("p", 1), "stop it", name("d", 2), "", 1.0, "aws")],
        columns=list(Pairs.empty().columns),
    )
    tables.write(asked, tmp_path / "data/clean/out_of_domain_pairs.parquet", Pairs)
    # The first two score the same: we put the smaller id first, trec_eval the larger one.
    ranked = [(1, 0.5), (2, 0.5), (3, 0.4)]
    rows = [
        (split, "base", query, rank, name("d", doc), score)
        for split, query in (
            ("validation", name("q", 1)),
            ("test", name("q", 1)),
            ("out_of_domain", STOP),
        )
        for rank, (doc, score) in enumerate(ranked, start=1)
    ]
    tables.write(
        pd.DataFrame(rows, columns=list(Runs.empty().columns)),
        tmp_path / "data/evaluate/runs.parquet",
        Runs,
    )
    return tmp_path


@pytest.mark.slow
def test_another_evaluator_reads_our_ranking(project):
    result = CliRunner().invoke(app, ["trec", "trec"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (project / "trec").iterdir()) == [
        "out_of_domain.base.run",
        "out_of_domain.qrels",
        "test.base.run",
        "test.qrels",
        "validation.base.run",
        "validation.qrels",
    ]
    assert (project / "trec/validation.base.run").read_text().splitlines()[0] == (
        f"{name('q', 1)} Q0 {name('d', 1)} 1 100 base"
    )
    run = list(ir_measures.read_trec_run(str(project / "trec/validation.base.run")))
    qrels = list(ir_measures.read_trec_qrels(str(project / "trec/validation.qrels")))
    metrics = ir_measures.calc_aggregate([AP @ 10, nDCG @ 10], qrels, run)
    # Relevant documents, with grades 1 and 1/2, at ranks 2 and 3; the second one was dropped for its copy.
    assert metrics[AP @ 10] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert metrics[nDCG @ 10] == pytest.approx((1 / 1.5849625 + 0.5 / 2) / (1 + 0.5 / 1.5849625))


def test_documents_of_grade_0_stand_in_the_qrels(project):
    graded = pd.DataFrame(
        {
            "query_id": name("q", 1),
            "doc_id": [name("d", 1), name("d", 2), name("d", 9)],
            "grade": [0, 2, 1],
        }
    )
    tables.write(graded, project / "data/split/test/grades.parquet", QueryGrades)
    assert CliRunner().invoke(app, ["trec", "trec"]).exit_code == 0
    run = list(ir_measures.read_trec_run(str(project / "trec/test.base.run")))
    qrels = list(ir_measures.read_trec_qrels(str(project / "trec/test.qrels")))
    assert sorted((row.doc_id, row.relevance) for row in qrels) == [
        (name("d", 1), 0),
        (name("d", 2), 10),
        (name("d", 3), 5),
    ]
    assert ir_measures.calc_aggregate([Judged @ 10], qrels, run)[Judged @ 10] == 1.0


@pytest.mark.slow
def test_the_out_of_domain_set_has_qrels_too(project):
    assert CliRunner().invoke(app, ["trec", "trec"]).exit_code == 0
    assert (project / "trec/out_of_domain.qrels").read_text() == f"{STOP} 0 {name('d', 2)} 1\n"
    run = list(ir_measures.read_trec_run(str(project / "trec/out_of_domain.base.run")))
    qrels = list(ir_measures.read_trec_qrels(str(project / "trec/out_of_domain.qrels")))
    assert ir_measures.calc_aggregate([AP @ 10], qrels, run)[AP @ 10] == pytest.approx(1 / 2)


def test_without_a_run_it_says_what_to_do(project):
    (project / "data/evaluate/runs.parquet").unlink()
    result = CliRunner().invoke(app, ["trec", "trec"])
    assert result.exit_code == 1
    assert "dvc repro evaluate" in result.output
    assert not (project / "trec").exists()


def test_a_file_where_the_folder_belongs_is_an_error(project):
    (project / "out").write_text("mine", "utf-8")
    result = CliRunner().invoke(app, ["trec", "out"])
    assert result.exit_code == 1
    assert "error: out is a file, and a folder is written there" in result.stderr
    assert (project / "out").read_text("utf-8") == "mine"


def test_a_broken_input_leaves_no_file_and_puts_no_old_one_away(project):
    assert CliRunner().invoke(app, ["trec", "out"]).exit_code == 0
    before = {path.name: path.read_bytes() for path in (project / "out").iterdir()}
    assert before
    (project / "data/clean/out_of_domain_pairs.parquet").write_bytes(b"PAR1")
    assert CliRunner().invoke(app, ["trec", "out"]).exit_code == 1
    assert {path.name: path.read_bytes() for path in (project / "out").iterdir()} == before
