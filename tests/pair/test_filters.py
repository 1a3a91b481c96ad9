"""A filter accepts pairs that are true and new, and gives a reason for each other one."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.core.yaml_files import read_yaml
from stages.lib.text.strict_form import strict_form
from stages.pair.candidates import PairCandidate
from stages.pair.filters import (
    balance_metrics,
    cap_pairs,
    filter_candidates,
    select_given_pairs,
    text_filters,
)
from stages.pair.interface import PairParams
from tests.pair.rows import d, p, pairs
from tests.properties import examples

PARAMS = read_yaml(Path("params.yaml"))["pair"]
NO_CAPS = {"document": None, "topic": None, "relation": None}


def candidate(name, anchor, document, recipe="title", positive=""):
    return PairCandidate(recipe, p(name), anchor, d(document), d(document), positive)


def apply_filters(*candidates, given=()):
    """Return the ids that are accepted, and [id, reason, partner id] of those that are excluded."""
    result = filter_candidates(candidates, text_filters(pairs(*given)))
    assert len(result.accepted) + len(result.excluded) == len(candidates)
    accepted = [pair.pair_id for pair in result.accepted]
    return accepted, [[line.pair_id, line.reason, line.partner_id] for line in result.excluded]


def reasons(result):
    """Return the number of excluded pairs by reason."""
    return Counter(line.reason for line in result.excluded)


def test_a_synthetic_pair_that_is_given_is_excluded():
    accepted, excluded = apply_filters(
        candidate("3", "Reset", "a"), candidate("4", "Signal", "b"), given=[("1", "reset?", "a")]
    )
    assert (accepted, excluded) == ([p("4")], [[p("3"), "already_given", p("1")]])


@pytest.mark.parametrize(("other", "preferred"), [("1", "2"), ("2", "1")])
def test_of_two_equal_pairs_that_of_the_preferred_recipe_stays(other, preferred):
    accepted, excluded = apply_filters(
        candidate(other, "Reset it now?", "a", "first_sentence", "Hold."),
        candidate(preferred, "reset it now", "a"),
    )
    assert accepted == [p(preferred)]
    assert excluded == [[p(other), "already_made", p(preferred)]]


def test_a_given_name_may_still_find_another_name():
    accepted, excluded = apply_filters(
        candidate("3", "CVA", "a", "synonyms", "stroke"), given=[("1", "CVA", "a")]
    )
    assert (accepted, excluded) == ([p("3")], [])


def test_an_anchor_of_several_documents_is_excluded_from_all():
    accepted, excluded = apply_filters(
        *(candidate(name, "Overview", name, "heading", "So it is.") for name in "ab"),
        candidate("c", "Reset", "c"),
        candidate("e", "fever", "e"),
        given=[("1", "Fever", "f")],
    )
    assert accepted == [p("c")]
    assert sorted(excluded) == sorted(
        [
            [p("a"), "ambiguous_anchor", d("b")],
            [p("b"), "ambiguous_anchor", d("a")],
            [p("e"), "ambiguous_anchor", d("f")],
        ]
    )


@pytest.mark.parametrize("recipe", ["first_sentence", "question", "neighbours"])
def test_a_cut_anchor_never_stands_in_its_positive(recipe):
    stays = "Push it. Hold the button now."
    goes = "Push it. HOLD the button!"
    accepted, excluded = apply_filters(
        candidate("1", "Hold the button.", "a", recipe, stays),
        candidate("2", "Hold the button. ", "b", recipe, goes),
    )
    assert accepted == []
    assert [line[:2] for line in excluded] == [[p("1"), "in_positive"], [p("2"), "in_positive"]]
    accepted, _ = apply_filters(candidate("1", "Hold the button.", "a", recipe, "Push the button."))
    assert accepted == [p("1")]


def test_pairs_below_the_threshold_are_no_positives():
    frame = pairs(
        ("1", "How to reset?", "a"), ("2", "Is it red?", "a"), ("3", "Is it on?", "a")
    ).assign(score=[0.5, 0.0, 0.49])
    params = PairParams.model_validate({**PARAMS, "positive_from": 0.5})
    given = select_given_pairs(frame, params)
    assert list(given.similar["pair_id"]) == list(given.built["pair_id"]) == [p("1")]
    assert list(given.dissimilar["pair_id"]) == [p("2"), p("3")]
    lines = [(line.pair_id, line.reason, line.score) for line in given.excluded]
    assert sorted(lines) == sorted([(p("2"), "dissimilar", 0.0), (p("3"), "dissimilar", 0.49)])


@pytest.mark.parametrize(("shape", "built"), [("ranking", "1"), ("scores", "13")])
def test_a_pair_below_the_grade_of_a_positive_is_neither_built_nor_dissimilar(shape, built):
    frame = pairs(("1", "a", "a"), ("2", "b", "a"), ("3", "c", "a")).assign(score=[1.0, 0.6, 0.0])
    params = PairParams.model_validate({**PARAMS, "positive_from": 0.5, "shape": shape})
    given = select_given_pairs(frame, params, [p("2")])
    assert list(given.built["pair_id"]) == [p(name) for name in built]
    assert list(given.similar["pair_id"]) == [p("1")]
    assert list(given.dissimilar["pair_id"]) == [p("3")]
    lines = [(line.pair_id, line.reason) for line in given.excluded]
    left_out = [(p("2"), "below_positive_grade"), (p("3"), "dissimilar")]
    assert lines == left_out[: 3 - len(built)]


def test_pairs_over_a_cap_are_chosen_by_hash_and_synthetic_first():
    names = ["1", "2", "3", "4", "5"]
    given = pairs(*((name, f"anchor {name}", "a") for name in names[:3]), ("6", "anchor", "b"))
    synthetic = pairs(*((name, f"anchor {name}", "a") for name in names[3:]), source="pair.title")
    capped = cap_pairs(pd.concat([synthetic, given]), {**NO_CAPS, "document": 2}, {})
    kept_names = sorted(names[:3], key=lambda name: hash_hex(p(name)))[:2]
    assert sorted(capped.pairs["pair_id"]) == sorted([*map(p, kept_names), p("6")])
    assert reasons(capped) == {"over_document_cap": 3}


@pytest.mark.parametrize("given_name", ["1", "2", "3"])
def test_the_given_pair_stays_whatever_its_hash(given_name):
    given_pairs = pairs((given_name, "given", "a"))
    others = [(name, f"made {name}", "a") for name in ("1", "2", "3") if name != given_name]
    frame = pd.concat([pairs(*others, source="pair.title"), given_pairs])
    capped = cap_pairs(frame, {**NO_CAPS, "document": 1}, {})
    assert list(capped.pairs["pair_id"]) == [p(given_name)]


def test_topics_and_relations_are_capped_but_not_empty_topics():
    frame = pd.concat(
        [
            pairs(("1", "a", "a"), ("2", "b", "b"), ("3", "c", "c")),
            pairs(("4", "d", "c"), relation="lay"),
        ]
    )
    topics = {d("a"): "x", d("b"): "x", d("c"): ""}
    capped = cap_pairs(frame, {**NO_CAPS, "topic": 1}, topics)
    # One of the topic x is over its cap, and none of those without a topic.
    assert len(capped.pairs) == 3
    assert {p("3"), p("4")} <= set(capped.pairs["pair_id"])
    assert reasons(capped) == {"over_topic_cap": 1}
    capped = cap_pairs(frame, {**NO_CAPS, "relation": 1}, topics)
    assert sorted(capped.pairs["relation"]) == ["exact", "lay"]
    pd.testing.assert_frame_equal(cap_pairs(frame, NO_CAPS, topics).pairs, frame)


def test_balance_is_the_largest_share_and_the_effective_number():
    frame = pairs(("1", "a", "a"), ("2", "b", "a"), ("3", "c", "b"), ("4", "d", "b"))
    assert balance_metrics(frame, {d("a"): "", d("b"): "x"}, "before") == pytest.approx(
        {
            "balance.before.document.largest_share": 0.5,
            "balance.before.document.effective_number": 2.0,
            "balance.before.topic.largest_share": 1.0,
            "balance.before.topic.effective_number": 1.0,
            "balance.before.relation.largest_share": 1.0,
            "balance.before.relation.effective_number": 1.0,
        }
    )
    uneven = balance_metrics(
        pairs(("1", "a", "a"), ("2", "b", "a"), ("3", "c", "a"), ("4", "d", "b")), {}, "after"
    )
    # exp(-(3/4 ln 3/4 + 1/4 ln 1/4)) = 4 / 3^(3/4)
    assert uneven["balance.after.document.effective_number"] == pytest.approx(4 / 3**0.75)
    assert "balance.after.topic.largest_share" not in uneven


@examples(50)
@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_cap_ignores_order_and_a_larger_one_keeps_more(rows, most, chance):
    frame = pairs(*((str(index), f"anchor {index}", doc) for index, doc in enumerate(rows)))
    shuffled = frame.sample(frac=1.0, random_state=chance.randrange(2**32), ignore_index=True)
    capped = cap_pairs(frame, {**NO_CAPS, "document": most}, {})
    capped_shuffled = cap_pairs(shuffled, {**NO_CAPS, "document": most}, {})
    kept_ids = set(capped.pairs["pair_id"])
    assert kept_ids == set(capped_shuffled.pairs["pair_id"])
    assert str(capped.excluded) == str(capped_shuffled.excluded)
    assert len(kept_ids) == sum(min(most, rows.count(document)) for document in set(rows))
    assert len(kept_ids) + reasons(capped)["over_document_cap"] == len(frame)
    larger = cap_pairs(frame, {**NO_CAPS, "document": most + 1}, {})
    assert kept_ids <= set(larger.pairs["pair_id"])


TITLES = st.sampled_from(["Reset", "reset!", "Signal", "C++", "C#"])


@examples(50)
@given(
    st.lists(
        st.tuples(TITLES, st.integers(0, 3), st.sampled_from(["title", "question", "synonyms"])),
        max_size=8,
    ),
    st.lists(st.tuples(TITLES, st.integers(0, 3)), max_size=6, unique=True),
    st.randoms(use_true_random=False),
)
def test_accepted_pairs_are_new_and_of_one_document(proposed, given_anchors, chance):
    candidates = [
        candidate(f"m{index}", anchor, f"{document}", recipe, "x")
        for index, (anchor, document, recipe) in enumerate(proposed)
    ]
    given_pairs = [
        (f"{index}", anchor, f"{document}")
        for index, (anchor, document) in enumerate(given_anchors)
    ]
    results = []
    for _ in range(2):
        chance.shuffle(candidates)
        chance.shuffle(given_pairs)
        results.append(apply_filters(*candidates, given=given_pairs))
    assert sorted(results[0][0]) == sorted(results[1][0])
    accepted = [
        pair for pair in candidates if pair.pair_id in results[0][0] and pair.recipe != "synonyms"
    ]
    given_keys = {(strict_form(anchor), d(document)) for _, anchor, document in given_pairs}
    new_keys = [(strict_form(pair.anchor), pair.doc_id) for pair in accepted]
    assert not given_keys & set(new_keys)
    assert len(new_keys) == len(set(new_keys))
    documents_of = {
        form: {doc for given_form, doc in given_keys if given_form == form} for form, _ in new_keys
    }
    assert all(documents_of[form] <= {doc_id} for form, doc_id in new_keys)
