"""Encodings are repaired, the invisible goes, what carries meaning stays."""

import pytest

from stages.clean.unicode import (
    collapse_whitespace,
    lowercase,
    remove_invisible,
    repair_encoding,
)


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("SjÃ¶gren syndrome", "Sjögren syndrome"),  # UTF-8 read as Latin-1
        (
            "the patientâ€™s skin",
            "the patient\u2019s skin",
        ),  # as Windows-1252; the quote stays curled
        ("cafe\u0301-au-lait", "café-au-lait"),  # composed
        ("\ufb01brosis", "fibrosis"),  # a ligature from a PDF
        ("\uff2d\uff32\uff29", "MRI"),  # full-width letters
        (
            "\uff11\uff0c\uff10\uff10\uff10。\uff21\uff0d\uff11。",
            "1,000。A-1。",
        ),  # with the signs between them
        ("\uff76\uff9e\uff72\uff84\uff9e", "ガイド"),  # half-width katakana
        ("5 \u00b5m, 3 \u338e, 37 \u2103", "5 \u03bcm, 3 mg, 37 °C"),  # units in one character
        ("type \u2163", "type IV"),
        ("\x1b[1mbold\x1b[0m", "bold"),  # terminal colours
    ],
)
def test_encoding_is_repaired(broken, repaired):
    assert repair_encoding(broken) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "Ménière\u2019s “disease”",
        "5 \u03bcm, 37 °C, ≥ 3 \u00d7 10⁹",
        "İstanbul ß \u017f",
        "a &amp; b\r\n",
        "费用：￥199（含税）！",
    ],
)
def test_sound_text_is_not_repaired(text):
    assert repair_encoding(text) == text


def test_invisible_characters_are_removed():
    assert (
        remove_invisible("cardio\u00admyo\u200bpathy\ufeff \u202aright\u202c\x00\x07")
        == "cardiomyopathy right"
    )


def test_joiners_stay_where_they_spell_words_and_emoji():
    assert (
        remove_invisible("می\u200cخو\u0627\u0647م 👩\u200d⚕ x\u200dy\u200c")
        == "می\u200cخو\u0627\u0647م 👩\u200d⚕ xy"
    )


def test_whitespace_of_any_width_is_one_space():
    assert collapse_whitespace("\u3000a\u00a0\u2003b\r\n\n c\u2028", lines=False) == "a b c"


def test_lines_stay_and_code_keeps_its_indentation():
    assert (
        collapse_whitespace(" a  b\r\n\n c\n```\nif x:\n\ty  =  1\n```\n", lines=True)
        == "a b\nc\n```\nif x:\n    y  =  1\n```"
    )


def test_lower_case_stays_composed():
    assert lowercase("ÉCG İ", []) == "écg i̇"


def test_lower_case_leaves_what_is_protected():
    assert lowercase("Use API Keys", [(4, 7)]) == "use API keys"
