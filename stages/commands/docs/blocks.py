"""Marked blocks in Markdown, and those that describe the pipeline."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath

from stages.commands.headline import headline_lines
from stages.commands.pipeline import StageEntry
from stages.lib.core.errors import UserError
from stages.lib.reporting.details import read_details

_BLOCK = re.compile(
    r"(?m)^<!-- generated: (?P<name>[^ \n]*) -->\n"
    r"(?P<body>(?:(?!<!-- generated: ).*\n)*?)<!-- end -->$"
)
_CODE_SPAN = re.compile(r"(`[^`]*`)")
# What would be read as a tag. A cell may hold lines, which <br> breaks.
_TAG_START = re.compile(r"<(?=[a-z/!?])(?!br>)", re.IGNORECASE)
_MARKER = re.compile(r"(?m)^<!-- generated: .*$")


def replace_blocks(text: str, where: str, made: Mapping[str, Callable[[], str]]) -> str:
    """Return `text` with the body of each marked block generated again.

    `where` names the file in errors.
    """

    def body(block: re.Match[str]) -> str:
        name = block["name"]
        if name not in made:
            raise UserError(
                f"{where}: no block is called '{name}'", f"use one of {', '.join(sorted(made))}"
            )
        return f"<!-- generated: {name} -->\n{made[name]().rstrip()}\n<!-- end -->"

    blocks = list(_BLOCK.finditer(text))
    if len(blocks) != len(_MARKER.findall(text)) or any(
        _MARKER.search(block["body"]) for block in blocks
    ):
        raise UserError(
            f"{where}: a generated block has no end", "close it with a line '<!-- end -->'"
        )
    return _BLOCK.sub(body, text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(head), ["---"] * len(head)]
    for row in rows:
        lines.append([_cell(text) for text in row])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    """Return `text` so that a placeholder such as <name> shows as it is, outside code too."""
    parts = _CODE_SPAN.split(text.replace("|", "\\|"))
    # The odd ones are code.
    parts[::2] = [_TAG_START.sub(r"\\<", part) for part in parts[::2]]
    return "".join(parts)


def stages_table(pipeline: Mapping[str, StageEntry]) -> str:
    """Return a table with a row per stage: what it does, what it reads and writes."""
    rows = []
    for stage in pipeline.values():
        # Every stage writes its details. The table leaves them out.
        details = f"metrics/details/{stage.name}.json"
        outputs = [path for path in stage.written if path != details]
        rows.append([f"**{stage.name}**", stage.desc, _folders(stage.reads), _folders(outputs)])
    return table(["stage", "what it does", "reads", "writes"], rows)


def dag(pipeline: Mapping[str, StageEntry]) -> str:
    """Return the graph of the stages in Mermaid: an arrow from who writes to who reads.

    An arrow is left out if a longer path joins the same two stages. Otherwise the arrows of a stage
    that reads everything would hide the rest.
    """
    # What each stage reads: other stages, or paths that no stage writes.
    sources: dict[str, list[str]] = {}
    for stage in pipeline.values():
        read = [_writer(pipeline, path) or path for path in stage.reads]
        sources[stage.name] = list(dict.fromkeys(read))

    # A node for each path from outside, and for each stage.
    outside = dict.fromkeys(
        source for source in chain.from_iterable(sources.values()) if source not in pipeline
    )
    lines = ["graph TD", *(f"    {_node(path)}[({path})]" for path in outside)]
    lines += [f"    {name}[{name}]" for name in pipeline]

    # An arrow from each source, unless a longer way implies it.
    for name, stage_sources in sources.items():
        implied = set().union(*(_upstream(sources, source) for source in stage_sources))
        direct = [source for source in stage_sources if source not in implied]
        lines += [f"    {_node(source)} --> {name}" for source in direct]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def commands_table(makefile: str) -> str:
    """Return a table of the Makefile's targets that carry a `##` comment, in its order."""
    rows: list[list[str]] = []
    for line in makefile.splitlines():
        target = re.match(r"([a-z][\w-]*+):", line)
        _, _, comment = line.partition("##")
        if target and comment.strip():
            rows.append([f"`make {target[1]}`", comment.strip()])

    return table(["command", "what it does"], rows)


def tools_table(package: Path) -> str:
    """Return a table of the commands of `python -m stages`.

    Each has the first line of its docstring.
    """
    modules = {file.stem: file for file in (package / "commands").glob("[!_]*.py")}
    modules |= {file.parent.name: file for file in (package / "commands").glob("*/__main__.py")}
    rows = []
    for name, file in sorted(modules.items()):
        source = file.read_text("utf-8")
        # A module without an application is a helper.
        if "\napp = " in source:
            docstring = ast.get_docstring(ast.parse(source)) or ""
            rows.append([f"`python -m stages {name}`", docstring.partition("\n")[0]])
    return table(["command", "what it does"], rows)


def headline_block(details: Path) -> str:
    """Return the output of `python -m stages headline` for the details in a folder.

    Raises:
        UserError: the run is incomplete, or one of a sample.
    """
    details_of_stage = {file.stem: read_details(file) for file in sorted(details.glob("*.json"))}
    for stage in ("validate", "evaluate"):
        if stage not in details_of_stage:
            raise UserError(f"{details}/{stage}.json does not exist", "run 'dvc repro' first")

    # What the project shows to readers is measured on all rows.
    share = details_of_stage["evaluate"].get("sample")
    if share is not None:
        raise UserError(
            f"{details} holds the numbers of a sample (run.sample: {share:g}), "
            "and README.md shows those of all rows",
            "set run.sample to null and run 'dvc repro', or take the committed numbers back with "
            "'git checkout metrics'",
        )

    lines = headline_lines(details_of_stage)
    return "```\n" + "\n".join(lines) + "\n```\n"


def rules_table(source: str) -> str:
    """Return a table of the rules of the stage `clean`, in their order.

    `source` is the code of the stage. Its docstring lists the rules.
    """
    rows: list[list[str]] = []
    for line in (ast.get_docstring(ast.parse(source)) or "").splitlines():
        # "    rule   what it mends   file.py, other.py"
        text, _, files = line.rpartition("  ")
        rule = re.match(r" {4}(\w++) ++(?=\S)", text)
        if rule and re.fullmatch(r"(?:\w++\.py(?:, )?)+", files):
            rows.append([f"`{rule[1]}`", text[rule.end() :].rstrip()])

    return table(["rule", "what it mends"], rows)


def _writer(pipeline: Mapping[str, StageEntry], path: str) -> str | None:
    for stage in pipeline.values():
        if any(
            path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/")
            for out in stage.written
        ):
            return stage.name
    return None


def _upstream(sources: Mapping[str, Sequence[str]], name: str) -> set[str]:
    """Return everything that `name` depends on, itself not included."""
    direct = sources.get(name, [])
    return {*direct, *(far for source in direct for far in _upstream(sources, source))}


def _node(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _folders(paths: Iterable[str]) -> str:
    """Return `paths` in short: files of one folder behind its name, tables without their suffix."""
    folders: dict[PurePosixPath, list[str]] = {}
    for path in map(PurePosixPath, paths):
        folders.setdefault(path.parent, []).append(path.name.removesuffix(".parquet"))
    return "<br>".join(f"`{folder}/` {', '.join(names)}" for folder, names in folders.items())
