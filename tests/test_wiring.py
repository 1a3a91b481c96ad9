"""What dvc.yaml says of a stage is what its code does: names, paths, parameters, imports."""

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.ask.compare.verdicts import CompareParams
from stages.ask.pipeline import entry_file, order, read_pipeline
from stages.ask.wire import closure, imported
from stages.lib.params import PARAMS, Section, load, read_yaml

PIPELINE = read_pipeline()
LIB = sorted(Path("stages/lib").rglob("*.py"))
each_stage = pytest.mark.parametrize("stage", PIPELINE.values(), ids=list(PIPELINE))


@cache
def tree(file):
    return ast.parse(Path(file).read_text("utf-8"))


def entry(stage):
    return tree(entry_file(stage.name))


def own_files(stage):
    """Return the files of the stage itself, without lib."""
    return [
        Path(file)
        for file in closure(stage.name)
        if file.endswith(".py") and not file.startswith("stages/lib/")
    ]


def main_paths(stage):
    """Return the paths in the default of each parameter of main()."""
    main = next(
        node
        for node in entry(stage).body
        if isinstance(node, ast.FunctionDef) and node.name == "main"
    )
    arguments = [*main.args.args, *main.args.kwonlyargs]
    defaults = [*main.args.defaults, *main.args.kw_defaults]
    assert len(arguments) == len(defaults), (
        f"{stage.name}: every input and output of main() needs a default"
    )
    found = {}
    for argument, default in zip(arguments, defaults, strict=True):
        calls = [
            node
            for node in ast.walk(default)
            if isinstance(node, ast.Call) and node.func.id == "Path"
        ]
        found[argument.arg] = [call.args[0].value for call in calls]
        assert found[argument.arg], (
            f"{stage.name}: the default of {argument.arg} is no literal Path"
        )
    return found


def is_output(parameter):
    """Tell whether a parameter of main() is written: out_*, metrics*; out_of_domain_* is a table that is read."""
    return parameter.startswith(("out_", "metrics")) and not parameter.startswith("out_of_domain_")


def sections_loaded(stage):
    """Return the section of every load(Model) in the stage's own files."""
    classes = {
        node.name: next(
            line.value.value
            for line in node.body
            if isinstance(line, ast.AnnAssign) and line.target.id == "section" and line.value
        )
        for file in [*own_files(stage), Path("stages/lib/params.py")]
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
        and any("Section" in ast.dump(base) for base in node.bases)
    }
    return {
        classes[call.args[0].id]
        for file in own_files(stage)
        for call in ast.walk(tree(file))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "load"
    }


def models(stage):
    """Return the params models that the stage's own files define."""
    names = [".".join(file.with_suffix("").parts) for file in own_files(stage)]
    found = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return {
        value
        for value in found
        if isinstance(value, type) and issubclass(value, Section) and value.__module__ in names
    }


def test_the_docstring_of_the_package_and_dvc_yaml_name_the_same_stages_in_the_same_order():
    assert order() == list(PIPELINE)


def test_every_file_and_section_belongs_to_a_stage():
    found = {path.stem for path in Path("stages").glob("[!_]*.py")} | {
        path.parent.name for path in Path("stages").glob("*/__main__.py")
    }
    assert found == set(PIPELINE)
    assert set(read_yaml(PARAMS)) - {"run", "model", "compare"} <= set(PIPELINE)
    assert {path.stem for path in Path("metrics").glob("*.json")} <= set(PIPELINE)


@each_stage
def test_one_name_in_five_places(stage):
    name, sections = stage.name, list(read_yaml(PARAMS))
    assert entry_file(name).is_file()
    assert {model.section for model in models(stage)} == {name} & set(sections)
    assert [path for path in stage.outs if not path.startswith((f"data/{name}/", "metrics/"))] == []
    assert [path for path in stage.outs if path.startswith(f"data/{name}/")] != []
    assert f"metrics/{name}.json" in stage.metrics
    tests = [Path(f"tests/test_{name}.py"), *Path("tests", name).glob("test_*.py")]
    assert any(file.is_file() for file in tests), f"write tests/test_{name}.py"


@each_stage
def test_docstring_says_what_dvc_yaml_says(stage):
    assert ast.get_docstring(entry(stage)).splitlines()[0] == stage.desc


