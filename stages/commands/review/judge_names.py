"""The names of judges, which stand in git, and whose annotations of Label Studio are whose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stages.lib.core.errors import UserError
from stages.lib.schemas.reviews import AGREED

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]{0,39}")
_REMEDY = f"use up to 40 letters, digits, dots and underscores, and not '{AGREED}'"
# No message names more annotators than this.
_SHOWN = 5


def check_name(judge: str) -> None:
    """Check that files for git may hold a name of a judge.

    Raises:
        UserError: they may not.
    """
    if not _NAME.fullmatch(judge) or judge == AGREED:
        raise UserError(f"{judge!r} is no name for a judge", _REMEDY)


def judges_of(annotators: Iterable[str], option: str, path: Path) -> dict[str, str]:
    """Return the judge of each annotator of an export.

    Args:
        annotators: e-mail addresses or numbers, as Label Studio names people; "" if it does not.
        option: what the user says: one name for the only annotator, or a list such as
            `7=ann,ben@example.org=ben`; "" leaves it to the addresses: `ann@example.org` is `ann`.
        path: the export, for messages.

    Raises:
        UserError: an annotator has no name, or no proper one, two have the same, or the option
            names somebody who is not there.
    """
    people = list(dict.fromkeys(annotators))
    if option and "=" not in option:
        check_name(option)
        if len(people) > 1:
            raise UserError(
                f"{path} holds annotations of {len(people)} people, and --judge names one: "
                f"{_listed(people)}",
                f"name each of them: --judge {people[0] or 'NUMBER'}=ann,{people[1]}=ben",
            )
        return dict.fromkeys(people, option)

    given = _given_names(option)
    for annotator in given:
        if annotator not in people:
            raise UserError(
                f"--judge names {annotator!r}, who has no annotation in {path}",
                f"those who have some are: {_listed(people)}",
            )
    judges = {annotator: _judge(annotator, given, path) for annotator in people}
    _check_different(judges, given, path)
    return judges


def _given_names(option: str) -> dict[str, str]:
    """Return the judges that the option names, by their annotators."""
    given: dict[str, str] = {}
    for part in option.split(",") if option else []:
        # An address may hold the sign itself.
        annotator, sign, judge = part.strip().rpartition("=")
        if not sign or not annotator:
            raise UserError(
                f"--judge: {part!r} says of no annotator who that is",
                "write the address or the number, '=' and a name: --judge 7=ann,8=ben",
            )
        check_name(judge)
        if given.setdefault(annotator, judge) != judge:
            raise UserError(f"--judge names {annotator!r} twice", "give one name")
    return given


def _judge(annotator: str, given: Mapping[str, str], path: Path) -> str:
    """Return the name of one annotator: the given one, or what stands before the @."""
    if annotator in given:
        return given[annotator]
    name, at_sign, _ = annotator.partition("@")
    if not at_sign:
        known = f"the number {annotator}" if annotator else "nothing"
        raise UserError(
            f"{path}: all that is known of an annotator is {known}",
            f"say who that is: --judge {annotator + '=' if annotator else ''}ann",
        )
    try:
        check_name(name)
    except UserError as error:
        raise UserError(
            f"{path}: {error.fact}, and is that of {annotator}",
            f"say who that is: --judge {annotator}=ann",
        ) from None
    return name


def _check_different(judges: Mapping[str, str], given: Mapping[str, str], path: Path) -> None:
    """Check that no two people have one name, unless the user says that they are one person."""
    annotator_of: dict[str, str] = {}
    for annotator, judge in judges.items():
        first = annotator_of.setdefault(judge, annotator)
        if first != annotator and not (first in given and annotator in given):
            raise UserError(
                f"{path}: {first} and {annotator} would both be the judge {judge!r}",
                f"name both: --judge {first}={judge},{annotator}=ben",
            )


def _listed(people: list[str]) -> str:
    """Return the first of some annotators, for a message."""
    names = [annotator or "one without a name" for annotator in people[:_SHOWN]]
    more = len(people) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
