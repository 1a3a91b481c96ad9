"""The documentation as a site: its navigation, its drawings, its check of links, and the built pages."""

import doctest
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, git
from website import diagram, navigation
from website.check import faults
from website.diagram import draw_diagrams, places, read_graph, rows
from website.navigation import PAGES, Section, sections, with_navigation

SITE_PYTHON = ROOT / ".venv-site/bin/python"
needs_generator = pytest.mark.skipif(
    not SITE_PYTHON.exists(), reason="the generator of the site is not installed: run 'make site'"
)


# ---- navigation

CONTENTS = """# Documentation

Start with the [README](../README.md).

## Begin

- [start](start.md): begin here
- [data](../data/README.md#tables), and [an address](https://example.org/a.md)

## Stages

- [collect](stages/collect.md), and again [start](start.md)
"""


def test_the_sections_are_those_of_the_table_of_contents():
    assert sections(CONTENTS) == [
        Section("Begin", ["docs/start"]),
        Section("Stages", ["docs/stages/collect"]),
    ]


def test_a_link_to_a_page_as_a_whole_lists_it():
    assert sections("\n## Data\n\n- [a](../data/README.md)\n- [b](a.md)\n") == [
        Section("Data", ["data/README", "docs/a"])
    ]


def test_the_first_page_gets_the_sections_and_others_nothing(tmp_path):
    (tmp_path / "docs/decisions").mkdir(parents=True)
    (tmp_path / "docs/README.md").write_text(CONTENTS, "utf-8")
    for name in ("README.md", "0002-two.md", "0001-one.md"):
        (tmp_path / "docs/decisions" / name).write_text("# Title\n", "utf-8")
    assert with_navigation("README", "# Tool\n", tmp_path) == (
        "# Tool\n"
        "\n```{toctree}\n:hidden:\n\n/docs/README\n```\n"
        "\n```{toctree}\n:hidden:\n:caption: Begin\n\n/docs/start\n```\n"
        "\n```{toctree}\n:hidden:\n:caption: Stages\n\n/docs/stages/collect\n```\n"
    )
    assert with_navigation("docs/decisions/README", "# Why\n", tmp_path) == (
        "# Why\n\n```{toctree}\n:hidden:\n\n/docs/decisions/0001-one\n/docs/decisions/0002-two\n```\n"
    )
    assert with_navigation("docs/terms", "# Terms\n", tmp_path) == "# Terms\n"


def test_the_table_of_contents_lists_every_page():
    contents = (ROOT / "docs/README.md").read_text("utf-8")
    listed = [page for section in sections(contents) for page in section.pages]
    files = {file for pattern in PAGES for file in ROOT.glob(pattern)}
    pages = {file.relative_to(ROOT).with_suffix("").as_posix() for file in files}
    records = {page for page in pages if re.match(r"docs/decisions/\d", page)}
    assert len(records) >= 38
    assert sorted(listed) == sorted(pages - records - {"README", "docs/README"})


@pytest.mark.parametrize("module", [diagram, navigation])
def test_the_examples_in_docstrings_are_right(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# ---- drawings

GRAPH = ["    f[(data/raw)]", "    a[one]", "    b[two]", "    f --> b", "    a --> b"]


def test_stages_stand_below_each_other_and_files_beside_the_stage_before_their_reader():
    graph = read_graph(GRAPH)
    assert graph.labels == {"f": "data/raw", "a": "one", "b": "two"}
    assert rows(graph) == {"f": 0, "a": 0, "b": 1}
    assert places(graph) == {"a": (12, 12), "f": (238, 12), "b": (12, 70)}


def test_a_drawing_replaces_the_block_and_nothing_else():
    block = "```mermaid\ngraph TD\n" + "\n".join(GRAPH) + "\n```\n"
    text = draw_diagrams(f"before\n\n{block}\nafter\n")
    assert text.startswith("before\n\n```{raw} html\n<svg ") and text.endswith(
        "</svg>\n```\n\nafter\n"
    )
    assert text.count("<rect ") == 3 and text.count("<line ") == 2
    assert text.count('stroke-dasharray="5 3"') == 1
    assert ">data/raw</text>" in text and "mermaid" not in text


@pytest.mark.parametrize("line", ["a -.-> b", "a --> c", "subgraph one", ""])
def test_a_line_that_cannot_be_drawn_is_an_error(line):
    with pytest.raises(ValueError, match="does not know the line"):
        draw_diagrams(f"```mermaid\ngraph TD\na[one]\nb[two]\n{line}\n```\n")


def test_every_graph_of_the_documentation_can_be_drawn():
    text = (ROOT / "docs/pipeline.md").read_text("utf-8")
    assert "```mermaid" in text and "mermaid" not in draw_diagrams(text)


# ---- the check of links and requests

GOOD = (
    '<link rel="stylesheet" href="style.css"><h2 id="part">Part</h2><a href="#part">here</a>'
    '<a href="two.html#other%20part">two</a><a href="https://example.org">elsewhere</a>'
    '<img src="picture.png"><a href="#">up</a>'
)


@pytest.fixture
def site(tmp_path):
    """Return a built site of two pages without a fault."""
    (tmp_path / "one.html").write_text(GOOD, "utf-8")
    (tmp_path / "two.html").write_text('<p id="other part"></p>', "utf-8")
    (tmp_path / "style.css").write_text("p {background: url('picture.png')}", "utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_a_site_without_a_fault_has_none(site):
    assert faults(site) == []


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ('<a href="three.html">', "three.html leads to no file"),
        ('<a href="two.html#part">', "two.html#part leads to no heading"),
        ('<a href="#nowhere">', "#nowhere leads to no heading"),
        ('<a href="/one.html">', "/one.html leads out of the site"),
        ('<a href="../../etc/hosts">', "../../etc/hosts leads out of the site"),
        ('<a href="javascript:x()">', "javascript:x() leads out of the site"),
        ('<img src="none.png">', "none.png leads to no file"),
        ('<img src="https://example.org/a.png">', "loads https://example.org/a.png"),
        ('<script src="//example.org/a.js"></script>', "loads //example.org/a.js"),
        ('<link rel="preconnect" href="https://example.org">', "loads https://example.org"),
        ("<style>@import 'https://example.org/a.css'</style>", "loads https://example.org/a.css"),
        ('<p style="background: url(http://example.org/a)">', "loads http://example.org/a"),
        ("<script>fetch('https://example.org')</script>", "loads https://script"),
        ('<img srcset="https://example.org/b.png 2x">', "loads https://example.org/b.png"),
    ],
)
def test_each_fault_of_a_page_is_noticed(site, added, fault):
    (site / "one.html").write_text(GOOD + added, "utf-8")
    assert faults(site) == [f"one.html: {fault}"]


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        (
            "style.css",
            "@font-face {src: url(https://example.org/f)}",
            "loads https://example.org/f",
        ),
        ("a.js", 'import("https://example.org/a.js")', "loads from another host"),
    ],
)
def test_requests_of_styles_and_scripts_are_noticed(site, file, text, fault):
    (site / file).write_text(text, "utf-8")
    assert faults(site) == [f"{file}: {fault}"]


