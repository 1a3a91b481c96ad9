"""Queries that people wrote are asked while their documents are held out and training is clean."""

from pathlib import Path

import pandas as pd
import pytest

from stages.evaluate.written_queries import written_sets
from stages.lib.core import tables
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.written_queries import SheetLine, write_sheet
from tests.evaluate.inputs import lay_out, name, run_stage

SPLITS = pd.DataFrame(
    [
        (name("d", 1), name("d", 1), "validation"),
        (name("d", 2), name("d", 1), "validation"),
        (name("d", 3), name("d", 3), "test"),
        (name("d", 4), name("d", 4), "train"),
        (name("d", 9), name("d", 3), "test"),
    ],
    columns=list(Splits.empty().columns),
)
CORPUS_IDS = {name("d", number) for number in (1, 2, 3, 4)}


def line(number, split, query):
    return SheetLine(name("d", number), split, "", "", "a passage", query)


def sets_of(*lines, training=()):
    return written_sets(
        lines,
        SPLITS,
        CORPUS_IDS,
        training_anchors=training,
        kept_id_of={name("d", 9): name("d", 3)},
    )


def test_a_query_for_a_document_outside_the_sample_is_counted_by_itself():
    is_outside = SPLITS["id"] == name("d", 3)
    splits = SPLITS.assign(split=SPLITS["split"].mask(is_outside, "not_in_sample"))
    written = written_sets(
        [line(1, "validation", "high temperature"), line(3, "test", "sore head")],
        splits,
        CORPUS_IDS,
        training_anchors=(),
        kept_id_of={},
    )
    assert list(written.set_of_split) == ["validation"]
    assert written.left_out == {
        "not_held_out": 0,
        "not_in_corpus": 0,
        "equals_training": 0,
        "not_in_sample": 1,
    }


def test_queries_are_asked_in_the_split_of_their_document():
    written = sets_of(
        line(1, "validation", " high temperature "),
        line(3, "test", "sore head"),
        line(2, "test", ""),
    )
    validation = written.set_of_split["validation"]
    assert validation.queries["text"].tolist() == ["high temperature"]
    assert validation.queries["component_id"].tolist() == [name("d", 1)]
    assert list(validation.qrels.values()) == [{name("d", 1): 1.0}]
    assert written.set_of_split["test"].queries["text"].tolist() == ["sore head"]
    assert set(written.left_out.values()) == {0}


def test_a_query_for_two_passages_has_both_documents_and_copies_are_the_kept_document():
    written = sets_of(line(1, "validation", "Temperature?"), line(2, "validation", "temperature"))
    assert list(written.set_of_split["validation"].qrels.values()) == [
        {name("d", 1): 1.0, name("d", 2): 1.0}
    ]
    copies = sets_of(line(9, "test", "sore head"))
    assert list(copies.set_of_split["test"].qrels.values()) == [{name("d", 3): 1.0}]


@pytest.mark.parametrize(
    ("sheet_line", "training", "reason"),
    [
        (line(4, "validation", "cough"), (), "not_held_out"),
        (line(1, "test", "fever"), (), "not_held_out"),
        (line(7, "test", "fever"), (), "not_held_out"),
        (line(1, "validation", "Fever?"), ("fever",), "equals_training"),
    ],
)
def test_what_would_mislead_is_left_out_and_counted(sheet_line, training, reason):
    written = sets_of(sheet_line, training=training)
    assert not written.set_of_split
    assert {key: count for key, count in written.left_out.items() if count} == {reason: 1}


def test_a_document_that_left_the_corpus_is_counted():
    written = written_sets(
        [line(1, "validation", "fever")], SPLITS, set(), training_anchors=(), kept_id_of={}
    )
    assert written.left_out["not_in_corpus"] == 1


@pytest.mark.slow
def test_the_stage_gives_means_and_no_verdict_on_few_queries(project):
    lay_out(out_of_domain=False)
    without, _ = run_stage()
    assert not [key for key in without if key.startswith("written")]

    tables.write(SPLITS, Path("data/split/splits.parquet"), Splits)
    lines = [line(1, "validation", "hot body"), line(3, "test", "my head hurts")]
    write_sheet(lines, Path("data/written_queries/queries.csv"))
    details, results = run_stage()
    assert details["written_validation.queries"] == 1
    assert details["written_test.components"] == 1
    assert details["written_test.finetuned.ndcg_at_10"] == 1.0
    assert details["written_test.gain.over_base.ndcg_at_10.mean"] == 0.0
    assert "written_test.gain.over_base.ndcg_at_10.low" not in details

    # The other sets are as they were, and no table holds what people wrote.
    assert {key: value for key, value in details.items() if key in without} == without
    assert all("hurts" not in frame.to_csv() for frame in results.values())
