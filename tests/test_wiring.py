"""dvc.yaml, params.yaml and the code say the same: names, paths, parameters, imports."""

import ast
import inspect
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.commands import wire
from stages.commands.compare.verdicts import CompareParams
from stages.commands.pipeline import entry_file, order, read_pipeline
from stages.commands.wire import entry, imported, load_stage, rewire
from stages.lib.core.interface import inputs_of, outputs_of, sections_of
from stages.lib.core.params import PARAMS_FILE, load_section
from stages.lib.core.yaml_files import read_yaml

PIPELINE = read_pipeline()
LIB = sorted(Path("stages/lib").rglob("*.py"))
each_stage = pytest.mark.parametrize("name", list(PIPELINE))


@cache
def tree(file):
    return ast.parse(Path(file).read_text("utf-8"))


@cache
def attributes(file):
    """Return the names of all attributes that the code of a file mentions."""
    return {node.attr for node in ast.walk(tree(file)) if isinstance(node, ast.Attribute)}


@cache
def closure(name):
    return wire.closure(name)


def models(name):
    """Return the sections of params.yaml that a stage reads, by their models."""
    return list(sections_of(load_stage(name).params).values())


def test_the_package_and_dvc_yaml_name_the_same_stages_in_order():
    assert order() == list(PIPELINE)


def test_every_folder_and_section_belongs_to_a_stage():
    folders = {path.parent.name for path in Path("stages").glob("*/__main__.py")}
    assert folders == set(PIPELINE)
    assert set(read_yaml(PARAMS_FILE)) - {"run", "git", "model", "compare"} <= set(PIPELINE)
    assert {path.stem for path in Path("metrics").glob("*.json")} <= set(PIPELINE)
    assert {path.stem for path in Path("metrics/details").glob("*.json")} == set(PIPELINE)


@each_stage
def test_one_name_in_five_places(name):
    stage = PIPELINE[name]
    assert entry_file(name).is_file()
    own_sections = {model.section for model in models(name)} & {name}
    assert own_sections == {name} & set(read_yaml(PARAMS_FILE))
    folders = (f"data/{name}/", "metrics/")
    assert [path for path in stage.outs if not path.startswith(folders)] == []
    assert [path for path in stage.outs if path.startswith(f"data/{name}/")] != []
    assert f"metrics/details/{name}.json" in stage.outs
    assert stage.metrics in ([], [f"metrics/{name}.json"])
    assert list(Path("tests", name).glob("test_*.py")), f"write tests/{name}/"


@each_stage
def test_description_and_command_are_those_of_the_module(name):
    stage = PIPELINE[name]
    docstring = ast.get_docstring(tree(entry_file(name)))
    assert docstring.splitlines()[0] == stage.desc
    assert stage.cmd == f"python -m stages.{name}"
    assert inspect.getdoc(load_stage(name).run).splitlines()[0] == stage.desc


@each_stage
def test_dvc_yaml_is_what_the_stage_declares(name):
    declared = load_stage(name)
    stage = PIPELINE[name]
    inputs = [item.path for item in inputs_of(declared.inputs)]
    outputs = [item.path for item in outputs_of(declared.outputs)]
    assert stage.reads == inputs
    assert sorted(stage.written) == sorted(outputs)
    keys = [key.partition(".")[0] for key in stage.params["params.yaml"]]
    assert keys == [model.section for model in models(name) for _ in keys_of(model)]


def keys_of(model):
    return list(model.model_fields) if model.model_config.get("extra") == "ignore" else [model]


def test_make_wire_would_change_nothing():
    text = Path("dvc.yaml").read_text("utf-8")
    entries = {name: entry(name, load_stage(name)) for name in PIPELINE}
    assert rewire(text, entries) == text, "run 'make wire'"


# ---- code dependencies: complete, and none idle


def uncovered(files, dependencies):
    """Return the files that no dependency covers, as a file or as a folder."""
    return [
        file
        for file in files
        if not any(file == path or file.startswith(f"{path}/") for path in dependencies)
    ]


def idle(files, dependencies):
    """Return the dependencies that cover no file."""
    return [
        path
        for path in dependencies
        if not any(file == path or file.startswith(f"{path}/") for file in files)
    ]


@each_stage
def test_no_code_dependency_is_idle(name):
    files = [file.as_posix() for file in closure(name)]
    assert idle(files, PIPELINE[name].code_deps) == []


# Before each stage, Python forgets the code of this project: it loads again what the stage imports.
LOADED = """
import importlib, json, pkgutil, sys
files_of_stage = {}
for name in sys.argv[1:]:
    for key in [key for key in sys.modules if key.partition(".")[0] == "stages"]:
        del sys.modules[key]
    package = importlib.import_module(f"stages.{name}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"stages.{name}.{module.name}")
    files = [module.__file__ for key, module in sys.modules.items() if key.startswith("stages.")]
    files_of_stage[name] = sorted(file for file in files if not file.endswith("__init__.py"))
print(json.dumps(files_of_stage))
"""
# Training loads the libraries of models, which takes seconds.
WITHOUT_TRAINING = [name for name in PIPELINE if name != "finetune"]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(WITHOUT_TRAINING, id="all but finetune"),
        pytest.param(["finetune"], id="finetune", marks=pytest.mark.slow),
    ],
)
def test_what_python_loads_is_covered_by_the_dependencies(names):
    """A check by other means than the search for imports: a Python process loads the stages."""
    command = [sys.executable, "-c", LOADED, *names]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    loaded = json.loads(printed)
    assert list(loaded) == names
    for name in names:
        files = [Path(file).relative_to(Path.cwd()).as_posix() for file in loaded[name]]
        assert f"stages/{name}/__main__.py" in files
        assert uncovered(files, PIPELINE[name].code_deps) == [], name


