"""The gates decide, the page is written whatever they say, and the test split is never opened."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.lib.core import tables
from stages.lib.core.ids import hash_hex
from stages.lib.core.stage import write_details
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.schemas.splits import Fingerprints, Splits
from stages.lib.schemas.training import Triplets
from stages.lib.text.held_out import TEXTS as ALL_TEXTS
from stages.lib.text.held_out import HeldOutText, fingerprint_rows
from stages.lib.text.matches import NO_RUNS
from stages.validate.__main__ import app

ROOT = Path(__file__).parents[2]


def test_dvc_gives_validate_nothing_of_the_test_split():
    stage = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"][
        "validate"
    ]
    assert "data/split/validation/queries.parquet" in stage["deps"]
    # Neither the folder of the test split nor one that contains it.
    for dep in stage["deps"]:
        assert not dep.startswith("data/split/test")
        assert not "data/split/test/queries.parquet".startswith(f"{dep.rstrip('/')}/")


@pytest.fixture
def project(project, own_cache):
    """Make a folder in which the stage can be run, without its inputs."""
    return project


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("min_random_auc: 0.75", "min_random_auc: 1.1", "validate.min_random_auc = '1.1'"),
        ("min_bm25_auc: 0.5", "min_bm25_auc: high", "validate.min_bm25_auc = 'high'"),
        ("min_bm25_auc: 0.5", "min_dense_auc: 0.5", "unknown key validate.min_dense_auc"),
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


LEDGER_STAGES = ("collect", "clean", "deduplicate", "pair", "split", "augment")

TEXTS = [
    "A high body temperature.",
    "Red skin that itches.",
    "Pain in the head.",
    "A cough that brings up phlegm.",
    "Loss of hearing in one ear.",
    "Weakness of the legs.",
    "Swelling of the ankles.",
]
ANCHORS = [
    "fever",
    "itchy rash",
    "headache",
    "productive cough",
    "deafness",
    "weak legs",
    "swollen ankles",
]


def lay_out(answers=(0, 1, 2), triplet_anchor="deafness", few=False):
    """Write the inputs: questions about the first documents in validation, the fifth trained on, no test split."""
    ids = ["d" + hash_hex(text) for text in TEXTS]
    documents = pd.DataFrame(
        {"doc_id": ids, "source": "s", "title": "", "text": TEXTS, "topic": "", "group": ""}
    )
    pairs = pd.DataFrame(
        {
            "pair_id": ["p" + hash_hex(ANCHORS[at]) for at in range(len(answers))],
            "anchor": ANCHORS[: len(answers)],
            "doc_id": [ids[at] for at in answers],
            "relation": "exact",
            "score": 1.0,
            "source": "s",
        }
    )
    # People found that the last document answers neither of two questions; the second is of the test split.
    names = ["p" + hash_hex("no"), "p" + hash_hex("secret")]
    dissimilar = pairs.head(2).assign(pair_id=names, doc_id=ids[6], score=0.1)
    queries, qrels = queries_and_qrels(
        pairs.assign(raw=pairs["anchor"], component_id=pairs["doc_id"])
    )
    held = [(row.pair_id, row.anchor) for row in pairs.itertuples()]
    fingerprints = fingerprint_rows(
        [HeldOutText(i, "validation", t, ALL_TEXTS) for i, t in held], NO_RUNS
    )
    trained = "p" + hash_hex("trained")
    row = (trained, ids[4], triplet_anchor, ids[4], TEXTS[4], 0.5)
    where = [
        (doc_id, doc_id, "validation" if at in answers else "corpus")
        for at, doc_id in enumerate(ids)
    ]
    where += [(row.pair_id, row.doc_id, "validation") for row in pairs.itertuples()]
    where.append((trained, ids[4], "train"))
    where += [
        ("p" + hash_hex(name), ids[6], split)
        for name, split in (("no", "validation"), ("secret", "test"))
    ]
    lists = (
        [ids[5]],
        [TEXTS[5]],
        [0.25],
        [float("nan")],
        ["dense"],
        [1],
        ["margin"],
        [ids[4]],
        [ids[4], ids[5]],
    )
    for frame, path, table in (
        (passages(documents, None, 0, None), "split/passages", Passages),
        (documents, "collect/documents", Documents),
        (documents, "clean/documents", Documents),
        (Pairs.empty(), "collect/pairs", Pairs),
        (Pairs.empty(), "clean/pairs", Pairs),
        *((Ledger.empty(), f"{stage}/ledger", Ledger) for stage in LEDGER_STAGES),
        (Aliases.empty(), "deduplicate/aliases", Aliases),
        (dissimilar, "pair/dissimilar_pairs", Pairs),
        (pairs.assign(pair_id=[trained, *pairs["pair_id"][1:]]), "augment/pairs", Pairs),
        (pd.DataFrame(where, columns=list(Splits.empty().columns)), "split/splits", Splits),
        (queries, "split/validation/queries", Queries),
        (qrels, "split/validation/qrels", Qrels),
        (Masked.empty(), "split/validation/masked", Masked),
        (
            fingerprints,
            "split/fingerprints",
            Fingerprints,
        ),
        (
            pd.DataFrame([(*row, *lists)], columns=list(Triplets.empty().columns)),
            "mine/triplets",
            Triplets,
        ),
    ):
        tables.write(frame, Path(f"data/{path}.parquet"), table)
    shares = (
        "anchor_in_positive_share",
        "no_common_word_share",
        "balance.after.document.largest_share",
    )
    for name, counted in (
        ("collect", {"rows_in": 7}),
        ("clean", {"private.email": 0, "edits.private_data": 0}),
        ("deduplicate", {}),
        (
            "pair",
            {
                "rows_in": 7,
                "rows_out": 7,
                "paired_documents": 7,
                "balance.after.document.effective_number": 7.0,
                **dict.fromkeys(shares, 0.1),
            },
        ),
        ("split", {"few_components": few, "validation_share": 0.1}),
        ("augment", {}),
        ("mine", {}),
        ("tokenize", {"truncated_share": 0.0, "rows_out": 1}),
    ):
        write_details(counted, Path(f"metrics/details/{name}.json"))


def run_stage():
    result = CliRunner().invoke(app)
    assert result.exit_code == 0, result.stderr
    details = read_details(Path("metrics/details/validate.json"))
    verdict = json.loads(Path("data/validate/verdict.json").read_text("utf-8"))
    assert verdict == {"passed": details["passed"]}
    return details, Path("data/validate/index.html").read_text("utf-8")


@pytest.mark.slow
def test_good_data_passes_and_gives_the_same_bytes_twice(project):
    lay_out()
    assert not Path("data/split/test").exists()
    metrics, page = run_stage()
    assert metrics["passed"] is True
    assert (metrics["queries"], metrics["folds"]) == (3, 1)
    assert metrics["corpus_documents"] == len(TEXTS)
    assert metrics["leaked_rows"] == 0
    assert metrics["base.ndcg_at_10"] > 0.8
    assert metrics["separation.random.roc_auc"] > 0.9
    assert "Training may start" in page
    assert metrics["gates.false_negatives"] == "not measured"
    assert metrics["gates_failed"] == 0
    headline = json.loads(Path("metrics/validate.json").read_text("utf-8"))
    assert set(headline) == {"gates_failed", "auc", "auc_hard", "gap", "probe_gain"}
    assert headline["auc"] == metrics["separation.random.roc_auc"]
    plot = pd.read_csv("metrics/plots/separation.tsv", sep="\t")
    assert list(plot.columns) == ["panel", "kind", "cosine", "share"]
    assert sorted(set(plot["panel"])) == ["bm25", "dense", "labelled", "random"]
    curve = pd.read_csv("metrics/plots/learning_curve.tsv", sep="\t")
    assert list(curve.columns) == ["fraction", "components", "rows", "seed", "ndcg_at_10"]
    files = [
        path
        for folder in ("metrics", "data/validate", "runs")
        for path in Path(folder).rglob("*.*")
    ]
    assert Path("runs/validate/vectors.tsv") in files
    first = [file.read_bytes() for file in files]
    # Nor does it matter what stands in its place.
    for name in ("queries", "qrels"):
        Path("data/split/test").mkdir(parents=True, exist_ok=True)
        Path(f"data/split/test/{name}.parquet").write_text("nobody reads this")
    labels = Path("data/pair/dissimilar_pairs.parquet")
    known = tables.read(labels, Pairs)
    secret = known["pair_id"] == "p" + hash_hex("secret")
    tables.write(known.assign(anchor=known["anchor"].mask(secret, "something else")), labels, Pairs)
    run_stage()
    assert [file.read_bytes() for file in files] == first


@pytest.mark.slow
def test_mispaired_questions_are_refused_and_the_page_says_so(project):
    lay_out(answers=(4, 3, 6))
    metrics, page = run_stage()
    assert metrics["passed"] is False
    assert "training is refused" in page
    assert "collect.sources" in page


@pytest.mark.slow
def test_a_training_row_that_equals_a_held_out_one_is_refused(project):
    lay_out(triplet_anchor="FEVER")
    metrics, page = run_stage()
    assert (metrics["passed"], metrics["leaked_rows"]) == (False, 1)
    assert "<code>leaked_rows</code> is 1, and must be at most 0" in page
    assert "Rows to read first: <code>p" + hash_hex("trained") in page


@pytest.mark.slow
def test_a_new_query_makes_another_benchmark(project):
    lay_out()
    first, _ = run_stage()
    known = tables.read(Path("data/split/passages.parquet"), Passages)
    tables.write(
        known.assign(text=known["text"].str.upper()), Path("data/split/passages.parquet"), Passages
    )
    rewritten, _ = run_stage()
    lay_out(answers=(0, 1, 2, 3))
    other, _ = run_stage()
    assert rewritten["benchmark"] == first["benchmark"] != other["benchmark"]


@pytest.mark.slow
def test_with_few_components_training_queries_are_ranked_too(project):
    lay_out(few=True)
    metrics, _ = run_stage()
    assert (metrics["queries"], metrics["folds"]) == (4, 5)
    assert metrics["probe.gain_low"] <= metrics["probe.gain"] <= metrics["probe.gain_high"]
