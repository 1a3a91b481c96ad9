"""The code stays readable: sizes, names and layout of what is under stages/."""

import ast
import re
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
        ("params.yaml", 355),
        ("dvc.yaml", 640),
        ("dvc.lock", 2270),
    ],
)
def test_a_file_that_people_review_stays_short(file, most):
    assert len(Path(file).read_text("utf-8").splitlines()) <= most


def test_files_of_code_have_at_most_400_lines():
    lengths = {str(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


# Calls that write where their file says, and the code whose file is a temporary one.
WRITING = {"write_text", "write_bytes", "to_csv", "to_parquet", "copyfile", "copy2", "copytree"}
TEMPORARY = {
    "stages/lib/core/atomic.py",  # the one place that renames
    "stages/lib/core/process_locks.py",  # a lock, which holds no result
    "stages/commands/init/changes.py",  # `_copy` is given a temporary path
    "stages/commands/lock.py",  # in a temporary folder
    "stages/finetune/__main__.py",  # `save_model` is given a temporary folder
    "stages/commands/compare/alignment.py",  # into memory
    "stages/commands/export/formats.py",  # all of `export` writes to a temporary folder
    "stages/commands/export/collection_files.py",
    "stages/commands/export/onnx_model.py",
    "stages/commands/export/query_cleaner.py",
    "stages/commands/export/rows.py",
    "stages/commands/export/token_files.py",
    "stages/commands/export/trainer_files.py",
    "stages/commands/export/trec_files.py",
    "stages/lib/schemas/reviews.py",  # `write_judgements` is given a temporary path
    "stages/lib/schemas/written_queries.py",  # `write_sheet` too
}


def written_to(call):
    """Return the first word of what a call writes to; "" if it writes to no file."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in WRITING and isinstance(function, ast.Attribute):
        is_method = name.startswith("write")
        target = function.value if is_method else call.args[-1 if name.startswith("copy") else 0]
        return ast.unparse(target)
    if name == "open":
        modes = [arg for arg in call.args if isinstance(arg, ast.Constant)]
        if any(isinstance(mode.value, str) and set(mode.value) & set("wax+") for mode in modes):
            is_method = isinstance(function, ast.Attribute)
            return ast.unparse(function.value if is_method else call.args[0])
    return ""


def test_files_are_written_beside_their_place_and_renamed():
    # In place, a full disk or a kill leaves half a file where a whole one stood.
    in_place = [
        f"{place(path, call)} {target}"
        for path, call in nodes(ast.Call)
        if path.as_posix() not in TEMPORARY
        and (target := written_to(call))
        and not target.startswith(("temporary", "atomic"))
    ]
    assert in_place == []


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text(text)",
        "path.write_bytes(data)",
        "path.open('wb')",
        "path.open('a', encoding='utf-8')",
        "open(path, 'w')",
        "frame.to_csv(path, sep=',')",
        "shutil.copyfile(origin, path)",
    ],
)
def test_a_write_in_place_is_noticed(line):
    (call,) = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    assert written_to(call) == "path"


def test_a_signed_number_that_rounds_to_zero_has_no_minus():
    # "-0.000" reads like a loss. With z it is "+0.000".
    signed = [
        f"{place(path, node)} {node.value}"
        for path, node in nodes(ast.Constant)
        if isinstance(node.value, str) and re.fullmatch(r"\+,?\.\d[f%]", node.value)
    ]
    assert signed == []
