"""Markdown becomes plain text with its code and lists; what only looks like it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.markdown import strip_markdown

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
        "p < 0.05 ** and 2**3**4",
        "# only a title",
        "患者发烧。 # 第一 ",
        "```sh\n# a\n## b\n[x](y) **z**\n```",
        "",
    ],
)
def test_what_is_not_plainly_markdown_stays(text):
    assert strip_markdown(text) == text


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
    assert plain.count("a") >= text.count("a") - text.count("](")
