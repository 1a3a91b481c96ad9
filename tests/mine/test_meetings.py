"""What a row is answered by and what it shows, so that batches can keep apart what must not meet."""

import pandas as pd

from stages.mine.meetings import Meetings, meet
from tests.mine.cases import beside, name

D, P = (lambda number: name("d", number)), (lambda number: name("p", number))
# Pairs 1 and 2 have near anchors; document 4 is near document 1; pair 3 was made from pair 1.
COMPONENTS = {P(1): P(90), P(2): P(91), D(1): D(1), D(2): D(2), D(4): D(50), D(5): D(50)}
NEAR = {**beside((1, 4)), P(1): frozenset([P(2)]), P(2): frozenset([P(1)])}
MEETINGS = Meetings(COMPONENTS, {P(3): P(1)}, {P(1): D(1), P(2): D(2)}, NEAR, {}, {})


def test_a_row_is_answered_by_its_documents_their_near_duplicates_and_the_answers_to_near_anchors():
    assert MEETINGS.answer_ids(P(1), D(1), frozenset([D(1)])) == sorted(
        [P(90), D(1), D(4), D(50), D(2)]
    )
    assert MEETINGS.answer_ids(P(2), D(2), frozenset([D(2), D(9)])) == sorted(
        [P(91), D(1), D(2), D(4), D(9), D(50)]
    )


def test_a_made_row_is_answered_like_the_one_it_varies():
    assert MEETINGS.answer_ids(P(3), D(1), frozenset([D(1)])) == MEETINGS.answer_ids(
        P(1), D(1), frozenset([D(1)])
    )
    assert MEETINGS.component(P(3), D(1)) == P(90)


def test_a_row_shows_its_document_and_its_negatives_with_their_components():
    assert MEETINGS.shown_ids(P(2), D(2), [D(5), D(7)]) == sorted([P(91), D(2), D(5), D(7), D(50)])


def test_a_pair_without_a_component_has_that_of_its_document():
    assert MEETINGS.component(P(8), D(4)) == D(50)


def test_two_documents_of_one_query_answer_each_others_rows():
    # As the units anchor and time have it: documents are components of their own.
    rows = pd.DataFrame(
        {"pair_id": [P(6), P(7)], "doc_id": [D(6), D(7)], "negative_ids": [[], [D(8)]]}
    )
    apart = Meetings({D(6): D(6), D(7): D(7), P(6): P(6), P(7): P(7)}, {}, {}, {}, {}, {})
    both = frozenset([D(6), D(7)])
    found = meet(rows, apart, [both, both])
    assert found["answer_ids"].tolist() == [[D(6), D(7), P(6)], [D(6), D(7), P(7)]]
    assert found["shown_ids"].tolist() == [[D(6), P(6)], [D(7), D(8), P(7)]]
    assert found["component_id"].tolist() == [P(6), P(7)]


def test_rows_that_ask_for_a_topic_meet_no_document_of_it():
    # Pair 6 asks for a document about skin; nothing asks for one about bones.
    alone = {D(at): D(at) for at in (6, 7, 8, 9)} | {P(6): P(6), P(7): P(7)}
    about = {D(6): "skin", D(7): "bones", D(8): "skin", D(9): "bones"}
    found = Meetings(alone, {}, {}, {}, {P(6): "skin"}, about)
    assert found.answer_ids(P(6), D(6), frozenset([D(6)])) == [D(6), P(6), "topic skin"]
    assert found.answer_ids(P(7), D(7), frozenset([D(7)])) == [D(7), P(7)]
    assert found.shown_ids(P(7), D(7), [D(8)]) == [D(7), D(8), P(7), "topic skin"]
    assert found.shown_ids(P(7), D(7), [D(9)]) == [D(7), D(9), P(7)]
