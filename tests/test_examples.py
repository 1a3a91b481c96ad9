"""What stands in examples/ fits params.yaml, sets what it says, runs, and prints what its page says."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from examples import pages, run
from stages.clean.interface import CleanParams
from stages.collect import wheels
from stages.collect.kinds import aws
from stages.finetune.interface import FinetuneParams
from stages.lib.core.errors import UserError
from stages.lib.core.params import RunParams, load_section
from stages.lib.core.yaml_files import read_yaml
from stages.lib.reporting.details import flatten
from stages.split.interface import SplitParams
from tests.conftest import copy_project, git

ROOT = Path(__file__).parent.parent
FAQ = ROOT / "examples/faq/questions.csv"
PAGES = {name: ROOT / f"docs/examples/{name}.md" for name in run.names()}
PAGE = PAGES["faq"]

# Figures of models may differ by so much from one kind of processor to the next. The page says so.
TOLERANCE = 0.02
FIGURE = re.compile(r"[+-]?\d+\.\d+")
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SECTIONS = {model.section: model for model in (RunParams, SplitParams, FinetuneParams)}


def test_there_are_examples():
    assert [path.name for path in EXAMPLES] == ["full_hpo.yaml"]
    assert run.names() == ["api", "faq", "medical"]
    assert [name for name, page in PAGES.items() if not page.is_file()] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_changes_values_that_there_are_into_values_that_are_allowed(path, tmp_path):
    values = read_yaml(ROOT / "params.yaml")
    for section, changed in read_yaml(path).items():
        assert set(changed) <= set(values[section])
        assert {key: values[section][key] for key in changed} != changed, (
            "it must differ from the default"
        )
        values[section].update(changed)
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(values, tmp_path / "params.yaml")
    for section in read_yaml(path):
        load_section(SECTIONS[section], tmp_path / "params.yaml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_command_sets_what_the_file_holds(path):
    commands = re.findall(r"^#   (dvc exp run .*)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 1
    yaml = YAML(typ="safe", pure=True)
    told = [word.split("=", 1) for word in shlex.split(commands[0]) if "=" in word]
    held = {
        f"{section}.{key}": value
        for section, keys in read_yaml(path).items()
        for key, value in keys.items()
    }
    assert {key: yaml.load(value) for key, value in told} == held
    assert commands[0] in (ROOT / "examples/README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a checkout of this project in which everything is committed."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_project(folder)
    return folder


@pytest.fixture
def in_checkout(checkout, monkeypatch):
    """Let the driver clone that checkout."""
    monkeypatch.setattr(run, "ROOT", checkout)
    monkeypatch.setattr(run, "EXAMPLES", checkout / "examples")
    return checkout


def test_an_example_that_there_is_not_is_refused_with_the_names(tmp_path):
    with pytest.raises(UserError, match="choose one of: api, faq, medical"):
        run.prepare("fqa", tmp_path / "clone")


def test_a_folder_that_exists_stays_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="remove it, or name another folder with --into"):
        run.prepare("faq", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_command_that_fails_is_named(tmp_path):
    with pytest.raises(UserError, match="failed in"):
        run.run(["false"], tmp_path)


@pytest.mark.slow
def test_the_overlay_is_what_init_writes_and_what_a_person_added(in_checkout, tmp_path):
    before = git(in_checkout, "rev-parse", "HEAD")
    run.prepare("faq", tmp_path / "clone")

    old = flatten(read_yaml(ROOT / "params.yaml"))
    new = flatten(read_yaml(tmp_path / "clone/params.yaml"))
    changed = {key: value for key, value in new.items() if old.get(key, "nothing") != value}
    overlay = read_yaml(ROOT / "examples/faq/params.yaml")
    assert changed == flatten(overlay)
    added = {"clean.languages": ["en"], "clean.private_data": "patterns"}
    assert {key: changed[key] for key in added} == added
    load_section(CleanParams, tmp_path / "clone/params.yaml")

    # The data is tracked in the clone, and the checkout is as it was.
    assert (tmp_path / "clone/data/raw/questions.csv").read_bytes() == FAQ.read_bytes()
    assert (tmp_path / "clone/data/raw/questions.csv.dvc").is_file()
    assert git(tmp_path / "clone", "status", "--porcelain") == ""
    assert git(in_checkout, "status", "--porcelain") == ""
    assert git(in_checkout, "rev-parse", "HEAD") == before


def test_the_support_faq_has_the_dirt_that_its_page_names():
    with FAQ.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)}\nrows of question, answer and category" in PAGE.read_text("utf-8")
    assert list(rows[0]) == ["question", "answer", "category"]
    assert len({tuple(row.values()) for row in rows}) == len(rows) - 6
    answers = [row["answer"] for row in rows]
    assert len(set(answers)) < len(answers) * 0.6
    for dirt in ("<p>", "&nbsp;", "\u00e2\u20ac", "N/A", "Kind regards", "\n\n1. "):
        assert any(dirt in answer for answer in answers), dirt
    assert answers.count("") == 3


def test_the_support_faq_names_no_real_address_or_number():
    text = FAQ.read_text("utf-8")
    hosts = re.findall(r"(?:@|https?://)([\w.-]+)", text)
    assert set(hosts) == {"example.com", "help.example.com"}
    # A block of numbers that is reserved for fiction.
    assert re.findall(r"\+\d[\d ]+", text) == ["+44 20 7946 0018 "]


@pytest.mark.parametrize("name", PAGES)
def test_no_output_depends_on_who_is_faster(name):
    # `head` ends before it has read all, and what writes to it may print an error, or may not.
    commands = [
        output.command for output in pages.outputs(PAGES[name].read_text("utf-8").splitlines())
    ]
    assert [command for command in commands if re.search(r"\| *head\b", command)] == []


@pytest.mark.parametrize("name", PAGES)
def test_an_example_ends_with_five_questions(name):
    questions = run.questions(name)
    assert len(set(questions)) == 5
    page = PAGES[name].read_text("utf-8")
    assert [question for question in questions if f"\nQuestion: {question}\n" not in page] == []


def test_the_questions_are_not_in_the_file():
    text = FAQ.read_text("utf-8").lower()
    assert not [question for question in run.questions("faq") if question.lower() in text]


def test_the_questions_are_no_task_titles():
    operations = aws.documented_operations(wheels.find_wheel("awscli"))
    titles = {title.lower() for operation in operations for title in operation.titles}
    assert len(titles) > 5000
    questions = [question.lower() for question in run.questions("api")]
    assert titles.isdisjoint({*questions, *(f"to {question}" for question in questions)})


@pytest.mark.slow
def test_a_sample_of_the_api_example_keeps_services_apart(in_checkout, tmp_path):
    clone = tmp_path / "clone"
    run.prepare("api", clone)
    params = clone / "params.yaml"
    before = params.read_text("utf-8")
    assert before.count("      documents: 1500\n") == 1
    params.write_text(before.replace("documents: 1500", "documents: 300"), "utf-8")
    for stage in ("collect", "clean", "deduplicate", "pair", "split"):
        run.run([sys.executable, "-m", f"stages.{stage}"], clone)

    # An operation stands behind its service and its name.
    documents = pd.read_parquet(clone / "data/pair/documents.parquet").set_index("doc_id")
    rows = zip(documents["title"], documents["text"], strict=True)
    assert all(text.startswith(f"{title}: ") for title, text in rows)
    assert not documents["text"].str.contains("<p>", regex=False).any()

    # The service of each pair that is trained on or held out.
    pairs = pd.read_parquet(clone / "data/pair/pairs.parquet").set_index("pair_id")
    splits = pd.read_parquet(clone / "data/split/splits.parquet").set_index("id")["split"]
    used = splits[splits.isin(["train", "validation", "test"]) & splits.index.isin(pairs.index)]
    services = documents["topic"][pairs["doc_id"][used.index]].to_numpy()
    assert used.value_counts().min() >= 10
    assert pd.Series(services).groupby(used.to_numpy()).nunique().sum() == len(set(services))


def test_outputs_of_a_page_are_filled_and_the_rest_stays(tmp_path):
    page = "# A\n\n<!-- output: echo new; echo two -->\n```\nold\n```\n\nB\n\n<!-- model output: pwd -->\n```\n```\n"
    expected = page.replace("old", "new\ntwo").replace("```\n```", f"```\n{tmp_path}\n```")
    assert pages.filled(page, tmp_path) == expected
    marks = [output.is_of_model for output in pages.outputs(page.splitlines())]
    assert marks == [False, True]


def test_an_output_without_a_block_is_named():
    with pytest.raises(UserError, match="line 1: no block follows 'pwd'"):
        pages.outputs(["<!-- output: pwd -->", "text"])


def differences(old, new):
    """Return the outputs of a page that differ by more than the page says, as (command, old, new)."""
    different = []
    old_lines, new_lines = old.splitlines(), new.splitlines()
    pairs = zip(pages.outputs(old_lines), pages.outputs(new_lines), strict=True)
    for before, after in pairs:
        lines = old_lines[before.start : before.end]
        others = new_lines[after.start : after.end]
        alike = are_alike if before.is_of_model else list.__eq__
        if not alike(lines, others):
            different.append((before.command, lines, others))
    return different


def are_alike(lines, others):
    """Return whether two outputs of a model say the same, up to figures and later documents."""
    if len(lines) != len(others):
        return False
    for line, other in zip(lines, others, strict=True):
        # The second document of a question, and those after it.
        if re.match(r" {4} ?([2-9]|\d\d)  \d\.\d{3}  ", line):
            continue
        if FIGURE.sub("", line).split() != FIGURE.sub("", other).split():
            return False
        figures = zip(FIGURE.findall(line), FIGURE.findall(other), strict=True)
        if any(abs(float(old) - float(new)) > TOLERANCE for old, new in figures):
            return False
    return True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Rows: 590 records in;", "Rows: 591 records in;"),
        ("  validation     0.423  0.676", "  validation     0.423  0.697"),
        ("  before: base model\n     1  0.572  Coffee", "  before: base model\n     1  0.572  Tea"),
    ],
)
def test_a_page_that_is_not_its_output_is_noticed(old, new):
    page = PAGE.read_text("utf-8")
    assert differences(page, page) == []
    assert page.count(old) == 1
    assert len(differences(page, page.replace(old, new))) == 1


def test_figures_within_the_tolerance_are_alike():
    page = PAGE.read_text("utf-8")
    other = page.replace("  validation     0.423  0.676", "  validation     0.423  0.695")
    assert other != page
    assert differences(page, other) == []


@pytest.mark.prove
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_equals_its_output(name, in_checkout, tmp_path):
    """The whole example runs, as `make example` runs it."""
    command = [sys.executable, "examples/run.py", name, "--into", str(tmp_path / "clone")]
    environment = {**os.environ, "PAIRSMITH_CACHE": str(tmp_path / "cache")}
    subprocess.run(command, cwd=in_checkout, env=environment, check=True)
    page = PAGES[name].read_text("utf-8")
    assert differences(page, pages.filled(page, tmp_path / "clone")) == []
    assert git(in_checkout, "status", "--porcelain") == ""
    shutil.rmtree(tmp_path / "clone")
