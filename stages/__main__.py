"""List every stage and every question, and run the one that is named.

    python -m stages                  what there is
    python -m stages split --help     a stage (the same as python -m stages.split --help)
    python -m stages explain ID       a question about a run

The list is read from the sources without importing them, so that it is there at once.
"""

from __future__ import annotations

import ast
import difflib
import runpy
import sys
from pathlib import Path

from stages.commands.pipeline import order
from stages.lib.errors import Problem

HERE = Path(__file__).parent


def stage_files() -> dict[str, Path]:
    """Return the file behind each stage, in pipeline order; stages that the order does not name come last."""
    found = {name: path for name, path in _modules(HERE).items() if name not in {"commands", "lib"}}
    known = [name for name in order() if name in found]
    return {name: found[name] for name in [*known, *sorted(set(found) - set(known))]}


def question_files() -> dict[str, Path]:
    """Return the file behind each command of `ask`, by name. What defines no `app` is a helper, not a command."""
    return {
        name: path
        for name, path in sorted(_modules(HERE / "commands").items())
        if _defines_app(path)
    }


def listing() -> str:
    """Return the text that `python -m stages` prints."""
    parts = [("The pipeline, in the order in which 'dvc repro' runs it", stage_files())]
    parts.append(("Questions about a run, and upkeep", question_files()))
    width = max(len(name) for _, files in parts for name in files)
    lines = [
        "usage: python -m stages NAME [options]     (python -m stages NAME --help tells the options)"
    ]
    for title, files in parts:
        lines += [
            "",
            f"{title}:",
            *(f"  {name:<{width}}  {_first_line(path)}" for name, path in files.items()),
        ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run what `arguments` name and return the exit code; a stage that ends by itself exits with its own."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(listing())
        return 0
    name, *rest = arguments
    modules = {question: f"stages.commands.{question}" for question in question_files()}
    modules.update({stage: f"stages.{stage}" for stage in stage_files()})
    if name not in modules:
        close = difflib.get_close_matches(name, modules)
        remedy = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "'python -m stages' lists what there is"
        )
        sys.stderr.write(f"error: {Problem(f'there is no stage or question {name!r}', remedy)}\n")
        return 1
    sys.argv = [name, *rest]
    # As __main__, so that worker processes find the stage's functions where 'python -m' would have put them.
    runpy.run_module(modules[name], run_name="__main__", alter_sys=True)
    return 0


def _modules(folder: Path) -> dict[str, Path]:
    files = {path.stem: path for path in folder.glob("[!_]*.py")}
    return files | {path.parent.name: path for path in folder.glob("*/__main__.py")}


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        # One broken file must not hide the others.
        return ast.parse(f'"""(line {error.lineno} is not valid Python)"""\napp = None')


def _first_line(path: Path) -> str:
    return (ast.get_docstring(_parse(path)) or "(no docstring)").splitlines()[0]


def _defines_app(path: Path) -> bool:
    targets = [
        target
        for node in _parse(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return any(isinstance(target, ast.Name) and target.id == "app" for target in targets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
