"""Files about the project agree: contributing guide, changelog, citation and the workflow of tests."""

import re
import tomllib

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
DOCUMENTS = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]


def test_the_contributing_guide_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 120


def test_links_between_documents_lead_to_files():
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            if not (document.parent / target).exists():
                broken.append((document.name, target))
    assert broken == []


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
