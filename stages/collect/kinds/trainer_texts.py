"""Rows of trainers' files that hold texts: Sentence Transformers and FlagEmbedding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stages.collect.columns import ColumnMapping, Place, Record, to_text
from stages.collect.kinds.labelled_rows import LabelledRow, Passage
from stages.collect.kinds.trainer_layouts import (
    IDS_OF_LIST,
    Layout,
    TrainerFiles,
    label_column,
    text_columns,
    wrong_layout,
)
from stages.collect.table_source import Columns
from stages.lib.core.errors import UserError


def read(files: TrainerFiles, layout: Layout) -> tuple[Columns, Iterator[Record]]:
    """Return which column holds which field, and the records of the rows.

    Raises:
        UserError: the columns are not those of the layout, or a value has a wrong type.
    """
    if layout == "flag_embedding":
        names = files.names()
        _check_flag_columns(files, names)
        negatives = [column for column in ("neg",) if column in names]
        return _columns("query", "pos", negatives), _records(files, "query", "pos", negatives)

    names = files.columns()
    texts = text_columns(names)
    if len(texts) == 1 and _holds_lists(files, texts[0]):
        return Columns(anchor=texts[0], positive=texts[0]), _set_records(files, texts[0])
    if len(texts) < 2:
        raise UserError(
            f"{files.dialect.path}: a pair needs two columns of texts; found "
            f"{', '.join(map(repr, names))[:200]}",
            "write the anchor first, then the positive; or read texts alone with reader: table",
        )

    anchor, positive, *others = texts
    label = label_column(names)
    return (
        _columns(anchor, positive, others, label),
        _records(files, anchor, positive, others, label=label),
    )


def labelled_rows(files: TrainerFiles) -> Iterator[LabelledRow]:
    """Yield the rows of FlagEmbedding whose texts have ids.

    Raises:
        UserError: a list of ids is not as long as its list of texts.
    """
    _check_flag_columns(files, files.names())
    for place, values in files.rows():
        yield LabelledRow(
            place,
            query_id=to_text(values.get("query_id"), place, "query_id"),
            query=to_text(values.get("query"), place, "query"),
            positives=_passages("pos", values, place),
            negatives=_passages("neg", values, place),
        )


def _columns(
    anchor: str, positive: str, negatives: Sequence[str], label: str | None = None
) -> Columns:
    return Columns(
        anchor=anchor, positive=positive, negative=", ".join(negatives) or None, score=label
    )


def _records(
    files: TrainerFiles,
    anchor: str,
    positive: str,
    negatives: Sequence[str],
    *,
    label: str | None = None,
) -> Iterator[Record]:
    columns = Columns(anchor=anchor, positive=positive, score=label)
    mapping = ColumnMapping(files.dialect.model_copy(update={"columns": columns}), files.setting)
    for place, values in files.rows():
        fields = {name: _number_of(values.get(name)) for name in mapping.columns}
        record = mapping.record(fields, place)

        # Empty texts of a list are no texts.
        texts: list[str] = []
        for column in negatives:
            texts += texts_of(values.get(column), place, column)
        yield record._replace(negatives=tuple(text for text in texts if text.strip()))


def _number_of(value: Any) -> Any:
    """Return a truth value as 1 or 0, as trainers take a label; any other value as it is."""
    return int(value) if isinstance(value, bool) else value


def _holds_lists(files: TrainerFiles, column: str) -> bool:
    return any(isinstance(values.get(column), list) for _, values in files.rows())


def _set_records(files: TrainerFiles, column: str) -> Iterator[Record]:
    """Yield the sets of texts that say the same: the first is the anchor of the others."""
    columns = Columns(anchor="anchor", positive="positive")
    mapping = ColumnMapping(files.dialect.model_copy(update={"columns": columns}), files.setting)
    for place, values in files.rows():
        anchor, *others = texts_of(values.get(column), place, column) or [""]
        yield mapping.record({"anchor": anchor, "positive": others}, place)


def texts_of(value: Any, place: Place, column: str) -> list[str]:
    """Return a text or the texts of a list; none for null.

    Raises:
        UserError: a value is no text.
    """
    if value is None:
        return []
    items = value if isinstance(value, (list, tuple)) else [value]
    return [to_text(item, place, column) for item in items]


def _passages(column: str, values: Mapping[str, Any], place: Place) -> tuple[Passage, ...]:
    texts = texts_of(values.get(column), place, column)
    id_column = next((name for name in IDS_OF_LIST[column] if name in values), None)
    if id_column is None:
        return tuple(Passage("", text=text) for text in texts if text.strip())

    ids = texts_of(values[id_column], place, id_column)
    if ids and len(ids) != len(texts):
        raise UserError(
            f"{place}: '{id_column}' holds {len(ids)} ids where '{column}' holds {len(texts)} "
            "texts",
            "give each text its id, in the same order",
        )
    keys = ids or [""] * len(texts)
    return tuple(
        Passage(key, text=text) for key, text in zip(keys, texts, strict=True) if text.strip()
    )


def _check_flag_columns(files: TrainerFiles, names: Sequence[str]) -> None:
    for column in ("query", "pos"):
        if column not in names:
            raise wrong_layout(files.dialect.path, f"'{column}'", names, files.setting)
