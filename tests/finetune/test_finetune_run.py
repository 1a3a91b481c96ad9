"""The stage as a whole: its outputs with its options; the default reads no validation."""

from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.finetune.__main__ import app
from stages.lib.core import tables
from stages.lib.core.model_files import model_hash
from stages.lib.reporting.details import read_details
from stages.lib.retrieval.encoder import Encoder
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from tests.finetune.cases import ROWS, ranking_tokens, write_tokens


@pytest.fixture
def ready(project, tmp_path_factory, monkeypatch, one_thread):
    """Write the inputs of the stage, and return a function that runs it with some parameters."""
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
    write_tokens(ranking_tokens())
    Path("data/validate").mkdir()
    Path("data/validate/verdict.json").write_text('{"passed": true}')

    def stage(**values):
        yaml = YAML()
        params = yaml.load(Path("params.yaml").read_text("utf-8"))
        params["run"]["threads"] = 1
        params["finetune"].update({"batch_size": 6, "epochs": 2, **values})
        with Path("params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(params, file)
        result = CliRunner().invoke(app)
        assert result.exit_code == 0, result.output
        return read_details(Path("metrics/details/finetune.json"))

    return stage


def write_validation():
    """Write a set on which the positive of each anchor of ROWS is relevant; the last was a copy."""
    query_ids, doc_ids = ([f"{kind}{index:016x}" for index in range(len(ROWS))] for kind in "qd")
    anchors = [row[0] for row in ROWS]
    queries = {"query_id": query_ids, "text": anchors, "raw": anchors, "component_id": doc_ids}
    fill = {name: "faq" for name in Queries.empty().columns if name not in queries}
    order = list(Queries.empty().columns)
    validation = Path("data/split/validation")
    tables.write(pd.DataFrame({**queries, **fill})[order], validation / "queries.parquet", Queries)
    qrels = pd.DataFrame({"query_id": query_ids, "doc_id": doc_ids, "grade": 1.0})
    tables.write(qrels, validation / "qrels.parquet", Qrels)
    tables.write(Masked.empty(), validation / "masked.parquet", Masked)
    copies = pd.DataFrame({"doc_id": doc_ids[-1:], "kept_id": doc_ids[:1]})
    tables.write(copies, Path("data/deduplicate/aliases.parquet"), Aliases)
    passages = pd.DataFrame(
        {
            "passage_id": [f"{doc_id}-0000" for doc_id in doc_ids[:-1]],
            "doc_id": doc_ids[:-1],
            "position": 0,
            "text": [row[1] for row in ROWS[:-1]],
        }
    )
    tables.write(
        passages[list(Passages.empty().columns)], Path("data/split/passages.parquet"), Passages
    )


@pytest.mark.slow
def test_the_default_reads_no_validation_set(ready, monkeypatch):
    metrics = ready()
    assert not Path("data/split").exists()
    assert metrics["loss"] == "MultipleNegativesRanking"
    assert metrics["steps"] == 4
    assert not any(key.startswith(("early_stopping", "merge")) for key in metrics)
    card = Path("data/finetune/model/README.md").read_text("utf-8")
    assert "| rows | 12 |" in card and "| steps | 4 |" in card
    assert not any(text.strip() in card for row in ROWS for text in row if text)
    again = {path: path.read_bytes() for path in Path("data/finetune").rglob("*") if path.is_file()}
    ready()
    assert {
        path: path.read_bytes() for path in Path("data/finetune").rglob("*") if path.is_file()
    } == again


@pytest.mark.slow
def test_early_stopping_and_merging_report_their_choice(ready):
    write_validation()
    metrics = ready(early_stopping=50, merge=[0.5, 1.0], loss="CachedGIST", matryoshka_dims=[64])
    assert metrics["loss"] == "CachedGIST"
    assert metrics["early_stopping.looks"] == 4
    assert 1 <= metrics["early_stopping.best_step"] <= 4
    scores = {share: metrics[f"merge.{share}.validation.ndcg_at_10"] for share in (50, 100)}
    assert metrics["merge.share"] == (0.5 if scores[50] > scores[100] else 1.0)
    # All of the small corpus is looked at: whole weights score what the best look did.
    assert scores[100] == pytest.approx(metrics["early_stopping.validation.ndcg_at_10"], abs=1e-3)


@pytest.mark.slow
def test_embeddings_of_a_merge_are_cached_for_evaluate(ready, monkeypatch):
    write_validation()
    ready(merge=[0.5])
    folder = Path("data/finetune/model")
    assert (folder / "README.md").is_file()
    encoder = Encoder(folder)
    monkeypatch.setattr(encoder, "_encode", lambda texts, label: pytest.fail("it embeds anew"))
    assert encoder.encode([ROWS[0][1], ROWS[3][0]]).shape == (2, 384)
    assert model_hash(folder)


@pytest.mark.slow
def test_prompts_go_with_the_model(ready):
    from stages.lib.retrieval.encoder import load_model

    params = Path("params.yaml")
    params.write_text(
        params.read_text("utf-8").replace("anchor_prompt: null", 'anchor_prompt: "query: "'),
        "utf-8",
    )
    ready()
    model = load_model(Path("data/finetune/model"))
    assert model.prompts == {"query": "query: ", "document": ""}
    assert (model.encode_query("fever") == model.encode("query: fever")).all()
