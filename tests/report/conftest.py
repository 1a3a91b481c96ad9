"""One small run, by hand: four validation queries of two relations, two of the test set."""

import json
from pathlib import Path

import pandas as pd
import pytest

from stages.lib.core import tables
from stages.lib.core.stage import nested
from stages.lib.reporting.details import StageDetails
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.splits import Splits
from stages.report.measurements import ValidationTexts


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


@pytest.fixture
def values():
    """Return the metrics of a run in which nothing stands out."""
    scores = {
        f"{split}.{system}.{metric}": value
        for split in ("validation", "test")
        for system, value in (("bm25", 0.3), ("base", 0.5), ("finetuned", 0.6))
        for metric in ("ndcg_at_10", "mrr_at_10", "recall_at_10", "recall_at_100")
    }
    gains = {
        f"{split}.gain.over_base.ndcg_at_10.{part}": value
        for split in ("validation", "test")
        for part, value in (
            *(("mean", 0.1), ("plain", 0.123), ("low", 0.06), ("high", 0.14), ("mde", 0.055)),
        )
    }
    plain = {
        f"{split}.plain.{system}.ndcg_at_10": value
        for split in ("validation", "test")
        for system, value in (("bm25", 0.345), ("base", 0.456), ("finetuned", 0.567))
    }
    nearness = {
        f"{split}.nearness.{kind}.{part}.{what}": value
        for split in ("validation", "test")
        for kind in ("trained_query", "trained_document")
        for part in ("far", "near", *(f"tenth_{number:02}" for number in range(1, 11)))
        for what, value in (
            ("queries", 20),
            ("cosine_from", 0.31),
            ("cosine_to", 0.42),
            ("gain", 0.09),
            ("gain_low", 0.02),
            ("gain_high", 0.16),
        )
    }
    separation = {
        f"separation.{panel}.{what}": 0.96
        for panel in ("random", "bm25", "dense")
        for what in ("gap", "roc_auc")
    }
    return {
        "collect": {"rows_in": 100, "rows_out": 97, "dropped.empty_text": 3, "rejected": 3},
        "clean": {"rows_in": 10, "rows_out": 9, "dropped.too_short": 1, "dropped.too_long": 0},
        "deduplicate": {
            "rows_in": 3,
            "rows_out": 3,
            "dropped.exact_copy": 0,
            "pairs.rows_in": 9,
            "pairs.rows_out": 9,
            "pairs.dropped.duplicate_pair": 0,
            "unsupported_drops": 0,
            "dangling_pairs": 0,
            "relabelled_pairs": 0,
        },
        "pair": {"anchor_in_positive_share": 0.1, "no_common_word_share": 0.3},
        "split": {
            "leaked_components": 0,
            "leaked_texts": 0,
            "largest_component_share": 0.01,
            "largest_component.pairs": 40,
            "largest_component.without.near_text": 8,
            "largest_component.without.shared_document": 2,
            "dropped.not_sampled": 5,
        },
        "augment": {"rows_in": 3, "rows_out": 4, "added.glossary": 2, "dropped.held_out": 1},
        "mine": {
            "judged_negatives.left": 0,
            "judged_negatives.removed": 0,
            "known_positives_as_negatives": 0,
            "short_anchors_share": 0.0,
            "negatives_per_anchor": 1.0,
            "refused.margin": 9,
            "refused.relative": 4,
        },
        "tokenize": {
            "max_tokens": 256,
            "truncated_share": 0.0,
            "tokens_lost_share": 0.0,
            "unknown_share": 0.0,
        },
        "validate": {
            "queries": 4,
            "split_unit": "component",
            "base.ndcg_at_10": 0.5,
            "benchmark": "abc",
            **separation,
        },
        "finetune": {},
        "evaluate": {
            "test_queries": 2,
            "corpus_documents": 3,
            "components": 5,
            "benchmark": "abc",
            "validation.trained_documents_share": 0.0,
            "test.trained_documents_share": 0.0,
            "component_weight": 10,
            **scores,
            **plain,
            **gains,
            **nearness,
        },
    }


@pytest.fixture
def metrics(values):
    return StageDetails(values)


def results(split, scores):
    """Return QueryResults of (number, component, base nDCG and rank, fine-tuned nDCG and rank)."""
    rows = [
        (
            name("q", number),
            split,
            system,
            name("d", component),
            ndcg,
            ndcg,
            ndcg,
            1.0,
            rank,
            0.5 if rank else float("nan"),
        )
        for number, component, *both in scores
        for system, ndcg, rank in (("bm25", 0.0, 0), ("base", *both[:2]), ("finetuned", *both[2:]))
    ]
    columns = "query_id split system component_id ndcg_at_10 mrr_at_10 recall_at_10 recall_at_100 first_rank first_score"
    return pd.DataFrame(rows, columns=columns.split()).sort_values(
        ["split", "system", "query_id"], ignore_index=True
    )


@pytest.fixture
def validation():
    return results(
        "validation",
        [
            (1, 1, 0.5, 3, 1.0, 1),  # better, and perfect
            (2, 1, 0.5, 3, 0.5, 3),  # the same
            (3, 2, 1.0, 1, 0.0, 0),  # lost altogether
            (4, 3, 0.0, 0, 0.0, 40),  # bad before and after
        ],
    )


