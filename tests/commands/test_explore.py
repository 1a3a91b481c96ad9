"""`python -m stages explore`: the page of documents since a revision, and by the fine-tuned model."""

import base64
import gzip
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.__main__ import main
from stages.commands.compare.versions import MODEL
from stages.commands.explore import __main__ as command
from stages.commands.explore.__main__ import app
from stages.commands.explore.since import (
    VersionDocuments,
    changes_since,
    documents_of,
    gone_documents,
    revision_name,
)
from stages.explore.__main__ import run
from stages.explore.page_rows import GoneDocument
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets
from tests.commands.results import COMMIT
from tests.conftest import git

IDS = [f"d{number:016x}" for number in range(10)]


def table_of(rows, *columns):
    return pd.DataFrame(rows, columns=list(columns), dtype="str")


def version(documents, splits, aliases=(), private=False, drops=(), name="v1", commit="abc"):
    """Return a version with these documents (number, title, text) and splits by number."""
    texts = [(IDS[number], title, text) for number, title, text in documents]
    split_rows = [(IDS[number], split) for number, split in splits.items()]
    alias_rows = [(IDS[copy], IDS[kept]) for copy, kept in aliases]
    drop_rows = [(IDS[number], "drop", reason) for number, reason in drops]
    known = {
        "data/pair/documents.parquet": table_of(texts, "doc_id", "title", "text"),
        "data/split/splits.parquet": table_of(split_rows, "id", "split"),
        "data/deduplicate/aliases.parquet": table_of(alias_rows, "doc_id", "kept_id"),
        "data/clean/ledger.parquet": table_of(
            [(IDS[0], "edit", "private_data")] if private else [], "row_id", "action", "reason"
        ),
        "data/deduplicate/ledger.parquet": table_of(drop_rows, "row_id", "action", "reason"),
    }
    nothing = table_of([], "row_id", "action", "reason")

    def read(path, *columns):
        return known.get(path, nothing)[list(columns)]

    return SimpleNamespace(table=read, name=name, commit=commit)


OLD = version(
    [
        (0, "Same", "text"),
        (1, "Edited", "before"),
        (2, "Moved", "text"),
        (3, "Both", "before"),
        (4, "Copy", "text"),
        (5, "Of test", "text"),
        (6, "Becomes test", "text"),
        (7, "", "A copy of a text of test"),
        (8, "", "Its source is gone. " * 9),
    ],
    {
        **{0: "train", 1: "corpus", 2: "validation", 3: "test", 4: "train"},
        **{5: "test", 6: "train", 7: "corpus", 8: "corpus"},
    },
)
NEW = version(
    [
        (0, "Same", "text"),
        (1, "Edited", "after"),
        (2, "Moved", "text"),
        (3, "Both", "after"),
        (6, "Becomes test", "text"),
        (9, "New", "text"),
    ],
    {0: "train", 1: "corpus", 2: "train", 3: "train", 6: "test", 9: "corpus"},
    aliases=[(4, 0), (7, 6)],
    drops=[(4, "exact_copy"), (7, "near_copy")],
)


def shown_of(new):
    """Return the documents that a page of this version shows."""
    documents = new.table("data/pair/documents.parquet", "doc_id", "title", "text")
    splits = new.table("data/split/splits.parquet", "id", "split").set_index("id")["split"]
    frame = documents.assign(split=documents["doc_id"].map(splits))
    return frame[frame["split"].isin(["train", "validation", "corpus"])]


def changes(new=NEW):
    return changes_since("v1", documents_of(OLD), new, shown_of(new))


# ---- what changed


def test_each_document_has_one_state():
    assert dict(zip(shown_of(NEW)["title"], changes().states, strict=True)) == {
        "Same": "unchanged",
        "Edited": "edited",
        "Moved": "moved to another split",
        "Both": "edited and moved",
        "New": "new",
    }


def test_former_splits_and_texts_stand_beside_the_changed_ones():
    assert changes().old_splits == {2: "validation", 3: "test"}
    assert changes().old_texts == {1: ("Edited", "before"), 3: ("Both", "before")}


def test_what_is_gone_has_a_title_and_the_reason_of_the_ledger():
    assert changes().gone == [
        GoneDocument(IDS[4], "Copy", f"deduplicate: exact copy, kept {IDS[0]}"),
        GoneDocument(IDS[8], ("Its source is gone. " * 9)[:80], ""),
    ]


