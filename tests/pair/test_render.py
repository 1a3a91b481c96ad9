"""Documents are filled into the template, and anchors can be removed from them."""

import pandas as pd
import pytest

from stages.clean.passages import passages
from stages.lib.core.errors import UserError
from stages.pair.render import (
    remove_anchors,
    remove_spans,
    render,
    render_passage_batches,
    render_passages,
    source_documents,
)
from tests.pair.rows import count_words, d, documents, read_sources


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{text}", "Hold {it}."),
        ("{title}: {text}", "Reset: Hold {it}."),
        ("{topic}\n{title}\n{text}", "devices\nReset\nHold {it}."),
        (" {{{text}}} ", "{Hold {it}.}"),
    ],
)
def test_documents_are_rendered_by_the_template(template, text):
    frame = documents(("a", "Reset", "Hold {it}.", "devices"))
    rendered = render(frame, template)
    assert list(rendered["text"]) == [text]
    pd.testing.assert_frame_equal(rendered.drop(columns="text"), frame.drop(columns="text"))


def test_what_is_missing_leaves_no_space_at_the_ends():
    assert list(render(documents(("a", "", "Hold it.")), "{title} {text} {topic}")["text"]) == [
        "Hold it."
    ]


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ([], "bcdef"),
        ([(2, 4)], "bef"),
        ([(0, 3)], "def"),
        ([(4, 9)], "bcd"),
        ([(3, 4), (1, 3)], "ef"),
        ([(0, 9)], ""),
    ],
)
def test_spans_are_removed_from_a_stretch(removed, expected):
    assert remove_spans("abcdefghi", (1, 6), removed) == expected


def test_passages_lose_anchors_and_leave_when_nothing_is_left():
    text = "One two three. Four five six. Seven eight nine."
    frame = documents(("a", "Count", text), ("b", "", "Other."))
    passage_table = passages(frame, 6, 3, count_words)
    sources = source_documents(frame, passage_table)
    remaining = remove_anchors(sources, {d("a"): [(0, 15), (15, 30)]})
    assert remaining == {f"{d('a')}-0000": "", f"{d('a')}-0001": "Seven eight nine."}
    rendered = render_passages(passage_table, frame, "{title}: {text}", shortened=remaining)
    assert sorted(rendered["text"]) == [": Other.", "Count: Seven eight nine."]


def test_passages_of_other_documents_are_a_problem():
    with pytest.raises(UserError, match="does not stand in its text"):
        source_documents(
            documents(("a", "", "One.")), passages(documents(("a", "", "Two.")), None, 0, None)
        )
    assert [source.passages for source in read_sources(("a", "", "Go. Go. Go."), words=1)] == [
        ((0, 3), (4, 7), (8, 11))
    ]


def test_a_title_alone_is_rendered_with_its_passage():
    frame = documents(("a", "Oak table", "", "tables"), ("b", "Ash table", "Hold it.", "tables"))
    cut = passages(frame, None, overlap=0, count=None)
    rendered = render_passages(cut, frame, "{title}\n{text}")
    assert list(rendered["text"]) == ["Oak table", "Ash table\nHold it."]

    # Anchors that were removed leave out the passages of texts alone.
    shortened = {f"{d('b')}-0000": ""}
    rendered = render_passages(cut, frame, "{title}\n{text}", shortened=shortened)
    assert list(rendered["text"]) == ["Oak table"]


def test_a_document_of_which_nothing_is_embedded_stops_the_stage():
    with pytest.raises(UserError, match="has no text"):
        render(documents(("a", "Oak table", "")), "{text}")


def test_batches_of_passages_have_the_titles_of_their_documents():
    frame = documents(
        ("a", "Reset", "One. Two. Three."), ("b", "Signal", "Four. Five."), ("c", "", "Six.")
    ).sort_values("doc_id", ignore_index=True)
    table = passages(frame, 1, 0, count_words)
    whole = render_passages(table, frame, "{title}: {text}")
    assert set(whole["text"]) >= {"Reset: One.", "Signal: Five.", ": Six."}

    # Wherever batches end, between documents or within them.
    for size in (1, 2, 4, 100):
        batches = [table.iloc[start : start + size] for start in range(0, len(table), size)]
        rendered = render_passage_batches(
            [table.iloc[:0], *batches], frame, "{title}: {text}", shortened={}
        )
        pd.testing.assert_frame_equal(pd.concat(rendered), whole)


def test_batches_leave_out_passages_of_dropped_documents():
    frame = documents(("a", "Reset", "One."), ("b", "Signal", "Two.")).sort_values("doc_id")
    table = passages(frame, None, 0, None)
    kept = frame[frame["title"] == "Signal"]
    rendered = list(render_passage_batches([table], kept, "{title}: {text}", shortened={}))
    assert [list(batch["text"]) for batch in rendered] == [["Signal: Two."]]
