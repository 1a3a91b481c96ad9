"""Tables in temporary files: they give the bytes of whole frames, and keep the contracts."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.collect import sorted_rows, stored_tables
from stages.collect.records import DocumentRow, stored_documents
from stages.collect.stored_ledger import StoredLedger
from stages.collect.stored_tables import MergedTables, write_rows
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger, LedgerWriter


def documents(count, start=0):
    return [
        DocumentRow(f"d{index:016x}", "faq", "", f"Text {index} ä\0", "topic", "")
        for index in range(start, start + count)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 9000])
def test_the_bytes_are_those_of_a_whole_table(tmp_path, monkeypatch, count):
    monkeypatch.setattr(sorted_rows, "RUN_BYTES", 100_000)
    monkeypatch.setattr(stored_tables, "PIECE_ROWS", tables.SHARD_ROWS)
    rows = documents(count)
    frame = stored_documents(rows).frame()
    tables.write(frame.sample(frac=1, random_state=1), tmp_path / "whole.parquet", Documents)

    # Two parts, whose rows alternate.
    parts = [stored_documents(rows[::2]), stored_documents(reversed(rows[1::2]))]
    MergedTables(parts).write(tmp_path / "merged.parquet", Documents)
    merged = (tmp_path / "merged.parquet").read_bytes()
    assert merged == (tmp_path / "whole.parquet").read_bytes()


def test_a_key_that_comes_twice_is_an_error_even_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_tables, "PIECE_ROWS", 2)
    rows = [*documents(2), *documents(2, start=1)]
    with pytest.raises(UserError, match=r"key_is_unique .*first: doc_id d0000000000000001"):
        write_rows(rows, tmp_path / "a.parquet", Documents)
    assert not (tmp_path / "a.parquet").exists()


def test_a_row_that_breaks_the_contract_is_named(tmp_path):
    rows = [DocumentRow("d0000000000000001", "faq", "", "", "", "")]
    with pytest.raises(UserError, match="no_document_is_empty"):
        MergedTables([stored_documents(rows)]).write(tmp_path / "a.parquet", Documents)


def test_values_are_counted_and_columns_read():
    table = stored_documents(documents(2))
    assert list(table.counts["topic"]) == [("topic", 2)]
    assert table["doc_id"].tolist() == ["d0000000000000000", "d0000000000000001"]


LINES = st.lists(
    st.tuples(
        st.sampled_from(["drop", "note"]), st.sampled_from(["d1", "d2", "r1"]), st.text(max_size=3)
    ),
    max_size=12,
)


@settings(max_examples=15)
@given(lines=LINES)
def test_the_ledger_is_that_of_a_writer_in_memory(lines):
    stored = StoredLedger()
    writer = LedgerWriter()
    for action, row_id, text in lines:
        for ledger in (stored, writer):
            if action == "drop":
                ledger.drop(
                    row_id, "empty_text", partner_id="d9", before=text, after="a.csv, line 2"
                )
            else:
                ledger.note(row_id, "bad_parent", after=text)

    expected = writer.frame().sort_values(["row_id", "seq"], ignore_index=True)
    pd.testing.assert_frame_equal(stored.frame(), expected)
    assert stored.dropped() == writer.dropped()
    assert stored.noted()["bad_parent"] == sum(action == "note" for action, *_ in lines)
    tables.check_table(stored.frame(), Ledger, "the ledger")
