"""Bytes become the text that a person wrote: by mark, declaration, UTF-8, or a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.kinds.document_files.decoding import decode, encoding_name

JAPANESE = "返品は三十日以内に承ります。送料はお客様のご負担です。"
RUSSIAN = "Возврат товара возможен в течение тридцати дней после покупки."


@pytest.mark.parametrize(
    ("data", "text", "encoding", "is_guessed"),
    [
        (b"plain", "plain", "utf-8", False),
        ("Grüße".encode(), "Grüße", "utf-8", False),
        ("Grüße".encode("utf-8-sig"), "Grüße", "utf-8", False),
        ("Grüße".encode("utf-16"), "Grüße", "utf-16-le", False),
        ("\ufeffGrüße".encode("utf-16-be"), "Grüße", "utf-16-be", False),
        ("\ufeffGrüße".encode("utf-32-le"), "Grüße", "utf-32-le", False),
        ("Hello there".encode("utf-16-le"), "Hello there", "utf-16-le", True),
        ("Hello there".encode("utf-16-be"), "Hello there", "utf-16-be", True),
        (
            "Die Öffnungszeiten für Ärzte".encode("cp1252"),
            "Die Öffnungszeiten für Ärzte",
            "cp1252",
            True,
        ),
        ("“Café” – 10 €".encode("cp1252"), "“Café” – 10 €", "cp1252", True),
        (RUSSIAN.encode("cp1251"), RUSSIAN, "cp1251", True),
        (JAPANESE.encode("cp932"), JAPANESE, "cp932", True),
        # A few broken bytes in UTF-8.
        ("é".encode() * 40 + b"\xff", "é" * 40 + "\ufffd", "utf-8", False),
    ],
)
def test_the_encoding_of_plain_text(data, text, encoding, is_guessed):
    decoded = decode(data)
    assert decoded[:3] == (text, encoding, is_guessed)


@pytest.mark.parametrize(
    ("declaration", "written", "read"),
    [
        ("<meta charset=Shift_JIS>", "cp932", "cp932"),
        ('<meta charset="x-sjis">', "cp932", "cp932"),
        ('<?xml version="1.0" encoding="EUC-JP"?>', "euc-jp", "euc_jp"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=iso-2022-jp">',
            "iso-2022-jp",
            "iso2022_jp",
        ),
        ("<META CHARSET='utf-8'>", "utf-8", "utf-8"),
        # Saved anew as UTF-8 with its old declaration.
        ("<meta charset=Shift_JIS>", "utf-8", "utf-8"),
        # In bytes that read as ASCII, UTF-16 cannot be.
        ("<meta charset=utf-16>", "utf-8", "utf-8"),
        ("<meta charset=no-such-thing>", "utf-8", "utf-8"),
    ],
)
def test_what_a_page_declares(declaration, written, read):
    text = f"<html><head>{declaration}</head>{JAPANESE}"
    assert decode(text.encode(written), may_declare=True)[:3] == (text, read, False)


def test_latin_1_means_what_browsers_read():
    page = "<meta charset=iso-8859-1>“10 €”"
    assert decode(page.encode("cp1252"), may_declare=True).text == page


def test_the_setting_counts_for_files_without_a_mark():
    assert decode("ї".encode("cp1251"), encoding="cp1251") == ("ї", "cp1251", False, 0)
    assert decode("ї".encode("utf-8-sig"), encoding="cp1251").text == "ї"
    assert decode(b"\x98", encoding="cp1251").damaged == 1


@pytest.mark.parametrize(
    ("name", "python"),
    [
        ("ISO-8859-1", "cp1252"), ("latin1", "cp1252"), ("us-ascii", "cp1252"), ("gb2312", "gb18030"),
        ("GBK", "gb18030"), ("windows-1251", "cp1251"), ("koi8-r", "koi8-r"), ("euc-kr", "cp949"), ("tis-620", "cp874"),
        ("utf-7", ""), ("rot13", ""), ("hex", ""), ("idna", ""), ("unicode_escape", ""), ("undefined", ""), ("", ""),
        ("x-user-defined", ""), ("zip", ""), ("a\0b", ""),
    ],
)  # fmt: skip
def test_names_of_encodings(name, python):
    assert encoding_name(name) == python


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_become_text_that_can_be_written(data, may_declare):
    first = decode(data, may_declare=may_declare)
    first.text.encode()
    assert decode(data, may_declare=may_declare) == first


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff\0"), max_size=100)
)
def test_utf8_is_read_as_it_was_written(text):
    assert decode(text.encode()).text == text