@each_stage
def test_command_is_the_module(stage):
    assert stage.cmd == f"python -m stages.{stage.name}"


@each_stage
def test_defaults_of_main_are_the_declared_paths(stage):
    paths = main_paths(stage)
    written = [path for name, found in paths.items() if is_output(name) for path in found]
    read = [path for name, found in paths.items() if not is_output(name) for path in found]
    assert sorted(read) == sorted(stage.reads)
    assert sorted(written) == sorted(stage.written)


@each_stage
def test_code_dependencies_are_the_imports(stage):
    assert stage.deps == [*stage.data_deps, *closure(stage.name)], "run 'make wire'"


@each_stage
def test_parameters_declared_are_those_loaded(stage):
    declared = {key.partition(".")[0] for key in stage.params.get("params.yaml", [])}
    assert declared == sections_loaded(stage)


@each_stage
def test_dependency_groups_declared_are_those_checked(stage):
    calls = [node for node in ast.walk(entry(stage)) if isinstance(node, ast.Call)]
    call = next(
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "command"
    )
    wanted = [f"dependency-groups.{group.value}" for group in call.args[1:]]
    # Groups of what not everybody installs are checked where they are needed.
    for node in (
        node
        for file in own_files(stage)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
    ):
        if isinstance(node.func, ast.Name) and node.func.id == "check_pins":
            wanted += [f"dependency-groups.{group}" for group in ast.literal_eval(node.args[0])]
    if (
        "stages/lib/wheels.py" in stage.code_deps
    ):  # wheels that are read as data are pinned beside the groups
        wanted.append("tool.pairsmith.wheels")
    assert stage.params["pyproject.toml"] == wanted


@each_stage
def test_no_stage_imports_another(stage):
    own = f"stages/{stage.name}"
    assert [
        file
        for file in closure(stage.name)
        if not file.startswith((f"{own}/", f"{own}.py", "stages/lib/"))
    ] == []


def test_lib_imports_neither_stages_nor_questions():
    assert {
        target
        for file in LIB
        for target in imported(file)
        if not target.is_relative_to("stages/lib")
    } == set()


def test_every_init_is_a_docstring_only():
    for file in Path("stages").rglob("__init__.py"):
        assert [type(node) for node in tree(file).body] == [ast.Expr], file
        assert ast.get_docstring(tree(file)), file


def test_training_depends_on_no_preparation():
    heavy = {f"stages/lib/{name}.py" for name in ("engine", "ledger", "near", "text")}
    assert heavy & set(closure("finetune")) == set()


def test_params_yaml_fits_its_models_and_every_field_stands_in_it():
    values = read_yaml(PARAMS)
    sections = {model for stage in PIPELINE.values() for model in models(stage)}
    sections |= {
        model
        for model in vars(importlib.import_module("stages.lib.params")).values()
        if isinstance(model, type) and model.__name__ in {"Run", "Model"}
    }
    sections.add(CompareParams)
    assert {model.section for model in sections} == set(values)
    for model in sections:
        load(model)  # refuses unknown keys
        assert list(values[model.section]) == list(model.model_fields), (
            f"{model.section}: same keys, same order"
        )


def test_every_key_of_params_yaml_has_a_comment_directly_above():
    lines = PARAMS.read_text("utf-8").splitlines()
    document = YAML(typ="rt", pure=True).load(PARAMS.read_text("utf-8"))
    # Deeper keys are the user's own (names of sources, columns of files); the comment above the key tells them.
    bare = [
        f"{section}.{key}"
        for section, keys in document.items()
        for key in keys
        if not lines[keys.lc.key(key)[0] - 1].lstrip().startswith("#")
    ]
    assert bare == []


@pytest.mark.parametrize("section", list(read_yaml(PARAMS)))
def test_every_parameter_is_read(section):
    files = {
        file
        for stage in PIPELINE.values()
        if section in {stage.name, "run", "model"}
        for file in closure(stage.name)
    }
    if section == "compare":
        files = {path.as_posix() for path in Path("stages/ask/compare").glob("*.py")}
    read = {
        node.attr
        for file in files
        if file.endswith(".py")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
    }
    assert set(read_yaml(PARAMS)[section]) - read == set()
