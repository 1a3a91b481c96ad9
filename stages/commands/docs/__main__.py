"""Regenerate the marked blocks of the documentation.

A block is between `<!-- generated: NAME -->` and `<!-- end -->`. Text outside such markers is never
changed. `--check` changes nothing and names the files whose blocks are out of date.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.docs.blocks import (
    commands_table,
    dag,
    headline_block,
    replace_blocks,
    rules_table,
    stages_table,
    tools_table,
)
from stages.commands.docs.dictionary import dictionary
from stages.commands.docs.glossary import glossary_tables
from stages.commands.docs.options import applications, option_sections
from stages.commands.json_output import AsJson, say_json
from stages.commands.pipeline import order, read_pipeline
from stages.commands.wire import load_stage
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say

FOLDERS = ("docs", "docs/how-to", "docs/tutorials", "docs/stages", "docs/decisions")


def pages(root: Path = Path()) -> list[Path]:
    """Return the Markdown files that may hold blocks or commands, README.md first."""
    names = ("README.md", "CONTRIBUTING.md", "data/README.md", "metrics/README.md")
    files = [root / name for name in names]
    for folder in FOLDERS:
        files += sorted((root / folder).glob("*.md"))
    return [file for file in files if file.is_file()]


def blocks(root: Path) -> dict[str, Callable[[], str]]:
    """Return name to text of each block of the project in `root`.

    A value is a function: the text is generated when it is needed.
    """
    return {
        "stages": lambda: stages_table(read_pipeline(root / "dvc.yaml")),
        "dag": lambda: dag(read_pipeline(root / "dvc.yaml")),
        "commands": lambda: commands_table((root / "Makefile").read_text("utf-8")),
        "tools": lambda: tools_table(root / "stages"),
        "options": lambda: option_sections(applications()),
        "headline": lambda: headline_block(root / "metrics/details"),
        "rules": lambda: rules_table((root / "stages/clean/__main__.py").read_text("utf-8")),
        "metrics": lambda: glossary_tables(root / "metrics"),
        "dictionary": lambda: dictionary({name: load_stage(name) for name in order()}),
    }


def main(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; name what is wrong and exit with 1.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The root of the project.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Regenerate the marked blocks of the documentation."""
    text_of_block = blocks(root)
    files = pages(root)
    before = {file: file.read_text("utf-8") for file in files}
    after = {file: replace_blocks(text, str(file), text_of_block) for file, text in before.items()}

    stale = [file for file in files if before[file] != after[file]]
    names = ", ".join(map(str, stale))
    if as_json:
        is_rewritten = bool(stale) and not check
        say_json({"files": len(files), "out_of_date": stale, "rewritten": is_rewritten})
    if check and stale:
        raise UserError(f"{names}: generated blocks are out of date", "run 'make docs' and commit")
    for file in stale:
        atomic.write_text(file, after[file])
    if not as_json:
        say(f"rewrote {names}" if stale else f"{len(files)} files are up to date")


app = command(main)

if __name__ == "__main__":
    app()
