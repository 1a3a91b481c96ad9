"""A UserError is a fact and a remedy, short enough for a terminal, and survives the way between processes."""

import pickle

import pytest

from stages.lib.core.errors import UserError


def test_a_problem_reads_as_fact_and_remedy():
    assert (
        str(UserError("faq.csv: row 3 has no title", "add one"))
        == "faq.csv: row 3 has no title\n  remedy: add one"
    )


@pytest.mark.parametrize("lines", [1, 7, 8, 9, 10, 1000])
def test_a_problem_takes_ten_lines_at_most_and_keeps_its_remedy(lines):
    told = str(UserError("\n".join(f"row {at}" for at in range(lines)), "mend them")).splitlines()
    assert len(told) <= 10
    assert told[0] == "row 0"
    assert told[-1] == "  remedy: mend them"


def test_left_out_lines_are_counted():
    told = str(UserError("\n".join(f"row {at}" for at in range(20)), "mend them")).splitlines()
    assert told[:7] == [f"row {at}" for at in range(7)]
    assert told[7] == "  ... and 13 more lines"


def test_a_long_line_is_cut():
    first = str(UserError("x" * 1000, "shorten it")).splitlines()[0]
    assert len(first) == 400
    assert first.endswith("...")


def test_a_problem_crosses_process_boundaries_whole():
    problem = pickle.loads(pickle.dumps(UserError("fact", "remedy")))
    assert (problem.fact, problem.remedy) == ("fact", "remedy")
