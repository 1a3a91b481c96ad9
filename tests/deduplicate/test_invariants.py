"""A rule that merges what says something else breaks the invariants, which share no code with it."""

import pytest

from stages.deduplicate import repeated_pairs as pair_rules
from stages.deduplicate import representatives as rules
from stages.deduplicate.invariants import count_violations
from stages.deduplicate.repeated_pairs import deduplicate_pairs
from stages.deduplicate.representatives import (
    choose_representatives,
    equal_documents,
    preference,
    removable_edges,
)
from stages.lib.text.normal_form import normal_form
from tests.deduplicate.rows import d, documents, p, pairs, settings

NONE = {"unsupported_drops": 0, "dangling_pairs": 0, "relabelled_pairs": 0}

# Texts with one coarse form that say something else.
OPPOSITES = [
    ("✓ covered by the plan", "✗ covered by the plan"),
    ("grade 5-7", "grade 5.7"),
    ("10⁴ cells", "104 cells"),
    ("Maße des Tisches", "Masse des Tisches"),
    ("pain ↑", "pain ↓"),
    ("a [b] c", "a (b) c"),
    ("ratio 5:7", "ratio 5/7"),
    ("x² of it", "x2 of it"),
]


def decide(left, right, near="drop_empty_difference"):
    """Return dropped documents, kept pairs and violations for two documents with a pair each."""
    frame = documents(("a", "faq", left, "title"), ("b", "faq", right))
    texts = dict(zip(frame["doc_id"], frame["text"], strict=True))
    before = pairs(("1", left, "a", 1.0), ("2", right, "b", 0.5), ("3", "other", "b", 1.0))
    params = settings(near=near)

    # As the stage does it.
    groups = {min(texts): sorted(texts)} if normal_form(left) == normal_form(right) else {}
    copies = equal_documents(groups, texts)
    ranks = preference(frame, [], [])
    edges = removable_edges([], groups, copies, texts=texts, ranks=ranks, near=near)
    chosen = choose_representatives(copies, edges, ranks)
    decisions = deduplicate_pairs(before, chosen, params)
    violations = count_violations(
        texts,
        chosen,
        before,
        pairs_after=decisions.kept,
        kept_documents=sorted(set(texts) - set(chosen)),
        params=params,
        excluded=decisions.excluded,
    )
    return set(chosen), set(decisions.kept["pair_id"]), violations


@pytest.mark.parametrize(("left", "right"), OPPOSITES)
def test_opposites_of_one_coarse_form_both_stay(left, right):
    assert normal_form(left) == normal_form(right)
    assert decide(left, right) == (set(), {p("1"), p("2"), p("3")}, NONE)


@pytest.mark.parametrize(("left", "right"), OPPOSITES)
def test_a_coarse_rule_breaks_each_invariant(monkeypatch, left, right):
    for module in (rules, pair_rules):
        monkeypatch.setattr(module, "strict_form", normal_form)
    dropped, kept, violations = decide(left, right)
    assert (dropped, kept) == ({d("b")}, {p("1"), p("3")})
    # The document, and the pair with its anchor.
    assert violations == {"unsupported_drops": 2, "dangling_pairs": 0, "relabelled_pairs": 1}


def test_copies_are_dropped_and_break_nothing():
    assert decide("Severe: grade 5-7", "severe, grade 5-7") == ({d("b")}, {p("1"), p("3")}, NONE)


def test_a_rule_that_takes_names_for_stopwords_breaks_the_invariants(monkeypatch):
    # Their similarity is above 0.8.
    left = "when does the IT team of the northern office answer its many questions"
    frame = pairs(("1", left, "a", 1.0), ("2", left.replace("IT ", ""), "a", 0.5))
    params = settings(near="drop_empty_difference")

    def violations():
        decisions = deduplicate_pairs(frame, {}, params)
        return count_violations(
            {},
            {},
            frame,
            pairs_after=decisions.kept,
            kept_documents=[d("a")],
            params=params,
            excluded=decisions.excluded,
        )

    assert violations() == NONE
    for module in (rules, pair_rules):
        monkeypatch.setattr(module, "strict_form", normal_form)
    assert violations() == {**NONE, "unsupported_drops": 1}


def test_the_user_may_drop_whatever_is_near():
    dropped, kept, violations = decide("grade 5-7", "grade 5.7", near="drop")
    assert dropped == {d("b")}
    assert kept == {p("1"), p("2"), p("3")}
    # It is no copy, and the page says that the pairs say something else now.
    assert violations == {**NONE, "relabelled_pairs": 2}


def test_a_pair_that_comes_from_nowhere_or_names_a_document_that_is_gone_is_counted():
    before = pairs(("1", "grade 5", "a", 1.0))
    after = pairs(("1", "grade 5", "b", 1.0), ("2", "grade 6", "a", 1.0))
    violations = count_violations(
        {d("a"): "grade 5", d("b"): "grade 6"},
        {},
        before,
        pairs_after=after,
        kept_documents=[d("a")],
        params=settings(),
    )
    assert violations == {**NONE, "relabelled_pairs": 2, "dangling_pairs": 1}
