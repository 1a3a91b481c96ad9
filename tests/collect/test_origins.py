"""Each row of a source knows the place that it comes from, if someone asks."""

import json

import pytest

from stages.collect.columns import Place
from stages.collect.kinds import table
from stages.collect.origins import Origins
from stages.collect.records import document_id, pair_id
from stages.collect.source import ReadRequest
from tests.collect.sources import table_source

ROWS = [
    {"id": "1", "q": "wash?", "good": ["Cold.", "By hand."], "bad": ["Hot."]},
    {"id": "2", "q": "dry?", "good": ["Flat."], "bad": ["Hot."]},
    {"id": "2", "q": "iron?", "good": ["Warm."], "bad": []},
    {"id": "", "q": "", "good": [], "bad": []},
]
COLUMNS = {"key": "id", "anchor": "q", "positive": "good", "negative": "bad"}


@pytest.fixture
def places(tmp_path):
    """Return a function that reads the source, and returns the lines of each id that is sought."""
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")

    def read(is_sought):
        origins = Origins(is_sought)
        request = ReadRequest("faq", tmp_path, origins=origins)
        table.read_files(table_source("a.jsonl", COLUMNS), request)
        lines = {}
        for row_id, place in sorted(origins.rows):
            assert place == Place("data/raw/a.jsonl", place.row, place.row)
            lines.setdefault(row_id, []).append(place.line)
        return lines

    return read


def test_every_row_names_its_place(places):
    lines = places(lambda row_id, record: True)
    assert lines[document_id("faq", "1")] == [1]
    assert lines[pair_id("faq", "1")] == [1]
    assert lines[document_id("faq", "1", "positive", "By hand.", "0")] == [1]
    assert lines[document_id("faq", "2")] == [2]
    # Two rows have the same negative. Rejected rows have no id.
    assert lines[document_id("faq", "Hot.", "0")] == [1, 2]
    assert lines[""] == [3, 4]
    assert len(lines) == 10


def test_only_what_is_sought_is_noted(places):
    assert places(lambda row_id, record: row_id == pair_id("faq", "2")) == {
        pair_id("faq", "2"): [2]
    }
    assert places(lambda row_id, record: False) == {}
