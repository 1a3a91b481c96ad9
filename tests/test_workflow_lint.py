"""Workflows and the template of GitLab are linted, without a network, and the linters notice faults."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEMPLATE = ROOT / ".gitlab-ci.yml"
SCHEMAS = {"github": ["vendor.github-workflows"], "gitlab": ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]}  # fmt: skip
WORKFLOW = """name: w
on: pull_request
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: STEP
"""


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def check_form(kind, file):
    """Check a file against the form that GitHub or GitLab publishes, which the package holds."""
    words = ["-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[kind], str(file)]
    return run(sys.executable, *words)


def check_safety(*files):
    """Check workflows for what lets others run code, or read secrets."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    zizmor = shutil.which("zizmor", path=path)
    assert zizmor, "'make setup' installs zizmor"
    return run(zizmor, "--offline", "--no-progress", *map(str, files))


def scripts(document):
    """Return the shell lines of all jobs of a workflow, or of the template."""
    jobs = document.get("jobs", document)
    for job in jobs.values():
        if isinstance(job, dict):
            yield from ["\n".join(job["script"])] if "script" in job else []
            yield from [step["run"] for step in job.get("steps", []) if "run" in step]


@pytest.mark.slow
@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_the_form_that_github_reads(file):
    process = check_form("github", file)
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
def test_the_template_has_the_form_that_gitlab_reads():
    process = check_form("gitlab", TEMPLATE)
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
def test_the_workflows_are_safe():
    process = check_safety(*WORKFLOWS)
    assert process.returncode == 0, process.stdout
    assert "No findings to report" in process.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("github", WORKFLOW.replace("runs-on: ubuntu-24.04", "runs-in: ubuntu-24.04")),
        ("github", WORKFLOW.replace("run: STEP", "rum: STEP")),
        ("gitlab", "job:\n  script: [echo]\n  needs: 5\n"),
        ("gitlab", "job:\n  scripts: [echo]\n"),
    ],
)
def test_a_file_of_another_form_is_noticed(tmp_path, kind, text):
    (tmp_path / "file.yml").write_text(text, "utf-8")
    assert check_form(kind, tmp_path / "file.yml").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            WORKFLOW.replace("STEP", 'echo "${{ github.event.pull_request.title }}"'),
            "template-injection",
        ),
        (WORKFLOW.replace("pull_request", "pull_request_target"), "dangerous-triggers"),
        (WORKFLOW.replace("run: STEP", "uses: actions/checkout@v4"), "unpinned-uses"),
    ],
)
def test_an_unsafe_workflow_is_noticed(tmp_path, text, fault):
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "w.yml").write_text(text, "utf-8")
    process = check_safety(folder / "w.yml")
    assert process.returncode != 0
    assert fault in process.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, TEMPLATE], ids=lambda file: file.name)
def test_every_step_is_bash(file):
    texts = list(scripts(read_yaml(file)))
    assert texts
    for text in texts:
        process = run("bash", "-n", "-c", text)
        assert process.returncode == 0, process.stderr
