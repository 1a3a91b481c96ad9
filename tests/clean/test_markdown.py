"""Markdown becomes plain text with its code and lists; what only looks like it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markup.markdown import strip_markdown

GUIDE = """# Install **fast**

See the [guide](https://e.org/a_(b) "All of it") and ![the logo](logo.png) first, or [`make`](https://e.org/m).

## Options ##
Title
=====
| Flag | Meaning |
|:-----|--------:|
| `-a|b` | __all__ of [them](#x) |

- one
- two *soft* words, 2 * 3 * 4 **go
on**

```sh
# not a heading
curl [a](b) **c**
```
"""
PLAIN = """Install fast

See the guide and the logo first, or `make`.

Options
Title
Flag | Meaning
`-a|b` | all of them

- one
- two soft words, 2 * 3 * 4 go
on

```sh
# not a heading
curl [a](b) **c**
```
"""


def test_a_guide_keeps_its_words_code_and_lists():
    assert strip_markdown(GUIDE) == PLAIN
    assert strip_markdown(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "# of items in the cart\n- one\n- two",
        "Call f(**kwargs) and g(**more)",
        "The array [0](1) of **two**kinds",
        "A [link](https://e.org) alone",
        "| a | b |\n---\n| c | d |",
        "---\nnot: yaml really",
        "a\n---\nb: c\n---\nd",
        "5 * 3 * 2 = *30*",
        "**two** stars",
        "*one* star",
        "- [ ] a single task",
        "See[^1]",
        "[1]: https://e.org",
        "p < 0.05 ** and 2**3**4",
        "# only a title",
        "患者发烧。 # 第一 ",
        "```sh\n# a\n## b\n[x](y) **z**\n```",
        "",
    ],
)
def test_what_is_not_plainly_markdown_stays(text):
    assert strip_markdown(text) == text


EVIDENCE = "# Title\n[x](https://e.org)\n"


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("*soft* _soft_ **loud** __loud__", "soft soft loud loud"),
        ("***both*** ___both___", "both both"),
        ("**a *b* c** *a **b** c* **a *b*** ***a* b**", "a b c a b c a b a b"),
        ("~~gone~~", "gone"),
        ('**Note:** (**two**) "*three*" **a**-b', 'Note: (two) "three" a-b'),
        ("これは**重要**です。*強調*する", "これは重要です。強調する"),
        ("请**务必**阅读", "请务必阅读"),
        ("[a **b** c](https://e.org) **[x](y)**", "a b c x"),
        ("see [it](<a b.md> 'Title')", "see it"),
        ("- [ ] buy milk\n- [x] done\n1. [X] one", "- buy milk\n- done\n1. one"),
        ("See[^1].\n\n[^1]: Smith 2010.", "See[1].\n\n[1] Smith 2010."),
        ("See[^note].\n\n[^note]: Ibid.", "See[note].\n\n[note] Ibid."),
        ('A [guide][g], [G][], [g].\n\n[g]: https://e.org "T"\n', "A guide, G, g.\n\n"),
        ("![logo][l]\n[l]: <logo.png>", "logo\n"),
        ("[not a link] with **bold** [3]", "[not a link] with bold [3]"),
        ("Setext\n======\nOther\n------\ntext", "Setext\nOther\ntext"),
        ("<https://e.org/a_b_c> and snake\\_case", "https://e.org/a_b_c and snake_case"),
        ("## With `code` and *soft* ##", "With `code` and soft"),
        ("`**code**` and **a `b` c**", "`**code**` and a `b` c"),
        ("* item *x*\n* two", "* item x\n* two"),
        ("> quote **x**", "> quote x"),
        ("**two\nlines**", "two\nlines"),
    ],
)
def test_marks_leave_and_words_stay(marked, words):
    assert strip_markdown(EVIDENCE + marked) == "Title\nx\n" + words
    assert strip_markdown("Title\nx\n" + words) == "Title\nx\n" + words


@pytest.mark.parametrize(
    "text",
    [
        "snake_case and a_b_c and _x1_y",
        "2*3*4 and 2 * 3 * 4 = 5*",
        "__init__ and __name__",
        "f(**kwargs) and g(*args, *more)",
        "Price* and cost* of *.txt and *.md",
        "$x_1$ and $y_i * z_i * 2$",
        "array[0](1) and [this] (aside)",
        "**unclosed and *half",
        "\\*literal\\*",
        "`*a*` and ``**b**``",
        "C# and F# #",
        "x ~ y ~ z",
        "[1]: see the notes below",
        "a * b\n* c",
        "2**3**4",
    ],
)
def test_what_is_no_mark_stays_in_markdown_too(text):
    assert strip_markdown(EVIDENCE + text) == "Title\nx\n" + text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "---\ntitle: My post\ndate: 2020-01-01\ntags: [a]\n---\n# Hello\nText",
            "My post\nHello\nText",
        ),
        ("---\nlayout: x\nlist:\n  - a\n---\n# Hello\n", "Hello\n"),
        ('---\ntitle: "Quoted"\ndescription: So it is\n...\n**a** [b](c)', "Quoted\nSo it is\na b"),
        ("**Note**: this is *important*.", "Note: this is important."),
        ("Title\n=====\nSome **bold** text", "Title\nSome bold text"),
        ("- [ ] a\n- [x] b **now**", "- a\n- b now"),
    ],
)
def test_front_matter_leaves_its_words(text, words):
    assert strip_markdown(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Opening hours\n=============\nDaily from nine.", "Opening hours\nDaily from nine."),
        ("- [ ] call the clinic\n- [x] book the room", "- call the clinic\n- book the room"),
        ("**Dose**: 5 mg. **Route**: oral.", "Dose: 5 mg. Route: oral."),
        ("See [the notes][n].\n\n[n]: https://e.org/n", "See the notes.\n\n"),
        ("It rose[^1] twice.\n\n[^1]: In May.", "It rose[1] twice.\n\n[1] In May."),
        ("- [ ] one box alone", "- [ ] one box alone"),
        ("**one** alone", "**one** alone"),
    ],
)
def test_some_marks_are_enough_by_themselves(text, words):
    assert strip_markdown(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # A footnote behind another mark.
        ("[^1]---\n# [^1]: **", "[1]---\n[1] **"),
        ("See[^1].\n# [^1]: Smith", "See[1].\n[1] Smith"),
        ("See[^1].\n**[^1]: Smith**", "See[1].\n[1] Smith"),
        ("See[^ü].\n## [^ü]: Müller", "See[ü].\n[ü] Müller"),
        ("参见[^注]。\n# [^注]: 下文", "参见[注]。\n[注] 下文"),
        # A heading or emphasis that looks like the definition of a link.
        ("# T\n## [a]: b\n[a] c", "T\n[a] b\n[a] c"),
        ("# T\n**[dose]: daily** and **[dose]** again", "T\n[dose]: daily and [dose] again"),
        ("# T\n## [Dose]: daily\nthe [dose]", "T\n[Dose] daily\nthe [dose]"),
        ("# T\n**[Dose]**: daily\nthe [dose]", "T\n[Dose] daily\nthe [dose]"),
        ("# T\n[**Dose**]: daily\nthe [dose]", "T\n[Dose] daily\nthe [dose]"),
        ("# T\n![](x)[a]: b\nan [a]", "T\n[a] b\nan [a]"),
        ("# Т\n## [доза]: утром\n[доза] вечером", "Т\n[доза] утром\n[доза] вечером"),
        ("# T\n## [a]: <b> 'c'\n[a]", "T\n[a] <b> 'c'\n[a]"),
        # Nobody uses the label, so nothing is a definition.
        ("# T\n## [a]: b\nc", "T\n[a]: b\nc"),
        # Code stays as it is.
        ("# T\n## U\n```\n[a]: b\n```\n# [c]: d\n[c]", "T\nU\n```\n[a]: b\n```\n[c] d\n[c]"),
    ],
)
def test_words_that_would_become_a_definition_stay(text, words):
    assert strip_markdown(text) == words
    assert strip_markdown(words) == words


PIECES = st.sampled_from(
    [
        "# ",
        "## ",
        "\n",
        "**",
        "__",
        "[a](b)",
        "![a](b)",
        "[",
        "](c)",
        "*",
        "_",
        "~~",
        "[^1]",
        "[^1]: ",
        "[1]",
        "[a]",
        "[a]: b\n",
        "- [ ] ",
        "---\n",
        "===\n",
        "|",
        "| a |",
        "|---|---|\n",
        "`",
        "```\n",
        "a",
        " ",
    ]
)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_stripping_twice_is_stripping_once_and_loses_no_word(text):
    plain = strip_markdown(text)
    assert strip_markdown(plain) == plain
    assert plain.count("a") >= text.count("a") - text.count("](") - text.count("[a]: b")


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# T\n\n| a | b |\n|---|:-:|\n| 1 | **2** |\n", "T\n\na | b\n1 | 2\n"),
        ("# T\n\n| a | b |\n|---|---|\n| - | - |\n| 1 | 2 |\n", "T\n\na | b\n- | -\n1 | 2\n"),
        ("# T\n\n**b**\n\n* * *\n\n- - -\nend", "T\n\nb\n\n\nend"),
    ],
)
def test_lines_of_tables_and_rules_of_other_shapes(markdown, text):
    assert strip_markdown(markdown) == text
