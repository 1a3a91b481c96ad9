"""Candidates as rows of tables."""

from stages.pair.candidates import PairCandidate, candidate_rows, synthetic_rows
from tests.pair.rows import d, p

TITLE = PairCandidate("title", p("1"), "Reset", d("a"), d("a"))


def test_a_row_names_its_recipe():
    (row,) = candidate_rows([TITLE]).to_numpy().tolist()
    assert row == [p("1"), "Reset", d("a"), "title", 1.0, "pair.title"]
    assert len(candidate_rows([])) == 0


def test_a_synthetic_pair_has_its_origin_and_positive():
    (row,) = synthetic_rows([TITLE._replace(positive="Hold it.")]).to_numpy().tolist()
    assert row == [p("1"), d("a"), "Hold it."]
    assert len(synthetic_rows([])) == 0
