"""What can be written: each format with the function that writes it, and the card beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from stages.commands.export.card import card
from stages.commands.export.collection_files import write_beir, write_mteb, write_parquet
from stages.commands.export.croissant import croissant
from stages.commands.export.data_set import DataSet, read_data_set
from stages.commands.export.token_files import write_tensorflow
from stages.commands.export.trainer_files import (
    write_flag_embedding,
    write_llama_index,
    write_nemo,
    write_sentence_transformers,
    write_tevatron,
)
from stages.lib.core.errors import UserError

MODEL = Path("data/finetune/model")


class ExportFormat(StrEnum):
    """What can be written."""

    sentence_transformers = "sentence-transformers"
    flag_embedding = "flag-embedding"
    tevatron = "tevatron"
    nemo = "nemo"
    llama_index = "llama-index"
    beir = "beir"
    mteb = "mteb"
    trec = "trec"
    parquet = "parquet"
    hugging_face = "hugging-face"
    tensorflow = "tensorflow"
    model = "model"
    onnx = "onnx"
    query_cleaner = "query-cleaner"


Write = Callable[[DataSet, Path], None]

_WRITERS: dict[ExportFormat, Write] = {
    ExportFormat.sentence_transformers: write_sentence_transformers,
    ExportFormat.flag_embedding: write_flag_embedding,
    ExportFormat.tevatron: write_tevatron,
    ExportFormat.nemo: write_nemo,
    ExportFormat.llama_index: write_llama_index,
    ExportFormat.beir: write_beir,
    ExportFormat.mteb: write_mteb,
    ExportFormat.parquet: write_parquet,
    ExportFormat.hugging_face: write_parquet,
    ExportFormat.tensorflow: write_tensorflow,
}


def write_data_set(format_: ExportFormat, folder: Path, *, name: str) -> None:
    """Write the data set at hand to a folder, with its card and a description of the files.

    Args:
        format_: one of the formats of a data set.
        folder: an empty folder.
        name: how the card calls the data set.

    Raises:
        UserError: there is no run at hand.
    """
    data = read_data_set()
    _WRITERS[format_](data, folder)

    # The card lies beside the files and tells their hashes.
    has_configs = format_ is ExportFormat.hugging_face
    text = card(data, folder, name=name, has_configs=has_configs)
    (folder / "README.md").write_text(text, "utf-8")
    description = json.dumps(croissant(folder, name=name), indent=2, ensure_ascii=False)
    (folder / "croissant.json").write_text(description + "\n", "utf-8")


def copy_model(folder: Path) -> None:
    """Copy the fine-tuned model, a folder of Sentence Transformers.

    Raises:
        UserError: there is no model.
    """
    if not MODEL.is_dir():
        raise UserError(f"{MODEL} does not exist", "run 'make repro' first")
    shutil.copytree(MODEL, folder, dirs_exist_ok=True)
