"""Validation during training: the metric, the subset by ids, and random generators untouched."""

import numpy as np
import pandas as pd
import pytest

from stages.finetune.interface import Inputs
from stages.finetune.model_selection import (
    ValidationSet,
    ndcg_at_10,
    read_validation_set,
    score_model,
    subset,
)
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.core.interface import TableFile
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.encoder import load_model
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries
from stages.lib.schemas.training import Tokens
from tests.finetune.cases import BASE, validation_set

AXES = {"a": [1.0, 0.0], "near a": [0.8, 0.6], "b": [0.0, 1.0]}
PROMPTS = ModelParams(base="x", weights_sha256="", anchor_prompt="ask: ", document_prompt="tell: ")


def small(grades, starts=None, texts=("a", "near a", "b"), components=None):
    doc_ids = np.array(["d0", "d1", "d2"][: len(texts) if starts is None else len(starts)])
    queries = pd.DataFrame({"query_id": list(grades), "text": ["a"] * len(grades)})
    queries["component_id"] = components or [f"c{index}" for index in range(len(grades))]
    return ValidationSet(
        Corpus(doc_ids, list(texts), None if starts is None else np.array(starts)),
        EvaluationSet(queries, grades, pd.DataFrame()),
        PROMPTS,
        component_weight=1,
    )


def test_ndcg_is_over_ten_hits_and_prompts_go_first():
    seen = []

    def encode(texts, prompt):
        seen.append((texts, prompt))
        return np.array([AXES[text] for text in texts], dtype=np.float32)

    score = ndcg_at_10(small({"q0": {"d0": 1.0}, "q1": {"d1": 1.0}, "q2": {"gone": 1.0}}), encode)
    assert score == pytest.approx((1.0 + 1.0 / np.log2(3) + 0.0) / 3, abs=1e-6)
    assert seen == [(["a", "near a", "b"], "tell: "), (["a", "a", "a"], "ask: ")]


def test_models_are_chosen_by_the_weighted_mean():
    def encode(texts, prompt):
        return np.array([AXES[text] for text in texts], dtype=np.float32)

    # Two queries of one component find their document first, one of another does not find it.
    grades = {"q0": {"d0": 1.0}, "q1": {"d0": 1.0}, "q2": {"gone": 1.0}}
    assert ndcg_at_10(small(grades, components=["c1", "c1", "c2"]), encode) == 0.5
    assert ndcg_at_10(small(grades), encode) == pytest.approx(2 / 3, abs=1e-6)


def test_masked_documents_do_not_count():
    def encode(texts, prompt):
        return np.array([AXES[text] for text in texts], dtype=np.float32)

    # The only relevant document is second, behind a document that is masked for this query.
    whole = small({"q0": {"d1": 1.0}, "q1": {"d1": 1.0}})
    masked = whole.evaluation_set._replace(masked={"q0": frozenset({"d0"})})
    score = ndcg_at_10(whole._replace(evaluation_set=masked), encode)
    assert score == pytest.approx((1.0 + 1.0 / np.log2(3)) / 2, abs=1e-6)
    assert subset(whole._replace(evaluation_set=masked)).evaluation_set.masked == masked.masked


def test_a_bounded_set_keeps_answers_and_whole_documents():
    whole = small({"q0": {"d1": 1.0}}, starts=[0, 1, 3], texts=("x", "y1", "y2", "z"))
    few = subset(whole, max_queries=5, max_others=0)
    assert few.corpus.doc_ids.tolist() == ["d1"]
    assert few.corpus.texts == ["y1", "y2"]
    all_ = subset(whole, max_queries=5, max_others=9)
    assert all_.corpus.doc_ids.tolist() == ["d0", "d1", "d2"]
    assert all_.corpus.texts == whole.corpus.texts
    assert all_.corpus.passage_starts.tolist() == [0, 1, 3]


def test_a_subset_follows_from_ids_and_is_nested():
    grades = {f"q{index}": {"d0": 1.0} for index in range(50)}
    subsets = [subset(small(grades), max_queries=count).evaluation_set for count in (10, 20)]
    assert [len(held.queries) for held in subsets] == [10, 20]
    assert set(subsets[0].queries["query_id"]) < set(subsets[1].queries["query_id"])
    assert set(subsets[0].qrels) == set(subsets[0].queries["query_id"])
    turned = dict(reversed(grades.items()))
    assert set(subset(small(turned), max_queries=10).evaluation_set.qrels) == set(subsets[0].qrels)


def test_without_queries_nothing_can_be_chosen(tmp_path):
    files = {}
    for table in (Tokens, Queries, Qrels, Masked, Aliases, Passages):
        path = tmp_path / f"{table.__name__}.parquet"
        if table is not Tokens:
            tables.write(table.empty(), path, table)
        files[table.__name__.lower()] = TableFile(path, table)
    inputs = Inputs(**files, verdict=tmp_path / "verdict.json")
    with pytest.raises(
        UserError,
        match=r"Queries.parquet holds no queries(.|\n)*early_stopping: 0(.|\n)*merge: \[\]",
    ):
        read_validation_set(inputs, PROMPTS, component_weight=10)


@pytest.mark.slow
def test_a_look_changes_neither_generators_nor_the_model():
    import torch

    model = load_model(find_base_model(BASE)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(1)
    rng_before = torch.get_rng_state()
    first = score_model(validation_set(), model)
    assert 0.0 < first <= 1.0
    assert score_model(validation_set(), model) == first
    assert torch.equal(torch.get_rng_state(), rng_before)
    assert model.training and all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items()
    )
