"""What `clean` leaves of Markdown files: as they are, and as HTML by markdown-it.

    python bench/markdown_files.py FOLDER

For both it prints in how many files marks of Markdown are left outside of code, how many lines end
within a sentence, and how many words are missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from stages.clean.rules import markup_rules, page_rule, repair
from stages.collect.kinds.document_files.markdown_page import read_markdown

_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_MARKS = re.compile(r"^#{1,6} |^---$|\*\*\w|\]\(|^\[.*\]: ", re.MULTILINE)
_BROKEN = re.compile(r"[^\W\d_A-Z],?\n[^\W\d_A-Z]")
_ADDRESSES = re.compile(r"\]\([^)]*\)|<[^<>]*>|^\[.*\]:.*$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_LARGEST = 60_000


def measure(files: list[Path]) -> dict[str, list[int]]:
    """Return each figure for the files as they are, and as HTML."""
    figures = {"marks": [0, 0], "broken": [0, 0], "missing": [0, 0]}
    for file in files:
        text = file.read_text("utf-8", "replace")
        words = set(_WORD.findall(_ADDRESSES.sub("", _CODE.sub("", text)).lower()))
        for index, collected in enumerate((text, read_markdown(text).html)):
            cleaned = repair(collected, markup_rules(lines=True), [page_rule]).text
            prose = _CODE.sub("", cleaned)
            figures["marks"][index] += _MARKS.search(prose) is not None
            figures["broken"][index] += len(_BROKEN.findall(prose))
            figures["missing"][index] += len(words - set(_WORD.findall(cleaned.lower())))
    return figures


def main(
    folder: Annotated[Path, typer.Argument(help="A folder of Markdown files.")],
    most: Annotated[int, typer.Option(help="The largest number of files.")] = 200,
) -> None:
    """Compare Markdown with its HTML, after cleaning."""
    files = [file for file in sorted(folder.rglob("*.md")) if file.stat().st_size < _LARGEST][:most]
    typer.echo(f"{len(files)} files: as they are, as HTML")
    for name, (as_markdown, as_html) in measure(files).items():
        typer.echo(f"{name:8}{as_markdown:8,}{as_html:8,}")


if __name__ == "__main__":
    typer.run(main)
