"""What the final rows show, and what earlier stages counted: nothing unknown becomes 0."""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.analysis.probe import TrainingVectors
from stages.lib.reporting.details import StageDetails, read_details
from stages.validate.row_quality import UPSTREAM_KEYS, check_rows, upstream_counts

NAMES = [f"p{at:016x}" for at in range(40)]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def build(count=40):
    """Return rows whose anchors lie near their positives, each with a negative that lies away from both."""
    random = np.random.default_rng(4)
    positives = unit(random.normal(size=(count, 64)))
    anchors = unit(positives + 0.1 * random.normal(size=(count, 64)))
    negatives = unit(random.normal(size=(count, 64)))
    components = np.array(NAMES[:count])
    triplets = pd.DataFrame(
        {
            "pair_id": components,
            "anchor": [f"question {at}" for at in range(count)],
            "positive": [f"answer {at}" for at in range(count)],
            "negative_miners": [["bm25+dense"]] * count,
        }
    )
    return triplets, TrainingVectors(
        anchors, positives, components, components, negatives, np.arange(count), components[::-1]
    )


def test_healthy_rows():
    quality = check_rows(*build(), leaked=[])
    assert quality.training_auc > 0.99
    assert quality.hidden_positives_share == 0.0
    assert quality.duplicates_share == 0.0
    suspects = quality.suspects
    assert suspects.hidden_positives == suspects.duplicates == suspects.leaked == []


def test_mispaired_rows_show_and_come_first():
    triplets, rows = build()
    positives = rows.positives.copy()
    positives[:8] = rows.positives[[1, 2, 3, 4, 5, 6, 7, 0]]
    quality = check_rows(triplets, rows._replace(positives=positives), leaked=[])
    assert quality.training_auc < 0.93
    assert set(quality.suspects.far_apart[:8]) == set(NAMES[:8])


def test_a_negative_above_or_like_its_positive_is_hidden():
    triplets, rows = build()
    negatives = rows.negatives.copy()
    negatives[3] = rows.anchors[3]  # nearer to the anchor than anything
    negatives[5] = unit(rows.positives[5] + 0.01)  # as good as the positive
    quality = check_rows(triplets, rows._replace(negatives=negatives), leaked=[])
    assert quality.hidden_positives_share == 2 / 40
    assert quality.suspects.hidden_positives == [NAMES[3], NAMES[5]]


def test_labelled_negatives_are_judged_apart():
    """Half of the negatives are labelled and closer than the positive: no hidden positive is seen."""
    triplets, rows = build()
    triplets["negative_miners"] = [["labelled"]] * 20 + [["dense"]] * 20
    negatives = rows.negatives.copy()
    negatives[:20] = rows.anchors[:20]
    negatives[30] = rows.anchors[30]
    quality = check_rows(triplets, rows._replace(negatives=negatives), leaked=[])
    assert quality.hidden_positives_share == 1 / 20
    assert quality.suspects.hidden_positives == [NAMES[30]]
    assert quality.labelled_closer_share == 1.0


def test_a_labelled_negative_that_says_what_the_positive_says_is_named():
    triplets, rows = build()
    triplets["negative_miners"] = [["bm25+labelled"]] * 10 + [["dense"]] * 30
    negatives = rows.negatives.copy()
    negatives[4] = unit(rows.positives[4] + 0.01)
    quality = check_rows(triplets, rows._replace(negatives=negatives), leaked=[])
    assert quality.labelled_positives_share == 1 / 10
    assert quality.suspects.labelled_positives == [NAMES[4]]
    assert quality.hidden_positives_share == 0.0


def test_a_row_with_both_kinds_of_negatives_counts_each_by_itself():
    triplets, rows = build(3)
    triplets["negative_miners"] = [["labelled", "dense"], [], ["dense"]]
    triplets = triplets.assign(negative_ids=[["a", "b"], [], ["c"]])
    both = rows._replace(
        negatives=np.stack([rows.anchors[0], rows.anchors[0], rows.negatives[2]]),
        owners=np.array([0, 0, 2]),
    )
    quality = check_rows(triplets, both, leaked=[])
    assert quality.hidden_positives_share == 1 / 2
    assert quality.labelled_closer_share == 1.0