def test_a_folder_without_pages_is_no_good_site(tmp_path):
    with pytest.raises(FileNotFoundError, match="make site"):
        faults(tmp_path)


# ---- the real site


def build(source, target):
    """Build the site as `make site` does, and return what came of it."""
    words = ["-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-c", "website", "-d"]
    return subprocess.run(
        [str(SITE_PYTHON), *words, str(target / "doctrees"), ".", str(target / "site")],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of the site of these pages."""
    target = tmp_path_factory.mktemp("built")
    process = build(ROOT, target)
    assert process.returncode == 0, process.stderr
    return target / "site"


def test_make_builds_the_site_in_an_environment_of_its_own_and_checks_it():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\nsite: .venv-site/installed ## ")[2].partition("\n\n")[0]
    # Nothing of an older build is taken over: the sidebar of every page follows docs/README.md.
    assert "\trm -rf site\n" in recipe
    assert "-m sphinx -b html -E -W --keep-going" in recipe
    assert recipe.splitlines()[-1] == "\t.venv-site/bin/python website/check.py site"
    assert "requirements-docs" not in makefile.partition(".venv/installed:")[2].partition("\n\n")[0]


@pytest.mark.prove
@needs_generator
def test_the_site_has_no_dead_link_and_asks_no_other_host(built):
    assert faults(built) == []
    assert len(list(built.rglob("*.html"))) > 70
    assert "<svg" in (built / "docs/pipeline.html").read_text("utf-8")


@pytest.mark.prove
@needs_generator
@pytest.mark.parametrize(
    ("page", "added", "warning"),
    [
        ("docs/terms.md", "[x](nowhere.md)", "nowhere.md"),
        ("docs/terms.md", "[x](export.md#no-such-heading)", "no-such-heading"),
        ("docs/new-page.md", "# New\n", "isn't included in any toctree"),
        ("docs/terms.md", "```klingon\nqapla\n```", "klingon"),
    ],
)
def test_a_fault_of_a_page_stops_the_build(tmp_path, page, added, warning):
    copy = tmp_path / "copy"
    tracked = git(ROOT, "ls-files", "-z").split("\0")
    for name in filter(None, tracked):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    file = copy / page
    before = file.read_text("utf-8") if file.exists() else ""
    file.write_text(f"{before}\n{added}\n", "utf-8")
    process = build(copy, tmp_path)
    assert process.returncode == 1
    assert warning in process.stderr


@pytest.mark.prove
@needs_generator
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium, which is not installed")
def test_the_search_finds_pages_without_a_network(built):
    process = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000", "--dump-dom",
            f"{(built / 'search.html').as_uri()}?q=near-duplicates",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    assert re.search(r"found \d\d pages? matching", process.stdout)
    assert 'href="docs/stages/deduplicate.html' in process.stdout


def test_pages_lie_in_few_folders():
    folders = {Path(pattern).parent.as_posix() for pattern in PAGES}
    others = {"bench", "data", "examples", "metrics", "packages/verdict"}
    assert folders == {".", "docs", "docs/*"} | others
