"""Checks of the settings of a table source in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from stages.collect.files import DELIMITERS, SUFFIXES
from stages.collect.interface import OUT_OF_DOMAIN, Source, TableSource
from stages.collect.records import (
    params_path,
)
from stages.lib.core.errors import UserError

RAW = PurePosixPath("data/raw")


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
        _check_target(name, source.documents_of, sources)


def _check_shape(setting: str, mapped: set[str]) -> None:
    # The shape, and the columns that would be read without effect in it.
    if "text" in mapped and "document_key" not in mapped:
        of_pairs = {"relation", "score", "grade", "split"}
        unused = set() if "anchor" in mapped else of_pairs & mapped
    elif {"anchor", "document_key"} <= mapped and "text" not in mapped:
        unused = {"title", "topic", "group", "parent"} & mapped
    else:
        raise UserError(
            f"params.yaml: {setting}.columns maps {', '.join(sorted(mapped)) or 'nothing'}",
            "map 'text' (documents), 'anchor' and 'text' (documents and pairs), "
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
    }
    for key, column in column_of_key.items():
        if key in source.model_fields_set and column not in columns.mapped():
            raise UserError(
                f"params.yaml: {setting}.{key} has no meaning without {setting}.columns.{column}",
                f"map columns.{column}, or remove the key",
            )


def _check_out_of_domain(setting: str, source: TableSource) -> None:
    if source.split or source.columns.split or source.columns.grade:
        key = "columns.grade" if source.columns.grade else "split"
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

    # The suffix decides how the file is read.
    if path.suffix not in SUFFIXES:
        raise UserError(
            f"params.yaml: {setting}.path = '{source.path}' ends in none of {', '.join(SUFFIXES)}",
            "save the table in one of these formats",
        )

    if source.delimiter is not None and path.suffix not in DELIMITERS:
        raise UserError(
            f"params.yaml: {setting}.delimiter has no meaning for a {path.suffix} file",
            "set it to null",
        )

    return path


def _check_target(name: str, target: str, sources: Mapping[str, Source]) -> None:
    """Check that `target`, the source that the pairs lead to, has documents with keys."""
    fact = f"params.yaml: {params_path(name)}.documents_of = '{target}'"
    target_source = sources.get(target)
    if target_source is None or target == name:
        others = ", ".join(sorted(set(sources) - {name})) or "none"
        raise UserError(f"{fact} is no other source", f"name one of: {others}")

    if not isinstance(target_source, TableSource):
        return

    # Only documents of a table may lack keys.
    if target_source.documents_of is not None or target_source.columns.key is None:
        raise UserError(
            f"{fact} has no keyed documents",
            f"give {params_path(target)} a text and the column of its keys (columns.key)",
        )
