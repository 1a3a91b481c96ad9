"""The stage refuses data that failed validation, with an error of at most ten lines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.finetune.__main__ import app, check_verdict
from stages.lib.core.errors import UserError
from tests.finetune.cases import ranking_tokens, write_tokens

ROOT = Path(__file__).parents[2]


def verdict(folder, passed):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "verdict.json"
    path.write_text(json.dumps({"passed": passed}))
    return path


@pytest.mark.parametrize("force", [False, True])
def test_good_data_is_trained_on(tmp_path, force):
    assert check_verdict(verdict(tmp_path, True), force) is True


def test_bad_data_is_refused_and_the_page_is_named(tmp_path):
    with pytest.raises(
        UserError,
        match=r"failed validation(.|\n)*data/validate/index.html(.|\n)*finetune.force: true",
    ):
        check_verdict(verdict(tmp_path, False), force=False)


def test_bad_data_that_is_forced_has_not_passed(tmp_path):
    assert check_verdict(verdict(tmp_path, False), force=True) is False


@pytest.mark.parametrize("passed", [1, "true", "yes"])
def test_only_true_is_a_pass(tmp_path, passed):
    with pytest.raises(UserError):
        check_verdict(verdict(tmp_path, passed), force=False)


@pytest.mark.parametrize("force", [False, True])
def test_without_a_verdict_nothing_is_trained_not_even_by_force(tmp_path, force):
    with pytest.raises(
        UserError, match=r"verdict\.json does not exist\n  remedy: run 'dvc repro validate' first"
    ):
        check_verdict(tmp_path / "verdict.json", force)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("epochs: 1", "epochs: 0", "finetune.epochs = '0'"),
        ("batch_size: 32", "batch_size: 1", "finetune.batch_size = '1'"),
        ("learning_rate: 5.0e-5", "learning_rate: 0.5", "finetune.learning_rate = '0.5'"),
        ("temperature: 0.05", "temperature: 0.0", "finetune.temperature = '0.0'"),
        ("force: false", "force: maybe", "finetune.force = 'maybe'"),
        ("warmup: 0.1", "warm_up: 0.1", "unknown key finetune.warm_up"),
        ("threads: 2", "threads: 0", "run.threads = '0'"),
    ],
)
def test_a_bad_parameter_is_named_and_leaves_nothing(project, old, new, key):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace(f"  {old}\n", f"  {new}\n"))
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"params.yaml: {key}" in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


def test_refused_data_leaves_no_model_and_no_log(project):
    write_tokens(ranking_tokens())
    verdict(Path("data/validate"), False)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: data/validate/verdict.json: the data failed validation")
    assert sorted(path.name for path in project.iterdir()) == [
        "data",
        "params.yaml",
        "pyproject.toml",
    ]
    assert sorted(path.name for path in Path("data").iterdir()) == ["tokenize", "validate"]


def test_missing_tokens_are_an_error_with_a_remedy(project):
    verdict(Path("data/validate"), True)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert (
        "data/tokenize/tokens.parquet does not exist\n  remedy: run 'dvc repro tokenize' first"
        in result.stderr
    )
    assert [path.name for path in Path("data").iterdir()] == ["validate"]


def test_a_broken_verdict_is_an_error_with_a_remedy(tmp_path):
    for broken in ("<<<<<<< HEAD\n", "[]", '{"queries": 3}'):
        path = tmp_path / "verdict.json"
        path.write_text(broken, "utf-8")
        with pytest.raises(UserError, match="is not the result of a run"):
            check_verdict(path, force=True)
