"""The command as a program of its own, without the pipeline: `pairsmith-verdict`.

    pairsmith-verdict base.run new.run --qrels test.qrels

packages/verdict builds a wheel from this file and those that it reaches.
"""

from __future__ import annotations

import functools
from typing import Any

import typer

from stages.commands.verdict.command_line import main
from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say_error


@functools.wraps(main)
def _guarded(*args: Any, **kwargs: Any) -> None:
    try:
        main(*args, **kwargs)
    except UserError as problem:
        say_error(f"error: {problem}")
        raise typer.Exit(1) from None


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(_guarded)

if __name__ == "__main__":
    app()
