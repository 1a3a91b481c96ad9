"""Filters: each reason, its order, and what must never be dropped."""

import time

import pytest

from stages.clean.filters import Bounds, drop_reason, repetition, symbol_share
from stages.lib.core.errors import UserError

BOUNDS = Bounds(2, 1000, 0.6, 0.6, ("lorem ipsum",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("x", "too_short"),
        ("x" * 1001, "too_long"),
        ("=-" * 40, "symbols"),
        ("buy now and save a lot " * 20, "repetition"),
        ("Filler: lorem ipsum dolor.", "pattern"),
        ("VAT?", ""),
        ("C++", ""),
        ("为什么路由器连不上网？", ""),
        ("No no no no no", ""),
        (
            "Como redefinir a senha do roteador? Prima e mantenha premido o botão durante dez segundos.",
            "",
        ),
        (
            "第一句话说明了如何重新设置路由器的密码以及网络连接。第二句话告诉用户在哪里可以找到序列号和说明书。",
            "",
        ),
    ],
)
def test_each_reason(text, reason):
    assert drop_reason(text, BOUNDS) == reason


def test_limits_that_are_null_let_everything_pass():
    assert drop_reason("=-" * 40, Bounds(1, 1000, None, None, ())) == ""


def test_shares_equal_a_count_by_hand():
    assert symbol_share("ab--") == 0.5
    assert symbol_share("é中1 ") == 0.0
    # Nine stretches of five words, of which the first three return twice.
    assert repetition("a b c d e f " * 2 + "a") == pytest.approx(3 / 9)


def test_a_pattern_that_would_backtrack_takes_no_time():
    start = time.process_time()
    assert drop_reason("a" * 900 + "!", Bounds(1, 1000, None, None, ("(a+)+$",))) == ""
    assert time.process_time() - start < 1


def test_a_bad_pattern_is_an_error_with_a_remedy():
    with pytest.raises(UserError, match=r"clean\.drop_patterns holds '\(\?<=a\)b'"):
        drop_reason("text", Bounds(1, 10, None, None, ("(?<=a)b",)))
