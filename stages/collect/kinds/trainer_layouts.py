"""The layouts of trainers' files: how they are told apart, and which columns they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from stages.collect.columns import Place
from stages.collect.json_rows import decode_object
from stages.collect.kinds.whole_rows import Row, open_text, read_whole_rows
from stages.collect.raw_files import RESTORE, RawFile
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError

Layout = Literal["sentence_transformers", "flag_embedding", "tevatron", "nemo", "llama_index"]

_ROWS = (".jsonl", ".json", ".parquet")
FORMATS_OF_LAYOUT: Mapping[str, Sequence[str]] = {
    "sentence_transformers": (".csv", ".tsv", *_ROWS),
    "flag_embedding": _ROWS,
    "tevatron": _ROWS,
    "nemo": (".json",),
    "llama_index": (".json",),
}

# The columns of labels in Sentence Transformers. The first one that is there is the label.
LABELS = ("label", "labels", "score", "scores")
DATASET_NAME = "dataset_name"
# Names of columns that look like ids, in Sentence Transformers.
_ID_LIKE = re.compile(r"id|.*(_id|_ids|_idx)")
# FlagEmbedding: the ids of the texts in a list, as its tools write them.
IDS_OF_LIST = {"pos": ("pos_id", "pos_ids"), "neg": ("neg_id", "neg_ids")}
_ID_COLUMNS = ("pos_id", "pos_ids", "neg_id", "neg_ids")
# What a layout reads of a row. Sentence Transformers goes by the order of the columns.
_READ_COLUMNS = {
    "flag_embedding": ("query", "pos", "neg"),
    "tevatron": (
        *("query_id", "query", "query_text", "positive_passages", "negative_passages"),
        *("positive_document_ids", "negative_document_ids"),
    ),
    "nemo": ("question_id", "question", "corpus_id", "pos_doc", "neg_doc"),
}


@dataclass(frozen=True)
class TrainerFiles:
    """The files of a source, and how their text is read.

    Attributes:
        files: the files of the rows.
        dialect: the encoding and the delimiter.
        setting: the key of params.yaml that holds the settings of the source.
        corpus: the files of the passages that rows name by ids; empty for none.
    """

    files: Sequence[RawFile]
    dialect: TableSource
    setting: str
    corpus: Sequence[RawFile] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all files."""
        for file in self.files:
            yield from read_whole_rows(file, self.dialect, self.setting)

    def objects(self) -> Iterator[tuple[RawFile, dict[str, Any]]]:
        """Yield each file with the one object that it holds."""
        for file in self.files:
            with open_text(file, self.dialect.encoding, self.setting) as stream:
                yield file, decode_object(stream.read(), file.name)

    def corpus_rows(self) -> Iterator[Row]:
        """Yield the rows of the corpus."""
        for file in self.corpus:
            yield from read_whole_rows(file, self.dialect, self.setting)

    def names(self) -> list[str]:
        """Return the names of all columns that some row has."""
        names: dict[str, None] = {}
        for _, values in self.rows():
            names |= dict.fromkeys(values)
        return list(names)

    def columns(self) -> list[str]:
        """Return the columns of all rows in their order.

        Raises:
            UserError: there are no rows, or two rows have their columns in another order.
        """
        place_of_order: dict[tuple[str, ...], Place] = {}
        for place, values in self.rows():
            place_of_order.setdefault(tuple(values), place)
        if not place_of_order:
            raise UserError(f"{self.dialect.path} holds no rows", RESTORE)

        # The rows with the most columns first, so that the order of the file has no effect.
        orders = sorted(place_of_order, key=lambda order: (-len(order), order))
        columns = list(dict.fromkeys(column for order in orders for column in order))
        for order in orders:
            if [column for column in columns if column in order] != list(order):
                raise UserError(
                    f"{place_of_order[order]}: the columns stand in the order "
                    f"{', '.join(order)[:200]}, and in another row in another order",
                    "write the columns of all rows in one order: the first is the anchor, the "
                    "second the positive",
                )
        return columns


def is_id(column: str) -> bool:
    """Return whether a column looks like one of ids, by its name.

    >>> is_id("query_id"), is_id("valid")
    (True, False)
    """
    return _ID_LIKE.fullmatch(column) is not None


