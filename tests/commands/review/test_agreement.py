"""Cohen's kappa of two judges, on tables that a reader can check."""

from stages.commands.review.agreement import agreements, conflicting, with_opinions
from stages.lib.schemas.reviews import AGREED
from tests.commands.review.cases import ids, line, review_queue


def verdicts(judge, word):
    """Return a line for each letter of a word: y, n, or - for no verdict."""
    meaning = {"y": "yes", "n": "no", "-": ""}
    return [line(number, meaning[letter], judge) for number, letter in enumerate(word, 1)]


def test_kappa_is_that_of_cohen():
    # Both yes 20, first alone 5, second alone 10, both no 15: observed 0.7, by chance 0.5.
    lines = verdicts("ann", "y" * 25 + "n" * 25) + verdicts(
        "ben", "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15
    )
    (agreement,) = agreements(lines)
    assert (agreement.judges, agreement.rows, agreement.conflicts) == (("ann", "ben"), 50, 15)
    assert round(agreement.kappa, 12) == 0.4
    assert str(agreement) == "ann and ben: 50 rows judged by both, 15 conflicts, Cohen's kappa 0.40"


def test_rows_that_one_judged_alone_do_not_count():
    lines = verdicts("", "yyn-") + verdicts("ben", "yn--") + verdicts("cem", "---y")
    assert [str(agreement) for agreement in agreements(lines)] == [
        "(no name) and ben: 2 rows judged by both, 1 conflicts, Cohen's kappa 0.00"
    ]


def test_kappa_of_one_verdict_alone_is_not_defined():
    (agreement,) = agreements(verdicts("ann", "nnn") + verdicts("ben", "nnn"))
    assert str(agreement).endswith("3 rows judged by both, 0 conflicts, Cohen's kappa not defined")


def test_what_was_agreed_on_is_no_judge():
    lines = [*verdicts("ann", "yy"), *verdicts("ben", "yn"), line(2, "yes", AGREED)]
    assert [agreement.judges for agreement in agreements(lines)] == [("ann", "ben")]
    assert conflicting(lines) == {ids(2)}


def test_opinions_are_shown_to_those_who_judged(tmp_path):
    items = review_queue(tmp_path).items
    lines = [*verdicts("ann", "yy"), *verdicts("ben", "yn")]
    assert with_opinions(items, lines, "cem") == []
    (item,) = with_opinions(items, lines, "ben")
    assert (item.ids, item.opinions) == (ids(2), ("ann: yes", "ben: no"))
