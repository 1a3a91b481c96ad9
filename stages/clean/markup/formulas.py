"""Exponents and indices in one line of plain text: x^2, a_(ij), H\u2082O, 1st, word\u00b3.

"^" and "_" say what raised and lowered letters mean: 10 to the power of 9 is not 109. Where they
mean something else, the usual spelling stays: ordinals, trademarks, degrees and marks in brackets
are plain; formulas of chemistry, charges, isotopes and marks of footnotes keep raised or lowered
characters of Unicode, which a reader takes as they look.
"""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-\u2212\u2013", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LOWERED = str.maketrans("0123456789+-\u2212", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_ANY_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]")
_ANY_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋]")

_TRADEMARKS = {"tm": "\u2122", "sm": "\u2120", "(tm)": "\u2122", "(r)": "\u00ae", "(c)": "\u00a9"}
_ORDINAL_LIST = "st nd rd th er ère ere re nd nde e ème eme ième ieme es ers d de ste"
_ORDINALS = frozenset(_ORDINAL_LIST.split())
_ROMAN_NUMBER = re.compile(r"(?<![^\W_])[IVXLCDM]+$")
# A letter that stands for a number: the n-th.
_NUMBER_LETTER = re.compile(r"(?<![^\W_])[a-zA-Z]$")
# Words that are cut short: M<sup>me</sup>, D<sup>r</sup>, n<sup>os</sup>, M<sup>c</sup>Donald.
_SHORTENED = re.compile(
    r"(?:M (?:me|mes|lle|lles|gr|r|rs|c|s)|D (?:r|re|rs|ra)|S (?:t|te|r|ra)|P (?:r|re)|J (?:r)|"
    r"[Nn] (?:os|r)|C (?:ie)|V (?:ve)|W (?:m)|Ma (?:c))",
)
_NUMERO = re.compile(r"(?<![^\W_])[nN]$")
_UNIT_LIST = (
    "mm cm dm km kg mg ug ng ml dl mol mmol min sec hr day days week weeks year years yr month "
    "months cell cells inch ft yd px pa kpa mpa ev kev mev gev hz khz mhz ghz cal kcal rad bit "
    "bits "
    "sin cos tan cot sec csc sinh cosh tanh log ln lg exp lim max min det dim ker deg gcd arg "
    "arcsin arccos arctan alpha beta gamma delta epsilon theta lambda sigma omega phi chi psi rho "
    "tau eta zeta kappa meter meters metre metres mile miles acre foot feet"
)
_UNITS = frozenset(_UNIT_LIST.split())
_SHORT_WORDS = frozenset(
    [
        "a",
        "an",
        "as",
        "at",
        "be",
        "by",
        "do",
        "he",
        "if",
        "in",
        "is",
        "it",
        "me",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "us",
        "we",
    ]
)
_ELEMENT_LIST = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb "
    "Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am"
)
_ELEMENT = "|".join(sorted(_ELEMENT_LIST.split(), key=lambda symbol: (-len(symbol), symbol)))
_CHEMICAL = re.compile(
    rf"(?<![^\W\d_])(?:{_ELEMENT}|[₀-₉()\[\]·])*(?:{_ELEMENT}|(?<=[A-Za-z₀-₉)])[)\]])$"
)
_FORMULA_REACH = 100  # characters that _CHEMICAL looks back
# LD50 and FEV1 are names, not variables.
_ACRONYM = re.compile(r"(?<![^\W\d_])[A-Z]{2,}$")
# Gases in blood and breath: PaO2, SpO2, FiO2, etCO2.
_BREATH = re.compile(r"(?:[PpSsFV][aAivpt]{0,2}|et)C?O$")

_DIGITS = re.compile(r"[0-9]+")
_FOOTNOTE = re.compile(r"[0-9]{1,3}(?:\s*[,\u2013-]\s*[0-9]{1,3})*")
_CHARGE = re.compile(r"[0-9]{0,2}[-+\u2212\u2013]|[-+\u2212\u2013]{1,3}")
_IN_BRACKETS = re.compile(r"(?:\[[^\[\]]*\]\s*)+")
_ONE_TERM = re.compile(r"[-+\u2212\u00b1]?(?:[0-9]+(?:\.[0-9]+)?|[^\W\d_]|[\u221e∞*\u2032'])")
_TERM_LIST = "max min new old ref eff obs tot rel red out ext int opt avg std"
_TERM_WORDS = frozenset(_TERM_LIST.split())
_YEAR = re.compile(r"(?<![\w.,])(?:1[89]|20)[0-9]{2}$")
_LETTERS = re.compile(r"(?<![^\W\d_])[^\W\d_]++$")
# A power or an index: x^2, x_(i+1), x_max.
_POWER = re.compile(
    r"\w++\^(?:\w++|\([^()]*+\))|\w[^\W_]*+_\w++|\w++(?<=\w_)\([^()]*+\)",
)
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_BRACKET_GROUP = re.compile(r"[(\[{|]([^()\[\]{}|]{0,60})[)\]}|]$")
_OPERATOR = re.compile(r"[-+*/=·\u00d7\u2212\u00b1^_,]")


