"""A document of another part of a cut component counts neither as an answer nor as a miss."""

import pandas as pd
import pytest

from stages.lib.schemas.evaluation_set import Masked
from stages.lib.schemas.queries_from_pairs import query_id_of
from stages.split.evaluation_set import QuerySet
from stages.split.masked_documents import mask_documents, mask_sets
from tests.split.faq import d, p, pairs

ASKED = query_id_of("no signal")
# The query asks for "own", which lies in its split, and for "other", which does not.
QUERIES = QuerySet(
    pd.DataFrame({"query_id": [ASKED], "text": ["no signal"]}),
    pd.DataFrame({"query_id": [ASKED] * 2, "doc_id": [d("own"), d("other")], "grade": [1.0, 1.0]}),
)
# A pair of the same anchor across the cut, one of another anchor, and one in use.
PAIRS = pairs(
    ("across", "No signal?", "far"), ("foreign", "no sound", "far"), ("in use", "no signal", "own")
)
SPLITS = {
    d("own"): "test",
    d("other"): "train",
    d("far"): "train",
    p("across"): "left_out",
    p("foreign"): "left_out",
    p("in use"): "test",
}


def masked(splits=SPLITS, **options):
    result = mask_documents(
        QUERIES, options.pop("pairs", PAIRS), splits, "test", **{"positive_from": 0.5, **options}
    )
    Masked.validate(result.masked)
    pairs_of = zip(result.masked["query_id"], result.masked["doc_id"], strict=True)
    return set(result.qrels["doc_id"]), set(pairs_of)


def test_documents_elsewhere_leave_the_qrels_and_are_masked():
    assert masked() == ({d("own")}, {(ASKED, d("other")), (ASKED, d("far"))})


def test_without_a_cut_component_nothing_is_masked():
    assert masked({}) == ({d("own"), d("other")}, set())


def test_rows_outside_of_giants_stay():
    assert masked({p("in use"): "test"}) == ({d("own"), d("other")}, set())


def test_what_counts_is_not_masked():
    repeated = PAIRS.assign(doc_id=[d("own"), d("far"), d("own")])
    assert masked(pairs=repeated) == ({d("own")}, {(ASKED, d("other"))})


@pytest.mark.parametrize(("score", "is_masked"), [(0.5, True), (0.49, False)])
def test_only_positives_are_masked(score, is_masked):
    _, found = masked(pairs=PAIRS.assign(score=score))
    assert ((ASKED, d("far")) in found) == is_masked


def test_of_given_queries_nothing_is_masked():
    assert masked(given_queries=[ASKED]) == ({d("own"), d("other")}, set())


def test_synthetic_queries_are_of_validation():
    splits = {**SPLITS, d("own"): "validation"}
    sets = mask_sets({"synthetic": QUERIES, "test": QUERIES}, PAIRS, splits, positive_from=0.5)
    assert set(sets["synthetic"].qrels["doc_id"]) == {d("own")}
    assert set(sets["test"].qrels["doc_id"]) == set()
