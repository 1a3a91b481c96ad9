"""The page says whether training is refused, and why, and shows no text as markup."""

import re

import numpy as np
import pytest

from stages.lib.analysis.separation import Panel
from stages.lib.reporting.funnel import Funnel
from stages.validate.embedding_quality import histogram
from stages.validate.gates import Gate
from stages.validate.page import PageData, render, summary_lines
from stages.validate.probe_result import CurvePoint, curve_table

pytestmark = pytest.mark.usefixtures("charts_once")

PANELS = ("random", "bm25", "dense")

MEASURED = {
    "synthetic_exam": False,
    "queries": 2128,
    "folds": 1,
    "split_unit": "component",
    "trained_documents_share": 0.0,
    "labels.documents": 0,
    "labels.anchors_per_document": 2.2,
    "bm25.ndcg_at_10": 0.3238,
    "base.ndcg_at_10": 0.4716,
    "base.recall_at_100": 0.8539,
    "probe.ndcg_at_10": 0.5612,
    "component_weight": 10,
    "plain.base.ndcg_at_10": 0.4321,
    "plain.probe.ndcg_at_10": 0.5432,
    "plain.probe.gain": 0.1111,
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
POINTS = curve_table([CurvePoint(0.5, 10, 20, 0, 0.5), CurvePoint(1.0, 20, 40, 0, 0.56)], 0.4716)
FUNNEL = Funnel(
    100, {"empty_text": 7}, {}, {"not_sampled": 40}, {"held_out": 2, "ambiguous_anchor": 1}, 50
)
PASSED = Gate("leaked_rows", "leaked_rows", 0, 0)
FAILED = Gate(
    "mispaired",
    "separation.random.roc_auc",
    0.85,
    0.9,
    at_least=True,
    remedy="Look at `collect.sources`.",
)
WARNED = Gate(
    "duplicates", "rows.duplicates_share", 0.5, 0.01, stops_training=False, rows=("p1", "p<2>")
)
UNKNOWN = Gate("false_negatives", "mine.false_negatives.low", None, 0.05)


def render_page(*gates, **changed):
    return render(page_data(*gates, **changed))


def page_data(*gates, **changed):
    return PageData(gates, {**MEASURED, **changed}, BINS, POINTS, FUNNEL)


def test_a_failed_gate_refuses_and_says_where_to_look():
    html = render_page(PASSED, FAILED, WARNED)
    assert "1 of 3 gates failed: training is refused." in html
    assert "<code>separation.random.roc_auc</code> is 0.85, and must be at least 0.9" in html
    assert "Training may start" not in html
    assert "<code>collect.sources</code>" in html
    assert "<code>split.near_threshold</code>" not in html  # advice belongs to what failed


def test_a_warning_refuses_nothing_and_names_its_rows():
    html = render_page(PASSED, WARNED)
    assert "Training may start. 1 of 2 gates warn." in html
    assert "training is refused" not in html
    assert "Rows to read first: <code>p1</code>, <code>p&lt;2&gt;</code>." in html


def test_passed_gates_say_so_without_advice():
    html = render_page(PASSED, UNKNOWN)
    assert "Training may start. No gate failed or warned." in html
    assert "All measured gates passed." in html
    assert "training is refused" not in html


def test_a_missing_value_is_not_shown_as_zero():
    html = render_page(PASSED, UNKNOWN, **{"tokenize.truncated_share": None})
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    (gate,) = [row for row in rows if ">false_negatives<" in row]
    assert "not measured" in gate and "\u2013" in gate
    (truncated,) = [row for row in rows if ">tokenize.truncated_share<" in row]
    assert "not measured" in truncated


def test_plain_means_stand_beside_the_weighted_ones():
    html = render_page(PASSED)
    assert "In all means a component counts as at most 10 queries." in html
    assert "the probe has 0.543, the base model 0.432, and the gain is +0.111." in html


def test_failures_come_before_warnings():
    html = render_page(WARNED, FAILED)
    assert html.index("are hardly closer") < html.index("repeat each other")


@pytest.mark.parametrize(
    ("trend", "sentence"),
    [
        (
            "more helps",
            "More data would help. The last doubling of the data changed nDCG@10 by +0.023",
        ),
        (
            "levelled off",
            "More data would hardly help. The last doubling of the data changed nDCG@10 by +0.023",
        ),
        ("unclear", "It is unclear whether more data would help"),
    ],
)
def test_the_learning_curve_ends_in_a_plain_sentence(trend, sentence):
    html = render_page(PASSED, **{"curve.trend": trend})
    assert sentence in html
    assert "95 % interval +0.014 to +0.033" in html


def test_queries_of_one_component_show_no_interval():
    left = {
        name: value
        for name, value in MEASURED.items()
        if name == "plain.probe.gain" or ("gain" not in name and "last_step" not in name)
    }
    html = render(PageData([PASSED], left, BINS, POINTS, FUNNEL))
    assert "there is no interval" in html


def test_folds_are_named():
    assert "2,128 queries of validation and training, in 5 folds" in render_page(PASSED, folds=5)


def test_a_synthetic_evaluation_set_has_a_warning():
    assert "No source gives queries" not in render_page(PASSED)
    assert "No source gives queries" in render_page(PASSED, synthetic_exam=True)


def first_screen(html):
    """Return the part of the page above the table of gates."""
    return html[: html.index("<table>")]


def test_where_rows_went_is_on_the_first_screen_and_on_the_terminal():
    line = (
        "Rows: 100 records in; 7 rejected (empty text); 0 copies; 40 sampled out (not sampled); "
        "3 refused (2 held out, 1 ambiguous anchor); 50 training rows."
    )
    assert line in first_screen(render_page(PASSED))
    assert line in summary_lines(page_data(PASSED))


def test_bm25_stands_beside_the_base_model_and_the_probe():
    html = render_page(PASSED)
    section = html[html.index('<section id="bm25-the-base-model-and-the-probe">') :]
    for system, score in (("BM25", "0.324"), ("base model", "0.472"), ("probe", "0.561")):
        assert f'<th scope="row">{system}</th><td class="n">{score}</td>' in section
    assert "nDCG@10: BM25 0.324, base 0.472, probe 0.561." in summary_lines(page_data(PASSED))[0]


def test_the_share_of_trained_documents_stands_in_the_verdict_of_every_unit():
    none = "None of the validation queries asks for a document that was trained on."
    assert none in first_screen(render_page(PASSED))
    some = "69.0 % of the validation queries ask for a document that was trained on"
    for unit in ("component", "group", "time", "anchor"):
        html = first_screen(render_page(PASSED, trained_documents_share=0.69, split_unit=unit))
        box = html[html.index('<p class="box') :]
        assert some in box
        # With the unit `anchor` it is the first sentence.
        assert (box.index(some) < box.index("Training may start")) == (unit == "anchor")


def test_labels_are_recognised_on_the_page_and_the_terminal():
    labels = {"labels.documents": 77, "labels.anchors_per_document": 155.8}
    for unit, words in (("component", "holds out whole labels"), ("anchor", "suits them")):
        data = page_data(PASSED, **labels, split_unit=unit)
        assert "The 77 documents have 156 anchors each" in first_screen(render(data))
        assert words in first_screen(render(data))
        assert any(words in line for line in summary_lines(data))
    assert "as labels" not in first_screen(render_page(PASSED))


def test_the_terminal_names_each_gate_that_did_not_pass():
    lines = summary_lines(page_data(PASSED, FAILED, WARNED))
    assert lines[0].startswith("1 of 3 gates failed: training is refused.")
    assert lines[-2].startswith("fail: Validation queries are hardly closer")
    assert lines[-1].startswith("warn: Training rows repeat each other")


def test_text_is_never_markup():
    html = render_page(WARNED)
    assert "p&lt;2&gt;" in html
    assert "p<2>" not in html


def test_the_page_shows_what_was_measured():
    html = render_page(PASSED)
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


@pytest.mark.slow
def test_the_page_opens_offline_and_is_the_same_each_time():
    html = render_page(PASSED, FAILED)
    assert render_page(PASSED, FAILED) == html
    assert html.count("<svg") == 2
    fetched = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", html)
    assert [
        link for link in fetched if not "".join(link).lstrip("\"'").startswith(("#", "data:"))
    ] == []
    assert "<script" not in html
