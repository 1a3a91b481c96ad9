"""Declare the inputs, outputs and parameters of a stage once, and run the stage from it.

The `interface.py` of a stage holds three frozen dataclasses. Each field of `Inputs` and `Outputs`
is annotated with its path and a help text; each field of `Params` is a section of params.yaml:

    @dataclass(frozen=True)
    class Inputs:
        pairs: Annotated[TableFile[Pairs], Reads("data/pair/pairs.parquet", "Pairs as built.")]
        frozen: Annotated[Path, Reads("data/frozen", "Rows that keep their split.")]

    @dataclass(frozen=True)
    class Params:
        split: SplitParams

    @dataclass(frozen=True)
    class Outputs:
        splits: Annotated[
            pd.DataFrame,
            Writes("data/split/splits.parquet", "A row per id.", Splits),
        ]
        details: Annotated[Details, Writes("metrics/details/split.json", "Row accounting.")]

The `__main__.py` of the stage defines `run(inputs: Inputs, params: Params) -> Outputs` and wraps
it in `Stage`. The command line, dvc.yaml and the data dictionary follow from these classes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    NamedTuple,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

import pandas as pd
import typer

from stages.lib.core import atomic, tables
from stages.lib.core.csv_cells import safe_texts
from stages.lib.core.params import ParamsSection, load_section
from stages.lib.core.stage import command, write_details, write_metrics
from stages.lib.core.tables import Table
from stages.lib.core.temporary_folders import temporary_folder

AnyTable = TypeVar("AnyTable", bound=Table)

# Flat metrics or details. A dot in a key of details makes a level of nesting in the file.
Metrics = Mapping[str, float | int | str | bool]
Details = Mapping[str, float | int | str | bool]


@dataclass(frozen=True)
class Reads:
    """The declaration of an input.

    Attributes:
        path: the file or folder, relative to the root of the project.
        help: one sentence for `--help` and the data dictionary.
        required: whether the file must exist before the stage starts. False for a table that only
            some parameters ask for.
    """

    path: str
    help: str
    required: bool = True


@dataclass(frozen=True)
class Writes:
    """The declaration of an output.

    Attributes:
        path: the file or folder, relative to the root of the project. DVC caches it, unless it
            lies under metrics/, which git holds.
        help: one sentence for `--help` and the data dictionary.
        table: the contract of a Parquet file; None for other files, and for a `CheckedTable`,
            which brings its own.
    """

    path: str
    help: str
    table: type[Table] | None = None


@dataclass(frozen=True)
class Folder:
    """The declaration of a field that is a dataclass. Paths of its fields begin with `path`."""

    path: str


@dataclass(frozen=True)
class Scratch:
    """The declaration of a temporary folder. It is removed after the outputs are written."""


@dataclass(frozen=True)
class AfterWriting:
    """The declaration of a function that is called after all outputs are written."""


class TableFile(Generic[AnyTable]):
    """A table on disk that a stage reads. Every row is checked when it is read."""

    def __init__(self, path: Path, table: type[AnyTable]) -> None:
        self.path = path
        self.table = table

    def frame(self, **equal: str | int) -> pd.DataFrame:
        """Return the whole table, or the rows whose columns have the values of `equal`.

        Raises:
            UserError: the file is missing, damaged, or breaks the contract.
        """
        return tables.read(self.path, self.table, **equal)

    def frame_without(self, column: str) -> pd.DataFrame:
        """Return the table without a large column, as `tables.read_without` does."""
        return tables.read_without(self.path, self.table, column)

    def batches(self) -> Iterator[pd.DataFrame]:
        """Yield the table in order, a row group (at most 4,096 rows) at a time."""
        for shard in self.shards():
            yield tables.read_shard(shard, self.table)

    def shards(self) -> list[tables.Shard]:
        """Return the row groups of the file, in order, for work in parallel."""
        return tables.shards(self.path)


@runtime_checkable
class TableWriter(Protocol):
    """A table that is larger than memory, or one that brings its own contract."""

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the table to `path`; `table` is the contract that the output declares."""


