"""Hostile input costs bounded time, breaks nothing, and leaves a line in the ledger if it is dropped."""

import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.boilerplate.steps import strip_boilerplate_documents
from stages.clean.steps import (
    correct_and_filter_documents,
    expand_abbreviations_documents,
    strip_markup_documents,
)
from tests.clean.corpus import PARAMS, documents
from tests.properties import examples

pytestmark = pytest.mark.slow

# The limits of the default data.
WIDE = PARAMS.model_copy(
    update={
        "max_input_bytes": 1_000_000,
        "max_nodes": 20_000,
        "max_depth": 250,
        "max_document_characters": 20_000,
    }
)
# A bomb may cost so many times what sound prose of the same size costs on this machine.
MOST_TIMES = 5
PAGE = "<!DOCTYPE html><html><body><p>The kettle boils a litre of water in three minutes.</p>"
BOMBS = {
    "a page of 50 MB": PAGE + "<p>word</p>" * 4_600_000,
    "10,000 nested tags": PAGE + "<div>" * 10_000 + "x",
    "10,000 nested tags in a fragment": "<div>" * 10_000 + "x" + "</div>" * 10_000,
    "nested inline tags": "<b><i>" * 9_000 + "x",
    "a table in a table": "<table><tr><td>" * 5_000,
    "a list in a list": PAGE + "<ul><li>" * 200,
    "zero bytes": "\0" * 900_000,
    "a page of zero bytes": PAGE + "\0" * 900_000,
    "UTF-16 read as Latin-1": PAGE.encode("utf-16").decode("latin-1"),
    "Shift-JIS read as UTF-8": "発熱の患者".encode("shift-jis").decode("utf-8", "replace") * 5_000,
    "scripts that never end": "<script>" * 19_000,
    "scripts in a page": PAGE + "<script>while(1){document.write('<p>')}</script>" * 9_000,
    "comments that never end": "<!--" * 200_000,
    "an attribute that never ends": '<a href="' + "x" * 900_000,
    "many attributes": "<p " + "a=b " * 200_000 + ">x",
    "quotes": "<a b='" * 100_000,
    "entities of entities": "&amp;" * 180_000,
    "escaped again and again": "&" + "amp;" * 200_000 + "lt;p&" + "amp;" * 9,
    "character references": "&#x1F600;" * 90_000,
    "a word without end": "a" * 900_000,
    "hyphens": "well-" * 180_000,
    "open brackets": "(A" * 300_000,
    "definitions": "some long form (SLF) " * 40_000,
    "backquotes": "`" * 900_000,
    "fences": "```\n" * 200_000,
    "almost addresses": "a@" * 400_000,
    "almost numbers": "1-" * 400_000,
    "digits": "4" * 900_000,
    "colons": ":" * 900_000,
    "dots": "a." * 400_000,
    "full stops": "." * 900_000,
    "line breaks": "\n" * 900_000,
    "spaces": " " * 900_000 + "x",
    "bars": "| a " * 200_000,
    "links": "[a](" * 200_000,
    "links in links": "# a\n## b\n" + "[" * 190_000 + "x" + "](y)" * 190_000,
    "headings": "# a\n## b\n" * 90_000,
    "tables": "| a | b |\n|---|---|\n" * 40_000,
    "rows that never end": "# a\n## b\n|---|---|\n" + ("|" + " " * 1_990 + "x\n") * 400,
    "rows of bars": "# a\n## b\n|---|---|\n" + "| " * 400_000,
    "targets that never end": "# a\n## b\n"
    + ("[a](" + "b" * 1_500 + " ") * 500
    + "[a]("
    + "(b)" * 200_000,
    "emphasis": "**a" * 200_000,
    "combining marks": "a" + "\u0301" * 400_000,
    "emoji in one": "👩\u200d" * 150_000,
    "a script without spaces": "发烧" * 150_000,
    "mojibake": "Ã¶Ã©â€™" * 90_000,
}


def steps(frame: pd.DataFrame):
    """Run the four steps and return what is left and the ledgers."""
    ledgers = []
    for step in (
        lambda rows: strip_markup_documents(rows, WIDE),
        lambda rows: strip_boilerplate_documents(rows, {"s": frozenset(["0" * 16])}),
        lambda rows: expand_abbreviations_documents(
            rows, WIDE, (("ECG", "electrocardiogram"), ("SLF", "some long form"))
        ),
        lambda rows: correct_and_filter_documents(
            rows, WIDE, {"pumonary": "pulmonary"}.get, frozenset(), None
        ),
    ):
        frame, ledger, *_ = step(frame)
        ledgers.append(ledger)
    return frame, pd.concat(ledgers)


@pytest.fixture(scope="module")
def most_seconds() -> float:
    """Return the CPU seconds that a text of 900,000 characters may take."""
    prose = documents("The kettle boils a litre of water in three minutes. " * 17_500)
    seconds = []
    for _ in range(2):
        start = time.process_time()
        steps(prose)
        seconds.append(time.process_time() - start)
    return MOST_TIMES * max(seconds)


def check(text: str, most_seconds: float) -> None:
    frame = documents(text)
    start = time.process_time()
    kept, ledger = steps(frame)
    assert time.process_time() - start < most_seconds
    dropped = ledger[ledger["action"] == "drop"]
    assert len(kept) + len(dropped) == 1
    assert all(dropped["reason"])
    assert not any("\0" in text for text in kept["text"])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_goes_off_in_the_ledger_or_not_at_all(name, most_seconds):
    check(BOMBS[name], most_seconds)


FUSES = st.sampled_from(
    [
        *[
            "<div>",
            "</div>",
            "<p>",
            "<li>",
            "<td>",
            "<pre>",
            "</pre>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<b c='",
        ],
        *[
            "&amp;",
            "&lt;",
            "&#0;",
            "`",
            "```\n",
            "\n",
            " ",
            "\0",
            "\ufffd",
            "\u200b",
            "\u0301",
            "\ufeff",
            "\uffff",
        ],
        *[
            "(",
            ")",
            "[",
            "]",
            "(ECG)",
            "ECG",
            "a",
            "word ",
            "Word. ",
            "1",
            "4111 ",
            "-",
            "--",
            ".",
            ":",
            "/",
            "@",
            "|",
        ],
        *[
            "#",
            "*",
            "_",
            "> ",
            "- ",
            "](",
            "http://a.b/",
            "Ã¶",
            "â€™",
            "发",
            "。",
            "ção ",
            PAGE,
            "</body></html>",
        ],
    ]
)


@settings(examples(150), deadline=None)
@given(
    st.sampled_from(["", PAGE]),
    st.lists(st.tuples(FUSES, st.sampled_from([1, 1, 3, 50, 1000])), max_size=12),
)
def test_no_mixture_breaks_or_hangs_the_stage(most_seconds, start, fuses):
    text = start + "".join(piece * times for piece, times in fuses)
    check(text, most_seconds)
