"""Diagnostics of a run: raw queries, separation before and after, slices, labelled first hits."""

from pathlib import Path

import pandas as pd
import pytest

from stages.evaluate.diagnostics import raw_query_metrics
from stages.evaluate.results import IntervalSettings
from stages.evaluate.slices import SLICE_COLUMNS
from stages.lib.core import tables
from stages.lib.schemas.evaluation_set import Queries
from stages.lib.schemas.reviews import FIRST_HITS, Judgement, write_judgements
from stages.lib.schemas.runs import Runs
from tests.evaluate.inputs import lay_out, name, run_stage
from tests.evaluate.test_results_gains import results

QUERIES = Path("data/split/validation/queries.parquet")


def test_the_change_by_raw_queries_is_paired():
    components = [f"c{index:02}" for index in range(60)]
    cleaned = results([0.5] * 60, [0.75] * 60, components)
    raw = results([0.25] * 60, [0.25, 0.75] * 30, components)
    change = raw_query_metrics(cleaned, raw, "validation", IntervalSettings(13, 0.1, 10))
    assert change["validation.raw_queries.base.ndcg_at_10"] == 0.25
    assert change["validation.raw_queries.finetuned.ndcg_at_10"] == 0.5
    assert change["validation.raw_queries.change.mean"] == -0.25
    # One model on both: seeds of training widen nothing.
    assert change == raw_query_metrics(cleaned, raw, "validation", IntervalSettings(13, None, 10))
    assert (
        -0.35
        < change["validation.raw_queries.change.low"]
        < -0.25
        < change["validation.raw_queries.change.high"]
        < -0.15
    )
    few = raw_query_metrics(
        cleaned.iloc[[0, 60]], raw.iloc[[0, 60]], "validation", IntervalSettings(13, None, 10)
    )
    assert few["validation.raw_queries.change.mean"] == -0.5
    assert "validation.raw_queries.change.low" not in few
    assert not any(
        "change" in key
        for key in raw_query_metrics(cleaned, raw, "test", IntervalSettings(13, None, 10))
    )


@pytest.mark.slow
def test_raw_queries_are_scored_too(project):
    lay_out(out_of_domain=False)
    queries = tables.read(QUERIES, Queries)
    fever = queries["text"] == "fever"
    # The raw query names another document: cleaned it finds its document, raw it does not.
    tables.write(
        queries.assign(raw=queries["raw"].where(~fever, "red itchy skin")), QUERIES, Queries
    )
    metrics, _ = run_stage()
    assert metrics["validation.base.ndcg_at_10"] == 1.0
    assert metrics["validation.raw_queries.base.ndcg_at_10"] < 1.0
    assert metrics["validation.raw_queries.change.mean"] == pytest.approx(
        metrics["validation.raw_queries.finetuned.ndcg_at_10"] - 1.0, abs=1e-4
    )
    assert metrics["test.raw_queries.bm25.ndcg_at_10"] == metrics["test.bm25.ndcg_at_10"]


@pytest.mark.slow
def test_an_unchanged_model_has_the_same_separation(project):
    lay_out(out_of_domain=True)
    metrics, _ = run_stage()
    for panel in ("random", "bm25", "dense", "remined"):
        for measure in ("gap", "standardised_gap", "roc_auc"):
            before, after = (
                metrics[f"separation.{panel}.{when}.{measure}"] for when in ("before", "after")
            )
            assert before == after
    assert metrics["separation.remined.after.gap"] == metrics["separation.dense.after.gap"]
    assert metrics["separation.random.after.roc_auc"] > 0.9
    assert metrics["out_of_domain.drop.mean"] == 0.0
    assert "out_of_domain.harmless" not in metrics  # two components show nothing


@pytest.mark.slow
def test_slices_of_two_queries_have_no_verdict(project):
    lay_out(out_of_domain=False)
    metrics, _ = run_stage()
    slices = pd.read_csv("metrics/slices.tsv", sep="\t")
    assert list(slices.columns) == list(SLICE_COLUMNS)
    assert set(slices["split"]) == {"validation"}  # test is not sliced unless asked
    assert slices.loc[slices["kind"] == "length", "slice"].tolist() == ["1 word", "2 words"]
    assert set(slices["finding"]) == {"too few components"}
    params = Path("params.yaml")
    text = params.read_text()
    assert "  sliced: [validation]\n" in text
    params.write_text(text.replace("  sliced: [validation]\n", "  sliced: [test, validation]\n"))
    both, _ = run_stage()
    assert pd.read_csv("metrics/slices.tsv", sep="\t")["split"].unique().tolist() == [
        "validation",
        "test",
    ]
    assert "test.slices.judged" in both and "test.slices.judged" not in metrics
    assert [metrics[f"validation.slices.{key}"] for key in ("judged", "better", "worse")] == [
        0,
        0,
        0,
    ]


@pytest.mark.slow
def test_labelled_first_hits_give_the_label_error(project):
    lay_out(out_of_domain=False)
    # Both queries are said to be answered by a document that they do not find first.
    qrels = pd.read_parquet("data/split/validation/qrels.parquet").assign(doc_id=name("d", 4))
    qrels.to_parquet("data/split/validation/qrels.parquet")
    metrics, _ = run_stage()
    assert not any(key.startswith("label_error") for key in metrics)
    runs = tables.read(Path("data/evaluate/runs.parquet"), Runs)
    first = runs.query("split == 'validation' and system == 'finetuned' and rank == 1")
    ids = zip(first["query_id"], first["doc_id"], ["yes", "no"], strict=True)
    lines = [Judgement(query_id, doc_id, word) for query_id, doc_id, word in ids]
    write_judgements(lines, Path("data/review/first_hits.csv"), FIRST_HITS)
    metrics, _ = run_stage()
    assert (metrics["label_error.judged"], metrics["label_error.rate"]) == (2, 0.5)
