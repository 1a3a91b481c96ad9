"""The decision records are complete, numbered and listed, and name commands and files that exist."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "docs/decisions"
FIELDS = ("Tried", "Figures", "Decision", "Command", "Code")
RECORD_FILES = sorted(FOLDER.glob("[0-9]*.md"))


class Record(NamedTuple):
    """One decision: its number and question, its file, and the text of each of FIELDS."""

    number: int
    question: str
    file: str
    fields: dict[str, str]

    @property
    def summary(self) -> str:
        """Return the decision in one line."""
        return self.fields["Decision"].splitlines()[0]


def read_records(file: Path) -> list[Record]:
    """Return the records of one file, in their order."""
    sections = re.split(r"(?m)^## ", file.read_text("utf-8"))[1:]
    records = []
    for section in sections:
        heading, _, body = section.partition("\n")
        number, _, question = heading.partition(". ")
        parts = re.findall(r"(?ms)^- \*\*(\w+):\*\*\s+(.*?)(?=^- \*\*|\Z)", body)
        assert [name for name, _ in parts] == list(FIELDS), f"{file.name}: {heading}"
        fields = {name: text.strip() for name, text in parts}
        records.append(Record(int(number), question, file.name, fields))
    return records


# A later record stands with others on its subject, so numbers do not ascend over all files.
RECORDS = sorted(record for file in RECORD_FILES for record in read_records(file))


def code_spans(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def command_words(record: Record) -> list[str]:
    """Return the words of all commands of a record."""
    return [word for span in code_spans(record.fields["Command"]) for word in shlex.split(span)]


def code_paths(prefix: str) -> list[tuple[int, str]]:
    """Return (number, path) of each path under `prefix` that a record names as its code."""
    return [
        (record.number, path)
        for record in RECORDS
        for path in code_spans(record.fields["Code"])
        if path.startswith(prefix)
    ]


def missing_files(paths: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return those of `paths` that do not exist."""
    return [(number, path) for number, path in paths if not (ROOT / path).exists()]


def test_records_are_numbered_without_a_gap():
    assert [record.number for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_a_file_of_records_is_short():
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in RECORD_FILES}
    assert {name: length for name, length in lengths.items() if not 40 <= length <= 120} == {}


def test_a_question_is_a_question_and_a_decision_a_sentence():
    assert [record.number for record in RECORDS if not record.question.endswith("?")] == []
    assert [record.number for record in RECORDS if not record.summary.endswith(".")] == []


def test_the_table_of_decisions_lists_every_record():
    text = (FOLDER / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    assert rows == [
        f"| {record.number} | {record.question} | {record.summary} "
        f"| [{record.file[:4]}]({record.file}) |"
        for record in RECORDS
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record.number))
def test_the_command_of_a_record_exists(record):
    words = command_words(record)
    files = [word for word in words if word.startswith(("bench/", "tests/"))]
    assert files, "a record names the benchmark or the test that belongs to it"
    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record.number))
def test_a_record_names_its_code(record):
    assert code_spans(record.fields["Code"])


def test_code_outside_of_stages_exists():
    paths = [(number, path) for number, path in code_paths("") if not path.startswith("stages/")]
    assert missing_files(paths) == []


def test_code_under_stages_exists():
    assert missing_files(code_paths("stages/")) == []


def test_bytecode_is_part_of_no_folder_dependency():
    assert "__pycache__/" in (ROOT / ".dvcignore").read_text("utf-8").splitlines()
