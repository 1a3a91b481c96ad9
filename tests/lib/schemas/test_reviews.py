"""Judgements by people: files that survive spreadsheets, errors with their line, and shares."""

import numpy as np
import pytest

from stages.lib.core.errors import UserError
from stages.lib.schemas.reviews import (
    AGREED,
    FIRST_HITS,
    NEGATIVES,
    Judgement,
    clustered_share,
    judgements_of,
    rate_with_interval,
    read_judgements,
    write_judgements,
)

OLDER = "pair_id,negative_id,anchor,positive,negative,verdict"


def test_verdicts_survive_writing_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "negatives.csv"
    rows = [
        Judgement("p2", "d1", "no", "ann", 'a "quoted", note'),
        Judgement("p1", "d2", "", "", "=1+1"),
        Judgement("p1", "d1", "yes"),
    ]
    write_judgements(rows, path, NEGATIVES)
    assert path.read_text("utf-8").splitlines() == [
        "pair_id,negative_id,verdict,judge,note",
        "p1,d1,yes,,",
        "p1,d2,,,'=1+1",
        'p2,d1,no,ann,"a ""quoted"", note"',
    ]
    assert read_judgements(path, NEGATIVES) == sorted(rows)

    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_judgements(path, NEGATIVES) == sorted(rows)


def test_a_file_of_an_older_version_is_read_without_its_texts(tmp_path):
    path = tmp_path / "negatives.csv"
    path.write_text(f'{OLDER}\np1,d1,a,"two\nlines",c, Yes \np1,d2,a,b,c,\n', "utf-8")
    assert read_judgements(path, NEGATIVES) == [Judgement("p1", "d1", "yes")]


@pytest.mark.parametrize(
    ("lines", "fact"),
    [
        (["pair,negative"], "line 1: the header is not"),
        ([OLDER, "p1,d1,a,b,c"], "line 2: 5 fields where 6"),
        ([",".join(NEGATIVES), "p1,d1,yes,"], "line 2: 4 fields where 5"),
        (
            [",".join(NEGATIVES), "p1,d1,maybe,,"],
            "line 2: the verdict 'maybe' is neither yes nor no",
        ),
        (
            [",".join(NEGATIVES), "p1,d1,yes,ann,", "p1,d1,no,ann,"],
            "line 3: the same two ids have another verdict",
        ),
        ([",".join(NEGATIVES), 'p1,d1,yes,,"c'], "is not a CSV file"),
        ([], "line 1: the header is not"),
    ],
)
def test_a_malformed_file_is_an_error_with_its_line(tmp_path, lines, fact):
    path = tmp_path / "negatives.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(UserError, match=fact):
        read_judgements(path, NEGATIVES)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_judgements(tmp_path / "negatives.csv", NEGATIVES)


def test_each_file_has_its_own_header(tmp_path):
    path = tmp_path / "first_hits.csv"
    write_judgements([], path, FIRST_HITS)
    assert path.read_text("utf-8") == "query_id,doc_id,verdict,judge,note\n"
    assert read_judgements(path, FIRST_HITS) == []
    with pytest.raises(UserError, match="line 1: the header is not 'pair_id,"):
        read_judgements(path, NEGATIVES)


def test_verdicts_on_other_documents_are_ignored():
    rows = [Judgement("q1", "d1", "yes"), Judgement("q2", "d1", "no"), Judgement("q3", "d3", "")]
    keys = [("q2", "d1"), ("q1", "d1"), ("q1", "d2"), ("q3", "d3")]
    assert judgements_of(keys, rows) == [False, True, None, None]


def test_judges_who_differ_give_no_verdict_until_they_agree():
    rows = [
        Judgement("q1", "d1", "yes", "ann"),
        Judgement("q1", "d1", "yes", "ben"),
        Judgement("q2", "d1", "yes", "ann"),
        Judgement("q2", "d1", "no", "ben"),
        Judgement("q3", "d1", "", "ann", "unclear"),
    ]
    keys = [("q1", "d1"), ("q2", "d1"), ("q3", "d1")]
    assert judgements_of(keys, rows) == [True, None, None]
    assert judgements_of(keys, [*rows, Judgement("q2", "d1", "no", AGREED)]) == [True, False, None]


def test_a_share_counts_judged_documents_in_their_clusters():
    clusters = ["a", "a", "b", "c", "d"]
    metrics = rate_with_interval("label_error", clusters, [True, True, False, None, False])
    assert metrics["label_error.judged"] == 4
    assert metrics["label_error.rate"] == 0.5

    expected = clustered_share(np.array([2, 0, 0]), np.array([2, 1, 1]))
    interval = (metrics["label_error.low"], metrics["label_error.high"])
    assert interval == (expected.low, expected.high)


def test_a_share_needs_judgements_in_two_clusters():
    assert rate_with_interval("label_error", ["a", "a", "b"], [True, False, None]) == {}
    assert rate_with_interval("label_error", [], []) == {}


@pytest.mark.parametrize(
    ("hits", "sizes", "low", "high"),
    [
        # Twenty items are ten clusters of two: as alone, where clusters differ less than items do.
        ([1] * 8 + [0, 2], [2] * 10, 0.274, 0.726),
        # All items of a cluster are alike: nine, since the mean of the ten clusters is unknown.
        ([2] * 5 + [0] * 5, [2] * 10, 0.199, 0.801),
        # None is a hit: as if the items of a cluster were alike.
        ([0] * 10, [2] * 10, 0.0, 0.338),
        ([2] * 10, [2] * 10, 0.662, 1.0),
    ],
)
def test_the_interval_is_that_of_items_that_are_independent(hits, sizes, low, high):
    share = clustered_share(np.array(hits), np.array(sizes))
    assert (share.low, share.high) == pytest.approx((low, high), abs=0.0006)


@pytest.mark.parametrize("clusters", [0, 1])
def test_one_cluster_gives_no_interval(clusters):
    with pytest.raises(ValueError, match="give no interval"):
        clustered_share(np.array([1] * clusters), np.array([2] * clusters))
