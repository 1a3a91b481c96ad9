"""The tutorials are followed word by word: what needs no training is run in a copy of the tiny project."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT, git

FOLDER = ROOT / "docs/tutorials"
PAGES = {page.stem: page.read_text("utf-8") for page in sorted(FOLDER.glob("*.md"))}
EXAMPLES = (ROOT / "examples/README.md").read_text("utf-8")
HELPED, DID_NOT_HELP = PAGES["an-iteration-that-helped"], PAGES["an-iteration-that-did-not-help"]


def blocks(page):
    """Return (mark, lines) for each shell block: the mark above it says what it needs, and is "" if nothing."""
    pattern = r"(?ms)^(?:<!-- needs ([\w ]+) -->\n)?```sh\n(.*?)^```$"
    return [(mark, text) for mark, text in re.findall(pattern, page)]


def follow(page, project, environment):
    """Run the blocks of a page that need nothing else, one after another, and return what they print."""
    identity = {f"GIT_{role}_{key}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}  # fmt: skip
    printed = []
    for mark, text in blocks(page):
        if mark:
            continue
        process = subprocess.run(
            ["bash", "-e", "-c", text],
            cwd=project,
            env={**environment, **identity},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, f"{text}\n{process.stdout[-2000:]}{process.stderr[-2000:]}"
        printed.append(process.stdout)
    return printed


@pytest.fixture
def copy(tiny_project, tmp_path):
    folder = shutil.copytree(tiny_project, tmp_path / "copy")
    git(folder, "branch", "-M", "main")
    return folder


@pytest.mark.prove
def test_the_iteration_that_helped_runs_as_it_stands(copy, environment):
    printed = follow(HELPED, copy, environment)
    assert read_yaml(copy / "params.yaml")["split"]["max_train_pairs"] is None
    assert git(copy, "status", "--porcelain", "params.yaml", "dvc.lock", "metrics") == ""
    assert (
        git(copy, "log", "-1", "--format=%s %D").strip() == "Train on all pairs HEAD -> all-pairs"
    )

    # The comment stands last, and shows the one parameter that changed.
    assert re.search(r"params\.yaml \| split\.max_train_pairs +\|", printed[-1])
    assert "<summary>dvc metrics diff</summary>" in printed[-1]


@pytest.mark.prove
def test_the_iteration_that_did_not_help_leaves_nothing_behind(copy, environment):
    printed = follow(DID_NOT_HELP, copy, environment)
    assert any("mine.exclude_relatives" in text for text in printed)
    assert git(copy, "status", "--porcelain") == ""

    # Nothing has to run again, the training included.
    status = subprocess.run(
        ["dvc", "status"], cwd=copy, env=environment, capture_output=True, text=True, check=True
    )
    assert "Data and pipelines are up to date." in status.stdout


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_the_figures_of_the_data_are_those_of_the_default_data(tmp_path, environment, dvc):
    clone = tmp_path / "clone"
    git(ROOT, "clone", "-q", str(ROOT), str(clone))
    result = dvc(clone, "repro", "augment", timeout=3000)
    assert result.returncode == 0, result.stderr[-3000:]

    # The first two blocks change the parameter and print the table that the page shows.
    change, look = [text for _, text in blocks(HELPED)][:2]
    for script in (change, look):
        process = subprocess.run(["bash", "-e", "-c", script], cwd=clone, env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    table = process.stdout[process.stdout.index("split\n    rows_out") :].rstrip()
    assert f"```\n{table}\n```" in HELPED


@pytest.mark.parametrize("page", PAGES)
def test_most_of_a_tutorial_needs_no_training(page):
    marks = [mark for mark, _ in blocks(PAGES[page])]
    assert len(marks) >= 5
    assert marks.count("training") == 1
    assert set(marks) <= {"", "training", "a gate that fails"}
    assert PAGES[page].count("```sh") == len(marks)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_tutorial_quotes_of_a_training_stands_in_the_examples(page):
    quotes = re.findall(r"(?m)^> (.+)$", PAGES[page])
    assert len(quotes) == 1
    assert [quote for quote in quotes if quote not in EXAMPLES] == []


def test_the_command_that_trains_is_the_one_of_the_examples():
    (command,) = [text.splitlines()[0] for mark, text in blocks(HELPED) if mark == "training"]
    words = set(command.split())
    assert any(set(line.split()) == words for line in EXAMPLES.splitlines())


def test_a_parameter_that_a_tutorial_sets_exists():
    params = read_yaml(ROOT / "params.yaml")
    named = re.findall(r"-S (\w+)\.(\w+)=", HELPED + DID_NOT_HELP)
    assert len(named) >= 5
    assert [key for section, key in named if key not in params[section]] == []


def test_pictures_of_the_tutorials_exist():
    for page in PAGES.values():
        for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page):
            assert Path(FOLDER / picture).is_file(), picture
