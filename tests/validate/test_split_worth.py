"""Few documents with many anchors each are labels; a trained document is one under any copy."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.evaluation.trained_documents import asks_for_trained, kept_ids
from stages.lib.reporting.details import StageDetails
from stages.lib.retrieval.corpus import Corpus
from stages.validate.split_worth import split_worth


def details(pairs, documents, effective=None, validation=0.1, given=None):
    number = documents if effective is None else effective
    return StageDetails(
        {
            "pair": {
                "rows_in": pairs if given is None else given,
                "rows_out": pairs,
                "paired_documents": documents,
                "balance.after.document.effective_number": number,
            },
            "split": {"validation_share": validation},
        }
    )


@pytest.mark.parametrize(
    ("pairs", "documents", "effective", "labels"),
    [
        (12_000, 77, 77, 77),  # intents
        (3_000, 12, 9.5, 12),  # categories
        (40_000, 450, 400, 450),  # a large taxonomy
        (50_000, 2_000, 150, 2_000),  # most questions ask for few of the documents
        (21_065, 9_468, 7_174, 0),  # names of terms
        (60_000, 5_000, 4_800, 0),  # many documents, many questions each: nothing is short
        (1_249, 719, 700, 0),  # a help desk
        (200, 80, 80, 0),  # little data is not labels
    ],
)
def test_labels_are_few_documents_with_many_anchors(pairs, documents, effective, labels):
    worth = split_worth(0.0, details(pairs, documents, effective))
    assert worth.labels == labels
    assert worth.metrics()["labels.untrained_share"] == (1.0 if labels else 0.0)


def test_the_headings_of_few_manuals_make_them_no_labels():
    assert split_worth(0.0, details(4_572, 254, 250, given=0)).labels == 0
    assert split_worth(0.0, details(4_572, 254, 250, given=300)).labels == 0
    assert split_worth(0.0, details(4_572, 254, 250, given=4_000)).labels == 254


def test_labels_that_were_trained_on_are_measured():
    assert split_worth(0.98, details(12_000, 77)).metrics() == {
        "trained_documents_share": 0.98,
        "labels.documents": 77,
        "labels.anchors_per_document": pytest.approx(155.84, abs=0.01),
        "labels.untrained_share": pytest.approx(0.02),
    }


CORPUS = Corpus(
    np.array(["d1", "d2", "d3", "d4"]),
    ["Fever.", "Rash.", "FEVER!", "Fever.", "And chills."],
    np.array([0, 1, 2, 3]),
)


def asks(relevant, trained):
    queries = pd.DataFrame({"query_id": [f"q{number}" for number in range(len(relevant))]})
    qrels = {f"q{number}": grades for number, grades in enumerate(relevant)}
    return asks_for_trained(EvaluationSet(queries, qrels, pd.DataFrame()), CORPUS, trained).tolist()


def test_a_query_asks_for_a_trained_document_under_any_copy():
    # d3 says what d1 says; d4 says more.
    assert asks([{"d1": 1.0}, {"d2": 1.0}, {"d3": 0.5}, {"d4": 1.0}], ["d1"]) == [
        True,
        False,
        True,
        False,
    ]
    assert asks([{"d2": 1.0, "d1": 1.0}], ["d1"]) == [True]
    assert asks([{"d2": 1.0, "d1": 0.0}], ["d1"]) == [False]
    assert asks([{"gone": 1.0}], ["d1"]) == [False]
    assert asks([{"gone": 1.0}], ["gone"]) == [True]


def test_a_dropped_copy_counts_as_the_document_that_was_kept():
    assert kept_ids(["copy", "d2"], {"copy": "d1"}) == {"d1", "d2"}
