"""Batch conflicts: what is positive for a row, and what a row brings into a batch."""

import pandas as pd

from stages.mine.batch_conflicts import BatchConflicts, add_conflict_ids
from tests.mine.cases import name, neighbours_of

D, P = (lambda number: name("d", number)), (lambda number: name("p", number))
# Pairs 1 and 2 have near anchors; document 4 is near document 1; pair 3 is a variant of pair 1.
COMPONENTS = {P(1): P(90), P(2): P(91), D(1): D(1), D(2): D(2), D(4): D(50), D(5): D(50)}
NEAR = {**neighbours_of((1, 4)), P(1): frozenset([P(2)]), P(2): frozenset([P(1)])}
CONFLICTS = BatchConflicts(COMPONENTS, {P(3): P(1)}, {P(1): D(1), P(2): D(2)}, NEAR, {}, {})


def test_positive_ids_include_those_of_near_rows():
    assert CONFLICTS.positive_ids(P(1), D(1), frozenset([D(1)])) == sorted(
        [P(90), D(1), D(4), D(50), D(2)]
    )
    assert CONFLICTS.positive_ids(P(2), D(2), frozenset([D(2), D(9)])) == sorted(
        [P(91), D(1), D(2), D(4), D(9), D(50)]
    )


def test_a_variant_has_the_positive_ids_of_its_parent():
    assert CONFLICTS.positive_ids(P(3), D(1), frozenset([D(1)])) == CONFLICTS.positive_ids(
        P(1), D(1), frozenset([D(1)])
    )
    assert CONFLICTS.component(P(3), D(1)) == P(90)


def test_a_row_brings_documents_and_negatives_with_components():
    assert CONFLICTS.in_batch_ids(P(2), D(2), [D(5), D(7)]) == sorted(
        [P(91), D(2), D(5), D(7), D(50)]
    )


def test_a_pair_without_a_component_has_that_of_its_document():
    assert CONFLICTS.component(P(8), D(4)) == D(50)


def test_two_documents_of_one_query_conflict():
    # As the units anchor and time have it: documents are components of their own.
    rows = pd.DataFrame(
        {"pair_id": [P(6), P(7)], "doc_id": [D(6), D(7)], "negative_ids": [[], [D(8)]]}
    )
    apart = BatchConflicts({D(6): D(6), D(7): D(7), P(6): P(6), P(7): P(7)}, {}, {}, {}, {}, {})
    both = frozenset([D(6), D(7)])
    actual = add_conflict_ids(rows, apart, [both, both])
    assert actual["positive_ids"].tolist() == [[D(6), D(7), P(6)], [D(6), D(7), P(7)]]
    assert actual["in_batch_ids"].tolist() == [[D(6), P(6)], [D(7), D(8), P(7)]]
    assert actual["component_id"].tolist() == [P(6), P(7)]


def test_rows_that_ask_for_a_topic_conflict_with_its_documents():
    # Pair 6 asks for a document about skin; nothing asks for one about bones.
    alone = {D(index): D(index) for index in (6, 7, 8, 9)} | {P(6): P(6), P(7): P(7)}
    about = {D(6): "skin", D(7): "bones", D(8): "skin", D(9): "bones"}
    actual = BatchConflicts(alone, {}, {}, {}, {P(6): "skin"}, about)
    assert actual.positive_ids(P(6), D(6), frozenset([D(6)])) == [D(6), P(6), "topic skin"]
    assert actual.positive_ids(P(7), D(7), frozenset([D(7)])) == [D(7), P(7)]
    assert actual.in_batch_ids(P(7), D(7), [D(8)]) == [D(7), D(8), P(7), "topic skin"]
    assert actual.in_batch_ids(P(7), D(7), [D(9)]) == [D(7), D(9), P(7)]


def test_ids_go_to_their_rows_whatever_the_index():
    rows = pd.DataFrame(
        {"pair_id": [P(6), P(7)], "doc_id": [D(6), D(7)], "negative_ids": [[], []]}, index=[7, 3]
    )
    apart = BatchConflicts({D(6): D(6), D(7): D(7), P(6): P(6), P(7): P(7)}, {}, {}, {}, {}, {})
    actual = add_conflict_ids(rows, apart, [frozenset([D(6)]), frozenset([D(7)])])
    assert actual["positive_ids"].tolist() == [[D(6), P(6)], [D(7), P(7)]]
    assert actual["in_batch_ids"].tolist() == [[D(6), P(6)], [D(7), P(7)]]
    assert actual["component_id"].tolist() == [P(6), P(7)]
