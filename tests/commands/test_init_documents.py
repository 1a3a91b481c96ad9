"""python -m stages init takes folders of documents: recognised, shown, copied whole, read by collect and clean."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.clean.__main__ import app as clean_app
from stages.collect.__main__ import app as collect_app
from stages.commands.init import changes
from stages.commands.init.documents import recognise_documents
from stages.commands.init.guess import FolderCopy
from stages.commands.init.recognition import guess_sources
from stages.lib.core.errors import UserError
from tests.collect.kinds.document_files.folder import write, write_folder
from tests.collect.kinds.document_files.office_files import lines_of, pdf
from tests.commands.test_init import clone, init, params, tree  # noqa: F401

PROSE = "Many words\n\nof one text.\n"


@pytest.fixture
def own(tmp_path_factory):
    """Return a folder of the user's own, named docs."""
    return tmp_path_factory.mktemp("own") / "docs"


@pytest.mark.parametrize(
    ("names", "is_documents"),
    [
        (["a.html"], True),
        (["a.md", "b.pdf", "c.png", "d.css", "e.js"], True),
        (["a.txt", "b.txt"], True),
        (["a.md", "b.md", "c.csv"], True),
        (["a.md", "b.csv"], False),
        (["README.md", "LICENSE.md", "data.csv"], False),
        (["readme.txt", "codebook.pdf", "a.csv"], False),
        (["corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "README.md"], False),
        (["rows.txt"], False),
        (["rows.txt", "a.txt"], False),
        (["a.csv"], False),
        (["a.png"], False),
        (["node_modules/a.md", "b.csv"], False),
        (["deep/er/a.docx"], True),
    ],
)
def test_a_folder_is_of_documents_if_most_files_are(own, names, is_documents):
    for name in names:
        write(own / name, b"id\tname\n1\ta\n2\tb\n" if name == "rows.txt" else PROSE.encode())
    assert (recognise_documents(str(own), ()) is not None) == is_documents


@pytest.mark.parametrize(
    ("argument", "target", "count"),
    [
        ("docs", "data/raw/docs", 3),
        ("docs/a.md", "data/raw/a.md", 1),
        ("docs/**/*.md", "data/raw/docs", 2),
        ("docs/b", "data/raw/b", 1),
    ],
)
def test_what_is_copied_where(own, argument, target, count):
    for name in ("a.md", "b/c.md", "d.txt"):
        write(own / name, PROSE.encode())
    guess = recognise_documents(str(own.parent / argument), ())
    assert guess.settings() == {"reader": "documents", "path": target}
    assert len(guess.listing.files) == count


def test_several_files_are_one_source_as_a_shell_gives_them(own):
    for name in ("a.md", "b/c.md", "t.csv"):
        write(own / name, PROSE.encode())
    write(own / "t.csv", b"question,answer\nHow is it?,It is good.\nWhy is it?,It must be.\n")
    documents, table = guess_sources([str(own / name) for name in ("b/c.md", "a.md", "t.csv")])
    assert [file.key for file in documents.listing.files] == ["a.md", "b/c.md"]
    assert (documents.name, table.name) == ("docs", "t")


@pytest.mark.slow
def test_a_folder_becomes_the_data_without_a_question(clone, own):  # noqa: F811
    write_folder(own)
    write(own / "scan.pdf", pdf([]))
    write(own / ".git/hidden.md", b"hidden")
    write(own / "logo.png", b"x")
    result = init(own, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"] == {
        "docs": {"reader": "documents", "path": "data/raw/docs"}
    }
    for line in (
        "  files: 1 .docx, 5 .html, 4 .md, 1 .mdx, 2 .pdf, 3 .txt",
        "  not read: 1 .png",
        "  passed over: 1 hidden",
        "  note: 1 file with a guessed encoding: cp1252",
        "  questions: 5",
        "  rejected of 'docs': 1 no text",
        "Tracked by DVC: data/raw/docs",
    ):
        assert f"{line}\n" in result.output
    assert result.output.count("  document ") == 3
    copied = {
        path.relative_to("data/raw/docs").as_posix() for path in Path("data/raw/docs").rglob("*.*")
    }
    assert len(copied) == 16
    assert not {"logo.png", ".git"} & copied

    # Few questions do not stand alone.
    assert params()["pair"]["recipes"] == ["given", "title", "heading", "first_sentence"]


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_a_changed_file_is_shown(clone, own):  # noqa: F811
    write_folder(own)
    init(own, "--yes")
    before = tree()
    assert "Nothing to change" in init(own, "--yes").output
    write(own / "README.md", b"# Tool\n\nIt reads more files.\n")
    result = init(own, "--yes")
    assert f"would copy 15 files of {own} to data/raw/docs" in result.output
    assert tree() == before
    assert init(own, "--yes", "--force").exit_code == 0
    assert Path("data/raw/docs/README.md").read_bytes() == b"# Tool\n\nIt reads more files.\n"
    assert {path for path in tree() if path.startswith("data/raw/.docs")} == set()


def test_a_folder_under_data_raw_stays_there(clone):  # noqa: F811
    for number in range(2):
        write(Path(f"data/raw/my docs/{number}.md"), f"# Part {number}\n\nOne. Two.\n".encode())
    result = init("data/raw/my docs", "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"]["my_docs"]["path"] == "data/raw/my docs"
    assert Path("data/raw/my docs.dvc").exists()
    assert "Nothing to change" in init("data/raw/my docs", "--yes").output


def test_another_folder_of_the_name_is_not_replaced(clone, own):  # noqa: F811
    write_folder(own)
    write(Path("data/raw/docs/other.md"), b"Mine.")
    before = tree()
    result = init(own, "--yes")
    assert "data/raw/docs exists already" in result.stderr
    assert tree() == before


@pytest.mark.parametrize("is_there", [False, True])
def test_if_dvc_fails_every_folder_is_as_it_was(clone, own, monkeypatch, is_there):  # noqa: F811
    write_folder(own)
    if is_there:
        write(Path("data/raw/docs/other.md"), b"Mine.")

    def fail(paths):
        Path("data/raw/docs.dvc").write_text("outs:\n", "utf-8")
        raise UserError("'dvc add' failed: no space", "correct it")

    monkeypatch.setattr(changes, "_track", fail)
    before = tree()
    assert init(own, "--yes", "--force").exit_code == 1
    assert tree() == before


def test_if_a_file_cannot_be_copied_nothing_is_left(clone, own, monkeypatch):  # noqa: F811
    write_folder(own)
    real_copy = changes.shutil.copyfile

    def fail(origin, target, **options):
        if Path(origin).name == "notes.txt":
            raise PermissionError(13, "Permission denied")
        return real_copy(origin, target, **options)

    monkeypatch.setattr(changes.shutil, "copyfile", fail)
    before = tree()
    result = init(own, "--yes")
    assert "notes.txt cannot be copied: Permission denied" in result.stderr
    assert tree() == before


def test_a_copy_needs_all_of_its_files(tmp_path):
    write(tmp_path / "a.md", b"x")
    copy = FolderCopy(tmp_path, {"a.md": tmp_path / "a.md", "b.md": tmp_path / "b.md"})
    with pytest.raises(UserError, match=r"b\.md cannot be copied"):
        changes.apply({tmp_path / "raw/docs": copy}, {})
    assert not (tmp_path / "raw/docs").exists()
    assert list((tmp_path / "raw").glob(".*")) == []


def test_long_documents_and_many_scans_raise_the_limits(clone, own):  # noqa: F811
    write(own / "long.md", ("A sentence of many words. " * 2_000).encode())
    for number in range(3):
        write(own / f"scan{number}.pdf", pdf([]))
    result = init(own, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["clean"]["max_document_characters"] == 60_000
    assert params()["collect"]["max_rejected_share"] == 0.75
    assert "75 % of the records of a source are rejected" in result.output


def test_without_questions_pairs_are_made_of_the_documents(clone, own):  # noqa: F811
    for number in range(4):
        write(
            own / f"{number}.md",
            f"# Part {number}\n\nThis is part {number}. It has two sentences.\n".encode(),
        )
    result = init(own, "--yes")
    assert params()["pair"]["recipes"] == ["title", "heading", "first_sentence"]
    assert "There are no questions" in result.output


def test_a_person_corrects_a_guess(own, monkeypatch):
    write(own / "a/b.md", b"## Is it new?\n\nYes.\n\n## Who sells it?\n\nWe.\n")
    answers = iter([False, False, False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(answers))
    guess = recognise_documents(str(own), ()).ask()
    assert guess.settings() == {
        "reader": "documents",
        "path": "data/raw/docs",
        "faq": "off",
        "topic": "none",
    }
    assert guess.preview.question_count == 0


def test_a_folder_without_a_usable_file_is_refused(clone, own):  # noqa: F811
    write(own / "scan.pdf", pdf([]))
    before = tree()
    result = init(own, "--yes")
    assert "data/raw/docs: none of its 1 rows can be used (no_text 1)" in result.stderr
    assert tree() == before


@pytest.mark.slow
def test_from_a_folder_to_clean_texts(clone, own, monkeypatch):  # noqa: F811
    def track(paths):
        command = [sys.executable, "-m", "dvc", "add", "--quiet", *map(str, paths)]
        subprocess.run(command, check=True)

    # As DVC itself tracks a folder.
    Path(".dvc").rename("not_dvc")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    monkeypatch.setattr(changes, "_track", track)
    write_folder(own)
    assert init(own, "--yes", "--force").exit_code == 0
    assert "nfiles: 15" in Path("data/raw/docs.dvc").read_text("utf-8")
    for app in (collect_app, clean_app):
        result = CliRunner().invoke(app, [])
        assert result.exit_code == 0, result.output

    documents = pd.read_parquet("data/clean/documents.parquet").set_index("title")
    pairs = pd.read_parquet("data/clean/pairs.parquet")
    assert len(documents) == 18
    assert documents.loc["Urlaub", "text"].splitlines() == [
        "Urlaub",
        "Jeder Mitarbeiter hat dreißig Tage Urlaub im Jahr. Der Antrag geht an die Personalabteilung.",
        "Sonderurlaub",
        "Bei einem Umzug gibt es einen Tag Sonderurlaub.",
    ]
    assert documents.loc["Contract of Sale", "text"].splitlines()[:3] == [
        "Contract of Sale",
        "1. Subject",
        "The seller sells the machine that is described in the annex to the buyer for the agreed price.",
    ]
    assert documents.loc["Offer of May", "text"].splitlines() == [
        "Offer", "Dear «Name», we offer this.[1]", "Item | Price", "Lamp | 10", "1. Without tax.",
    ]  # fmt: skip
    assert documents.loc["Client", "text"].splitlines()[1:4] == [
        "```",
        "# How do I connect?",
        "client = Client(url)",
    ]
    assert sorted(pairs["anchor"]) == [
        "Delivery times", "How bright is it?", "كيف أعيد المنتج؟", "如何退货？", "运费是多少？",
    ]  # fmt: skip


def test_lines_of_text_are_no_table(own):
    write(own / "a.pdf", pdf(lines_of("Text.")))
    assert recognise_documents(str(own / "a.pdf"), ()).settings()["path"] == "data/raw/a.pdf"
