"""The options on docs/commands.md are those that `--help` of each command shows."""

import re
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from stages.__main__ import command_files
from stages.commands.docs.options import application, option_sections
from stages.lib.core.errors import UserError

PAGE = Path("docs/commands.md")
SMALL = ("ask", "compare", "verdict")


def app_of(main):
    app = typer.Typer(add_completion=False)
    app.command()(main)
    return app


def main(
    folder: Annotated[Path, typer.Argument(help="Where the | files are.")],
    depth: Annotated[int, typer.Option(min=1, max=9, help="How deep.")] = 3,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing.")] = False,
    secret: Annotated[str, typer.Option(hidden=True)] = "",
):
    """Look into a folder."""


def test_a_command_is_a_section_with_a_row_per_argument_and_option():
    assert option_sections({"look": app_of(main)}) == (
        "### look\n\n"
        "```\npython -m stages look [OPTIONS] {folder}\n```\n\n"
        "Look into a folder.\n\n"
        "| option | what it does |\n"
        "| --- | --- |\n"
        "| `folder <path>` | Where the \\| files are. [required] |\n"
        "| `--depth <int range>` | How deep. [default: 3; 1<=x<=9] |\n"
        "| `--quiet` | Say nothing. |\n"
    )


def test_a_command_without_options_has_no_table():
    def nothing():
        """Do nothing."""

    assert option_sections({"rest": app_of(nothing)}) == (
        "### rest\n\n```\npython -m stages rest [OPTIONS]\n```\n\nDo nothing.\n"
    )


def test_an_option_without_help_is_named():
    def silent(depth: Annotated[int, typer.Option()] = 3):
        """Look."""

    # A default alone is no help.
    with pytest.raises(UserError, match="python -m stages look: --depth <int> has no help"):
        option_sections({"look": app_of(silent)})


def test_every_command_has_a_section_on_the_page():
    text = PAGE.read_text("utf-8")
    sections = re.findall(r"(?m)^### (\w+)$", text)
    assert sections == list(command_files())
    assert len(sections) >= 20


@pytest.mark.parametrize("name", SMALL)
def test_the_page_has_the_options_that_help_shows(name):
    shown = CliRunner().invoke(application(name), ["--help"], env={"COLUMNS": "200"}).output
    section = PAGE.read_text("utf-8").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown)) - {"--help"}
    assert options
    assert set(re.findall(r"(?m)^\| `(--[a-z-]+)", section)) == options


def test_a_command_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "stages.commands.docs.options.command_files", lambda: {"gone": tmp_path / "gone.py"}
    )
    with pytest.raises(UserError, match=r"stages\.commands\.gone cannot be imported"):
        application("gone")
