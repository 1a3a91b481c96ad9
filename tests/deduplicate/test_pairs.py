"""No pair loses its answer, and none is said twice."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.deduplicate.invariants import count_violations
from stages.deduplicate.repeated_pairs import (
    ExcludedPair,
    deduplicate_pairs,
    near_duplicate_pairs,
    repoint,
)
from stages.deduplicate.representatives import Representative
from stages.lib.core.ids import hash_hex
from stages.lib.schemas.pairs import Pairs
from stages.lib.text.strict_form import strict_form
from tests.deduplicate.rows import (
    d,
    documents,
    lines,
    p,
    pair_ledger,
    pairs,
    representatives,
    settings,
)
from tests.properties import examples


def standing_for(**names: str) -> dict[str, Representative]:
    return {d(gone): Representative(d(kept), "exact_copy", 1.0) for gone, kept in names.items()}


def rows(frame: pd.DataFrame) -> list[tuple]:
    return [(row.pair_id, row.anchor, row.doc_id, row.score) for row in frame.itertuples()]


def test_a_pair_of_a_dropped_copy_names_the_kept_document():
    frame = pairs(("1", "no signal", "copy", 1.0), ("2", "no sound", "other", 0.5))
    chosen = standing_for(copy="a")
    decisions = deduplicate_pairs(frame, chosen, settings())
    ledger = pair_ledger(frame, decisions, chosen)
    assert rows(decisions.kept) == [
        (p("1"), "no signal", d("a"), 1.0),
        (p("2"), "no sound", d("other"), 0.5),
    ]
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["action"], line["field"]) == (p("1"), "repoint", "doc_id")
    assert (line["before"], line["after"]) == (d("copy"), d("a"))


def test_of_pairs_that_became_equal_the_best_score_stays():
    frame = pairs(("1", "No signal", "a", 0.5), ("2", "no signal?", "copy", 1.0))
    chosen = standing_for(copy="a")
    decisions = deduplicate_pairs(frame, chosen, settings())
    assert rows(decisions.kept) == [(p("2"), "no signal?", d("a"), 1.0)]
    assert lines(pair_ledger(frame, decisions, chosen)) == sorted(
        [(p("2"), "repoint", "exact_copy", d("a")), (p("1"), "drop", "duplicate_pair", p("2"))]
    )


def test_of_equal_scores_the_smallest_hash_of_the_id_stays():
    names = ["1", "2", "3", "4"]
    kept = min(names, key=lambda name: hash_hex(p(name)))
    frame = pairs(*((name, "no signal", "a", 1.0) for name in names))
    decisions = deduplicate_pairs(frame, {}, settings())
    assert list(decisions.kept["pair_id"]) == [p(kept)]


@pytest.mark.parametrize("best", ["1", "2"])
def test_of_equal_scores_the_best_grade_stays(best):
    frame = pairs(("1", "No signal", "a", 1.0), ("2", "no signal?", "a", 1.0))
    grades = {p("1"): 1, p("2"): 1, p(best): 3}
    decisions = deduplicate_pairs(frame, {}, settings(), grade_of_pair=grades)
    assert decisions.kept["pair_id"].tolist() == [p(best)]
    assert list(decisions.kept.columns) == list(frame.columns)


def test_an_anchor_keeps_all_documents_that_answer_it():
    frame = pairs(
        ("1", "no signal", "a", 1.0),
        ("2", "No signal", "b", 1.0),
        ("3", "no signal", "copy of b", 1.0),
    )
    chosen = {d("copy of b"): Representative(d("b"), "exact_copy", 1.0)}
    decisions = deduplicate_pairs(frame, chosen, settings())
    assert sorted(decisions.kept["doc_id"]) == sorted([d("a"), d("b")])


@pytest.mark.parametrize(
    ("first", "second", "dropped"),
    [
        ("Hyporeflexia in the lower limbs", "Hyporeflexia in lower limbs", 1),
        ("Hyporeflexia in the lower limbs", "Hyporeflexia in the upper limbs", 0),
        ("Hyporeflexia with lower limbs", "Hyporeflexia without lower limbs", 0),
        ("the end", "end", 0),  # too little in common
    ],
)
def test_anchors_that_differ_in_stop_words_alone_are_one(first, second, dropped):
    frame = pairs(("1", first, "a", 1.0), ("2", second, "a", 0.5), ("3", second, "b", 1.0))
    assert len(near_duplicate_pairs(frame, 0.75)) == dropped

    params = settings(near="drop_empty_difference", near_threshold=0.75)
    decisions = deduplicate_pairs(frame, {}, params)
    assert len(decisions.kept) == 3 - dropped
    expected = [(p("2"), "drop", "near_pair", p("1"))] if dropped else []
    assert lines(pair_ledger(frame, decisions, {})) == expected


def test_each_violation_is_counted():
    frame = documents(("a", "faq", "reset it"), ("b", "faq", "Reset it"), ("c", "faq", "call us"))
    texts = dict(zip(frame["doc_id"], frame["text"], strict=True))

    def count(chosen, before, after):
        return count_violations(
            texts,
            chosen,
            before,
            pairs_after=after,
            kept_documents=sorted(set(texts) - set(chosen)),
            params=settings(),
        )

    before = pairs(("1", "broken", "b", 1.0), ("2", "help", "c", 1.0))
    sound = pairs(("1", "broken", "a", 1.0), ("2", "help", "c", 1.0))
    none = {"unsupported_drops": 0, "dangling_pairs": 0, "relabelled_pairs": 0}
    assert count(standing_for(b="a"), before, sound) == none
    # Dropped for a document that says something else.
    assert count(standing_for(b="c"), before, sound) == {**none, "unsupported_drops": 1}
    # Dropped for one that is dropped itself: two drops, and the other one stands on nothing else either.
    assert count(standing_for(b="a", a="b"), sound.iloc[1:], sound.iloc[1:]) == {
        **none,
        "unsupported_drops": 2,
    }
    # The same where only a near copy may be: the exact one says more.
    assert count(standing_for(b="a"), before, sound) == none
    texts[d("b")] = "reset the it"
    assert count(standing_for(b="a"), before, sound) == {
        **none,
        "unsupported_drops": 1,
        "relabelled_pairs": 1,
    }
    texts[d("b")] = "Reset it"
    # Left on the dropped copy.
    assert count(standing_for(b="a"), before, before) == {**none, "dangling_pairs": 1}
    # Sent to another answer.
    wrong = pairs(("1", "broken", "c", 1.0), ("2", "help", "c", 1.0))
    assert count(standing_for(b="a"), before, wrong) == {**none, "relabelled_pairs": 1}


TEXTS = st.sampled_from(
    ["Reset it", "reset it!", "RESET  it", "Call us", "call us.", "p < 0.05", "p > 0.05"]
)
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["faq", "hpo", "orpha"]), TEXTS, st.sampled_from(["", "Title"])),
    min_size=1,
    max_size=8,
)
PAIRS = st.lists(
    st.tuples(
        st.sampled_from(["no signal", "No signal?", "no sound", "C++", "C#"]),
        st.integers(0, 7),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=10,
)


def make(document_rows, pair_rows):
    frame = documents(*((str(index), *row) for index, row in enumerate(document_rows)))
    named_pairs = [
        (str(index), anchor, str(document % len(document_rows)), score)
        for index, (anchor, document, score) in enumerate(pair_rows)
    ]
    return frame, pairs(*named_pairs)


def deduplicated(frame, pair_frame, *authoritative):
    """Return representatives, kept documents, kept pairs (in order of their ids) and the ledger."""
    chosen = representatives(frame, *authoritative)
    decisions = deduplicate_pairs(pair_frame, chosen, settings())
    kept_documents = frame[~frame["doc_id"].isin(chosen)]
    kept_pairs = decisions.kept.sort_values("pair_id", ignore_index=True)
    return chosen, kept_documents, kept_pairs, pair_ledger(pair_frame, decisions, chosen)


@examples(60)
@given(DOCUMENTS, PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(document_rows, pair_rows, random):
    frame, pair_frame = make(document_rows, pair_rows)
    chosen, _, kept_pairs, ledger = deduplicated(frame, pair_frame, "hpo")
    seed = random.randrange(2**32)
    shuffled = [
        table.sample(frac=1.0, random_state=seed, ignore_index=True)
        for table in (frame, pair_frame)
    ]
    chosen_again, _, pairs_again, ledger_again = deduplicated(*shuffled, "hpo")
    assert chosen_again == chosen
    pd.testing.assert_frame_equal(pairs_again, kept_pairs)
    assert lines(ledger_again) == lines(ledger)


@examples(60)
@given(DOCUMENTS, PAIRS)
def test_every_pair_keeps_its_document_or_has_a_partner(document_rows, pair_rows):
    frame, pair_frame = make(document_rows, pair_rows)
    chosen, kept_documents, kept_pairs, ledger = deduplicated(frame, pair_frame, "hpo")
    violations = count_violations(
        dict(zip(frame["doc_id"], frame["text"], strict=True)),
        chosen,
        pair_frame,
        pairs_after=kept_pairs,
        kept_documents=sorted(kept_documents["doc_id"]),
        params=settings(),
    )
    assert set(violations.values()) == {0}
    assert set(kept_pairs["doc_id"]) <= set(kept_documents["doc_id"])
    assert len(pair_frame) == len(kept_pairs) + ledger.dropped()["duplicate_pair"]

    # The best score of each anchor and kept document.
    best_scores = {}
    rows_before = zip(pair_frame["anchor"], pair_frame["doc_id"], pair_frame["score"], strict=True)
    for anchor, doc_id, score in rows_before:
        kept_id = chosen[doc_id].kept_id if doc_id in chosen else doc_id
        key = strict_form(anchor), kept_id
        best_scores[key] = max(score, best_scores.get(key, 0.0))
    rows_after = zip(kept_pairs["anchor"], kept_pairs["doc_id"], kept_pairs["score"], strict=True)
    assert sorted(
        (strict_form(anchor), doc_id, score) for anchor, doc_id, score in rows_after
    ) == sorted((form, doc_id, score) for (form, doc_id), score in best_scores.items())
    dropped = ledger.frame().query("action == 'drop'")
    assert set(dropped["partner_id"]) <= set(kept_pairs["pair_id"])


@examples(30)
@given(DOCUMENTS, PAIRS)
def test_deduplicated_data_stays_as_it_is(document_rows, pair_rows):
    _, kept_documents, kept_pairs, _ = deduplicated(*make(document_rows, pair_rows), "hpo")
    chosen, documents_again, pairs_again, ledger = deduplicated(kept_documents, kept_pairs, "hpo")
    assert chosen == {} and len(ledger.frame()) == 0
    pd.testing.assert_frame_equal(documents_again, kept_documents)
    pd.testing.assert_frame_equal(pairs_again, kept_pairs)


def test_no_pairs_have_the_types_of_pairs():
    repointed = repoint(Pairs.empty(), {})
    assert repointed.dtypes.to_dict() == Pairs.empty().dtypes.to_dict()


def test_each_dropped_pair_needs_a_partner_of_its_own():
    frame = pairs(
        ("1", "on", "a", 1.0), ("2", "off", "a", 1.0), ("3", "On!", "a", 1.0), ("4", "on", "b", 1.0)
    )
    excluded = [
        ExcludedPair(p("2"), "duplicate_pair", p("1"), 1.0),  # another anchor
        ExcludedPair(p("4"), "duplicate_pair", p("1"), 1.0),  # another document
        ExcludedPair(p("3"), "duplicate_pair", p("1"), 1.0),
    ]
    violations = count_violations(
        {},
        {},
        frame,
        pairs_after=frame.iloc[:1],
        kept_documents=[d("a"), d("b")],
        params=settings(),
        excluded=excluded,
    )
    assert violations["unsupported_drops"] == 2
