"""Write what each stage declares into dvc.yaml: dependencies, parameters, outputs and metrics.

A stage declares its inputs, parameters and outputs in its `interface.py`. This command copies
them to dvc.yaml, and adds the code that the stage can reach by its imports: its own folder, the
packages of stages/lib as folders, and the contracts of tables (stages/lib/schemas) file by file.
DVC reruns a stage when one of them changes. DVC does not follow imports itself. Lines of dvc.yaml
that are right keep their bytes, and so do comments and other keys.

Only files that git knows are taken: dvc.yaml would name a file, or DVC record a hash, that nobody
else has.
"""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.commands.json_output import AsJson, message_printer, say_json
from stages.commands.pipeline import CODE, DVC_YAML, entry_file, order
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.interface import Stage, inputs_of, outputs_of, param_keys
from stages.lib.core.stage import command

LIB = Path(CODE, "lib")
# The contracts of tables are dependencies file by file: as a folder, a new column would rerun
# every stage.
BY_FILE = LIB / "schemas"
GENERATED = ("deps", "params", "outs", "metrics")


def load_stage(name: str) -> Stage:
    """Return the declared stage `name` of this project.

    Raises:
        UserError: stages/NAME/__main__.py is missing or has no `STAGE`.
    """
    try:
        module = importlib.import_module(f"stages.{name}.__main__")
        stage = module.STAGE
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(
            f"{CODE}{name}/__main__.py declares no STAGE: {error}",
            "write 'STAGE = Stage(run, groups=(...))' there, or remove the stage",
        ) from None
    assert isinstance(stage, Stage)
    return stage


def entry(name: str, stage: Stage, root: Path = Path()) -> dict[str, Any]:
    """Return the generated keys of a stage in dvc.yaml: deps, params, outs and metrics."""
    # Sections of params.yaml, then what decides the packages.
    pins = [f"dependency-groups.{group}" for group in (*stage.groups, *stage.optional_groups)]
    if stage.wheels:
        pins.append("tool.pairsmith.wheels")
    params: list[Any] = [*param_keys(stage.params), {"pyproject.toml": pins}]

    # What lies under metrics/ is in git, and not in DVC's cache.
    outs: list[Any] = []
    metrics: list[Any] = []
    for item in outputs_of(stage.outputs):
        if item.name == "metrics":
            metrics.append({item.path: {"cache": False}})
        elif item.path.startswith("metrics/"):
            outs.append({item.path: {"cache": False}})
        else:
            outs.append(item.path)

    data = [item.path for item in inputs_of(stage.inputs)]
    generated = {"deps": [*data, *code_dependencies(name, root)], "params": params, "outs": outs}
    return {**generated, "metrics": metrics} if metrics else generated


def code_dependencies(name: str, root: Path = Path()) -> list[str]:
    """Return the folders and files of code that stage `name` depends on, its own folder first."""
    reached: set[str] = set()
    for file in closure(name, root):
        if file.is_relative_to(BY_FILE):
            reached.add(file.as_posix())
        elif file.is_relative_to(LIB):
            # A module directly in lib stands for itself, one in a package for the package.
            reached.add(Path(*file.parts[:3]).as_posix())
    return [f"{CODE}{name}", *sorted(reached)]


def closure(name: str, root: Path = Path()) -> set[Path]:
    """Return every Python file that stage `name` can reach by imports, relative to `root`."""
    return files_reached(entry_file(name, root).relative_to(root), root)


def files_reached(file: Path, root: Path = Path()) -> set[Path]:
    """Return `file` and every Python file that it can reach by imports, relative to `root`."""
    waiting = [file]
    reached: set[Path] = set()
    while waiting:
        file = waiting.pop()
        reached.add(file)
        waiting += sorted(imported(file, root) - reached)
    return reached


def imported(file: Path, root: Path = Path()) -> set[Path]:
    """Return the files of this project that `file` imports, at whatever depth of its code.

    Imports for type checking alone do not run and do not count. An `__init__.py` holds a docstring
    and nothing else, so it does not count either.
    """
    files = set()
    for module in _module_names((root / file).read_text("utf-8"), file.parent.parts):
        path = Path(*module.split(".")).with_suffix(".py")
        if (root / path).is_file():
            files.add(path)
    return files


