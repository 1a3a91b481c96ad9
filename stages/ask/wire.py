"""Write the code dependencies of each stage into dvc.yaml, from its imports.

DVC reruns a stage when a file among its `deps` changes, and sees no imports. So a stage's `deps` must
name every module that it can reach; by hand that list is wrong within a week. Only those lines of
dvc.yaml are replaced, all other bytes stay; data dependencies come first and are never touched.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.ask.pipeline import CODE, DVC_YAML, entry_file, read_pipeline
from stages.lib.errors import Problem
from stages.lib.stage import command


def imported(file: Path, root: Path = Path()) -> set[Path]:
    """Return the files of this project that `file` imports, at whatever depth of its code.

    Imports for type checking alone do not run and do not count. An `__init__.py` holds a docstring and
    nothing else, so it does not count either.
    """
    tree = ast.parse((root / file).read_text("utf-8"), str(file))
    found = set()
    for module in _module_names(tree, list(file.parent.parts)):
        path = Path(*module.split(".")).with_suffix(".py")
        if (root / path).is_file():
            found.add(path)
    return found


def closure(name: str, root: Path = Path()) -> list[str]:
    """Return every file of code that stage `name` can reach: its own first, then lib, each sorted.

    Files of the stage's folder that are not Python (a page's template, a word list) are its own too.
    """
    waiting, reached = [entry_file(name, root).relative_to(root)], set[Path]()
    while waiting:
        file = waiting.pop()
        reached.add(file)
        waiting += sorted(imported(file, root) - reached)
    own = Path(CODE, name)
    resources = {path.relative_to(root) for path in (root / own).rglob("*") if path.is_file()}
    reached |= {path for path in resources if path.suffix not in {".py", ".pyc"}}
    return [
        path.as_posix()
        for path in sorted(
            reached,
            key=lambda path: (path.with_suffix("") != own and own not in path.parents, path),
        )
    ]


def rewire(text: str, wanted: dict[str, list[str]]) -> str:
    """Return `text`, a dvc.yaml, with the code dependencies of each stage replaced by the `wanted` ones.

    Stages that already have exactly these keep their bytes, comments between them included.
    """
    from ruamel.yaml import YAML

    lines = text.splitlines(keepends=True)
    entries = YAML(typ="rt", pure=True).load(text)["stages"]
    # From the last stage to the first, so that the line numbers of those before stay right.
    for name in reversed(list(entries)):
        deps = _block_list(name, entries[name])
        data = [str(path) for path in deps if not str(path).startswith(CODE)]
        if [str(path) for path in deps] == [*data, *wanted[name]]:
            continue
        starts = {deps.lc.item(at)[0]: str(path).startswith(CODE) for at, path in enumerate(deps)}
        # Where the code began, but never above a data dependency.
        place = max(
            [line + 1 for line, is_code in starts.items() if not is_code]
            + [line for line, is_code in starts.items() if is_code][:1]
        )
        indent = lines[min(starts)].partition("-")[0]
        before, after = (
            [lines[line] for line in part if not starts.get(line, False)]
            for part in (range(place), range(place, len(lines)))
        )
        lines = [*before, *(f"{indent}- {path}\n" for path in wanted[name]), *after]
    return "".join(lines)


def main(
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; print what is wrong and exit with 1")
    ] = False,
    dvc_yaml: Path = DVC_YAML,
) -> None:
    """Write the code dependencies of each stage into dvc.yaml, from its imports."""
    pipeline, root = read_pipeline(dvc_yaml), dvc_yaml.parent
    wanted = {}
    for name in pipeline:
        if not entry_file(name, root).is_file():
            raise Problem(
                f"{dvc_yaml}: stage '{name}' has no {CODE}{name}.py and no {CODE}{name}/__main__.py",
                "write it, or remove the stage",
            )
        wanted[name] = closure(name, root)
    wrong = [
        name for name, stage in pipeline.items() if stage.deps != [*stage.data_deps, *wanted[name]]
    ]
    if not wrong:
        typer.echo(
            f"{dvc_yaml}: the code dependencies of all {len(pipeline)} stages are their imports"
        )
        return
    if not check:
        dvc_yaml.write_text(rewire(dvc_yaml.read_text("utf-8"), wanted), "utf-8", newline="\n")
        typer.echo(f"{dvc_yaml}: rewrote the code dependencies of {', '.join(wrong)}")
        return
    typer.echo(
        f"error: {dvc_yaml}: these code dependencies are not the imports; run 'make wire', or paste",
        err=True,
    )
    for name in wrong:
        paths = [*pipeline[name].data_deps, *wanted[name]]
        typer.echo(
            "\n".join([f"  {name}:", "    deps:", *(f"      - {path}" for path in paths)]), err=True
        )
    raise typer.Exit(1)


def _module_names(tree: ast.AST, package: list[str]) -> Iterator[str]:
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from package import module` names a module as well as `from module import function` does.
            yield from [module, *(f"{module}.{alias.name}" for alias in node.names)]


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and "TYPE_CHECKING" in {_last_name(node.test)}:
        children = list(node.orelse)
    for child in children:
        yield from _executed(child)


def _last_name(node: ast.expr) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )


def _block_list(name: str, entry: Any) -> Any:
    deps = entry.get("deps")
    if not deps or deps.fa.flow_style():
        raise Problem(
            f"dvc.yaml: stage '{name}' has no 'deps' with a dependency a line",
            f"write 'deps:' and under it '- {CODE}{name}.py'",
        )
    return deps


app = command(main)

if __name__ == "__main__":
    app()
