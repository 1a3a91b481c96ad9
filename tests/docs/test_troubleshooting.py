"""Each message on the page of errors is one that the code writes, word for word."""

import ast
import re
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
OURS, _, REST = PAGE.partition("## After a kill")
DVC_ROWS = REST.partition("## Someone asks")[0]
GAP = "\x00"


def messages(table_rows):
    """Return the code spans in the first column of the rows of tables."""
    cells = re.findall(r"(?m)^\| (.+?) \| ", table_rows)
    return [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]


def written(node):
    """Return a text of the code, with GAP for each value that is put in; None if it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
        return "".join(parts)
    return None


def texts(files):
    """Return every text that the code of `files` can write: all but docstrings."""
    lines = []
    for file in files:
        tree = ast.parse(file.read_text("utf-8"))
        statements = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
        docstrings = {id(node) for node in statements if isinstance(node, ast.Constant)}
        for node in ast.walk(tree):
            text = written(node) if id(node) not in docstrings else None
            if text:
                lines.append(text)
    return lines


def is_written(message, lines):
    """Return whether one text holds all parts of a message in their order, with a value between them."""
    parts = [part for part in re.split(r"\.\.\.", message) if part.strip(" /:,")]
    pattern = re.compile(f".*{GAP}.*".join(map(re.escape, parts)), re.DOTALL)
    return bool(parts) and any(pattern.search(line) for line in lines)


@pytest.fixture(scope="module")
def lines():
    return texts(sorted((ROOT / "stages").rglob("*.py")))


@pytest.mark.parametrize("message", messages(OURS))
def test_a_message_is_one_that_the_code_writes(message, lines):
    assert is_written(message, lines)


def test_the_page_has_the_messages_that_people_meet():
    assert len(messages(OURS)) >= 40
    assert len(set(messages(OURS))) == len(messages(OURS))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("the file ... has no rows", True),
        ("... has no rows", True),
        ("the file has no rows", False),
        ("the file ... has no columns", False),
        ("a docstring", False),
        ("...", False),
    ],
)
def test_a_message_of_other_words_is_noticed(tmp_path, message, expected):
    file = tmp_path / "code.py"
    file.write_text(
        '"""a docstring"""\nraise ValueError(f"the file {name} "\n    "has no rows")\n', "utf-8"
    )
    assert is_written(message, texts([file])) is expected


# ---- messages of DVC, which the page explains


@pytest.fixture(scope="module")
def dvc_lines():
    places = [Path(find_spec(name).submodule_search_locations[0]) for name in ("dvc", "dvc_data", "zc.lockfile")]  # fmt: skip
    return texts([file for place in places for file in sorted(place.rglob("*.py"))])


@pytest.mark.parametrize("message", [m for m in messages(DVC_ROWS) if not m.startswith("-")])
def test_a_message_of_dvc_is_one_that_it_writes(message, dvc_lines, tmp_path):
    # Those of its database come from SQLite, and the prefix from how DVC prints what it did not expect.
    message = message.removeprefix("unexpected error - ")
    if message == "file is not a database":
        (tmp_path / "file").write_bytes(b"no database" * 100)
        with pytest.raises(sqlite3.DatabaseError, match=message):
            sqlite3.connect(tmp_path / "file").execute("SELECT * FROM sqlite_master")
    elif message == "database disk image is malformed":
        assert message in malformed(tmp_path / "file")
    else:
        # DVC puts a message together from two texts.
        for part in message.replace("'./dvc.lock'", "'...'").split(" (possible"):
            assert is_written(part, dvc_lines)


def malformed(file):
    """Return what SQLite says of a database whose second page was overwritten."""
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE hashes (name TEXT)")
        database.executemany("INSERT INTO hashes VALUES (?)", [("a" * 500,)] * 100)
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    file.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError) as error:
        sqlite3.connect(file).execute("SELECT name FROM hashes").fetchall()
    return str(error.value)
