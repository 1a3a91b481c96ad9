"""Files about the project agree: contributing guide, changelog, citation and the workflow of tests."""

import re
import tomllib

import pytest
from markdown_it import MarkdownIt

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT, git

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "examples/README.md",
    *ROOT.glob("docs/**/*.md"),
]


def test_the_contributing_guide_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 120


def test_links_between_documents_lead_to_files():
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            if not (document.parent / target).exists():
                broken.append((document.name, target))
    assert broken == []


def markup_outside_code(text):
    """Return the tags and entities of Markdown that a reader does not see."""
    hidden = []
    # Without this rule an entity stays a token of its own.
    parser = MarkdownIt("commonmark").enable("table").disable("text_join")
    for block in parser.parse(text):
        for token in [block, *(block.children or [])]:
            is_tag = token.type in {"html_block", "html_inline"}
            # Comments mark generated parts, and <br> breaks lines in cells.
            if is_tag and not token.content.startswith(("<!--", "<br>")):
                hidden.append(token.content)
            if token.type == "text_special" and token.info == "entity":
                hidden.append(token.markup)
    return hidden


@pytest.mark.parametrize("text", ["a <hr> line", "<div>\n", "x<sup>2</sup>", "Fish &amp; chips"])
def test_markup_outside_code_is_noticed(text):
    assert markup_outside_code(text)
    assert markup_outside_code(f"`{text.strip()}`") == []


def test_documents_show_tags_and_entities_as_code():
    documents = git(ROOT, "ls-files", "*.md").split()
    hidden = {name: markup_outside_code((ROOT / name).read_text("utf-8")) for name in documents}
    assert {name: items for name, items in hidden.items() if items} == {}


def anchors(text):
    """Return the anchors that git hosts give to the headings of a page."""
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    headings = re.findall(r"(?m)^#+ +(.+?) *$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_anchors(document):
    """Return the links of a page that lead to no heading."""
    dead = []
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text("utf-8")):
        page = document.parent / target if target else document
        if page.suffix == ".md" and anchor not in anchors(page.read_text("utf-8")):
            dead.append(f"{document.name}: {target}#{anchor}")
    return dead


def test_links_between_documents_lead_to_headings():
    assert [link for document in DOCUMENTS for link in dead_anchors(document)] == []


def test_a_dead_anchor_is_noticed(tmp_path):
    (tmp_path / "two.md").write_text("# Two\n\n## `a`, and a b-c?\n\n```sh\n# code\n```\n", "utf-8")
    links = "[a](two.md#a-and-a-b-c) [b](two.md#code) [c](#here) [d](#there)"
    (tmp_path / "one.md").write_text(f"# Here\n\n{links}\n", "utf-8")
    assert dead_anchors(tmp_path / "one.md") == ["one.md: two.md#code", "one.md: #there"]


def test_each_version_has_a_date_and_the_newest_is_the_projects():
    versions = re.findall(r"(?m)^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", CHANGELOG)
    headings = re.findall(r"(?m)^## (.+)$", CHANGELOG)
    # Above the versions there may be what is not released.
    released = headings[1:] if headings[0] == "Unreleased" else headings
    assert len(versions) == len(released)
    assert versions[0] == VERSION


def test_the_citation_names_this_version_and_its_date():
    citation = read_yaml(ROOT / "CITATION.cff")
    assert citation["version"] == VERSION
    assert f"## {VERSION} - {citation['date-released']}" in CHANGELOG
    assert citation["authors"] == [{"name": "The Pairsmith contributors"}]


def test_the_gate_runs_on_every_push_and_pull_request():
    workflow = read_yaml(ROOT / ".github/workflows/test.yml")
    (job,) = workflow["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    assert used and all(len(action.partition("@")[2]) == 40 for action in used)
    assert job["steps"][-1]["run"] == ".ci/run"
