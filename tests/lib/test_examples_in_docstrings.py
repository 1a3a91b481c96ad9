"""The examples in docstrings of stages/ give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

MODULES = [
    ".".join(path.with_suffix("").parts)
    for path in sorted(Path("stages").rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


def test_lib_has_examples():
    assert len([name for name in MODULES if name.startswith("stages.lib.")]) >= 15


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_are_right(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
