"""The pipeline as its users run it: from a CSV to metrics, again, with other seeds, wrongly, as an experiment."""

import hashlib
import random
import re
import shutil
import subprocess
import sys

import pytest

from stages.commands.headline import INVARIANTS
from stages.commands.pipeline import read_pipeline
from stages.lib.reporting.details import read_details
from tests.conftest import ROOT, faq_rows, write_csv

MODEL_FREE = ("collect", "clean", "deduplicate", "pair", "split", "augment")
pytestmark = pytest.mark.slow


def outputs(project, *stages):
    """Return the hash of every file that `stages` write."""
    names = [path for stage in stages for path in read_pipeline(project / "dvc.yaml")[stage].outs]
    assert names
    return {name: hashlib.sha256((project / name).read_bytes()).hexdigest() for name in names}


def metrics(project, stage):
    return read_details(project / "metrics/details" / f"{stage}.json")


@pytest.fixture
def copy(tiny_project, tmp_path):
    return shutil.copytree(tiny_project, tmp_path / "copy")


def test_a_csv_runs_to_metrics_through_the_section_collect_alone(tiny_project):
    details = (tiny_project / "metrics/details").glob("*.json")
    assert {path.stem for path in details} == set(read_pipeline())
    files = {path.name for path in (tiny_project / "metrics").glob("*.json")}
    assert files == {f"{stage}.json" for stage in ("pair", "split", "mine", "validate", "evaluate")}
    assert metrics(tiny_project, "collect")["documents"] == 204
    assert metrics(tiny_project, "clean")["edits.markup"] >= 1
    assert metrics(tiny_project, "clean")["edits.abbreviation"] == 1
    assert metrics(tiny_project, "deduplicate")["dropped.exact_copy"] == 4
    assert metrics(tiny_project, "deduplicate")["pairs.dropped.duplicate_pair"] == 4
    assert metrics(tiny_project, "evaluate")["corpus_documents"] == 200
    assert 0 < metrics(tiny_project, "evaluate")["test.finetuned.ndcg_at_10"] <= 1


def test_the_promises_hold_on_it(tiny_project):
    for stage, names in INVARIANTS.items():
        assert {name: metrics(tiny_project, stage)[name] for name in names} == dict.fromkeys(
            names, 0
        )


def test_a_second_run_has_nothing_to_do(tiny_project, dvc):
    result = dvc(tiny_project, "repro")
    assert "Data and pipelines are up to date." in result.stdout
    assert "Running stage" not in result.stdout


@pytest.mark.parametrize("folder", ["raw", "protected"])
def test_a_file_that_dvc_keeps_is_restored(copy, dvc, folder):
    file = copy / "data" / folder / "kept.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("text\nkept\n", "utf-8")
    assert dvc(copy, "add", f"data/{folder}/kept.csv").returncode == 0
    file.unlink()
    result = dvc(copy, "checkout")
    assert result.returncode == 0, result.stderr
    assert file.read_text("utf-8") == "text\nkept\n"


@pytest.mark.parametrize(("seed", "workers"), [("1", "1"), ("4242", "3")])
def test_hash_seed_and_workers_change_no_byte(copy, environment, seed, workers):
    before = outputs(copy, *MODEL_FREE)
    for stage in MODEL_FREE:
        extra = {"PYTHONHASHSEED": seed, "PAIRSMITH_WORKERS": workers}
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}"],
            cwd=copy,
            env={**environment, **extra},
            check=True,
        )
    assert outputs(copy, *MODEL_FREE) == before


def test_the_order_of_the_rows_changes_no_byte(copy, environment):
    before = outputs(copy, *MODEL_FREE)
    rows = faq_rows()
    random.Random(5).shuffle(rows)
    write_csv(rows, copy / "data/raw/faq.csv")
    for stage in MODEL_FREE:
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}"], cwd=copy, env=environment, check=True
        )
    assert outputs(copy, *MODEL_FREE) == before


def test_a_malformed_csv_gets_a_clear_error_and_leaves_no_output(copy, dvc):
    path = copy / "data/raw/faq.csv"
    lines = path.read_text("utf-8").splitlines()
    lines[7] += ",one field too many"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    result = dvc(copy, "repro")
    assert result.returncode != 0
    told = [line for line in result.stderr.splitlines() if line and "stages.collect" not in line]
    assert "data/raw/faq.csv" in result.stderr
    assert "line 8" in result.stderr
    assert "remedy:" in result.stderr
    assert "Traceback" not in result.stderr
    assert len(told) <= 10
    assert not (copy / "data/collect/documents.parquet").exists()


def test_a_bad_parameter_is_refused_by_name(copy, dvc):
    text = (copy / "params.yaml").read_text("utf-8")
    (copy / "params.yaml").write_text(
        text.replace("  candidates: 50", "  candidates: many"), "utf-8"
    )
    result = dvc(copy, "repro", "mine")
    assert result.returncode != 0
    assert "params.yaml: mine.candidates = 'many'" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_experiment_runs_only_what_it_affects(copy, tiny_project, dvc):
    result = dvc(copy, "exp", "run", "-S", "mine.relative_margin=0.1")
    assert result.returncode == 0, result.stderr[-2000:]
    ran = [stage for stage in read_pipeline() if f"Running stage '{stage}'" in result.stdout]
    assert ran[0] == "mine"
    assert not set(ran) & set(MODEL_FREE)
    shown = dvc(copy, "metrics", "diff", "--md", "--all")
    assert re.search(r"\| metrics/validate.json +\| gates_failed +\|", shown.stdout)
    before = metrics(tiny_project, "mine")
    after = metrics(copy, "mine")
    keys = ("negatives_per_anchor", "refused.margin")
    assert [before[key] for key in keys] != [after[key] for key in keys]
    assert "mine.relative_margin" in dvc(copy, "params", "diff", "--md").stdout


def test_the_committed_metrics_keep_the_promises():
    for stage, names in INVARIANTS.items():
        assert {name: metrics(ROOT, stage)[name] for name in names} == dict.fromkeys(names, 0)
    assert metrics(ROOT, "deduplicate")["dropped.exact_copy"] == 0, "no term is a copy of another"
    assert metrics(ROOT, "evaluate")["test.gain.over_base.ndcg_at_10.low"] > 0.03
