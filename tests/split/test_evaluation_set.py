"""Evaluation sets have collected pairs where there are any, and fingerprints hide every held-out text."""

import json

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.tables import check_table
from stages.lib.schemas.evaluation_set import Queries, ScoredPairs
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.lib.schemas.splits import EVALUATION_SPLITS, Fingerprints, Splits
from stages.lib.text.hashed_shingles import hashed_shingles
from stages.lib.text.held_out import HeldOutHashes, match_held_out
from stages.lib.text.normal_form import normal_form
from stages.split import fingerprints as fingerprints_module
from stages.split.components import Edge
from stages.split.evaluation_set import (
    TopicRelevance,
    build_evaluation_sets,
    build_synthetic_set,
)
from stages.split.fingerprints import FingerprintTable
from tests.split.faq import (
    LONG,
    d,
    documents,
    metrics,
    nine_documents,
    p,
    pairs,
    run,
    text,
    typed,
    written,
)


def queries(split):
    table = written(Queries, f"{split}/queries")
    return dict(zip(table["raw"], table["text"], strict=True))


@pytest.mark.slow
def test_collected_pairs_are_evaluated_synthetic_ones_trained_on(project):
    names, document_table, pair_table = nine_documents()
    synthetic = pairs(*((f"made {name}", text(f"title {name}"), name) for name in names)).assign(
        source="pair.title"
    )
    repeated = pairs((f"known {names[6]}", text(names[6] + "?"), names[6])).assign(
        source="pair.synonyms"
    )
    result = run(
        document_table,
        pair_table,
        built=(document_table, pd.concat([pair_table, synthetic, repeated])),
    )
    assert (result.exit_code, result.output) == (0, "")
    assert set(queries("test")) == {text(names[8] + "?")}
    splits = written(Splits, "splits").set_index("id")["split"]
    assert all(splits[p(f"made {name}")] == splits[p(name)] for name in names)
    assert metrics()["synthetic_exam"] is False
    # Those in validation are a slice of their own, those in the test split are never asked.
    assert set(queries("synthetic")) == {text(f"title {name}") for name in names[6:8]}
    assert set(written(Queries, "synthetic/queries")["source"]) == {"pair.title"}


@pytest.mark.slow
def test_without_collected_pairs_synthetic_ones_are_evaluated(project):
    names, document_table, _ = nine_documents()
    synthetic = pairs(*((f"made {name}", text(f"title {name}"), name) for name in names))
    result = run(document_table, Pairs.empty(), built=(document_table, synthetic))
    assert (result.exit_code, result.output) == (0, "")
    assert queries("test") == {text(f"title {names[8]}"): text(f"title {names[8]}")}
    assert (metrics()["synthetic_exam"], metrics()["synthetic_queries"]) == (True, 0)


@pytest.mark.slow
def test_held_out_negative_pairs_give_no_query(project):
    names, document_table, pair_table = nine_documents()
    others = [*names[1:], names[0]]
    negatives = pairs(
        *(
            (f"not {name}", text(f"{name}?"), other)
            for name, other in zip(names, others, strict=True)
        ),
        score=0.2,
    )
    result = run(
        document_table, pd.concat([pair_table, negatives]), built=(document_table, pair_table)
    )
    assert (result.exit_code, result.output) == (0, "")
    assert set(queries("test")) == {text(names[8] + "?")}
    scored = written(ScoredPairs, "test/scored_pairs").set_index("pair_id")
    assert scored["score"].to_dict() == {p(names[8]): 1.0, p(f"not {names[8]}"): 0.2}
    assert set(scored["component_id"]) == {d(names[8])}
    assert len(written(ScoredPairs, "validation/scored_pairs")) == 4
    splits = written(Splits, "splits").set_index("id")["split"]
    assert all(splits[p(f"not {name}")] == splits[d(name)] for name in names)


@pytest.mark.slow
def test_equal_scores_give_no_scored_pairs(project):
    _, document_table, pair_table = nine_documents()
    assert run(document_table, pair_table).exit_code == 0
    assert [len(written(ScoredPairs, f"{split}/scored_pairs")) for split in EVALUATION_SPLITS] == [
        0,
        0,
    ]


@pytest.mark.slow
def test_a_topic_in_one_component_is_an_error_with_its_recipe(project):
    names = [f"{index}" for index in range(30)]
    document_table = documents(*((name, text(name)) for name in names))
    cycle = [
        (f"made {name}", text(name), other)
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
    ]
    synthetic = pairs(*cycle).assign(source="pair.same_label")
    result = run(
        document_table,
        Pairs.empty(),
        built=(document_table, synthetic),
        origins={p(f"made {name}"): d(name) for name in names},
    )
    assert result.exit_code == 1
    assert "take same_label out of pair.recipes" in result.stderr


