"""What is read out of the results stands on the page where it is known, and nothing is said where it is not."""

from stages.lib.measured import Metrics
from stages.report.reading import beside, label_errors, separated
from stages.report.reading import slices as drawn


def text(parts):
    return " ".join(str(part) for part in parts)


def test_harm_is_told_with_its_bound_and_called_harmless_only_where_that_was_shown(values):
    assert text(beside(Metrics(values))) == ""
    values["evaluate"] |= {"out_of_domain.drop.mean": -0.009, "out_of_domain.drop.high": 0.0016}
    shown = text(
        beside(
            Metrics({**values, "evaluate": {**values["evaluate"], "out_of_domain.harmless": True}})
        )
    )
    assert "changes by +0.009, and drops by 0.002 at most (95 %): harmless." in shown
    values["evaluate"]["out_of_domain.harmless"] = False
    assert "that it does no harm is not shown" in text(beside(Metrics(values)))


def test_raw_queries_are_told_with_their_change(values):
    key = "validation.raw_queries"
    values["evaluate"] |= {f"{key}.finetuned.ndcg_at_10": 0.5646, f"{key}.change.mean": -0.0021}
    assert "validation queries score 0.565 (-0.002)" in text(beside(Metrics(values)))


def test_separation_is_a_row_for_each_panel_that_was_measured(values):
    assert "Nothing was measured" in text(separated(Metrics(values)))
    for panel in ("dense", "remined"):
        for when, area in (("before", 0.49), ("after", 0.6)):
            values["evaluate"] |= {
                f"separation.{panel}.{when}.{key}": area for key in ("roc_auc", "standardised_gap")
            }
    shown = text(separated(Metrics(values)))
    assert shown.count("<tr") == 3  # the head and two panels
    assert "dense-hard, by the new model" in shown and "BM25" not in shown


def test_every_slice_is_a_row_and_relations_are_drawn(slices):
    shown = text(drawn(slices))
    assert shown.count("<tr") == 2 + len(
        slices
    )  # two heads: small slices have a table of their own, folded away
    judged, small = shown.split("<details>")
    assert "-0.100 (-0.150 to -0.050)" in judged and "uk" not in judged.split("<table>")[1]
    assert "Smaller slices: 1" in small and "uk" in small and "(" not in small.split("<tbody>")[1]
    assert "lay 0.600 to 0.500; exact 0.600 to 0.650" in shown
    assert "Fewer than 50 components" in small and "nan" not in shown.lower()
    measures = text(drawn(slices[slices["kind"] == "measure"]))
    assert "<svg" not in measures and measures.count("<tr") == 2


def test_label_errors_are_told_once_people_have_judged(values):
    assert "python -m stages review" in label_errors(Metrics(values))
    judged = {"judged": 50, "rate": 0.3, "low": 0.19, "high": 0.44}
    values["evaluate"] |= {f"label_error.{key}": value for key, value in judged.items()}
    told = label_errors(Metrics(values))
    assert (
        told.startswith("Of 50 first hits") and "30% to be one (95 % interval 19% to 44%)" in told
    )
