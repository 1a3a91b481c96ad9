"""A query is a unique anchor in strict form; most queries keep the ids of earlier versions."""

import pytest

from stages.lib.core.ids import hash_hex
from stages.lib.schemas.queries_from_pairs import query_id_of
from tests.lib.text.strict_pairs import DIFFERENT, SAME


@pytest.mark.parametrize(
    ("left", "right"), [pair for pairs in DIFFERENT.values() for pair in pairs]
)
def test_anchors_that_ask_something_else_are_two_queries(left, right):
    assert query_id_of(left) != query_id_of(right)


@pytest.mark.parametrize(("left", "right"), [pair for pairs in SAME.values() for pair in pairs])
def test_anchors_that_ask_the_same_are_one_query(left, right):
    assert query_id_of(left) == query_id_of(right)


@pytest.mark.parametrize(
    ("raw", "hashed"),
    [
        ("No signal?", "no signal"),
        ("Blood-cell count of the CD4+ kind", "blood cell count of the cd4+ kind"),
        ("T-cell count", "T cell count"),  # a single capital is content
        ("10\u2074 cells", "10\u2074 cells"),
        ("104 cells", "104 cells"),
        ("Grade 5-7", "grade 5-7"),
        ("Grade 5 7", "grade 5 7"),
        ("Straße", "straße"),
    ],
)
def test_an_id_is_the_hash_of_the_coarse_form_where_that_leaves_nothing_out(raw, hashed):
    assert query_id_of(raw) == "q" + hash_hex("query", hashed)
