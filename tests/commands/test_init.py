"""python -m stages init takes a user's files as the data, all or nothing, and the default data away."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.commands.compare.versions import commits_of
from stages.commands.init import changes
from stages.commands.init.__main__ import app
from stages.commands.init.demo import demo_changes
from stages.commands.init.params_text import set_values
from stages.commands.init.sizes import held_out_share
from stages.commands.init.tables import guess_tables
from stages.commands.progress.own_history import own_versions
from stages.lib.core.errors import UserError
from tests.commands.results import COMMIT, write
from tests.conftest import ROOT, git

FAQ = "Nr;Frage;Antwort\n1;Wie lösche ich das?;Über das Menü.\n2;Wo ist das Büro?;Im zweiten Stock, links.\n"


@pytest.fixture
def clone(project, monkeypatch):
    """Stand in a clone with results of the default data; tracking with DVC is replaced."""
    for folder in ("data/glossary", "data/frozen", "data/review"):
        shutil.copytree(ROOT / folder, folder)
    Path("data/raw").mkdir()
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("", "utf-8")
    Path("dvc.lock").write_text("schema: '2.0'\n", "utf-8")
    write([0.4, 0.6])
    Path("metrics/README.md").write_text("What the metrics mean.\n", "utf-8")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "default data")

    def track(paths):
        for path in paths:
            Path(f"{path}.dvc").write_text("outs:\n", "utf-8")

    monkeypatch.setattr(changes, "_track", track)
    return project


@pytest.fixture
def faq(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "Häufige Fragen.csv"
    file.write_text(FAQ, "cp1252")
    return file


def init(*arguments, answers=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=answers)


def tree():
    """Return the bytes of every file of the working tree."""
    files = [path for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.as_posix(): path.read_bytes() for path in files}


def params():
    return YAML(typ="safe", pure=True).load(Path("params.yaml").read_text("utf-8"))


def test_a_file_becomes_the_data_without_a_question(clone, faq):
    result = init(faq, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"] == {
        "sources": {
            "Haufige_Fragen": {
                "reader": "table",
                "path": "data/raw/Haufige_Fragen.csv",
                "encoding": "cp1252",
                "delimiter": ";",
                "columns": {"text": "Antwort", "anchor": "Frage", "key": "Nr"},
            }
        },
        "max_rejected_share": 0.1,
        "out_of_domain": None,
    }
    assert params()["split"]["max_train_pairs"] is None
    assert params()["git"]["texts"] == "nothing"
    assert params()["deduplicate"]["authoritative"] == []
    assert Path("data/raw/Haufige_Fragen.csv").read_bytes() == faq.read_bytes()
    assert "anchor: Wie lösche ich das?" in result.output
    assert "2 records: 2 documents and 2 pairs" in result.output


def test_the_default_data_goes_and_explanations_stay(clone, faq):
    init(faq, "--yes")
    left = [path for path in tree() if path.startswith("metrics/") or path == "dvc.lock"]
    assert sorted(left) == ["metrics/HISTORY.md", "metrics/README.md"]
    assert Path("data/glossary/abbreviations.csv").read_text("utf-8") == "short,long\n"
    spellings = Path("data/glossary/spelling.csv").read_text("utf-8").splitlines()
    assert "color,colour" in spellings
    assert "anemia,anaemia" not in spellings
    assert "leukemia,leukaemia" not in spellings


def test_every_other_line_of_the_parameters_stays(clone, faq):
    before = Path("params.yaml").read_text("utf-8").splitlines()
    init(faq, "--yes")
    after = Path("params.yaml").read_text("utf-8").splitlines()
    gone = [line for line in before if line not in after]
    assert [line.strip() for line in gone if not line.startswith("    ")] == [
        "texts: labels",
        "out_of_domain:",
        "authoritative: [hpo]",
        "train: 0.8",
        "validation: 0.1",
        "max_train_pairs: 4000",
    ]
    assert [line for line in before if line.startswith("  # ")] == [
        line for line in after if line.startswith("  # ")
    ]


def test_a_second_run_changes_nothing(clone, faq):
    init(faq, "--yes")
    before = tree()
    result = init(faq, "--yes")
    assert "Nothing to change" in result.output
    assert tree() == before


@pytest.mark.slow
def test_other_data_are_shown_and_changed_with_force_alone(clone, faq, tmp_path_factory):
    init(faq, "--yes")
    write([0.7])
    before = tree()
    other = tmp_path_factory.mktemp("other") / "notes.tsv"
    other.write_text("title\tbody\nA\tOne text. It goes on.\nB\tTwo texts. They go on.\n", "utf-8")
    result = init(other, "--yes")
    assert "+      path: data/raw/notes.tsv" in result.output
    assert "Nothing was changed. Add --force" in result.output
    assert tree() == before

    # With force the sources change, and the user's own results stay.
    assert init(other, "--yes", "--force").exit_code == 0
    assert list(params()["collect"]["sources"]) == ["notes"]
    assert params()["pair"]["recipes"] == ["title", "first_sentence"]
    assert (
        Path("metrics/queries/validation.tsv").read_bytes()
        == before["metrics/queries/validation.tsv"]
    )


def test_if_dvc_fails_everything_is_as_it_was(clone, faq, monkeypatch):
    def fail(paths):
        Path("data/raw/.gitignore").write_text("/x\n", "utf-8")
        raise UserError("'dvc add' failed: no space", "correct it")

    monkeypatch.setattr(changes, "_track", fail)
    before = tree()
    result = init(faq, "--yes")
    assert result.exit_code == 1
    assert tree() == before


def test_if_a_write_fails_everything_is_as_it_was(clone, faq, monkeypatch):
    real_replace = Path.replace

    def fail(path, target):
        if Path(target).name == "params.yaml" and path.suffix == ".tmp":
            raise OSError("disk full")
        return real_replace(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    before = tree()
    assert init(faq, "--yes").exit_code == 1
    assert tree() == before


def test_a_person_corrects_a_guess(clone, tmp_path_factory, monkeypatch):
    file = tmp_path_factory.mktemp("own") / "a.csv"
    file.write_text(
        "one,two\nFirst text of all,Second text that is longer\nThird text here,Fourth text is here\n",
        "utf-8",
    )
    confirmed = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(confirmed))
    fields = {"text": "one", "anchor": "two"}
    monkeypatch.setattr("typer.prompt", lambda text, default: fields.get(text.strip(), "-"))
    source = guess_tables([file])[0].ask()
    assert source.guess.columns == {"text": "one", "anchor": "two"}


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["missing.csv", "--yes"], "missing.csv does not exist"),
        (["sql:URL", "--yes"], "sql:URL: the environment variable URL is not set"),
        (["hf:name", "--yes"], "hf:name names no data set"),
        (["data/glossary", "--yes", "x.docx"], "x.docx does not exist"),
        (["dvc.lock", "--yes"], "dvc.lock ends in none of"),
        (["params.yaml"], "there is no terminal to ask questions on"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(clone, arguments, fact):
    before = tree()
    result = init(*arguments)
    assert result.exit_code == 1
    assert fact in result.stderr
    assert tree() == before


def test_a_broken_row_is_refused_with_its_line(clone, tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "a.csv"
    file.write_text("question,answer\nHow?,So it is.\nWhy?,Because, of it.\n", "utf-8")
    before = tree()
    result = init(file, "--yes")
    assert "a.csv, line 3: 3 fields where the header has 2" in result.stderr
    assert tree() == before


def test_edits_that_git_does_not_hold_are_not_lost(clone, faq):
    Path("data/glossary/abbreviations.csv").write_text("short,long\nAB,a b\n", "utf-8")
    before = tree()
    result = init(faq, "--yes")
    assert "data/glossary/abbreviations.csv would be replaced" in result.stderr
    assert tree() == before
    assert init(faq, "--yes", "--force").exit_code == 0


def test_a_column_that_would_cost_rows_is_not_mapped(clone, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("stages.commands.init.formats.SAMPLE_ROWS", 5)
    # The sample ends before the row that repeats a key.
    file = tmp_path_factory.mktemp("own") / "a.jsonl"
    rows = [
        f'{{"id": "{index}", "question": "Is {index} it?", "answer": "It is {index}."}}'
        for index in range(5)
    ]
    file.write_text("\n".join([*rows, rows[0].replace("Is 0", "Is 0 still")]), "utf-8")
    result = init(file, "--yes")
    assert "note: column 'id' is no key: 1 rows would be lost" in result.output
    assert params()["collect"]["sources"]["a"]["columns"] == {
        "text": "answer",
        "anchor": "question",
    }


def test_questions_lead_to_the_documents_of_another_file(clone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "docs.csv").write_text(
        "id,title,text\nd1,A,The first text is here.\nd2,B,The other text is here.\n", "utf-8"
    )
    (folder / "queries.tsv").write_text(
        "question\tdoc_id\nWhich is first?\td1\nWhich is not?\td2\nAnd the last?\td2\n", "utf-8"
    )
    result = init(folder, "--yes")
    assert result.exit_code == 0, result.output
    queries = params()["collect"]["sources"]["queries"]
    assert queries["documents_of"] == "docs"
    assert queries["columns"] == {"anchor": "question", "document_key": "doc_id"}


def test_progress_begins_with_the_users_own_results(clone, faq):
    init(faq, "--yes")
    git(clone, "add", "-A")
    git(clone, *COMMIT, "own data")
    write([0.5])
    git(clone, "add", "-A")
    git(clone, *COMMIT, "own results")
    path = "metrics/queries/validation.tsv"
    assert len(commits_of(path)) == 3
    subjects = [
        git(clone, "show", "-s", "--format=%s", version.commit)
        for version in own_versions(commits_of(path))
    ]
    assert len(subjects) == 2


def test_without_init_the_whole_history_counts(clone):
    assert own_versions(commits_of("metrics/queries/validation.tsv")) == commits_of(
        "metrics/queries/validation.tsv"
    )


def test_every_committed_result_of_the_default_data_is_taken_away():
    listed = subprocess.run(
        ["git", "ls-files", "metrics"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kept = {"metrics/README.md", "metrics/glossary.yaml"}
    removed = {path.as_posix() for path, content in demo_changes(ROOT).items() if content is None}
    assert set(listed.stdout.split()) - kept <= removed


def test_a_key_that_is_missing_cannot_be_set():
    with pytest.raises(UserError, match="has no key split\\.trian"):
        set_values("split:\n  train: 0.8\n", {"split.trian": 0.6})


@pytest.mark.parametrize(
    ("components", "share"), [(50, 0.2), (1_000, 0.2), (1_400, 0.15), (2_000, 0.1), (10**6, 0.1)]
)
def test_small_data_hold_out_more(components, share):
    assert held_out_share(components) == share


def test_json_holds_the_plan(clone, faq):
    result = init(faq, "--yes", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["is_applied"] is True
    assert figures["removes_demo"] is True
    assert figures["copies"] == ["data/raw/Haufige_Fragen.csv"]
    assert "params.yaml" in figures["written"]
    assert "dvc.lock" in figures["removed"]
    assert figures["settings"]["git.texts"] == "nothing"
    assert list(figures["sources"]) == ["Haufige_Fragen"]
    assert any("2 records: 2 documents and 2 pairs" in line for line in figures["report"])

    # Once it says so, nothing changes.
    again = json.loads(init(faq, "--yes", "--json").stdout)
    assert (again["is_applied"], again["copies"], again["written"]) == (False, [], [])


def test_json_asks_nothing(clone, faq):
    before = tree()
    result = init(faq, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "questions would stand in the JSON" in result.stderr
    assert tree() == before
