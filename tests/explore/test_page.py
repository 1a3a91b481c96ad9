"""The page is one file that asks for nothing, runs one script, and shows texts as texts."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

from stages.explore import page
from stages.explore.page import packed, render
from tests.explore.cases import HOSTILE, page_rows, with_changes, with_second_model

TEXTS = ["first", "second", "third", "fourth"]


def columns_of(rows):
    return json.loads(gzip.decompress(base64.b64decode(packed(rows))))


def test_rows_come_back_as_they_were():
    columns = columns_of(page_rows(TEXTS))
    assert columns["texts"] == TEXTS
    assert columns["titles"] == ["Title 0", "Title 1", "Title 2", "Title 3"]
    assert columns["splits"] == ["train", "validation", "corpus", "train"]
    assert [columns["topics"][number] for number in columns["topic"]] == [
        *("topic 0", "topic 1", "topic 2", "topic 3"),
    ]
    assert columns["training"] == {"0": [["An anchor?", 0.125, [2]]]}
    assert columns["queries"] == {"1": ["A query of validation?"]}
    assert columns["near"] == {"0": [[3, 0.9]], "3": [[0, 0.9]]}
    assert columns["rules"] == ["clean: edit text, typo", "deduplicate: drop, exact copy"]
    assert columns["own"] == {"2": [[0, 3]]}
    assert columns["others"] == {"2": [[1, 21, ["d00000000000000aa", "d00000000000000ab"]]]}
    (base,) = columns["maps"]
    assert base["model"] == "base model"
    assert base["regions"] == [[0.0, 0.0, "some words", 4]]
    assert base["neighbours"][0] == [1, 2, 3, 0, 1, 2]
    assert base["x"] == [round(x, 2) for x in page_rows(TEXTS).maps[0].positions[:, 0].tolist()]
    assert "changes" not in columns


def test_a_second_model_has_places_and_neighbours_of_its_own():
    _, second = columns_of(with_second_model(page_rows(TEXTS)))["maps"]
    assert second["model"] == "fine-tuned model"
    assert second["x"] == [0.0, 1.0, 2.0, 3.0]
    assert second["neighbours"][0] == [2, 3, 0, 1, 2, 3]


def test_changes_stand_beside_the_documents():
    changes = columns_of(with_changes(page_rows(TEXTS)))["changes"]
    assert [changes["states"][number] for number in changes["state"]] == [
        *("new", "edited", "moved to another split", "edited and moved"),
    ]
    assert changes["old_splits"] == {"2": "validation", "3": "test"}
    assert changes["old_texts"]["1"] == ["Title 1", "text 1 before"]
    assert changes["gone"][1] == ["d00000000000000a2", "<b>Bold</b>", ""]


def test_only_a_page_that_needs_a_control_has_it():
    plain = render(page_rows(TEXTS))
    assert 'id="placed"' not in plain
    assert 'id="facet-since"' not in plain
    assert 'id="gone"' not in plain
    both = render(with_changes(with_second_model(page_rows(TEXTS))))
    for control in ("placed", "facet-since", "gone"):
        assert f'id="{control}"' in both


def test_the_page_says_in_words_what_changed():
    text = render(with_changes(page_rows([*TEXTS, "fifth", "sixth"]), "<b>v1"))
    assert (
        "Since &lt;b&gt;v1: 1 new, 1 edited, 1 moved to another split, 1 edited and moved, "
        "2 unchanged. 2 are gone, and listed below the table. 1 more that was shown then may not be "
        "read now."
    ) in text
    assert "<b>v1" not in text


def test_where_nothing_is_gone_no_list_is_shown():
    rows = with_changes(page_rows(TEXTS))
    text = render(rows._replace(changes=rows.changes._replace(gone=[], hidden=0)))
    assert "1 edited and moved. None is gone.</p>" in text
    assert 'id="gone"' not in text


def test_the_policy_allows_the_script_of_the_page_alone():
    text = render(page_rows(TEXTS))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )


def test_no_text_stands_in_the_page_as_it_is():
    text = render(page_rows(list(HOSTILE)))
    assert "onerror" not in text
    assert "document.title" not in text
    assert text.count("</script>") == 2


def test_the_same_rows_give_the_same_bytes():
    assert render(page_rows(TEXTS)) == render(page_rows(TEXTS))
    both = [with_changes(with_second_model(page_rows(TEXTS))) for _ in range(2)]
    assert render(both[0]) == render(both[1])


def test_the_page_says_how_many_are_left_out():
    rows = page_rows(TEXTS)
    assert "are left out" not in render(rows)
    assert " 1,200 more are left out;" in render(rows._replace(left_out=1200))


def test_the_script_sets_texts_as_texts_and_loads_nothing():
    script = Path(page.__file__).with_name("explorer.js").read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "fetch("):
        assert word not in script
    assert "http" not in script
