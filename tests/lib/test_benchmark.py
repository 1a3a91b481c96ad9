"""Which documents answer a held-out query, once copies are resolved."""

import pandas as pd

from stages.lib.benchmark import grades


def test_a_dropped_copy_is_answered_by_the_document_that_was_kept():
    qrels = pd.DataFrame({"query_id": ["q1", "q1", "q2"], "doc_id": ["d1", "d2", "d2"], "grade": [0.5, 1.0, 1.0]})
    assert grades(qrels, {}) == {"q1": {"d1": 0.5, "d2": 1.0}, "q2": {"d2": 1.0}}
    # Both answers of q1 are one document now, with the better of its grades.
    assert grades(qrels, {"d2": "d1"}) == {"q1": {"d1": 1.0}, "q2": {"d1": 1.0}}
    assert grades(qrels, {"d1": "d2"}) == {"q1": {"d2": 1.0}, "q2": {"d2": 1.0}}