def test_rows_that_say_the_same_are_duplicates():
    triplets, rows = build()
    triplets.loc[7, ["anchor", "positive"]] = ["Question  2!", "ANSWER 2"]
    triplets.loc[8, "anchor"] = "question 2"  # another answer
    quality = check_rows(triplets, rows, leaked=["p1"])
    assert quality.duplicates_share == 1 / 40
    assert (quality.suspects.duplicates, quality.suspects.leaked) == ([NAMES[7]], ["p1"])
    assert quality.metrics()["leaked_rows"] == 1


def test_without_negatives_or_others_there_is_no_share():
    triplets, rows = build(1)
    triplets["negative_miners"] = [[]]
    alone = rows._replace(
        negatives=rows.negatives[:0], owners=rows.owners[:0], negative_components=np.array([], str)
    )
    quality = check_rows(triplets, alone, leaked=[])
    assert quality.metrics() == {
        "leaked_rows": 0,
        "separation.training.roc_auc": None,
        "negatives.hidden_positives_share": None,
        "negatives.labelled_positives_share": None,
        "negatives.labelled_closer_share": None,
        "rows.duplicates_share": 0.0,
    }


COUNTED = {
    "split": {
        "dropped.not_sampled": 12,
        "held_out_of_requested": 0.2,
        "never_held_out_share": 0.8,
        "giants.other_unit": "anchor",
    },
    "clean": {
        "private.email": 2,
        "private.phone": 3,
        "edits.private_data": 0,
        "out_of_domain.private.email": 9,
    },
    "pair": {"rows_out": 10, "anchor_in_positive_share": 0.1, "no_common_word_share": 0.2},
    "mine": {
        "refused.margin": 5,
        "false_negatives.review.low": 0.01,
        "false_negatives.review.high": 0.09,
    },
    "tokenize": {"truncated_share": 0.03},
}


def test_counts_of_earlier_stages():
    assert upstream_counts(StageDetails(COUNTED)) == {
        "pair.rows_out": 10,
        "pair.anchor_in_positive_share": 0.1,
        "pair.no_common_word_share": 0.2,
        "pair.balance.after.document.largest_share": None,
        "split.dropped.not_sampled": 12,
        "mine.refused.margin": 5,
        "mine.refused.cross_encoder": None,
        "mine.near_positives.count": None,
        "split.held_out_of_requested": 0.2,
        "split.never_held_out_share": 0.8,
        "split.giants.other_unit": "anchor",
        "tokenize.truncated_share": 0.03,
        "tokenize.max_tokens": None,
        "tokenize.model_max_tokens": None,
        "mine.false_negatives.review.low": 0.01,
        "mine.false_negatives.review.high": 0.09,
        "clean.private_left": 5,
    }


def test_only_a_sample_leaves_rows_outside_it():
    sampled = {**COUNTED, "split": {**COUNTED["split"], "dropped.not_in_sample": 30}}
    assert upstream_counts(StageDetails(sampled))["split.dropped.not_in_sample"] == 30


def test_the_upstream_keys_are_those_that_stages_write():
    # A metric that is renamed there would only be "not measured" here.
    for stage, key in UPSTREAM_KEYS:
        assert key in read_details(Path(f"metrics/details/{stage}.json")), f"{stage}.{key}"


def test_replaced_private_data_is_0_and_uncounted_is_none():
    replaced = {**COUNTED, "clean": {"private.email": 2, "edits.private_data": 2}}
    assert upstream_counts(StageDetails(replaced))["clean.private_left"] == 0
    assert upstream_counts(StageDetails({**COUNTED, "clean": {}}))["clean.private_left"] is None
