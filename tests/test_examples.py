"""What stands in examples/ fits params.yaml, and is what the command in it sets."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.finetune.interface import FinetuneParams
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.yaml_files import read_yaml
from stages.split.interface import SplitParams

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SECTIONS = {model.section: model for model in (RunParams, SplitParams, FinetuneParams)}


def test_there_are_examples():
    assert [path.name for path in EXAMPLES] == ["full_hpo.yaml"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_changes_values_that_there_are_into_values_that_are_allowed(path, tmp_path):
    values = read_yaml(ROOT / "params.yaml")
    for section, changed in read_yaml(path).items():
        assert set(changed) <= set(values[section])
        assert {key: values[section][key] for key in changed} != changed, (
            "it must differ from the default"
        )
        values[section].update(changed)
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(values, tmp_path / "params.yaml")
    for section in read_yaml(path):
        load_section(SECTIONS[section], tmp_path / "params.yaml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_command_sets_what_the_file_holds(path):
    commands = re.findall(r"^#   (dvc exp run .*)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 1
    yaml = YAML(typ="safe", pure=True)
    told = [word.split("=", 1) for word in shlex.split(commands[0]) if "=" in word]
    held = {
        f"{section}.{key}": value
        for section, keys in read_yaml(path).items()
        for key, value in keys.items()
    }
    assert {key: yaml.load(value) for key, value in told} == held
    assert commands[0] in (ROOT / "examples/README.md").read_text("utf-8")