def rewire(text: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `text`, a dvc.yaml, with the generated keys of each stage replaced by `entries`.

    Keys that are right already keep their bytes. Comments above a key and other keys stay.
    """
    from ruamel.yaml import YAML

    lines = text.splitlines()
    stages = YAML(typ="rt", pure=True).load(text)["stages"]

    # From the last line to the first, so that the numbers of the lines before stay right.
    for name in reversed(list(stages)):
        keys = list(stages[name])
        for key in reversed(GENERATED):
            new_lines = _key_lines(key, entries[name].get(key))
            if key in keys and _plain(stages[name][key]) == entries[name].get(key):
                continue
            if key in keys:
                start = stages[name].lc.key(key)[0]
                end = _end_of_key(lines, start)
            else:
                # A missing key goes behind the last key that stands before it.
                start = _end_of_stage(stages[name], lines, key)
                end = start
            lines[start:end] = new_lines
    return "\n".join(lines) + "\n"


def main(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; print what is wrong and exit with 1.")
    ] = False,
    dvc_yaml: Annotated[Path, typer.Option(help="The pipeline file.")] = DVC_YAML,
    as_json: AsJson = False,
) -> None:
    """Write what each stage declares into dvc.yaml."""
    _check_known(order())
    text = dvc_yaml.read_text("utf-8")
    entries = {name: entry(name, load_stage(name)) for name in order()}
    wired = rewire(text, entries)
    differs = wired != text
    if as_json:
        counts = {"differs": differs, "stages": len(entries)}
        say_json({"file": dvc_yaml, **counts, "rewritten": differs and not check})
    tell = message_printer(as_json)
    if not differs:
        tell(f"{dvc_yaml}: all {len(entries)} stages are as they are declared")
        return
    if check:
        raise UserError(f"{dvc_yaml} differs from what the stages declare", "run 'make wire'")
    atomic.write_text(dvc_yaml, wired)
    tell(f"{dvc_yaml}: rewrote what differed from the declarations")


def unknown_files(names: Iterable[str], unknown: Iterable[Path]) -> list[str]:
    """Return what keeps the stages `names` from being wired, a sentence for each file.

    Args:
        names: the stages.
        unknown: the files below stages/ that git does not know, relative to the root.
    """
    sentences: list[str] = []
    reached: set[Path] = set()
    folders: set[Path] = set()
    for name in names:
        reached |= closure(name)
        folders |= {Path(path) for path in code_dependencies(name)}

    for file in sorted(unknown):
        if file in reached:
            sentences.append(f"{file} is imported by a stage")
        elif any(folder in file.parents for folder in folders):
            sentences.append(f"{file} lies in a folder whose hash DVC records")
    return sentences


def _check_known(names: Sequence[str]) -> None:
    """Raise UserError if a stage depends on a file that git does not know."""
    # What DVC ignores is in no hash. Both files have one syntax.
    ignored = [f"--exclude-from={file}" for file in (Path(".dvcignore"),) if file.is_file()]
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--others", *ignored, "--", CODE],
        capture_output=True,
        check=False,
    )
    # A copy of the project without git has no file to compare with.
    if listing.returncode:
        return
    others = [Path(os.fsdecode(name)) for name in listing.stdout.split(b"\0") if name]
    sentences = unknown_files(names, others)
    if sentences:
        raise UserError(
            "git does not know all files of the stages:\n" + "\n".join(sentences),
            "run 'git add' on them, or move them away; then run it again",
        )


def _key_lines(key: str, value: Any) -> list[str]:
    """Return the YAML lines of one key of a stage; none when it has no value."""
    if not value:
        return []
    lines = [f"    {key}:"]
    for item in value:
        if isinstance(item, str):
            lines.append(f"      - {item}")
            continue
        (path, settings), *_ = item.items()
        lines.append(f"      - {path}:")
        if isinstance(settings, dict):
            lines += [
                f"          {name}: {str(setting).lower()}" for name, setting in settings.items()
            ]
        else:
            lines += [f"          - {setting}" for setting in settings]
    return lines


def _end_of_key(lines: list[str], start: int) -> int:
    """Return the index of the first line after the block that begins at line `start`.

    It is the first line that is not deeper.
    """
    end = start + 1
    while end < len(lines) and lines[end].startswith("     "):
        end += 1
    return end


def _end_of_stage(stage: Any, lines: list[str], key: str) -> int:
    """Return the line where the missing `key` of a stage belongs."""
    before = ("desc", "cmd", *GENERATED[: GENERATED.index(key)])
    starts = [stage.lc.key(name)[0] for name in stage if name in before]
    return _end_of_key(lines, max(starts))


def _plain(value: Any) -> Any:
    """Return a YAML value as plain lists and dictionaries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool) else str(value)


@cache
def _module_names(source: str, package: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that a file of `package` may import as modules, in the order of the file.

    Most stages import the same files of stages/lib, so each source is parsed once.
    """
    names: list[str] = []
    for node in _executed(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from package import module` names a module as well as a function of a module.
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and "TYPE_CHECKING" in {_last_name(node.test)}:
        children = list(node.orelse)
    for child in children:
        yield from _executed(child)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


app = command(main)

if __name__ == "__main__":
    app()
