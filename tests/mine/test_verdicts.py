"""A negative that a person called false goes, and nothing else changes."""

import pandas as pd

from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.training import PER_NEGATIVE
from stages.mine.verdicts import count_left, note_removed, remove_false_negatives
from tests.mine.cases import name


def p(number):
    return name("p", number)


def d(number):
    return name("d", number)


def triplets(*rows):
    """Return triplets of (number of the pair, anchor, numbers of the negatives)."""
    frame = pd.DataFrame(
        {
            "pair_id": [p(number) for number, _, _ in rows],
            "anchor": [anchor for _, anchor, _ in rows],
            "negative_ids": [[d(number) for number in numbers] for _, _, numbers in rows],
        }
    )
    for column in PER_NEGATIVE[1:]:
        frame[column] = [[f"{column} {number}" for number in numbers] for _, _, numbers in rows]
    return frame


def negatives_of(rows):
    return dict(zip(rows["pair_id"], rows["negative_ids"], strict=True))


ROWS = triplets(
    (1, "high fever", [5, 6, 7]),
    (2, "High  Fever", [6]),
    (3, "hgih fever", [7, 6]),
    (4, "itchy rash", [6, 5]),
    (5, "cough", []),
)
# Pair 3 is a variant of pair 1.
PARENTS = {p(3): p(1)}


def test_without_verdicts_nothing_changes():
    judged = remove_false_negatives(ROWS, [], PARENTS)
    assert judged.rows is ROWS
    assert judged.removed == []
    assert judged.positives == [frozenset()] * 5


def test_a_verdict_holds_for_the_anchor_and_its_variants_alone():
    judged = remove_false_negatives(ROWS, [(p(1), d(6))], PARENTS)
    assert negatives_of(judged.rows) == {
        p(1): [d(5), d(7)],
        p(2): [],
        p(3): [d(7)],
        p(4): [d(6), d(5)],
        p(5): [],
    }
    assert judged.removed == [(p(1), d(6)), (p(2), d(6)), (p(3), d(6))]
    assert [bool(answers) for answers in judged.positives] == [True, True, True, False, False]


def test_a_verdict_on_a_variant_holds_for_what_it_varies():
    judged = remove_false_negatives(ROWS, [(p(3), d(6))], PARENTS)
    assert negatives_of(judged.rows)[p(1)] == [d(5), d(7)]


def test_all_lists_of_a_row_lose_the_same_places():
    judged = remove_false_negatives(ROWS, [(p(4), d(6))], PARENTS)
    for column in PER_NEGATIVE[1:]:
        assert judged.rows[column][3] == [f"{column} 5"]
        assert judged.rows[column][0] == ROWS[column][0]


def test_a_verdict_on_a_pair_that_is_gone_says_nothing():
    judged = remove_false_negatives(ROWS, [(p(9), d(6))], PARENTS)
    assert negatives_of(judged.rows) == negatives_of(ROWS)


def test_the_ledger_names_each_removed_negative():
    ledger = LedgerWriter()
    note_removed(ledger, [(p(1), d(6))])
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["field"], line["action"], line["reason"]) == (
        p(1),
        "negative_ids",
        "edit",
        "judged_false_negative",
    )
    assert (line["before"], line["after"]) == (d(6), "")


def test_what_is_left_is_counted_by_ids_alone():
    assert count_left(ROWS, {(p(1), d(6)), (p(4), d(6)), (p(5), d(6))}) == 2
