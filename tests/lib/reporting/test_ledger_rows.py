"""Each reason of the ledgers opens to some rows, with what they said before and after."""

import pandas as pd

from stages.lib.core import tables
from stages.lib.reporting.ledger_rows import (
    LedgerFiles,
    RowTexts,
    TableFile,
    drops_of,
    ledger_parts,
    reason_parts,
    sample_ledger,
)
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.splits import Splits


def name(letter, number):
    return f"{letter}{number:016x}"


def shown(ledger, collected=None, cleaned=None, hidden=()):
    reasons = sample_ledger("clean", [ledger.frame()], hidden)
    return "\n".join(reason_parts(reasons, collected or {}, cleaned or {}))


def test_an_edit_stands_in_its_surroundings():
    ledger = LedgerWriter()
    ledger.edit("d1", "text", "typo", "juctions", "junctions", start=4, end=12)
    text = shown(ledger, {("d1", "text"): "Gap juctions <close>."})
    assert "clean: 1 edited (typo)" in text
    assert "<li>Gap <del>juctions</del><ins>junctions</ins> &lt;close&gt;.<br>" in text
    assert "<code>d1</code>" in text


def test_an_edit_that_earlier_ones_moved_is_found_by_its_words():
    ledger = LedgerWriter()
    ledger.edit("d1", "text", "typo", "juctions", "junctions", start=40, end=48)
    assert "Gap <del>juctions</del>" in shown(ledger, {("d1", "text"): "Gap juctions."})


def test_an_edit_all_over_compares_the_collected_text_with_the_cleaned_one():
    ledger = LedgerWriter()
    ledger.edit("d1", "text", "markup", "", "")
    text = shown(ledger, {("d1", "text"): "<p>Fever</p>"}, {("d1", "text"): "Fever"})
    assert "<li><del>&lt;p&gt;</del>Fever<del>&lt;/p&gt;</del><br>" in text


def test_a_dropped_row_is_compared_with_the_kept_one():
    ledger = LedgerWriter()
    ledger.drop("p1", "near_pair", partner_id="p2")
    ledger.drop("p3", "too_long")
    texts = {("p1", "anchor"): "the waist", ("p2", "anchor"): "waist", ("p3", "anchor"): "long"}
    text = shown(ledger, texts)
    assert "<li><del>the </del>waist<br><small><code>p1</code> partner <code>p2</code>" in text
    assert "<li>long<br>" in text


def test_an_added_row_is_compared_with_its_parent():
    ledger = LedgerWriter()
    ledger.add("p2", "spelling", partner_id="p1", after="Chronic leukaemia")
    text = shown(ledger, {("p1", "anchor"): "Chronic leukemia"})
    assert "Chronic <del>leukemia</del><ins>leukaemia</ins>" in text


def test_no_row_of_the_test_split_is_shown_nor_one_that_was_compared_with_it():
    ledger = LedgerWriter()
    ledger.drop("p1", "near_pair", partner_id="secret")
    ledger.edit("secret", "anchor", "typo", "hidden words", "shown words")
    ledger.note("p9", "ambiguous_abbreviation", after="a note changes nothing")
    text = shown(ledger, {("p1", "anchor"): "near"}, hidden={"secret"})
    assert "clean: 1 dropped (near pair)" in text
    assert "clean: 1 edited (typo)" in text
    assert "a note" not in text
    assert "near<" not in text
    assert "hidden words" not in text
    assert text.count("No row is shown: they touch the test split or private data") == 2


def test_a_hash_chooses_so_rows_stay_when_others_come():
    def chosen(numbers):
        ledger = LedgerWriter()
        for number in numbers:
            ledger.drop(name("d", number), "too_long")
        # In several pieces, as a large ledger is read.
        frame = ledger.frame()
        halves = [frame.head(len(frame) // 2), frame.tail(len(frame) - len(frame) // 2)]
        (reason,) = sample_ledger("clean", halves, set(), most=4)
        return reason.decisions, [row.row_id for row in reason.rows]

    count, first = chosen(range(400))
    assert (count, len(first)) == (400, 4)
    assert chosen(reversed(range(400))) == (400, first)
    more = set(chosen(range(420))[1])
    assert len(more & set(first)) >= 3


STAGES = ("collect", "clean", "deduplicate", "pair", "split", "augment")


def files_of(tmp_path, ledger_of_stage):
    """Write two documents and the ledgers, and return the files of ledgers and of texts."""
    for stage in STAGES:
        writer = ledger_of_stage.get(stage)
        frame = writer.frame() if writer else Ledger.empty()
        tables.write(frame, tmp_path / f"{stage}.parquet", Ledger)
    documents = pd.DataFrame(
        {
            "doc_id": [name("d", 1), name("d", 2)],
            "source": "s",
            "title": ["", "Skin"],
            "text": ["Red skin.", "Red skin"],
            "topic": "",
            "group": "",
        }
    )
    tables.write(documents, tmp_path / "documents.parquet", Documents)
    tables.write(Pairs.empty(), tmp_path / "pairs.parquet", Pairs)
    files = LedgerFiles(*(TableFile(tmp_path / f"{stage}.parquet", Ledger) for stage in STAGES))
    documents_file = TableFile(tmp_path / "documents.parquet", Documents)
    pairs_file = TableFile(tmp_path / "pairs.parquet", Pairs)
    return files, RowTexts(documents_file, pairs_file, documents_file, pairs_file)


def test_files_are_read_and_drops_are_told(tmp_path):
    ledger = LedgerWriter()
    ledger.drop(name("d", 1), "exact_copy", partner_id=name("d", 2))
    files, texts = files_of(tmp_path, {"deduplicate": ledger})
    (part,) = ledger_parts(files, texts, Splits.empty())
    assert "deduplicate: 1 dropped (exact copy)" in part
    assert "<ins>Skin: </ins>Red skin<del>.</del>" in part
    assert drops_of(files, {name("d", 1), name("d", 5)}) == {
        name("d", 1): f"deduplicate: exact copy, partner {name('d', 2)}"
    }


def test_where_private_data_was_replaced_nothing_older_is_shown(tmp_path):
    collected, cleaned, dropped = LedgerWriter(), LedgerWriter(), LedgerWriter()
    collected.drop(name("d", 9), "bad_score", before="write to ann@example.org")
    cleaned.edit(name("d", 1), "text", "private_data", "", "[email]", start=0, end=3)
    dropped.drop(name("d", 2), "exact_copy", partner_id=name("d", 1))
    dropped.drop(name("d", 2), "near_copy")
    ledgers = {"collect": collected, "clean": cleaned, "deduplicate": dropped}
    parts = "".join(ledger_parts(*files_of(tmp_path, ledgers), Splits.empty()))
    assert "collect: 1 dropped (bad score)" in parts
    assert "ann@example.org" not in parts
    assert "Red skin." not in parts
    assert "<li>Skin: Red skin<br>" in parts
    assert parts.count("No row is shown") == 3