@each_stage
def test_what_the_code_imports_is_covered_by_the_dependencies(name):
    """Imports inside functions are found by reading the code alone."""
    read = [file.as_posix() for file in closure(name)]
    assert uncovered(read, PIPELINE[name].code_deps) == []


def test_a_missing_and_an_idle_dependency_are_noticed():
    files = ["stages/one/__main__.py", "stages/lib/core/errors.py"]
    assert uncovered(files, ["stages/one"]) == ["stages/lib/core/errors.py"]
    assert uncovered(files, ["stages/one", "stages/lib/co"]) == ["stages/lib/core/errors.py"]
    assert idle(files, ["stages/one", "stages/lib/core", "stages/lib/text"]) == ["stages/lib/text"]


@each_stage
def test_no_stage_imports_another(name):
    allowed = (f"stages/{name}/", "stages/lib/")
    assert [file for file in closure(name) if not file.as_posix().startswith(allowed)] == []


def test_lib_imports_neither_stages_nor_commands():
    targets = {target for file in LIB for target in imported(file)}
    assert {target for target in targets if not target.is_relative_to("stages/lib")} == set()


def test_every_init_is_a_docstring_only():
    for file in Path("stages").rglob("__init__.py"):
        assert [type(node) for node in tree(file).body] == [ast.Expr], file
        assert ast.get_docstring(tree(file)), file


def test_training_depends_on_no_preparation():
    lib = {path for path in PIPELINE["finetune"].code_deps if path.startswith("stages/lib/")}
    packages = {path for path in lib if not path.endswith(".py")}
    assert packages <= {
        "stages/lib/core",
        "stages/lib/retrieval",
        "stages/lib/evaluation",
    }
    assert "stages/lib/schemas/ledger.py" not in lib
    reached = {file.as_posix() for file in closure("finetune")}
    assert not [file for file in reached if file.startswith(("stages/lib/text", "stages/lib/pre"))]


def test_pages_and_statistics_rerun_no_data_stage():
    reruns = {
        package: [name for name, stage in PIPELINE.items() if package in stage.code_deps]
        for package in ("stages/lib/reporting", "stages/lib/analysis")
    }
    assert reruns == {
        "stages/lib/reporting": ["validate", "report"],
        "stages/lib/analysis": ["validate", "evaluate", "report"],
    }


def test_dvc_ignores_caches_of_python_in_folders_of_code():
    assert "__pycache__/" in Path(".dvcignore").read_text("utf-8").splitlines()


# ---- parameters


def test_params_yaml_fits_its_models_and_holds_every_field():
    values = read_yaml(PARAMS_FILE)
    sections = {model for name in PIPELINE for model in models(name)}
    whole = {model for model in sections if model.model_config.get("extra") != "ignore"}
    whole.add(CompareParams)
    assert {model.section for model in whole} == set(values)
    for model in sections:
        load_section(model)  # refuses unknown keys
    for model in whole:
        fields = list(model.model_fields)
        assert list(values[model.section]) == fields, f"{model.section}: same keys, same order"


def test_every_key_of_params_yaml_has_a_comment_directly_above():
    lines = PARAMS_FILE.read_text("utf-8").splitlines()
    document = YAML(typ="rt", pure=True).load(PARAMS_FILE.read_text("utf-8"))
    # Deeper keys are the user's own: names of sources, columns of files.
    bare = [
        f"{section}.{key}"
        for section, keys in document.items()
        for key in keys
        if not lines[keys.lc.key(key)[0] - 1].lstrip().startswith("#")
    ]
    assert bare == []


@pytest.mark.parametrize("section", list(read_yaml(PARAMS_FILE)))
def test_every_parameter_is_read(section):
    files = {
        file
        for name in PIPELINE
        if section in {name, "run", "git", "model"}
        for file in closure(name)
    }
    if section == "compare":
        files = set(Path(inspect.getfile(CompareParams)).parent.glob("*.py"))
    read = set().union(*map(attributes, files))
    if section == "validate":
        # The table of gates names the parameter of each limit.
        rules = ast.walk(tree(Path("stages/validate/gates.py")))
        read |= {node.value for node in rules if isinstance(node, ast.Constant)}
    assert set(read_yaml(PARAMS_FILE)[section]) - read == set()


# ---- the command line


@each_stage
def test_every_option_says_what_it_is(name):
    declared = load_stage(name)
    items = [*inputs_of(declared.inputs), *outputs_of(declared.outputs)]
    assert [item.name for item in items if len(item.help.split()) < 2] == []
    assert [item.name for item in items if not item.help.endswith(".")] == []


# ---- the metrics that DVC compares


def test_dvc_compares_at_most_14_metrics_with_short_names():
    files = [path for stage in PIPELINE.values() for path in stage.metrics]
    keys = [key for file in files for key in json.loads(Path(file).read_text("utf-8"))]
    assert 10 <= len(keys) <= 14
    assert [key for key in keys if len(key) > 14] == []
    assert len(set(keys)) == len(keys)
