"""The stage as a command: params.yaml and files in, tables, metrics and a data card out."""

import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.collect.__main__ import app
from stages.lib.core import tables
from stages.lib.core.git_texts import label_id
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Timestamps
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs

ROOT = Path(__file__).parents[2]
OUTPUTS = [
    "documents",
    "pairs",
    "timestamps",
    "given_splits",
    "grades",
    "hierarchy",
    "out_of_domain_documents",
    "out_of_domain_pairs",
    "ledger",
]
PARAMS = """
git:
  texts: labels
pair:
  document_text: "{text}"
collect:
  sources:
    manual:
      reader: table
      path: data/raw/manual.csv
      licence: CC0
      columns:
        key: id
        text: text
        topic: topic
    questions:
      reader: table
      path: data/raw/questions.jsonl
      documents_of: manual
      columns:
        anchor: question
        document_key: about
  out_of_domain: null
  max_rejected_share: 0.5
"""
MANUAL = [
    "1,How to start it,start",
    "2,How to stop it,stop",
    "3, ,stop",
    "4,How to clean it,care|wash",
]
QUESTIONS = [
    '{"question": "does not start", "about": "1"}',
    '{"question": "off switch", "about": "2"}',
    '{"question": "price", "about": "9"}',
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    fill(PARAMS, MANUAL, QUESTIONS)
    return tmp_path


def fill(params: str, manual: list[str], questions: list[str]) -> None:
    Path("params.yaml").write_text(params, "utf-8")
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    Path("data/raw/manual.csv").write_text("id,text,topic\n" + "\n".join(manual) + "\n", "utf-8")
    Path("data/raw/questions.jsonl").write_text("\n".join(questions) + "\n", "utf-8")


def run():
    return CliRunner().invoke(app, [])


def contents() -> dict[str, bytes]:
    files = [
        *(Path(f"data/collect/{name}.parquet") for name in OUTPUTS),
        Path("metrics/details/collect.json"),
    ]
    return {str(file): file.read_bytes() for file in [*files, Path("metrics/data_card.md")]}


def places() -> set[str]:
    """Return where the rejected records stand."""
    ledger = tables.read(Path("data/collect/ledger.parquet"), Ledger)
    return set(ledger.loc[ledger["action"] == "drop", "after"])


def test_pairs_of_one_source_lead_to_documents_of_another(project):
    assert run().exit_code == 0
    documents = tables.read(Path("data/collect/documents.parquet"), Documents).set_index("doc_id")
    pairs = tables.read(Path("data/collect/pairs.parquet"), Pairs)
    assert {
        anchor: documents.loc[doc_id, "text"]
        for anchor, doc_id in zip(pairs["anchor"], pairs["doc_id"], strict=True)
    } == {
        "does not start": "How to start it",
        "off switch": "How to stop it",
    }


def test_metrics_balance_and_name_every_reason(project):
    run()
    assert read_details(Path("metrics/details/collect.json")) == {
        "rows_in": 7,
        "rows_out": 5,
        "dropped.obsolete": 0,
        "dropped.no_definition": 0,
        "dropped.empty_text": 1,
        "dropped.empty_anchor": 0,
        "dropped.bad_score": 0,
        "dropped.bad_grade": 0,
        "dropped.bad_time": 0,
        "dropped.unknown_document": 1,
        "dropped.duplicate_key": 0,
        "rejected": 2,
        "documents": 3,
        "pairs": 2,
        "out_of_domain_documents": 0,
        "out_of_domain_pairs": 0,
        "hierarchy_edges": 0,
        "bad_parents": 0,
        "source.manual.documents": 3,
        "source.manual.pairs": 0,
        "source.questions.documents": 0,
        "source.questions.pairs": 2,
    }
    ledger = tables.read(Path("data/collect/ledger.parquet"), Ledger)
    assert sorted(ledger["reason"]) == ["empty_text", "unknown_document"]


def test_without_an_out_of_domain_source_its_tables_are_empty(project):
    run()
    assert len(tables.read(Path("data/collect/out_of_domain_documents.parquet"), Documents)) == 0
    assert len(tables.read(Path("data/collect/out_of_domain_pairs.parquet"), Pairs)) == 0


def test_sources_without_times_leave_their_table_empty(project):
    run()
    assert len(tables.read(Path("data/collect/timestamps.parquet"), Timestamps)) == 0


def test_the_times_of_a_source_are_written(project):
    timed = PARAMS.replace("document_key: about\n", "document_key: about\n        time: asked\n")
    fill(timed, MANUAL, [QUESTIONS[0].replace("}", ', "asked": "2026-01-31"}'), QUESTIONS[1]])
    assert run().exit_code == 0
    pairs = tables.read(Path("data/collect/pairs.parquet"), Pairs).set_index("pair_id")["anchor"]
    times = tables.read(Path("data/collect/timestamps.parquet"), Timestamps)
    assert times["id"].map(pairs).tolist() == ["does not start"]
    assert times["time"].tolist() == ["2026-01-31T00:00:00.000000Z"]


def test_the_out_of_domain_source_stays_apart(project):
    out_of_domain = "  out_of_domain:\n    reader: table\n    path: data/raw/manual.csv\n    columns:\n      text: text\n"
    fill(PARAMS.replace("  out_of_domain: null\n", out_of_domain), MANUAL, QUESTIONS)
    assert run().exit_code == 0
    other = tables.read(Path("data/collect/out_of_domain_documents.parquet"), Documents)
    assert set(other["source"]) == {"out_of_domain"} and len(other) == 3
    assert len(tables.read(Path("data/collect/documents.parquet"), Documents)) == 3


def test_the_data_card_states_origin_licence_and_counts(project):
    run()
    card = Path("metrics/data_card.md").read_text("utf-8")
    assert "- Origin: data/raw/manual.csv\n- Release: not stated\n- Licence: CC0\n" in card
    assert "- Records: 4 read, 1 left out" in card
    assert "| `care\\|wash` | 1 |" in card  # a bar would end the cell
    assert "| unknown_document | 1 |" in card


def test_the_data_card_has_ids_of_topics_where_git_may_hold_nothing(project):
    fill(PARAMS.replace("texts: labels", "texts: nothing"), MANUAL, QUESTIONS)
    run()
    card = Path("metrics/data_card.md").read_text("utf-8")
    assert f"| {label_id('care|wash')} | 1 |" in card
    assert "wash" not in card


@pytest.mark.slow
def test_the_order_of_rows_and_sources_changes_no_byte(project):
    run()
    before = contents()
    ledger = places()
    top, rest = PARAMS.split("    questions:\n")
    questions, end = rest.split("  out_of_domain")
    head, manual = top.split("    manual:\n")
    swapped = f"{head}    questions:\n{questions}    manual:\n{manual}  out_of_domain{end}"
    fill(swapped, random.Random(1).sample(MANUAL, 4), QUESTIONS[::-1])
    assert run().exit_code == 0
    after = contents()
    changed = [file for file in before if before[file] != after[file]]

    # The ledger says on which line a rejected record stands.
    assert changed == ["data/collect/ledger.parquet"]
    assert ledger == {"data/raw/manual.csv, line 4", "data/raw/questions.jsonl, line 3"}
    assert places() == {"data/raw/manual.csv, line 3", "data/raw/questions.jsonl, line 1"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("data/raw/manual.csv", "data/manual.csv"),
            "collect.sources.manual.path = 'data/manual.csv' is not under data/raw/",
        ),
        (("text: text", "txt: text"), "unknown key collect.sources.manual.columns.txt"),
        (("text: text", "text: body"), "data/raw/manual.csv, line 1: there is no column 'body'"),
        (
            ("documents_of: manual", "documents_of: none"),
            "collect.sources.questions.documents_of = 'none'",
        ),
        (
            ("    manual:", "    out_of_domain:"),
            "collect.sources.out_of_domain has a name that is taken",
        ),
        (("    manual:", "    a.b:"), "should match pattern"),
        (("reader: table", "reader: csv"), "'csv'"),
    ],
)
def test_an_error_is_short_and_leaves_no_files(project, change, message):
    Path("params.yaml").write_text(PARAMS.replace(*change), "utf-8")
    result = run()
    assert result.exit_code == 1
    assert message in result.output
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/collect").exists() and not Path("metrics").exists()
