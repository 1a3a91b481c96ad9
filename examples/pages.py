"""Fill a page about an example with what its commands print in the clone of a finished run.

    python examples/pages.py docs/examples/faq.md runs/examples/faq

A page holds outputs. Above each stands the command that printed it:

    <!-- output: python -m stages details clean -->
    <!-- model output: python -m stages headline -->

Below follows a block between two lines of three backticks. An output that a model decides is marked
as `model output`: on another kind of processor its figures may differ in the last digits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.lib.core.atomic import write_text
from stages.lib.core.errors import UserError

FENCE = "```"
MARKS = {"<!-- output: ": False, "<!-- model output: ": True}
MARK_END = " -->"


class Output(NamedTuple):
    """An output on a page.

    Attributes:
        command: the command that prints it, for bash.
        is_of_model: whether a model decides its figures.
        start: the index of its first line among the lines of the page.
        end: the index after its last line.
    """

    command: str
    is_of_model: bool
    start: int
    end: int


def outputs(lines: Sequence[str]) -> list[Output]:
    """Return the outputs of a page, in order.

    Raises:
        UserError: a command has no block below it.
    """
    blocks: list[Output] = []
    for index, line in enumerate(lines):
        for mark, is_of_model in MARKS.items():
            if not line.startswith(mark):
                continue

            command = line.removeprefix(mark).removesuffix(MARK_END)
            if index + 1 >= len(lines) or lines[index + 1] != FENCE:
                raise UserError(
                    f"line {index + 1}: no block follows '{command}'", f"write {FENCE} twice below"
                )
            end = lines.index(FENCE, index + 2)
            blocks.append(Output(command, is_of_model, index + 2, end))
    return blocks


def printed(command: str, clone: Path) -> list[str]:
    """Return the lines that a command prints in the root of `clone`, errors included."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    process = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=clone,
        env={**os.environ, "PATH": path, "CI": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [line.rstrip() for line in process.stdout.rstrip().splitlines()]


def filled(page: str, clone: Path) -> str:
    """Return the text of a page with the outputs of a finished run."""
    lines = page.splitlines()

    # From the last output to the first, so that the places of the others hold.
    for output in reversed(outputs(lines)):
        lines[output.start : output.end] = printed(output.command, clone)
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Fill the page that `arguments` name, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fill the outputs of a page.")
    parser.add_argument("page", type=Path, help="the page, a Markdown file")
    parser.add_argument("clone", type=Path, help="the clone of the example, after its run")
    options = parser.parse_args(arguments)

    text = filled(options.page.read_text("utf-8"), options.clone.absolute())
    write_text(options.page, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
