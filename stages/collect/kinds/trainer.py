"""Files that trainers of embedding models read, by layout.

| layout | defined in | a row |
| --- | --- | --- |
| sentence_transformers | base/data_collator.py, util/hard_negatives.py | texts in order, a label |
| flag_embedding | abc/finetune/embedder/AbsDataset.py, its examples | query, pos, neg, prompt |
| tevatron | retriever/dataset.py | query, positive_passages, negative_passages, or their ids |
| nemo | Automodel, datasets/llm/retrieval_dataset.py | question, pos_doc, neg_doc: ids |
| llama_index | core/llama_dataset/legacy/embedding.py | queries, corpus, relevant_docs |

Sentence Transformers takes the first of `label`, `labels`, `score`, `scores` as the label, drops
`dataset_name`, and takes all other columns in their order: anchor, positive, negatives. Columns
that look like ids (`id`, `_id`, `_ids`, `_idx`) are no texts here. A label beside two texts is a
score. What a layout holds beside this is not read: scores of a teacher (`pos_scores`, `neg_scores`,
labels beside negatives), prompts, types and images. `init` names such columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, field_validator

from stages.collect.columns import Record
from stages.collect.kinds import trainer_ids, trainer_texts
from stages.collect.kinds.kind import Kind
from stages.collect.kinds.labelled_rows import ReadRows, judgement_records, passage_records
from stages.collect.kinds.trainer_layouts import (
    FORMATS_OF_LAYOUT,
    Layout,
    TrainerFiles,
    guess_layout,
    has_ids,
    needs_corpus,
)
from stages.collect.kinds.whole_rows import check_raw_path, dialect
from stages.collect.raw_files import FORMATS, check_links, find_files, table_format
from stages.collect.record_rows import RecordTable, read_record_tables
from stages.collect.record_tables import LeftOutRecord
from stages.collect.records import SourceRows, params_path
from stages.collect.source import OUT_OF_DOMAIN, FileSource, ReadRequest, Source, SplitName
from stages.collect.table_source import Columns, TableSource, check_ends, table_of
from stages.lib.core.errors import UserError

REMEDY = "correct the file, or name another layout in params.yaml"


class TrainerSource(FileSource):
    """Files of one layout. `layout: null` takes the layout that the first row has.

    Attributes:
        path: the file under data/raw/, or a pattern.
        corpus: the file of the passages that the rows name by ids, or a pattern.
        split: the split that all rows belong to; null: they are split as ever.
        score_range: the ends of the scale of labels beside two texts; null: from 0 to 1.
    """

    reader: Literal["trainer"]
    layout: Layout | None = None
    corpus: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    split: SplitName | None = None
    score_range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None

    _check_range = field_validator("score_range")(check_ends)


def check_trainer(name: str, source: TrainerSource, sources: Mapping[str, Source]) -> None:
    """Check that the settings of a source fit together.

    Raises:
        UserError: one makes no sense. The message names the key of params.yaml.
    """
    setting = params_path(name)
    _check_file(source.path, setting, "path", source.layout)
    if source.corpus is not None:
        _check_file(source.corpus, setting, "corpus", None)
    if source.layout is not None:
        _check_keys(source, setting, source.layout)
    if name == OUT_OF_DOMAIN and source.split:
        raise UserError(
            f"params.yaml: {setting}.split has no meaning: the source is never trained on",
            "remove the key",
        )


def read_trainer(source: TrainerSource, request: ReadRequest) -> SourceRows:
    """Return the rows of the files.

    A raw record is a row where rows hold texts, and else a passage or a judgement.

    Raises:
        UserError: a file is broken or has another layout, or too many records are rejected.
    """
    setting = params_path(request.name)
    files = TrainerFiles(
        find_files(request.raw, source.path),
        dialect(source.path, encoding=source.encoding, delimiter=source.delimiter),
        setting,
        corpus=find_files(request.raw, source.corpus) if source.corpus else [],
    )
    layout = source.layout or guess_layout(files)
    if source.layout is None:
        _check_keys(source, setting, layout)

    # Rows that hold texts without ids.
    has_texts = layout == "sentence_transformers" or (
        layout == "flag_embedding" and not has_ids(files.names())
    )
    if has_texts:
        columns, records = trainer_texts.read(files, layout)
        return read_record_tables([RecordTable(_table(source, columns), records, REMEDY)], request)

    read, corpus = _rows_and_corpus(files, layout)
    return read_record_tables(_id_tables(source, request, read, corpus), request)


def _rows_and_corpus(
    files: TrainerFiles, layout: Layout
) -> tuple[ReadRows, Iterable[Record | LeftOutRecord] | None]:
    """Return what reads the rows, and the records of the corpus; None if rows hold the texts."""
    if layout == "flag_embedding":
        return partial(trainer_texts.labelled_rows, files), None
    if layout == "llama_index":
        contents = trainer_ids.read_llama_index(files)
        return contents.rows, contents.documents
    if not needs_corpus(files, layout):
        return partial(trainer_ids.tevatron_rows, files), None

    rows = trainer_ids.tevatron_rows if layout == "tevatron" else trainer_ids.nemo_rows
    return partial(rows, files), trainer_ids.corpus_records(files)


def _id_tables(
    source: TrainerSource,
    request: ReadRequest,
    read: ReadRows,
    corpus: Iterable[Record | LeftOutRecord] | None,
) -> list[RecordTable]:
    documents: Iterator[Record | LeftOutRecord] = iter(
        passage_records(read) if corpus is None else corpus
    )
    document_columns = Columns(key="id", title="title", text="text")
    pair_columns = Columns(key="key", anchor="query", document_key="document", grade="label")

    return [
        RecordTable(_table(source, document_columns, has_anchors=False), documents, REMEDY),
        RecordTable(
            _table(source, pair_columns, documents_of=request.name),
            judgement_records(read),
            REMEDY,
        ),
    ]


def _table(
    source: TrainerSource,
    columns: Columns,
    *,
    has_anchors: bool = True,
    documents_of: str | None = None,
) -> TableSource:
    return table_of(
        source,
        columns,
        documents_of=documents_of,
        split=source.split if has_anchors else None,
        score_range=source.score_range,
    )


def _check_keys(source: TrainerSource, setting: str, layout: Layout) -> None:
    """Check that no key is given that means nothing for a layout."""
    if source.corpus is not None and layout not in ("tevatron", "nemo"):
        raise UserError(
            f"params.yaml: {setting}.corpus has no meaning for the layout {layout}",
            "remove the key: its rows hold their passages",
        )
    if source.score_range and layout != "sentence_transformers":
        raise UserError(
            f"params.yaml: {setting}.score_range has no meaning for the layout {layout}",
            "remove the key: the layout says which passages are positives",
        )


def _check_file(path: str, setting: str, key: str, layout: Layout | None) -> None:
    check_raw_path(path, setting, key)
    file_format = table_format(path)
    known = [name for name in FORMATS if name != ".xlsx"]
    if path.endswith(".zip") and not file_format:
        return
    if file_format not in known:
        raise UserError(
            f"params.yaml: {setting}.{key} = '{path}' ends in none of {', '.join(known)} "
            "(.gz, .zst, .zip)",
            "save the file in one of these formats",
        )
    if layout is not None and file_format not in FORMATS_OF_LAYOUT[layout]:
        raise UserError(
            f"params.yaml: {setting}.path = '{path}' is no file of the layout {layout}, which is "
            f"stored as {', '.join(FORMATS_OF_LAYOUT[layout])}",
            f"correct {setting}.layout, or name the file that the trainer reads",
        )


def _read(source: TrainerSource, request: ReadRequest) -> SourceRows:
    paths = [source.path, *([source.corpus] if source.corpus else [])]
    for path in paths:
        check_raw_path(path, params_path(request.name))
        check_links(find_files(request.raw, path), request.raw)

    return read_trainer(source, request)


KIND = Kind(TrainerSource, _read, check_trainer)
