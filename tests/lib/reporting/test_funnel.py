"""The funnel counts every drop once, in the right place, and says so in one line."""

from pathlib import Path

from stages.lib.reporting.details import read_details
from stages.lib.reporting.funnel import FUNNEL_STAGES, funnel

DETAILS = {
    "collect": {"rows_in": 100, "dropped.empty_text": 3, "dropped.obsolete": 0, "rejected": 3},
    "clean": {
        "dropped.too_long": 2,
        "pairs.dropped.too_long": 1,
        "out_of_domain.dropped.too_long": 9,
        "out_of_domain.pairs.dropped.too_long": 9,
    },
    "deduplicate": {"dropped.exact_copy": 4, "pairs.dropped.duplicate_pair": 5},
    "pair": {"dropped.ambiguous_anchor": 6, "dropped.over_topic_cap": 7},
    "split": {"dropped.not_sampled": 8, "dropped.protected": 1},
    "augment": {"dropped.held_out": 2, "dropped.over_share": 3},
    "tokenize": {"rows_out": 61},
}


def test_every_drop_is_counted_in_one_place():
    counted = funnel(DETAILS)
    assert counted.rejected == {"empty_text": 3, "too_long": 3}
    assert counted.copies == {"exact_copy": 4, "duplicate_pair": 5}
    assert counted.sampled_out == {"over_topic_cap": 7, "not_sampled": 8, "over_share": 3}
    assert counted.refused == {"ambiguous_anchor": 6, "protected": 1, "held_out": 2}


def test_the_line_names_the_most_frequent_reasons():
    assert funnel(DETAILS).line == (
        "100 records in; 6 rejected (3 empty text, 3 too long); "
        "9 copies (5 duplicate pair, 4 exact copy); "
        "18 sampled out (8 not sampled, 7 over topic cap, 3 over share); "
        "9 refused (6 ambiguous anchor, 2 held out, 1 protected); 61 training rows"
    )


def test_labelled_negatives_are_used_and_not_refused():
    pair = {"dropped.dissimilar": 1_200, "dropped.ambiguous_anchor": 2}
    counted = funnel({"collect": {"rows_in": 2_000}, "pair": pair, "tokenize": {"rows_out": 798}})
    assert counted.refused == {"ambiguous_anchor": 2}
    assert counted.line.endswith(
        "2 refused (ambiguous anchor); 1,200 labelled as no answer; 798 training rows"
    )


def test_many_reasons_are_summed_up():
    collect = {"rows_in": 10, **{f"dropped.reason_{number}": number for number in range(1, 6)}}
    line = funnel({"collect": collect}).line
    assert "15 rejected (5 reason 5, 4 reason 4, 3 reason 3, 3 others)" in line
    assert "training rows" not in line


def test_the_stages_write_what_the_funnel_reads():
    details = {
        stage: read_details(Path(f"metrics/details/{stage}.json")) for stage in FUNNEL_STAGES
    }
    counted = funnel(details)
    assert counted.rows_in == details["collect"]["rows_in"]
    assert sum(counted.sampled_out.values()) >= details["split"]["dropped.not_sampled"]
    assert counted.training_rows == details["tokenize"]["rows_out"]


def test_a_large_share_of_rejected_rows_is_stated():
    collect = {"rows_in": 1371, "rejected": 1060, "dropped.bad_score": 1060}
    assert funnel({"collect": collect}).line.startswith(
        "1,371 records in; 1,060 rejected, 77 % of the rows of collect (bad score); "
    )
    clean = {"rows_in": 10, "dropped.language": 6, "pairs.rows_in": 10}
    assert "6 rejected, 60 % of the rows of clean (language)" in (
        funnel({"collect": {"rows_in": 100, "rejected": 0}, "clean": clean}).line
    )
