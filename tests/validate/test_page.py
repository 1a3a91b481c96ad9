"""The page says whether training is refused, and why, and shows no text as markup."""

import re

import numpy as np
import pandas as pd
import pytest

from stages.lib.separation import Panel
from stages.validate.curve import Point, table
from stages.validate.gates import Gate
from stages.validate.page import Evidence, render
from stages.validate.separation import histogram

PANELS = ("random", "bm25", "dense")

MEASURED = {
    "synthetic_exam": False,
    "queries": 2128,
    "folds": 1,
    "base.ndcg_at_10": 0.4716,
    "base.recall_at_100": 0.8539,
    "probe.ndcg_at_10": 0.5612,
    "probe.gain": 0.0896,
    "probe.gain_low": 0.0511,
    "probe.gain_high": 0.1234,
    "probe.gain_mde": 0.0444,
    "probe.placebo_gain": -0.0321,
    "probe.placebo_gain_low": -0.05,
    "probe.placebo_gain_high": -0.01,
    "curve.trend": "more helps",
    "curve.last_step": 0.0229,
    "curve.last_step_low": 0.0137,
    "curve.last_step_high": 0.0326,
    "leaked_rows": 0,
    "tokenize.truncated_share": 0.0123,
    "mine.false_negatives.review.low": 0.0271,
    **{
        f"separation.{name}.{key}": 0.25
        for name in PANELS
        for key in ("gap", "standardised_gap", "roc_auc", "query_auc", "overlap", "violations")
    },
    **{
        f"geometry.{name}": 0.5
        for name in (
            "alignment",
            "uniformity",
            "mean_cosine",
            "effective_rank",
            "effective_rank_share",
            "hubness",
        )
    },
}
BINS = histogram({name: Panel(np.array([0.7, 0.9]), np.array([0.1, 0.2])) for name in PANELS})
POINTS = table([Point(0.5, 10, 20, 0, 0.5), Point(1.0, 20, 40, 0, 0.56)], 0.4716)
MAP = pd.DataFrame(
    {
        "x": [0.0, 1.0],
        "y": [0.0, 1.0],
        "split": ["train", "corpus"],
        "topic": ["<b>eye</b>", "other"],
    }
)
PASSED = Gate("leaked_rows", "leaked_rows", 0, 0)
FAILED = Gate("mispaired", "separation.random.roc_auc", 0.85, 0.9, at_least=True)
WARNED = Gate("duplicates", "rows.duplicates_share", 0.5, 0.01, grave=False, rows=("p1", "p<2>"))
UNKNOWN = Gate("false_negatives", "mine.false_negatives.low", None, 0.05)


def drawn(*gates, **changed):
    return render(Evidence(gates, {**MEASURED, **changed}, BINS, POINTS, MAP))


def test_a_failed_gate_refuses_and_says_where_to_look():
    html = drawn(PASSED, FAILED, WARNED)
    assert "1 of 3 gates failed: training is refused." in html
    assert "<code>separation.random.roc_auc</code> is 0.85, wanted at least 0.9" in html
    assert "may be trained on" not in html
    assert "<code>collect.sources</code>" in html
    assert "<code>split.near_threshold</code>" not in html  # advice belongs to what failed


def test_a_warning_refuses_nothing_and_names_its_rows():
    html = drawn(PASSED, WARNED)
    assert "This data may be trained on; 1 of 2 gates warn." in html
    assert "refused" not in html
    assert "Rows to read first: <code>p1</code>, <code>p&lt;2&gt;</code>." in html


def test_passed_gates_say_so_without_advice():
    html = drawn(PASSED, UNKNOWN)
    assert "This data may be trained on: no gate failed or warned." in html
    assert "Nothing stands out." in html
    assert "refused" not in html


def test_what_nobody_measured_is_no_zero():
    html = drawn(PASSED, UNKNOWN, **{"tokenize.truncated_share": None})
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    (gate,) = [row for row in rows if ">false_negatives<" in row]
    assert "not measured" in gate and "\u2013" in gate
    (truncated,) = [row for row in rows if ">tokenize.truncated_share<" in row]
    assert "not measured" in truncated


def test_failures_come_before_warnings():
    html = drawn(WARNED, FAILED)
    assert html.index("hardly stand closer") < html.index("repeat each other")


@pytest.mark.parametrize(
    ("trend", "says"),
    [
        ("more helps", "More data would help: the last doubling of it raised nDCG@10 by +0.023"),
        (
            "levelled off",
            "It has levelled off: the last doubling of the data changed nDCG@10 by +0.023",
        ),
        ("unclear", "Whether more data would help cannot be told"),
    ],
)
def test_the_learning_curve_ends_in_a_plain_sentence(trend, says):
    html = drawn(PASSED, **{"curve.trend": trend})
    assert says in html
    assert "95 % interval +0.014 to +0.033" in html


def test_queries_of_one_component_show_no_interval():
    left = {
        name: value
        for name, value in MEASURED.items()
        if "gain" not in name and "last_step" not in name
    }
    html = render(Evidence([PASSED], left, BINS, POINTS, MAP))
    assert "gives no interval" in html


def test_folds_are_told():
    assert "2,128 queries of validation and training, in 5 folds" in drawn(PASSED, folds=5)


def test_an_exam_that_recipes_made_is_no_exam_of_what_people_ask():
    assert "No source gives questions" not in drawn(PASSED)
    assert "No source gives questions" in drawn(PASSED, synthetic_exam=True)


def test_text_is_never_markup():
    html = drawn(FAILED)
    assert "&lt;b&gt;eye" in html
    assert "<b>eye" not in html


def test_the_page_shows_what_was_measured():
    html = drawn(PASSED)
    shown = (
        "2,128 validation queries",
        "0.472",
        "0.854",
        "The test split was not opened",
        "+0.090",
        "0.561",
        "0.0271",
    )
    for part in (*shown, "BM25-hard", "Violations", "hubness", "0.0123"):
        assert part in html, part


def test_the_page_opens_offline_and_is_the_same_each_time():
    html = drawn(PASSED, FAILED)
    assert drawn(PASSED, FAILED) == html
    assert html.count("<svg") == 3
    fetched = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", html)
    assert [
        link for link in fetched if not "".join(link).lstrip("\"'").startswith(("#", "data:"))
    ] == []
    assert "<script" not in html