def test_a_whole_topic_is_relevant_but_its_own_document():
    document_table = documents(
        *((name, name, "", "skin" if name in "abc" else "bones") for name in "abcdef")
    )
    cycle = pairs(("1", "a", "b"), ("2", "b", "c"), ("3", "c", "a"), ("4", "d", "e")).assign(
        source="pair.same_label"
    )
    synthetic = typed(
        [(p(index), d(origin), "") for index, origin in zip("1234", "abcd", strict=True)],
        SyntheticPairs,
    )
    split_of_name = {"1": "validation", "2": "validation", "3": "validation", "4": "test"}
    splits = pd.DataFrame(
        {
            "id": list(map(p, split_of_name)),
            "component_id": d("c"),
            "split": list(split_of_name.values()),
        }
    )
    sets = build_evaluation_sets(cycle, {}, splits, TopicRelevance(document_table, synthetic))
    query_table, qrels = sets["validation"]
    pair_table = dict(zip(query_table["query_id"], query_table["raw"], strict=True))
    actual = sorted(zip(qrels["query_id"].map(pair_table), qrels["doc_id"], strict=True))
    assert actual == sorted(
        (anchor, d(other)) for anchor in "abc" for other in set("abc") - {anchor}
    )
    assert set(sets["test"][1]["doc_id"]) == {d("e"), d("f")}
    assert build_synthetic_set(
        cycle, splits, Queries.empty(), TopicRelevance(document_table, synthetic)
    )[1].equals(qrels)


UNLABELLED = TopicRelevance(documents(("a", "any")), SyntheticPairs.empty())


def splits_of(**split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [p(name) for name in split], "component_id": d("c"), "split": list(split.values())}
    )


def test_queries_are_raw_where_cleaning_dropped_them():
    pair_rows = pairs(("v", "<b>No</b> signal", "a"), ("e", "??", "b"), ("t", "no sound", "c"))
    splits = splits_of(v="validation", e="test", t="train")
    sets = build_evaluation_sets(
        pair_rows, {p("v"): "No signal", p("t"): "no sound"}, splits, UNLABELLED
    )
    assert sets["validation"][0][["raw", "text"]].to_numpy().tolist() == [
        ["<b>No</b> signal", "No signal"]
    ]
    assert sets["test"][0][["raw", "text"]].to_numpy().tolist() == [["??", "??"]]
    assert sets["test"][1]["doc_id"].tolist() == [d("b")]


@pytest.mark.parametrize("empty", EVALUATION_SPLITS)
def test_an_empty_held_out_split_is_a_problem(empty):
    other = {"validation": "test", "test": "validation"}[empty]
    with pytest.raises(UserError, match=f"the 2 collected pairs leave the {empty} split empty"):
        build_evaluation_sets(
            pairs(("1", "no signal", "a"), ("2", "dark", "b")),
            {},
            splits_of(**{"1": other, "2": "train"}),
            UNLABELLED,
        )


def test_pairs_below_the_threshold_do_not_fill_a_split():
    pair_rows = pd.concat([pairs(("1", "no signal", "a")), pairs(("2", "dark", "b"), score=0.0)])
    with pytest.raises(UserError, match="leave the test split empty"):
        build_evaluation_sets(
            pair_rows, {}, splits_of(**{"1": "validation", "2": "test"}), UNLABELLED
        )


def test_fingerprints_know_every_held_out_text_and_hold_none():
    anchors = {
        p("v"): ["<b>Secret</b> anchor", "Secret anchor", "secret  anchor!"],
        p("t"): ["Trained anchor"],
    }
    texts = {d("e"): ["Confidential document"], d("c"): ["Corpus document"]}
    split_of = {p("v"): "validation", p("t"): "train", d("e"): "test", d("c"): "corpus"}
    table = FingerprintTable({**anchors, **texts}, split_of).frame()
    assignment = check_table(table, Fingerprints, "fingerprints")
    expected = [
        (
            identity,
            split_of[identity],
            hash_hex(normal_form(body)),
            "texts",
            [hashes.tolist() for hashes in hashed_shingles([normal_form(body)])[0]],
            [],
        )
        for identity, body in [
            (p("v"), "<b>Secret</b> anchor"),
            (p("v"), "Secret anchor"),
            (d("e"), "Confidential document"),
        ]
    ]
    assignment["shingles"] = [
        [hashes.tolist() for hashes in shingle_sets] for shingle_sets in assignment["shingles"]
    ]
    assignment["runs"] = [runs.tolist() for runs in assignment["runs"]]
    rows = list(assignment.itertuples(index=False, name=None))
    assert sorted(rows) == sorted(expected)
    words = json.dumps(rows).lower()
    assert not [word for word in ("secret", "anchor", "confidential", "document") if word in words]


