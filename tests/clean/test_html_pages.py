"""Whole pages give their main text, and hostile ones are dropped before any parser."""

import pytest

from stages.clean.pages.extraction import Limits, exceeded_limit, is_page, main_text

LIMITS = Limits(1_000_000, 20_000, 250)
WORDS = (
    "<p>The kettle boils a litre of water in three minutes, and switches itself off when it is done, so that nobody "
    "has to stand beside it. Descale it once a month with vinegar, and rinse it twice before it is used again.</p>"
)
MORE = (
    "<p>Spare parts are sold by every dealer in the country; the serial number stands on the label under the base, "
    "next to the year in which the kettle left the factory. Keep the receipt, as the warranty asks for it.</p>"
)


def _page(body):
    return f"<!DOCTYPE html><html><head><title>T</title></head><body><article>{WORDS}{body}{MORE}</article></body></html>"


@pytest.mark.parametrize(
    "text", ["<!-- a --><html lang=en>", "\ufeff<?xml version='1.0'?>\n<!doctype HTML>", "<body>"]
)
def test_a_page_begins_as_one(text):
    assert is_page(text)


@pytest.mark.parametrize(
    "text", ["", "<p>x</p>", "Use <html>.", "<!-- <html> -->", "<!-- <html>", "<header>x"]
)
def test_other_text_is_no_page(text):
    assert not is_page(text)


def test_lists_tables_and_code_stay_readable():
    body = "<ul><li>one</li><li>two</li></ul><pre>if x:\n    y &lt; 1</pre>"
    lines = main_text(_page(body + "<table><tr><td>Age</td><td>7</td></tr></table>")).splitlines()
    for line in ("- one", "- two", "```", "if x:", "    y < 1", "Age | 7"):
        assert line in lines


def test_the_fifth_call_gives_what_the_first_gave():
    assert len({main_text(_page("")) for _ in range(5)}) == 1
    assert main_text(_page(""))


@pytest.mark.parametrize(
    "body", ["\0" * 100, "\ud800", "ÃÂ\x81\ufffd" * 50, "<script>" * 500, "<!--" * 500]
)
def test_damaged_pages_do_not_crash(body):
    assert isinstance(main_text(_page(body)), str)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 50_000_000, "too_many_bytes"),
        ("<div>" * 10_000, "too_deep"),
        ("<script>" * 30_000, "too_deep"),
        ("<br>" * 30_000, "too_many_nodes"),
        ("<p>x" * 10_000, ""),
        ("<ul>" + "<li><p>x" * 5_000, ""),
        ("<!--" * 20_000, ""),
        ("Vector<T> " * 1_000, ""),
        ("\ud800", ""),
    ],
)
def test_limits_are_counted_before_parsing(text, reason):
    assert exceeded_limit(text, LIMITS) == reason
