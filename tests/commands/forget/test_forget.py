"""A record leaves every place that holds it, and what still holds it is named."""

import csv
import json
import shutil
import sqlite3
from contextlib import chdir
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.collect.__main__ import app as collect
from stages.collect.records import document_id, pair_id
from stages.commands.forget import __main__ as forget
from stages.lib.core import tables
from stages.lib.retrieval.cache_store import CacheStore
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.training import Triplets
from tests.commands.results import COMMIT
from tests.conftest import ROOT, git

# A row of another record shares the title, the topic and the short answer of Ann's.
ROWS = [
    ("C-1", "Ann Lee's refund", "Why was the refund of Ann Lee refused?", "Ann Lee paid with a card that has expired since."),
    ("C-2", "Refund", "How long does a refund take?", "A refund takes five working days at the most."),
    ("C-3", "Refund", "Is there a fee for refunds?", "No."),
    ("C-4", "Ann Lee's fee", "Does Ann Lee pay fees?", "No."),
]  # fmt: skip
ANN = document_id("faq", "C-1")
ANN_PAIR = pair_id("faq", "C-1")
OTHER = document_id("faq", "C-2")
VARIANT = "p00000000000000aa"
CHEAP = document_id("faq", "C-3")
TEXT = ROWS[0][3]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a folder with a small source, and with the outputs of a run that name its first record."""
    folder = tmp_path_factory.mktemp("finished")
    with chdir(folder):
        Path("data/raw").mkdir(parents=True)
        with Path("data/raw/faq.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("id", "name", "question", "answer"), *ROWS])
        yaml = YAML()
        params = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
        columns = {"key": "id", "title": "name", "anchor": "question", "text": "answer"}
        source = {"reader": "table", "path": "data/raw/faq.csv", "columns": columns}
        params["collect"] = {"sources": {"faq": source}, "out_of_domain": None}
        with Path("params.yaml").open("w", encoding="utf-8") as stream:
            yaml.dump(params, stream)
        for name in ("dvc.yaml", "pyproject.toml"):
            shutil.copy(ROOT / name, name)
        for name in ("review", "frozen", "protected", "glossary", "written_queries"):
            shutil.copytree(ROOT / "data" / name, Path("data", name))
        assert CliRunner().invoke(collect).exit_code == 0
        lay_out()
    return folder


@pytest.fixture
def clone(finished, tmp_path, monkeypatch):
    """Stand in a copy of the finished run, with a cache of its own."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def lay_out():
    """Write outputs of later stages, as far as they name the records."""
    cleaned = [(ANN, TEXT + " Thus."), (OTHER, ROWS[1][3])]
    frame = pd.DataFrame(cleaned, columns=["doc_id", "text"])
    tables.write(
        frame.assign(source="faq", title="", topic="", group=""),
        Path("data/clean/documents.parquet"),
        Documents,
    )
    passages = frame.assign(passage_id=frame["doc_id"] + "-0000", position=0)
    tables.write(passages, Path("data/clean/passages.parquet"), Passages)

    # A variant of her anchor, and a row of others that has her answer as a negative.
    ledger = LedgerWriter()
    ledger.add(VARIANT, "spelling", partner_id=ANN_PAIR)
    tables.write(ledger.frame(), Path("data/augment/ledger.parquet"), Ledger)
    pairs = [
        (VARIANT, "Why was Ann Lee's refund refused?", ANN),
        (pair_id("faq", "C-2"), ROWS[1][2], OTHER),
    ]
    tables.write(
        pd.DataFrame(pairs, columns=["pair_id", "anchor", "doc_id"]).assign(
            relation="", score=1.0, source="faq"
        ),
        Path("data/augment/pairs.parquet"),
        Pairs,
    )
    rows = [
        (pair, "anchor", doc, "positive", 0.5, [negative], [text], [0.1], [0.1], ["dense"], [1], ["margin"], [doc], sorted([doc, negative]))
        for pair, doc, negative, text in (
            ("p0000000000000001", OTHER, ANN, "a part of her answer"),
            ("p0000000000000002", OTHER, CHEAP, "No."),
        )
    ]  # fmt: skip
    columns = [name for name in Triplets.empty().columns if name != "component_id"]
    tables.write(
        pd.DataFrame(rows, columns=columns).assign(component_id="c"),
        Path("data/mine/triplets.parquet"),
        Triplets,
    )
    Path("data/tokenize").mkdir()
    counts = pd.DataFrame({"kind": ["word"], "item": ["expired"], "document_frequency": [1]})
    counts.to_parquet("data/clean/corpus_counts.parquet", index=False)
    tokens = pd.DataFrame(
        {"pair_id": ["p0000000000000001", "p0000000000000002"], "tokens": [[1], [2]]}
    )
    tokens.to_parquet("data/tokenize/tokens.parquet", index=False)
    ranked = [
        ("validation", "base", "q0000000000000001", 1, ANN, 0.5),
        ("validation", "base", "q0000000000000001", 2, OTHER, 0.4),
    ]
    tables.write(
        pd.DataFrame(ranked, columns=list(Runs.empty().columns)),
        Path("data/evaluate/runs.parquet"),
        Runs,
    )
    for path, text in {
        "data/report/index.html": "<!doctype html><p>Ann Lee paid with a ...",
        "data/validate/verdict.json": '{"passed": true}',
        "runs/validate/metadata.tsv": f"{TEXT}\n",
        "runs/validate/tensors.tsv": "0.1\t0.2\n",
        "runs/finetune/events": "loss",
        "data/finetune/model/README.md": "A model.",
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, "utf-8")
    negatives = Path("data/review/negatives.csv")
    lines = f"p0000000000000001,{ANN},yes,,\np0000000000000002,{CHEAP},no,,\n"
    negatives.write_text(negatives.read_text("utf-8") + lines, "utf-8")
    journal = Path("data/review/undo/negatives.csv")
    journal.parent.mkdir()
    journal.write_text(f"action,query_id\njudged,p0000000000000001,{ANN},,,,yes,\n", "utf-8")
    for name, shown in (("negatives", TEXT), ("variants", "a text of another record")):
        tasks = Path(f"data/review/with_texts/{name}.label-studio.json")
        tasks.parent.mkdir(exist_ok=True)
        tasks.write_text(json.dumps([{"data": {"judged": shown}}], indent=1), "utf-8")
    frozen = Path("data/frozen/splits.csv")
    frozen.write_text(f"id,split\n{ANN},test\n{OTHER},train\n", "utf-8")


