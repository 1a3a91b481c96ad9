"""Texts of users stay in DVC: what git holds, or would take, has ids, hashes and numbers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.commands.compare.__main__ import app as compare
from stages.commands.freeze import app as freeze
from stages.commands.progress.__main__ import app as progress
from stages.commands.review.__main__ import app as review
from stages.lib.core.git_texts import label_id
from tests.commands.results import COMMIT
from tests.conftest import ROOT, TASKS, THINGS, copy_project, git, write_csv

# Words of the questions and answers of the tiny project, which no metric and no document has.
PHRASES = (
    "damp cloth", "open air", "sealed case", "ends all cover", "voids the warranty", "serial number", "spare parts",
    "later than a month", "thirty days", "dust on the motor", "smell of burning", "nine languages", "in spanish",
    "porto", "assembles", "sixty decibels", "how loud", "240 volts", "work abroad", "our workshop", "any dealer",
)  # fmt: skip


def changed_files(folder):
    """Return what git holds or would take, and the first commit does not have: outputs, and nothing of the code.

    Raw files are the user's own; whether git holds them is for the user to say.
    """
    start = git(folder, "rev-list", "--max-parents=0", "HEAD").strip()
    names = git(folder, "diff", "--name-only", "-z", start).split("\0")
    names += git(folder, "ls-files", "-o", "-z", "--exclude-standard").split("\0")
    paths = sorted({folder / name for name in names if name and not name.startswith("data/raw/")})
    return [path for path in paths if path.is_file()]


def holding(paths, words):
    """Return (name, word) for each file that holds a word, in whatever case."""
    held = []
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace").lower()
        held += [(path.name, word) for word in words if word in text]
    return held


def set_texts(value):
    params = Path("params.yaml")
    text, count = re.subn(r"(?m)^  texts: \w+$", f"  texts: {value}", params.read_text("utf-8"))
    assert count == 1
    params.write_text(text, "utf-8")


def lower_scores():
    """Write worse results of every query than those of the last commit."""
    path = Path("metrics/queries/validation.tsv")
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    column = lines[0].index("ndcg_at_10")
    for line in lines[1:]:
        line[column] = "0.0"
    path.write_text("".join("\t".join(line) + "\n" for line in lines), "utf-8")


@pytest.fixture
def clone(tiny_project, tmp_path, monkeypatch):
    """Stand in a copy of the tiny project after its run."""
    shutil.copytree(tiny_project, tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    for key, value in (("user.name", "test"), ("user.email", "test@localhost")):
        git(tmp_path / "clone", "config", key, value)
    return tmp_path / "clone"


def invoke(app, *arguments):
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_a_run_and_its_commands_leave_no_text_to_git(clone):
    # The words are those of the data.
    texts = " ".join(text for pair in TASKS for text in pair).lower()
    assert [phrase for phrase in PHRASES if phrase not in texts] == []
    assert holding(changed_files(clone), PHRASES) == []

    # A person judges a row in the sheet, which has the texts.
    invoke(review)
    sheet = Path("data/review/with_texts/negatives.csv")
    assert holding([sheet], PHRASES) != []
    lines = sheet.read_text("utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace(",,,\n", ",no,,\n")
    sheet.write_text("".join(lines), "utf-8")

    lower_scores()
    for app, arguments in (
        (review, []),
        (freeze, []),
        (compare, ["HEAD", "--html", "compare.html"]),
        (progress, ["--html", "progress.html"]),
    ):
        invoke(app, *arguments)
    names = {path.name for path in changed_files(clone)}
    assert {"negatives.csv", "splits.csv", "slices.tsv", "data_card.md"} <= names
    assert not {name for name in names if name.endswith(".html")}
    assert holding(changed_files(clone), PHRASES) == []

    # What goes into a pull request has ids; a person at the terminal reads the queries.
    page = Path("compare.html")
    assert holding([page], PHRASES) != []
    for option in ("--md", "--json"):
        Path("comment.md").write_text(invoke(compare, "HEAD", option), "utf-8")
        assert holding([Path("comment.md")], PHRASES) == []
    assert "queries score less than before" in invoke(compare, "HEAD", "--md")


@pytest.mark.slow
def test_a_parameter_gives_git_the_texts(clone):
    lower_scores()
    set_texts("texts")
    Path("comment.md").write_text(invoke(compare, "HEAD", "--md"), "utf-8")
    assert holding([Path("comment.md")], PHRASES) != []


FIELDS = ("key", "title", "text", "anchor", "negative", "topic", "group", "relation")


def planted(number, thing, task):
    """Return a row in which each field holds a word that stands nowhere else."""
    asked, told = TASKS[task]
    row = {field: f"xanary{field}{number}" for field in FIELDS}
    return {
        **row,
        "title": f"{row['title']} of {THINGS[thing]}",
        "text": f"{told.format(THINGS[thing])} {row['text']}.",
        "anchor": f"{asked.format(THINGS[thing])} {row['anchor']}",
        "negative": f"Nobody knows {row['negative']} of the {THINGS[thing]}.",
        # Topics and relations of many rows are counted and sliced by their names.
        "topic": f"xanarytopic{task}",
        "relation": f"xanaryrelation{thing % 2}",
    }


@pytest.mark.prove
def test_a_word_planted_in_every_field_reaches_no_file_for_git(tmp_path, dvc, environment):
    copy_project(tmp_path)
    rows = [planted(10 * thing + task, thing, task) for thing in range(20) for task in range(10)]
    write_csv(rows, tmp_path / "data/raw/rows.csv")
    yaml = YAML()
    params = yaml.load((tmp_path / "params.yaml").read_text("utf-8"))
    columns = {field: field for field in FIELDS}
    source = {"reader": "table", "path": "data/raw/rows.csv", "columns": columns}
    params["collect"] = {"sources": {"rows": source}, "out_of_domain": None}
    params["git"]["texts"] = "nothing"
    params["split"]["max_train_pairs"] = 60
    # Rows of a pattern teach less than the gates ask for, and every stage must run.
    params["finetune"]["force"] = True
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)
    result = dvc(tmp_path, "repro")
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    git(tmp_path, "add", "-A")
    git(tmp_path, *COMMIT, "run")

    comment = run_commands(tmp_path, environment)
    paths = changed_files(tmp_path)
    assert len(paths) > 25
    words = [f"xanary{field}" for field in FIELDS]
    assert holding(paths, words) == []
    assert not [word for word in words if word in comment.lower()]

    # Topics and relations are there, by their ids, and on the page by their names.
    slices = (tmp_path / "metrics/slices.tsv").read_text("utf-8")
    card = (tmp_path / "metrics/data_card.md").read_text("utf-8")
    # The card names nine of them, and those without one.
    assert sum(label_id(f"xanarytopic{task}") in card for task in range(10)) == 9
    assert label_id("xanaryrelation1") in slices and label_id("xanaryrelation1") in card
    page = (tmp_path / "data/report/index.html").read_text("utf-8")
    assert "xanaryrelation1" in page

    # Where texts belong, each field is: none was lost on the way.
    kept = b"".join(path.read_bytes() for path in sorted((tmp_path / "data/raw").glob("*.csv")))
    assert all(word.encode() in kept for word in words)


def run_commands(folder, environment):
    """Run the commands that write or print for git, and return what they print for a pull request."""
    printed = ""
    for arguments in (
        ["review"],
        ["freeze"],
        ["queries", "--number", "10"],
        ["compare", "HEAD", "--html", "compare.html"],
        ["progress", "--html", "progress.html"],
        ["compare", "HEAD", "--md"],
        ["compare", "HEAD", "--json"],
        ["details"],
        ["headline"],
    ):
        process = subprocess.run(
            [sys.executable, "-m", "stages", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, f"{arguments}: {process.stderr}"
        printed += process.stdout
    comment = subprocess.run(
        ["bash", ".ci/comment", "HEAD", "HEAD"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return printed + comment.stdout


def test_the_page_on_privacy_names_what_git_holds():
    page = (ROOT / "docs/privacy.md").read_text("utf-8")
    for name in ("`git.texts`", "python -m stages forget", "data/review/", "guessed by trying"):
        assert name in page
