"""HTML leaves, prose with "<" and "&" in it stays."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markup.fragments import quote_tags, strip_html
from stages.clean.unicode import collapse_whitespace


@pytest.mark.parametrize(
    "prose",
    [
        "p < 0.05 and q > 0.1",
        "lesions <5 mm and >2 mm",
        "for i<n, a <b and c> d",
        "Set <account-id> in List<String>.",
        "write to <ada@example.org>",
        "AT&T, R&D; ?a=1&copy=2&lt=3",
        "&nosuchthing; stays",
        "<!-- never closed",
        "  two  spaces\tand a tab\r\n",
    ],
)
def test_prose_is_left_byte_for_byte(prose):
    assert strip_html(prose) == prose


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Fever.</p><p>Rash.</p>", "Fever. Rash."),  # paragraphs
        ("<ul><li>one<li>two</ul>three", "- one - two three"),  # list items without their end tags
        (
            "<table>\n<tr><td>Age</td><td>7</td></tr><tr><td>Sex</td></tr></table>",
            "Age | 7 Sex",
        ),  # cells and rows
        ("Fever<br>rash<BR/>cough", "Fever rash cough"),
        ("<code>Bucket</code>s are <b>big</b>", "Buckets are big"),  # inline elements part no word
        ("m<sup>2</sup>, CO<sub>2</sub>", "m^2, CO₂"),
        ("10<sup>9</sup>/L and 10<sup>-3</sup>", "10^9/L and 10^-3"),  # a power is not a digit
        ("a<script>if (x<y) document.write('<p>no</p>')</script>b", "a b"),
        ("a<style>p {color: red}</style>b<!-- <p>hidden</p> -->c", "a bc"),
        (
            "<note>own elements <fullname>count</fullname></note> when closed",
            "own elements count when closed",
        ),
        ('<a href="/x?a>b" title=\'"\' class=c hidden>link</a>', "link"),
        ("p &lt; 0.05 &amp; q&nbsp;&gt; &#x3b1;&#946;", "p < 0.05 & q > αβ"),
        ("<p>&lt;account-id&gt; and n < 5</p>", "<account-id> and n < 5"),  # beside markup, too
        ("<p>?a=1&copy=2 by R&D</p>", "?a=1&copy=2 by R&D"),
        (
            "<title>Name</title><body><textarea>text</textarea><select><option>x</select>",
            "Name text x",
        ),
        ("a<script> never closed hides nothing", "a never closed hides nothing"),
        ("<frameset>nothing<frame>is lost</frameset>", "nothing is lost"),
        ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),  # one level at a time; the stage repeats
    ],
)
def test_markup_is_read_as_a_browser_shows_it(html, text):
    assert collapse_whitespace(strip_html(html), lines=False) == text


WORDS = st.lists(st.text("abcé", min_size=1, max_size=5), min_size=1, max_size=6)


@given(WORDS, st.sampled_from(["p", "h2", "div", "dd", "section"]))
def test_words_of_block_elements_never_run_together(words, name):
    assert strip_html("".join(f"<{name}>{word}</{name}>" for word in words)).split() == words


@given(st.text(st.characters(codec="utf-8", exclude_characters="<&")))
def test_text_without_markup_characters_is_unchanged(text):
    assert strip_html(text) == text


@given(
    st.lists(
        st.sampled_from(
            ["<", "<p>", "</p>", "a", " ", "5", "&lt;", "&", "<b x='", ">", "<!--", "-->"]
        )
    )
)
def test_no_letter_or_number_is_lost_unless_hidden(parts):
    text = "".join(parts)
    if not re.search("<!--|='|<a.*>", text):  # comments, values and links are hidden
        visible = text.replace("&lt;", "<").replace("<p>", "").replace("</p>", "")
        assert strip_html(text).count("a") == visible.count("a")
        assert strip_html(text).count("5") == visible.count("5")


@pytest.mark.slow
def test_deep_nesting_takes_linear_time():
    assert strip_html("<div>" * 100_000 + "x").strip() == "x"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Do:</p><ul><li><p>one\n  more</p></li><li>two</li></ul>", "Do:\n- one more\n- two"),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", "- a\n  - b"),
        ("<tr><td>Age</td><td><p>7</p></td></tr><tr><td></td><td>f</td></tr>", "Age | 7\n| f"),
        (
            "<table>\n<tr>\n  <th>Age</th>\n  <th>Sex</th>\n</tr>\n<tr>\n  <td>7</td>\n  <td>f</td>\n"
            "</tr>\n</table>",
            "Age | Sex\n7 | f",
        ),
        ("<pre>if x:\n    y &lt; 1</pre>end", "```\nif x:\n    y < 1\n```\nend"),
        ("<pre>one</pre>end", "one\nend"),
        ("Use the &lt;p&gt; tag<br>", "Use the `<p>` tag"),
        ("Use the &lt;p&gt; tag", "Use the `<p>` tag"),
        ("&lt;p&gt;Hello&lt;/p&gt;", "Hello"),  # a feed that escaped its HTML
        ("# A\n\n- `<p>` and [x](https://e.org)\n", "# A\n\n- `<p>` and [x](https://e.org)\n"),
        ("```html\n<p>\n  <b>x</b> &amp;\n```\n", "```html\n<p>\n  <b>x</b> &amp;\n```\n"),
    ],
)
def test_lists_tables_code_and_markdown_stay_readable(html, text):
    assert collapse_whitespace(strip_html(html), lines=True) == collapse_whitespace(
        text, lines=True
    )


SOUP = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<li>",
            "<td>",
            "</td>",
            "<pre>",
            "</pre>",
            "<b>",
            "a",
            " ",
            "\n",
            "`",
            "```\n",
            "\n```",
            "&lt;p&gt;",
            "&lt;/p&gt;",
            "&amp;",
            "lt;",
            "<",
            ">",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<a x='",
            "'",
            "\0",
            "\ud800",
        ]
    ),
    max_size=25,
).map("".join)


@given(SOUP)
def test_repetition_settles_within_the_rounds(text):
    for _ in range(10):
        text, before = collapse_whitespace(strip_html(text), lines=True), text
        if text == before:
            return
    raise AssertionError(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    ["<!--", "<script>", '<a href="', "<pre>", "<li>", "`<p>", "```a\n", "<div>", "&lt;b&gt;"],
)
def test_what_is_never_closed_takes_linear_time(part):
    strip_html(part * 20_000)


def test_a_quoted_tag_is_left_alone():
    assert quote_tags("a <b> c `<i>`") == "a `<b>` c `<i>`"
    assert strip_html("a `<b>` c `<i>`") == "a `<b>` c `<i>`"