def test_blocks_of_texts_write_the_same_bytes(monkeypatch, tmp_path):
    # Protected texts of one normal form, and a row of three versions, may not come apart.
    texts = {p(str(number)): [f"Anchor {number}"] for number in range(20)}
    texts[p("versions")] = ["<b>Reset</b> it", "Reset it", "Reset  it!"]
    split_of = dict.fromkeys(texts, "test")
    protected = ["Call us", "Call us!", "call us", "Wait"]
    table = FingerprintTable(texts, split_of, protected_texts=protected)
    tables.write(table.frame(), tmp_path / "whole.parquet", Fingerprints)
    monkeypatch.setattr(fingerprints_module, "BLOCK_TEXTS", 2)
    table.write(tmp_path / "blocks.parquet", Fingerprints)
    rows = tables.read(tmp_path / "blocks.parquet", Fingerprints)

    # 20 anchors, two forms of the row of versions, and two of the protected texts.
    assert len(rows) == 24
    whole_bytes = (tmp_path / "whole.parquet").read_bytes()
    assert (tmp_path / "blocks.parquet").read_bytes() == whole_bytes


def test_without_held_out_texts_there_are_no_fingerprints():
    assert (
        len(
            check_table(
                FingerprintTable({p("t"): ["a"]}, {p("t"): "train"}).frame(),
                Fingerprints,
                "fingerprints",
            )
        )
        == 0
    )


def test_fingerprints_leave_out_texts_that_the_unit_allows():
    texts = {
        d("equal"): ["Reset it"],
        d("near"): [LONG],
        d("apart"): ["Call us"],
        d("trained"): ["Reset it!"],
    }
    split_of = {identity: "test" for identity in texts} | {d("trained"): "train"}
    allowed = [
        Edge(d("equal"), d("trained"), "equal text"),
        Edge(d("near"), d("trained"), "near text"),
    ]
    actual = check_table(
        FingerprintTable(texts, split_of, allowed).frame(), Fingerprints, "fingerprints"
    ).set_index("id")
    assert set(actual.index) == {d("near"), d("apart")}
    assert len(actual.loc[d("near"), "shingles"]) == 0
    assert len(actual.loc[d("apart"), "shingles"]) > 0


# Sentences of twenty words and more: who shares one of them overlaps.
_SHOWN = (
    "The lessee pays a monthly rate for the loss of value during the agreed period and returns the "
    "car at its end."
)
_IN_MARKUP = (
    "The buyer owns the car as soon as the loan is paid back in full and may sell it at any time "
    "afterwards."
)
_OTHER = "Ask us. We answer on working days between nine and five, also in writing."


def test_what_stands_in_the_markup_of_a_held_out_page_may_be_trained_on():
    """Pages hold the answers of other pages as data for search engines, which nobody reads."""
    page = f'<html><script>{{"text": "Rates. {_IN_MARKUP} More."}}</script><p>{_SHOWN}</p></html>'
    texts = {d("page"): [_SHOWN, page]}
    table = FingerprintTable(texts, {d("page"): "test"}, untrained={d("page"): [page]}).frame()

    training = {
        d("quotes"): [f"{_OTHER} {_SHOWN} {_OTHER}"],
        d("other"): [f"{_OTHER} {_IN_MARKUP} {_OTHER}"],
    }
    matches = match_held_out({}, training, HeldOutHashes([table]), 0.7)
    assert {row_id: match.kind for row_id, match in matches.items()} == {d("quotes"): "overlapping"}

    # The page as a whole is held out all the same.
    assert (
        match_held_out({}, {d("copy"): [page]}, HeldOutHashes([table]), 0.7)[d("copy")].kind
        == "equal"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_a_text_keeps_its_runs_where_the_collected_one_has_its_normal_form(order):
    collected = _SHOWN.replace(" ", "  ")
    texts = {d("page"): [_SHOWN, collected][::order]}
    table = FingerprintTable(texts, {d("page"): "test"}, untrained={d("page"): [collected]}).frame()
    training = {d("quotes"): [f"{_OTHER} {_SHOWN} {_OTHER}"]}
    assert (
        match_held_out({}, training, HeldOutHashes([table]), 0.7)[d("quotes")].kind == "overlapping"
    )
