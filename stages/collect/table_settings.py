"""Checks of the settings of a table source in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from stages.collect.columns import is_template
from stages.collect.raw_files import COMPRESSIONS, FORMATS, table_format
from stages.collect.raw_files import RAW as RAW
from stages.collect.records import params_path
from stages.collect.source import OUT_OF_DOMAIN, Source
from stages.collect.table_source import RowSource, TableSource
from stages.lib.core.errors import UserError

_DELIMITED = (".csv", ".tsv")
_TEXT = (*_DELIMITED, ".jsonl", ".json")
# The formats in which a setting has a meaning.
_FORMATS_OF_SETTING = {
    "delimiter": _DELIMITED,
    "quote": _DELIMITED,
    "escape": _DELIMITED,
    "header": (*_DELIMITED, ".xlsx"),
    "skip_lines": (*_DELIMITED, ".xlsx"),
    "encoding": _TEXT,
    "sheet": (".xlsx",),
}
# Fields that hold one value, not a text.
_VALUES = ("score", "grade", "split", "time", "relation")


def check_settings(name: str, source: TableSource, sources: Mapping[str, Source]) -> None:
    """Check that the mapping is one of the three shapes, and that everything it names exists.

    Args:
        name: the name of the source.
        source: its settings.
        sources: the settings of all sources by name.

    Raises:
        UserError: a setting makes no sense. The message names the key of params.yaml.
    """
    setting = params_path(name)
    mapped = set(source.columns.mapped())
    check_path(source, setting)
    _check_characters(setting, source)
    _check_templates(setting, source)
    _check_shape(setting, mapped)
    if ("document_key" in mapped) != (source.documents_of is not None):
        raise UserError(
            f"params.yaml: {setting} has only one of columns.document_key and documents_of",
            "give both, for pairs that lead to the documents of another source, or neither",
        )

    _check_labels(setting, source)
    if name == OUT_OF_DOMAIN:
        _check_out_of_domain(setting, source)

    # Parents are named by their keys.
    if "parent" in mapped and "key" not in mapped:
        raise UserError(
            f"params.yaml: {setting}.columns.parent names rows by their key, "
            f"and there is no {setting}.columns.key",
            "map the column of the keys to 'key', or remove 'parent'",
        )

    # The other source must have documents with keys.
    if source.documents_of is not None:
        check_target(name, source.documents_of, sources)


def _check_shape(setting: str, mapped: set[str]) -> None:
    if {"text", "positive"} <= mapped:
        raise UserError(
            f"params.yaml: {setting}.columns maps both text and positive, which are the same",
            "map 'positive' if the column holds the positives of an anchor, else 'text'",
        )

    # The shape, and the columns that would be read without effect in it.
    has_text = bool({"text", "positive"} & mapped)
    if has_text and "document_key" not in mapped:
        of_pairs = {"relation", "score", "grade", "split", "negative"}
        unused = set() if "anchor" in mapped else of_pairs & mapped
    elif {"anchor", "document_key"} <= mapped and not has_text:
        unused = {"title", "topic", "group", "parent", "negative"} & mapped
    else:
        raise UserError(
            f"params.yaml: {setting}.columns maps {', '.join(sorted(mapped)) or 'nothing'}",
            "map 'text' (documents), 'anchor' and 'text' or 'positive' (documents and pairs), "
            "or 'anchor' and 'document_key' (pairs)",
        )

    if unused:
        others = ", ".join(sorted(mapped - unused))
        raise UserError(
            f"params.yaml: {setting}.columns.{min(unused)} has no meaning beside {others}",
            "remove the key: the column would be read without effect",
        )


def _check_labels(setting: str, source: TableSource) -> None:
    """Check that scores, grades and splits have the columns that they need, and no others."""
    columns = source.columns
    if columns.score and columns.grade:
        raise UserError(
            f"params.yaml: {setting}.columns maps both score and grade, which say the same thing",
            "map 'grade' if the values are judgements in whole steps, else 'score'",
        )
    if columns.split and source.split:
        raise UserError(
            f"params.yaml: {setting} has both split and columns.split",
            "keep 'split' if the whole file is one split, else 'columns.split'",
        )
    if source.split and not columns.anchor:
        raise UserError(
            f"params.yaml: {setting}.split has no meaning without anchors",
            "map the queries of the file to columns.anchor, or remove the key",
        )

    # Keys that would be read without effect.
    column_of_key = {
        "split_names": "split",
        "relevant_from": "grade",
        "positive_grade": "grade",
        "score_range": "score",
        "score_names": "score",
    }
    for key, column in column_of_key.items():
        if key in source.model_fields_set and column not in columns.mapped():
            raise UserError(
                f"params.yaml: {setting}.{key} has no meaning without {setting}.columns.{column}",
                f"map columns.{column}, or remove the key",
            )


def _check_out_of_domain(setting: str, source: TableSource) -> None:
    columns = source.columns
    if source.split or columns.split or columns.grade or columns.negative:
        labels = "columns.grade" if columns.grade else "columns.negative"
        key = labels if columns.grade or columns.negative else "split"
        raise UserError(
            f"params.yaml: {setting}.{key} has no meaning: the source is never trained on, and its "
            "queries are measured by scores",
            "remove the key; grades can be mapped to columns.score with score_range",
        )


def check_path(source: TableSource, setting: str) -> PurePosixPath:
    """Return the path of the file, which lies under data/raw/ and has a known format."""
    path = PurePosixPath(source.path)
    if RAW not in path.parents or ".." in path.parts or "\\" in source.path:
        raise UserError(
            f"params.yaml: {setting}.path = '{source.path}' is not under {RAW}/",
            f"put the file into {RAW}/: DVC tracks that folder",
        )

    # The suffix decides how the file is read. A zip archive may leave it to the file inside.
    file_format = table_format(source.path)
    if not file_format and path.suffix.lower() != ".zip":
        raise UserError(
            f"params.yaml: {setting}.path = '{source.path}' ends in none of {', '.join(FORMATS)} "
            f"({', '.join(COMPRESSIONS)})",
            "save the table in one of these formats",
        )

    _check_format_settings(setting, source, file_format)
    return path


def _check_format_settings(setting: str, source: TableSource, file_format: str) -> None:
    """Check that no setting is given that means nothing for the format."""
    for key, formats in _FORMATS_OF_SETTING.items():
        default = TableSource.model_fields[key].default
        if getattr(source, key) == default or not file_format or file_format in formats:
            continue

        value = "null" if default is None else repr(default).lower()
        raise UserError(
            f"params.yaml: {setting}.{key} has no meaning for a {file_format} file",
            f"set it to {value}, its default, or remove the key",
        )


def _check_characters(setting: str, source: TableSource) -> None:
    """Check that the characters with a meaning in a delimited file differ from each other."""
    delimiter = source.delimiter or ("," if table_format(source.path) == ".csv" else "\t")
    key_of_character: dict[str, str] = {}
    for key, character in (
        ("delimiter", delimiter),
        ("quote", source.quote),
        ("escape", source.escape),
    ):
        if character is None:
            continue
        if character in "\r\n\0":
            raise UserError(
                f"params.yaml: {setting}.{key} = {character!r} cannot stand within a line",
                "name the character that stands in the file",
            )

        other = key_of_character.setdefault(character, key)
        if other != key:
            raise UserError(
                f"params.yaml: {setting}.{other} and {setting}.{key} are both {character!r}",
                "give each its own character; a quote that is written twice needs no escape, "
                "and quote: null means that quotes are characters like any other",
            )


def _check_templates(setting: str, source: TableSource) -> None:
    for field, column in source.columns.mapped().items():
        if field in _VALUES and is_template(column):
            raise UserError(
                f"params.yaml: {setting}.columns.{field} = '{column}' joins columns, and "
                f"'{field}' is one value",
                "name the one column that holds it",
            )


def check_target(name: str, target: str, sources: Mapping[str, Source]) -> None:
    """Check that `target`, the source that the pairs lead to, has documents with keys.

    Raises:
        UserError: it is no other source, or its documents have no keys.
    """
    fact = f"params.yaml: {params_path(name)}.documents_of = '{target}'"
    target_source = sources.get(target)
    if target_source is None or target == name:
        others = ", ".join(sorted(set(sources) - {name})) or "none"
        raise UserError(f"{fact} is no other source", f"name one of: {others}")

    if not isinstance(target_source, RowSource):
        return

    # Only documents of rows may lack keys.
    if target_source.documents_of is not None or target_source.columns.key is None:
        raise UserError(
            f"{fact} has no keyed documents",
            f"give {params_path(target)} a text and the column of its keys (columns.key)",
        )