@pytest.fixture
def texts():
    documents = pd.DataFrame(
        {
            "doc_id": [name("d", 1), name("d", 2)],
            "source": "s",
            "title": ["Ataxia", ""],
            "text": ["Lack of <b>coordination</b>.", "x" * 130],
            "topic": "",
            "group": "",
        }
    )
    queries = pd.DataFrame(
        {
            "query_id": [name("q", number) for number in (1, 2, 3, 4)],
            "component_id": [name("d", number) for number in (1, 1, 2, 3)],
            "raw": ["clumsy", "ataxic", "wobbly & weak", "lost"],
            "text": ["clumsy", "ataxic", "wobbly & weak", "lost"],
            "relation": ["lay", "exact", "lay", ""],
            "source": "hpo",
        }
    )
    qrels = pd.DataFrame(
        {
            "query_id": [name("q", number) for number in (1, 2, 3, 3, 4)],
            "doc_id": [name("d", number) for number in (1, 1, 9, 2, 7)],
            "grade": [1.0, 1.0, 1.0, 0.5, 1.0],
        }
    )
    # Document 9 was a copy of document 1; document 7 was dropped.
    aliases = pd.DataFrame({"doc_id": [name("d", 9)], "kept_id": [name("d", 1)]})
    # Query 1 finds what a copy of which answers it, query 3 something else, query 4 what is in no corpus any more.
    first_documents = {1: 1, 2: 1, 3: 2, 4: 8}
    rows = [
        ("validation", "finetuned", name("q", query), 1, name("d", document), 0.5)
        for query, document in first_documents.items()
    ]
    first_hits = pd.DataFrame(rows, columns=list(Runs.empty().columns))
    second = first_hits.assign(rank=2, doc_id=name("d", 66))
    hits = pd.concat([first_hits, first_hits.assign(system="base"), second], ignore_index=True)
    drops = {name("d", 7): f"clean: too short, partner {name('d', 1)}"}
    return ValidationTexts(
        documents, aliases, queries, qrels, first_hits=first_hits, hits=hits, drops=drops
    )


@pytest.fixture
def slices():
    """Return slices as `evaluate` writes them: a relation that lost, one without evidence, one too small."""
    rows = [
        (
            "validation",
            "measure",
            "mrr_at_10",
            160,
            140,
            0.5,
            0.4,
            -0.1,
            -0.15,
            -0.05,
            0.01,
            "worse",
        ),
        ("validation", "relation", "lay", 90, 80, 0.6, 0.5, -0.1, -0.15, -0.05, 0.01, "worse"),
        (
            "validation",
            "relation",
            "exact",
            60,
            55,
            0.6,
            0.65,
            0.05,
            -0.01,
            0.11,
            0.2,
            "no evidence",
        ),
        (
            "validation",
            "relation",
            "uk",
            10,
            5,
            0.6,
            0.5,
            -0.1,
            None,
            None,
            None,
            "too few components",
        ),
        ("test", "relation", "secret", 90, 80, 0.6, 0.5, -0.1, -0.15, -0.05, 0.01, "worse"),
    ]
    columns = "split kind slice queries components base finetuned gain low high p finding"
    return pd.DataFrame(rows, columns=columns.split())


@pytest.fixture
def run(tmp_path, monkeypatch, charts_once, values, validation, texts, slices):
    """Lay everything the stage reads out in an empty folder, and go there."""
    monkeypatch.chdir(tmp_path)
    for folder in ("metrics/queries", "metrics/plots", "metrics/details"):
        Path(folder).mkdir(parents=True)
    for stage, numbers in values.items():
        Path(f"metrics/details/{stage}.json").write_text(json.dumps(nested(numbers)))
    test = results("test", [(101, 1, 0.5, 3, 1.0, 1), (102, 2, 0.5, 3, 0.5, 3)])
    for split, frame in (("validation", validation), ("test", test)):
        frame.to_csv(f"metrics/queries/{split}.tsv", sep="\t", index=False)
    plots = {
        "separation": {
            "panel": ["random"] * 2,
            "kind": ["positive", "negative"],
            "cosine": [0.7, 0.1],
            "share": [1.0, 1.0],
        },
        "loss": {"step": [1, 2], "loss": [2.0, 1.0]},
        "recall": {
            "split": ["test"] * 2,
            "system": ["base"] * 2,
            "k": [1, 10],
            "recall": [0.5, 0.75],
        },
    }
    for plot, columns in plots.items():
        pd.DataFrame(columns).to_csv(f"metrics/plots/{plot}.tsv", sep="\t", index=False)
    slices.to_csv("metrics/slices.tsv", sep="\t", index=False)
    second = texts.first_hits.assign(rank=2, doc_id=name("d", 66))
    others = [texts.first_hits.assign(split="test"), texts.first_hits.assign(system="base"), second]
    tables.write(pd.concat([texts.first_hits, *others]), Path("data/evaluate/runs.parquet"), Runs)
    tables.write(texts.documents, Path("data/pair/documents.parquet"), Documents)
    ledger = LedgerWriter()
    ledger.drop(name("d", 7), "too_short", partner_id=name("d", 1))
    for stage in ("collect", "clean", "deduplicate", "pair", "split", "augment"):
        decisions = ledger.frame() if stage == "clean" else Ledger.empty()
        tables.write(decisions, Path(f"data/{stage}/ledger.parquet"), Ledger)
    for stage in ("collect", "clean"):
        tables.write(texts.documents, Path(f"data/{stage}/documents.parquet"), Documents)
        tables.write(Pairs.empty(), Path(f"data/{stage}/pairs.parquet"), Pairs)
    tables.write(Splits.empty(), Path("data/split/splits.parquet"), Splits)
    tables.write(texts.aliases, Path("data/deduplicate/aliases.parquet"), Aliases)
    tables.write(texts.queries, Path("data/split/validation/queries.parquet"), Queries)
    tables.write(texts.qrels, Path("data/split/validation/qrels.parquet"), Qrels)
    Path("params.yaml").write_text("report:\n  worst_queries: 20\n")
    return tmp_path
