"""Letter forms: characters that hide a word from a tokenizer, each with its plain letters.

Unicode keeps many letters a second time for the sake of old encodings, or of their looks: Arabic
presentation forms, radicals, mathematical and enclosed letters, full and half widths. PDFs and
social media are full of them, and a tokenizer reads each as an unknown word. Characters whose
plain form means something else stay: m\u00b2 is not m2, \u00bd is not 12, \u2122 is not TM, and
Chinese sets its own commas. Plain forms: NFKC (Unicode Standard Annex 15); those of radicals:
EquivalentUnifiedIdeograph.txt of the Unicode Character Database.
"""

from __future__ import annotations

import re
import unicodedata

# The ideographs of the radicals U+2E81 to U+2EF3, in their order. U+2E9A does not exist.
_RADICALS = [code for code in range(0x2E81, 0x2EF4) if code != 0x2E9A]
_IDEOGRAPHS = (
    "厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄心扌攵旡日月歺母民氵氺灬爫爫丬牛犭王"
    "𤴔目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑钅長"
    "镸长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟"
)
# Ranges whose characters are plain in the form NFKC.
_COMPATIBLE = (
    range(0x2160, 0x2180),  # Roman numerals
    range(0x2474, 0x24B6),  # numbers and letters in brackets
    range(0x2F00, 0x2FD6),  # radicals of the Kangxi dictionary
    range(0x3200, 0x3251),  # enclosed ideographs, and the numbers below them
    range(0x3260, 0x32B1),
    range(0x32C0, 0x3400),  # months, eras, squared words and units
    range(0xFB13, 0xFB18),  # Armenian ligatures
    range(0xFB20, 0xFB29),  # wide Hebrew letters
    range(0xFB4F, 0xFDFD),  # Arabic presentation forms
    range(0xFE70, 0xFEFD),
    range(0x1EE00, 0x1EEF2),  # Arabic mathematical letters
    range(0x1F100, 0x1F10B),
    range(0x1F110, 0x1F12A),
)
# Numbers in circles. Brackets keep them apart: two circled numbers are not one number.
_CIRCLED_NUMBERS = (
    range(0x2460, 0x2474),
    range(0x24EA, 0x2500),
    range(0x2776, 0x2794),
    range(0x3251, 0x3260),
    range(0x32B1, 0x32C0),
)
# Forms for vertical lines, and small forms; Chinese sets its signs as wide as its letters.
_VERTICAL_SIGNS = (range(0xFE10, 0xFE19), range(0xFE35, 0xFE45), range(0xFE50, 0xFE5F))
# Exponents of units in one character, by their code: a square metre is no m2.
_EXPONENTS = {"00B2": "\u00b2", "00B3": "\u00b3"}
# Signs that stand for words.
_SIGNS = {
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in (0x2100, 0x2105, 0x2121, 0x213B)},
    0x2103: "\u00b0C",
    0x2109: "\u00b0F",
    0x00B5: "\u03bc",
    0x2126: "\u03a9",
    0x212A: "K",
    0x212B: "\u00c5",
    0x2010: "-",
    0x2011: "-",
    0x2012: "\u2013",
    0x2116: "No.",
    0x33D7: "pH",
    0x2024: ".",
    0x2025: "..",
}

# Letters in circles and squares. A variation selector makes an emoji of the letter before it, and
# some are emoji or signs where they stand alone: blood groups, the sign of a car park, copyright.
_ENCLOSED = "\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
_ENCLOSED_RUN = re.compile(f"[{_ENCLOSED}]+(?!\ufe0f)")
_ENCLOSED_ALPHABETS = (0x24B6, 0x24D0, 0x1F130, 0x1F150, 0x1F170)
_SIGNS_ALONE = "\u24b8\u24d2\u24c7\u24e1\U0001f170\U0001f171\U0001f17e\U0001f17f"

# Mathematical letters. Some are older, and stand among the letterlike symbols; of these, the
# tokenizers read two where they stand alone.
_READABLE_ALONE = "\u2113\u211d"
_MATHEMATICAL = (
    "\u2102\u210a-\u210e\u2110-\u2112\u2115\u2119-\u211c\u2124\u2128\u212c\u212d\u212f-\u2131"
    "\u2133\u2134\u2145-\u2149\U0001d400-\U0001d7ff"
)
_MATHEMATICAL_RUN = re.compile(f"[{_MATHEMATICAL}{_READABLE_ALONE}]+")