def test_what_may_not_be_read_now_is_a_number():
    """Document 6 is in test now, and 7 is a copy of it. Document 5 was never shown."""
    assert changes().hidden == 2
    assert not {IDS[5], IDS[6], IDS[7]} & {document.doc_id for document in changes().gone}


def test_a_document_that_was_in_test_and_is_gone_is_not_counted():
    old = VersionDocuments({IDS[5]: ("Of test", "text")}, {IDS[5]: "test"})
    empty = VersionDocuments({}, {})
    assert gone_documents(old, empty, NEW) == ([], 0)


@pytest.mark.parametrize("split", ["test", "protected", "left_out", "not_in_sample"])
def test_every_split_that_is_not_shown_hides(split):
    old = VersionDocuments({IDS[1]: ("Title", "text")}, {IDS[1]: "train"})
    new = VersionDocuments({IDS[1]: ("Title", "text")}, {IDS[1]: split})
    assert gone_documents(old, new, NEW) == ([], 1)


def test_where_private_data_is_replaced_nothing_former_is_shown():
    new = version(
        [(0, "Same", "text"), (1, "Edited", "<NAME>")], {0: "train", 1: "corpus"}, private=True
    )
    told = changes(new)
    assert told.states == ["unchanged", "edited"]
    assert told.old_texts == {}
    assert {document.title for document in told.gone} == {""}


@pytest.mark.parametrize(
    ("name", "commit", "shown"),
    [
        ("v1", "0123456789", "v1 (0123456)"),
        ("0123", "0123456789", "0123"),
        ("the working tree", None, "the working tree"),
    ],
)
def test_a_revision_is_named_with_its_commit(name, commit, shown):
    assert revision_name(SimpleNamespace(name=name, commit=commit)) == shown


# ---- the command


