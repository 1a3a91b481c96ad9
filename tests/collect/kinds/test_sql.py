"""A source in a database is read from its snapshot, offline, and only from the pinned one."""

from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from pydantic import TypeAdapter, ValidationError

from stages.collect.interface import CollectParams
from stages.collect.kinds.registry import AnySource, kind_of
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from stages.lib.core.params import load_section

SETTINGS = {
    "reader": "sql",
    "url_env": "HELPDESK_URL",
    "query": "SELECT id, question, answer FROM faq",
    "columns": {"key": "id", "anchor": "question", "text": "answer"},
}
ROWS = {
    "id": ["001", "2"],
    "question": ["Wo?", "كيف؟"],
    "answer": ["Hier.", "هكذا."],
    "part": ["test", "dev"],
    "wrong": [["Dort."], []],
}


def source(**settings):
    return TypeAdapter(AnySource).validate_python({**SETTINGS, **settings})


@pytest.fixture
def snapshot(tmp_path):
    path = tmp_path / "snapshots/faq.parquet"
    path.parent.mkdir()
    parquet.write_table(arrow.table(ROWS), path)
    return path


def read(tmp_path, **settings):
    own = source(**settings)
    kind_of(own).check("faq", own, {"faq": own})
    return kind_of(own).read(own, ReadRequest("faq", tmp_path))


def test_rows_are_read_as_those_of_a_table(snapshot, tmp_path):
    columns = {**SETTINGS["columns"], "split": "part", "negative": "wrong"}
    rows = read(tmp_path, sha256=file_hash(snapshot), rows=2, columns=columns, licence="ours")
    assert sorted(rows.documents["text"]) == ["Dort.", "Hier.", "هكذا."]
    assert sorted(rows.pairs["anchor"]) == ["Wo?", "Wo?", "كيف؟"]
    assert sorted(rows.given_splits["split"]) == ["test", "test", "validation"]
    assert rows.facts.origin == "a query of the database in HELPDESK_URL"
    assert rows.facts.licence == "ours"


def test_ids_are_those_of_a_table_of_the_same_name(snapshot, tmp_path):
    rows = read(tmp_path, sha256=file_hash(snapshot))
    table = TypeAdapter(AnySource).validate_python(
        {
            "reader": "table",
            "path": "data/raw/snapshots/faq.parquet",
            "columns": SETTINGS["columns"],
        }
    )
    same = kind_of(table).read(table, ReadRequest("faq", tmp_path))
    assert rows.documents.frame().equals(same.documents.frame())
    assert rows.pairs.frame().equals(same.pairs.frame())


def test_what_is_not_pinned_is_not_read(snapshot, tmp_path):
    with pytest.raises(UserError) as raised:
        read(tmp_path)
    assert raised.value.fact.startswith("params.yaml: collect.sources.faq has no snapshot yet")
    assert raised.value.remedy == "run 'python -m stages fetch'"


def test_another_snapshot_is_refused(snapshot, tmp_path):
    with pytest.raises(UserError) as raised:
        read(tmp_path, sha256="0" * 64)
    assert (
        f"is 000000000000..., but data/raw/snapshots/faq.parquet is {file_hash(snapshot)[:12]}"
        in (raised.value.fact)
    )
    assert "'dvc checkout'" in raised.value.remedy
    assert "'python -m stages fetch faq'" in raised.value.remedy


def test_a_missing_snapshot_names_the_command_that_brings_it(tmp_path):
    with pytest.raises(UserError) as raised:
        read(tmp_path, sha256="0" * 64)
    assert raised.value.fact.startswith("data/raw/snapshots/faq.parquet does not exist")
    assert "dvc pull data/raw/snapshots/faq.parquet" in raised.value.remedy


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host/base", "sqlite:///s3cret.db", "HELP DESK s3cret", "", "1A"]
)
def test_a_url_in_params_is_refused_and_not_shown(url, tmp_path):
    with pytest.raises(UserError) as raised:
        read(tmp_path, url_env=url)
    assert (
        "collect.sources.faq.url_env is not the name of an environment variable"
        in raised.value.fact
    )
    assert "s3cret" not in str(raised.value)


def test_an_unknown_kind_is_named_without_its_settings(tmp_path):
    """Someone may have written the URL where it does not belong."""
    (tmp_path / "params.yaml").write_text(
        "collect:\n  out_of_domain: null\n  sources:\n    faq: {reader: sqll, url_env: 'sqlite://me:s3cret@h'}\n",
        "utf-8",
    )
    with pytest.raises(UserError) as raised:
        load_section(CollectParams, tmp_path / "params.yaml")
    assert (
        "collect.sources.faq = 'sqll': input tag 'sqll' found using 'reader'" in raised.value.fact
    )
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"columns": {"key": "id"}}, "collect.sources.faq.columns maps key"),
        ({"columns": {"text": "a", "score": "b"}}, "columns.score has no meaning beside text"),
        ({"documents_of": "other"}, "has only one of columns.document_key and documents_of"),
        ({"score_range": [1.0, 5.0]}, "score_range has no meaning without"),
        ({"split": "test", "columns": {"text": "a"}}, "split has no meaning without anchors"),
    ],
)
def test_settings_are_checked_as_those_of_a_table(settings, fact, tmp_path):
    with pytest.raises(UserError, match=fact):
        read(tmp_path, **settings)


@pytest.mark.parametrize(
    "settings",
    [{"path": "data/raw/faq.csv"}, {"url": "sqlite:///a.db"}, {"query": ""}, {"query": None},
     {"rows": -1}, {"sha256": "abc"}, {"encoding": "utf-8"}],
)  # fmt: skip
def test_unknown_keys_and_wrong_values_are_refused(settings):
    with pytest.raises(ValidationError):
        source(**settings)


def test_pairs_lead_to_the_documents_of_a_database():
    documents = source(columns={"text": "answer"})
    pairs = source(columns={"anchor": "q", "document_key": "id"}, documents_of="faq")
    with pytest.raises(UserError, match=r"documents_of = 'faq' has no keyed documents"):
        kind_of(pairs).check("asked", pairs, {"faq": documents, "asked": pairs})
    keyed = source()
    kind_of(pairs).check("asked", pairs, {"faq": keyed, "asked": pairs})


def test_reading_needs_no_database_library():
    """The stage runs where no driver is installed, and reaches no network."""
    text = Path("stages/collect/kinds/sql.py").read_text("utf-8")
    assert "sqlalchemy" not in text + Path("stages/collect/snapshots.py").read_text("utf-8")
