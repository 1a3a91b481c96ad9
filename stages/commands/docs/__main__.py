"""Regenerate the marked blocks of the documentation: stage table, DAG, commands, metrics, data dictionary.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything outside such markers is
prose and is never touched. `--check` changes nothing and says which blocks are out of date.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.docs.blocks import (
    commands_table,
    dag,
    replace_blocks,
    rules_table,
    stages_table,
)
from stages.commands.docs.dictionary import dictionary
from stages.commands.docs.glossary import glossary_tables
from stages.commands.pipeline import order, read_pipeline
from stages.commands.wire import load_stage
from stages.lib.errors import Problem
from stages.lib.stage import command

FILES = ("README.md", "CONTRIBUTING.md", "data/README.md", "metrics/README.md")


def blocks(root: Path) -> dict[str, Callable[[], str]]:
    """Return how each block is made from the project in `root`, by name."""
    return {
        "stages": lambda: stages_table(read_pipeline(root / "dvc.yaml")),
        "dag": lambda: dag(read_pipeline(root / "dvc.yaml")),
        "commands": lambda: commands_table((root / "Makefile").read_text("utf-8")),
        "rules": lambda: rules_table((root / "stages/clean/__main__.py").read_text("utf-8")),
        "metrics": lambda: glossary_tables(root / "metrics"),
        "dictionary": lambda: dictionary({name: load_stage(name) for name in order()}),
    }


def main(
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; name what is wrong and exit with 1")
    ] = False,
    root: Annotated[Path, typer.Option(help="root of the project")] = Path(),
) -> None:
    """Regenerate the marked blocks of the documentation."""
    made = blocks(root)
    files = [root / name for name in FILES if (root / name).is_file()]
    before = {file: file.read_text("utf-8") for file in files}
    after = {file: replace_blocks(text, str(file), made) for file, text in before.items()}
    stale = [file for file in files if before[file] != after[file]]
    if check and stale:
        raise Problem(
            f"{', '.join(map(str, stale))}: generated blocks are out of date",
            "run 'make docs' and commit",
        )
    for file in stale:
        file.write_text(after[file], "utf-8", newline="\n")
    told = (
        f"rewrote {', '.join(map(str, stale))}" if stale else f"{len(files)} files are up to date"
    )
    typer.echo(told)


app = command(main)

if __name__ == "__main__":
    app()