class WordVectors:
    """A model whose vectors follow from the texts alone; each folder has its own."""

    def __init__(self, folder, device=None):
        self.folder = folder

    def encode(self, texts, prompt="", label=""):
        seed = len(str(self.folder))
        rows = [np.random.default_rng([seed, *text.encode()]).normal(size=8) for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def prepared(project, monkeypatch):
    """Stand in a project with tables of four documents; the last is in test."""
    documents = pd.DataFrame(
        [(IDS[number], "faq", f"Title {number}", f"text {number}", "", "") for number in range(4)],
        columns=list(Documents.empty().columns),
    )
    passages = pd.DataFrame(
        [(f"{IDS[number]}-0000", IDS[number], 0, f"text {number}") for number in range(4)],
        columns=list(Passages.empty().columns),
    )
    splits = pd.DataFrame(
        {
            "id": IDS[:4],
            "component_id": IDS[:4],
            "split": ["train", "validation", "corpus", "test"],
        }
    )
    ledger = LedgerWriter()
    ledger.edit(IDS[0], "text", "typo", "txet", "text")
    for file, frame, contract in (
        ("pair/documents", documents, Documents),
        ("split/passages", passages, Passages),
        ("pair/pairs", Pairs.empty(), Pairs),
        ("split/splits", splits, Splits),
        ("deduplicate/near_duplicates", NearDuplicates.empty(), NearDuplicates),
        ("deduplicate/aliases", Aliases.empty(), Aliases),
        ("mine/triplets", Triplets.empty(), Triplets),
        ("clean/ledger", ledger.frame(), Ledger),
        ("collect/ledger", Ledger.empty(), Ledger),
        ("deduplicate/ledger", Ledger.empty(), Ledger),
        ("pair/ledger", Ledger.empty(), Ledger),
        ("split/ledger", Ledger.empty(), Ledger),
    ):
        tables.write(frame, Path(f"data/{file}.parquet"), contract)
    monkeypatch.setattr(command, "Encoder", WordVectors)
    monkeypatch.setattr(command, "find_base_model", lambda params: Path("base"))
    return project


def invoke(*arguments):
    return CliRunner().invoke(app, ["--html", "page.html", *arguments])


def columns_of(file="page.html"):
    text = Path(file).read_text("utf-8")
    (rows,) = re.findall(r'id="rows">([^<]*)<', text)
    return json.loads(gzip.decompress(base64.b64decode(rows)))


def test_the_fine_tuned_model_places_the_same_documents(prepared):
    Path(MODEL).mkdir(parents=True)
    result = invoke("--finetuned", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "documents": 3,
        "file": "page.html",
        "left_out": 0,
        "models": ["base model", "fine-tuned model"],
        "since": None,
    }
    columns = columns_of()
    assert columns["ids"] == IDS[:3]
    base, finetuned = columns["maps"]
    assert base["x"] != finetuned["x"]
    assert len(finetuned["x"]) == 3
    assert columns["rules"] == ["clean: edit text, typo"]
    assert columns["own"] == {"0": [[0, 1]]}

    # The same tables and models give the same bytes.
    first = Path("page.html").read_bytes()
    assert invoke("--finetuned").stdout == "wrote page.html\n"
    assert Path("page.html").read_bytes() == first


def test_both_options_go_together_and_test_is_on_no_page(prepared, monkeypatch):
    Path(MODEL).mkdir(parents=True)
    old = version(
        [(0, "Title 0", "before"), (3, "Title 3", "text 3"), (4, "Gone", "text 4")],
        {0: "train", 3: "train", 4: "train"},
        commit="abcdef1234567",
    )
    versions = {"v1": old, None: command.find_version(None)}
    monkeypatch.setattr(command, "find_version", versions.__getitem__)
    result = invoke("--since", "v1", "--finetuned", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["since"] == {
        "revision": "v1 (abcdef1)",
        "states": {"edited": 1, "new": 2},
        "gone": 1,
        "hidden": 1,
    }
    columns = columns_of()
    assert columns["changes"]["gone"] == [[IDS[4], "Gone", ""]]
    assert len(columns["maps"]) == 2
    assert "Title 3" not in json.dumps(columns)
    assert IDS[3] not in json.dumps(columns)


def test_without_options_it_is_the_page_of_the_stage(prepared, monkeypatch):
    assert invoke().exit_code == 0
    columns = columns_of()
    assert len(columns["maps"]) == 1
    assert "changes" not in columns

    # The stage gives these bytes too.
    monkeypatch.setattr("stages.explore.__main__.Encoder", WordVectors)
    monkeypatch.setattr("stages.explore.__main__.find_base_model", lambda params: Path("base"))
    outputs = run(command.table_files(), command.stage_params())
    assert outputs.page == Path("page.html").read_text("utf-8")


def test_without_a_trained_model_it_says_what_to_run(prepared):
    result = invoke("--finetuned")
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: there is no fine-tuned model: {MODEL} does not exist\n"
        "  remedy: run 'dvc repro', or 'dvc pull' where a remote holds the run\n"
    )
    assert not Path("page.html").exists()


def test_a_model_of_other_settings_is_no_model_of_this_data(prepared, monkeypatch):
    Path(MODEL).mkdir(parents=True)
    monkeypatch.setattr(command, "why_no_run", lambda stage: f"{stage} has not run")
    result = invoke("--finetuned")
    assert result.exit_code == 1
    assert "no fine-tuned model of this data: finetune has not run" in result.stderr


def test_a_revision_without_tables_names_the_command_that_fetches_them(prepared):
    Path(".gitignore").write_text("/data\n", "utf-8")
    git(prepared, "init", "-q")
    git(prepared, "add", "-A")
    git(prepared, *COMMIT, "first")
    result = invoke("--since", "HEAD")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: HEAD has no data/pair/documents.parquet in the DVC cache"
    )
    assert "'dvc fetch --all-commits data/pair/documents.parquet'" in result.stderr
    result = invoke("--since", "nowhere")
    assert "'nowhere' is neither a revision nor an experiment" in result.stderr


def test_without_tables_it_says_so_before_it_works(prepared):
    Path("data/mine/triplets.parquet").unlink()
    result = invoke()
    assert result.exit_code == 1
    assert "data/mine/triplets.parquet" in result.stderr


def test_a_page_replaces_no_other_file(prepared):
    Path("page.html").write_text("my notes", "utf-8")
    result = invoke()
    assert result.exit_code == 1
    assert Path("page.html").read_text("utf-8") == "my notes"


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["explore"], "stages.explore"),
        (["explore", "--html", "x.html"], "stages.commands.explore"),
        (["explore", "--help"], "stages.commands.explore"),
        (["split", "--help"], "stages.split"),
        (["explain", "d0"], "stages.commands.explain"),
    ],
)
def test_options_of_explore_are_those_of_the_command(arguments, module, monkeypatch):
    called = []
    monkeypatch.setattr("sys.argv", ["stages"])
    monkeypatch.setattr("runpy.run_module", lambda name, **_: called.append(name))
    assert main(arguments) == 0
    assert called == [module]


def test_a_version_without_a_table_is_an_error():
    def missing(path, *columns):
        raise UserError(f"v1 has no {path} in the DVC cache", "fetch it")

    with pytest.raises(UserError, match="data/pair/documents"):
        documents_of(SimpleNamespace(table=missing))
