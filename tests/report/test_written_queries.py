"""The page says who asked: people, or the recipes."""

from stages.lib.reporting.details import StageDetails
from stages.report.written_queries import written_queries

WRITTEN = {
    "written_test.queries": 48,
    "written_test.components": 47,
    "written_test.finetuned.ndcg_at_10": 0.712,
    "written_test.gain.over_base.ndcg_at_10.mean": 0.0314,
}
INTERVAL = {
    "written_test.components": 61,
    "written_test.gain.over_base.ndcg_at_10.low": 0.004,
    "written_test.gain.over_base.ndcg_at_10.high": 0.059,
}


def text(**evaluated):
    parts = written_queries(StageDetails({"evaluate": evaluated}))
    return " ".join(str(part) for part in parts)


def test_collected_queries_alone_need_no_sentence():
    assert text(synthetic_exam=False) == ""


def test_made_queries_are_named_until_people_wrote_some():
    shown = text(synthetic_exam=True)
    assert "Recipes made all queries; nobody asked them." in shown
    assert "python -m stages queries" in shown


def test_few_components_give_a_mean_and_no_verdict():
    shown = text(synthetic_exam=True, **WRITTEN)
    assert "On 48 queries that people wrote for test" in shown
    assert "is 0.712, +0.031 over the base model. They are in 47 components. Under 50" in shown
    assert "no verdict" in shown


def test_enough_components_give_an_interval():
    shown = text(**{**WRITTEN, **INTERVAL})
    assert "+0.031 over the base model (95 % interval +0.004 to +0.059)." in shown
    assert "verdict" not in shown


def test_what_is_not_asked_is_counted():
    shown = text(**{"written.left_out.equals_training": 3, "written.left_out.not_held_out": 0})
    assert "3 written queries are not asked: training has an equal anchor." in shown
    assert "held out" not in shown