def run(*arguments, text=None):
    return CliRunner().invoke(forget.app, list(arguments), input=text)


def contents(folder=Path()):
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "cache" not in path.parts
    }


def column(name, key):
    return sorted(pd.read_parquet(Path("data", name))[key])


@pytest.mark.parametrize(
    "named", [[ANN], [ANN_PAIR], ["--key", "C-1"], ["--text", "card that has expired"]]
)
def test_a_record_leaves_every_place_that_holds_it(clone, named):
    result = run(*named)
    assert result.exit_code == 0, result.output
    with Path("data/raw/faq.csv").open(encoding="utf-8", newline="") as stream:
        assert [row[0] for row in csv.reader(stream)] == ["id", "C-2", "C-3", "C-4"]
    kept = sorted(document_id("faq", key) for key in ("C-2", "C-3", "C-4"))
    assert column("collect/documents.parquet", "doc_id") == kept
    assert column("collect/pairs.parquet", "doc_id") == kept
    for name in ("clean/documents.parquet", "clean/passages.parquet", "evaluate/runs.parquet"):
        assert column(name, "doc_id") == [OTHER], name
    assert column("augment/pairs.parquet", "pair_id") == [pair_id("faq", "C-2")]
    assert column("mine/triplets.parquet", "pair_id") == ["p0000000000000002"]
    assert column("tokenize/tokens.parquet", "pair_id") == ["p0000000000000002"]
    assert not Path("data/report/index.html").exists()
    assert not Path("data/clean/corpus_counts.parquet").exists()
    assert Path("data/validate/verdict.json").exists()
    assert not Path("runs/validate").exists() and Path("runs/finetune/events").exists()
    assert Path("data/frozen/splits.csv").read_text("utf-8") == f"id,split\n{OTHER},train\n"
    assert ANN not in Path("data/review/negatives.csv").read_text("utf-8")
    assert f"p0000000000000002,{CHEAP},no,,\n" in Path("data/review/negatives.csv").read_text(
        "utf-8"
    )
    assert Path("data/review/undo/negatives.csv").read_text("utf-8") == "action,query_id\n"
    tasks = Path("data/review/with_texts").glob("*.json")
    assert [path.name for path in tasks] == ["variants.label-studio.json"]

    # Its texts stand nowhere, and the words say where they stood without showing them.
    assert not [path for path, content in contents().items() if b"expired" in content]
    assert "expired" not in result.stdout and "Ann" not in result.stdout
    assert "data/raw/faq.csv, line 2" in result.stdout
    assert "data/finetune/model was trained on it and stays until 'dvc repro'" in result.stdout


