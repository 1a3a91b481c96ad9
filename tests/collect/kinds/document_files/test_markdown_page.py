"""Markdown as HTML: properties, tables, notes and code; cleaned, it is the text that people read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.rules import markup_rules, page_rule, repair
from stages.collect.kinds.document_files.markdown_page import read_markdown


def cleaned(markdown, **options):
    return repair(
        read_markdown(markdown, **options).html, markup_rules(lines=True), [page_rule]
    ).text


@pytest.mark.parametrize(
    ("markdown", "title", "text"),
    [
        ("# Returns\n\nYou can return\nitems.\n", "", "Returns\nYou can return items."),
        ("## A\n\nx\n\n## B\n\ny\n", "", "A\nx\nB\ny"),
        ("Title\n=====\n\nText.\n", "", "Title\nText."),
        # Properties of Jekyll, Hugo and Docusaurus.
        ("---\ntitle: Returns\nlayout: post\n---\nText.\n", "Returns", "Returns\nText."),
        ('---\ntitle: "Returns"\n---\n# Returns\n\nText.\n', "Returns", "Returns\nText."),
        ('+++\ntitle = "Returns"\ndate = 2020-01-01\n+++\nText.\n', "Returns", "Returns\nText."),
        ("---\ntitle: A\ndescription: About it\n---\n\nText.\n", "A", "A\nAbout it\nText."),
        ("---\r\ntitle: A\r\n---\r\nText\r\nmore.\r\n", "A", "A\nText more."),
        ("---\ntitle: a: b\ntags: [x\n---\nText.\n", "a: b", "a: b\nText."),
        ("---\n---\nText.\n", "", "Text."),
        ("---\nNo property\n---\n\nText.\n", "", "No property\nText."),
        # Code is no heading, and keeps its signs.
        ("# A\n\n```py\n# not a heading\nx < 1\n```\n", "", "A\n```\n# not a heading\nx < 1\n```"),
        ("# A\n\n~~~\n# not\n* this\n~~~\n", "", "A\n```\n# not\n* this\n```"),
        ("Use `<b>` and \\*stars\\*.\n", "", "Use `<b>` and *stars*."),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "", "a | b\n1 | 2"),
        ("- [x] done\n- [ ] open\n\n1. one\n", "", "- done\n- open\n1. one"),
        (
            "Word[^1] and[^b].\n\n[^1]: One\n[^b]: Two words\n",
            "",
            "Word[1] and[b].\n[1]: One [b]: Two words",
        ),
        (
            "See [the page][p] at <https://e.org>.\n\n[p]: https://e.org\n",
            "",
            "See the page at https://e.org.",
        ),
        ("## Reset {#reset .x}\n\nHold it.\n", "", "Reset\nHold it."),
        (
            '<p align="center"><img src="x" alt="Logo"></p>\n\n# T\n\n[![Build](b.svg)](u)\n',
            "",
            "Logo\nT\nBuild",
        ),
        ("> [!NOTE]\n> Mind it.\n", "", "[!NOTE] Mind it."),
        ("a  \nb\n\n***\n\nc\n", "", "a\nb\nc"),
        ("# 标题\n\n第一行。\n", "", "标题\n第一行。"),
        ("", "", ""),
    ],
)
def test_markdown_becomes_the_text_that_people_read(markdown, title, text):
    assert read_markdown(markdown).title == title
    assert cleaned(markdown) == text


def test_code_of_mdx_is_not_text():
    mdx = (
        "import A from 'a';\nimport B from 'b';\n\n# Start\n\n<Tabs>\n\nInstall **it**.\n\n</Tabs>\n\n"
        "export const x = {\n  y: 1,\n};\n\n{/* hidden */}\n\n```js\nimport C from 'c';\nexport default C;\n```\n"
    )
    assert (
        cleaned(mdx, is_mdx=True)
        == "Start\nInstall it.\n```\nimport C from 'c';\nexport default C;\n```"
    )
    assert "export const x" in read_markdown(mdx, is_mdx=True).html


@pytest.mark.parametrize(
    "markdown", [">" * 5000 + " deep", "- " * 3000 + "deep", "    " * 300 + "- deep"]
)
def test_what_is_nested_too_deep_stays_as_it_is(markdown):
    page = read_markdown(markdown)
    assert page.is_plain or "deep" in page.html
    assert "deep" in page.html


@given(st.lists(st.sampled_from(["# ", "- ", "> ", "* ", "1. ", "`", "```\n", "**", "_", "|", "[", "](", ")", "<b>",
    "</b>", "\n", "\n\n", "    ", "\\", "[^1]: ", "---\n", "~~~\n", "word", "WORT", "слово", "&amp;"]), max_size=25))  # fmt: skip
def test_no_word_is_lost(parts):
    markdown = " ".join(f"{part}w{number}" for number, part in enumerate(parts))
    html = read_markdown(markdown).html
    assert set(re.findall(r"w\d+", markdown)) <= set(re.findall(r"w\d+", html))
