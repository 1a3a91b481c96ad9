"""Each unit of the split keeps its rows apart, and reports the leaks that it allows."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.tables import check_table
from stages.lib.schemas.splits import Fingerprints, Splits
from stages.lib.text.matches import match_texts
from stages.lib.text.normal_form import normal_form
from stages.split.assignment import assign_documents, sample_training
from stages.split.leakage import find_leaks
from stages.split.metrics import shared_documents
from tests.properties import examples
from tests.split.faq import (
    EVEN,
    LONG,
    assigned,
    d,
    documents,
    metrics,
    nine_documents,
    p,
    pairs,
    rows_of,
    run,
    splits,
    text,
    with_params,
    written,
)

BY_ANCHOR = EVEN.model_copy(update={"unit": "anchor"})
POOL = [
    "Reset it",
    "reset it!",
    LONG,
    LONG + " please",
    "C++",
    "C#",
    *(text(index) for index in range(8)),
]
CLICKS = st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 3)), min_size=1, max_size=14)


def clicks(pair_table):
    document_table = documents(*((f"{index}", text(f"document {index}")) for index in range(4)))
    return document_table, pairs(
        *((f"{index}", anchor, f"{product}") for index, (anchor, product) in enumerate(pair_table))
    )


@examples(60)
@given(CLICKS, st.randoms(use_true_random=False))
def test_by_anchor_every_query_is_in_one_split(pair_table, random):
    document_table, click_table = clicks(pair_table)
    actual = assigned(document_table, click_table, BY_ANCHOR)
    anchors = rows_of(document_table, click_table).anchors
    assert find_leaks(match_texts([anchors], 0.8), actual.split_by_row()) == []
    kept = check_table(
        assign_documents(
            sample_training(actual, click_table, None), rows_of(document_table, click_table), {}
        ),
        Splits,
        "splits",
    )
    assert set(kept["id"]) == {*document_table["doc_id"], *click_table["pair_id"]}
    assert (kept.groupby("component_id")["split"].nunique() == 1).all()

    again = assigned(
        document_table,
        click_table.sample(frac=1.0, random_state=random.randrange(2**32)),
        BY_ANCHOR,
    )
    assert (again.component_of, again.split_of, again.edges) == (
        actual.component_of,
        actual.split_of,
        actual.edges,
    )


@examples(60)
@given(CLICKS, st.lists(st.integers(0, 3), max_size=4))
def test_by_anchor_more_clicks_move_nothing(pair_table, more):
    document_table, click_table = clicks(pair_table)
    before = assigned(document_table, click_table, BY_ANCHOR)
    known = pairs(
        *(
            (f"more {index}", pair_table[index % len(pair_table)][0], f"{product}")
            for index, product in enumerate(more)
        )
    )
    new = pairs(
        *(
            (f"new {index}", text(f"new {index}"), f"{product}")
            for index, product in enumerate(more)
        )
    )
    after = assigned(document_table, pd.concat([click_table, known, new]), BY_ANCHOR)
    assert after.component_of.items() >= before.component_of.items()
    assert after.split_by_row().items() >= before.split_by_row().items()


def test_a_document_is_in_a_split_of_its_pairs():
    document_table = documents(
        *((name, text(name)) for name in ("both", "held", "exams", "left", "loose"))
    )
    pair_table = pairs(
        ("1", "a", "both"), ("2", "b", "both"), ("3", "c", "held"), ("4", "d", "exams"), ("5", "e", "exams"),
        ("6", "f", "left"),
    )  # fmt: skip
    split_of = {
        "1": "train",
        "2": "test",
        "3": "validation",
        "4": "validation",
        "5": "test",
        "6": "corpus",
    }
    ids = [p(name) for name in split_of]
    actual = assign_documents(
        pd.DataFrame({"id": ids, "component_id": ids, "split": list(split_of.values())}),
        rows_of(document_table, pair_table),
        {},
    )
    actual = dict(zip(actual["id"], actual["split"], strict=True))
    assert {name: actual[d(name)] for name in ("both", "held", "exams", "left", "loose")} == {
        "both": "train",
        "held": "validation",
        "exams": "test",
        "left": "corpus",
        "loose": "corpus",
    }
    assert shared_documents(pair_table, actual) == 1


def test_by_group_equal_texts_share_a_split_and_near_ones_do_not():
    params = EVEN.model_copy(update={"unit": "group"})
    document_rows = [
        (f"{index} {side}", f"{text(index)} {text(-index)} {side}", f"{index}")
        for index in range(1, 41)
        for side in "ab"
    ]
    pair_table = pairs(*((name, text(f"{name}?"), name) for name, _, _ in document_rows))
    actual = assigned(documents(*document_rows), pair_table, params)
    assert len(set(actual.component_of.values())) == 40
    assert "near text" not in {edge.kind for edge in actual.edges}

    loose = documents(*((name, body) for name, body, _ in document_rows))
    actual = assigned(loose, pair_table, params)
    assert len(set(actual.component_of.values())) == 80
    kinds = rows_of(loose, pair_table)[:2]
    assert {leak.kind for leak in find_leaks(match_texts(kinds, 0.8), actual.split_by_row())} == {
        "near text"
    }


@pytest.mark.slow
def test_the_command_by_anchor_shares_documents_and_reports_it(project):
    document_table = documents(("a", text("a")), ("b", text("b")))
    names = [f"{index}" for index in range(60)]
    pair_table = pairs(
        *((name, text(f"{name}?"), "a" if index % 2 else "b") for index, name in enumerate(names))
    )
    result = run(document_table, pair_table, unit="anchor")
    assert (result.exit_code, result.output) == (0, "")
    actual = splits()
    assert {actual[p(name)] for name in names} == {"train", "validation", "test"}
    assert {actual[d("a")], actual[d("b")]} == {"train"}
    # What training reads anyway is no secret: only anchors are.
    assert {identity[0] for identity in written(Fingerprints, "fingerprints")["id"]} == {"p"}
    assert {
        name: metrics()[name] for name in ("shared_documents", "leaked_texts", "components")
    } == {
        "shared_documents": 2,
        "leaked_texts": 0,
        "components": 60,
    }


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["component", "group", "anchor"])
def test_each_unit_runs_on_the_same_data(project, unit):
    _, document_table, pair_table = nine_documents()
    tables = [document_table] + [
        documents((f"{index}", text(f"more {index}"))) for index in range(10_000, 10_060)
    ]
    more = pairs(*((f"{index}", text(f"{index}?"), f"{index}") for index in range(10_000, 10_060)))
    result = run(pd.concat(tables), pd.concat([pair_table, more]), unit=unit)
    assert (result.exit_code, result.output) == (0, "")
    assert metrics()["leaked_texts"] == metrics()["leaked_components"] == 0


@pytest.mark.slow
def test_stray_clicks_connect_documents_and_not_queries():
    queries, products, count = 4_000, 1_500, 20_000
    draws = [int(hash_hex("click", str(index)), 16) for index in range(count)]
    query_of_click = [(one // 7) % queries for one in draws]
    # One click in fifty goes astray; the others stay with the five products that fit the query.
    product_of_click = [
        (one // 11) % products if one % 50 == 0 else (5 * query + (one // 13) % 5) % products
        for one, query in zip(draws, query_of_click, strict=True)
    ]
    document_table = documents(
        *((f"{index}", text(f"product {index}")) for index in range(products))
    )
    pair_table = pairs(
        *(
            (f"{index}", f"{text(query)} {'!' * (index % 2)}", f"{product}")
            for index, (query, product) in enumerate(
                zip(query_of_click, product_of_click, strict=True)
            )
        )
    )
    with pytest.raises(UserError, match="are tied into one component"):
        assigned(document_table, pair_table, with_params())
    actual = assigned(document_table, pair_table, with_params(unit="anchor"))
    split_of = actual.split_by_row()
    query_splits = pd.DataFrame(
        {
            "query": pair_table["anchor"].map(normal_form),
            "split": pair_table["pair_id"].map(split_of),
        }
    ).drop_duplicates()
    assert query_splits["query"].is_unique and len(query_splits) >= 3_900
    shares = pair_table["pair_id"].map(split_of).value_counts(normalize=True)
    assert abs(shares["train"] - 0.8) < 0.03 and abs(shares["test"] - 0.1) < 0.03
