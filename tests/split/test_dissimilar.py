"""Pairs that score as no answer: they tie their anchor, and not their document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.commands.audit.__main__ import app as audit_app
from stages.lib.schemas.evaluation_set import Queries, ScoredPairs
from tests.properties import examples
from tests.split.faq import (
    LONG,
    d,
    documents,
    leaks,
    metrics,
    named,
    p,
    pairs,
    run,
    splits,
    text,
    written,
)

TRAIN, TRAIN_TOO = named("train", 2)
DEV = named("validation")[0]
TEST = named("test")[0]
DOCUMENTS = documents(*((name, text(name)) for name in (TRAIN, TRAIN_TOO, DEV, TEST)))
ANSWERS = pairs(
    ("1", text("q1"), TRAIN),
    ("2", text("q2"), TEST),
    ("3", text("q3"), DEV),
    ("4", text("q4"), TRAIN_TOO),
)


def scored(*rows):
    """Return the answers and more pairs, from (name, anchor, document, score)."""
    table = pairs(*(row[:3] for row in rows))
    table["score"] = [row[3] for row in rows]
    return table


def with_scored(*rows):
    import pandas as pd

    return pd.concat([ANSWERS, scored(*rows)], ignore_index=True)


def built_of(table):
    """Return what `pair` builds of it with the shape `ranking`: the positives."""
    return DOCUMENTS, table[table["score"] >= 0.5]


def set_shape(shape: str) -> None:
    from pathlib import Path

    params = Path("params.yaml")
    text_of_params = params.read_text("utf-8")
    assert "shape: ranking" in text_of_params
    params.write_text(text_of_params.replace("shape: ranking", f"shape: {shape}"), "utf-8")


@pytest.mark.parametrize("score", [0.0, 0.24])
def test_a_low_score_ties_its_anchor_and_not_its_document(project, score):
    table = with_scored(("no", text("q1"), TEST, score))
    result = run(DOCUMENTS, table, built=built_of(table))
    assert (result.exit_code, result.output) == (0, "")
    assert (splits()[d(TRAIN)], splits()[d(TEST)]) == ("train", "test")
    assert splits()[p("no")] == "train", "it is with its query"
    assert leaks() == {"leaks": 0}
    assert metrics()["shared_documents"] == 0
    assert metrics()["components"] == 4


def test_a_score_that_makes_a_positive_ties(project):
    table = with_scored(("yes", text("q1"), TEST, 0.5))
    assert run(DOCUMENTS, table, built=built_of(table)).exit_code == 0
    assert splits()[d(TRAIN)] == splits()[d(TEST)]
    assert metrics()["components"] == 3


def test_a_low_score_ties_where_scores_are_trained_on(project):
    set_shape("scores")
    table = with_scored(("no", text("q1"), TEST, 0.0))
    assert run(DOCUMENTS, table).exit_code == 0
    assert splits()[d(TRAIN)] == splits()[d(TEST)]


def test_a_query_without_an_answer_is_held_out_with_the_queries_near_it(project):
    """It has no document to tie it, and its scored pair is still measured."""
    lone = [(f"lone {index}", text(f"lone {index}"), TRAIN, 0.0) for index in range(40)]
    twin = ("twin", f"{LONG} now", TEST, 0.0)
    other = ("other twin", LONG, DEV, 0.1)
    table = with_scored(*lone, twin, other)
    result = run(DOCUMENTS, table, built=built_of(table))
    assert (result.exit_code, result.output) == (0, "")
    places = {splits()[p(name)] for name, *_ in lone}
    assert places == {"corpus", "validation", "test"}, "nothing of it is trained on"
    assert splits()[p("twin")] == splits()[p("other twin")]
    held_out = [name for name, *_ in lone if splits()[p(name)] == "test"]
    assert {p(name) for name in held_out} <= set(
        written(ScoredPairs, "test/scored_pairs")["pair_id"]
    )
    assert not set(written(Queries, "test/queries")["raw"]) & {text(name) for name in held_out}
    assert leaks() == {"leaks": 0}


def test_a_low_score_beside_a_given_split_is_no_answer(project):
    table = with_scored(("no", text("q2"), TRAIN, 0.0))
    labels = [(p("1"), "train"), (p("2"), "test"), (p("3"), "validation"), (p("no"), "test")]
    result = run(DOCUMENTS, table, built=built_of(table), given=labels)
    assert (result.exit_code, result.output) == (0, "")
    assert splits()[p("no")] == "test"
    assert metrics()["given.shared_documents"] == 0
    assert p("no") in set(written(ScoredPairs, "test/scored_pairs")["pair_id"])


@pytest.mark.parametrize("unit", ["component", "group", "anchor"])
def test_the_command_audit_says_the_same(project, unit):
    more = [(f"more {index}", text(f"more {index}"), DEV, 1.0) for index in range(30)]
    low = [("no", text("q1"), TEST, 0.0), ("lone", text("lone"), DEV, 0.0)]
    table = with_scored(*more, *low)
    changed = {"unit": unit, "max_component_share": 1.0}
    assert run(DOCUMENTS, table, built=built_of(table), **changed).exit_code == 0
    result = CliRunner().invoke(audit_app)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].startswith("nothing leaks")


QUERY = st.sampled_from(["how to start", "how to stop", "where is it", "no sound", "too loud"])


@pytest.mark.slow
@examples(40)
@given(
    rows=st.lists(
        st.tuples(QUERY, st.integers(0, 5), st.sampled_from([0.0, 0.2, 1.0])),
        min_size=6,
        max_size=14,
    )
)
def test_positives_share_a_split_and_anchors_too(rows):
    """Over any mixture of scores: a document has one split, and so have the pairs of a query."""
    from stages.lib.core.params import PairShape, ScoreThreshold
    from stages.split.constraints import Constraints
    from stages.split.dissimilar import dissimilar_pairs, home_of_pairs
    from stages.split.given import GivenRows, SplitTask, assign_with_given
    from stages.split.leakage import find_leaks
    from tests.split.faq import edges_of, matches_of, rows_of, with_params

    table = scored(
        *((f"{i}", query, number, score) for i, (query, number, score) in enumerate(rows))
    )
    home = documents(*((index, text(index)) for index in range(6)))
    params = with_params(train=0.4, validation=0.3, max_component_share=1.0)
    low = dissimilar_pairs(table, ScoreThreshold(positive_from=0.5), PairShape(shape="ranking"))
    assert low == {p(f"{i}") for i, (_, _, score) in enumerate(rows) if score < 0.5}

    everything = rows_of(home, table)
    homes = home_of_pairs(everything.document_of_pair, low)
    everything = everything._replace(document_of_pair=homes)
    edges = edges_of(home, table[~table["pair_id"].isin(low)], params)
    task = SplitTask(everything, edges, matches_of(everything, params))
    nothing = GivenRows({}, frozenset(), frozenset(table["pair_id"]), frozenset())
    split_of = assign_with_given(task, nothing, Constraints({}, {}), params).split_by_row()

    # Rows that must be together, counted from the rows as drawn.
    for i, (query, number, score) in enumerate(rows):
        if score >= 0.5:
            assert split_of[p(f"{i}")] == split_of[d(number)]
        for other, (other_query, _, _) in enumerate(rows):
            if query == other_query:
                assert split_of[p(f"{i}")] == split_of[p(f"{other}")]
    assert not find_leaks(task.matches, split_of, homes)
