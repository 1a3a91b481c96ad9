"""The arguments and options of each command, as its own `--help` tells them.

Typer builds the help from the signature of a command. The page asks the same objects, so that it
says what `--help` says.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import typer

from stages.__main__ import command_files
from stages.commands.docs.blocks import table
from stages.lib.core.errors import UserError


def application(name: str) -> typer.Typer:
    """Return the Typer application of the command `name`.

    Raises:
        UserError: the module of the command cannot be imported.
    """
    # A command is a module, or a package with a module __main__.
    is_package = command_files()[name].name == "__main__.py"
    module = f"stages.commands.{name}" + (".__main__" if is_package else "")
    try:
        app: typer.Typer = importlib.import_module(module).app
    except (ImportError, SyntaxError) as error:
        raise UserError(
            f"{module} cannot be imported: {error}",
            f"run 'python -m stages {name} --help', and correct what it shows",
        ) from None
    return app


def applications() -> dict[str, typer.Typer]:
    """Return the application of each command, by name."""
    return {name: application(name) for name in command_files()}


def option_sections(apps: Mapping[str, typer.Typer]) -> str:
    """Return a section per command: how it is called, what it does, and its options.

    Raises:
        UserError: an argument or an option has no help.
    """
    return "\n".join(_section(name, app) for name, app in apps.items())


def _section(name: str, app: typer.Typer) -> str:
    command = typer.main.get_command(app)
    context = command.context_class(command, info_name=name)
    usage = " ".join(["python -m stages", name, *command.collect_usage_pieces(context)])

    # A row per argument and option. Every command has `--help`, which is left out.
    rows: list[list[str]] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or parameter.name == "help":
            continue

        # The record holds the default beside the help, so it is never quite empty.
        written, meaning = record
        if not getattr(parameter, "help", ""):
            raise UserError(
                f"python -m stages {name}: {written} has no help",
                "write 'help=' where the option is declared",
            )
        rows.append([f"`{written}`", " ".join(meaning.split())])

    head = f"### {name}\n\n```\n{usage}\n```\n\n{(command.help or '').strip()}\n"
    return f"{head}\n{table(['option', 'what it does'], rows)}" if rows else head
