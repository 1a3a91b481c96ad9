"""Data of every shape trains and evaluates: documents alone, pairs with scores, a click log."""

import importlib
import json
import random
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.commands.pipeline import read_pipeline
from stages.lib.reporting.details import read_details
from tests.conftest import ROOT, TASKS, THINGS, write_csv

pytestmark = pytest.mark.slow
STAGES = [stage for stage in read_pipeline() if stage != "report"]


@pytest.fixture
def run(project, monkeypatch, tmp_path_factory):
    """Return a function that runs every stage on the rows of one file and returns the metrics by stage."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
    for folder in ("glossary", "frozen", "protected", "review", "written_queries"):
        shutil.copytree(ROOT / "data" / folder, project / "data" / folder)
    (project / "data/raw").mkdir()

    def all_stages(rows, columns, stages=STAGES, more=None, documents_of=None, **sections):
        write_csv(rows, Path("data/raw/rows.csv"))
        yaml = YAML()
        params = yaml.load(Path("params.yaml").read_text("utf-8"))
        source = {"reader": "table", "path": "data/raw/rows.csv", "columns": columns}
        source |= {"documents_of": documents_of} if documents_of else {}
        params["collect"] = {"sources": {"rows": source, **(more or {})}, "out_of_domain": None}
        params["run"]["threads"], params["finetune"]["batch_size"] = 1, 16
        for section, values in sections.items():
            params[section].update(values)
        with Path("params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(params, file)
        for stage in stages:
            package = (ROOT / "stages" / stage).is_dir()
            module = importlib.import_module(
                f"stages.{stage}.__main__" if package else f"stages.{stage}"
            )
            result = CliRunner().invoke(module.app, [])
            assert result.exit_code == 0, f"{stage}: {result.output} {result.exception}"
        return {file.stem: read_details(file) for file in Path("metrics/details").glob("*.json")}

    yield all_stages
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)


def table(path):
    return pd.read_parquet(Path("data", path))


SMALL = {"train": 0.6, "validation": 0.2, "max_train_pairs": 60}


def test_documents_alone_train_and_evaluate_on_made_pairs_and_say_so(run):
    rows = [
        {"id": f"{at}-{thing}", "text": f"{told.format(name)} People ask us: {asked.format(name)}"}
        for thing, name in enumerate(THINGS)
        for at, (asked, told) in enumerate(TASKS)
    ]
    metrics = run(
        rows,
        {"key": "id", "text": "text"},
        clean={"boilerplate_share": None},
        pair={"recipes": ["first_sentence"]},
        split=SMALL,
    )
    assert metrics["collect"]["pairs"] == 0
    assert metrics["pair"]["added.first_sentence"] == 200
    assert metrics["pair"]["anchor_in_positive_share"] == 0.0
    assert metrics["split"]["synthetic_exam"] and metrics["validate"]["synthetic_exam"]
    assert metrics["evaluate"]["synthetic_exam"]
    assert 0.0 < metrics["evaluate"]["validation.base.ndcg_at_10"] <= 1.0
    assert 0.0 < metrics["evaluate"]["test.finetuned.ndcg_at_10"] <= 1.0
    triplets = table("mine/triplets.parquet")
    assert not any(
        anchor in positive
        for anchor, positive in zip(triplets["anchor"], triplets["positive"], strict=True)
    )
    # The exam would be a search for a string if what is asked stood in what is searched.
    searched = " ".join(table("pair/passages.parquet")["text"])
    assert not any(asked in searched for asked in table("split/test/queries.parquet")["text"])
    assert "No source gives queries" in Path("data/validate/index.html").read_text("utf-8")


def test_pairs_with_scores_train_on_scores_and_are_judged_by_them(run):
    chance = random.Random(7)
    rows = []
    for thing, name in enumerate(THINGS):
        for at, (asked, told) in enumerate(TASKS):
            other = (at + 1 + chance.randrange(len(TASKS) - 1)) % len(TASKS)
            for text, score in (
                (told, 1.0),
                (TASKS[other][1], 0.4),
                (TASKS[other][1] + " Or not.", 0.1),
            ):
                what = name if score > 0.2 else THINGS[(thing + 7) % len(THINGS)]
                rows.append(
                    {
                        "a": asked.format(name),
                        "b": f"{text.format(what)} ({at}, {score})",
                        "score": score,
                    }
                )
    metrics = run(
        rows,
        {"anchor": "a", "text": "b", "score": "score"},
        pair={"shape": "scores"},
        split={**SMALL, "unit": "anchor"},
    )
    assert metrics["pair"]["dissimilar"] == 400
    assert metrics["finetune"]["loss"] == "CoSENT"
    scores = table("tokenize/tokens.parquet")["score"]
    assert set(scores) == {1.0, 0.4, 0.1}
    assert not any(
        name.startswith("negative_") for name in table("tokenize/tokens.parquet").columns
    )
    measured = metrics["evaluate"]
    for split in ("validation", "test"):
        assert 0.0 < measured[f"{split}.base.spearman"] < 1.0
        assert 0.0 < measured[f"{split}.base.average_precision"] <= 1.0
        assert (
            measured[f"{split}.gain.over_base.spearman.low"]
            <= measured[f"{split}.gain.over_base.spearman.mean"]
        )
    assert measured["validation.gain.over_base.spearman.mean"] > 0.0
    held = set(table("split/validation/scored_pairs.parquet")["pair_id"])
    assert held and not held & set(table("tokenize/tokens.parquet")["pair_id"])


def test_dissimilar_pairs_become_hard_negatives(run):
    rows = []
    for thing, name in enumerate(THINGS):
        for at, (asked, told) in enumerate(TASKS):
            other = TASKS[(at + 3) % len(TASKS)][1].format(name)
            rows.append({"a": asked.format(name), "b": told.format(name), "score": 1})
            rows.append(
                {"a": asked.format(name), "b": f"{other} Number {thing} of {at}.", "score": 0}
            )
    metrics = run(
        rows,
        {"anchor": "a", "text": "b", "score": "score"},
        stages=STAGES[: STAGES.index("mine") + 1],
        split=SMALL,
    )
    triplets = table("mine/triplets.parquet")
    assert metrics["mine"]["labelled_negatives"] == len(triplets)
    assert all("labelled" in miner for miners in triplets["negative_miners"] for miner in miners)
    dissimilar = table("pair/dissimilar_pairs.parquet").groupby("anchor")["doc_id"].agg(set)
    for anchor, ids in zip(triplets["anchor"], triplets["negative_ids"], strict=True):
        assert set(ids) <= dissimilar[anchor]


def test_a_click_log_trains_and_evaluates_with_queries_apart_and_documents_shared(run):
    chance = random.Random(3)
    documents = [
        (f"{thing}-{at}", told.format(name))
        for thing, name in enumerate(THINGS)
        for at, (_, told) in enumerate(TASKS)
    ]
    write_csv(
        [{"id": key, "text": text} for key, text in documents], Path("data/raw/documents.csv")
    )
    clicks = []
    for key, text in documents:
        words = text.rstrip(".").replace(",", "").split()
        for _ in range(3):
            stray = chance.random() < 0.05
            clicked = chance.choice(documents)[0] if stray else key
            clicks.append({"query": " ".join(chance.sample(words, 4)), "clicked": clicked})
    catalogue = {
        "reader": "table",
        "path": "data/raw/documents.csv",
        "columns": {"key": "id", "text": "text"},
    }
    metrics = run(
        clicks,
        {"anchor": "query", "document_key": "clicked"},
        more={"catalogue": catalogue},
        documents_of="catalogue",
        split={**SMALL, "unit": "anchor"},
    )
    assert metrics["split"]["shared_documents"] > 0
    assert metrics["split"]["leaked_texts"] == 0
    assert metrics["validate"]["leaked_rows"] == 0
    assert 0.0 < metrics["evaluate"]["validation.base.ndcg_at_10"] <= 1.0
    assert 0.0 < metrics["evaluate"]["test.finetuned.ndcg_at_10"] <= 1.0


def test_a_run_of_a_sample_uses_no_row_outside_it_and_says_so_everywhere(run):
    rows = [
        {"id": f"{at}-{thing}", "text": told.format(name), "asked": asked.format(name)}
        for thing, name in enumerate(THINGS)
        for at, (asked, told) in enumerate(TASKS)
    ]
    # Answers about one thing are near to each other, and must stay apart.
    metrics = run(
        rows,
        {"key": "id", "text": "text", "anchor": "asked"},
        STAGES,
        clean={"boilerplate_share": None},
        split={**SMALL, "max_train_pairs": None},
        run={"sample": 0.5},
    )
    splits = table("split/splits.parquet")
    inside = set(splits.loc[splits["split"] != "not_in_sample", "id"])
    documents = {row_id for row_id in inside if row_id.startswith("d")}
    assert 0.3 * len(splits) < len(inside) < 0.7 * len(splits)

    # What is trained on, what becomes a negative, what is searched, and what is found.
    triplets = table("mine/triplets.parquet")
    assert set(triplets["doc_id"]) <= documents
    assert {doc_id for ids in triplets["negative_ids"] for doc_id in ids} <= documents
    assert set(table("evaluate/runs.parquet")["doc_id"]) <= documents
    assert metrics["evaluate"]["corpus_documents"] == len(documents)
    assert metrics["validate"]["corpus_documents"] == len(documents)
    assert metrics["split"]["documents.rows_out"] == len(documents)

    # The mark, for whoever compares or reads.
    for stage in ("split", "mine", "validate", "evaluate"):
        assert metrics[stage]["sample"] == 0.5
        assert json.loads(Path(f"metrics/{stage}.json").read_text("utf-8"))["sample"] == 0.5
    page = Path("data/validate/index.html").read_text("utf-8")
    assert "This is a run of a sample (run.sample: 0.5): about 50 % of the components" in page
    assert "sample | 0.5" in Path("data/finetune/model/README.md").read_text("utf-8")
