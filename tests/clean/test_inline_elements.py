"""Elements whose meaning is lost with their tags are spelled out; what is not shown leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markup.inline_elements import spell_out
from stages.clean.pages.extraction import main_text
from stages.clean.rules import markup_rules, repair

RULES = markup_rules(lines=True)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ruby>東京<rt>とうきょう</rt></ruby>に", "東京(とうきょう)に"),
        (
            "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>",
            "漢字(かんじ)",
        ),
        ("<ruby>中<rt>zhōng</rt>国<rt>guó</rt></ruby>", "中国(zhōng guó)"),
        ("<ruby><rb>明日<rt>あした</ruby>", "明日(あした)"),
        ("<ruby>漢字</ruby>", "漢字"),
        (
            "<abbr title='World Health Organization'>WHO</abbr>, <abbr title='World Health Organization'>WHO</abbr>",
            "WHO (World Health Organization), WHO",
        ),
        (
            "Deep vein thrombosis (<abbr title='deep vein thrombosis'>DVT</abbr>)",
            "Deep vein thrombosis (DVT)",
        ),
        (
            "<acronym title='as soon as possible'>ASAP</acronym> please",
            "ASAP (as soon as possible) please",
        ),
        ("<abbr title='2020-05-01'>May 1</abbr>", "May 1"),
        ("Take <del>5</del><ins>10</ins> mg.", "Take 10 mg."),
        ("<p>was <del>five</del> six</p>", "was six"),
        (
            "<ul><li><del>all of it</del></li></ul>",
            "- all of it",
        ),  # nothing else says what was there
        ("<s>$99</s>$79", "$99 $79"),
        ("<p>a</p><p hidden>b</p>c", "a\nc"),
        ("<p>x</p><div style='visibility: hidden'>y <div>z</div> w</div><p>v</p>", "x\nv"),
        ('<span style="display:none">x</span>shown', "shown"),
        ("<div style='display: none'>only this</div>", "only this"),
        ("<div aria-hidden='true'>icon</div>text", "icon\ntext"),
        ("<div hidden='until-found'>found</div>", "found"),
        ("<p>a <script type='math/tex'>x^2 < y</script> b</p>", "a x^2 < y b"),
        ("<img class='tex' alt='{\\displaystyle x^{2}}' src=x> is", "x^{2} is"),
        ("`x<sup>2</sup>` stays", "`x<sup>2</sup>` stays"),  # code
        ("a <sup>never closed", "a never closed"),
    ],
)
def test_inline_elements_keep_their_meaning(html, text):
    assert repair(html, RULES).text == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<dl><dt>Fever</dt><dd>High temperature</dd></dl>", "Fever: High temperature"),
        ("<dl><dt>A<dd>one<dt>B<dd>two</dl>", "A: one\nB: two"),
        ("<dl>\n<dt>A\n<dd>one\n<dt>B</dt>\n\n<dd>two</dl>", "A: one\nB: two"),
        ("<dl><dt>Rash:</dt>\n<dd><p>Red</p></dd><dd>Sore</dd></dl>end", "Rash: Red\nSore\nend"),
        ("<dl><dt>A</dt><dt>B</dt><dd>both</dd></dl>", "A\nB: both"),
        ("<dl><dt>Why?</dt><dd>So.</dd></dl>", "Why? So."),
        (
            "<table><tr><td>A</td><td><ul><li>nausea</li><li>rash</li></ul></td></tr></table>",
            "A | nausea; rash",
        ),
        ("<table><tr><td>B</td><td>Seen: <ul><li>x<li>y</ul></td></tr></table>", "B | Seen: x; y"),
        (
            "<table><tr><th rowspan=2>Name</th><th colspan=2>Dose</th></tr><tr><th>Day</th><th>Night</th></tr>"
            "<tr><td colspan='2'>Total</td><td>5</td></tr></table>",
            "Name | Dose\nName | Day | Night\nTotal | | 5",
        ),
        (
            "<table><tr><td rowspan=3>Fruit</td><td>apple</td><td rowspan=2>red</td></tr><tr><td>cherry</td></tr>"
            "<tr><td>pear</td><td>green</td></tr></table>",
            "Fruit | apple | red\nFruit | cherry | red\nFruit | pear | green",
        ),
        ("<table><tr><td rowspan=x>A</td><td colspan=9999999>b</td></tr></table>", "A | b"),
        ("<table><tr><td><pre>a\n b</pre></td><td>c</td></tr></table>", "a b | c"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>d</li></ul>e", "- a\n  1. b\n- d\ne"),
        ("<pre>a  b\n  c</pre>", "```\na  b\n  c\n```"),
        ("caf&amp;eacute; &amp;amp; bar", "café & bar"),
        ("&amp;lt;p&amp;gt;Hi&amp;lt;/p&amp;gt;", "Hi"),
    ],
)
def test_lists_and_tables_keep_what_belongs_together(html, text):
    assert repair(html, RULES).text == text


def test_formulas_keep_their_meaning_in_whole_pages():
    prose = "The kettle boils a litre of water in three minutes, and then switches itself off. " * 3
    formula = "<p>The load is 10<sup>9</sup> N/m<sup>2</sup> of H<sub>2</sub>O, or <math><mi>x</mi></math>. "
    page = f"<!doctype html><html><body><article><p>{prose}</p>{formula}{prose}</p></article></body></html>"
    assert "The load is 10^9 N/m^2 of H₂O, or x." in main_text(page)


NAMES = st.sampled_from(["sup", "sub", "ruby", "rt", "abbr", "del", "s", "math", "mi", "b", "p"])
TAGS = st.tuples(st.sampled_from(["<{}>", "</{}>"]), NAMES).map(
    lambda pair: pair[0].format(pair[1])
)
SOUP = st.lists(st.one_of(TAGS, st.sampled_from(["a", "2", " ", "+", "漢", "&lt;"])), max_size=16)


@given(SOUP)
def test_cleaning_twice_is_cleaning_once(parts):
    once = repair("".join(parts), RULES)
    if once.settled:
        assert repair(once.text, RULES).text == once.text


@given(SOUP)
def test_only_deleted_text_and_formulas_lose_letters(parts):
    html = "".join(part for part in parts if part not in ("<del>", "<math>", "<rt>"))
    assert spell_out(html).count("漢") == html.count("漢")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>A fish <img src='a.png' alt='a red herring'> swims.</p>",
            "A fish a red herring swims.",
        ),
        ("<p>Press <img src=x alt='Enter key'>.</p>", "Press Enter key."),
        ("<p>Then <IMG ALT='5 &lt; 6' SRC=y> wait.</p>", "Then 5 < 6 wait."),
        ("<p>a<img alt='b'>c</p>", "a b c"),
        ("<p><img alt=''>Katze</p>", "Katze"),
        ("<p><img>Katze</p>", "Katze"),
        ("<p><img alt='  '>Katze</p>", "Katze"),
        ("<p>图：<img alt='红色警告灯'>。</p>", "图：红色警告灯。"),
        ("<p>زر <img alt='الإيقاف'> هنا</p>", "زر الإيقاف هنا"),
        ("<table><tr><td><img alt='yes'></td><td><img alt='no'></td></tr></table>", "yes | no"),
        ("<p><img alt='a'> <img alt='b'></p>", "a b"),
        ("what is <img alt='x'> for?", "what is `<img alt='x'>` for?"),
    ],
)
def test_a_picture_in_a_fragment_gives_way_to_the_text_that_replaces_it(html, text):
    assert repair(html, RULES).text == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["<sup>", "<del>x", "<ruby>", "<sup>2</sup>", "<sup><b>", "<li><td>", "</sup>"]
)
def test_any_nesting_takes_linear_time(part):
    repair("<table><tr><td>" + part * 5_000, RULES)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            '<acronym title="Cascading Style Sheets">CSS</acronym>s',
            "CSSs (Cascading Style Sheets)",
        ),
        (
            "<abbr title='World Health Organization'>WHO</abbr>'s",
            "WHO's (World Health Organization)",
        ),
        ("<abbr title='x ray'>XR</abbr>-scan", "XR-scan (x ray)"),
        ("<abbr title='Monday'>Mon</abbr>day", "Monday"),
        ("<p><abbr title='un deux'>UD</abbr></p><p>trois</p>", "UD (un deux)\ntrois"),
        ("<b><abbr title='Größe'>Gr</abbr></b>.", "Gr (Größe)."),
    ],
)
def test_a_title_stands_behind_the_whole_word(html, text):
    assert repair(html, markup_rules(lines=True)).text == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("First line&lt;br /&gt;Second line", "First line\nSecond line"),
        ("&amp;lt;br&amp;gt;第一行", "第一行"),
        ("&lt;p&gt;One&lt;p&gt;Two", "One\nTwo"),
        ("Use &lt;br&gt; to break a line", "Use `<br>` to break a line"),
        ("Use &lt;br/&gt;, not &lt;p&gt;", "Use `<br/>`, not `<p>`"),
    ],
)
def test_breaks_that_were_escaped_once_more(html, text):
    assert repair(html, markup_rules(lines=True)).text == text
