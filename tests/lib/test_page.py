"""Pages: self-contained, escaped, and the same bytes each time."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import altair as alt
import pandas as pd
import pytest

from stages.lib.drawing import chart
from stages.lib.page import (
    Check,
    Figure,
    Section,
    bullets,
    checks,
    figures,
    folded,
    page,
    paragraph,
    table,
)

NASTY = "<script>alert('x')</script> & \"quotes\""
ESCAPED = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quotes&quot;"


class Tags(HTMLParser):
    """Collects tags, and complains when they do not close in order."""

    VOID = {"meta", "line", "rect", "path", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def lines(values=(1, 3, 2)):
    frame = pd.DataFrame({"step": range(len(values)), "value": values, "kind": "a & b"})
    return alt.Chart(frame).mark_line(clip=True).encode(x="step:Q", y="value:Q", color="kind:N")


def whole(*body):
    return page("A title", "A lead", [Section("First part", body)])


def test_page_is_one_well_formed_document_with_a_link_to_each_section():
    text = page(
        "T", "L", [Section("First part", [paragraph("one")]), Section("Second", [paragraph("two")])]
    )
    tags = Tags(text)
    assert tags.open == []
    assert [attributes["href"] for tag, attributes in tags.seen if tag == "a"] == [
        "#first-part",
        "#second",
    ]
    assert [attributes["id"] for tag, attributes in tags.seen if tag == "section"] == [
        "first-part",
        "second",
    ]


def test_two_sections_of_one_title_are_refused():
    with pytest.raises(ValueError, match="same title"):
        page("T", "L", [Section("Same", []), Section("same!", [])])


def test_page_loads_nothing_and_runs_nothing():
    text = whole(chart(lines(), "a line"), table(pd.DataFrame({"a": [1]}), "c"))
    tags = Tags(text)
    assert not {tag for tag, _ in tags.seen} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "image",
        "use",
    }
    addresses = [
        value
        for _, attributes in tags.seen
        for name, value in attributes.items()
        if name in {"src", "href"}
    ]
    assert all(address.startswith("#") for address in addresses)
    # Names of XML vocabularies are no addresses; nothing else may look like one.
    assert set(re.findall(r"https?://[^\"' <)]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "make",
    [
        lambda: page(NASTY, "", []),
        lambda: page("", NASTY, []),
        lambda: page("", "", [Section(NASTY, [])]),
        lambda: paragraph(NASTY),
        lambda: bullets([NASTY]),
        lambda: figures([Figure(NASTY, NASTY, NASTY)]),
        lambda: checks([Check(NASTY, 1, NASTY)]),
        lambda: folded(NASTY),
        lambda: table(pd.DataFrame({NASTY: [NASTY]}), NASTY),
        lambda: chart(lines(), NASTY, NASTY),
    ],
)
def test_text_is_escaped_wherever_it_goes(make):
    text = make()
    assert "<script" not in text
    assert ESCAPED in text


def test_text_inside_a_chart_is_escaped():
    frame = pd.DataFrame({"name": [NASTY], "value": [1]})
    drawn = chart(
        alt.Chart(frame)
        .mark_bar()
        .encode(x="value:Q", y=alt.Y("name:N", axis=alt.Axis(labelLimit=0))),
        "bars",
    )
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn


def test_backticks_become_code_and_stay_escaped():
    assert paragraph("see `mine.<x>`") == "<p>see <code>mine.&lt;x&gt;</code></p>"


def test_table_has_a_caption_and_heads_for_columns_and_rows():
    text = table(
        pd.DataFrame({"Stage": ["clean"], "Rows": [21184], "Share": [0.12345]}), "Rows by stage"
    )
    assert "<caption>Rows by stage</caption>" in text
    assert '<th scope="col">Stage</th><th scope="col" class="n">Rows</th>' in text
    assert (
        '<tr><th scope="row">clean</th><td class="n">21,184</td><td class="n">0.123</td></tr>'
        in text
    )


def test_table_formats_columns_and_shows_missing_values_as_a_dash():
    frame = pd.DataFrame(
        {
            "a": ["x", None],
            "gain": [0.0123, float("nan")],
            "rank": pd.array([3, None], dtype="Int64"),
        }
    )
    text = table(frame, "c", {"gain": "+.3f", "rank": "d"})
    assert '<tr><th scope="row">x</th><td class="n">+0.012</td><td class="n">3</td></tr>' in text
    dash = "\u2013"
    assert (
        f'<tr><th scope="row">{dash}</th><td class="n">{dash}</td><td class="n">{dash}</td></tr>'
        in text
    )


def test_empty_table_says_so():
    assert '<td colspan="2">none</td>' in table(pd.DataFrame({"a": [], "b": []}), "c")


def test_a_broken_promise_is_marked_by_word_and_class():
    text = checks([Check("split.leaked_texts", 0, "m"), Check("split.leaked_components", 2, "m")])
    assert '<li class="good"><b>✓ holds</b> <code>split.leaked_texts</code>' in text
    assert '<li class="bad"><b>✗ broken: 2</b> <code>split.leaked_components</code>' in text


def test_chart_is_an_image_with_words_for_it():
    assert chart(lines(), "a line").startswith('<figure><svg role="img" aria-label="a line" ')
    assert "<figcaption>below</figcaption></figure>" in chart(lines(), "a line", "below")


def test_chart_is_the_same_whatever_was_drawn_before_it():
    first = chart(lines(), "a line")
    chart(lines((9, 1)), "another")
    assert chart(lines(), "a line") == first


def test_charts_of_one_page_share_no_ids():
    one, two = (
        set(re.findall(r'\bid="([^"]+)"', chart(lines(values), "x"))) for values in ((1, 2), (2, 9))
    )
    assert one and two and not one & two


def test_every_reference_in_a_chart_has_its_target():
    drawn = chart(lines(), "x")
    assert (
        set(re.findall(r"url\(#([^)]+)\)", drawn))
        == set(re.findall(r'\bid="([^"]+)"', drawn))
        != set()
    )


def test_chart_follows_the_page_into_the_dark():
    drawn = chart(lines(), "x")
    assert 'fill="white"' not in drawn
    assert 'fill="#000"' not in drawn
    assert "var(--soft, " in drawn


def test_chart_names_only_common_fonts():
    assert set(re.findall(r'font-family="([^"]+)"', chart(lines(), "x"))) == {
        "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
    }


def test_chart_keeps_what_it_configures_itself():
    assert ">own</text>" in chart(lines().properties(title="own").configure_title(fontSize=31), "x")
    assert 'font-size="31px"' in chart(
        lines().properties(title="own").configure_title(fontSize=31), "x"
    )


def test_bytes_do_not_depend_on_the_hash_seed():
    code = (
        "import altair as alt, pandas as pd, sys\n"
        "from stages.lib.drawing import chart\n"
        "frame = pd.DataFrame({'x': [1, 2], 'y': [3, 4], 'k': ['b', 'a']})\n"
        "sys.stdout.write(chart(alt.Chart(frame).mark_bar(clip=True).encode(x='x:Q', y='y:Q', color='k:N'), 'x'))\n"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(drawn) == 1 and b"<svg" in drawn.pop()
