"""Texts in a file are the texts that were written."""

import gc
import tempfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.lib.text.text_file import StoredVersions, TextFile
from tests.properties import examples

ODD = ["", "\0", "\0a", "a", "a\0", "a\0b", "\ud800", "\U0001f600", "\ufffd", "a" * 32, "a" * 33]


def written(texts):
    file = TextFile()
    assert [file.append(text) for text in texts] == list(range(len(texts)))
    return file


@example(ODD)
@given(st.lists(st.text(st.characters(exclude_categories=())) | st.sampled_from(ODD)))
@examples(100)
def test_each_text_is_read_as_written(texts):
    file = written(texts)
    assert [file[number] for number in range(len(file))] == texts


def test_reading_and_writing_take_turns():
    file = TextFile()
    for number in range(5):
        assert file.append(f"text {number}") == number
        assert [file[index] for index in range(number + 1)] == [
            f"text {index}" for index in range(number + 1)
        ]


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = written(["Reset it."])
    assert file[0] == "Reset it."
    assert list(tmp_path.iterdir()) == []
    del file
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_row_has_each_of_its_texts_once_in_their_order():
    rows = [("d2", "Hold it."), ("d1", "Reset it."), ("d2", "Wait."), ("d2", "Hold it.")]
    versions = StoredVersions(rows, ["d3", "d1"])
    assert dict(versions) == {"d3": [], "d1": ["Reset it."], "d2": ["Hold it.", "Wait."]}
    assert list(versions) == ["d3", "d1", "d2"]
    assert "d2" in versions
    assert "d4" not in versions
    with pytest.raises(KeyError):
        versions["d4"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "ä"]))))
@examples(50)
def test_versions_are_those_of_a_dictionary(rows):
    expected = {}
    for row_id, text in rows:
        if text not in expected.setdefault(row_id, []):
            expected[row_id].append(text)
    assert dict(StoredVersions(rows)) == expected


def test_texts_are_read_by_number_by_slice_and_in_order():
    texts = TextFile(["Reset it.", "", "陽性"])
    assert list(texts) == ["Reset it.", "", "陽性"]
    assert (texts[-1], texts[1:], texts[5:]) == ("陽性", ["", "陽性"], [])
    with pytest.raises(IndexError):
        texts[3]