def text_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns of texts of the layout sentence_transformers.

    >>> text_columns(["id", "anchor", "positive", "score"])
    ['anchor', 'positive']
    """
    others = (*LABELS, DATASET_NAME)
    return [column for column in columns if column not in others and not is_id(column)]


def label_column(columns: Sequence[str]) -> str | None:
    """Return the column of scores of the layout sentence_transformers; None if there is none.

    Beside negatives it holds scores of a teacher, which are not read.
    """
    labels = [column for column in LABELS if column in columns]
    return labels[0] if labels and len(text_columns(columns)) == 2 else None


def unread_columns(files: TrainerFiles, layout: Layout) -> list[str]:
    """Return the columns of the rows that a layout does not read."""
    if layout == "llama_index":
        return []
    if layout == "sentence_transformers":
        columns = files.columns()
        read = [*text_columns(columns), label_column(columns)]
        return [column for column in columns if column not in read]

    names = _nemo_names(files) if layout == "nemo" else files.names()
    read_names = list(_READ_COLUMNS[layout])
    if layout == "flag_embedding" and has_ids(names):
        read_names += ["query_id", *_ID_COLUMNS]
    return [name for name in names if name not in read_names]


def _nemo_names(files: TrainerFiles) -> list[str]:
    names: dict[str, None] = {}
    for _, value in files.objects():
        items = value.get("data")
        for item in items if isinstance(items, list) else []:
            names |= dict.fromkeys(item if isinstance(item, dict) else {})
    return list(names)


def guess_layout(files: TrainerFiles) -> Layout:
    """Return the layout that the keys of the first row, or of the whole object, show.

    Raises:
        UserError: there are no rows, or the file is broken.
    """
    keys = _object_keys(files)
    if {"queries", "corpus", "relevant_docs"} <= keys:
        return "llama_index"
    if {"corpus", "data"} <= keys:
        return "nemo"

    row = next(files.rows(), None)
    if row is None:
        raise UserError(f"{files.dialect.path} holds no rows", RESTORE)
    return layout_of_row(row[1])


def layout_of_row(values: Mapping[str, Any]) -> Layout:
    """Return the layout of a row by its keys.

    >>> layout_of_row({"query": "a", "pos": ["b"], "neg": []})
    'flag_embedding'
    """
    if "positive_passages" in values or "positive_document_ids" in values:
        return "tevatron"
    if "query" in values and "pos" in values:
        return "flag_embedding"
    return "sentence_transformers"


def needs_corpus(files: TrainerFiles, layout: Layout) -> bool:
    """Return whether the rows name their passages by ids alone.

    Raises:
        UserError: they do and there is no corpus, or they do not and there is a corpus.
    """
    is_by_id = layout == "nemo" or names_ids(files.names())
    if is_by_id and not files.corpus:
        raise UserError(
            f"{files.dialect.path}: its rows name their passages by ids",
            f"set {files.setting}.corpus in params.yaml to the file that holds them",
        )
    if files.corpus and not is_by_id:
        raise UserError(
            f"params.yaml: {files.setting}.corpus has no meaning: the rows hold their passages",
            "remove the key",
        )
    return is_by_id


def has_ids(names: Sequence[str]) -> bool:
    """Return whether rows of FlagEmbedding with these columns name their texts by ids.

    >>> has_ids(["query", "pos", "pos_id"])
    True
    """
    return any(name in _ID_COLUMNS for name in names)


def names_ids(names: Sequence[str]) -> bool:
    """Return whether rows of Tevatron with these columns name their passages by ids alone.

    >>> names_ids(["query_text", "positive_document_ids"])
    True
    """
    return "positive_document_ids" in names and "positive_passages" not in names


def wrong_layout(place: object, missing: str, keys: Sequence[str], setting: str) -> UserError:
    """Return the error about a file that lacks what its layout has."""
    names = ", ".join(map(repr, keys[:20]))[:200] or "nothing"
    return UserError(
        f"{place}: there is no {missing}; found {names}",
        f"correct {setting}.layout in params.yaml, or the file",
    )


def _object_keys(files: TrainerFiles) -> set[str]:
    """Return the keys of the first file if it is one object; no keys if it holds rows."""
    file = files.files[0]
    if file.table_format not in (".json", ""):
        return set()

    # An object on the first line alone may be the first of many.
    with open_text(file, files.dialect.encoding, files.setting) as stream:
        first_line = stream.readline()
        rest = stream.read(1)
        is_object = first_line.lstrip().startswith("{")
        is_whole = not first_line.rstrip().endswith("}") or not rest.strip()
    if not (is_object and is_whole):
        return set()

    return set(next(files.objects())[1])
