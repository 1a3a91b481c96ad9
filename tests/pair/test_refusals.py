"""What is made says something true and new, asks for one document, and every refusal has its line."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form
from stages.pair.balance import cap, skew
from stages.pair.proposals import Made
from stages.pair.refusals import drop_dissimilar, refuse, rows_of, shortcuts
from tests.pair.rows import d, p, pairs

NOBODY = {"document": None, "topic": None, "relation": None}


def proposal(name, anchor, document, recipe="title", positive=""):
    return Made(recipe, p(name), anchor, d(document), d(document), positive)


def refused(*proposed, given=()):
    """Return the names that stay, and (name, reason, name of the partner) of those that go."""
    ledger = Ledger()
    left = refuse(proposed, pairs(*given), ledger)
    frame = ledger.frame()
    assert len(left) + len(frame) == len(proposed)
    return [one.pair_id for one in left], frame[
        ["row_id", "reason", "partner_id"]
    ].to_numpy().tolist()


def test_a_made_pair_that_was_given_is_dropped():
    kept, gone = refused(
        proposal("3", "Reset", "a"), proposal("4", "Signal", "b"), given=[("1", "reset?", "a")]
    )
    assert (kept, gone) == ([p("4")], [[p("3"), "already_given", p("1")]])


def test_of_two_recipes_that_say_the_same_the_preferred_one_stays():
    kept, gone = refused(
        proposal("1", "Reset it now?", "a", "first_sentence", "Hold."),
        proposal("2", "reset it now", "a"),
    )
    assert (kept, gone) == ([p("2")], [[p("1"), "already_made", p("2")]])


def test_a_name_that_is_given_may_still_be_asked_for_another_name():
    kept, gone = refused(proposal("3", "CVA", "a", "synonyms", "stroke"), given=[("1", "CVA", "a")])
    assert (kept, gone) == ([p("3")], [])


def test_an_anchor_that_would_stand_for_several_documents_is_dropped_from_all_of_them():
    kept, gone = refused(
        *(proposal(name, "Overview", name, "heading", "So it is.") for name in "ab"),
        proposal("c", "Reset", "c"),
        proposal("e", "fever", "e"),
        given=[("1", "Fever", "f")],
    )
    assert kept == [p("c")]
    assert sorted(gone) == sorted(
        [
            [p("a"), "ambiguous_anchor", d("b")],
            [p("b"), "ambiguous_anchor", d("a")],
            [p("e"), "ambiguous_anchor", d("f")],
        ]
    )


@pytest.mark.parametrize("recipe", ["first_sentence", "question", "neighbours"])
def test_what_is_asked_never_stands_in_what_is_trained_on(recipe):
    stays, goes = "Push it. Hold the button now.", "Push it. HOLD the button!"
    kept, gone = refused(
        proposal("1", "Hold the button.", "a", recipe, stays),
        proposal("2", "Hold the button. ", "b", recipe, goes),
    )
    assert kept == []
    assert [line[:2] for line in gone] == [[p("1"), "in_positive"], [p("2"), "in_positive"]]
    kept, _ = refused(proposal("1", "Hold the button.", "a", recipe, "Push the button."))
    assert kept == [p("1")]


def test_pairs_below_the_threshold_are_no_answers():
    ledger = Ledger()
    frame = pairs(
        ("1", "How to reset?", "a"), ("2", "Is it red?", "a"), ("3", "Is it on?", "a")
    ).assign(score=[0.5, 0.0, 0.49])
    similar, dissimilar = drop_dissimilar(frame, 0.5, ledger)
    assert (list(similar["pair_id"]), list(dissimilar["pair_id"])) == ([p("1")], [p("2"), p("3")])
    told = ledger.frame()[["row_id", "reason", "score"]].to_numpy().tolist()
    assert sorted(told) == sorted([[p("2"), "dissimilar", 0.0], [p("3"), "dissimilar", 0.49]])


def test_pairs_over_a_cap_go_by_the_hash_of_their_ids_and_made_ones_first():
    names = ["1", "2", "3", "4", "5"]
    real = pairs(*((name, f"anchor {name}", "a") for name in names[:3]), ("6", "anchor", "b"))
    made = pairs(*((name, f"anchor {name}", "a") for name in names[3:]), source="pair.title")
    ledger = Ledger()
    found = cap(pd.concat([made, real]), {**NOBODY, "document": 2}, {}, ledger)
    kept = sorted(names[:3], key=lambda name: hash_hex(p(name)))[:2]
    assert sorted(found["pair_id"]) == sorted([*map(p, kept), p("6")])
    assert ledger.dropped() == {"over_document_cap": 3}


def test_topics_and_relations_are_capped_and_no_topic_is_no_topic():
    frame = pd.concat(
        [
            pairs(("1", "a", "a"), ("2", "b", "b"), ("3", "c", "c")),
            pairs(("4", "d", "c"), relation="lay"),
        ]
    )
    topics = {d("a"): "x", d("b"): "x", d("c"): ""}
    ledger = Ledger()
    assert len(cap(frame, {**NOBODY, "topic": 1}, topics, ledger)) == 3
    assert ledger.dropped() == {"over_topic_cap": 1}
    assert sorted(cap(frame, {**NOBODY, "relation": 1}, topics, ledger)["relation"]) == [
        "exact",
        "lay",
    ]
    pd.testing.assert_frame_equal(cap(frame, NOBODY, topics, Ledger()), frame)


def test_skew_is_the_largest_share_and_the_effective_number():
    frame = pairs(("1", "a", "a"), ("2", "b", "a"), ("3", "c", "b"), ("4", "d", "b"))
    assert skew(frame, {d("a"): "", d("b"): "x"}, "before") == pytest.approx(
        {
            "balance.before.document.largest_share": 0.5,
            "balance.before.document.effective_number": 2.0,
            "balance.before.topic.largest_share": 1.0,
            "balance.before.topic.effective_number": 1.0,
            "balance.before.relation.largest_share": 1.0,
            "balance.before.relation.effective_number": 1.0,
        }
    )
    uneven = skew(
        pairs(("1", "a", "a"), ("2", "b", "a"), ("3", "c", "a"), ("4", "d", "b")), {}, "after"
    )
    # exp(-(3/4 ln 3/4 + 1/4 ln 1/4)) = 4 / 3^(3/4)
    assert uneven["balance.after.document.effective_number"] == pytest.approx(4 / 3**0.75)
    assert "balance.after.topic.largest_share" not in uneven


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_a_cap_does_not_depend_on_order_and_a_larger_one_keeps_what_a_smaller_one_kept(
    rows, most, chance
):
    frame = pairs(*((str(at), f"anchor {at}", document) for at, document in enumerate(rows)))
    shuffled = frame.sample(frac=1.0, random_state=chance.randrange(2**32), ignore_index=True)
    ledger, ledger_again = Ledger(), Ledger()
    kept = set(cap(frame, {**NOBODY, "document": most}, {}, ledger)["pair_id"])
    assert kept == set(cap(shuffled, {**NOBODY, "document": most}, {}, ledger_again)["pair_id"])
    pd.testing.assert_frame_equal(ledger.frame(), ledger_again.frame())
    assert len(kept) == sum(min(most, rows.count(document)) for document in set(rows))
    assert len(kept) + ledger.dropped()["over_document_cap"] == len(frame)
    assert kept <= set(cap(frame, {**NOBODY, "document": most + 1}, {}, Ledger())["pair_id"])


TITLES = st.sampled_from(["Reset", "reset!", "Signal", "C++", "C#"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(TITLES, st.integers(0, 3), st.sampled_from(["title", "question", "synonyms"])),
        max_size=8,
    ),
    st.lists(st.tuples(TITLES, st.integers(0, 3)), max_size=6, unique=True),
    st.randoms(use_true_random=False),
)
def test_what_stays_is_new_and_of_one_document_whatever_the_order(made, asked, chance):
    proposed = [
        proposal(f"m{at}", anchor, f"{of}", recipe, "x")
        for at, (anchor, of, recipe) in enumerate(made)
    ]
    given_pairs = [(f"{at}", anchor, f"{of}") for at, (anchor, of) in enumerate(asked)]
    results = []
    for _ in range(2):
        chance.shuffle(proposed)
        chance.shuffle(given_pairs)
        results.append(refused(*proposed, given=given_pairs))
    assert sorted(results[0][0]) == sorted(results[1][0])
    kept = [one for one in proposed if one.pair_id in results[0][0] and one.recipe != "synonyms"]
    known = {(normal_form(anchor), d(of)) for _, anchor, of in given_pairs}
    new = [(normal_form(one.anchor), one.doc_id) for one in kept]
    assert not known & set(new)
    assert len(new) == len(set(new))
    documents_of = {
        form: {doc for known_form, doc in known if known_form == form} for form, _ in new
    }
    assert all(documents_of[form] <= {doc_id} for form, doc_id in new)


def test_rows_tell_their_recipe():
    (row,) = rows_of([proposal("1", "Reset", "a")]).to_numpy().tolist()
    assert row == [p("1"), "Reset", d("a"), "title", 1.0, "pair.title"]
    assert len(rows_of([])) == 0


@pytest.mark.parametrize(
    ("anchor", "contained", "uncommon"),
    [
        ("the button", 1, 0),  # as it stands there
        ("THE button?", 1, 0),
        ("button the", 0, 0),  # the words, in another order
        ("butt", 0, 1),  # part of a word
        ("no signal", 0, 1),
        ("signal button", 0, 0),
    ],
)
def test_shortcuts_are_counted(anchor, contained, uncommon):
    found = shortcuts(pairs(("1", anchor, "a")), {d("a"): "Hold the button."}, {})
    assert found == {"anchor_in_positive_share": contained, "no_common_word_share": uncommon}


def test_shortcuts_are_shares_of_all_pairs_by_what_they_are_trained_on():
    frame = pairs(
        ("1", "hold", "a"),
        ("2", "no signal", "a"),
        ("3", "dark screen", "a"),
        ("4", "hold signal", "a"),
    )
    found = shortcuts(frame, {d("a"): "Hold the button."}, {})
    assert found == {"anchor_in_positive_share": 0.25, "no_common_word_share": 0.5}
    found = shortcuts(frame, {d("a"): "Hold the button."}, {p("1"): "the button", p("2"): ""})
    assert found == {"anchor_in_positive_share": 0.0, "no_common_word_share": 0.75}
