"""python -m stages lists all stages and commands without importing them, and runs the one that is named."""

import json
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from stages.__main__ import command_files, listing, main, stage_files
from stages.commands.pipeline import order, read_pipeline

# Packages that take long to import. Only the work of a stage may need them, never its --help.
HEAVY = (
    "altair",
    "datasets",
    "duckdb",
    "dvc",
    "pymetis",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "spacy",
    "tensorboard",
    "torch",
    "trafilatura",
    "transformers",
    "vl_convert",
)
# Ask each name for its help. Print each name with the modules that it is the first to load.
HELP = """
import contextlib, io, json, sys
from stages.__main__ import main

modules_of_name = {}
loaded = set()
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        main([name, "--help"])
    assert "--help" in output.getvalue(), name
    modules_of_name[name] = sorted(set(sys.modules) - loaded)
    loaded = set(sys.modules)
print(json.dumps(modules_of_name))
"""


def run(*arguments):
    command = [sys.executable, "-m", "stages", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def printed(code, *arguments):
    """Return what a fresh Python prints that runs `code`."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return process.stdout


def listed():
    """Return each name in the list with its description, in order."""
    return [line.split(maxsplit=1) for line in listing().splitlines() if line.startswith("  ")]


def test_the_list_names_every_stage_in_pipeline_order():
    assert [name for name, _ in listed()] == [*order(), *command_files()]


def test_the_list_says_what_each_stage_does():
    stages = listed()[: len(order())]
    descriptions = {name: " ".join(description.split()) for name, description in stages}
    assert descriptions == {name: stage.desc for name, stage in read_pipeline().items()}


def test_all_commands_are_there():
    assert set(command_files()) == {
        "ask",
        "audit",
        "baselines",
        "cache",
        "compare",
        "details",
        "docs",
        "explain",
        "explore",
        "export",
        "fetch",
        "forget",
        "freeze",
        "headline",
        "heal",
        "init",
        "lock",
        "plots",
        "progress",
        "push",
        "queries",
        "review",
        "verdict",
        "wire",
    }


def test_the_list_imports_nothing_heavy():
    code = "import sys; from stages.__main__ import listing; listing(); print(*sys.modules)"
    loaded = set(printed(code).split())
    assert "stages.__main__" in loaded
    assert not loaded & {*HEAVY, "numpy", "pandas", "pandera", "pyarrow", "rich", "typer"}


def test_help_imports_nothing_heavy():
    names = list(dict.fromkeys([*stage_files(), *command_files()]))
    modules_of_name = json.loads(printed(HELP, *names))
    assert list(modules_of_name) == names
    heavy_of_name = {name: set(HEAVY) & set(modules) for name, modules in modules_of_name.items()}
    assert {name: heavy for name, heavy in heavy_of_name.items() if heavy} == {}


@pytest.mark.parametrize("name", list(command_files()))
def test_every_option_of_a_command_has_a_help_text(name):
    is_package = command_files()[name].name == "__main__.py"
    module = f"stages.commands.{name}.__main__" if is_package else f"stages.commands.{name}"
    command = typer.main.get_command(import_module(module).app)
    without_help = [option.name for option in command.params if not getattr(option, "help", None)]
    assert without_help == []


@pytest.mark.slow
def test_the_front_door_leads_to_the_module():
    outputs = []
    for words in (["stages", "deduplicate"], ["stages.deduplicate"]):
        command = [sys.executable, "-m", *words, "--help"]
        process = subprocess.run(command, capture_output=True, text=True, check=True)
        outputs.append(process.stdout)
    assert outputs[0] == outputs[1]


def test_options_are_passed_on():
    result = run("explain", "d0", "--data", "nowhere")
    assert result.returncode == 1
    assert result.stderr.startswith("error: 'd0' is too short")


def test_a_wrong_name_is_answered_with_close_ones(capsys):
    assert main(["splitt"]) == 1
    message = "error: there is no stage or command 'splitt'\n  remedy: did you mean split?\n"
    assert capsys.readouterr().err == message


def test_a_name_like_no_other_is_answered_with_the_list(capsys):
    assert main(["xyzzy"]) == 1
    assert "remedy: 'python -m stages' lists all names" in capsys.readouterr().err
