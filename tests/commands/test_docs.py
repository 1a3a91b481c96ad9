"""The documentation says what is so: generated blocks are up to date, and its commands exist."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.__main__ import command_files, stage_files
from stages.commands.docs.__main__ import app, pages
from stages.commands.docs.blocks import (
    commands_table,
    dag,
    headline_block,
    replace_blocks,
    stages_table,
    table,
)
from stages.commands.docs.dictionary import dictionary
from stages.commands.docs.glossary import Entry, Glossary, check_glossary, read_glossary
from stages.commands.pipeline import StageEntry, read_pipeline
from stages.commands.wire import load_stage
from stages.lib.core.errors import UserError
from stages.lib.core.params import PARAMS_FILE
from stages.lib.core.yaml_files import read_yaml


def shell_lines(file):
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", Path(file).read_text("utf-8"))
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def makefile_targets():
    return set(re.findall(r"(?m)^([a-z][\w-]*):", Path("Makefile").read_text("utf-8")))


SHELL = [(file, line) for file in pages() for line in shell_lines(file)]
RUNNABLE = {*stage_files(), *command_files(), *(f"commands.{name}" for name in command_files())}


@pytest.mark.slow
def test_generated_blocks_are_up_to_date():
    result = CliRunner().invoke(app, ["--check"])
    assert result.exit_code == 0, result.output


def test_every_block_stands_somewhere():
    text = "\n".join(file.read_text("utf-8") for file in pages())
    for name in (
        "stages",
        "dag",
        "commands",
        "tools",
        "options",
        "headline",
        "rules",
        "metrics",
        "dictionary",
    ):
        assert text.count(f"<!-- generated: {name} -->\n") == 1, name


@pytest.mark.parametrize(("file", "line"), SHELL, ids=[line for _, line in SHELL])
def test_commands_in_the_documentation_exist(file, line):
    assert set(re.findall(r"\bmake ([a-z][\w-]*)", line)) <= makefile_targets()
    assert set(re.findall(r"\bpython -m stages[. ]([a-z][\w.]*)", line)) <= RUNNABLE
    for arguments in re.findall(r"\bdvc repro((?: [\w-]+)*)", line):
        assert {word for word in arguments.split() if not word.startswith("-")} <= set(
            read_pipeline()
        )
    for section, key in re.findall(r"-S '?(\w+)\.(\w+)", line):
        assert key in read_yaml(PARAMS_FILE)[section]


def test_every_table_of_a_stage_stands_in_the_dictionary():
    text = dictionary({name: load_stage(name) for name in read_pipeline()})
    outputs = [path for stage in read_pipeline().values() for path in stage.written]
    tables = [path for path in outputs if path.endswith(".parquet") or "/queries/" in path]
    assert len(tables) > 40
    assert [path for path in tables if f"- `{path}`: " not in text] == []


def test_every_metric_that_dvc_compares_is_explained():
    text = Path("metrics/README.md").read_text("utf-8")
    for file in sorted(Path("metrics").glob("*.json")):
        for key in json.loads(file.read_text("utf-8")):
            assert f"| `{key}` | {file.stem} |" in text, key


# ---- the generators, on literals


def stage(name, desc, deps, outs, plots=()):
    return StageEntry(name, desc, "", deps, {}, outs, [f"metrics/{name}.json"], list(plots))


MADE = ["data/one/a.parquet", "data/one/b.parquet"]
PIPELINE = {
    "one": stage("one", "Do | this.", ["data/raw"], MADE),
    "two": stage(
        "two",
        "Do that.",
        [*MADE, "metrics/one.json", "stages/two.py"],
        ["data/two/model"],
        ["metrics/c.tsv"],
    ),
}


def test_a_placeholder_in_a_cell_is_no_tag():
    shown = table(["a", "b"], [["one.<name>", "`<name>` | 3 < 4<br>next"]])
    assert shown.splitlines()[-1] == r"| one.\<name> | `<name>` \| 3 < 4<br>next |"


def test_stage_table():
    assert stages_table(PIPELINE) == (
        "| stage | what it does | reads | writes |\n"
        "| --- | --- | --- | --- |\n"
        "| **one** | Do \\| this. | `data/` raw | `data/one/` a, b<br>`metrics/` one.json |\n"
        "| **two** | Do that. | `data/one/` a, b<br>`metrics/` one.json | `data/two/` model<br>`metrics/` two.json, c.tsv |\n"
    )


def test_graph_has_an_arrow_from_who_writes_to_who_reads():
    assert dag(PIPELINE) == (
        "```mermaid\ngraph TD\n"
        "    data_raw[(data/raw)]\n"
        "    one[one]\n"
        "    two[two]\n"
        "    data_raw --> one\n"
        "    one --> two\n"
        "```\n"
    )


def test_graph_leaves_out_what_a_longer_way_says():
    three = stage(
        "three", "", ["data/one/a.parquet", "data/two/model", "data/raw"], ["data/three/x.html"]
    )
    assert [
        line for line in dag({**PIPELINE, "three": three}).splitlines() if line.endswith(" three")
    ] == ["    two --> three"]


def test_commands_are_the_targets_with_a_comment():
    makefile = "help: ## Show this\nsetup: .venv ## Install  \n.venv: lock\n\tpython -m venv # no ## target\nquiet:\n"
    assert commands_table(makefile) == (
        "| command | what it does |\n| --- | --- |\n| `make help` | Show this |\n| `make setup` | Install |\n"
    )


def test_a_headline_of_an_incomplete_run_says_what_is_missing(tmp_path):
    (tmp_path / "validate.json").write_text("{}")
    with pytest.raises(UserError, match=r"evaluate\.json does not exist"):
        headline_block(tmp_path)


def test_the_headline_of_a_sample_is_not_shown_to_readers(tmp_path):
    (tmp_path / "validate.json").write_text("{}")
    (tmp_path / "evaluate.json").write_text('{"sample": 0.02}')
    with pytest.raises(UserError, match=r"the numbers of a sample \(run\.sample: 0\.02\)"):
        headline_block(tmp_path)


def test_only_the_marked_block_is_replaced():
    text = "before\n<!-- generated: x -->\nold\n\nold\n<!-- end -->\nafter\n"
    assert replace_blocks(text, "f", {"x": lambda: "new \\1\n"}) == (
        "before\n<!-- generated: x -->\nnew \\1\n<!-- end -->\nafter\n"
    )


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("<!-- generated: y -->\n<!-- end -->\n", "no block is called 'y'"),
        ("<!-- generated: x -->\n", "a generated block has no end"),
        (
            "<!-- generated: x -->\n<!-- generated: x -->\n<!-- end -->\n",
            "a generated block has no end",
        ),
    ],
)
def test_broken_markers_are_errors(text, fact):
    with pytest.raises(UserError, match=fact):
        replace_blocks(text, "f", {"x": lambda: ""})


def test_dictionary_tells_columns_keys_values_and_rules():
    text = dictionary({})
    assert "| `left_id` | text | key | the smaller id of the two |" in text
    assert "(one of: train, validation, test, corpus, protected, left_out, not_in_sample)" in text
    assert "| `shingles` | list of list of integer |" in text
    assert "- Every edge stands once, in one direction." in text


# ---- the glossary


def glossary(*names, **fields):
    entry = Entry(**{"says": "What.", "unit": "rows", "better": "neither", **fields})
    return Glossary(
        placeholders={"split": ["validation", "test"]}, metrics=dict.fromkeys(names, entry)
    )


@pytest.fixture
def metrics(tmp_path):
    (tmp_path / "details").mkdir()
    (tmp_path / "details/one.json").write_text(
        '{"rows_in": 3, "test_share": 0.1, "validation_share": 0.1}', "utf-8"
    )
    return tmp_path


def test_every_metric_has_an_entry_and_every_entry_a_metric(metrics):
    check_glossary(glossary("one.rows_in", "one.<split>_share"), metrics)


@pytest.mark.parametrize(
    ("names", "fact"),
    [
        (["one.<split>_share"], "no entry explains one.rows_in"),
        (
            ["one.rows_in", "one.<split>_share", "one.gone"],
            "explains what no stage writes: one.gone",
        ),
        (["one.rows_in", "one.test_share"], "no entry explains one.validation_share"),
        (["one.rows.in", "one.<split>_share"], "no entry explains one.rows_in"),
    ],
)
def test_a_gap_between_glossary_and_metrics_is_an_error(metrics, names, fact):
    with pytest.raises(UserError, match=fact):
        check_glossary(glossary(*names), metrics)


def test_an_entry_may_be_without_metric_when_it_says_why_or_its_stage_has_not_run(metrics):
    check_glossary(
        glossary("one.rows_in", "one.<split>_share", "one.x", "two.y", only_with="more data"),
        metrics,
    )
    check_glossary(glossary("one.rows_in", "one.<split>_share", "two.y"), metrics)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (
            "placeholders: {}\nmetrics: {a.b: {says: x, unit: y}}",
            "metrics.a.b.better: field required",
        ),
        (
            "placeholders: {}\nmetrics: {a.<b>: {says: x, unit: y, better: lower}}",
            "a.<b> has an unknown placeholder b",
        ),
    ],
)
def test_a_broken_glossary_is_named(tmp_path, text, fact):
    (tmp_path / "glossary.yaml").write_text(text, "utf-8")
    with pytest.raises(UserError, match=re.escape(fact)):
        read_glossary(tmp_path / "glossary.yaml")


def test_json_names_the_pages_that_are_out_of_date(tmp_path):
    (tmp_path / "Makefile").write_text("help: ## Show this\n", "utf-8")
    page = tmp_path / "README.md"
    page.write_text("<!-- generated: commands -->\nold\n<!-- end -->\n", "utf-8")
    arguments = ["--root", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, ["--check", *arguments])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "files": 1,
        "out_of_date": [str(page)],
        "rewritten": False,
    }
    assert "generated blocks are out of date" in result.stderr
    assert json.loads(CliRunner().invoke(app, arguments).stdout)["rewritten"] is True
    assert json.loads(CliRunner().invoke(app, arguments).stdout)["out_of_date"] == []