class CheckedTable(NamedTuple):
    """A frame with a contract that depends on values, such as the length of token lists."""

    frame: pd.DataFrame
    table: type[Table]

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Check the frame against its own contract and write it."""
        assert table is None, "a CheckedTable is declared without a table"
        tables.write(self.frame, path, self.table)


class Item(NamedTuple):
    """An input or output of a stage, as the command line and dvc.yaml need it.

    Attributes:
        name: the name of the parameter of `main`, and of the option (with dashes).
        path: the default path.
        help: one sentence.
        table: the contract of the table, or None.
        required: whether an input must exist before the stage starts.
    """

    name: str
    path: str
    help: str
    table: type[Table] | None
    required: bool = True


def inputs_of(declared: type) -> list[Item]:
    """Return the inputs that the dataclass `declared` names, nested ones included."""
    return list(_inputs(declared, "", ""))


def outputs_of(declared: type) -> list[Item]:
    """Return the outputs that the dataclass `declared` names, nested ones included."""
    return list(_outputs(declared, "", ""))


def sections_of(declared: type) -> dict[str, type[ParamsSection]]:
    """Return field name to section model for the dataclass `declared`, a stage's Params."""
    return {field.name: _hints(declared)[field.name] for field in fields(declared)}


def param_keys(declared: type) -> list[str]:
    """Return what a stage's Params read of params.yaml: sections, or single keys (`run.seed`).

    A model that ignores unknown keys reads a part of its section; its fields are the keys.
    """
    keys: list[str] = []
    for model in sections_of(declared).values():
        if model.model_config.get("extra") == "ignore":
            keys += [f"{model.section}.{name}" for name in model.model_fields]
        else:
            keys.append(model.section)
    return keys


class Stage:
    """A stage as a command, made from its declared inputs, parameters and outputs.

    Args:
        run: the pure function of the stage, `run(inputs: Inputs, params: Params) -> Outputs`.
        groups: dependency groups of pyproject.toml whose versions must be the installed ones.
        optional_groups: groups that only some parameters need; the stage checks them itself.
        wheels: whether the stage reads wheels as data; their pins are parameters of the stage too.

    Attributes:
        main: the command as a function. Each input and output is a keyword argument, a Path.
        app: the Typer application, for `python -m stages.NAME`.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        groups: tuple[str, ...],
        *,
        optional_groups: tuple[str, ...] = (),
        wheels: bool = False,
    ) -> None:
        hints = get_type_hints(run)
        self.run = run
        self.groups = groups
        self.optional_groups = optional_groups
        self.wheels = wheels
        self.inputs: type = hints["inputs"]
        self.params: type = hints["params"]
        self.outputs: type = hints["return"]
        self.main = self._make_main()
        self.app = command(self.main, *groups, alone=True)

    def _make_main(self) -> Callable[..., None]:
        inputs = inputs_of(self.inputs)
        outputs = outputs_of(self.outputs)
        defaults = {item.name: Path(item.path) for item in (*inputs, *outputs)}
        assert len(defaults) == len(inputs) + len(outputs), "two fields share a name"

        def main(**paths: Path) -> None:
            unknown = sorted(set(paths) - set(defaults))
            if unknown:
                raise TypeError(f"main() has no argument {unknown[0]!r}")
            self._execute({**defaults, **paths})

        # Typer reads the options from the signature.
        options = [_option(item) for item in (*inputs, *outputs)]
        main.__signature__ = inspect.Signature(options, return_annotation=None)  # type: ignore[attr-defined]
        main.__annotations__ = {option.name: option.annotation for option in options}
        main.__doc__ = (self.run.__doc__ or "").partition("\n")[0]
        return main

    def _execute(self, paths: Mapping[str, Path]) -> None:
        # Parameters first: their errors are the cheapest to find.
        params = self._load_params()

        # What is needed must be there before the work begins, and nothing of the user is replaced.
        for item in inputs_of(self.inputs):
            if item.table is not None and item.required:
                tables.shards(paths[item.name])
        for item in outputs_of(self.outputs):
            if paths[item.name] != Path(item.path):
                atomic.check_free(paths[item.name])

        with temporary_folder() as scratch:
            inputs = _build_inputs(self.inputs, "", paths, scratch)
            outputs = self.run(inputs, params)
            _write_outputs(outputs, "", paths)

        for function in _functions_after(outputs):
            function()

    def _load_params(self) -> Any:
        sections = sections_of(self.params)
        return self.params(**{name: load_section(model) for name, model in sections.items()})


def _option(item: Item) -> inspect.Parameter:
    annotation = Annotated[Path, typer.Option(help=item.help)]
    return inspect.Parameter(
        item.name, inspect.Parameter.KEYWORD_ONLY, default=Path(item.path), annotation=annotation
    )


def _hints(declared: type) -> dict[str, Any]:
    return get_type_hints(declared, include_extras=True)


def _annotation(hint: Any) -> tuple[Any, Any]:
    """Return the type and the declaration of a field; raises TypeError when it has none."""
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, Reads | Writes | Folder | Scratch | AfterWriting):
                return kind, extra
    raise TypeError(f"the field of type {hint} has no declaration such as Reads or Writes")


def _declared_fields(declared: type) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, type and declaration of each field of a dataclass."""
    hints = _hints(declared)
    for field in fields(declared):
        kind, declaration = _annotation(hints[field.name])
        yield field.name, kind, declaration


