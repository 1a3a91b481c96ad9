"""Pages: self-contained, escaped, and the same bytes each time."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import altair as alt
import pandas as pd
import pytest

from stages.lib.reporting.charts import HOVER, svg_figure
from stages.lib.reporting.html import (
    InvariantCheck,
    KeyFigure,
    PageSection,
    bullets,
    collapsible,
    html_page,
    html_table,
    invariant_list,
    key_figures,
    paragraph,
)

UNSAFE = "<script>alert('x')</script> & \"quotes\""
ESCAPED = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quotes&quot;"


class TagCollector(HTMLParser):
    """Collects tags, and fails if they do not close in order."""

    VOID = {"meta", "line", "rect", "path", "br"}

    def __init__(self, text):
        super().__init__()
        self.open_tags = []
        self.tags = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open_tags.pop() == tag

    def values(self, tag_name, attribute):
        """Return the values of `attribute` in all tags of this name."""
        return [attributes[attribute] for tag, attributes in self.tags if tag == tag_name]


def line_chart(values=(1, 3, 2)):
    frame = pd.DataFrame({"step": range(len(values)), "value": values, "kind": "a & b"})
    return alt.Chart(frame).mark_line(clip=True).encode(x="step:Q", y="value:Q", color="kind:N")


def page_of(*body):
    return html_page("A title", "A lead", [PageSection("First part", body)])


def ids_in(svg):
    return set(re.findall(r'\bid="([^"]+)"', svg))


def test_page_is_well_formed_with_a_link_to_each_section():
    sections = [
        PageSection("First part", [paragraph("one")]),
        PageSection("Second", [paragraph("two")]),
    ]
    collector = TagCollector(html_page("T", "L", sections))
    assert collector.open_tags == []
    assert collector.values("a", "href") == ["#first-part", "#second"]
    assert collector.values("section", "id") == ["first-part", "second"]


def test_two_sections_of_one_title_are_an_error():
    with pytest.raises(ValueError, match="same title"):
        html_page("T", "L", [PageSection("Same", []), PageSection("same!", [])])


def test_page_loads_nothing_and_runs_nothing():
    text = page_of(svg_figure(line_chart(), "a line"), html_table(pd.DataFrame({"a": [1]}), "c"))
    collector = TagCollector(text)

    loading_tags = {"script", "link", "img", "iframe", "object", "image", "use"}
    tag_names = {tag for tag, _ in collector.tags}
    assert not tag_names & loading_tags

    addresses = []
    for _, attributes in collector.tags:
        for name in ("src", "href"):
            if name in attributes:
                addresses.append(attributes[name])
    assert all(address.startswith("#") for address in addresses)

    # The names of XML vocabularies are no addresses. Nothing else may look like one.
    assert set(re.findall(r"https?://[^\"' <)]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "render",
    [
        lambda: html_page(UNSAFE, "", []),
        lambda: html_page("", UNSAFE, []),
        lambda: html_page("", "", [PageSection(UNSAFE, [])]),
        lambda: paragraph(UNSAFE),
        lambda: bullets([UNSAFE]),
        lambda: key_figures([KeyFigure(UNSAFE, UNSAFE, UNSAFE)]),
        lambda: invariant_list([InvariantCheck(UNSAFE, 1, UNSAFE)]),
        lambda: collapsible(UNSAFE),
        lambda: html_table(pd.DataFrame({UNSAFE: [UNSAFE]}), UNSAFE),
        lambda: svg_figure(line_chart(), UNSAFE, UNSAFE),
    ],
)
def test_every_function_escapes_text(render):
    text = render()
    assert "<script" not in text
    assert ESCAPED in text


def test_text_inside_a_chart_is_escaped():
    frame = pd.DataFrame({"name": [UNSAFE], "value": [1]})
    names = alt.Y("name:N", axis=alt.Axis(labelLimit=0))
    figure = svg_figure(alt.Chart(frame).mark_bar().encode(x="value:Q", y=names), "bars")
    assert "<script" not in figure
    assert "&lt;script&gt;" in figure


def test_backticks_become_code_and_stay_escaped():
    assert paragraph("see `mine.<x>`") == "<p>see <code>mine.&lt;x&gt;</code></p>"


def test_words_in_backticks_of_a_caption_are_code():
    text = html_table(pd.DataFrame({"id": ["d1"]}), "Run `explain <ID>`")
    assert "<caption>Run <code>explain &lt;ID&gt;</code></caption>" in text
    assert 'aria-label="Run explain &lt;ID&gt;"' in text


def test_table_has_a_caption_and_headings():
    rows = pd.DataFrame({"Stage": ["clean"], "Rows": [21184], "Share": [0.12345]})
    text = html_table(rows, "Rows by stage")
    assert "<caption>Rows by stage</caption>" in text
    assert '<th scope="col">Stage</th><th scope="col" class="n">Rows</th>' in text
    assert (
        '<tr><th scope="row">clean</th><td class="n">21,184</td><td class="n">0.123</td></tr>'
        in text
    )


def test_table_formats_columns_and_shows_a_dash_for_missing():
    rows = pd.DataFrame(
        {
            "a": ["x", None],
            "gain": [0.0123, float("nan")],
            "rank": pd.array([3, None], dtype="Int64"),
        }
    )
    text = html_table(rows, "c", {"gain": "+z.3f", "rank": "d"})
    assert '<tr><th scope="row">x</th><td class="n">+0.012</td><td class="n">3</td></tr>' in text
    dash = "\u2013"
    assert (
        f'<tr><th scope="row">{dash}</th><td class="n">{dash}</td><td class="n">{dash}</td></tr>'
        in text
    )


def test_a_change_that_rounds_to_zero_has_no_minus():
    text = html_table(pd.DataFrame({"a": ["x"], "gain": [-0.0004]}), "c", {"gain": "+z.3f"})
    assert '<td class="n">+0.000</td>' in text


def test_empty_table_shows_none():
    assert '<td colspan="2">none</td>' in html_table(pd.DataFrame({"a": [], "b": []}), "c")


def test_a_violated_invariant_has_a_word_and_a_class():
    text = invariant_list(
        [
            InvariantCheck("split.leaked_texts", 0, "m"),
            InvariantCheck("split.leaked_components", 2, "m"),
        ]
    )
    assert '<li class="good"><b>✓ holds</b> <code>split.leaked_texts</code>' in text
    assert '<li class="bad"><b>✗ broken: 2</b> <code>split.leaked_components</code>' in text


def test_chart_is_an_image_with_an_alternative_text():
    figure = svg_figure(line_chart(), "a line")
    start = '<figure><div class="drawing" tabindex="0"><svg role="img" aria-label="a line" '
    assert figure.startswith(start)
    assert figure.count("role=") == figure.count("aria-") == 1
    with_caption = svg_figure(line_chart(), "a line", "below")
    assert "<figcaption>below</figcaption></figure>" in with_caption


def test_a_mark_with_hover_has_its_text_and_other_marks_have_none():
    import altair as alt

    rows = pd.DataFrame({"x": [1, 2], "hover": ["one <b>", 'two "2"']})
    base = alt.Chart(rows).encode(x="x:Q", description="hover:N")
    figure = svg_figure(base.mark_bar(**HOVER) + base.mark_rule(), "bars")
    titles = ["one &lt;b&gt;", "two &quot;2&quot;"]
    assert re.findall(r"<title>(.*?)</title></path>", figure) == titles
    assert figure.count("<title>") == 2
    assert figure.count("role=") == figure.count("aria-") == 1


def test_chart_does_not_depend_on_charts_before_it():
    first = svg_figure(line_chart(), "a line")
    svg_figure(line_chart((9, 1)), "another")
    assert svg_figure(line_chart(), "a line") == first


def test_charts_of_one_page_share_no_ids():
    ids = ids_in(svg_figure(line_chart((1, 2)), "x"))
    other_ids = ids_in(svg_figure(line_chart((2, 9)), "x"))
    assert ids
    assert other_ids
    assert not ids & other_ids


def test_every_reference_in_a_chart_has_its_target():
    figure = svg_figure(line_chart(), "x")
    targets = set(re.findall(r"url\(#([^)]+)\)", figure))
    assert targets == ids_in(figure) != set()


def test_chart_follows_the_dark_mode_of_the_page():
    figure = svg_figure(line_chart(), "x")
    assert 'fill="white"' not in figure
    assert 'fill="#000"' not in figure
    assert "var(--soft, " in figure


def test_chart_names_only_common_fonts():
    assert set(re.findall(r'font-family="([^"]+)"', svg_figure(line_chart(), "x"))) == {
        "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
    }


def test_chart_keeps_its_own_configuration():
    configured = line_chart().properties(title="own").configure_title(fontSize=31)
    figure = svg_figure(configured, "x")
    assert ">own</text>" in figure
    assert 'font-size="31px"' in figure


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_hash_seed():
    code = """
