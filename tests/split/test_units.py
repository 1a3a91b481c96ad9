"""What a unit keeps apart is kept apart; what it allows is reported, and never told to later stages as a leak."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.table import check
from stages.lib.errors import Problem
from stages.lib.text import hash_hex, normal_form
from stages.split.assignment import follow, keep_sample
from stages.split.audit import alike, leaks
from stages.split.components import Tie
from stages.split.exam import fingerprints
from stages.split.measures import shared_documents
from tests.split.faq import (
    EVEN,
    LONG,
    assigned,
    d,
    documents,
    metrics,
    p,
    pairs,
    rows_of,
    run,
    splits,
    text,
    told_and_asked,
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
    *(text(at) for at in range(8)),
]
ASKED = st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 3)), min_size=1, max_size=14)


def clicks(asked):
    frame = documents(*((f"{at}", text(f"document {at}")) for at in range(4)))
    return frame, pairs(
        *((f"{at}", anchor, f"{about}") for at, (anchor, about) in enumerate(asked))
    )


@settings(max_examples=60, deadline=None)
@given(ASKED, st.randoms(use_true_random=False))
def test_by_anchor_every_query_is_in_one_split_whatever_documents_share(asked, chance):
    frame, questions = clicks(asked)
    found = assigned(frame, questions, BY_ANCHOR)
    anchors = rows_of(frame, questions).anchors
    assert leaks(alike([anchors], 0.8), found.where()) == []
    kept = check(
        follow(keep_sample(found, questions, None), rows_of(frame, questions), {}), Splits, "splits"
    )
    assert set(kept["id"]) == {*frame["doc_id"], *questions["pair_id"]}
    assert (kept.groupby("component_id")["split"].nunique() == 1).all()

    again = assigned(
        frame, questions.sample(frac=1.0, random_state=chance.randrange(2**32)), BY_ANCHOR
    )
    assert (again.component_of, again.split_of, again.added) == (
        found.component_of,
        found.split_of,
        found.added,
    )


@settings(max_examples=60, deadline=None)
@given(ASKED, st.lists(st.integers(0, 3), max_size=4))
def test_by_anchor_more_clicks_on_known_and_new_queries_move_nothing(asked, more):
    frame, questions = clicks(asked)
    before = assigned(frame, questions, BY_ANCHOR)
    known = pairs(
        *((f"more {at}", asked[at % len(asked)][0], f"{about}") for at, about in enumerate(more))
    )
    new = pairs(*((f"new {at}", text(f"new {at}"), f"{about}") for at, about in enumerate(more)))
    after = assigned(frame, pd.concat([questions, known, new]), BY_ANCHOR)
    assert after.component_of.items() >= before.component_of.items()
    assert after.where().items() >= before.where().items()


def test_a_document_is_where_its_pairs_are():
    frame = documents(*((name, text(name)) for name in ("both", "held", "exams", "left", "loose")))
    asked = pairs(
        ("1", "a", "both"), ("2", "b", "both"), ("3", "c", "held"), ("4", "d", "exams"), ("5", "e", "exams"),
        ("6", "f", "left"),
    )  # fmt: skip
    where = {
        "1": "train",
        "2": "test",
        "3": "validation",
        "4": "validation",
        "5": "test",
        "6": "corpus",
    }
    ids = [p(name) for name in where]
    found = follow(
        pd.DataFrame({"id": ids, "component_id": ids, "split": list(where.values())}),
        rows_of(frame, asked),
        {},
    )
    found = dict(zip(found["id"], found["split"], strict=True))
    assert {name: found[d(name)] for name in ("both", "held", "exams", "left", "loose")} == {
        "both": "train",
        "held": "validation",
        "exams": "test",
        "left": "corpus",
        "loose": "corpus",
    }
    assert shared_documents(asked, found) == 1


def test_by_group_equal_texts_and_groups_are_apart_and_near_ones_are_not():
    params = EVEN.model_copy(update={"unit": "group"})
    told = [
        (f"{at} {side}", f"{text(at)} {text(-at)} {side}", f"{at}")
        for at in range(1, 41)
        for side in "ab"
    ]
    asked = pairs(*((name, text(f"{name}?"), name) for name, _, _ in told))
    found = assigned(documents(*told), asked, params)
    assert len(set(found.component_of.values())) == 40
    assert found.added == []

    loose = documents(*((name, body) for name, body, _ in told))
    found = assigned(loose, asked, params)
    assert len(set(found.component_of.values())) == 80
    kinds = rows_of(loose, asked)[:2]
    assert {leak.kind for leak in leaks(alike(kinds, 0.8), found.where())} == {"near text"}


def test_what_the_unit_allows_is_not_told_as_held_out():
    texts = {
        d("equal"): ["Reset it"],
        d("near"): [LONG],
        d("apart"): ["Call us"],
        d("trained"): ["Reset it!"],
    }
    split_of = {identity: "test" for identity in texts} | {d("trained"): "train"}
    allowed = [
        Tie(d("equal"), d("trained"), "equal text"),
        Tie(d("near"), d("trained"), "near text"),
    ]
    found = check(fingerprints([texts], split_of, allowed), Fingerprints, "fingerprints").set_index(
        "id"
    )
    assert set(found.index) == {d("near"), d("apart")}
    assert len(found.loc[d("near"), "shingles"]) == 0
    assert len(found.loc[d("apart"), "shingles"]) > 0


def test_the_command_by_anchor_shares_documents_and_reports_it(project):
    frame = documents(("a", text("a")), ("b", text("b")))
    names = [f"{at}" for at in range(60)]
    asked = pairs(
        *((name, text(f"{name}?"), "a" if at % 2 else "b") for at, name in enumerate(names))
    )
    result = run(frame, asked, unit="anchor")
    assert (result.exit_code, result.output) == (0, "")
    found = splits()
    assert {found[p(name)] for name in names} == {"train", "validation", "test"}
    assert {found[d("a")], found[d("b")]} == {"train"}
    # What training reads anyway is no secret: only anchors are.
    assert {identity[0] for identity in written(Fingerprints, "fingerprints")["id"]} == {"p"}
    assert {
        name: metrics()[name] for name in ("shared_documents", "leaked_texts", "components")
    } == {
        "shared_documents": 2,
        "leaked_texts": 0,
        "components": 60,
    }


@pytest.mark.parametrize("unit", ["component", "group", "anchor"])
def test_each_unit_runs_on_the_same_data(project, unit):
    _, frame, asked = told_and_asked()
    many = [frame] + [documents((f"{at}", text(f"more {at}"))) for at in range(10_000, 10_060)]
    more = pairs(*((f"{at}", text(f"{at}?"), f"{at}") for at in range(10_000, 10_060)))
    result = run(pd.concat(many), pd.concat([asked, more]), unit=unit)
    assert (result.exit_code, result.output) == (0, "")
    assert metrics()["leaked_texts"] == metrics()["leaked_components"] == 0


@pytest.mark.slow
def test_in_a_click_log_each_query_is_in_one_split_though_stray_clicks_tie_nearly_all():
    queries, products, count = 20_000, 7_500, 100_000
    lot = [int(hash_hex("click", str(at)), 16) for at in range(count)]
    asked_of = [(one // 7) % queries for one in lot]
    # One click in fifty goes astray; the others stay with the five products that fit the query.
    chosen = [
        (one // 11) % products if one % 50 == 0 else (5 * query + (one // 13) % 5) % products
        for one, query in zip(lot, asked_of, strict=True)
    ]
    frame = documents(*((f"{at}", text(f"product {at}")) for at in range(products)))
    asked = pairs(
        *(
            (f"{at}", f"{text(query)} {'!' * (at % 2)}", f"{about}")
            for at, (query, about) in enumerate(zip(asked_of, chosen, strict=True))
        )
    )
    with pytest.raises(Problem, match="are tied into one component"):
        assigned(frame, asked, with_params())
    found = assigned(frame, asked, with_params(unit="anchor"))
    where = found.where()
    places = pd.DataFrame(
        {"query": asked["anchor"].map(normal_form), "split": asked["pair_id"].map(where)}
    ).drop_duplicates()
    assert places["query"].is_unique and len(places) > 19_500
    shares = asked["pair_id"].map(where).value_counts(normalize=True)
    assert abs(shares["train"] - 0.8) < 0.03 and abs(shares["test"] - 0.1) < 0.03
