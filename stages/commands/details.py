"""Show the details that stages wrote, or what changed in them since a revision.

    python -m stages details                    all stages
    python -m stages details split              one stage
    python -m stages details split --diff main  only what changed since a revision or experiment
    python -m stages details --json             the same as one JSON document, with whole values

Details are in metrics/details/. Rows are grouped by topic, the first level of their keys. They are
tables on a terminal, and plain text elsewhere. No line is longer than 100 characters.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from stages.commands.compare.versions import Version, find_version
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.commands.pipeline import order
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import printable, say

if TYPE_CHECKING:
    from rich.table import Table

MAX_WIDTH = 100
_KEY_WIDTH = 46
_VALUE_WIDTH = 44  # of the only value
_DIFF_WIDTH = 14  # of each of three values

# Rounding errors of a difference of two rounded numbers.
_DECIMALS = 6


# The details of a stage in two versions, by key.
BothDetails = tuple[Mapping[str, Any], Mapping[str, Any]]


class DetailRow(NamedTuple):
    """One row: its key without the topic, and its cells: the value; or old, new and change."""

    key: str
    cells: list[str]


class DetailRows(NamedTuple):
    """The rows of one stage by topic. Keys without a dot have the topic ""."""

    stage: str
    rows_of_topic: dict[str, list[DetailRow]]


def value_rows(stage: str, details: Mapping[str, Any]) -> DetailRows:
    """Return a row with the value of each key.

    >>> rows_of_topic = value_rows("split", {"dropped.protected": 0, "rows_in": 1200}).rows_of_topic
    >>> list(rows_of_topic)
    ['', 'dropped']
    >>> rows_of_topic[""]
    [DetailRow(key='rows_in', cells=['1,200'])]
    >>> rows_of_topic["dropped"]
    [DetailRow(key='protected', cells=['0'])]
    """
    cells_of_key = {}
    for key, value in details.items():
        cells_of_key[key] = [shorten(format_value(value), _VALUE_WIDTH)]

    return DetailRows(stage, _by_topic(cells_of_key))


def changed_rows(stage: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> DetailRows:
    """Return a row with old value, new value and change of each key whose values differ.

    >>> before = {"rows_out": 90, "same": 1}
    >>> after = {"rows_out": 95, "same": 1}
    >>> changed_rows("clean", before, after).rows_of_topic
    {'': [DetailRow(key='rows_out', cells=['90', '95', '+5'])]}
    """
    cells_of_key = {}
    for key in before.keys() | after.keys():
        old = before.get(key)
        new = after.get(key)
        if old != new:
            cells = [format_value(old), format_value(new), format_change(old, new)]
            cells_of_key[key] = [shorten(cell, _DIFF_WIDTH) for cell in cells]

    return DetailRows(stage, _by_topic(cells_of_key))


def format_value(value: object) -> str:
    """Return a value as text, numbers with thousands separators; a dash if there is none.

    >>> [format_value(value) for value in (21184, 0.0244, True, "fd80", None)]
    ['21,184', '0.0244', 'yes', 'fd80', '-']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"

    # The shortest decimal number that is the same float.
    if isinstance(value, int | float):
        return f"{value:,}"
    return str(value)


def format_change(old: object, new: object) -> str:
    """Return the difference of two numbers; "added", "removed" or "changed" for other values.

    >>> format_change(0.3, 0.1), format_change(None, 3), format_change("a", "b")
    ('-0.2', 'added', 'changed')
    """
    if old is None:
        return "added"
    if new is None:
        return "removed"

    # True is a number to Python, but has no difference to report.
    if isinstance(old, bool) or isinstance(new, bool):
        return "changed"
    if isinstance(old, int | float) and isinstance(new, int | float):
        return f"{round(new - old, _DECIMALS):+,}"
    return "changed"


def shorten(text: str, width: int) -> str:
    """Return `text` on one line, with at most `width` characters.

    >>> shorten("fd802f225ad4ee30", 10)
    'fd802f2...'
    """
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 3]}..."