@pytest.mark.slow
def test_a_dry_run_says_the_same_and_changes_nothing(clone):
    before = contents()
    dry = run(ANN, "--dry-run")
    assert dry.exit_code == 0
    assert contents() == before
    wet = run(ANN)
    leaving = dry.stdout.partition("caches:")[0].splitlines()
    assert leaving[0] == "what would leave:" and len(leaving) > 10
    assert leaving[1:] == wet.stdout.partition("caches:")[0].splitlines()[1:]


@pytest.mark.slow
def test_a_text_takes_every_record_that_holds_it(clone):
    result = run("--text", "-", text="Ann Lee\n\n")
    assert result.exit_code == 0, result.output
    with Path("data/raw/faq.csv").open(encoding="utf-8", newline="") as stream:
        assert [row[0] for row in csv.reader(stream)] == ["id", "C-2", "C-3"]
    # The answer of C-4 is that of C-3 too, which stays.
    assert column("collect/documents.parquet", "text") == sorted(["No.", ROWS[1][3]])
    assert not [path for path, content in contents().items() if b"Ann Lee" in content]


@pytest.mark.slow
def test_the_cache_goes_unless_it_is_kept(clone):
    store = CacheStore(Path("cache"), 10**9, print)
    store.write("embeddings", {b"k" * 20: b"a vector"})
    store.close()
    checkpoint = Path("cache/checkpoints/run.checkpoint")
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"weights")

    kept = run("--key", "C-2", "--keep-cache")
    assert "python -m stages cache --clear-unused-since 20" in kept.stdout
    assert checkpoint.exists() and values() == 1

    dry = run("--key", "C-1", "--dry-run")
    assert "1 values, 1 checkpoints and 0 folders of older versions would be removed" in dry.stdout
    assert checkpoint.exists() and values() == 1

    assert run("--key", "C-1").exit_code == 0
    assert not checkpoint.exists() and values() == 0
    assert b"a vector" not in Path("cache/values.sqlite").read_bytes()


def values():
    with sqlite3.connect("cache/values.sqlite") as connection:
        return connection.execute("SELECT count(*) FROM entries").fetchone()[0]


@pytest.mark.slow
def test_what_a_program_must_not_edit_is_named_and_the_status_is_1(clone):
    Path("data/protected/benchmark.txt").write_text(f"Another text\n{TEXT}\n", "utf-8")
    Path("notes.md").write_text(f"A note: {TEXT}", "utf-8")
    result = run(ANN)
    assert result.exit_code == 1
    assert "data/protected/benchmark.txt, line 2: edit it" in result.stdout
    assert "notes.md holds a text of it" in result.stdout
    # What could be removed is removed all the same.
    assert ANN not in column("collect/documents.parquet", "doc_id")
    assert Path("notes.md").exists()


