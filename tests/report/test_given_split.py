"""The page says what a given split is worth, and how much of the hits has a grade."""

from stages.lib.reporting.details import StageDetails
from stages.report.given_split import given_split_and_grades

GIVEN = {
    "given.validation_queries": 23,
    "given.test_queries": 112,
    "given.shared_document_queries": 46,
    "given.shared_document_share": 0.3407,
    "given.repeated_pairs": 0,
    "given.left_out": 0,
}


def text(values, **given):
    parts = given_split_and_grades(StageDetails({**values, "split": {**values["split"], **given}}))
    return " ".join(str(part) for part in parts)


def test_without_given_splits_and_grades_there_is_no_sentence(values):
    assert text(values) == ""


def test_the_queries_are_asked_as_given_and_shared_documents_are_told(values):
    shown = text(values, **GIVEN)
    assert "23 validation and 112 test queries. They are asked exactly as given" in shown
    assert "intervals resample queries" in shown
    assert "For 46 of them (34%) a relevant document is trained on" in shown
    assert "have the anchor" not in shown


def test_repeated_queries_are_told_with_what_became_of_them(values):
    repaired = {"given.repeated_pairs": 7, "given.left_out": 7}
    shown = text(values, **{**GIVEN, **repaired})
    assert "7 training pairs have the anchor of such a query; 7 of them were left out." in shown
    assert "trust" not in shown
    trusted = {"given.repeated_pairs": 7, "given.left_out": 0}
    assert "The others are trained on" in text(values, **{**GIVEN, **trusted})


def test_the_share_of_hits_with_a_grade_is_told_by_system(values):
    values["evaluate"] |= {"test.bm25.judged_at_10": 0.31, "test.finetuned.judged_at_10": 0.284}
    shown = text(values)
    assert "first ten hits on test these shares have a grade: BM25 31%, fine-tuned 28%." in shown