def plain_lines(details: DetailRows) -> list[str]:
    """Return the rows of a stage as aligned text, topics with a line of their own."""
    # Each column is as wide as its longest cell, in all topics.
    rows: list[DetailRow] = []
    for topic_rows in details.rows_of_topic.values():
        rows += topic_rows
    key_width = max(len(row.key) for row in rows)
    columns = zip(*(row.cells for row in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]

    lines = [details.stage]
    for topic, topic_rows in details.rows_of_topic.items():
        if topic:
            lines += ["", f"  {topic}"]
        for row in topic_rows:
            cells = [cell.rjust(width) for cell, width in zip(row.cells, widths, strict=True)]
            lines.append("  ".join([f"    {row.key:<{key_width}}", *cells]))
    return lines


def rich_table(details: DetailRows) -> Table:
    """Return the rows of a stage as a table for a terminal, a section per topic."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows_of_topic = details.rows_of_topic
    count = len(next(iter(rows_of_topic.values()))[0].cells)
    names = ["value"] if count == 1 else ["old", "new", "change"]

    # On a narrow terminal keys are folded, and values are never cut.
    table = Table(title=details.stage, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("topic", style="bold", overflow="fold")
    table.add_column("key", overflow="fold")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)

    # The topic stands beside its first row. Text, since a value may look like markup.
    for topic, rows in rows_of_topic.items():
        for index, row in enumerate(rows):
            first = topic if index == 0 else ""
            cells = [printable(cell) for cell in (first, row.key, *row.cells)]
            table.add_row(*map(Text, cells))
        table.add_section()
    return table


def main(
    stage: Annotated[
        str | None, typer.Argument(help="Name of a stage; default: all stages.")
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="Show only what changed between this revision or experiment and the working tree.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the details that stages wrote, or what changed in them since a revision."""
    # The stages to show, in the order of the pipeline.
    stages = order()
    if stage is not None:
        _check_stage(stage)
        stages = [stage]

    now = find_version(None)
    if diff is None:
        values = _all_values(now, stages)
        shown = [value_rows(name, details) for name, details in values.items()]
        document: dict[str, Any] = {"stages": values}
    else:
        changes = _all_changes(find_version(diff), now, stages)
        shown = [changed_rows(name, *both) for name, both in changes.items()]
        document = {"before": diff, "stages": _changed_values(changes)}
        if not shown:
            tell = message_printer(as_json)
            tell(f"no detail differs between {diff} and the working tree")

    if as_json:
        say_json(document)
    else:
        _show(shown)


def _show(shown: list[DetailRows]) -> None:
    from rich.console import Console

    # Tables for a person, plain text for a pipe or a log.
    console = Console()
    for index, details in enumerate(shown):
        if console.is_terminal:
            console.print(rich_table(details), width=min(MAX_WIDTH, console.width))
        else:
            separator = [""] if index else []
            say("\n".join([*separator, *plain_lines(details)]))


def _check_stage(stage: str) -> None:
    stages = order()
    if stage in stages:
        return

    close = difflib.get_close_matches(stage, stages)
    remedy = f"the stages are {', '.join(stages)}"
    if close:
        remedy = f"did you mean {' or '.join(close)}?"
    raise UserError(f"there is no stage '{stage}'", remedy)


def _all_values(version: Version, stages: list[str]) -> dict[str, Mapping[str, Any]]:
    """Return the values of each stage that has details; raises UserError if none has."""
    values: dict[str, Mapping[str, Any]] = {}
    for stage in stages:
        details = version.details(stage)
        if details:
            values[stage] = details

    if not values:
        name = stages[0] if len(stages) == 1 else "<stage>"
        raise UserError(
            f"metrics/details/{name}.json does not exist",
            "run 'dvc repro' first, or 'git checkout metrics'",
        )
    return values


def _all_changes(before: Version, after: Version, stages: list[str]) -> dict[str, BothDetails]:
    """Return the details before and after of each stage in which a value differs."""
    changes: dict[str, BothDetails] = {}
    for stage in stages:
        both = (before.details(stage), after.details(stage))
        if changed_rows(stage, *both).rows_of_topic:
            changes[stage] = both

    return changes


def _changed_values(changes: Mapping[str, BothDetails]) -> dict[str, dict[str, list[Any]]]:
    """Return stage to key to both values, where they differ; None if a side lacks the key."""
    values_of_stage: dict[str, dict[str, list[Any]]] = {}
    for stage, (before, after) in changes.items():
        values: dict[str, list[Any]] = {}
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                values[key] = [before.get(key), after.get(key)]
        values_of_stage[stage] = values

    return values_of_stage


def _by_topic(cells_of_key: Mapping[str, list[str]]) -> dict[str, list[DetailRow]]:
    """Return the rows by topic, sorted; keys without a topic first."""
    rows_of_topic: dict[str, list[DetailRow]] = {}

    for full_key in sorted(cells_of_key, key=lambda key: ("." in key, key)):
        # `dropped.empty` has the topic `dropped`, `rows_in` has none.
        topic, dot, key = full_key.partition(".")
        if not dot:
            topic = ""
            key = full_key

        # The end of a long key says more than its beginning.
        if len(key) > _KEY_WIDTH:
            key = f"...{key[3 - _KEY_WIDTH :]}"
        rows_of_topic.setdefault(topic, []).append(DetailRow(key, cells_of_key[full_key]))

    return rows_of_topic


app = command(main)

if __name__ == "__main__":
    app()
