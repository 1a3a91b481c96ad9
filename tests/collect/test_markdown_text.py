"""Foreign texts stand in Markdown as themselves, checked with a parser of Markdown."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stages.collect.markdown_text import markdown_cell, markdown_text

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(text):
    """Return the HTML of a cell that holds a text, and of a line of a list."""
    table = PARSER.render(f"| name | n |\n|---|---:|\n| {markdown_cell(text)} | 1 |\n")
    item = PARSER.render(f"- name: {markdown_text(text)}\n")
    cell = re.search(r"<td>(.*?)</td>\s*<td style", table, re.DOTALL)
    return cell[1], re.search(r"<li>name: ?(.*)</li>", item, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Abnormality of the eye", "Abnormality of the eye"),
        ("uk_spelling", "uk_spelling"),
        ("Größe (cm), 50 %", "Größe (cm), 50 %"),
        ("眼科 / 網膜", "眼科 / 網膜"),
        ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
        ("a|b", "`a|b`"),
        ("**bold**", "`**bold**`"),
        ("__init__", "`__init__`"),
        ("[a](https://example.com)", "`[a](https://example.com)`"),
        ("![](https://example.com/seen.png)", "`![](https://example.com/seen.png)`"),
        ("https://example.com", "`https://example.com`"),
        ("see www.example.com", "`see www.example.com`"),
        ("@team, look", "`@team, look`"),
        ("#12", "`#12`"),
        ("&lt;b&gt;", "`&lt;b&gt;`"),
        ("tick ` tick", "``tick ` tick``"),
        ("`code`", "`` `code` ``"),
        ("two\nlines\t and tabs", "two lines and tabs"),
        ("a\\", "`a\\`"),
        ("~~gone~~", "`~~gone~~`"),
        ("$x$", "`$x$`"),
        ("", ""),
    ],
)
def test_a_text_stands_in_markdown(text, expected):
    assert markdown_text(text) == expected


@given(st.text(alphabet=st.sampled_from("ab _*`<>|[]()!@#&;:/.\\~$-+='\"\n1ä"), max_size=30))
def test_any_text_is_shown_as_it_is(text):
    line = " ".join(text.split())
    for form in shown(text):
        inside = re.sub(r"</?code>", "", form)
        assert "<" not in inside
        assert html.unescape(inside).strip() == line.strip()
