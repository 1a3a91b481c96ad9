"""Letters that hide a word become plain; characters with a meaning of their own stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean import letter_forms
from stages.clean.letter_forms import plain_letters
from stages.clean.unicode import remove_invisible, repair_encoding


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        (
            "\ufe8d\ufedf\ufeb4\ufefc\ufee1 \ufecb\ufee0\ufef4\ufedc\ufee2",
            "السلام عليكم",
        ),  # as old PDFs have it
        ("\ufdf2", "الله"),
        ("\ufefb", "لا"),
        ("\ufe76", "\u064e"),  # an accent without a letter gets no space before it
        ("\u2f08\u2f1d\u2f47\u2f49", "人口日月"),  # radicals of the Kangxi dictionary
        ("\u2ed3\u2ec4\u2ea0\u2ee2", "长西民马"),  # and those beside them
        ("\uf900\u4e3a", "豈为"),
        ("\u337f \u3231 \u3314 \u32ff", "株式会社 (株) キロ 令和"),
        ("\ufe35甲\ufe36\ufe10乙", "（甲）\uff0c乙"),  # vertical forms are as wide as letters
        ("\U0001d4d7\U0001d4ee\U0001d4f5\U0001d4f5\U0001d4f8", "Hello"),
        ("\U0001d4bd\u212f\U0001d4c1\U0001d4c1\u2134", "hello"),  # two of them are older
        ("\U0001d7cf\U0001d7d8 \U0001d6fc", "10 α"),
        ("\u24bd\u24d4\u24db\u24db\u24de", "Hello"),
        ("\U0001f177\U0001f174\U0001f17b\U0001f17f", "HELP"),
        ("\u2460\u2461 \u2776 \u2474 \u2488", "(1)(2) (1) (1) 1."),  # two numbers stay two
        ("\uff21\uff22\uff23\uff11\uff12", "ABC12"),
        ("\uff83\uff7d\uff84\uff61", "テスト。"),
        ("\uffa4\uffa1", "ㄴㄱ"),
        ("\ufb13 \ufb21 \ufb4f", "մն א אל"),
        ("\u33d7 7, 3 \u338e, 5 \u339e", "pH 7, 3 mg, 5 km"),
        ("\u2121 5", "TEL 5"),
    ],
)
def test_letters_that_hide_words_become_plain(hidden, plain):
    assert repair_encoding(hidden) == plain


@pytest.mark.parametrize(
    "text",
    [
        "m² ½ ™ ® © x₁ ª º",
        "x ∈ ℝ, 5 ℓ",
        "费用：￥199（含税）！",
        "ㄱㄴㄷ ㅋㅋㅋ",
        "\U0001f170\ufe0f \U0001f171 \u24c2\ufe0f",  # blood groups, a sign of the underground
        "\u3299\ufe0f",
        "\u24d2 2020",
        "السلام عليكم",
        "ガイド",
        "人口日月",
        "Straße ſ",
        "ᵃ ᶜ",
        "… – — ‘’",
        "א ב",
        "Ⱥ ƒ ə",
    ],
)
def test_other_characters_stay(text):
    assert repair_encoding(text) == text


@pytest.mark.parametrize(
    "emoji",
    [
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
        "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",  # Wales
        "\U0001f1e7\U0001f1f7",
        "\U0001f44d\U0001f3fe",
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "1\ufe0f\u20e3",
        "#\ufe0f\u20e3",
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f9d1\u200d\U0001f4bb",
        "\u26a0\ufe0f",
        "\U0001f17f\ufe0f",
        "\U0001f197 \U0001f195",
        "\U0001f441\ufe0f\u200d\U0001f5e8\ufe0f",
    ],
)
def test_sequences_of_emoji_stay_whole(emoji):
    text = f"so {emoji} it is"
    assert remove_invisible(repair_encoding(text)) == text


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("Auf\u200clage", "Auflage"),
        ("mo\u200dção", "moção"),
        ("при\u200dвет", "привет"),
        ("发\u200d热", "发热"),
        ("x\U000e0067\U000e0062y", "xy"),  # tags without a flag
        ("\U0001f3f4\U000e0067", "\U0001f3f4"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_joiners_and_tags_go_where_they_only_hide_words(hidden, plain):
    assert remove_invisible(hidden) == plain


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("Å℉", "Å℉"),
        ("20 ℉", "20 °F"),
        ("Å℉\n20 ℉", "Å℉\n20 °F"),
        ("ÃƒÂ©tÃƒÂ© ℉", "été °F"),
    ],
)
def test_plain_letters_never_become_damage_to_repair(text, repaired):
    assert repair_encoding(text) == repaired
    assert repair_encoding(repaired) == repaired


def test_every_plain_form_is_stable_and_visible():
    for code, form in letter_forms._PLAIN_FORMS.items():
        assert plain_letters(form) == form, hex(code)
        assert form.strip(), hex(code)


@given(
    st.text(st.characters(min_codepoint=0x2100, max_codepoint=0x1FFFF, codec="utf-8"), max_size=8)
    | st.text("ÅÃÂâð ©\n℉℃Ⅳ①ﬁＡ𝐀ﺍ⼀", max_size=8)
)
def test_repairing_twice_is_repairing_once(text):
    once = repair_encoding(text)
    assert repair_encoding(once) == once


# A guard by another rule: the compatibility form of a text has as many letters as its plain form.
def _letters_lost(repair):
    texts = ["\ufe8d\ufedf\ufeb4", "\U0001d4d7\U0001d4ee", "\u24bd\u24d4", "\u2f08\u2f1d"]
    return [text for text in texts if unicodedata.normalize("NFKC", text) != repair(text)]


def test_a_rule_that_drops_letters_is_caught(monkeypatch):
    assert _letters_lost(plain_letters) == []
    monkeypatch.setattr(
        letter_forms, "_PLAIN_FORMS", {code: "" for code in letter_forms._PLAIN_FORMS}
    )
    assert len(_letters_lost(plain_letters)) == 2


@pytest.mark.parametrize(
    ("form", "plain"),
    [
        ("\u33a1", "m\u00b2"),
        ("\u33a5", "m\u00b3"),
        ("5 \u33a0", "5 cm\u00b2"),
        ("\u33a8", "m\u2215s\u00b2"),
        ("\u338f", "kg"),
    ],
)
def test_units_in_one_character_keep_their_exponents(form, plain):
    assert plain_letters(form) == plain
