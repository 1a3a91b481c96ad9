"""`python -m stages baselines`: models are ranked on the queries of this data, with intervals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stages.commands.baselines import (
    Prompts,
    RankedSystem,
    app,
    compare_with_best,
    is_static,
    own_prompts,
    report,
    show,
    system_figures,
)
from stages.lib.core.model_files import find_base_model
from tests.evaluate.inputs import BASE, lay_out
from tests.evaluate.test_evaluate import static_model

COMPONENTS = np.array([f"c{index}" for index in range(60)])


def system(name, score, **facts):
    # Every tenth query fails.
    scores = np.where(np.arange(60) % 10 == 0, 0.0, score)
    return RankedSystem(name, scores, **facts)


def test_systems_come_from_best_to_worst_each_against_the_best():
    rows = compare_with_best(
        [system("BM25", 0.2), system("a", 0.5), system("b", 0.9)], COMPONENTS, seed=1, weight=10
    )
    assert [row[0].name for row in rows] == ["b", "a", "BM25"]
    best, second, third = rows
    assert best[1:] == (None, None)
    assert second[1].mean == pytest.approx(-0.36)  # 54 of 60 queries differ by 0.4
    assert third[1].mean == pytest.approx(-0.63)
    assert second[1].effect.low < -0.36 < second[1].effect.high


def test_equal_systems_are_no_evidence_and_few_components_no_verdict():
    equal = [system("a", 0.5), system("b", 0.5)]
    rows = compare_with_best(equal, COMPONENTS, seed=1, weight=10)
    assert "no evidence" in report(rows, COMPONENTS, weight=10)
    one = np.array(["c"] * 60)
    rows = compare_with_best(equal, one, seed=1, weight=10)
    assert "too few components" in report(rows, one, weight=10)


def test_the_table_names_speed_and_size():
    facts = {"dimension": 384, "max_tokens": 256, "megabytes": 90.9, "passages_per_second": 1234.5}
    rows = compare_with_best(
        [system("BM25", 0.2), system("mini", 0.5, **facts)], COMPONENTS, seed=1, weight=10
    )
    lines = report(rows, COMPONENTS, weight=10).splitlines()
    assert lines[2] == "| mini | 0.4500 |  |  | best | 384 | 256 | 91 | 1,234 |"
    assert lines[3].startswith("| BM25 | 0.1800 | -0.2700 (")


def test_a_table_in_a_pipe_keeps_long_names_whole(capsys):
    name = "models/" + "a-long-name-of-a-model-" * 5
    rows = compare_with_best(
        [system("BM25", 0.2), system(name, 0.5)], COMPONENTS, seed=1, weight=10
    )
    show(report(rows, COMPONENTS, weight=10))
    assert f"| {name} | 0.4500 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "prompts"),
    [
        (None, Prompts("", "")),
        ({}, Prompts("", "")),
        ({"prompts": None}, Prompts("", "")),
        ({"prompts": {"query": "", "document": ""}}, Prompts("", "")),
        (
            {"prompts": {"query": "query: ", "passage": "passage: "}},
            Prompts("query: ", "passage: "),
        ),
        ({"prompts": {"query": "Q: ", "document": "D: "}}, Prompts("Q: ", "D: ")),
        ({"prompts": {"query": "Q: ", "document": "", "corpus": "C: "}}, Prompts("Q: ", "C: ")),
    ],
)
def test_a_model_brings_its_own_prompts(tmp_path, settings, prompts):
    if settings is not None:
        file = tmp_path / "config_sentence_transformers.json"
        file.write_text(json.dumps(settings))
    assert own_prompts(tmp_path) == prompts


@pytest.mark.slow
def test_models_are_ranked_without_training(project, tmp_path):
    lay_out(out_of_domain=False)
    static_model(tmp_path / "static")
    assert is_static(tmp_path / "static")
    assert not is_static(find_base_model(BASE))

    # The same model with a prompt that makes all queries alike.
    prompted = tmp_path / "prompted"
    shutil.copytree(find_base_model(BASE), prompted)
    file = prompted / "config_sentence_transformers.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps({**settings, "prompts": {"query": "phlegm cough " * 50}}))

    arguments = [BASE.base, str(tmp_path / "static"), str(prompted)]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "2 validation queries in 2 components, 4 documents" in result.output
    (line,) = [line for line in result.output.splitlines() if BASE.base in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:-1] == ["1.0000", "", "", "best", "384", "256", "91"]
    (line,) = [line for line in result.output.splitlines() if "prompted" in line]
    assert float(line.split("|")[2]) < 1.0
    assert "BM25" in result.output


def test_a_model_that_is_nowhere_is_named(project):
    result = CliRunner().invoke(app, ["no/such-model"])
    assert result.exit_code == 1
    assert "the argument MODEL 'no/such-model' is no folder" in result.output


def test_without_validation_queries_the_remedy_is_named(project):
    from stages.lib.core import tables
    from stages.lib.schemas.evaluation_set import Qrels, Queries

    lay_out(out_of_domain=False)
    tables.write(Queries.empty(), Path("data/split/validation/queries.parquet"), Queries)
    tables.write(Qrels.empty(), Path("data/split/validation/qrels.parquet"), Qrels)
    result = CliRunner().invoke(app, [BASE.base])
    assert result.exit_code == 1
    assert "pair.recipes" in result.output


def test_json_holds_the_rows_of_the_table():
    facts = {"dimension": 384, "max_tokens": 256, "megabytes": 90.9, "passages_per_second": 1234.5}
    rows = compare_with_best(
        [system("BM25", 0.2), system("mini", 0.5, **facts)], COMPONENTS, seed=1, weight=10
    )
    best, other = system_figures(rows, COMPONENTS, weight=10)
    assert best == {
        "name": "mini",
        "score": pytest.approx(0.45),
        "difference_to_best": None,
        "low": None,
        "high": None,
        "p_holm": None,
        "outcome": "best",
        **facts,
    }
    assert other["name"] == "BM25"
    assert other["difference_to_best"] == pytest.approx(-0.27)
    assert other["low"] < -0.27 < other["high"]
    assert other["outcome"] == "worse"
    assert other["dimension"] is None


@pytest.mark.slow
def test_json_counts_the_queries(project, tmp_path):
    lay_out(out_of_domain=False)
    static_model(tmp_path / "static")
    result = CliRunner().invoke(app, [str(tmp_path / "static"), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    counts = (figures["queries"], figures["components"], figures["documents"])
    assert counts == (2, 2, 4)
    assert {row["name"] for row in figures["systems"]} == {"BM25", str(tmp_path / "static")}
