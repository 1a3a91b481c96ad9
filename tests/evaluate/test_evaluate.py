"""The stage as a whole: every system ranks every evaluation set, and bad parameters are named."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.evaluate.__main__ import app
from stages.evaluate.interface import OutOfDomainFiles
from stages.evaluate.systems import StaticModel
from stages.evaluate.tasks import out_of_domain_task
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.ids import hash_hex
from stages.lib.core.interface import TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.evaluation_set import Qrels, Queries, ScoredPairs
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.schemas.runs import QueryResults
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets
from tests.evaluate.inputs import BASE, CORPUS, WORDS, documents, lay_out, name, pairs, run_stage


def test_out_of_domain_pairs_become_queries_with_qrels(tmp_path):
    outside = documents((1, "Stops an instance."), (2, "Halts it."))
    tables.write(passages(outside, None, 0, None), tmp_path / "d.parquet", Passages)
    outside_pairs = pairs((1, "stop instance", 1), (2, "Stop  instance", 2), (3, "halt", 2))
    tables.write(outside_pairs, tmp_path / "p.parquet", Pairs)
    files = OutOfDomainFiles(
        passages=TableFile(tmp_path / "d.parquet", Passages),
        pairs=TableFile(tmp_path / "p.parquet", Pairs),
    )
    task = out_of_domain_task(files)
    assert task.corpus.texts == ["Stops an instance.", "Halts it."]
    assert task.evaluation_set.qrels == {
        "q" + hash_hex("query", "stop instance"): {name("d", 1): 1.0, name("d", 2): 1.0},
        "q" + hash_hex("query", "halt"): {name("d", 2): 1.0},
    }


@pytest.mark.parametrize(
    ("depths", "key"),
    [
        ("[]", "evaluate.depths"),
        ("[ten]", "evaluate.depths.0 = 'ten'"),
        ("[1, 0]", "evaluate.depths.1 = '0'"),
        ("[101]", "evaluate.depths.0 = '101'"),  # deeper than what is ranked
    ],
)
def test_a_bad_parameter_is_named_and_leaves_nothing(project, depths, key):
    params = Path("params.yaml")
    text = params.read_text()
    start = text.index("  depths:")
    end = text.index("  # A static model")
    params.write_text(f"{text[:start]}  depths: {depths}\n{text[end:]}")
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"params.yaml: {key}" in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


@pytest.mark.slow
def test_every_system_ranks_every_evaluation_set(project):
    lay_out(out_of_domain=True)
    metrics, results = run_stage()
    assert (metrics["corpus_documents"], metrics["test_queries"], metrics["test.components"]) == (
        4,
        2,
        2,
    )
    assert metrics["component_weight"] == 10
    assert metrics["scoring_rule"].endswith("; a component counts as at most 10 queries")
    assert metrics["test.plain.base.ndcg_at_10"] == 0.5
    for split, frame in results.items():
        assert len(frame) == 2 * len(WORDS)
        assert metrics[f"{split}.gain.over_base.ndcg_at_10.mean"] == 0.0
        assert (
            f"{split}.gain.over_base.ndcg_at_10.low" not in metrics
        )  # two components bound nothing
    assert metrics["validation.base.ndcg_at_10"] == 1.0
    # Of the two relevant documents of test the copy counts as its kept one; one was dropped.
    assert metrics["test.base.recall_at_100"] == 0.5
    assert metrics["test.base.ndcg_at_10"] == 0.5
    curve = pd.read_csv("metrics/plots/recall.tsv", sep="\t")
    assert list(curve.columns) == ["split", "system", "k", "recall"]
    assert set(curve["split"]) == {"validation", "test"}
    assert curve[(curve["split"] == "test") & (curve["system"] == "base")]["recall"].max() == 0.5
    assert len(curve) == 2 * len(WORDS) * 7
    assert json.loads(Path("metrics/evaluate.json").read_text()) == {
        "ndcg@10": 1.0,
        "gain": 0.0,
        "outside_gain": 0.0,
        "test_ndcg@10": 0.5,
    }
    listed = pd.read_csv("metrics/measures.tsv", sep="\t")
    assert len(listed) == 3 * len(WORDS) * 7 * 5
    assert (
        listed.query("split == 'validation' and system == 'base' and measure == 'map' and k == 10")[
            "mean"
        ].item()
        == 1
    )


def static_model(folder):
    """Write a static model with the vocabulary of the base model."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(find_base_model(BASE) / "tokenizer.json"))
    weights = (
        np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 32)).astype(np.float32)
    )
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu"
    )
    model.save_pretrained(str(folder), create_model_card=False)


def set_static(path):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("  static_model: null", f"  static_model: {path}"))


