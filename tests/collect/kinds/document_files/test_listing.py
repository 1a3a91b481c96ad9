"""Which files of a folder are documents: hidden ones, links and the like are passed over and counted."""

import os
from pathlib import Path

import pytest

from stages.collect.kinds.document_files.listing import list_documents, matches
from stages.lib.core.errors import UserError
from tests.collect.kinds.document_files.folder import write

NAMES = [
    "docs/a.md", "docs/B.HTML", "docs/deep/er/c.pdf", "docs/x.docx", "docs/n.txt", "docs/data.csv", "docs/logo.png",
    "docs/LICENSE", "docs/.hidden.md", "docs/.git/d.md", "docs/node_modules/e.md", "docs/__MACOSX/f.md",
    "docs/~$x.docx", "docs/._a.md", "docs/été.md", "other/g.md",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    for name in NAMES:
        write(tmp_path / name, b"x")
    return tmp_path


def keys(root, path):
    return [file.key for file in list_documents(root, path).files]


def test_a_folder_gives_its_documents_by_their_paths(root):
    listing = list_documents(root, "docs")
    assert keys(root, "docs") == ["B.HTML", "a.md", "deep/er/c.pdf", "n.txt", "x.docx", "été.md"]
    assert listing.skipped == {"folders": 2, "hidden": 3, "temporary": 1}
    assert listing.other_suffixes == {".csv": 1, ".png": 1, "without a suffix": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("docs/a.md", ["a.md"]),
        ("docs/*.md", ["a.md", "été.md"]),
        ("docs/**/*.pdf", ["deep/er/c.pdf"]),
        ("docs/**", ["B.HTML", "a.md", "deep/er/c.pdf", "n.txt", "x.docx", "été.md"]),
        ("docs/de*", ["deep/er/c.pdf"]),
        ("*/?.md", ["docs/a.md", "other/g.md"]),
        ("docs/[ab].md", ["a.md"]),
        ("docs/nothing", []),
        ("nothing/*.md", []),
        ("docs/*.csv", []),
        ("docs/data.csv", []),
    ],
)
def test_files_and_patterns(root, path, expected):
    assert keys(root, path) == expected


def test_a_folder_with_the_signs_of_a_pattern_in_its_name(tmp_path):
    write(tmp_path / "a[1]/b.md", b"x")
    assert keys(tmp_path, "a[1]") == ["b.md"]


def test_the_order_of_writing_does_not_matter(tmp_path):
    for number, names in enumerate((["a.md", "b/c.md", "d.md"], ["d.md", "b/c.md", "a.md"])):
        for name in names:
            write(tmp_path / str(number) / name, b"x")
    assert keys(tmp_path, "0") == keys(tmp_path, "1") == ["a.md", "b/c.md", "d.md"]


def test_links_within_the_folder_are_passed_over_and_loops_end(root):
    (root / "docs/loop").symlink_to(root / "docs")
    (root / "docs/deep/up").symlink_to("..")
    (root / "docs/again").symlink_to("deep")
    listing = list_documents(root, "docs")
    assert len(listing.files) == 6
    assert listing.skipped["links"] == 3


def test_a_link_to_another_folder_is_refused(root):
    (root / "docs/other").symlink_to(root / "other")
    with pytest.raises(UserError, match=r"docs/other is a link to the folder .*/other"):
        list_documents(root, "docs")


def test_pipes_and_links_to_nothing_are_counted(root):
    os.mkfifo(root / "docs/pipe.md")
    (root / "docs/gone.md").symlink_to("nowhere.md")
    assert list_documents(root, "docs").skipped["special"] == 2


def test_a_name_that_is_no_utf8(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_bytes(b"x")
    assert keys(tmp_path, ".") == ["caf\\xe9.md"]


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a/b/c.md", "**/c.md", True),
        ("c.md", "**/c.md", True),
        ("a/b/c.md", "a/*/c.md", True),
        ("a/b/c.md", "a/*.md", False),
        ("a/b/c.md", "a", True),
        ("a/b/c.md", "A", False),
    ],
)
def test_patterns_match_as_in_a_shell(path, pattern, expected):
    assert matches(path.split("/"), pattern.split("/")) == expected
