"""Short texts of Western Europe are cp1252; texts of other scripts are not taken for it."""

import pytest

from stages.collect.encodings import guess_legacy_encoding, unmarked_utf16


@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "für",
        "été",
        "é",
        "où",
        "Über",
        "señor",
        "¿Qué?",
        "São João põe",
        "Ångström på øl",
        "Ærø år",
        "l’été – où",
        "naïve",
        "10 €",
    ],
)
def test_a_short_western_text_is_cp1252(text):
    assert guess_legacy_encoding(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Как настроить print() в Python? Голова болит.", "cp1251"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("ığüşöç İstanbul", "cp1254"),
        ("مرحبا بالعالم", "cp1256"),
        ("中文字符测试文本数据", "gb18030"),
        ("日本語のテキスト", "cp932"),
        ("한국어 텍스트", "cp949"),
    ],
)
def test_other_scripts_are_recognised(text, encoding):
    assert guess_legacy_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        # Each letter of these words is a Western letter in cp1252 too: Ãîëîâà, ùìåí, ôé.
        ("Голова", "cp1251"),
        ("# голова\nprint(1)", "cp1251"),
        ("שלום", "cp1255"),
        ("τι", "cp1253"),
    ],
)
def test_words_without_a_letter_of_ascii_are_not_western(text, encoding):
    assert guess_legacy_encoding(text.encode(encoding)) != "cp1252"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Hello there".encode("utf-16-le"), "utf-16-le"),
        ("Hello there".encode("utf-16-be"), "utf-16-be"),
        ("Как дела, всё хорошо".encode("utf-16-le"), "utf-16-le"),
        (b"Hello there", ""),
        (b"a\0b", ""),
        ("Grüße".encode("cp1252"), ""),
    ],
)
def test_utf16_without_a_mark_is_seen_by_its_separators(data, expected):
    assert unmarked_utf16(data) == expected
