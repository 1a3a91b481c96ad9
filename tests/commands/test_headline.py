import json

import pytest
from typer.testing import CliRunner

from stages.commands.headline import AT_ZERO, app, tell

NOTHING_BROKEN = {stage: dict.fromkeys(names, 0) for stage, names in AT_ZERO.items()}
MEASURED = {
    "corpus_documents": 16449,
    "test.bm25.ndcg_at_10": 0.3,
    "test.base.ndcg_at_10": 0.47,
    "test.finetuned.ndcg_at_10": 0.55,
    "test.gain.over_base.ndcg_at_10.mean": 0.08,
    "test.gain.over_base.ndcg_at_10.low": 0.06,
    "test.gain.over_base.ndcg_at_10.high": 0.1,
}


def test_each_split_is_a_line_with_its_systems_and_its_gain():
    lines = tell({**NOTHING_BROKEN, "evaluate": MEASURED})
    assert lines[0] == "nDCG@10 over 16,449 documents"
    assert lines[2] == "  test           0.300  0.470        0.550   +0.080 (+0.060 to +0.100)"


def test_a_gain_without_an_interval_is_not_told():
    measured = {key: value for key, value in MEASURED.items() if not key.endswith(".low")}
    assert (
        tell({**NOTHING_BROKEN, "evaluate": measured})[2]
        == "  test           0.300  0.470        0.550"
    )


@pytest.mark.parametrize(
    ("harmless", "said"), [(True, "harmless"), (False, "not shown to be harmless")]
)
def test_harm_outside_the_domain_is_told_where_it_was_judged(harmless, said):
    outside = {key.replace("test.", "out_of_domain."): value for key, value in MEASURED.items()}
    lines = tell({**NOTHING_BROKEN, "evaluate": {**outside, "out_of_domain.harmless": harmless}})
    assert lines[2].endswith(f"(+0.060 to +0.100)   {said}")
    assert "harmless" not in tell({**NOTHING_BROKEN, "evaluate": outside})[2]


def test_a_broken_promise_is_told_by_name():
    broken = {**NOTHING_BROKEN, "split": {"leaked_components": 0, "leaked_texts": 3}}
    assert "BROKEN: split.leaked_texts = 3" in tell({**broken, "evaluate": MEASURED})


def test_without_a_run_it_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "run 'make repro' first" in result.output


@pytest.mark.parametrize("stage", [*AT_ZERO, "evaluate"])
def test_it_reads_every_stage_that_it_tells_of(stage, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    (tmp_path / "metrics").mkdir()
    for name, values in {**NOTHING_BROKEN, "evaluate": MEASURED}.items():
        (tmp_path / "metrics" / f"{name}.json").write_text(json.dumps(values), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app).exit_code == 0
    (tmp_path / "metrics" / f"{stage}.json").unlink()
    assert f"{stage}.json" in CliRunner().invoke(app).output
