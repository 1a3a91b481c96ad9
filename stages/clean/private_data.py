"""Private data: e-mail addresses, phone, card, IP, national and record numbers, found by pattern and check digit.

Precision comes first: API documentation is full of numbers that are nobody's. An IP address counts only where it can
be a person's (public ones), a card number only with its check digit and a known length, a phone number only written as
one. Placeholders ("[EMAIL]") are never found again.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from stages.clean.edits import Edit
from stages.lib.errors import Problem
from stages.lib.stage import check_pins

KINDS = ("EMAIL", "IP", "CARD", "NATIONAL_ID", "RECORD_NUMBER", "PHONE")
# What presidio is asked for: what no pattern can find. Its own rule for e-mail addresses would ask the network.
_FOR_PRESIDIO = {
    "PHONE_NUMBER": "PHONE",
    "UK_NHS": "NATIONAL_ID",
    "PERSON": "PERSON",
    "LOCATION": "LOCATION",
}

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@])")
_IPV4 = re.compile(r"(?<![\w.:/-])\d{1,3}(?:\.\d{1,3}){3}(?![\w/-]|\.\w|:\d*[A-Za-z])")
_IPV6 = re.compile(r"(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w.:])")
_VERSION = re.compile(r"\b(?:version|release|v|build|firmware|EC)[\s:]*$", re.IGNORECASE)
# Four short numbers are rather an enzyme (EC 2.7.1.40) or a section; as an address they need to be called one.
_ADDRESS = re.compile(r"\b(?:IPs?|address|host|server|client|from|ping)\b\W*$", re.IGNORECASE)
_LONG_ADDRESS = 8
_CARD = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
)
_CPF = re.compile(r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])")
_RECORD = re.compile(
    r"\b(?:MRN|(?:medical|patient|hospital) (?:record )?(?:number|no\.?|id)|patient id|record (?:number|no\.?)"
    r"|case no\.?|NHS (?:number|no\.?))\s*[:#=]?\s*(?P<number>(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9/-]{3,19})(?!\w)",
    re.IGNORECASE,
)
# Written as a phone number: a country code, an area in brackets, or groups that nothing else has.
_PHONE = re.compile(
    r"(?<![\w.:/+-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}"
    r"|\(\d{2,5}\)[ .-]?\d{3,5}[ .-]?\d{4}"
    r"|(?:1[ .-])?[2-9]\d{2}([ .-])[2-9]\d{2}\1\d{4}"
    r"|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,4}"
    r")(?![\w-]|\.\d)"
)
_DIGITS = re.compile(r"\d")


class Found(NamedTuple):
    """Where something private stands and of which kind it is."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[Found]:
    """Return what is private in `text`, from left to right; of overlapping finds the first kind of KINDS wins."""
    found: list[Found] = []
    if "@" in text:
        found += [Found(*match.span(), "EMAIL") for match in _EMAIL.finditer(text)]
    if text.count(":") > 1:
        found += [
            Found(*match.span(), "IP") for match in _IPV6.finditer(text) if _is_public(match[0])
        ]
    if _DIGITS.search(text):
        found += _numbers(text)
    return _disjoint(found)


def count(text: str) -> Counter[str]:
    """Return how often each kind stands in `text`."""
    return Counter(one.kind for one in find(text))


def redact(text: str, presidio: bool = False, model: str | None = None) -> list[Edit]:
    """Return the edits, from right to left, that put a placeholder in place of what is private.

    Their `before` is empty: a ledger that repeated what was taken out would undo the redaction. What stood there is
    in the row as collected alone.
    """
    found = find(text)
    if presidio:
        found = _disjoint([*found, *with_presidio(text, _analyzer(model))])
    return [
        Edit("private_data", one.start, one.end, "", f"[{one.kind}]") for one in reversed(found)
    ]


def check(mode: str, model: str | None) -> None:
    """Raise Problem when `mode` needs presidio and it cannot be had, or is another version than the pinned one."""
    if mode == "presidio":
        _analyzer(model)
        check_pins(["presidio"])


def with_presidio(text: str, analyzer: Any) -> list[Found]:
    """Return what `analyzer` (a presidio AnalyzerEngine) finds, from left to right."""
    found = [
        Found(one.start, one.end, _FOR_PRESIDIO[one.entity_type])
        for one in analyzer.analyze(text=text, language="en", entities=sorted(_FOR_PRESIDIO))
        if not (text[one.start - 1 : one.start] == "[" and text[one.end : one.end + 1] == "]")
    ]
    return sorted(found)


@lru_cache(maxsize=1)
def _analyzer(model: str | None) -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        raise Problem(
            "params.yaml: clean.private_data is presidio, which is not installed",
            "run 'pip install -r requirements-presidio.txt', or set it to patterns",
        ) from None
    import spacy

    if model is not None and not spacy.util.is_package(model):
        raise Problem(
            f"params.yaml: clean.presidio_model '{model}' is not installed",
            "install that spaCy model, or set null for presidio's patterns alone",
        )
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": model or "blank"}])
    engine.nlp = {"en": spacy.load(model) if model else spacy.blank("en")}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def _numbers(text: str) -> list[Found]:
    checks: tuple[tuple[re.Pattern[str], str, Callable[[str], bool]], ...] = (
        (_CARD, "CARD", _is_card),
        (_SSN, "NATIONAL_ID", lambda _: True),
        (_NINO, "NATIONAL_ID", lambda _: True),
        (_CPF, "NATIONAL_ID", _is_cpf),
        (_PHONE, "PHONE", _is_phone),
    )
    found = [
        Found(*match.span(), kind)
        for pattern, kind, holds in checks
        for match in pattern.finditer(text)
        if holds(match[0])
    ]
    found += [
        Found(*match.span(), "IP")
        for match in _IPV4.finditer(text)
        if _is_public(match[0]) and _is_address(text, match)
    ]
    return [
        *found,
        *(Found(*match.span("number"), "RECORD_NUMBER") for match in _RECORD.finditer(text)),
    ]


def _disjoint(found: list[Found]) -> list[Found]:
    rank = {kind: at for at, kind in enumerate([*KINDS, "PERSON", "LOCATION"])}
    taken: list[Found] = []
    for one in sorted(found, key=lambda one: (rank[one.kind], one.start, -one.end)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return sorted(taken)


def _is_address(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 16) : match.start()]
    return not _VERSION.search(before) and (
        len(_digits(match[0])) >= _LONG_ADDRESS or bool(_ADDRESS.search(before))
    )


def _is_public(address: str) -> bool:
    # Loopback, private and documentation ranges are nobody's.
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


def _is_card(text: str) -> bool:
    digits = _digits(text)
    doubled = [digit if at % 2 else digit * 2 for at, digit in enumerate(reversed(digits), 1)]
    return (
        digits[0] in (2, 3, 4, 5, 6)
        and sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0
    )


def _is_cpf(text: str) -> bool:
    digits = _digits(text)
    if len(set(digits)) == 1:
        return False
    for end in (9, 10):
        rest = (
            sum(
                digit * weight for digit, weight in zip(digits, range(end + 1, 1, -1), strict=False)
            )
            * 10
            % 11
            % 10
        )
        if digits[end] != rest:
            return False
    return True


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15
