"""Describe the exported files in the vocabulary of Croissant 1.0, with sizes and hashes.

Source: the Croissant format specification of MLCommons, version 1.0.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pyarrow.types as arrow_types

_FORMATS = {
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".parquet": "application/x-parquet",
    ".tsv": "text/tab-separated-values",
    ".npy": "application/octet-stream",
    ".md": "text/markdown",
}
# The context that the specification gives. These terms are its own, under `cr:`.
_TERMS = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format "
    "includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}


def croissant(folder: Path, *, name: str) -> dict[str, Any]:
    """Return the description of all files of a folder. Parquet files are described by column."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": "Queries with the documents that answer them. README.md says more.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": [_file_object(path, folder) for path in paths],
        "recordSet": [_record_set(path, folder) for path in paths if path.suffix == ".parquet"],
    }


def _file_object(path: Path, folder: Path) -> dict[str, Any]:
    identifier = path.relative_to(folder).as_posix()
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": identifier,
        "name": identifier,
        "contentUrl": identifier,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _FORMATS.get(path.suffix, "text/plain"),
        "sha256": sha256,
    }


def _record_set(path: Path, folder: Path) -> dict[str, Any]:
    identifier = path.relative_to(folder).as_posix()
    record_set = identifier.removesuffix(".parquet")
    fields = []
    for column in parquet.read_schema(path):
        is_list = arrow_types.is_list(column.type)
        value_type = column.type.value_type if is_list else column.type
        fields.append(
            {
                "@type": "cr:Field",
                "@id": f"{record_set}/{column.name}",
                "name": column.name,
                "dataType": _data_type(value_type),
                "repeated": is_list,
                "source": {
                    "fileObject": {"@id": identifier},
                    "extract": {"column": column.name},
                },
            }
        )
    return {"@type": "cr:RecordSet", "@id": record_set, "name": record_set, "field": fields}


def _data_type(value_type: Any) -> str:
    if arrow_types.is_integer(value_type):
        return "sc:Integer"
    if arrow_types.is_floating(value_type):
        return "sc:Float"
    return "sc:Text"