def superscript(
    before: str,
    content: str,
    after: str = "",
    is_reference: bool = False,
) -> str:
    """Return raised `content` in plain text, to be put behind `before`.

    Args:
        before: the text of the line before it.
        content: what is raised, on one line.
        after: the text behind it.
        is_reference: whether it is a link or has the class of a footnote.

    >>> superscript("10", "9"), superscript("2", "n+1"), superscript("1", "st")
    ('^9', '^(n+1)', 'st')
    """
    if not content:
        return ""

    # What is never a power, whatever stands before it.
    plain = _plain_superscript(before, content, after)
    if plain is not None:
        return plain

    # Marks of footnotes, and isotopes.
    has_base = bool(before) and (before[-1].isalnum() or before[-1] in ")]}|'\u2032_%₀₁₂₃₄₅₆₇₈₉∞")
    if is_reference or not has_base:
        return _mark(before, content, has_base)
    if _CHARGE.fullmatch(content) and not content.isdigit() and content[-1] in "+-\u2212\u2013":
        return content.translate(_RAISED)

    return _power(before, content)


def subscript(before: str, content: str) -> str:
    """Return lowered `content` in plain text, to be put behind `before`.

    >>> subscript("H", "2"), subscript("x", "i"), subscript("a", "i+1"), subscript("log", "2")
    ('₂', '_i', '_(i+1)', '_2')
    """
    if not content:
        return ""

    # Small print is not an index, and neither is what has no base.
    has_base = bool(before) and (before[-1].isalnum() or before[-1] in ")]}|'\u2032∑∫∏%^")
    if _is_small_print(content):
        return _apart(before, content)
    if not has_base:
        is_isotope = bool(_DIGITS.fullmatch(content)) and before[-1:] not in ("/", "\u2044")
        return content.translate(_LOWERED) if is_isotope else content

    # Chemistry and medicine.
    if _DIGITS.fullmatch(content) and _ACRONYM.search(before):
        return content.translate(_LOWERED)

    is_count = bool(_DIGITS.fullmatch(content)) and content not in ("0", "1")
    is_gas = content == "2" and bool(_BREATH.search(before))
    if is_count and (is_gas or _CHEMICAL.search(before, max(0, len(before) - _FORMULA_REACH))):
        return content.translate(_LOWERED)
    if before.endswith("HbA"):
        return content

    return "_" + _index_term(content)


def _plain_superscript(before: str, content: str, after: str) -> str | None:
    """Return what usage writes plainly; None for other content."""
    small = content.lower()
    if small in _TRADEMARKS and not (before[-1:].isdigit() and small == "(c)"):
        return _TRADEMARKS[small]
    if _IN_BRACKETS.fullmatch(content):
        return content
    if content in ("+", "-", "\u2212"):
        is_ion = bool(before) and (before[-1].isalpha() or before[-1] in ")]₀₁₂₃₄₅₆₇₈₉")
        return content.translate(_RAISED) if is_ion else content
    if not any(character.isalnum() for character in content):
        return "^" + content if "\u221e" in content else content

    return _plain_letters(before, content, after)


def _plain_letters(before: str, content: str, after: str) -> str | None:
    """Return degrees, ordinals, and the ends of words that are cut short; None for others."""
    small = content.lower()
    is_number = before[-1:].isdigit()
    if (
        before.rstrip()[-1:].isdigit()
        and content in ("o", "O", "0", "\u00ba")
        and re.match(r"\s?[CF]\b", after)
    ):
        return "\u00b0"
    if small == "th" and _NUMBER_LETTER.search(before):
        return content

    base = _LETTERS.search(before)
    if base and _SHORTENED.fullmatch(f"{base[0]} {content}"):
        return content

    # A formula that goes on holds no ordinals: 2^a + 1.
    if _is_math(after):
        return None
    if content in ("o", "a") and (is_number or _NUMERO.search(before)):
        return {"o": "\u00ba", "a": "\u00aa"}[content]

    is_roman = bool(_ROMAN_NUMBER.search(before)) and small not in ("d", "de")
    return content if small in _ORDINALS and (is_number or is_roman) else None


