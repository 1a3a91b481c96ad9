"""`--json`: one form of document for all commands, and every command has it or says why not."""

import enum
import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from stages.__main__ import command_files
from stages.commands.json_output import json_text, message_printer, say_json
from stages.lib.core.terminal import say_error
from tests.properties import examples

# Commands that have no --json, and why they need none.
WITHOUT = {
    "lock": "its lines name the files that it wrote",
    "plots": "its only line is the address of the page that it wrote",
}


def options_of(name):
    is_package = command_files()[name].name == "__main__.py"
    module = f"stages.commands.{name}.__main__" if is_package else f"stages.commands.{name}"
    command = typer.main.get_command(import_module(module).app)
    return {option for parameter in command.params for option in parameter.opts}


def test_every_command_has_json_or_a_reason():
    without = {name for name in command_files() if "--json" not in options_of(name)}
    assert without == set(WITHOUT)


def test_the_page_names_the_same_commands():
    page = Path("docs/commands.md").read_text("utf-8")
    part = page.partition("## JSON\n")[2].partition("\n## ")[0]
    listed = re.findall(r"(?m)^- `(\w+)`: (.+)\.$", part)
    assert dict(listed) == WITHOUT


def test_each_command_with_json_has_a_test_that_reads_it():
    texts = {path: path.read_text("utf-8") for path in Path("tests/commands").rglob("test_*.py")}
    untested = []
    for name in command_files().keys() - set(WITHOUT):
        module = re.compile(
            rf"from stages\.commands(?:\.{name}\b| import {name}\b|\.{name} import)"
        )
        tests = [text for text in texts.values() if module.search(text)]
        if not any("--json" in text and "json.loads" in text for text in tests):
            untested.append(name)
    assert untested == []


def test_a_document_has_sorted_keys_and_texts_as_they_are():
    assert json_text({"rows": 3, "name": "Käse", "list": ("b", "a")}) == (
        '{\n  "list": [\n    "b",\n    "a"\n  ],\n  "name": "Käse",\n  "rows": 3\n}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_what_is_no_number_is_null(number):
    assert json_text([number]) == "[\n  null\n]"


def test_numbers_of_numpy_are_numbers():
    assert json.loads(json_text([np.int64(3), np.float64(0.5)])) == [3, 0.5]


def test_a_member_of_an_enumeration_is_its_value():
    class Colour(enum.StrEnum):
        red = "r"

    assert json_text(Colour.red) == '"r"'


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("a\x1b[31mb", r'"a\u001b[31mb"'),
        ("a\x9b31mb", r'"a\u009b31mb"'),
        ("a\u202eb", r'"a\u202eb"'),
        ("a\x7fb", r'"a\u007fb"'),
        ("a\ud800b", r'"a\ud800b"'),
        ("a\r\nb", r'"a\r\nb"'),
    ],
)
def test_no_character_that_commands_a_terminal_is_raw(text, document):
    assert json_text(text) == document
    assert json.loads(document) == text


def test_other_types_and_equal_keys_are_bugs():
    with pytest.raises(TypeError, match="set has no form in JSON"):
        json_text({"a": {1}})
    with pytest.raises(TypeError, match="two keys are '1' in JSON"):
        json_text({1: "a", "1": "b"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
@examples(60)
def test_a_document_is_read_back_as_it_was(value):
    text = json_text(value)
    assert json_text(json.loads(text)) == text
    assert all(character.isprintable() or character == "\n" for character in printable_part(text))


def printable_part(text):
    """Return the characters below U+0100, whose printable ones are the same in every Unicode."""
    return [character for character in text if character < "\xa0"]


def test_messages_leave_the_standard_output_to_the_document(capsys):
    say_json({"rows": 3})
    message_printer(True)("done")
    captured = capsys.readouterr()
    assert captured.out == '{\n  "rows": 3\n}\n'
    assert captured.err == "done\n"
    assert message_printer(True) is say_error
