"""Known results are on the page; for unknown ones there is no sentence."""

from stages.lib.reporting.details import StageDetails
from stages.report.results import (
    harm_and_raw_queries,
    label_errors,
    separation_after_training,
    slice_parts,
)


def text(parts):
    return " ".join(str(part) for part in parts)


def test_harm_has_a_bound_and_is_called_harmless_if_shown(values):
    assert text(harm_and_raw_queries(StageDetails(values))) == ""
    values["evaluate"] |= {"out_of_domain.drop.mean": -0.009, "out_of_domain.drop.high": 0.0016}
    shown = text(
        harm_and_raw_queries(
            StageDetails(
                {**values, "evaluate": {**values["evaluate"], "out_of_domain.harmless": True}}
            )
        )
    )
    assert "changes by +0.009. It drops by 0.002 at most (95 %). This is harmless." in shown
    values["evaluate"]["out_of_domain.harmless"] = False
    assert "This may be harm." in text(harm_and_raw_queries(StageDetails(values)))
    values["evaluate"]["out_of_domain.drop.high"] = -0.0031
    assert "It rises by 0.003 at least (95 %)." in text(harm_and_raw_queries(StageDetails(values)))


def test_raw_queries_are_shown_with_their_change(values):
    key = "validation.raw_queries"
    values["evaluate"] |= {f"{key}.finetuned.ndcg_at_10": 0.5646, f"{key}.change.mean": -0.0021}
    assert "nDCG@10 0.565 (-0.002)" in text(harm_and_raw_queries(StageDetails(values)))


def test_separation_is_a_row_for_each_panel_that_was_measured(values):
    assert "Nothing was measured" in text(separation_after_training(StageDetails(values)))
    for panel in ("dense", "remined"):
        for when, area in (("before", 0.49), ("after", 0.6)):
            values["evaluate"] |= {
                f"separation.{panel}.{when}.{key}": area for key in ("roc_auc", "standardised_gap")
            }
    shown = text(separation_after_training(StageDetails(values)))
    assert shown.count("<tr") == 3  # the head and two panels
    assert "dense-hard, by the new model" in shown and "BM25" not in shown


def test_every_slice_is_a_row_and_relations_are_slice_parts(slices):
    shown = text(slice_parts(slices))
    assert shown.count("<tr") == 2 + len(
        slices
    )  # two heads: small slices have a table of their own, folded away
    large, small = shown.split("<details>")
    assert "-0.100 (-0.150 to -0.050)" in large and "uk" not in large.split("<table>")[1]
    assert "Smaller slices: 1" in small and "uk" in small and "(" not in small.split("<tbody>")[1]
    assert "lay 0.600 to 0.500; exact 0.600 to 0.650" in shown
    assert "Fewer than 50 components" in small and "nan" not in shown.lower()
    measures = text(slice_parts(slices[slices["kind"] == "measure"]))
    assert "<svg" not in measures and measures.count("<tr") == 2


def test_label_errors_are_shown_once_a_person_labelled_some(values):
    assert "python -m stages review" in label_errors(StageDetails(values))
    judged = {"judged": 50, "rate": 0.3, "low": 0.19, "high": 0.44}
    values["evaluate"] |= {f"label_error.{key}": value for key, value in judged.items()}
    sentence = label_errors(StageDetails(values))
    assert (
        sentence.startswith("A person read 50 first hits")
        and "found 30% of them relevant (95 % interval 19% to 44%)" in sentence
    )
