"""The command: its inputs, the documents that it never takes, and bytes that depend on the inputs alone."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.lib.core import tables
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Hierarchy, Passages
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.lib.schemas.reviews import NEGATIVES
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets
from stages.mine.__main__ import app, main, training_pairs
from tests.mine.cases import name, numbers, pairs


@pytest.fixture
def project(project, own_cache):
    """Make a folder in which the stage can be run, without its inputs."""
    return project


def change(*edits):
    params = Path("params.yaml")
    text = params.read_text()
    for old, new in edits:
        assert f"\n  {old}\n" in text
        text = text.replace(f"\n  {old}\n", f"\n  {new}\n", 1)
    params.write_text(text)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("negatives: 1", "negatives: 0", "mine.negatives = '0'"),
        ("candidates: 50", 'candidates: "50"', "mine.candidates = '50'"),
        ("relative_margin: 0.05", "relative_margin: 1.5", "mine.relative_margin = '1.5'"),
        ("relative_margin: 0.05", "margin: 0.05", "unknown key mine.margin"),
        ("absolute_margin: null", "absolute_margin: -0.1", "mine.absolute_margin = '-0.1'"),
        ("exclude_relatives: both", "exclude_relatives: all", "mine.exclude_relatives = 'all'"),
        ("sampling: hardest", "sampling: softest", "mine.sampling = 'softest'"),
        ("index: exact", "index: trees", "mine.index = 'trees'"),
    ],
)
def test_a_bad_parameter_is_an_error_by_name_and_leaves_nothing(project, old, new, key):
    change((old, new))
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"params.yaml: {key}" in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


def documents_table(*rows):
    rows = [(name("d", number), "s", "", text, "", group) for number, text, group in rows]
    return pd.DataFrame(rows, columns=list(Documents.empty().columns)).astype(
        Documents.empty().dtypes.to_dict()
    )


def lay_out(training, every_pair, documents, where, edges=(), near=(), verdicts=()):
    """Write the stage's inputs; `where` gives each id its component and split."""
    tables.write(training, Path("data/augment/pairs.parquet"), Pairs)
    tables.write(every_pair, Path("data/pair/pairs.parquet"), Pairs)
    tables.write(every_pair, Path("data/deduplicate/pairs.parquet"), Pairs)
    tables.write(Pairs.empty(), Path("data/pair/dissimilar_pairs.parquet"), Pairs)
    tables.write(SyntheticPairs.empty(), Path("data/pair/synthetic_pairs.parquet"), SyntheticPairs)
    tables.write(Ledger.empty(), Path("data/augment/ledger.parquet"), Ledger)
    tables.write(documents, Path("data/pair/documents.parquet"), Documents)
    tables.write(passages(documents, None, 0, None), Path("data/pair/passages.parquet"), Passages)
    splits = pd.DataFrame(
        [(i, *values) for i, values in where.items()], columns=["id", "component_id", "split"]
    )
    tables.write(splits, Path("data/split/splits.parquet"), Splits)
    tables.write(Aliases.empty(), Path("data/deduplicate/aliases.parquet"), Aliases)
    above = pd.DataFrame(
        [(name("d", a), name("d", b)) for a, b in edges], columns=["doc_id", "parent_id"]
    )
    tables.write(
        above if edges else Hierarchy.empty(), Path("data/collect/hierarchy.parquet"), Hierarchy
    )
    close = [(name("d", a), name("d", b), 0.9, "near") for a, b in near]
    close = pd.DataFrame(close, columns=["left_id", "right_id", "similarity", "rule"])
    tables.write(
        close if near else NearDuplicates.empty(),
        Path("data/deduplicate/near_duplicates.parquet"),
        NearDuplicates,
    )
    review = Path("data/review/negatives.csv")
    review.parent.mkdir(parents=True, exist_ok=True)
    review.write_text("\n".join([",".join(NEGATIVES), *verdicts]) + "\n", "utf-8")


def test_no_training_pairs_are_an_error_with_a_remedy(project):
    lay_out(
        Pairs.empty(),
        Pairs.empty(),
        documents_table((1, "Fever.", "")),
        {name("d", 1): (name("d", 1), "corpus")},
    )
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "data/augment/pairs.parquet holds no training pairs" in result.stderr
    assert not Path("data/mine").exists()
    assert not Path("metrics").exists()


TRAINING = pairs((1, "high fever", 1), (2, "itchy rash", 2))
EVERY = pairs(
    (1, "high fever", 1), (2, "itchy rash", 2), (3, "fever at night", 3), (4, "Itchy  Rash", 4)
)
TEXTS = documents_table(
    (1, "A high body temperature.", ""),
    (2, "Red skin that itches.", ""),
    (3, "High fever that comes at night.", ""),  # the best negative there is, but held out
    (4, "Itchy rash on the skin.", ""),  # an answer of "itchy rash" that is not trained on
    (5, "A cough that brings up phlegm.", ""),
    (6, "A high fever rash.", ""),  # held out as well
)
WHERE = {
    name("d", 1): (name("d", 1), "train"),
    name("d", 2): (name("d", 2), "train"),
    name("d", 3): (name("d", 3), "test"),
    name("d", 4): (name("d", 2), "train"),
    name("d", 5): (name("d", 5), "corpus"),
    name("d", 6): (name("d", 6), "validation"),
    name("p", 1): (name("d", 1), "train"),
    name("p", 2): (name("d", 2), "train"),
}


