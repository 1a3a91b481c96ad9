"""The code stays readable: sizes, names and layout of what is under stages/."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

FILES = [path for path in sorted(Path("stages").rglob("*.py")) if path.name != "__init__.py"]
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# Words that say nothing about what a variable holds.
EMPTY_NAMES = {"found", "told", "one", "at", "asked", "wanted", "exam", "world", "judged"}


@cache
def trees():
    """Return (file, syntax tree) for each file of code."""
    return [(path, ast.parse(path.read_text("utf-8"))) for path in FILES]


def nodes(kinds):
    """Return (file, node) for each syntax node of `kinds`."""
    return [
        (path, node) for path, tree in trees() for node in ast.walk(tree) if isinstance(node, kinds)
    ]


def place(path, node):
    return f"{path}:{node.lineno}"


def parameters(function):
    arguments = function.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument.arg for argument in listed if argument.arg not in {"self", "cls"}]


def double_assignments(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.value, ast.Tuple)
    ]


def nested_comprehensions(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, COMPREHENSIONS)
        and any(isinstance(inner, COMPREHENSIONS) for inner in ast.walk(node) if inner is not node)
    ]


def empty_names(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY_NAMES
    ]


def test_no_function_has_more_than_8_parameters_or_60_lines():
    functions = nodes((ast.FunctionDef, ast.AsyncFunctionDef))
    assert len(functions) > 800
    many = [place(path, node) for path, node in functions if len(parameters(node)) > 8]
    long = [place(path, node) for path, node in functions if node.end_lineno - node.lineno >= 60]
    assert many == []
    assert long == []


def test_no_two_public_types_share_a_name():
    names = Counter(
        node.name
        for _, node in nodes(ast.ClassDef)
        if not node.name.startswith("_")
        and node.name not in {"Config", "Inputs", "Outputs", "Params"}
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("search", [double_assignments, nested_comprehensions, empty_names])
def test_one_step_a_line_and_names_that_say_something(search):
    places = [place(path, node) for path, tree in trees() for node in search(tree)]
    assert places == []


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (double_assignments, "a, b = x, y"),
        (nested_comprehensions, "a = [[y for y in x] for x in z]"),
        (empty_names, "found = 1"),
    ],
)
def test_each_search_notices_its_fault(search, source):
    assert len(search(ast.parse(source))) == 1
    assert search(ast.parse("first, second = pair(x)\nlengths = [len(row) for row in rows]")) == []


@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("README.md", 150),
        ("CONTRIBUTING.md", 120),
        ("params.yaml", 345),
        ("dvc.yaml", 570),
        ("dvc.lock", 2000),
    ],
)
def test_a_file_that_people_review_stays_short(file, most):
    assert len(Path(file).read_text("utf-8").splitlines()) <= most


def test_files_of_code_have_at_most_400_lines():
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}
