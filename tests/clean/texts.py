"""Texts that every rule acts on, for property tests, and the inverse of edits."""

from collections.abc import Iterable

from hypothesis import strategies as st

ENTRIES = (("ECG", "electrocardiogram"), ("HDL", "high-density lipoprotein"))
# Pieces that the rules act on, and that can combine into new ones: escaped escapes, split entities, mojibake.
PIECES = st.sampled_from(
    [
        *["&amp;", "lt;", "&lt;", "&#60;", "&AMP;", "&NBSP;", *"aB5 <>&;()/`-"],
        *[
            "p>",
            "<p>",
            "</p>",
            "<b>",
            "</x>",
            "<x>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<sup>",
            "</sup>",
        ],
        *["<li>", "</li>", "<td>", "<pre>", "</pre>", "```", "\n\n", "\t"],
        *["<sub>2</sub>", "<del>", "</del>", "<td rowspan=2>", "<dt>", "<dd>", "<math>", "</math>"],
        *[
            " <hr> ",
            " &shy; ",
            "is ",
            "?",
            "**",
            "_a_",
            "[^1]",
            "- [ ] ",
            "\u201c",
            "\u201d",
            " *b* ",
        ],
        *["\u24d0", "\U0001d400", "\ufe8d", "\u200d", "\U0001f3f4", "\U000e0067"],
        *[
            "\u200b",
            "\u00ad",
            "\x00",
            "\n",
            "\u00a0",
            "e\u0301",
            "\u00c3\u00b6",
            "\u00e2\u20ac\u2122",
            "\ufb01",
        ],
        *[
            "ECG",
            "HDL",
            "electrocardiogram",
            "\u338e",
            "\u2163",
            "a@b.example.org",
            "pumonary",
            "发烧",
            "ação",
        ],
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=30))


def undo(text: str, edits: Iterable[tuple[int, str, str]]) -> str:
    """Return the text before `edits`, each as its start, the text before and the text after."""
    for start, before, after in reversed(list(edits)):
        assert text[start : start + len(after)] == after
        text = text[:start] + before + text[start + len(after) :]
    return text
