"""People's verdicts: files that survive spreadsheets, faults that are named, and a share that needs two clusters."""

import numpy as np
import pytest

from stages.lib.errors import Problem
from stages.lib.reviewed import (
    FIRST_HITS,
    NEGATIVES,
    Verdict,
    estimated,
    read_verdicts,
    said,
    write_verdicts,
)
from stages.lib.statistics import clustered_share


def test_verdicts_are_read_as_they_were_written_and_with_a_spreadsheets_mark(tmp_path):
    path = tmp_path / "negatives.csv"
    lines = [
        Verdict("p1", "d1", 'a "quoted", anchor', "two\nlines", "x", "yes"),
        Verdict("p1", "d2", "a", "b", "c", ""),
    ]
    write_verdicts(lines, path, NEGATIVES)
    assert path.read_text("utf-8").startswith(
        "pair_id,negative_id,anchor,positive,negative,verdict\n"
    )
    assert read_verdicts(path, NEGATIVES) == lines
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_verdicts(path, NEGATIVES) == lines
    assert [line.answers for line in lines] == [True, None]


@pytest.mark.parametrize(
    ("lines", "fact"),
    [
        (["pair,negative"], "line 1: the header is not"),
        ([",".join(NEGATIVES), "p1,d1,a,b,c"], "line 2: 5 fields where 6"),
        (
            [",".join(NEGATIVES), "p1,d1,a,b,c,maybe"],
            "line 2: the verdict 'maybe' is neither yes nor no",
        ),
        (
            [",".join(NEGATIVES), "p1,d1,a,b,c,yes", "p1,d1,a,b,c,no"],
            "line 3: the same two ids have another verdict",
        ),
        ([",".join(NEGATIVES), 'p1,d1,a,b,"c'], "is not a CSV file"),
        ([], "line 1: the header is not"),
    ],
)
def test_a_broken_file_of_verdicts_is_told_with_its_line(tmp_path, lines, fact):
    path = tmp_path / "negatives.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(Problem, match=fact):
        read_verdicts(path, NEGATIVES)


def test_a_missing_file_of_verdicts_is_told(tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        read_verdicts(tmp_path / "negatives.csv", NEGATIVES)


def test_each_file_has_its_own_header(tmp_path):
    path = tmp_path / "first_hits.csv"
    write_verdicts([], path, FIRST_HITS)
    assert path.read_text("utf-8") == "query_id,doc_id,query,answer,found,verdict\n"
    assert read_verdicts(path, FIRST_HITS) == []
    with pytest.raises(Problem, match="line 1: the header is not 'pair_id,"):
        read_verdicts(path, NEGATIVES)


def test_what_was_said_of_others_does_not_count():
    lines = [
        Verdict("q1", "d1", "", "", "", "yes"),
        Verdict("q2", "d1", "", "", "", "no"),
        Verdict("q3", "d3", *[""] * 4),
    ]
    assert said([("q2", "d1"), ("q1", "d1"), ("q1", "d2"), ("q3", "d3")], lines) == [
        False,
        True,
        None,
        None,
    ]


def test_a_share_counts_what_was_judged_in_two_clusters_or_more():
    told = estimated("label_error", ["a", "a", "b", "c", "d"], [True, True, False, None, False])
    assert told["label_error.judged"] == 4
    assert told["label_error.rate"] == 0.5
    expected = clustered_share(np.array([2, 0, 0]), np.array([2, 1, 1]))
    assert (told["label_error.low"], told["label_error.high"]) == (expected.low, expected.high)
    assert estimated("label_error", ["a", "a", "b"], [True, False, None]) == {}
    assert estimated("label_error", [], []) == {}
