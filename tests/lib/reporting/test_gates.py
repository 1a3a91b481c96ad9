"""The advice behind a gate names a parameter only where it would help in this run."""

import pytest

from stages.lib.reporting.gates import GATES, fewer_false_negatives, gate_advice, more_pairs
from stages.validate.gates import RULES


def test_every_gate_has_its_text_in_the_order_of_the_rules():
    assert list(GATES) == [rule.name for rule in RULES]


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        ({"mine.refused.margin": 1}, "Raise `mine.relative_margin`."),
        ({"mine.refused.margin": 1, "mine.refused.cross_encoder": 1}, "Raise `mine.relative_"),
        (
            {"mine.refused.cross_encoder": 1},
            "Raise `mine.relative_margin`, by which the cross-encoder excludes negatives.",
        ),
        ({}, "No margin excluded a negative: set `mine.relative_margin`."),
        ({"mine.refused.margin": 0, "mine.refused.cross_encoder": None}, "No margin excluded"),
    ],
)
def test_fewer_false_negatives_come_from_the_margin_that_is_at_work(facts, advice):
    assert fewer_false_negatives(facts).startswith(advice)
    if advice.endswith("."):
        assert fewer_false_negatives(facts) == advice


def test_more_pairs_come_from_the_sample_where_it_left_pairs_out():
    assert more_pairs({"split.dropped.not_sampled": 1234}) == (
        "`split.max_train_pairs` left out 1,234 pairs: raise it. "
        "Further pairs come from `collect.sources`."
    )


def test_in_a_run_of_a_sample_the_other_rows_come_first():
    facts = {"split.dropped.not_sampled": 7, "split.dropped.not_in_sample": 1234}
    assert more_pairs(facts) == (
        "`run.sample` leaves out 1,234 pairs: judge this by a run of all rows."
    )


@pytest.mark.parametrize(
    ("name", "metric", "facts", "part"),
    [
        ("unrepresentative", "", {}, "Lower `split.train`"),
        ("unrepresentative", "", {"split.never_held_out_share": 0.5}, "Lower `split.train`"),
        ("unrepresentative", "", {"split.giants.other_unit": "anchor"}, "Lower `split.train`"),
        (
            "unrepresentative",
            "",
            {"split.never_held_out_share": 0.5, "split.giants.other_unit": "anchor"},
            "or set `split.unit` to anchor.",
        ),
        ("probe_harm", "", {}, "No hard negative looks like a positive"),
        ("probe_harm", "", {"negatives.hidden_positives_share": 0.25}, "25.0% of the hard neg"),
        ("hidden_positives", "", {"mine.near_positives.count": 1}, "`mine.near_positives: refuse`"),
        ("false_negatives", "mine.false_negatives.structure.low", {}, "`mine.exclude_relatives`"),
        ("false_negatives", "mine.false_negatives.review.low", {}, "set `mine.relative_margin`"),
        ("truncation", "", {}, "Raise `tokenize.max_tokens`, or"),
        (
            "truncation",
            "",
            {"tokenize.model_max_tokens": 256, "tokenize.max_tokens": 256},
            "reads no more than 256 tokens",
        ),
        (
            "truncation",
            "",
            {"tokenize.model_max_tokens": 256, "tokenize.max_tokens": 255},
            "Raise `tokenize.max_tokens`, or",
        ),
        ("easy_anchors", "", {"facts.titles_in_documents": True}, "Take the title out"),
        ("easy_anchors", "", {"facts.titles_in_documents": False}, "Look at `pair.recipes`"),
        ("unbalanced", "", {"labels.documents": 3}, "The documents are labels"),
        ("unbalanced", "", {"labels.documents": 0}, "The model would learn that document"),
        ("too_few_queries", "", {"folds": 5}, "are ranked already"),
        ("too_few_queries", "", {"folds": 1}, "Raise `split.validation`"),
    ],
)
def test_advice_follows_from_the_facts(name, metric, facts, part):
    assert part in gate_advice(name, metric, facts)


def test_without_near_positives_no_rule_for_them_is_advised():
    assert "near_positives" not in gate_advice("hidden_positives", "", {})
