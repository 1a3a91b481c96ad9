"""The glossary of metrics: metrics/glossary.yaml, checked against the metrics that there are."""

from __future__ import annotations

import re
from itertools import chain, groupby
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.commands.docs.blocks import table
from stages.lib.core.errors import UserError
from stages.lib.core.yaml_files import read_yaml
from stages.lib.reporting.details import read_details

_MARKS = {"higher": "higher", "lower": "lower", "zero": "**must be 0**", "neither": ""}


class Entry(BaseModel):
    """What one metric, or one pattern of metrics, means."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    says: str
    unit: str
    better: Literal["higher", "lower", "zero", "neither"]
    only_with: str = ""


class Glossary(BaseModel):
    """The content of metrics/glossary.yaml: entries by `<stage>.<key>`, and all placeholders.

    A `<placeholder>` has a list of values. If the user chooses the values, it has a sentence that
    describes them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    placeholders: dict[str, list[str] | str]
    metrics: dict[str, Entry]

    def pattern(self, name: str) -> re.Pattern[str]:
        """Return what the metrics called `name` look like."""
        literals = re.split(r"<\w+>", name)
        values = []
        for placeholder in re.findall(r"<(\w+)>", name):
            value = self.placeholders[placeholder]
            any_value = "[^.]+" if isinstance(value, str) else "|".join(map(re.escape, value))
            values.append(any_value)
        return re.compile(
            "".join(
                f"{re.escape(literal)}({value})"
                for literal, value in zip(literals, [*values, ""], strict=True)
            )
        )


def read_glossary(path: Path) -> Glossary:
    """Return the glossary in `path`, checked."""
    try:
        glossary = Glossary.model_validate(read_yaml(path))
    except ValidationError as error:
        fault = error.errors()[0]
        raise UserError(
            f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}",
            "an entry has 'says', 'unit', 'better' (higher, lower, zero, neither), "
            "and 'only_with' if it can be absent",
        ) from None
    for name in glossary.metrics:
        if unknown := set(re.findall(r"<(\w+)>", name)) - set(glossary.placeholders):
            raise UserError(
                f"{path}: {name} has an unknown placeholder {min(unknown)}",
                "list its values at the top",
            )
    return glossary


def check_glossary(glossary: Glossary, metrics: Path) -> None:
    """Raise UserError when a key of the details in `metrics` has no entry, or an entry no key.

    An entry with `only_with` may be without a metric, and so may those of a stage that has not run.
    """
    keys_of_stage: dict[str, list[str]] = {}
    for file in (metrics / "details").glob("*.json"):
        keys_of_stage[file.stem] = [f"{file.stem}.{key}" for key in read_details(file)]
    present = sorted(chain.from_iterable(keys_of_stage.values()))
    patterns = {name: glossary.pattern(name) for name in glossary.metrics}

    # Every key needs an entry.
    explained = re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns.values()))
    unexplained = [key for key in present if not explained.fullmatch(key)]
    if unexplained:
        raise UserError(
            f"{metrics}: no entry explains {', '.join(unexplained)}",
            f"write one in {metrics}/glossary.yaml",
        )

    # Every entry of a stage that has run needs a key, unless it says when there is one.
    unused = []
    for name, pattern in patterns.items():
        has_run = name.partition(".")[0] in keys_of_stage
        is_needed = has_run and not glossary.metrics[name].only_with
        if is_needed and not any(map(pattern.fullmatch, present)):
            unused.append(name)
    if unused:
        raise UserError(
            f"{metrics}/glossary.yaml explains what no stage writes: {', '.join(unused)}",
            "remove the entry, or say with 'only_with' when it is there",
        )


def glossary_tables(metrics: Path) -> str:
    """Return the glossary of the folder `metrics` as Markdown, a table per stage."""
    glossary = read_glossary(metrics / "glossary.yaml")
    check_glossary(glossary, metrics)
    parts = []
    for stage, names in groupby(glossary.metrics, key=lambda name: name.partition(".")[0]):
        rows = []
        for name in names:
            entry = glossary.metrics[name]
            says = entry.says + (f" Only with {entry.only_with}." if entry.only_with else "")
            rows.append([f"`{name.partition('.')[2]}`", says, entry.unit, _MARKS[entry.better]])
        title = "All stages that pass rows on" if stage == "<stage>" else stage
        parts.append(f"## {title}\n\n" + table(["metric", "what it says", "unit", "better"], rows))

    # What each placeholder stands for.
    values = []
    for name, value in glossary.placeholders.items():
        if isinstance(value, str):
            meaning = value
        else:
            meaning = ", ".join(f"`{item}`" if item else "nothing" for item in value)
        values.append(f"- `<{name}>`: {meaning}\n")
    return "\n".join(parts) + "\nwhere\n\n" + "".join(values)
