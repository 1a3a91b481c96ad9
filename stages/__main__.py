"""List all stages and commands, and run the one that is named.

    python -m stages                  the list
    python -m stages split --help     a stage (the same as python -m stages.split --help)
    python -m stages explain ID       a command

`explore` is both: without options it is the stage, and with options the command. The options of the
stage are those of `python -m stages.explore`.

The list is read from the sources without importing them, so it prints at once.
"""

from __future__ import annotations

import ast
import difflib
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

from stages.commands.pipeline import order
from stages.lib.core.errors import UserError

HERE = Path(__file__).parent


def stage_files() -> dict[str, Path]:
    """Return name to file of each stage, in the order of the pipeline.

    Stages that are not in the pipeline come last.
    """
    files = _entry_files(HERE)
    for folder in ("commands", "lib"):
        files.pop(folder, None)

    ordered = [name for name in order() if name in files]
    others = sorted(files.keys() - set(ordered))
    return {name: files[name] for name in [*ordered, *others]}


def command_files() -> dict[str, Path]:
    """Return name to file of each command, by name. A module without an `app` is a helper."""
    files = sorted(_entry_files(HERE / "commands").items())

    return {name: path for name, path in files if _defines_app(path)}


def listing() -> str:
    """Return the text that `python -m stages` prints."""
    stages = stage_files()
    commands = command_files()
    width = max(map(len, [*stages, *commands]))

    lines = [
        "usage: python -m stages NAME [options]     (python -m stages NAME --help: the options)"
    ]
    lines += ["", "The pipeline, in the order in which 'dvc repro' runs it:"]
    lines += _listing_lines(stages, width)
    lines += ["", "Commands about a run, and upkeep:"]
    lines += _listing_lines(commands, width)
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run the stage or command that `arguments` name, and return the exit code.

    A stage that ends by itself exits with its own code.
    """
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(listing())
        return 0

    # Commands and stages by name. Of one name, options are those of the command.
    name, *options = arguments
    modules = {stage: f"stages.{stage}" for stage in stage_files()}
    for known in command_files():
        if options or known not in modules:
            modules[known] = f"stages.commands.{known}"
    if name not in modules:
        sys.stderr.write(f"error: {_unknown_name(name, list(modules))}\n")
        return 1

    # Run as __main__, as 'python -m' does: worker processes look for the functions there.
    sys.argv = [name, *options]
    runpy.run_module(modules[name], run_name="__main__", alter_sys=True)
    return 0


def _listing_lines(files: Mapping[str, Path], width: int) -> list[str]:
    return [f"  {name:<{width}}  {_first_line(path)}" for name, path in files.items()]


def _unknown_name(name: str, names: list[str]) -> UserError:
    close = difflib.get_close_matches(name, names)
    remedy = "'python -m stages' lists all names"
    if close:
        remedy = f"did you mean {' or '.join(close)}?"

    return UserError(f"there is no stage or command {name!r}", remedy)


def _entry_files(folder: Path) -> dict[str, Path]:
    """Return name to file of all modules in `folder` that `python -m` can run."""
    files = {path.stem: path for path in folder.glob("[!_]*.py")}
    packages = {path.parent.name: path for path in folder.glob("*/__main__.py")}

    return files | packages


def _parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file. One broken file must not hide the others."""
    try:
        return ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        docstring = f"(line {error.lineno} is not valid Python)"

    return ast.parse(f'"""{docstring}"""\napp = None')


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(_parse(path)) or "(no docstring)"

    return docstring.splitlines()[0]


def _defines_app(path: Path) -> bool:
    """Return True if the module assigns a variable `app`."""
    targets: list[ast.expr] = []
    for node in _parse(path).body:
        if isinstance(node, ast.Assign):
            targets += node.targets

    return any(isinstance(target, ast.Name) and target.id == "app" for target in targets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
