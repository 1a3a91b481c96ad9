"""Ids: what they depend on, and that they stay what they are."""

from stages.collect.records import document_id, pair_id, record_id, record_json, stored_documents
from stages.lib.core.tables import check_table
from stages.lib.schemas.documents import Documents


def test_ids_are_the_same_in_every_version():
    # Held-out queries, frozen splits and all earlier metrics hang on these: a change here is a new benchmark.
    assert document_id("hpo", "HP:0000003") == "d4df40be21643bafe"
    assert pair_id("hpo", "HP:0000003", "Multicystic kidneys") == "p51f7061e8f95adca"
    assert record_id("faq", "{}", "0") == "r110576d874620422"


def test_ids_know_where_one_part_ends():
    assert pair_id("a", "bc", "d") != pair_id("a", "b", "cd") != pair_id("ab", "c", "d")


def test_a_record_is_kept_as_it_was_read():
    assert record_json({"Frage": "Wo?", "id": "001"}) == '{"Frage":"Wo?","id":"001"}'


def test_no_rows_are_an_empty_table_of_the_right_types():
    assert len(check_table(stored_documents().frame(), Documents, "nothing")) == 0
