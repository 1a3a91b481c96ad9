"""The page says whether training is refused, and why, and shows no text as markup."""

import re

import numpy as np
import pytest

from stages.validate.page import Gate, render
from stages.validate.separation import PANELS, Panel, histogram

MEASURED = {
    "synthetic_exam": False,
    "queries": 2128,
    "base.ndcg_at_10": 0.4716,
    "base.recall_at_100": 0.8539,
    **{f"separation.{name}.gap": 0.25 for name in PANELS},
    **{f"separation.{name}.roc_auc": 0.875 for name in PANELS},
}
BINS = histogram({name: Panel(np.array([0.7, 0.9]), np.array([0.1, 0.2])) for name in PANELS})
PASSED = Gate("leaked_rows", 0, 0, False, "Look at `split.near_threshold`.")
FAILED = Gate("separation.random.roc_auc", 0.85, 0.9, True, "Rows may be <b>mispaired</b> & more.")


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "passed"),
    [(0.9, 0.9, True, True), (0.89, 0.9, True, False), (0, 0, False, True), (1, 0, False, False)],
)
def test_a_gate_passes_at_its_limit(value, limit, at_least, passed):
    assert Gate("g", value, limit, at_least, "").passed is passed


def test_a_gate_tells_its_limit_in_words():
    assert PASSED.wanted == "at most 0"
    assert FAILED.wanted == "at least 0.9"


def test_a_failed_gate_refuses_and_says_where_to_look():
    html = render([PASSED, FAILED], MEASURED, BINS)
    assert "1 of 2 gates failed: training is refused." in html
    assert "separation.random.roc_auc is 0.85, the limit 0.9." in html
    assert "may be trained on" not in html
    assert "<code>split.near_threshold</code>" not in html  # advice belongs to what failed


def test_passed_gates_say_so_without_advice():
    html = render([PASSED], MEASURED, BINS)
    assert "This data may be trained on: every gate is passed." in html
    assert "refused" not in html
    assert "Look at" not in html


def test_an_exam_that_recipes_made_is_no_exam_of_what_people_ask():
    assert "No source gives questions" not in render([PASSED], MEASURED, BINS)
    assert "No source gives questions" in render([PASSED], {**MEASURED, "synthetic_exam": True}, BINS)


def test_text_is_never_markup():
    html = render([FAILED], MEASURED, BINS)
    assert "Rows may be &lt;b&gt;mispaired&lt;/b&gt; &amp; more." in html
    assert "<b>mispaired" not in html


def test_the_page_shows_what_was_measured():
    html = render([PASSED], MEASURED, BINS)
    for shown in ("2128 validation queries", "0.472", "0.854", "The test split was not opened", *PANELS):
        assert shown in html


def test_the_page_opens_offline_and_is_the_same_each_time():
    html = render([PASSED, FAILED], MEASURED, BINS)
    assert render([PASSED, FAILED], MEASURED, BINS) == html
    assert "<svg" in html
    fetched = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", html)
    assert [link for link in fetched if not "".join(link).lstrip("\"'").startswith(("#", "data:"))] == []
    assert "<script" not in html
