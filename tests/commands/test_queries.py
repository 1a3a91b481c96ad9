"""`python -m stages queries`: held-out passages are drawn, and what people wrote stays."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.commands import queries
from stages.commands.queries import app, draw, merge
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.written_queries import SheetLine, read_sheet, write_sheet

SHEET = Path("data/written_queries/queries.csv")


def doc(number):
    return f"d{number:016x}"


def held_out(*rows):
    """Make tables of documents of (number, split, component, topic, texts of its passages)."""
    documents = pd.DataFrame(
        [(doc(n), "s", f"Title {n}", " ".join(texts), topic, "") for n, _, _, topic, texts in rows],
        columns=list(Documents.empty().columns),
    )
    passages = pd.DataFrame(
        [
            (f"{doc(n)}-{position:04d}", doc(n), position, text)
            for n, _, _, _, texts in rows
            for position, text in enumerate(texts)
        ],
        columns=list(Passages.empty().columns),
    ).astype({"position": "int64"})
    splits = pd.DataFrame(
        [(doc(n), doc(component), split) for n, split, component, _, _ in rows],
        columns=list(Splits.empty().columns),
    )
    return passages, documents, splits


ROWS = [
    (1, "validation", 1, "heart", ["A valve leaks."]),
    (2, "validation", 2, "heart", ["A chamber is thick."]),
    (3, "validation", 3, "heart", ["The beat is slow."]),
    (4, "validation", 4, "eye", ["The lens is cloudy."]),
    (5, "test", 5, "ear", ["The drum has a hole.", "Fluid runs out."]),
    (6, "test", 6, "ear", ["Sounds are faint."]),
    (7, "train", 7, "skin", ["The skin itches."]),
    (8, "corpus", 8, "skin", ["The skin is dry."]),
    (9, "test", 9, "ear", ["  "]),
]


def drawn(number, seed=1, rows=ROWS):
    return draw(*held_out(*rows), number=number, seed=seed)


def test_half_is_from_validation_and_half_from_test_and_topics_take_turns():
    lines = drawn(4)
    assert [line.split for line in lines] == ["validation", "validation", "test", "test"]
    assert {line.topic for line in lines[:2]} == {"heart", "eye"}


def test_a_component_gives_a_second_passage_after_each_gave_its_first():
    lines = [line for line in drawn(8) if line.split == "test"]
    assert [line.topic for line in lines] == ["ear", "ear", "ear"]
    assert {line.doc_id for line in lines[:2]} == {doc(5), doc(6)}
    assert lines[2].doc_id == doc(5)
    assert {line.passage for line in lines} == {
        "The drum has a hole.",
        "Fluid runs out.",
        "Sounds are faint.",
    }


def test_training_and_empty_passages_are_not_drawn():
    assert {line.doc_id for line in drawn(100)} == {doc(number) for number in (1, 2, 3, 4, 5, 6)}


@given(st.permutations(ROWS), st.integers(2, 8), st.integers(0, 3))
def test_the_order_of_the_tables_changes_nothing_and_more_passages_add_to_fewer(rows, number, seed):
    fewer = drawn(number, seed, rows)
    assert fewer == drawn(number, seed)
    assert set(fewer) <= set(drawn(number + 2, seed))


def line(number, query, passage="A valve leaks."):
    return SheetLine(doc(number), "validation", "heart", "Title", passage, query)


def test_written_queries_stay_and_those_of_other_passages_move_to_the_end():
    sheet = [line(9, "old one"), line(8, ""), line(1, "a leaking valve"), line(1, "valve leak?")]
    assert merge(sheet, [line(2, ""), line(1, "")]) == [
        line(2, ""),
        line(1, "a leaking valve"),
        line(1, "valve leak?"),
        line(9, "old one"),
    ]


@pytest.fixture
def run_at_hand(project):
    """Write the tables of a run into a project that git and DVC know."""
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["dvc", "init", "-q"], check=True)
    passages, documents, splits = held_out(*ROWS)
    tables.write(passages, queries.PASSAGES, Passages)
    tables.write(documents, queries.DOCUMENTS, Documents)
    tables.write(splits, queries.SPLITS, Splits)
    return project


def test_no_passage_is_drawn_from_a_run_of_a_sample(run_at_hand):
    splits = tables.read(queries.SPLITS, Splits)
    is_outside = splits["id"] == doc(6)
    outside = splits.assign(split=splits["split"].mask(is_outside, "not_in_sample"))
    tables.write(outside, queries.SPLITS, Splits)
    result = CliRunner().invoke(app, ["--number", "4"])
    assert result.exit_code == 1
    assert "leaves 1 rows out: no passage of theirs would be drawn" in result.output
    assert not SHEET.exists()


@pytest.mark.slow
def test_the_sheet_is_a_file_of_dvc_and_keeps_what_people_wrote(run_at_hand):
    result = CliRunner().invoke(app, ["--number", "4"])
    assert result.exit_code == 0, result.output
    assert "4 passages (0 queries written)" in result.stdout
    assert Path(f"{SHEET}.dvc").exists()
    assert "/queries.csv" in (SHEET.parent / ".gitignore").read_text()

    # A person writes into the first line, and more passages are drawn.
    first, *others = read_sheet(SHEET)
    write_sheet([first._replace(query='who says "leak"?\nand, why'), *others], SHEET)
    result = CliRunner().invoke(app, ["--number", "6"])
    assert result.exit_code == 0, result.output
    assert "6 passages (1 queries written)" in result.stdout
    assert read_sheet(SHEET)[0].query == 'who says "leak"?\nand, why'


@pytest.mark.slow
def test_with_git_the_sheet_is_not_tracked_by_dvc(run_at_hand):
    assert CliRunner().invoke(app, ["--number", "4", "--git"]).exit_code == 0
    assert SHEET.exists()
    assert not Path(f"{SHEET}.dvc").exists()


@pytest.mark.slow
def test_a_sheet_that_git_holds_is_named_with_its_remedy(run_at_hand):
    assert CliRunner().invoke(app, ["--git"]).exit_code == 0
    subprocess.run(["git", "add", str(SHEET)], check=True)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "git rm --cached" in result.output


def test_without_held_out_documents_the_remedy_is_named(project):
    passages, documents, splits = held_out(ROWS[6])
    tables.write(passages, queries.PASSAGES, Passages)
    tables.write(documents, queries.DOCUMENTS, Documents)
    tables.write(splits, queries.SPLITS, Splits)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "pair.recipes" in result.output


HEADER = "doc_id,split,topic,title,passage,query\n"


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "line 1: the header"),
        ("a,b\n", "line 1: the header"),
        (f"{HEADER}d1,validation,t\n", "line 2: 3 fields instead of 6"),
        (f"{HEADER}d1,train,t,T,p,q\n", "line 2: the split 'train'"),
        (f'{HEADER}d1,test,t,T,"p,q\n', "is not a CSV file"),
        (HEADER.encode() + b"d1,test,t,T,p,\xff\n", "is not a CSV file in UTF-8"),
    ],
)
def test_a_broken_sheet_is_named_with_its_line(tmp_path, content, fact):
    path = tmp_path / "queries.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as raised:
        read_sheet(path)
    assert fact in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_sheet_as_a_spreadsheet_saves_it_is_read(tmp_path, encoding, delimiter):
    path = tmp_path / "queries.csv"
    text = HEADER.replace(",", delimiter) + delimiter.join(
        ["d1", "test", "Ohr", "Titel", "Hört nichts.", "taub?"]
    )
    path.write_bytes(f"{text}\r\n".encode(encoding))
    assert read_sheet(path) == [SheetLine("d1", "test", "Ohr", "Titel", "Hört nichts.", "taub?")]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(st.builds(SheetLine, TEXTS, st.just("test"), TEXTS, TEXTS, TEXTS, TEXTS)))
def test_a_sheet_is_read_as_it_was_written(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("sheet") / "queries.csv"
    write_sheet(lines, path)
    assert read_sheet(path) == lines


@pytest.mark.slow
def test_if_dvc_fails_the_sheet_and_what_lies_beside_it_are_as_they_were(run_at_hand, monkeypatch):
    assert CliRunner().invoke(app, ["--number", "4"]).exit_code == 0
    first, *others = read_sheet(SHEET)
    write_sheet([first._replace(query="who says so?"), *others], SHEET)
    before = {path: path.read_bytes() for path in SHEET.parent.iterdir()}

    def fail(path):
        (path.parent / ".gitignore").write_text("nothing\n", "utf-8")
        Path(f"{path}.dvc").write_text("half", "utf-8")
        raise UserError("'dvc add' failed: no space", "make room")

    monkeypatch.setattr(queries, "_track", fail)
    assert CliRunner().invoke(app, ["--number", "6"]).exit_code == 1
    assert {path: path.read_bytes() for path in SHEET.parent.iterdir()} == before


def test_json_counts_passages_and_queries(run_at_hand):
    result = CliRunner().invoke(app, ["--number", "4", "--git", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "file": "data/written_queries/queries.csv",
        "passages": 4,
        "tracked_by_dvc": False,
        "written": 0,
    }
