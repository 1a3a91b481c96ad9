"""The page is one file that asks for nothing, runs one script, and shows texts as texts."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

from stages.explore import page
from stages.explore.page import packed, render
from tests.explore.cases import HOSTILE, page_rows

TEXTS = ["first", "second", "third", "fourth"]


def test_rows_come_back_as_they_were():
    columns = json.loads(gzip.decompress(base64.b64decode(packed(page_rows(TEXTS)))))
    assert columns["texts"] == TEXTS
    assert columns["titles"] == ["Title 0", "Title 1", "Title 2", "Title 3"]
    assert columns["splits"] == ["train", "validation", "corpus", "train"]
    assert [columns["topics"][number] for number in columns["topic"]] == [
        *("topic 0", "topic 1", "topic 2", "topic 3"),
    ]
    assert columns["training"] == {"0": [["An anchor?", 0.125, [2]]]}
    assert columns["queries"] == {"1": ["A query of validation?"]}
    assert columns["near"] == {"0": [[3, 0.9]], "3": [[0, 0.9]]}
    assert columns["regions"] == [[0.0, 0.0, "some words", 4]]


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


def test_the_page_says_how_many_are_left_out():
    rows = page_rows(TEXTS)
    assert "are left out" not in render(rows)
    assert " 1,200 more are left out;" in render(rows._replace(left_out=1200))


def test_the_script_sets_texts_as_texts_and_loads_nothing():
    script = Path(page.__file__).with_name("explorer.js").read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "fetch("):
        assert word not in script
    assert "http" not in script
