"""The command: what it writes, what it counts, and what it refuses."""

from pathlib import Path

import pytest

from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints, Splits
from stages.split.component_size import EDGE_KINDS
from tests.split.faq import (
    LONG,
    d,
    documents,
    leaks,
    metrics,
    named,
    nine_documents,
    p,
    pairs,
    run,
    text,
    written,
)


def queries(split):
    table = written(Queries, f"{split}/queries")
    return dict(zip(table["raw"], table["text"], strict=True))


def test_the_command_splits_samples_and_writes_evaluation_sets(project):
    names, document_table, pair_table = nine_documents()
    result = run(document_table, pair_table, max_train_pairs=4)
    assert (result.exit_code, result.output) == (0, "")
    splits = written(Splits, "splits").set_index("id")["split"]
    assert splits[d("loose")] == "corpus"
    assert splits.value_counts().to_dict() == {"train": 8, "corpus": 5, "validation": 4, "test": 2}
    assert set(queries("validation")) == {text(name + "?") for name in names[6:8]}
    assert set(queries("test")) == {text(names[8] + "?")}
    assert written(Qrels, "test/qrels")["doc_id"].tolist() == [d(names[8])]
    assert set(written(Fingerprints, "fingerprints")["id"]) == {
        f(name) for name in names[6:] for f in (d, p)
    }
    ledger = written(Ledger, "ledger")
    assert set(zip(ledger["row_id"], ledger["reason"], strict=True)) == {
        (p(name), "not_sampled") for name in names if splits[p(name)] == "corpus"
    }
    assert metrics() == {
        "rows_in": 9,
        "rows_out": 7,
        "dropped.not_sampled": 2,
        "dropped.protected": 0,
        "dropped.repeats_held_out": 0,
        "dropped.cut_near": 0,
        "dropped.cut_straddles": 0,
        "dropped.meets_frozen": 0,
        "component_limit": 20,
        "held_out_share": 0.3333,
        "held_out_of_requested": 1.6667,
        "never_held_out_share": 0.0,
        "train_share": 0.6667,
        "validation_share": 0.2222,
        "test_share": 0.1111,
        "train_pairs": 4,
        "validation_pairs": 2,
        "test_pairs": 1,
        "validation_queries": 2,
        "test_queries": 1,
        "components": 9,
        "few_components": True,
        "shared_documents": 0,
        "frozen_moved": 0,
        "tolerated_texts": 0,
        "largest_component_share": 0.1111,
        "largest_component.pairs": 1,
        "leaked_components": 0,
        "leaked_texts": 0,
        **{f"edges.{kind.replace(' ', '_')}": 0 for kind in EDGE_KINDS},
        "edges.shared_document": 9,
        "synthetic_exam": False,
        "synthetic_queries": 0,
    }
    assert leaks() == {"leaks": 0}


@pytest.mark.slow
def test_evaluation_sets_stay_when_cleaning_drops_their_rows(project):
    names, document_table, pair_table = nine_documents()
    assert run(document_table, pair_table).exit_code == 0
    before = {
        name: Path(f"data/split/test/{name}.parquet").read_bytes() for name in ("queries", "qrels")
    }
    rest = (
        document_table[document_table["doc_id"] != d(names[8])],
        pair_table[pair_table["doc_id"] != d(names[8])],
    )
    result = run(document_table, pair_table, cleaned=rest, built=rest)
    assert (result.exit_code, result.output) == (0, "")
    assert {name: Path(f"data/split/test/{name}.parquet").read_bytes() for name in before} == before
    assert [metrics()[name] for name in ("rows_in", "test_pairs", "test_queries")] == [8, 0, 1]


@pytest.mark.slow
def test_edges_are_counted_by_kind(project):
    names, document_table, pair_table = nine_documents()
    a, b = names[0], names[7]
    document_table.loc[document_table["doc_id"] == d(a), "text"] = LONG
    document_table.loc[document_table["doc_id"] == d(b), "text"] = LONG + " please"
    result = run(document_table, pair_table)
    assert (result.exit_code, result.output) == (0, "")
    assert len(written(Ledger, "ledger")) == 0
    assert [metrics()[name] for name in ("edges.near_text", "leaked_texts", "components")] == [
        1,
        0,
        8,
    ]


def test_too_few_pairs_are_a_problem_and_nothing_is_written(project):
    name = named("train")[0]
    result = run(documents((name, text(name))), pairs((name, "no signal", name)))
    assert result.exit_code == 1
    assert "the 1 collected pairs leave the validation split empty" in result.stderr
    assert "remedy: " in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/split").exists() and not Path("metrics").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "reported"),
    [
        ({"train": 0.9, "validation": 0.1}, "must add up to less than 1"),
        ({"train": 1.0}, "split.train"),
        ({"validation": "0.1"}, "split.validation"),
        ({"near_threshold": 0.4}, "split.near_threshold"),
        ({"max_train_pairs": 0}, "split.max_train_pairs"),
        ({"seed": 1}, "unknown key split.seed"),
        ({"unit": "page"}, "split.unit"),
        ({"topic_levels": 0}, "split.topic_levels"),
        (
            {"unit": "anchor", "topic_levels": 1},
            "topic_levels ties documents, which the unit 'anchor' shares",
        ),
        ({"max_component_share": 0.0}, "split.max_component_share"),
        ({"protect": "data/protected/a.txt"}, "split.protect"),
    ],
)
def test_a_bad_parameter_is_a_short_error_and_nothing_is_written(project, changed, reported):
    _, document_table, pair_table = nine_documents()
    result = run(document_table, pair_table, **changed)
    assert result.exit_code == 1
    assert reported in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/split").exists() and not Path("metrics").exists()
