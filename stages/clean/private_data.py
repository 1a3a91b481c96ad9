"""Private data: e-mail addresses and numbers of persons, found by pattern and check digit.

Precision comes first, since API documentation is full of numbers that belong to no person. An
IP address counts only if it is public, a card number only with its check digit and a known
length, a phone number only if it is written as one. Placeholders ("[EMAIL]") are never found
again.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from stages.clean.edits import Edit
from stages.lib.core.errors import UserError
from stages.lib.core.stage import check_pins

KINDS = ("EMAIL", "IP", "CARD", "NATIONAL_ID", "RECORD_NUMBER", "PHONE")
# The entities that presidio is asked for, and their kinds. Its own rule for e-mail addresses
# would use the network.
_KIND_OF_PRESIDIO_ENTITY = {
    "PHONE_NUMBER": "PHONE",
    "UK_NHS": "NATIONAL_ID",
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
}
_KINDS_BY_PRIORITY = (*KINDS, "PERSON", "LOCATION")

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@])")
_IPV4 = re.compile(r"(?<![\w.:/-])\d{1,3}(?:\.\d{1,3}){3}(?![\w/-]|\.\w|:\d*[A-Za-z])")
_IPV6 = re.compile(r"(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w.:])")
_VERSION_BEFORE = re.compile(r"\b(?:version|release|v|build|firmware|EC)[\s:]*$", re.IGNORECASE)
# Four short numbers are rather an enzyme (EC 2.7.1.40) or a section, unless a word before them
# says address.
_ADDRESS_BEFORE = re.compile(
    r"\b(?:IPs?|address|host|server|client|from|ping)\b\W*$", re.IGNORECASE
)
_WORD_BEFORE_REACH = 16  # characters that the two patterns above look back
_LONG_ADDRESS_DIGITS = 8
_CARD = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r" ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
)
_CPF = re.compile(r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])")
_RECORD_NUMBER = re.compile(
    r"\b(?:MRN|(?:medical|patient|hospital) (?:record )?(?:number|no\.?|id)|patient id"
    r"|record (?:number|no\.?)"
    r"|case no\.?|NHS (?:number|no\.?))\s*+(?:[:#=]\s*+)?"
    r"(?P<number>(?=[A-Z-]{0,40}\d)[A-Z0-9][A-Z0-9/-]{3,19})(?!\w)",
    re.IGNORECASE,
)
# Written as a phone number: a country code, an area in brackets, or groups of digits that
# nothing else has.
_PHONE = re.compile(
    r"(?<![\w.:/+-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}"
    r"|\(\d{2,5}\)[ .-]?\d{3,5}[ .-]?\d{4}"
    r"|(?:1[ .-])?[2-9]\d{2}([ .-])[2-9]\d{2}\1\d{4}"
    r"|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,4}"
    r")(?![\w-]|\.\d)"
)
_DIGIT = re.compile(r"\d")


class PrivateSpan(NamedTuple):
    """A span of private data, and its kind."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[PrivateSpan]:
    """Return the private data in `text`, from left to right, without overlaps."""
    # Most texts lack the sign that a pattern needs, and are skipped.
    spans: list[PrivateSpan] = []
    if "@" in text:
        spans += [PrivateSpan(*match.span(), "EMAIL") for match in _EMAIL.finditer(text)]
    if text.count(":") > 1:
        for match in _IPV6.finditer(text):
            if _is_public(match[0]):
                spans.append(PrivateSpan(*match.span(), "IP"))
    if _DIGIT.search(text):
        spans += _find_numbers(text)

    return _without_overlaps(spans)


def count_kinds(text: str) -> Counter[str]:
    """Return kind to the number of times that it stands in `text`."""
    return Counter(span.kind for span in find(text))


def redact(
    text: str,
    presidio: bool = False,
    model: str | None = None,
) -> list[Edit]:
    """Return the edits, from right to left, that put a placeholder in the place of private data.

    Their `before` is empty: a ledger with the removed text would undo the redaction. Only the
    collected row holds that text.
    """
    spans = find(text)
    if presidio:
        spans = _without_overlaps([*spans, *find_with_presidio(text, _analyzer(model))])

    edits: list[Edit] = []
    for start, end, kind in reversed(spans):
        edits.append(Edit("private_data", start=start, end=end, before="", after=f"[{kind}]"))

    return edits


def check_presidio(mode: str, model: str | None) -> None:
    """Check that presidio can run if `mode` needs it.

    Raises:
        UserError: presidio or its model is not installed, or its version is not the pinned one.
    """
    if mode == "presidio":
        _analyzer(model)
        check_pins(["presidio"])


