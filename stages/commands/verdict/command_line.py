"""What the command does with its options: read, judge, print, and say by an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from stages.commands.json_output import say_json
from stages.commands.verdict.judge import judge_files
from stages.commands.verdict.options import FailIf, OutputFormat, VerdictOptions, as_command
from stages.commands.verdict.text import Verdict, markdown_lines, to_dict, verdict_lines
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say

# What --html needs beside NumPy and Typer.
_PACKAGE_OF_MODULE = {"pandas": "pandas", "altair": "altair", "vl_convert": "vl-convert-python"}


def _work(options: VerdictOptions) -> None:
    """Say which of some retrieval runs is better, how sure that is, and what would decide."""
    if options.as_json and options.format_ is OutputFormat.markdown:
        raise UserError("--json and --format markdown are two forms", "leave one out")
    verdict = judge_files(run_names(options.runs), options)

    if options.as_json or options.format_ is OutputFormat.json:
        say_json(to_dict(verdict))
    elif options.format_ is OutputFormat.markdown:
        say("\n".join(markdown_lines(verdict)))
    else:
        say("\n".join(verdict_lines(verdict)))

    if options.html is not None:
        _write_page(verdict, options.html)

    # The exit code is a result and no error.
    if options.fail_if is not None and _fails(verdict, options.fail_if):
        raise typer.Exit(1)


main = as_command(_work)


def _fails(verdict: Verdict, fail_if: FailIf) -> bool:
    """Return whether the last run is so against the first."""
    outcome = verdict.last_against_first.comparison.outcome
    return outcome == "worse" if fail_if is FailIf.worse else outcome != "better"


def _write_page(verdict: Verdict, path: Path) -> None:
    """Write the page.

    Raises:
        UserError: a package that makes its tables or charts is not installed.
    """
    try:
        from stages.commands.verdict.page import verdict_page

        page = verdict_page(verdict)
    except ModuleNotFoundError as error:
        package = _PACKAGE_OF_MODULE.get(error.name or "")
        if package is None:
            raise
        raise UserError(f"--html needs {package}", f"install it: pip install {package}") from None
    atomic.write_text(path, page)


def run_names(runs: Sequence[Path]) -> dict[str, Path]:
    """Return a short name for each run: that of its file without a suffix, or its path.

    Raises:
        UserError: there is one run, or one stands there twice.

    >>> run_names([Path("old/base.run"), Path("new.run")])
    {'base': PosixPath('old/base.run'), 'new': PosixPath('new.run')}
    """
    if len(runs) < 2:
        raise UserError("one run alone cannot be compared", "name two or more")
    if len(set(runs)) < len(runs):
        raise UserError("a run stands there twice", "name each once")

    # Two files of one name are told apart by their paths.
    short_names = [run.stem for run in runs]
    is_short = len(set(short_names)) == len(short_names)
    return {run.stem if is_short else str(run): run for run in runs}
