"""The stage as a whole: idempotent, reversible, and no row lost without a reason."""

from pathlib import Path

import pytest

from stages.clean.__main__ import main
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.ledger import Ledger
from tests.clean.texts import undo


@pytest.mark.slow
def test_every_row_is_accounted_for_whatever_the_workers(project, monkeypatch):
    bytes_by_workers = []
    for workers in ("1", "3"):
        monkeypatch.setenv("PAIRSMITH_WORKERS", workers)
        main()
        bytes_by_workers.append(
            {
                path.name: path.read_bytes()
                for path in [*Path("data/clean").iterdir(), Path("metrics/details/clean.json")]
            }
        )
    assert bytes_by_workers[0] == bytes_by_workers[1]

    details = read_details(Path("metrics/details/clean.json"))
    expected = {
        "rows_in": 22,
        "rows_out": 21,
        "dropped.empty": 1,
        "passages": 21,
        "pairs.rows_in": 5,
        "pairs.rows_out": 2,
        "pairs.dropped.document_dropped": 1,
        "pairs.dropped.too_short": 2,
        "edits.boilerplate": 21,
        "edits.abbreviation": 22,
        "edits.case": 0,
        "ambiguous_abbreviations": 1,
        "out_of_domain.rows_in": 0,
    }
    assert {key: details[key] for key in expected} == expected
    texts = tables.read(Path("data/clean/documents.parquet"), Documents)["text"]
    assert {text.partition(" & ")[2] for text in texts} == {"its electrocardiogram (ECG) & bone."}
    assert list(tables.read(Path("data/clean/passages.parquet"), Passages)["text"]) == list(texts)
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    assert list(ledger.loc[ledger["action"] == "note", "after"]) == [
        "mitral stenosis | multiple sclerosis"
    ]


@pytest.mark.slow
def test_the_ledger_gives_every_text_back(project):
    main()
    before = tables.read(Path("data/collect/documents.parquet"), Documents).set_index("doc_id")
    after = tables.read(Path("data/clean/documents.parquet"), Documents).set_index("doc_id")
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    edits = ledger[(ledger["action"] == "edit") & (ledger["field"] == "text")]
    for doc_id, lines in edits[edits["row_id"].isin(after.index)].groupby("row_id"):
        spans = list(zip(lines["start"], lines["before"], lines["after"], strict=True))
        assert undo(after.loc[doc_id, "text"], spans) == before.loc[doc_id, "text"]


@pytest.mark.slow
def test_cleaning_the_cleaned_corpus_changes_nothing(project):
    main()
    for name in ("documents", "pairs"):
        Path(f"data/collect/{name}.parquet").write_bytes(
            Path(f"data/clean/{name}.parquet").read_bytes()
        )
    first = {
        name: Path(f"data/clean/{name}.parquet").read_bytes() for name in ("documents", "pairs")
    }
    main()
    assert {
        name: Path(f"data/clean/{name}.parquet").read_bytes() for name in ("documents", "pairs")
    } == first
    ledger = tables.read(Path("data/clean/ledger.parquet"), Ledger)
    assert set(ledger["action"]) == {"note"}


def test_limits_that_no_text_can_pass_are_an_error(project):
    params = Path("params.yaml")
    params.write_text(
        params.read_text().replace("max_anchor_characters: 50", "max_anchor_characters: 1")
    )
    with pytest.raises(
        UserError, match="min_anchor_characters = 2 is above max_anchor_characters = 1"
    ):
        main()
    assert not Path("data/clean").exists()
