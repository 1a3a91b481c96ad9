"""Every function of the project that takes a text and nothing else, and texts that are slow to read."""

import inspect
from functools import cache

from tests.hostile.patterns import modules

# Texts are these, repeated. A beginning and an end may stand around them.
UNITS = (
    *(" ", "\n", "\t", " \n", "a", "a ", "A", "A ", "aB", "1", "1 ", "1,", "1.", "1-", "-", "- ", "."),
    *(". ", "a. ", "A. ", "! ", "?", "? ", "a? ", "a\n", "a\n\n", "A b. ", ",", ", ", ":", ": ", "a: b\n"),
    *(";", "&", "&amp;", "&#", "&lt;", "<", ">", "<a", "<a>", "<a ", "</a>", "<!--", "-->", "<![CDATA["),
    *("<p>", "<li>", "<td>", "<pre>", "<script", "<script>", "<a href=", "<a b='", '"', "'", "' ", "`", "```\n"),
    *("(", ")", "(A", "(AB) ", "a (A) ", "[", "]", "[a](", "[a]: b\n", "[a] ", "{", "{/*", "*/}", "}", "|", "| a "),
    *("|---", "*", "**", "**a", "_", "__a", "a_", "#", "# a\n", "##", "$", "$a", "%", "1% ", "@", "a@", "a@b.", "/"),
    *("http://", "a/", "\\", "\\(", "^", "~", "~~", "+", "=", "a=", "e\u0301", "\u0301", "\u200b", "\u200d", "\u202e"),
    *("\u4e00", "\u4e00\u3002", "\u0e01", "\u0645 ", "\uac00", "\U0001f600", "\ufb01", "\u00ad", "\0", "\x1b[31m"),
    *("\ufeff", "\ufffd", "\u00c3\u00b6", "ECG ", "or ", "and ", "Q: ", "MRN ", "to ", "the ", "The kettle boils. "),
)  # fmt: skip
AROUND = (("", ""), ("", "x"), ("a", "\0"), ("<p>", "</p>"))


@cache
def text_functions():
    """Return name to function, for each function whose one required argument is a text."""
    functions = {}
    for module in modules():
        for name, function in sorted(vars(module).items()):
            if not callable(function) or getattr(function, "__module__", "") != module.__name__:
                continue
            if inspect.isclass(function) or not hasattr(function, "__name__"):
                continue
            try:
                parameters = list(inspect.signature(function).parameters.values())
            except (TypeError, ValueError):
                continue
            required = [p for p in parameters if p.default is inspect.Parameter.empty]
            is_text = len(required) == 1 and required[0].annotation in ("str", str)
            is_plain = all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters)
            if is_text and is_plain:
                functions[f"{module.__name__.removeprefix('stages.')}.{name}"] = function
    return functions
