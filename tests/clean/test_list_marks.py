"""Lists keep their depth and their numbers, in fragments and in pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markup import list_marks
from stages.clean.pages import extraction
from stages.clean.pages.extraction import main_text
from stages.clean.rules import markup_rules, repair
from stages.clean.unicode import collapse_whitespace
from tests.properties import examples

RULES = markup_rules(lines=True)


def plain(text):
    return repair(text, RULES).text


# Input, and its lines as a browser shows them.
NESTED = [
    (
        "<ul><li>Bread<ol><li>Knead</li><li>Bake</li></ol></li><li>Tea</li></ul>",
        ["- Bread", "  1. Knead", "  2. Bake", "- Tea"],
    ),
    (
        "<ul><li>第一章<ul><li>安全<ul><li>电源</li></ul></li></ul></li><li>第二章</li></ul>",
        ["- 第一章", "  - 安全", "    - 电源", "- 第二章"],
    ),
    (
        "<ol type=i start=3><li>السجل<ul><li>الصفحة</li></ul></li><li>الختم</li></ol>",
        ["iii. السجل", "  - الصفحة", "iv. الختم"],
    ),
    (
        "<ol><li>Clause<ol type=a><li>first<ol type=i><li>one<li>two</ol><li>second</ol><li>Term</ol>",
        ["1. Clause", "  a. first", "    i. one", "    ii. two", "  b. second", "2. Term"],
    ),
    # A list that stands in a list, and in no item.
    (
        "<ul><li>Fieber</li><ul><li>hoch</li><li>niedrig</li></ul><li>Husten</li></ul>",
        ["- Fieber", "  - hoch", "  - niedrig", "- Husten"],
    ),
    (
        "<ol><li>Как включить<ul><li>Нажмите <b>пуск</b></li></ul></li><li>Готово</li></ol>",
        ["1. Как включить", "  - Нажмите пуск", "2. Готово"],
    ),
    # The end of an element around a list ends the list.
    (
        "<div><ul><li>unclosed<ul><li>deep</div><div><ul><li>fresh</ul></div>",
        ["- unclosed", "  - deep", "- fresh"],
    ),
    (
        "<p>Vor dem Start:</p><ol><li>Öl prüfen<ol><li>Stab ziehen<li>ablesen</ol></ol>",
        ["Vor dem Start:", "1. Öl prüfen", "  1. Stab ziehen", "  2. ablesen"],
    ),
]
NUMBERED = [
    (
        "<ol><li><p>Unplug the pump.</p></li><li><p>Open the lid.</p></li></ol>",
        ["1. Unplug the pump.", "2. Open the lid."],
    ),
    ("<ol reversed><li>Gold<li>Silver<li>Bronze</ol>", ["3. Gold", "2. Silver", "1. Bronze"]),
    ("<ol start=5><li>five<li>six</ol>", ["5. five", "6. six"]),
    ("<ol><li>a<li value=7>b<li>c</ol>", ["1. a", "7. b", "8. c"]),
    ("<ol type=A><li>Αθήνα<li>Πάτρα</ol>", ["A. Αθήνα", "B. Πάτρα"]),
    ("<ol type=I start=4><li>Akt vier<li>Akt fünf</ol>", ["IV. Akt vier", "V. Akt fünf"]),
    ("<ol start=0><li>zero</ol><p>Text</p><ol><li>anew</ol>", ["0. zero", "Text", "1. anew"]),
    ("<ol start=-1 reversed><li>p<li>q</ol>", ["-1. p", "-2. q"]),
    (
        "<ol style='list-style-type: lower-alpha'><li>सेब<li type=1>केला</ol>",
        ["a. सेब", "2. केला"],
    ),
    ("<ol type=a start=27><li>x</ol><ol type=a start=0><li>y</ol>", ["aa. x", "0. y"]),
    ("<ol type=I start=4000><li>year</ol>", ["4000. year"]),
    (
        "<ol><li>Run <code>make</code><li><pre>cd x\nls</pre><li>Done</ol>",
        ["1. Run make", "2.", "```", "cd x", "ls", "```", "3. Done"],
    ),
]
IN_FRAGMENTS = [
    ("<ol><li><ul><li>no text of its own</ul><li>own</ol>", ["1. - no text of its own", "2. own"]),
    ("<ol><li><li>second</ol>", ["2. second"]),
    ("<table><tr><td>Dose<td><ol><li>5 mg<li>10 mg</ol></table>", ["Dose | 1. 5 mg; 2. 10 mg"]),
    ("<ul><li>a<table><tr><td><ul><li>x</ul></table><ul><li>b</ul>", ["- a", "x", "  - b"]),
    (
        "<ul><li><dl><dt>IP<dd>Internet Protocol<dt>TCP<dd>Transmission</dl><li>next</ul>",
        ["- IP: Internet Protocol", "TCP: Transmission", "- next"],
    ),
    (
        "<ul><li><a href=/>Home</a></li><li><a href=/a>About</a><ul><li><a href=/b>Team</a></ul></ul>",
        ["- Home", "- About", "  - Team"],
    ),
    ("<li>one</li><li>two</li>", ["- one", "- two"]),
    ("<dl><dt>Steps<dd><ol><li>mix<li>heat</ol></dl>", ["Steps", "1. mix", "2. heat"]),
    ("<menu><li>File<menu><li>Open</menu></menu>", ["- File", "  - Open"]),
    ("<ul><li value=3>no number</ul>", ["- no number"]),
]


@pytest.mark.parametrize(("html", "lines"), NESTED + NUMBERED + IN_FRAGMENTS)
def test_fragments_show_lists_as_a_browser_does(html, lines):
    assert plain(html).split("\n") == lines


def _page(body):
    words = "The kettle boils a litre of water in three minutes, and switches itself off after it."
    more = "Spare parts are sold by every dealer in the country, for ten years and longer."
    return (
        "<!DOCTYPE html><html><head><title>T</title></head><body>"
        "<nav><ol><li><a href=/>Home</a><li><a href=/k>Kettles</a></ol></nav>"
        f"<article><p>{words * 2}</p>{body}<p>{more * 2}</p></article></body></html>"
    )


def _lines_of_page(body):
    return collapse_whitespace(main_text(_page(body)), lines=True).split("\n")[1:-1]


@pytest.fixture(params=["trafilatura", "structure"])
def reader(request, monkeypatch):
    """Read pages by one of the two ways."""
    by_structure = request.param == "structure"
    monkeypatch.setattr(extraction, "is_well_read", lambda *_: not by_structure)
    monkeypatch.setattr(extraction, "prefers_structure", lambda *_: True)


@pytest.mark.parametrize(("html", "lines"), NESTED + NUMBERED)
def test_pages_show_lists_as_a_browser_does(reader, html, lines):
    assert _lines_of_page(html) == lines


@pytest.mark.parametrize(
    ("html", "line"),
    [
        ("<table><tr><td>Dose<td><ol><li>5 mg<li>10 mg</ol></table>", "Dose | 1. 5 mg; 2. 10 mg"),
        (
            "<table><tr><td>Color<td>Choose: <ul><li><p>red</p><li>dark blue</ul></table>",
            "Color | Choose: red; dark blue",
        ),
    ],
)
def test_cells_of_pages_keep_their_lists(reader, html, line):
    assert _lines_of_page(html) == [line]


def test_a_page_with_the_brackets_of_marks_keeps_them():
    assert "- \u20451.\u2046 Bread" in _lines_of_page("<ol><li>\u20451.\u2046 Bread<li>Tea</ol>")


def test_navigation_in_a_numbered_list_stays_out():
    assert not any("Kettles" in line for line in _lines_of_page("<ol><li>one<li>two</ol>"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("- a\n    - b\n        - c\n    - d", ["- a", "  - b", "    - c", "  - d"]),
        ("Steps\n1. x\n   a) y\n\tand more\n2. z", ["Steps", "1. x", "  a) y", "and more", "2. z"]),
        ("   - a\n   - b\n      * c", ["- a", "- b", "  * c"]),
        ("- a\n\t+ b\n  wrapped words", ["- a", "  + b", "wrapped words"]),
        ("  A poem\n    of two lines", ["A poem", "of two lines"]),
        ("- a\n   - b\n - c\n  - d", ["- a", "  - b", "  - c", "    - d"]),
    ],
)
def test_plain_lists_keep_their_depth(text, lines):
    assert collapse_whitespace(text, lines=True).split("\n") == lines


LISTS = st.lists(
    st.sampled_from(
        [
            *("<ul>", "<ol>", "<ol type=a start=3>", "</ul>", "</ol>", "<li>", "</li>", "<p>"),
            *("<td>", "</td>", "<div>", "</div>", "<dl><dt>", "<dd>", "<pre>x\ny</pre>", "<br>"),
            *("word", " ", "\n", "  - x\n", "  1. ", "第", "i. ", "`c`"),
        ]
    ),
    max_size=16,
).map("".join)


@examples(150)
@given(LISTS)
def test_cleaning_twice_is_cleaning_once(html):
    once = repair(html, RULES)
    assert once.settled
    assert repair(once.text, RULES).text == once.text


@examples(60)
@given(st.integers(1, 3999), st.sampled_from("1aAiI"))
def test_numbers_of_each_style_are_different(number, style):
    assert list_marks._shown(number, style) != list_marks._shown(number + 1, style)


def test_a_rule_without_numbers_and_depth_is_caught(monkeypatch):
    monkeypatch.setattr(list_marks, "_next_mark", lambda lists, attributes: "- ")
    wrong = [html for html, lines in NESTED + NUMBERED if plain(html).split("\n") != lines]
    assert wrong == [html for html, _ in NESTED + NUMBERED]
