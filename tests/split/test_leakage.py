"""The audit misses no held-out text that another split has too, and reports nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.ids import hash_hex
from stages.lib.text.matches import equal_groups, match_texts
from stages.lib.text.normal_form import normal_form, similarity
from stages.split.leakage import enforced_matches, find_leaks
from tests.properties import examples

LONG = "hold the small button on the back of the router for ten seconds"  # 11 shingles


def d(name) -> str:
    return "d" + hash_hex(str(name))


def p(name) -> str:
    return "p" + hash_hex(str(name))


def leaks(kinds, split_of, threshold) -> list[tuple[str, str]]:
    return [(leak.left, leak.right) for leak in find_leaks(match_texts(kinds, threshold), split_of)]


def edge(left: str, right: str) -> tuple[str, str]:
    return min(left, right), max(left, right)


def is_found_leak(left, right, splits, threshold=0.8):
    """Return True if the texts `left` and `right`, or a version of each, are a leak in `splits`."""
    texts = {
        d("a"): [left] if isinstance(left, str) else left,
        d("b"): [right] if isinstance(right, str) else right,
    }
    return leaks([{}, texts], dict(zip(texts, splits, strict=True)), threshold) == [
        edge(d("a"), d("b"))
    ]


def test_ids_of_equal_texts_are_grouped_over_all_kinds():
    anchors = {p("1"): ["Reset it!"], p("2"): ["No signal"]}
    texts = {d("a"): ["RESET IT", "Reset."], d("b"): ["reset"], d("c"): ["Signal"]}
    assert equal_groups(anchors, texts) == {
        "reset it": sorted([p("1"), d("a")]),
        "reset": sorted([d("a"), d("b")]),
    }


def test_versions_of_one_row_are_no_group():
    assert equal_groups({d("a"): ["Reset it", "reset it"]}) == {}


@pytest.mark.parametrize(
    ("left", "right", "is_leak"),
    [
        ("Reset it!", "RESET  it", True),
        (LONG, LONG + " please", True),
        (
            ["raw <b>text</b>", "Reset it"],
            ["other raw text", "reset it!"],
            True,
        ),  # equal once cleaned
        (["Reset it", "start anew"], ["reset it!", "call us"], True),  # equal before cleaning
        (["something", LONG], ["else", LONG + " please"], True),
        ("CD4+ T cells", "CD4- T cells", False),
        ("p < 0.05", "p > 0.05", False),
        ("Reset it", "Call us", False),
    ],
)
def test_a_held_out_text_that_is_trained_on_is_a_leak(left, right, is_leak):
    assert is_found_leak(left, right, ("train", "test"), 0.9) == is_leak
    assert is_found_leak(left, right, ("test", "train"), 0.9) == is_leak


@pytest.mark.parametrize(
    ("splits", "is_leak"),
    [
        (("train", "validation"), True),
        (("validation", "test"), True),
        (("test", "corpus"), True),
        (("train", "train"), False),
        (("test", "test"), False),
        (("train", "corpus"), False),
    ],
)
@pytest.mark.parametrize("copy", [LONG.upper(), LONG + " please"])
def test_only_held_out_texts_leak_and_only_into_another_split(splits, is_leak, copy):
    assert is_found_leak(LONG, copy, splits) == is_leak


def test_an_anchor_that_equals_a_document_elsewhere_is_a_leak():
    anchors, texts = {p("1"): ["Reset it"]}, {d("a"): ["reset it."]}
    assert leaks([anchors, texts], {p("1"): "test", d("a"): "train"}, 0.8) == [edge(p("1"), d("a"))]


@pytest.mark.parametrize(("threshold", "is_leak"), [(11 / 12, True), (0.92, False)])
def test_texts_are_near_from_the_threshold_on(threshold, is_leak):
    assert is_found_leak(LONG, LONG + " please", ("train", "test"), threshold) == is_leak


def test_enforced_matches_follow_from_the_unit():
    kinds = [
        {
            p("1"): ["Reset it"],
            p("2"): ["reset it!"],
            p("3"): [LONG],
            p("4"): [LONG + " please"],
            p("5"): ["Call us"],
        },
        {
            d("a"): ["Call us."],
            d("b"): ["reset it"],
            d("c"): [LONG + " again"],
            d("e"): [LONG + " soon"],
        },
    ]
    split_of = {
        row_id: "train" if row_id in (p("1"), p("3"), p("5"), d("c")) else "test"
        for kind in kinds
        for row_id in kind
    }

    def kinds_of_leaks(unit):
        return [
            leak.kind
            for leak in find_leaks(enforced_matches(match_texts(kinds, 0.8), unit), split_of)
        ]

    # Both long anchors are near the long document of the other split.
    equal = ["equal anchor", "equal text", "equal text"]
    near = ["near anchor", "near text", "near text", "near text"]
    assert sorted(kinds_of_leaks("component")) == [*equal, *near]
    assert sorted(kinds_of_leaks("group")) == equal
    assert (
        sorted(kinds_of_leaks("anchor"))
        == sorted(kinds_of_leaks("time"))
        == ["equal anchor", "near anchor"]
    )


TEXTS = st.one_of(
    st.lists(st.sampled_from(["reset", "Reset", "the", "router", "+"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["reset", "the", "router"]), min_size=8, max_size=11),
).map(" ".join)
ROWS = st.lists(
    st.tuples(
        st.lists(TEXTS, min_size=1, max_size=3),
        st.sampled_from(["train", "validation", "test", "corpus"]),
    ),
    max_size=8,
)


@examples(150)
@given(ROWS, ROWS, st.sampled_from([0.5, 0.8, 1.0]), st.randoms(use_true_random=False))
def test_the_audit_is_brute_force_in_any_order(anchor_rows, text_rows, threshold, random):
    anchors = {p(index): texts for index, (texts, _) in enumerate(anchor_rows)}
    texts = {d(index): texts for index, (texts, _) in enumerate(text_rows)}
    split_of = {
        **{p(index): split for index, (_, split) in enumerate(anchor_rows)},
        **{d(index): split for index, (_, split) in enumerate(text_rows)},
    }

    def leak(left, right):
        if split_of[left] == split_of[right] or not {split_of[left], split_of[right]} & {
            "validation",
            "test",
        }:
            return False
        both = [(x, y) for x in {**anchors, **texts}[left] for y in {**anchors, **texts}[right]]
        near = any(similarity(x, y) >= threshold for x, y in both)
        return near or any(normal_form(x) == normal_form(y) for x, y in both)

    ids = sorted(split_of)
    expected = [
        (left, right)
        for index, left in enumerate(ids)
        for right in ids[index + 1 :]
        if leak(left, right)
    ]
    assert leaks([anchors, texts], split_of, threshold) == expected
    shuffled = [dict(random.sample(list(kind.items()), len(kind))) for kind in (anchors, texts)]
    assert leaks(shuffled, split_of, threshold) == expected
