"""The data dictionary: every table between stages, column by column, from its contract."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from typing import Any

from stages.commands.docs.blocks import table
from stages.lib import schemas
from stages.lib.core.interface import Item, Stage, outputs_of
from stages.lib.core.tables import Table, arrow_schema, key_of
from stages.lib.schemas.runs import QueryResults

_TYPES = {
    "string": "text",
    "double": "number",
    "int8": "integer",
    "int32": "integer",
    "int64": "integer",
    "uint64": "integer",
    "bool": "true or false",
}


def dictionary(stages: Mapping[str, Stage]) -> str:
    """Return a section per contract: what a row is, which files hold it, its columns and rules."""
    items = [item for stage in stages.values() for item in outputs_of(stage.outputs)]
    parts = []
    for model in contract_models():
        files = "".join(f"- `{item.path}`: {item.help}\n" for item in files_of(model, items))
        head = f"## {model.__name__}\n\n{inspect.getdoc(model)}\n\n"
        parts.append(f"{head}{files}\n{_columns(model)}{_rules(model)}")
    return "\n".join(parts)


def contract_models() -> list[type[Table]]:
    """Return every contract, by name."""
    models: dict[str, type[Table]] = {}
    for file in pkgutil.iter_modules(schemas.__path__):
        module = importlib.import_module(f"{schemas.__name__}.{file.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Table) and value is not Table:
                models[value.__name__] = value
    return [models[name] for name in sorted(models)]


def files_of(model: type[Table], items: list[Item]) -> list[Item]:
    """Return the outputs of stages that hold rows of `model`."""
    if model is QueryResults:
        # Written as TSV, so that git can show a diff of it.
        return [item for item in items if item.path.startswith("metrics/queries/")]
    if model.__name__ == "Tokens":
        # The contract of the file has the length of the lists in it.
        return [item for item in items if item.path.endswith("/tokens.parquet")]
    return [item for item in items if item.table is model]


def _columns(model: type[Table]) -> str:
    columns = model.to_schema().columns
    key = key_of(model)
    rows = []
    for field in arrow_schema(model):
        column = columns[field.name]
        meaning = (column.description or "") + "".join(_allowed(check) for check in column.checks)
        empty = "may be missing" if field.nullable else ""
        use = "key" if field.name in key else empty
        rows.append([f"`{field.name}`", _type(str(field.type)), use, meaning])
    return table(["column", "type", "", "meaning"], rows)


def _type(arrow_type: str) -> str:
    inner = re.fullmatch(r"list<\w+: (.+)>", arrow_type)
    return f"list of {_type(inner[1])}" if inner else _TYPES[arrow_type]


def _allowed(check: Any) -> str:
    values = (check.statistics or {}).get("allowed_values")
    return f" (one of: {', '.join(map(str, values))})" if values else ""


def _rules(model: type[Table]) -> str:
    """Return the rules over whole rows, from their docstrings."""
    rules = [check.description for check in model.to_schema().checks if check.description]
    return "".join(f"\n- {rule}" for rule in rules) + ("\n" if rules else "")
