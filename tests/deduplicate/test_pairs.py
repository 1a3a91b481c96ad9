"""No pair loses its answer, and none is said twice."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.deduplicate.faults import count_faults
from stages.deduplicate.pairs import drop_near, repoint
from stages.deduplicate.stars import StandIn
from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form, similarity
from tests.deduplicate.rows import d, documents, lines, p, pairs, stands_for


def standing_for(**names: str) -> dict[str, StandIn]:
    return {d(gone): StandIn(d(kept), "exact_copy", 1.0) for gone, kept in names.items()}


def rows(frame: pd.DataFrame) -> list[tuple]:
    return [(row.pair_id, row.anchor, row.doc_id, row.score) for row in frame.itertuples()]


def test_a_pair_of_a_dropped_copy_names_the_kept_document():
    ledger = Ledger()
    found = repoint(
        pairs(("1", "no signal", "copy", 1.0), ("2", "no sound", "other", 0.5)),
        standing_for(copy="a"),
        ledger,
    )
    assert rows(found) == [
        (p("1"), "no signal", d("a"), 1.0),
        (p("2"), "no sound", d("other"), 0.5),
    ]
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["action"], line["field"]) == (p("1"), "repoint", "doc_id")
    assert (line["before"], line["after"]) == (d("copy"), d("a"))


def test_pairs_that_came_to_say_the_same_are_merged_and_the_best_score_stays():
    ledger = Ledger()
    frame = pairs(("1", "No signal", "a", 0.5), ("2", "no signal?", "copy", 1.0))
    assert rows(repoint(frame, standing_for(copy="a"), ledger)) == [
        (p("2"), "no signal?", d("a"), 1.0)
    ]
    assert lines(ledger) == sorted(
        [(p("2"), "repoint", "exact_copy", d("a")), (p("1"), "drop", "duplicate_pair", p("2"))]
    )


def test_of_pairs_with_one_score_the_smallest_hash_of_the_id_stays():
    names = ["1", "2", "3", "4"]
    kept = min(names, key=lambda name: hash_hex(p(name)))
    found = repoint(pairs(*((name, "no signal", "a", 1.0) for name in names)), {}, Ledger())
    assert list(found["pair_id"]) == [p(kept)]


def test_an_anchor_keeps_all_documents_that_answer_it():
    frame = pairs(
        ("1", "no signal", "a", 1.0),
        ("2", "No signal", "b", 1.0),
        ("3", "no signal", "copy of b", 1.0),
    )
    found = repoint(frame, {d("copy of b"): StandIn(d("b"), "exact_copy", 1.0)}, Ledger())
    assert sorted(found["doc_id"]) == sorted([d("a"), d("b")])


@pytest.mark.parametrize(
    ("one", "other", "dropped"),
    [
        ("Hyporeflexia in the lower limbs", "Hyporeflexia in lower limbs", 1),
        ("Hyporeflexia in the lower limbs", "Hyporeflexia in the upper limbs", 0),
        ("Hyporeflexia with lower limbs", "Hyporeflexia without lower limbs", 0),
        ("the end", "end", 0),  # too little in common
    ],
)
def test_anchors_that_differ_in_empty_words_alone_are_one(one, other, dropped):
    ledger = Ledger()
    found = drop_near(
        pairs(("1", one, "a", 1.0), ("2", other, "a", 0.5), ("3", other, "b", 1.0)), 0.75, ledger
    )
    assert len(found) == 3 - dropped
    assert lines(ledger) == ([(p("2"), "drop", "near_pair", p("1"))] if dropped else [])


def test_each_fault_is_counted():
    frame = documents(("a", "faq", "reset it"), ("b", "faq", "Reset it"), ("c", "faq", "call us"))
    texts = dict(zip(frame["doc_id"], frame["text"], strict=True))

    def count(kept, before, after):
        standing = frozenset(texts) - frozenset(kept)
        return count_faults(texts, kept, before, after, standing, similarity, 0.8)

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


def make(made, asked):
    frame = documents(*((str(at), *row) for at, row in enumerate(made)))
    return frame, pairs(
        *(
            (str(at), anchor, str(document % len(made)), score)
            for at, (anchor, document, score) in enumerate(asked)
        )
    )


def deduplicated(frame, asked, *authoritative):
    """Return aliases, kept documents, kept pairs (in order of their ids) and the ledger."""
    kept, ledger = stands_for(frame, *authoritative), Ledger()
    found = repoint(asked, kept, ledger).sort_values("pair_id", ignore_index=True)
    return kept, frame[~frame["doc_id"].isin(kept)], found, ledger


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(made, asked, chance):
    frame, asked = make(made, asked)
    kept, _, found, ledger = deduplicated(frame, asked, "hpo")
    seed = chance.randrange(2**32)
    shuffled = [
        table.sample(frac=1.0, random_state=seed, ignore_index=True) for table in (frame, asked)
    ]
    again, _, found_again, ledger_again = deduplicated(*shuffled, "hpo")
    assert again == kept
    pd.testing.assert_frame_equal(found_again, found)
    assert lines(ledger_again) == lines(ledger)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, PAIRS)
def test_every_pair_keeps_its_answer_or_has_a_partner_that_gives_it(made, asked):
    frame, asked = make(made, asked)
    kept, standing, found, ledger = deduplicated(frame, asked, "hpo")
    texts = dict(zip(frame["doc_id"], frame["text"], strict=True))
    counted = count_faults(
        texts, kept, asked, found, frozenset(standing["doc_id"]), similarity, 0.8
    )
    assert set(counted.values()) == {0}
    assert set(found["doc_id"]) <= set(standing["doc_id"])
    assert len(asked) == len(found) + ledger.dropped()["duplicate_pair"]

    best = {}
    for anchor, doc_id, score in zip(asked["anchor"], asked["doc_id"], asked["score"], strict=True):
        key = normal_form(anchor), kept[doc_id].kept_id if doc_id in kept else doc_id
        best[key] = max(score, best.get(key, 0.0))
    after = zip(found["anchor"], found["doc_id"], found["score"], strict=True)
    assert sorted(
        (normal_form(anchor), doc_id, score) for anchor, doc_id, score in after
    ) == sorted((form, doc_id, score) for (form, doc_id), score in best.items())
    dropped = ledger.frame().query("action == 'drop'")
    assert set(dropped["partner_id"]) <= set(found["pair_id"])


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, PAIRS)
def test_what_is_deduplicated_stays_as_it_is(made, asked):
    _, standing, found, _ = deduplicated(*make(made, asked), "hpo")
    kept, again, found_again, ledger = deduplicated(standing, found, "hpo")
    assert kept == {} and len(ledger.frame()) == 0
    pd.testing.assert_frame_equal(again, standing)
    pd.testing.assert_frame_equal(found_again, found)
