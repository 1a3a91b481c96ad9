"""The headline shows gains with their intervals, every broken invariant, and no older run."""

import hashlib
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.commands.headline import INVARIANTS, app, headline_figures, headline_lines
from stages.commands.pipeline import order
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


def test_plain_means_stand_under_the_weighted_ones():
    plain = {
        "component_weight": 10,
        "test.plain.bm25.ndcg_at_10": 0.25,
        "test.plain.base.ndcg_at_10": 0.45,
        "test.plain.finetuned.ndcg_at_10": 0.57,
        "test.gain.over_base.ndcg_at_10.plain": 0.12,
    }
    lines = lines_of(evaluate={**EVALUATED, **plain})
    assert lines[2] == "  test           0.300  0.470        0.550   +0.080 (+0.060 to +0.100)"
    assert lines[3] == "    plain        0.250  0.450        0.570   +0.120"
    assert lines[4] == ("A component counts as at most 10 queries; plain: each query counts once.")
    # A version from before the weight has no plain means.
    assert not any("plain  " in line for line in lines_of())


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


def test_a_run_of_a_sample_says_so_first():
    lines = lines_of(
        evaluate={**EVALUATED, "sample": 0.02},
        split={**NOTHING_BROKEN["split"], "dropped.not_in_sample": 980, "sample": 0.02},
    )
    assert lines[0].startswith("This is a run of a sample (run.sample: 0.02): about 2 % of the")
    assert "; 980 sampled out (not in sample); " in "\n".join(lines)
    assert lines[1:3] == lines_of()[:2]


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


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """Enter a project with a whole run, and return its dvc.lock as a dictionary.

    Each stage reads what the stage before it wrote.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    Path("params.yaml").write_text("split:\n  train: 0.8\n  unit: component\nrun: {seed: 13}\n")
    stages = {}
    for index, name in enumerate(order()):
        details = {**NOTHING_BROKEN, "evaluate": EVALUATED}.get(name, {"rows_in": 1})
        write_details(name, details)
        path = f"metrics/details/{name}.json"
        details_hash = hashlib.md5(Path(path).read_bytes()).hexdigest()
        stages[name] = {
            "deps": [{"path": f"data/{index}.parquet", "md5": f"hash {index}"}],
            "params": {"params.yaml": {"run.seed": 13}},
            "outs": [
                {"path": f"data/{index + 1}.parquet", "md5": f"hash {index + 1}"},
                {"path": path, "md5": details_hash},
            ],
        }
    stages["split"]["params"]["params.yaml"]["split"] = {"train": 0.8, "unit": "component"}
    return stages


def headline(stages):
    with Path("dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": stages}, file)
    return CliRunner().invoke(app)


def test_the_run_at_hand_is_shown(locked):
    result = headline(locked)
    assert result.exit_code == 0, result.output
    assert "nDCG@10 over 16,449 documents" in result.output


@pytest.mark.parametrize("stage", ["collect", "split", "validate", "finetune"])
def test_a_run_that_stopped_halfway_shows_no_older_results(locked, stage):
    # The stage ran anew on other data, and the stage behind it did not run.
    locked[stage]["outs"][0]["md5"] = "another hash"
    result = headline(locked)
    follower = order()[order().index(stage) + 1]
    assert result.exit_code == 1
    assert "nDCG@10" not in result.output
    path = locked[stage]["outs"][0]["path"]
    assert (
        f"there is no run at hand: {follower} has not run since {stage} wrote {path}"
        in result.output
    )
    assert "run 'make repro'" in result.output


def test_the_page_behind_the_results_may_be_older(locked):
    locked["evaluate"]["outs"][0]["md5"] = "another hash"
    assert headline(locked).exit_code == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("split:\n  train: 0.7\n  unit: component\nrun: {seed: 13}\n", "split.train"),
        ("split:\n  train: 0.8\nrun: {seed: 13}\n", "split.unit"),
        (
            "split:\n  train: 0.8\n  unit: component\n  giants: cut\nrun: {seed: 13}\n",
            "split.giants",
        ),
        ("split:\n  train: 0.8\n  unit: component\nrun: {seed: 14}\n", "run.seed"),
    ],
)
def test_other_parameters_are_another_run(locked, text, named):
    Path("params.yaml").write_text(text, "utf-8")
    result = headline(locked)
    assert result.exit_code == 1
    assert f"params.yaml has other values than the last run: {named}\n" in result.output


def test_keys_that_no_stage_reads_change_no_run(locked):
    text = Path("params.yaml").read_text("utf-8")
    Path("params.yaml").write_text(text + "compare: {delta: 0.5}\n", "utf-8")
    assert headline(locked).exit_code == 0


def test_a_stage_that_never_ran_is_named(locked):
    del locked["finetune"]
    assert "there is no run at hand: finetune has not run" in headline(locked).output


def test_details_of_another_run_are_not_shown(locked):
    write_details("evaluate", {**EVALUATED, "corpus_documents": 7})
    result = headline(locked)
    assert result.exit_code == 1
    assert "metrics/details/evaluate.json is not what the last run wrote" in result.output


def test_json_holds_the_figures_of_the_lines(locked):
    evaluated = {**EVALUATED, "component_weight": 10, "test.plain.base.ndcg_at_10": 0.45}
    write_details("evaluate", evaluated)
    write_details("collect", {"rows_in": 90, "dropped.empty_text": 4})
    write_details("split", {"leaked_components": 0, "leaked_texts": 3})
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "broken": {"split.leaked_texts": 3},
        "component_weight": 10,
        "corpus_documents": 16449,
        "metric": "ndcg_at_10",
        "rows": {
            "copies": {},
            "large_rejection": "",
            "negatives": 0,
            "refused": {},
            "rejected": {"empty_text": 4},
            "rows_in": 90,
            "sampled_out": {},
            "training_rows": None,
        },
        "sample": None,
        "splits": {
            "test": {
                "gain_over_base": {"high": 0.1, "low": 0.06, "mean": 0.08},
                "harmless": None,
                "plain": {"base": 0.45, "bm25": None, "finetuned": None},
                "plain_gain_over_base": None,
                "systems": {"base": 0.47, "bm25": 0.3, "finetuned": 0.55},
            }
        },
    }


def test_json_gives_no_gain_without_its_interval():
    evaluated = {key: value for key, value in EVALUATED.items() if not key.endswith(".low")}
    figures = headline_figures({**NOTHING_BROKEN, "evaluate": evaluated, "collect": {}})
    assert figures["splits"]["test"]["gain_over_base"] is None


def test_json_without_a_run_prints_nothing(locked):
    locked["split"]["outs"][0]["md5"] = "another hash"
    with Path("dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": locked}, file)
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "there is no run at hand" in result.stderr
