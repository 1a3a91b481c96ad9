"""Which licences let data be passed on, and what the sources of the last run say of theirs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path

from stages.collect.interface import CollectParams
from stages.collect.source import OUT_OF_DOMAIN
from stages.lib.core.errors import UserError
from stages.lib.core.model_folders import model_folder
from stages.lib.core.params import ModelParams, load_section

DATA_CARD = Path("metrics/data_card.md")
# How the licence of the base model is named among those of the sources.
BASE = "model.base"

_NOT_STATED = ("", "not stated", "unknown", "other", "none")
_WORD = re.compile(r"[a-z0-9.+]+")
_NUMBER = re.compile(r"v?[0-9][0-9.]*\+?")
# The words of Creative Commons, and what stands for them in a short name.
_SHORT = {
    "creative": "cc",
    "attribution": "by",
    "sharealike": "sa",
    "noncommercial": "nc",
    "noderivatives": "nd",
    "noderivs": "nd",
    "cc0": "zero",
}
_FILLERS = frozenset(
    {
        *("license", "licence", "the", "version", "gnu", "commons", "international", "unported"),
        *("universal", "generic", "public", "domain", "dedication", "only", "or", "later"),
    }
)
# Licences that let data be passed on, changed or not. Numbers of versions do not matter.
_OPEN = frozenset(
    {
        *("apache", "mit", "bsd", "bsd clause", "isc", "zlib", "unlicense", "wtfpl", "zero"),
        *("cc zero", "cc by", "cc by sa", "cc by nc", "cc by nc sa", "pddl", "odc by", "odbl"),
        *("cdla permissive", "cdla sharing", "gpl", "lgpl", "agpl", "mpl", "eupl", "gfdl"),
        *("ogl uk", "etalab", "dl de by", "dl de zero", "artistic", "afl", "ecl"),
    }
)
_FORBIDDING = re.compile(
    "all rights reserved|proprietary|confidential|internal use|internal only|unlicensed"
    "|(?:no|not for|without|prohibits) redistribution|not be redistributed|nonredistributable"
    "|do not (?:share|distribute|redistribute)"
)


class Permission(StrEnum):
    """Whether a licence lets data be passed on."""

    open = "may be passed on"
    forbidden = "forbids it"
    unknown = "unknown"


def permission(licence: str) -> Permission:
    """Return what a licence says of passing data on in another form, as far as its name is known.

    >>> permission("CC BY-SA 4.0"), permission("Apache License 2.0")
    (<Permission.open: 'may be passed on'>, <Permission.open: 'may be passed on'>)
    >>> permission("cc-by-nd-4.0")
    <Permission.forbidden: 'forbids it'>
    >>> permission("https://example.org/terms")
    <Permission.unknown: 'unknown'>
    """
    text = " ".join(licence.casefold().replace("-", " ").split())
    if text == "public domain":
        return Permission.open
    if _FORBIDDING.search(text):
        return Permission.forbidden

    # "Creative Commons Attribution-ShareAlike 4.0 International" is "cc by sa".
    joined = text.replace("share alike", "sharealike").replace("non commercial", "noncommercial")
    joined = joined.replace("no deriv", "noderiv")
    words = [_SHORT.get(word, word) for word in _WORD.findall(joined)]
    words = [word for word in words if word not in _FILLERS and not _NUMBER.fullmatch(word)]
    if "cc" in words and "nd" in words:
        return Permission.forbidden

    return Permission.open if " ".join(words) in _OPEN else Permission.unknown


def source_licences(card: str, names: Collection[str]) -> dict[str, str]:
    """Return the licence of each source, from the data card that `collect` wrote; "" for none.

    Args:
        card: the text of the card.
        names: the sources of params.yaml.

    Raises:
        UserError: the card lacks a source.
    """
    licences: dict[str, str] = {}
    section = ""
    for line in card.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("- Licence: "):
            # The first line of a section is that of the source.
            licences.setdefault(section, line.removeprefix("- Licence: "))

    missing = sorted(set(names) - licences.keys())
    if missing:
        raise UserError(
            f"{DATA_CARD} has no licence of the source '{missing[0]}'", "run 'dvc repro collect'"
        )
    return {name: licences[name] for name in names}


def licences_at_hand(*, has_model: bool) -> dict[str, str]:
    """Return the licence of each source of params.yaml, and that of the base model.

    Args:
        has_model: whether the base model counts.

    Raises:
        UserError: `collect` has not written the card of these sources.
    """
    if not DATA_CARD.is_file():
        raise UserError(f"{DATA_CARD} does not exist", "run 'dvc repro collect'")
    names = [name for name in load_section(CollectParams).sources if name != OUT_OF_DOMAIN]
    licences = source_licences(DATA_CARD.read_text("utf-8"), names)

    if has_model:
        licences[BASE] = _base_licence(load_section(ModelParams))
    return licences


def check_licences(licences: Mapping[str, str], may_share: Collection[str]) -> list[str]:
    """Return a line for each source and its licence, which all let the data be passed on.

    Args:
        licences: the licence of each source.
        may_share: sources whose licence a person has read, and says that it may be passed on.

    Raises:
        UserError: a licence forbids it, or is unknown and not in `may_share`.
    """
    strangers = sorted(set(may_share) - licences.keys())
    if strangers:
        raise UserError(
            f"--may-share names '{strangers[0]}', which gives nothing to what is sent",
            f"name one of: {', '.join(licences)}",
        )

    lines = []
    for name, licence in licences.items():
        shown = licence if licence.casefold() not in _NOT_STATED else "no licence stated"
        allowed = permission(licence)
        if allowed is Permission.forbidden:
            raise UserError(
                f"the licence of {name} forbids to pass its texts on: {shown}",
                "leave this source out of collect.sources, or correct its licence there",
            )
        if allowed is Permission.unknown and name not in may_share:
            raise UserError(
                f"nobody has said that {name} may be passed on: {shown}",
                f"read its terms, and if they allow it, add --may-share {name}",
            )
        by_hand = ", which you say may be passed on" if allowed is Permission.unknown else ""
        lines.append(f"{name}: {shown}{by_hand}")
    return lines


def _base_licence(params: ModelParams) -> str:
    """Return the licence in the head of the card of the base model; "" if there is none."""
    folder = model_folder(params.base, params.revision)
    card = folder / "README.md" if folder else None
    if card is None or not card.is_file():
        return ""

    # The head is YAML between two lines of dashes.
    head = card.read_text("utf-8", "replace").split("\n---", 1)[0]
    values = re.findall(r"(?m)^licen[cs]e:[ \t]*(\S[^\n]*)$", head)
    return values[0].strip("'\" ") if values else ""