def _is_math(after: str) -> bool:
    """Return True if a formula goes on: "2^a + 1"."""
    return bool(re.match(r"\s*[-+*/=^\u2212·\u00d7<>]", after))


def _mark(before: str, content: str, has_base: bool) -> str:
    """Return a mark of a footnote, or a number of an isotope."""
    if _FOOTNOTE.fullmatch(content):
        return content.translate(_RAISED)
    if has_base and not _is_small_print(content) and len(content) <= 3:
        return f"[{content}]"

    return _apart(before, content)


def _power(before: str, content: str) -> str:
    """Return `content` as a power of what `before` ends with, or as the mark of a footnote."""
    if _is_small_print(content):
        return _apart(before, content)

    is_footnote = bool(_FOOTNOTE.fullmatch(content)) and not _is_power_base(before, content)
    if is_footnote:
        return content.translate(_RAISED)

    # A word above a word is no power.
    letters = _LETTERS.search(before)
    base = letters[0] if letters else ""
    is_word = len(base) > 2 and base.lower() not in _UNITS
    if is_word and content.isalpha() and len(content) > 1:
        return _apart(before, content)

    return "^" + _one_term(content)


def _is_power_base(before: str, content: str) -> bool:
    """Return True if `before` ends with what is raised to a power, and not with a word."""
    letters = _LETTERS.search(before)
    if letters:
        word = letters[0]
        if _UNSPACED.search(word):
            return False
        if word.lower() in _UNITS:
            return True

        return len(word) == 1 or (len(word) == 2 and word.lower() not in _SHORT_WORDS)

    # A bracket holds a formula if it holds operators or single letters.
    group = _BRACKET_GROUP.search(before)
    if group:
        words = re.findall(r"[^\W\d_]{3,}", group[1])
        return all(word.lower() in _UNITS for word in words) or bool(_OPERATOR.search(group[1]))

    return not (_YEAR.search(before) and _DIGITS.fullmatch(content))


def _is_small_print(content: str) -> bool:
    """Return True for several words, which are neither a power nor an index."""
    words = content.split()
    long_words = [word for word in words if len(re.sub(r"\W", "", word)) > 3]
    return len(words) > 1 and bool(long_words) and not _OPERATOR.search(content)


def _apart(before: str, content: str) -> str:
    """Return `content` as words of their own."""
    needs_space = bool(before) and not before[-1].isspace() and before[-1] not in "([{"
    return " " + content if needs_space else content


def _one_term(content: str) -> str:
    """Return `content` in brackets, unless it is one term without them."""
    is_one_term = bool(_ONE_TERM.fullmatch(content))
    is_word = content.isalpha() and (len(content) > 3 or content.lower() in _TERM_WORDS)
    is_in_brackets = bool(re.fullmatch(r"\([^()]*\)|\{[^{}]*\}", content))
    if is_one_term or is_word or is_in_brackets:
        return content

    return f"({content})"


def _index_term(content: str) -> str:
    """Return an index; letters side by side are one index, as in a_ij."""
    return content if content.isalpha() else _one_term(content)


def linear_exponent(base: str, exponent: str) -> str:
    """Return a power as one line; a base of several terms gets brackets.

    >>> linear_exponent("a+b", "2"), linear_exponent("x", "n")
    ('(a+b)^2', 'x^n')
    """
    return f"{linear_term(base)}^{_one_term(exponent)}"


def linear_index(base: str, index: str) -> str:
    """Return an index as one line.

    >>> linear_index("x", "i+1")
    'x_(i+1)'
    """
    return f"{linear_term(base)}_{_index_term(index)}"


def linear_term(content: str) -> str:
    """Return `content`, in brackets if it is a sum, a product or a fraction.

    >>> linear_term("x + 1"), linear_term("2.5"), linear_term("f(x)")
    ('(x + 1)', '2.5', 'f(x)')
    """
    is_simple = bool(re.fullmatch(r"[\w.\u0300-\u036f\u20d7\u2032'∞]*", content))
    is_call = bool(re.fullmatch(r"\w*(?:\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|\|[^|]*\|)", content))
    is_power = bool(_POWER.fullmatch(content))
    if is_simple or is_call or is_power or len(content) == 1:
        return content

    return f"({content})"