import altair as alt, pandas as pd, sys
from stages.lib.reporting.charts import HOVER, svg_figure
frame = pd.DataFrame({'x': [1, 2], 'y': [3, 4], 'k': ['b', 'a']})
bars = alt.Chart(frame).mark_bar(clip=True).encode(x='x:Q', y='y:Q', color='k:N')
sys.stdout.write(svg_figure(bars, 'x'))
"""
    outputs = set()
    for seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        outputs.add(process.stdout)
    assert len(outputs) == 1
    assert b"<svg" in outputs.pop()


HOSTILE = [
    "<script>alert(1)</script>",
    "</text></svg><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "javascript:alert(1)",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "`<b>`",
    "{lead}",
    "<a href=//evil.example>",
]
HARMLESS_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "nav", "ul", "li",
    "a", "section", "b", "code", "span", "dl", "div", "dt", "dd", "small", "details", "summary", "table",
    "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "g", "path", "text",
    "line", "rect", "defs", "clippath",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_in_any_field_of_a_page_stays_text(name):
    body = [
        paragraph(name, "note"),
        bullets([name]),
        key_figures([KeyFigure(name, name, name)]),
        invariant_list([InvariantCheck(name, 1, name)]),
        collapsible(name, paragraph(name)),
        html_table(pd.DataFrame({name: [name], "number": [1]}), name),
    ]
    tags = TagCollector(html_page(name, name, [PageSection(name, body)])).tags
    assert {tag for tag, _ in tags} <= HARMLESS_TAGS
    for _, attributes in tags:
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
    assert all(address.startswith("#") for tag, a in tags if (address := a.get("href")))


@pytest.mark.slow
def test_hostile_names_in_any_part_of_a_chart_stay_text():
    frame = pd.DataFrame({"x": range(len(HOSTILE)), "kind": HOSTILE, "value": 1})
    chart = alt.Chart(frame, title=HOSTILE[0]).mark_bar()
    chart = chart.encode(
        x=alt.X("kind:N", title=HOSTILE[1]),
        y="value:Q",
        color=alt.Color("kind:N", title=HOSTILE[2]),
    )
    texts = chart.mark_text().encode(x="kind:N", y="value:Q", text="kind:N")
    svg = svg_figure(chart + texts, HOSTILE[3], HOSTILE[4])
    tags = TagCollector(page_of(svg)).tags
    assert {tag for tag, _ in tags} <= HARMLESS_TAGS
    for _, attributes in tags:
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