def find_with_presidio(text: str, analyzer: Any) -> list[PrivateSpan]:
    """Return what `analyzer` (a presidio AnalyzerEngine) finds, from left to right."""
    # Presidio must not find the placeholders of an earlier round.
    results = analyzer.analyze(text=text, language="en", entities=sorted(_KIND_OF_PRESIDIO_ENTITY))
    spans: list[PrivateSpan] = []
    for result in results:
        is_placeholder = (
            text[result.start - 1 : result.start] == "["
            and text[result.end : result.end + 1] == "]"
        )
        if not is_placeholder:
            kind = _KIND_OF_PRESIDIO_ENTITY[result.entity_type]
            spans.append(PrivateSpan(result.start, result.end, kind))

    return sorted(spans)


@lru_cache(maxsize=1)
def _analyzer(model: str | None) -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        raise UserError(
            "params.yaml: clean.private_data is presidio, which is not installed",
            "run 'pip install -r requirements-presidio.txt', or set it to patterns",
        ) from None

    # The model is optional: presidio has patterns of its own.
    import spacy

    if model is not None and not spacy.util.is_package(model):
        raise UserError(
            f"params.yaml: clean.presidio_model '{model}' is not installed",
            "install that spaCy model, or set null for presidio's patterns alone",
        )

    # An engine with a loaded model never downloads one.
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": model or "blank"}])
    engine.nlp = {"en": spacy.load(model) if model else spacy.blank("en")}

    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def _find_numbers(text: str) -> list[PrivateSpan]:
    """Return the numbers of all kinds; they may overlap."""
    # Each pattern with its kind, and a check of what it matches.
    patterns: tuple[tuple[re.Pattern[str], str, Callable[[str], bool]], ...] = (
        (_CARD, "CARD", _is_card),
        (_SSN, "NATIONAL_ID", bool),
        (_NINO, "NATIONAL_ID", bool),
        (_CPF, "NATIONAL_ID", _is_cpf),
        (_PHONE, "PHONE", _is_phone),
    )
    spans: list[PrivateSpan] = []
    for pattern, kind, is_valid in patterns:
        for match in pattern.finditer(text):
            if is_valid(match[0]):
                spans.append(PrivateSpan(*match.span(), kind))

    # These two need more than the match itself.
    for match in _IPV4.finditer(text):
        if _is_public(match[0]) and _is_address(text, match):
            spans.append(PrivateSpan(*match.span(), "IP"))

    for match in _RECORD_NUMBER.finditer(text):
        spans.append(PrivateSpan(*match.span("number"), "RECORD_NUMBER"))

    return spans


def _without_overlaps(spans: Iterable[PrivateSpan]) -> list[PrivateSpan]:
    """Return spans without overlaps, left to right; the first kind wins, then the first place."""
    # The most certain kinds come first.
    priority = {kind: index for index, kind in enumerate(_KINDS_BY_PRIORITY)}
    ranked = sorted(spans, key=lambda span: (priority[span.kind], span.start, -span.end))
    accepted: list[PrivateSpan] = []
    for span in ranked:
        if all(span.end <= other.start or other.end <= span.start for other in accepted):
            accepted.append(span)

    return sorted(accepted)


def _is_address(text: str, match: re.Match[str]) -> bool:
    """Return True if four numbers are an address, by their length and the word before them."""
    before = text[max(0, match.start() - _WORD_BEFORE_REACH) : match.start()]
    if _VERSION_BEFORE.search(before):
        return False

    # A long address can hardly be anything else.
    is_long = len(_digits(match[0])) >= _LONG_ADDRESS_DIGITS

    return is_long or bool(_ADDRESS_BEFORE.search(before))


def _is_public(address: str) -> bool:
    """Return False for loopback, private and documentation ranges, which belong to no person."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def _is_card(text: str) -> bool:
    """Check the first digit, and the sum of Luhn: every second digit counts twice."""
    # A doubled digit counts with the sum of its own two digits.
    digits = _digits(text)
    total = 0
    for place, digit in enumerate(reversed(digits), start=1):
        value = digit if place % 2 else digit * 2
        total += value - 9 if value > 9 else value

    return digits[0] in (2, 3, 4, 5, 6) and total % 10 == 0


def _is_cpf(text: str) -> bool:
    """Check both check digits of a Brazilian CPF: weighted sums of the digits before each."""
    digits = _digits(text)

    # Eleven equal digits pass the check, but are no CPF.
    if len(set(digits)) == 1:
        return False

    for end in (9, 10):
        weights = range(end + 1, 1, -1)
        total = sum(digit * weight for digit, weight in zip(digits, weights, strict=False))
        if digits[end] != total * 10 % 11 % 10:
            return False

    return True


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15