@pytest.mark.slow
def test_no_held_out_document_is_taken_and_no_row_is_lost(project):
    change(("relative_margin: 0.05", "relative_margin: null"), ("negatives: 1", "negatives: 5"))
    written = []
    for order in (slice(None), slice(None, None, -1)):
        lay_out(TRAINING.iloc[order], EVERY.iloc[order], TEXTS.iloc[order], WHERE)
        main()
        files = [
            *sorted(Path("data/mine").iterdir()),
            Path("metrics/details/mine.json"),
            Path("metrics/mine.json"),
            Path("metrics/plots/margins.tsv"),
        ]
        written.append({str(file): file.read_bytes() for file in files})
    assert written[0] == written[1]

    triplets = tables.read(Path("data/mine/triplets.parquet"), Triplets)
    assert [sorted(numbers(row)) for _, row in triplets.iterrows()] == [[2, 4, 5], [1, 5]]
    assert list(triplets["component_id"]) == [name("d", 1), name("d", 2)]
    assert all("dense" in miner for miners in triplets["negative_miners"] for miner in miners)
    # Document 4 answers "itchy rash" too, and shares its component: whoever shows it may not meet pair 2.
    assert [list(ids) for ids in triplets["positive_ids"]] == [
        [name("d", 1)],
        [name("d", 2), name("d", 4)],
    ]
    assert [list(ids) for ids in triplets["in_batch_ids"]] == [
        [name("d", number) for number in (1, 2, 4, 5)],
        [name("d", number) for number in (1, 2, 5)],
    ]
    metrics = read_details(Path("metrics/details/mine.json"))
    assert metrics == {
        "corpus_documents": 4,
        "device": "cpu",
        "judged_negatives.left": 0,
        "judged_negatives.removed": 0,
        "known_positives_as_negatives": 0,
        "labelled_negatives": 0,
        "near_positives.count": 0,
        "near_positives.kept.negatives_per_anchor": 2.5,
        "near_positives.refused.negatives_per_anchor": 2.5,
        "negatives_per_anchor": 2.5,
        "refused.cross_encoder": 0,
        "refused.equal_to_anchor": 0,
        "refused.known_positive": 3,
        "refused.margin": 0,
        "refused.near_positive": 0,
        "refused.relative": 0,
        "refused.skipped": 0,
        "rows_in": 2,
        "rows_out": 2,
        "short_anchors_share": 1.0,
    }
    assert list(tables.read(Path("data/mine/ledger.parquet"), Ledger)["score"]) == [3.0, 2.0]
    assert json.loads(Path("metrics/mine.json").read_text("utf-8")) == {}


@pytest.mark.slow
def test_hierarchy_near_duplicates_and_reviews_reach_the_result(project):
    change(("relative_margin: 0.05", "relative_margin: null"), ("negatives: 1", "negatives: 5"))
    change(
        ("near_positives: keep", "near_positives: refuse"),
        ("exclude_relatives: both", "exclude_relatives: off"),
    )
    verdicts = [
        f"{name('p', 1)},{name('d', 2)},YES,,",
        f"{name('p', 2)},{name('d', 1)},no,ann,",
        f"{name('p', 2)},{name('d', 3)},yes,,",  # no negative of today
    ]
    lay_out(TRAINING, EVERY, TEXTS, WHERE, edges=[(1, 3), (3, 2)], near=[(1, 5)], verdicts=verdicts)
    main()
    triplets = tables.read(Path("data/mine/triplets.parquet"), Triplets)
    # Document 2 answers pair 1 after all, as a person found.
    assert [sorted(numbers(row)) for _, row in triplets.iterrows()] == [[4], [1, 5]]
    assert {name("d", 1), name("d", 2), name("d", 5)} <= set(triplets["positive_ids"].iloc[0])
    metrics = read_details(Path("metrics/details/mine.json"))
    assert metrics["refused.near_positive"] == metrics["near_positives.count"] == 1
    # Document 2 stands above document 1, over one that is not searched: of 2, 4 and 1, 5 the structure finds two false.
    assert (
        metrics["false_negatives.structure.judged"],
        metrics["false_negatives.structure.rate"],
    ) == (4, 0.5)
    assert (metrics["false_negatives.review.judged"], metrics["false_negatives.review.rate"]) == (
        2,
        0.5,
    )
    assert (
        0
        <= metrics["false_negatives.review.low"]
        < 0.5
        < metrics["false_negatives.review.high"]
        <= 1
    )
    false_negatives = json.loads(Path("metrics/mine.json").read_text("utf-8"))
    assert false_negatives == {"false_neg": metrics["false_negatives.review.rate"]}
    plot = pd.read_csv("metrics/plots/margins.tsv", sep="\t")
    assert set(plot["measure"]) == {
        "anchors with a negative",
        "negatives per anchor",
        "related negatives",
    }
    assert list(plot["margin"].unique()) == [round(0.02 * step, 2) for step in range(16)]

    change(("exclude_relatives: off", "exclude_relatives: hierarchy"))
    main()
    metrics = read_details(Path("metrics/details/mine.json"))
    assert metrics["refused.relative"] == 2
    assert metrics["false_negatives.structure.rate"] == 0.0
    assert metrics["false_negatives.structure.high"] > 0.3


def test_only_training_pairs_say_what_is_a_negative():
    table = pairs((1, "fever", 1), (2, "rash", 2), (3, "cough", 3), (4, "pain", 4), (5, "itch", 5))
    splits = pd.DataFrame(
        {
            "id": [name("p", number) for number in range(1, 5)],
            "split": ["train", "test", "validation", "corpus"],
        }
    )
    assert training_pairs(table, splits)["anchor"].tolist() == ["fever"]