@pytest.mark.slow
def test_older_versions_in_git_and_dvc_are_named(clone, dvc):
    git(clone, "init", "-q")
    (clone / ".gitignore").write_text("cache/\ndata/collect/\n", "utf-8")
    for arguments in (
        ["init", "-q"],
        ["add", "-q", "data/raw/faq.csv"],
        ["remote", "add", "store", "/nowhere"],
    ):
        assert dvc(clone, *arguments).returncode == 0
    Path("notes.md").write_text(f"A note: {TEXT}", "utf-8")
    git(clone, "add", "-A")
    git(clone, *COMMIT, "first")
    Path("notes.md").unlink()
    git(clone, "add", "-A")
    git(clone, *COMMIT, "without the note")

    result = run(ANN)
    assert result.exit_code == 0, result.output
    older = result.stdout.partition("older versions:")[2]
    assert "1 objects in DVC's cache hold it, by these commits:" in older
    first = git(clone, "log", "--format=%h", "--grep", "^first$").strip()
    assert f"    {first}" in older.partition("git itself")[0]
    assert "git itself holds a text of it, in files of these commits:" in older
    assert f"{first} first" in older.partition("git itself")[2]
    assert "without the note" in older.partition("git itself")[2]
    steps = [
        line.strip().partition("   #")[0] for line in older.partition("then:\n")[2].splitlines()
    ]
    assert steps == [
        "dvc add data/raw/faq.csv",
        "dvc repro",
        "git commit --all",
        "dvc gc --workspace",
        "dvc push --remote store",
        "dvc gc --workspace --cloud --remote store",
        "git filter-repo --replace-text FILE",
        "the same in every other clone, backup and copy of the model",
    ]
    assert "/nowhere" not in result.stdout

    # The commands do what they say: afterwards nothing is named any more.
    assert dvc(clone, "add", "-q", "data/raw/faq.csv").returncode == 0
    assert dvc(clone, "gc", "--workspace", "--force", "-q").returncode == 0
    again = run("--key", "C-2", "--dry-run").stdout
    assert TEXT.encode() not in b"".join(contents(Path(".dvc/cache")).values())
    assert "1 objects" in again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing is named that is to be forgotten"),
        (["C-1"], "'C-1' is no id"),
        (["d0000000000000000"], "neither a raw file nor a table under data/ knows the id"),
        (["--key", "C-9"], "no row of a raw file has this key or text"),
        (["--text", "  "], "nothing is named that is to be forgotten"),
    ],
)
def test_what_is_not_there_is_an_error_and_changes_nothing(clone, arguments, message):
    before = contents()
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert contents() == before


def test_a_failure_halfway_puts_everything_back(clone, monkeypatch):
    before = contents()

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forget, "clean_files_of_people", fail)
    assert run(ANN).exit_code != 0
    assert contents() == before


@pytest.mark.slow
def test_the_proof_notices_a_place_that_was_left_out(clone, monkeypatch):
    monkeypatch.setattr(forget, "clean_tables", lambda data, sought, dry_run: [])
    result = run(ANN)
    assert result.exit_code == 1
    assert "data/collect/documents.parquet holds a text of it" in result.stdout


@pytest.mark.slow
def test_json_holds_what_left_and_what_remains(clone):
    before = contents()
    result = run(ANN, "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert contents() == before
    assert figures["dry_run"] is True
    assert "data/raw/faq.csv, line 2" in figures["left"]
    assert figures["caches"] == {"checkpoints": 0, "older": 0, "values": 0}
    assert figures["by_hand"] == []
    assert figures["searched"]["texts"] > 1
    assert figures["older_versions"]["objects"] == []
    assert "dvc repro" in figures["then"]
    # The words went to the standard error, and no text of the record anywhere.
    assert result.stderr.startswith("what would leave:\n")
    assert "expired" not in result.output and "Ann" not in result.output
    assert json.loads(run(ANN, "--dry-run", "--keep-cache", "--json").stdout)["caches"] is None