@pytest.mark.slow
def test_a_static_model_and_a_probe_are_systems(project):
    lay_out(out_of_domain=False)
    static_model(project / "static")
    set_static("static")
    lists = ([], [], [], [], [], [], [], [name("d", 3)], [name("d", 3)])
    row = (name("p", 5), name("d", 3), "sore head", name("d", 3), "Pain in the head.", 0.5, *lists)
    tables.write(
        pd.DataFrame([row], columns=list(Triplets.empty().columns)),
        Path("data/mine/triplets.parquet"),
        Triplets,
    )
    tables.write(pairs((5, "sore head", 3)), Path("data/augment/pairs.parquet"), Pairs)
    where = [(name("p", 5), name("d", 3), "train"), (name("d", 3), name("d", 3), "train")]
    tables.write(
        pd.DataFrame(where, columns=list(Splits.empty().columns)),
        Path("data/split/splits.parquet"),
        Splits,
    )
    metrics, results = run_stage()
    systems = {"bm25", "static", "base", "fusion", "probe", "finetuned"}
    assert set(results["validation"]["system"]) == systems
    # The words of the question stand in the answer: that is all a static model knows.
    assert 0 < metrics["validation.static.ndcg_at_10"] <= 1
    assert {
        f"validation.gain.over_{system}.ndcg_at_10.mean" for system in systems - {"finetuned"}
    } <= metrics.keys()


@pytest.mark.slow
def test_a_model_with_context_is_no_static_model(project):
    with pytest.raises(UserError, match="holds no static model"):
        StaticModel(find_base_model(BASE))


def test_texts_without_a_known_token_have_zero_vectors(project):
    static_model(project / "static")
    vectors = StaticModel(project / "static").encode(["fever", ""])
    assert vectors.shape == (2, 32) and np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0])


@pytest.mark.slow
def test_synthetic_queries_and_scored_pairs_have_metrics(project):
    lay_out(out_of_domain=False)
    pairs_of_recipe = pairs((11, "itching", 2)).assign(source="pair.title")
    queries, qrels = queries_and_qrels(
        pairs_of_recipe.assign(
            raw=pairs_of_recipe["anchor"], component_id=pairs_of_recipe["doc_id"]
        )
    )
    tables.write(queries, Path("data/split/synthetic/queries.parquet"), Queries)
    tables.write(qrels, Path("data/split/synthetic/qrels.parquet"), Qrels)
    scored_rows = [
        ("high temperature", 1, 1.0),
        ("red itchy skin", 2, 0.9),
        ("headache", 4, 0.1),
        ("cough", 9, 0.0),
    ]
    scored = pd.DataFrame(
        [
            (name("p", 20 + index), name("d", doc), anchor, name("d", doc), score)
            for index, (anchor, doc, score) in enumerate(scored_rows)
        ],
        columns=list(ScoredPairs.empty().columns),
    )
    tables.write(scored, Path("data/split/validation/scored_pairs.parquet"), ScoredPairs)
    metrics, _ = run_stage()
    assert metrics["synthetic_exam"] is False
    assert metrics["synthetic.base.ndcg_at_10"] == 1.0
    synthetic = pd.read_csv("metrics/queries/synthetic.tsv", sep="\t")
    assert set(synthetic["split"]) == {"synthetic"} and len(synthetic) == len(WORDS)
    assert metrics["validation.base.average_precision"] == 1.0
    assert metrics["validation.base.spearman"] >= 0.6
    gain = {
        part: metrics[f"validation.gain.over_base.spearman.{part}"]
        for part in ("mean", "low", "high")
    }
    assert set(gain.values()) == {0.0}
    assert not any(key.startswith("test.") and "spearman" in key for key in metrics)


@pytest.mark.slow
def test_without_an_out_of_domain_set_its_table_is_a_header(project):
    lay_out(out_of_domain=False)
    metrics, results = run_stage()
    assert not any(key.startswith("out_of_domain") for key in metrics)
    assert len(results["out_of_domain"]) == 0
    assert list(results["out_of_domain"].columns) == list(QueryResults.empty().columns)
    assert len(results["test"]) == 2 * len(WORDS)
    assert "test.base.ndcg_at_10" in metrics


@pytest.mark.slow
def test_the_benchmark_hash_ignores_cleaned_texts(project):
    lay_out(out_of_domain=False)
    first, _ = run_stage()
    rewritten = documents(*((number, text.lower()) for number, text in CORPUS[:3]))
    tables.write(passages(rewritten, None, 0, None), Path("data/split/passages.parquet"), Passages)
    cleaned, _ = run_stage()
    assert cleaned["benchmark"] == first["benchmark"]
    # Fewer documents are searched, and `compare` must know.
    assert cleaned["corpus_documents"] == 3
    assert cleaned["corpus"] != first["corpus"]
    collected = tables.read(Path("data/collect/documents.parquet"), Documents)
    tables.write(collected.iloc[1:], Path("data/collect/documents.parquet"), Documents)
    fewer, _ = run_stage()
    assert fewer["benchmark"] != first["benchmark"]
    assert fewer["corpus"] == cleaned["corpus"]
