import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.errors import UserError
from stages.lib.core.git_texts import label_id
from stages.lib.reporting.details import StageDetails
from stages.report.measurements import (
    RowCounts,
    ValidationTexts,
    read_plot,
    read_results,
    row_counts,
    with_label_names,
)


def test_every_table_of_a_stage_has_its_own_line(metrics):
    assert row_counts(metrics) == [
        RowCounts("collect", 100, 0, 3, 97, "\u22123 empty text"),
        RowCounts("clean", 10, 0, 1, 9, "\u22121 too short"),
        RowCounts("deduplicate", 3, 0, 0, 3, ""),
        RowCounts("deduplicate: pairs", 9, 0, 0, 9, ""),
        RowCounts("augment", 3, 2, 1, 4, "+2 glossary, \u22121 held out"),
    ]


def test_reasons_come_with_the_most_frequent_first():
    counts = row_counts(
        StageDetails(
            {"clean": {"rows_in": 6, "rows_out": 1, "dropped.b": 1, "dropped.a": 1, "dropped.c": 3}}
        )
    )
    assert counts[0].reasons == "\u22123 c, \u22121 a, \u22121 b"


def test_results_come_back_as_they_were_written(run, validation):
    results = read_results(Path("metrics/queries/validation.tsv"), "validation")
    assert results.equals(validation.astype(results.dtypes.to_dict()))


@given(st.floats(0, 1))
def test_floats_are_read_to_the_last_bit(value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "loss.tsv"
        pd.DataFrame({"step": [1], "loss": [value]}).to_csv(path, sep="\t", index=False)
        assert read_plot(path, (), ("step", "loss"))["loss"].tolist() == [value]


def test_the_page_shows_names_where_the_file_for_git_has_ids():
    texts = ValidationTexts(
        documents=pd.DataFrame({"topic": ["Refunds", ""]}),
        aliases=pd.DataFrame(),
        queries=pd.DataFrame({"relation": ["lay"]}),
        qrels=pd.DataFrame(),
        first_hits=pd.DataFrame(),
        hits=pd.DataFrame(),
        drops={},
    )
    slices = pd.DataFrame({"slice": [label_id("Refunds"), label_id("lay"), "(none)", "1 word"]})
    assert with_label_names(slices, texts)["slice"].tolist() == [
        "Refunds",
        "lay",
        "(none)",
        "1 word",
    ]


def test_results_of_another_split_are_refused(run):
    with pytest.raises(UserError, match="another split than test"):
        read_results(Path("metrics/queries/validation.tsv"), "test")


def test_results_that_break_the_contract_are_refused(run):
    path = Path("metrics/queries/test.tsv")
    path.write_text(path.read_text().replace("bm25", "bm52"))
    with pytest.raises(UserError, match="breaks the contract of QueryResults"):
        read_results(path, "test")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("step\n1\n", "no column 'loss'"),
        ("step\tloss\n1\tx\n", "something else than numbers in 'loss'"),
    ],
)
def test_broken_plots_are_refused(tmp_path, text, fact):
    path = tmp_path / "loss.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=fact):
        read_plot(path, (), ("step", "loss"))


def test_a_plot_without_rows_is_empty(tmp_path):
    path = tmp_path / "loss.tsv"
    path.write_text("step\tloss\n")
    assert read_plot(path, (), ("step", "loss")).empty
