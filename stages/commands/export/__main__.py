"""Write the data set, the runs or the model at hand for other tools: trainers, benchmarks, hubs.

Each folder has README.md, a card that says where the data comes from and what was checked, and
croissant.json, which describes the files and their hashes in the words of Croissant. The folder
holds texts of the data, so it does not belong into git.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.export.card import card
from stages.commands.export.collection_files import write_beir, write_mteb, write_parquet
from stages.commands.export.croissant import croissant
from stages.commands.export.data_set import DataSet, read_data_set
from stages.commands.export.query_cleaner import write_query_cleaner
from stages.commands.export.token_files import write_tensorflow
from stages.commands.export.trainer_files import (
    write_flag_embedding,
    write_llama_index,
    write_nemo,
    write_sentence_transformers,
    write_tevatron,
)
from stages.commands.export.trec_files import write_trec
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.core.yaml_files import read_yaml

MODEL = Path("data/finetune/model")
VERDICT = Path("data/validate/verdict.json")


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


def main(
    format_: Annotated[ExportFormat, typer.Argument(metavar="FORMAT", help="What is written.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the files.")],
) -> None:
    """Write the data set, the runs or the model at hand for other tools."""
    atomic.check_target(out, folder=True)
    atomic.check_free(out)

    # The folder appears as a whole, or not at all.
    with atomic.write(out, folder=True) as folder:
        folder.mkdir(parents=True)
        if format_ is ExportFormat.model:
            _copy_model(folder)
        elif format_ is ExportFormat.trec:
            write_trec(folder)
        elif format_ is ExportFormat.query_cleaner:
            write_query_cleaner(folder)
        else:
            _write_data_set(format_, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        size = sum(path.stat().st_size for path in files)

    say(f"{out}: {len(files)} files, {size / 1e6:.1f} MB")
    if not _has_passed():
        say(
            "The gates of validate have not passed: read data/validate/index.html before others "
            "train on this data."
        )


def _write_data_set(format_: ExportFormat, folder: Path) -> None:
    data = read_data_set()
    _WRITERS[format_](data, folder)

    # The card lies beside the files and tells their hashes.
    name = Path.cwd().name
    (folder / "README.md").write_text(
        card(data, folder, name=name, has_configs=format_ is ExportFormat.hugging_face), "utf-8"
    )
    description = croissant(folder, name=name)
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    (folder / "croissant.json").write_text(text, "utf-8")


def _copy_model(folder: Path) -> None:
    """Copy the fine-tuned model, a folder of Sentence Transformers."""
    if not MODEL.is_dir():
        raise UserError(f"{MODEL} does not exist", "run 'make repro' first")
    shutil.copytree(MODEL, folder, dirs_exist_ok=True)


def _has_passed() -> bool:
    return VERDICT.is_file() and bool(read_yaml(VERDICT).get("passed"))


app = command(main)

if __name__ == "__main__":
    app()