# Forms of another width: Latin letters and digits as wide as Chinese ones, with the signs
# between two of them, and katakana of half width. Chinese and Japanese punctuation is as wide
# as their letters, and stays.
_WIDE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_OTHER_WIDTHS = re.compile(f"[{_WIDE}]+(?:[\uff01-\uff5e][{_WIDE}]+)*|[\uff61-\uff9f]+")
# The two enclosed ideographs that are emoji where a variation selector follows.
_EMOJI_IDEOGRAPHS = re.compile("([\u3297\u3299])(?!\ufe0f)")


def plain_letters(text: str) -> str:
    """Return `text` with plain letters for those that hide a word, in composed Unicode (NFC).

    >>> plain_letters("\U0001d40f\U0001d42b\U0001d428\U0001d428\U0001d41f of x\u00b2")
    'Proof of x\u00b2'
    """
    if not _HIDING.search(text):
        return text

    # Letters whose form depends on their neighbours come first.
    text = _OTHER_WIDTHS.sub(_compatible, text)
    text = _ENCLOSED_RUN.sub(_without_enclosure, text)
    text = _MATHEMATICAL_RUN.sub(_without_style, text)
    text = _EMOJI_IDEOGRAPHS.sub(_compatible, text)

    return unicodedata.normalize("NFC", text.translate(_PLAIN_FORMS))


def _compatible(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _without_enclosure(match: re.Match[str]) -> str:
    letters = match[0]
    if len(letters) == 1 and letters in _SIGNS_ALONE:
        return letters

    return "".join(map(_enclosed_letter, letters))


def _enclosed_letter(character: str) -> str:
    """Return the letter in a circle or square; only one of the alphabets has small letters."""
    code = ord(character)
    first = max(start for start in _ENCLOSED_ALPHABETS if start <= code)
    base = "a" if first == 0x24D0 else "A"

    return chr(ord(base) + code - first)


def _without_style(match: re.Match[str]) -> str:
    is_readable = all(character in _READABLE_ALONE for character in match[0])
    return match[0] if is_readable else unicodedata.normalize("NFKC", match[0])


def _plain_form(code: int) -> str:
    """Return the form NFKC, without the space that it puts before accents, and with exponents."""
    parts = unicodedata.decomposition(chr(code)).split()[1:]
    if any(part in _EXPONENTS for part in parts):
        return "".join(_EXPONENTS.get(part) or _plain_form(int(part, 16)) for part in parts)

    return unicodedata.normalize("NFKC", chr(code)).lstrip()


def _circled_number(code: int) -> str:
    return f"({int(unicodedata.numeric(chr(code)))})"


def _full_width(code: int) -> str:
    """Return the sign as wide as a Chinese letter."""
    sign = unicodedata.normalize("NFKC", chr(code))
    return chr(ord(sign) + 0xFEE0) if sign.isascii() and len(sign) == 1 else sign


def _single_jamo(code: int) -> str:
    """Return the Korean letter of full width for one of half width, by its decomposition."""
    decomposition = unicodedata.decomposition(chr(code)).split()
    return chr(int(decomposition[1], 16)) if decomposition else chr(code)


def _plain_forms() -> dict[int, str]:
    """Return the plain form of each character that is plain in any place."""
    forms: dict[int, str] = {}
    forms.update((code, form) for code, form in zip(_RADICALS, _IDEOGRAPHS, strict=True))
    for codes in _COMPATIBLE:
        forms.update((code, _plain_form(code)) for code in codes)
    for codes in _CIRCLED_NUMBERS:
        forms.update((code, _circled_number(code)) for code in codes)
    for codes in _VERTICAL_SIGNS:
        forms.update((code, _full_width(code)) for code in codes)

    forms.update((code, _single_jamo(code)) for code in range(0xFFA0, 0xFFDD))
    for emoji in (0x3297, 0x3299):
        del forms[emoji]

    forms.update(_SIGNS)
    return {code: form for code, form in forms.items() if form != chr(code)}


_PLAIN_FORMS = _plain_forms()


def _hiding() -> re.Pattern[str]:
    """Return the pattern of all characters of this file: most texts hold none."""
    singles = "".join(map(chr, sorted(_PLAIN_FORMS)))
    return re.compile(
        f"[{re.escape(singles)}{_ENCLOSED}{_MATHEMATICAL}{_WIDE}\uff61-\uff9f\u3297\u3299]"
    )


_HIDING = _hiding()
