"""A run of a sample: whole components, with the ids, components and splits of a run of all rows."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.augment.__main__ import visible_passages
from stages.commands.freeze import app as freeze_app
from stages.commands.pipeline import order
from stages.commands.wire import load_stage
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import inputs_of
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints, GiantRows, Splits, ids_in_sample
from stages.mine.corpus import MiningCorpus
from stages.split import __main__ as stage
from stages.split.sample import Sample, draw_sample, is_drawn
from tests.properties import examples
from tests.split.faq import (
    d,
    documents,
    leaks,
    metrics,
    p,
    pairs,
    run,
    text,
    typed,
    whole_passages,
    written,
)

UNITS = ("component", "group", "anchor", "time")
OUTSIDE = "not_in_sample"
NAMES = [f"{index}" for index in range(160)]
DISTRACTORS = [f"distractor {index}" for index in range(60)]


def tangle():
    """Return documents with one to three pairs each, and documents without.

    Every tenth document has the group of the one before it, and every seventh is asked for by an
    anchor of the one before it.
    """
    document_rows = [
        (name, text(name), f"group {int(name) // 10}" if int(name) % 10 < 2 else "")
        for name in NAMES
    ]
    document_rows += [(name, text(name)) for name in DISTRACTORS]
    pair_rows = []
    for name in NAMES:
        number = int(name)
        for ordinal in range(1 + number % 3):
            pair_rows.append((f"{name}/{ordinal}", text(f"{name} asked {ordinal}"), name))
        if number % 7 == 6:
            pair_rows.append((f"{name}/before", text(f"{number - 1} asked 0"), name))

    return documents(*document_rows), pairs(*pair_rows)


DOCUMENTS, PAIRS = tangle()
TIMES = [
    (pair_id, f"2026-01-{1 + index % 28:02d}T00:00:00.000000Z")
    for index, pair_id in enumerate(PAIRS["pair_id"])
]
GIVEN = [
    *((p(f"{name}/0"), "test") for name in NAMES[:120:3] if int(name) % 7 not in (5, 6)),
    *((p(f"{name}/0"), "train") for name in NAMES[1:60:6] if int(name) % 7 not in (5, 6)),
]


def run_sample(sample, **changed):
    """Run the stage on the tangle."""
    times = TIMES if changed.get("unit") == "time" else ()
    shares = {"train": 0.5, "validation": 0.25, "giants": "auto"}
    result = run(DOCUMENTS, PAIRS, times=times, sample=sample, **shares, **changed)
    assert (result.exit_code, result.output) == (0, ""), result.output
    return written(Splits, "splits").set_index("id")


def tables_of_run():
    """Return the bytes of each table, by name."""
    return {
        path.relative_to("data/split").as_posix(): path.read_bytes()
        for path in sorted(Path("data/split").rglob("*.parquet"))
    }


def torn(splits):
    """Return pairs of rows that share a document or an anchor, one of them in the sample.

    They are found in the tables of the sources, without components.
    """
    rows_of: dict[str, list[str]] = {}
    for row in PAIRS.itertuples():
        rows_of.setdefault(row.doc_id, [row.doc_id]).append(row.pair_id)
        rows_of.setdefault(row.anchor, []).append(row.pair_id)

    is_outside = splits["split"] == OUTSIDE
    return [key for key, ids in rows_of.items() if is_outside[ids].nunique() > 1]


# --- the draw


def test_the_hash_of_the_name_of_a_component_draws_it():
    position = int(hash_hex("sample", d("a")), 16) / 2**64
    assert 0.3 < position < 0.31
    assert [is_drawn(d("a"), share) for share in (0.02, 0.3, 0.31, 0.99)] == [
        False,
        False,
        True,
        True,
    ]


def test_about_the_share_of_many_components_is_drawn():
    drawn = sum(is_drawn(d(index), 0.02) for index in range(20_000))
    assert 340 <= drawn <= 460


def small_table(*rows):
    return typed([(row_id, component, split) for row_id, component, split in rows], Splits)


def test_documents_of_a_drawn_pair_come_along_with_the_copy_that_was_kept():
    names = [f"{index}" for index in range(200)]
    inside = next(name for name in names if is_drawn(p(name), 0.3))
    outside = [name for name in names if not is_drawn(d(name), 0.3)][:3]
    asked, kept, other = outside
    splits = small_table(
        (p(inside), p(inside), "train"),
        *((d(name), d(name), "corpus") for name in (asked, kept, other)),
    )
    pair_table = pairs((inside, "what", asked))
    kept_of = {d(asked): d(kept)}
    assert draw_sample(splits, pair_table, kept_of, 0.3).outside == {d(other)}


ROWS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 25), st.integers(0, 15)),
    unique_by=lambda row: row[0],
    min_size=1,
)


@examples(100)
@given(ROWS, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_sample_lies_within_every_larger_one_and_holds_whole_components(rows, one, other):
    small, large = sorted((one, other))
    splits = small_table(
        *((p(pair), d(component), "corpus") for pair, component, _ in rows),
        *((d(name), d(name), "corpus") for name in sorted({document for _, _, document in rows})),
    )
    pair_table = pairs(*((pair, "what", document) for pair, _, document in rows))
    inside_small, inside_large = (
        set(splits["id"]) - draw_sample(splits, pair_table, {}, share).outside
        for share in (small, large)
    )
    assert inside_small <= inside_large
    answers = {(p(pair), d(document)) for pair, _, document in rows}
    assert all(document in inside_small for pair, document in answers if pair in inside_small)
    # Pairs of a component are all in, or all out.
    places = {(component, p(pair) in inside_small) for pair, component, _ in rows}
    assert max(Counter(component for component, _ in places).values()) == 1


def test_without_a_share_everything_is_used():
    splits = small_table((p("a"), p("a"), "train"))
    sample = draw_sample(splits, pairs(("a", "what", "a")), {}, None)
    assert sample == Sample(None, frozenset())
    assert sample.splits(splits) is splits
    assert (sample.mark, sample.reasons, sample.metrics(splits, PAIRS)) == ({}, (), {})


# --- the command


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("given_splits", [(), GIVEN], ids=["free", "given"])
def test_kept_rows_have_the_component_and_split_of_a_run_of_all_rows(project, unit, given_splits):
    everything = run_sample(None, unit=unit, given=given_splits)
    whole = tables_of_run()
    sampled = run_sample(0.3, unit=unit, given=given_splits)
    is_kept = sampled["split"] != OUTSIDE
    assert list(sampled.index) == list(everything.index)
    assert sampled["component_id"].equals(everything["component_id"])
    assert sampled.loc[is_kept, "split"].equals(everything.loc[is_kept, "split"])
    assert 0.15 < is_kept.mean() < 0.6

    # Fingerprints are of all held-out texts, and giants of all rows.
    for name in ("fingerprints.parquet", "giants.parquet"):
        assert tables_of_run()[name] == whole[name], name

    # A query is asked for the documents that it had, and all of them can be found.
    passages = written(Passages, "passages")
    found = set(passages["doc_id"])
    assert found == {row_id for row_id in sampled.index[is_kept] if row_id.startswith("d")}
    for split in ("validation", "test"):
        queries = written(Queries, f"{split}/queries")
        qrels = written(Qrels, f"{split}/qrels")
        assert len(queries) and set(qrels["doc_id"]) <= found
        assert set(queries["component_id"]) == {
            name
            for name in everything.loc[everything["split"] == split, "component_id"]
            if is_drawn(name, 0.3) and name in set(pairs_of_splits(everything))
        }
    assert leaks() == {"leaks": 0, "sample": 0.3}


def pairs_of_splits(splits):
    """Return the components that have pairs."""
    return splits.loc[splits.index.str.startswith("p"), "component_id"]


@pytest.mark.slow
def test_each_row_outside_has_a_line_and_rows_balance(project):
    sampled = run_sample(0.3)
    outside = set(sampled.index[sampled["split"] == OUTSIDE])
    ledger = written(Ledger, "ledger")
    assert set(ledger["row_id"]) == outside
    assert set(ledger["reason"]) == {OUTSIDE}
    counts = metrics()
    kept_pairs = [row_id for row_id in PAIRS["pair_id"] if row_id not in outside]
    assert counts["rows_in"] == len(PAIRS)
    assert counts["rows_out"] == len(kept_pairs)
    assert counts["rows_in"] == counts["rows_out"] + counts["dropped.not_in_sample"]
    assert counts["documents.rows_in"] == len(DOCUMENTS)
    assert (
        counts["documents.rows_in"]
        == counts["documents.rows_out"] + counts["documents.dropped.not_in_sample"]
    )
    assert counts["documents.rows_out"] == written(Passages, "passages")["doc_id"].nunique()
    by_split = sampled.loc[kept_pairs, "split"].value_counts().to_dict()
    assert {name: counts[f"{name}_pairs"] for name in by_split} == by_split
    assert counts["components"] == sampled.loc[kept_pairs, "component_id"].nunique()
    assert (counts["sample"], counts["few_components"]) == (0.3, True)
    # Documents without pairs are sampled too.
    assert 0 < sum(d(name) in outside for name in DISTRACTORS) < len(DISTRACTORS)


@pytest.mark.slow
def test_rows_that_share_a_document_or_an_anchor_stay_together(project):
    assert torn(run_sample(0.3)) == []


@pytest.mark.slow
def test_a_draw_by_row_is_noticed(project, monkeypatch):
    def draw_rows(splits, pair_table, kept_of, share):
        outside = [row_id for row_id in splits["id"] if not is_drawn(row_id, share)]
        return Sample(share, frozenset(outside))

    monkeypatch.setattr(stage, "draw_sample", draw_rows)
    assert len(torn(run_sample(0.3))) > 20


@pytest.mark.slow
def test_without_a_sample_no_table_and_no_number_speaks_of_one(project):
    everything = run_sample(None)
    assert OUTSIDE not in set(everything["split"])
    assert [key for key in metrics() if "sample" in key] == ["dropped.not_sampled"]
    assert leaks() == {"leaks": 0}
    assert Path("data/split/passages.parquet").read_bytes() == (
        Path("data/pair/passages.parquet").read_bytes()
    )


@pytest.mark.slow
def test_the_cap_of_training_pairs_keeps_the_same_rows_as_in_a_run_of_all(project):
    everything = run_sample(None, max_train_pairs=100)
    sampled = run_sample(0.2, max_train_pairs=100)
    is_kept = sampled["split"] != OUTSIDE
    assert sampled.loc[is_kept, "split"].equals(everything.loc[is_kept, "split"])
    # The components of the sample come first in the order of the cap, so it takes none of them.
    uncapped = run_sample(0.2)
    assert sampled["split"].equals(uncapped["split"])
    reasons = Counter(written(Ledger, "ledger")["reason"])
    assert set(reasons) == {OUTSIDE}
    # A cap that is smaller than the sample still holds.
    counts = run_sample(0.9, max_train_pairs=40)["split"]
    trained = [row_id for row_id in PAIRS["pair_id"] if counts[row_id] == "train"]
    assert 40 <= len(trained) < 60
    assert metrics()["dropped.not_sampled"] > 100


@pytest.mark.slow
def test_a_giant_that_is_cut_is_sampled_by_the_pieces_of_its_parts(project):
    # One anchor asks for every document.
    hub = pairs(*((f"hub {name}", text(f"hub {name}"), name) for name in NAMES))
    chain = pairs(
        *((f"chain {name}", text(f"hub {name}"), NAMES[int(name) - 1]) for name in NAMES[1:])
    )
    pair_table = pd.concat([hub, chain], ignore_index=True)
    results = []
    for sample in (None, 0.4):
        result = run(DOCUMENTS, pair_table, sample=sample, giants="cut")
        assert result.exit_code == 0, result.output
        results.append(written(Splits, "splits").set_index("id"))
        giants = written(GiantRows, "giants")
    everything, sampled = results
    is_kept = sampled["split"] != OUTSIDE
    assert set(giants["handling"]) == {"cut"}
    assert sampled.loc[is_kept, "split"].equals(everything.loc[is_kept, "split"])
    assert 0.2 < is_kept.mean() < 0.7
    assert set(written(Qrels, "test/qrels")["doc_id"]) <= set(
        written(Passages, "passages")["doc_id"]
    )


@pytest.mark.slow
def test_a_sample_without_held_out_rows_is_refused(project):
    result = run(DOCUMENTS, PAIRS, sample=0.0001, giants="auto")
    assert result.exit_code == 1
    assert "run.sample is 0.0001, and no component of the split train" in result.output
    assert "raise run.sample" in result.output


@pytest.mark.parametrize("value", [0, 0.0, 1, 1.0, -0.1, "0.02", True])
def test_other_values_are_refused_by_name(project, value):
    result = run(DOCUMENTS, PAIRS, sample=value)
    assert result.exit_code == 1
    assert "run.sample" in result.output


# --- beside it


@pytest.mark.slow
def test_a_run_of_a_sample_is_not_frozen(project):
    run_sample(0.3)
    before = Path("data/frozen/splits.csv").read_bytes()
    result = CliRunner().invoke(freeze_app, ["--drop-absent"])
    assert result.exit_code == 1
    assert "the last run is one of a sample" in result.output
    assert Path("data/frozen/splits.csv").read_bytes() == before


@pytest.mark.slow
def test_frozen_rows_keep_their_split_in_a_sample(project):
    everything = run_sample(None)
    frozen = [
        (row_id, "test" if index % 2 else "train")
        for index, row_id in enumerate(everything.index[everything["split"] == "validation"])
    ][:6]
    by_component = dict(frozen)
    whole = run_sample(None, frozen=frozen)
    sampled = run_sample(0.5, frozen=frozen)
    is_kept = sampled["split"] != OUTSIDE
    assert by_component
    assert sampled.loc[is_kept, "split"].equals(whole.loc[is_kept, "split"])


@pytest.mark.slow
def test_held_out_texts_outside_the_sample_keep_their_fingerprints(project):
    sampled = run_sample(0.3)
    everything = run_sample(None)
    held_out = set(everything.index[everything["split"].isin(["validation", "test"])])
    outside = set(sampled.index[sampled["split"] == OUTSIDE])
    run_sample(0.3)
    assert set(written(Fingerprints, "fingerprints")["id"]) == held_out
    assert len(held_out & outside) > 20


# --- later stages


def test_only_stages_that_look_at_the_splits_read_the_passages_of_all_rows():
    readers = []
    for name in order():
        paths = [item.path for item in inputs_of(load_stage(name).inputs)]
        if "data/pair/passages.parquet" in paths:
            readers.append(name)
            assert name == "split" or "data/split/splits.parquet" in paths
    assert readers == ["split", "augment", "mine"]


def test_no_document_outside_is_a_negative_or_gives_words():
    document_table = documents(("in", "one text"), ("out", "another text"))
    splits = small_table((d("in"), d("in"), "corpus"), (d("out"), d("out"), OUTSIDE))
    passages = whole_passages(document_table)
    corpus = MiningCorpus.from_tables(
        documents=[document_table],
        passages=[passages],
        splits=splits,
        positive_ids=(),
        encode=lambda texts: np.ones((len(texts), 2), dtype=np.float32),
    )
    assert (corpus.ids, corpus.searched, list(corpus.texts)) == ([d("in")], 1, ["one text"])
    (visible,) = visible_passages([passages], splits)
    assert visible["text"].tolist() == ["one text"]
    assert ids_in_sample(splits["id"], splits).tolist() == [d("in")]
