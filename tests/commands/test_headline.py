"""The headline shows gains with their intervals, and every broken invariant."""

import pytest
from typer.testing import CliRunner

from stages.commands.headline import INVARIANTS, app, headline_lines
from stages.lib.reporting.funnel import FUNNEL_STAGES
from tests.commands.results import write_details

NOTHING_BROKEN = {
    **{stage: {} for stage in FUNNEL_STAGES},
    **{stage: dict.fromkeys(keys, 0) for stage, keys in INVARIANTS.items()},
}
EVALUATED = {
    "corpus_documents": 16449,
    "test.bm25.ndcg_at_10": 0.3,
    "test.base.ndcg_at_10": 0.47,
    "test.finetuned.ndcg_at_10": 0.55,
    "test.gain.over_base.ndcg_at_10.mean": 0.08,
    "test.gain.over_base.ndcg_at_10.low": 0.06,
    "test.gain.over_base.ndcg_at_10.high": 0.1,
}


def lines_of(**details):
    return headline_lines({**NOTHING_BROKEN, "evaluate": EVALUATED, **details})


def test_each_split_is_a_line_with_its_systems_and_its_gain():
    lines = lines_of()
    assert lines[0] == "nDCG@10 over 16,449 documents"
    assert lines[2] == "  test           0.300  0.470        0.550   +0.080 (+0.060 to +0.100)"


def test_a_gain_without_an_interval_is_not_shown():
    evaluated = {key: value for key, value in EVALUATED.items() if not key.endswith(".low")}
    assert lines_of(evaluate=evaluated)[2] == "  test           0.300  0.470        0.550"


@pytest.mark.parametrize(
    ("harmless", "words"), [(True, "harmless"), (False, "not shown to be harmless")]
)
def test_harm_outside_the_domain_is_shown_where_it_is_known(harmless, words):
    outside = {key.replace("test.", "out_of_domain."): value for key, value in EVALUATED.items()}
    line = lines_of(evaluate={**outside, "out_of_domain.harmless": harmless})[2]
    assert line.endswith(f"(+0.060 to +0.100)   {words}")
    assert "harmless" not in lines_of(evaluate=outside)[2]


def test_what_was_left_out_is_shown():
    lines = lines_of(
        collect={"rows_in": 90, "dropped.empty_text": 4},
        split={**NOTHING_BROKEN["split"], "dropped.not_sampled": 30},
        augment={"dropped.held_out": 2},
        tokenize={"rows_out": 50},
    )
    assert (
        "Rows: 90 records in; 4 rejected (empty text); 0 copies; 30 sampled out (not sampled); "
        "2 refused (held out); 50 training rows"
    ) in lines


def test_a_broken_invariant_is_shown_by_name():
    broken = {"leaked_components": 0, "leaked_texts": 3}
    assert "BROKEN: split.leaked_texts = 3" in lines_of(split=broken)


def test_without_a_run_it_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "run 'make repro' first" in result.output


@pytest.mark.parametrize("stage", [*NOTHING_BROKEN, "evaluate"])
def test_it_reads_the_details_of_every_stage_it_shows(stage, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, details in {**NOTHING_BROKEN, "evaluate": EVALUATED}.items():
        write_details(name, details)
    result = CliRunner().invoke(app)
    assert result.exit_code == 0, result.output
    (tmp_path / "metrics/details" / f"{stage}.json").unlink()
    assert f"{stage}.json" in CliRunner().invoke(app).output


def test_nested_details_are_read(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, details in {**NOTHING_BROKEN, "evaluate": EVALUATED}.items():
        write_details(name, details)
    write_details("finetune", {"conflicts": {"planned": 2}})
    assert "BROKEN: finetune.conflicts.planned = 2" in CliRunner().invoke(app).output