def _contract(kind: Any) -> type[Table] | None:
    """Return the contract of `TableFile[Contract]`; None for other types."""
    return get_args(kind)[0] if get_origin(kind) is TableFile else None


def _inputs(declared: type, prefix: str, folder: str) -> Iterator[Item]:
    for name, kind, declaration in _declared_fields(declared):
        if isinstance(declaration, Folder):
            yield from _inputs(kind, f"{prefix}{name}_", f"{folder}{declaration.path}/")
        elif isinstance(declaration, Reads):
            yield Item(
                name=prefix + name,
                path=folder + declaration.path,
                help=declaration.help,
                table=_contract(kind),
                required=declaration.required,
            )


def _outputs(declared: type, prefix: str, folder: str) -> Iterator[Item]:
    for name, kind, declaration in _declared_fields(declared):
        if isinstance(declaration, Folder):
            yield from _outputs(kind, f"{prefix}{name}_", f"{folder}{declaration.path}/")
        elif isinstance(declaration, Writes):
            yield Item(
                name=_output_name(prefix + name),
                path=folder + declaration.path,
                help=declaration.help,
                table=declaration.table,
            )


def _output_name(name: str) -> str:
    return name if name in {"metrics", "details"} else f"out_{name}"


def _build_inputs(declared: type, prefix: str, paths: Mapping[str, Path], scratch: Path) -> Any:
    values: dict[str, Any] = {}
    for name, kind, declaration in _declared_fields(declared):
        table = _contract(kind)
        if isinstance(declaration, Folder):
            values[name] = _build_inputs(kind, f"{prefix}{name}_", paths, scratch)
        elif isinstance(declaration, Scratch):
            values[name] = scratch
        elif table is not None:
            values[name] = TableFile(paths[prefix + name], table)
        else:
            values[name] = paths[prefix + name]
    return declared(**values)


def _write_outputs(outputs: Any, prefix: str, paths: Mapping[str, Path]) -> None:
    for name, kind, declaration in _declared_fields(type(outputs)):
        value = getattr(outputs, name)
        if isinstance(declaration, Folder):
            assert is_dataclass(kind)
            _write_outputs(value, f"{prefix}{name}_", paths)
        elif isinstance(declaration, Writes):
            _write(value, paths[_output_name(prefix + name)], declaration.table, name)


def _write(value: Any, path: Path, table: type[Table] | None, name: str) -> None:
    """Write one output by the type of its value."""
    if isinstance(value, TableWriter):
        value.write(path, table)
    elif isinstance(value, pd.DataFrame) and table is not None:
        tables.write(value, path, table)
    elif isinstance(value, pd.DataFrame):
        with atomic.write(path) as temporary:
            safe_texts(value).to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    elif isinstance(value, Mapping):
        (write_metrics if name == "metrics" else write_details)(value, path)
    elif isinstance(value, str):
        atomic.write_text(path, value)
    elif callable(value):
        with atomic.write(path, folder=True) as temporary:
            value(temporary)
    else:
        raise TypeError(f"no rule writes the output {name}, a {type(value).__name__}")


def _functions_after(outputs: Any) -> list[Callable[[], None]]:
    fields = _declared_fields(type(outputs))
    names = [name for name, _, declaration in fields if isinstance(declaration, AfterWriting)]
    return [getattr(outputs, name) for name in names]
