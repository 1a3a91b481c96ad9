"""Hostile inputs from a seed: texts, bytes, tables, settings and arguments."""

import random
import string

from hypothesis import settings

from tests.properties import FULL

# Inputs of all suites together.
IN_THE_GATE = 300
IN_PROVE = 10_000

PIECES = (
    *("\x00", "\x01", "\x07", "\x08", "\x1b[31m", "\x1b]0;owned\x07", "\x7f", "\x85", "\x9b2J", "\r", "\r\n", "\n"),
    *("\t", " ", "\x0b", "\x0c", "\x1c", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "\ufffd", "\ud800", "\udfff"),
    *("\u202e", "\u202a", "\u2066", "\u2069", "\u200b", "\u200d", "\u200f", "\u00ad", "\u034f", "\u115f", "\u3164"),
    *("a\u0301", "\u0301" * 50, "\U0001f469\u200d\U0001f680", "\U000e0041", "\ufdfa", "\u0130", "\u1e9e", "\u03c2"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</textarea>", "<!--"),
    *("-->", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "&#0;", "&#x110000;"),
    *("javascript:alert(1)", "{{7*7}}", "${7*7}", "{0}", "%s%n", "%00", "\\", "\\u0000", '"', "'", "`", "``", "|"),
    *("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "=HYPERLINK(\"http://a.b\")", "\uff1d1"),
    *("../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "~/.ssh/id_rsa", "-rf", "--help", "--", "-", ".", ".."),
    *("a" * 1000, "1" * 400, " " * 1000, "(" * 300, "<b>" * 100, "[" * 300, "." * 500, "\n" * 300, "a," * 200),
    *("1e999", "-0", "NaN", "Infinity", "0x1", "1_000", "\u0661\u0662", "null", "None", "true", "2020-13-45", "9" * 5000),
    *("(ECG)", "electrocardiogram (ECG)", "**a**", "[a](b)", "# a\n", "```\n", "$x$", "a@b.example", "4111 1111 1111 1111"),
    *("\u53d1\u70e7\u3002", "\u0643\u064a\u0641\u061f", "\u0e01\u0e34\u0e19", "\u00c3\u00b6", "\u00e2\u20ac\u2122"),
    *("The kettle boils.", "Why is it hot?", "a", "B", "1", ".", ",", ";", ":", "-", "_", "/", "&", "<", ">", "#", "~"),
)  # fmt: skip
WITHOUT_SURROGATES = tuple(piece for piece in PIECES if not "\ud800" <= piece <= "\udfff")


def is_full():
    return settings.get_current_profile_name() == FULL


def count(share):
    """Return how many inputs a suite tries that is given `share` of a hundred."""
    return (IN_PROVE if is_full() else IN_THE_GATE) * share // 100


def seeds(share):
    """Return a number for each input of a suite. In the gate the first ones."""
    return range(count(share))


def text(source, most=8, *, surrogates=True):
    """Return a text of up to `most` pieces."""
    pieces = PIECES if surrogates else WITHOUT_SURROGATES
    return "".join(source.choice(pieces) for _ in range(source.randint(0, most)))


def mutated(source, data):
    """Return bytes with some of them changed, cut out, repeated or put in."""
    data = bytearray(data)
    for _ in range(source.choice((0, 0, 1, 1, 3, 20))):
        position = source.randrange(len(data) + 1)
        how = source.randrange(5)
        if how == 0 and data:
            data[position % len(data)] = source.randrange(256)
        elif how == 1:
            del data[position : position + source.choice((1, 7, 500))]
        elif how == 2:
            data[position:position] = data[position : position + 50] * source.choice((1, 20))
        elif how == 3:
            data[position:position] = source.randbytes(source.choice((1, 4, 40)))
        else:
            data[position:position] = text(source, 2).encode("utf-8", "surrogatepass")
    return bytes(data)


def name(source):
    """Return a name of a file that a file system takes."""
    letters = [source.choice([*string.ascii_letters, " ", "'", '"', ";", "$", "\u202e", "\u00fc", "\n", "-", "="])
               for _ in range(source.randint(1, 12))]  # fmt: skip
    return "".join(letters).strip(".") or "a"


def of_seed(suite, seed):
    """Return the source of chance of an input."""
    return random.Random(f"{suite} {seed}")
