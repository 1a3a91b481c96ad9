"""The data dictionary: every table between stages, column by column, from its contract."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stages.ask.docs.blocks import table
from stages.ask.pipeline import Stage
from stages.lib import contracts
from stages.lib.contracts.table import Table, arrow_schema, key_of

_TYPES = {
    "string": "text",
    "double": "number",
    "int8": "integer",
    "int32": "integer",
    "int64": "integer",
    "uint64": "integer",
    "bool": "true or false",
}


def dictionary(pipeline: Mapping[str, Stage]) -> str:
    """Return a section per contract: what a row is, which files hold it, its columns and its rules."""
    parts = []
    for module, model in contract_models().items():
        paths = [
            path
            for stage in pipeline.values()
            for path in stage.written
            if contract_of(path) == module
        ]
        files = (
            ", ".join(f"`{path}`" for path in paths) or "(no stage writes it to a file of its own)"
        )
        parts.append(
            f"### {module}\n\n{inspect.getdoc(model)}\n\nIn {files}.\n\n{_columns(model)}{_rules(model)}"
        )
    return "\n".join(parts)


def contract_models() -> dict[str, type[Table]]:
    """Return the contract of each file in stages/lib/contracts, by the file's name, alphabetically."""
    found = {}
    for file in sorted(Path(contracts.__path__[0]).glob("[!_]*.py")):
        if file.stem == "table":  # what all contracts have in common
            continue
        module = importlib.import_module(f"{contracts.__name__}.{file.stem}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Table)
                and value.__module__ == module.__name__
            ):
                found[file.stem] = value
    return found


def contract_of(path: str) -> str:
    """Return which contract a file written by a stage obeys, by its name; empty when it is no table.

    A name may begin with `out_of_domain_`; the tables under metrics/queries/ are named after their split.
    """
    pure = PurePosixPath(path)
    if pure.parts[:2] == ("metrics", "queries"):
        return "query_results"
    return pure.stem.removeprefix("out_of_domain_") if pure.suffix == ".parquet" else ""


def _columns(model: type[Table]) -> str:
    columns, key = model.to_schema().columns, key_of(model)
    rows = []
    for field in arrow_schema(model):
        column = columns[field.name]
        meaning = (column.description or "") + "".join(_allowed(check) for check in column.checks)
        empty = "may be missing" if field.nullable else ""
        rows.append(
            [
                f"`{field.name}`",
                _type(str(field.type)),
                "key" if field.name in key else empty,
                meaning,
            ]
        )
    return table(["column", "type", "", "meaning"], rows)


def _type(arrow_type: str) -> str:
    inner = re.fullmatch(r"list<\w+: (.+)>", arrow_type)
    return f"list of {_type(inner[1])}" if inner else _TYPES[arrow_type]


def _allowed(check: Any) -> str:
    values = (check.statistics or {}).get("allowed_values")
    return f" (one of: {', '.join(map(str, values))})" if values else ""


def _rules(model: type[Table]) -> str:
    """Return the rules over whole rows, as their docstrings say them."""
    told = [check.description for check in model.to_schema().checks if check.description]
    return "".join(f"\n- {rule}" for rule in told) + ("\n" if told else "")
