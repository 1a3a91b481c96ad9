"""Ids in 8 bytes: the same answers as a set and a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from stages.collect.id_set import DocumentOfKey, IdSet
from stages.collect.records import document_id

IDS = st.integers(0, 2**64 - 1).map(lambda number: f"d{number:016x}")


@given(ids=st.lists(IDS), others=st.lists(IDS))
def test_a_set_holds_what_was_put_into_it(ids, others):
    known = IdSet(ids)
    assert list(known) == sorted(ids)
    assert len(known) == len(ids)
    assert [row_id in known for row_id in [*ids, *others]] == [
        row_id in set(ids) for row_id in [*ids, *others]
    ]


def test_an_id_of_another_kind_is_in_no_set_of_documents():
    known = IdSet(["d00000000000000ff"])
    assert "p00000000000000ff" not in known
    assert "" not in known and 255 not in known


@given(keys=st.lists(st.sampled_from(["", "a", "b", "ä", "001", "1"])))
def test_a_key_names_its_first_document(keys):
    document_of_key = DocumentOfKey()
    expected = {}
    for number, key in enumerate(keys):
        doc_id = document_id("faq", key, str(number))
        document_of_key.add(key, doc_id)
        expected.setdefault(key, doc_id)
        assert document_of_key.get(key) == expected[key]
    assert {key: document_of_key.get(key) for key in ("a", "b", "c")} == {
        key: expected.get(key, "") for key in ("a", "b", "c")
    }
