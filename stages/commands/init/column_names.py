"""The names that columns have in practice, by field and in several languages."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

# A section for each field, such as [anchor], with its names.
NAMES_FILE = Path(__file__).with_name("column_names.txt")
# The rank of a name of which only a word is known.
PART_OF_NAME = 1000


def plain_name(name: str) -> str:
    """Return a name without accents, case, spaces and signs.

    >>> plain_name("Réponse_Texte"), plain_name("Überschrift"), plain_name("答案")
    ('reponsetexte', 'uberschrift', '答案')
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("ø", "o").replace("ł", "l"))
    letters = [character for character in decomposed if not unicodedata.combining(character)]
    return "".join(character for character in letters if character.isalnum())


def name_rank(name: str, field: str) -> int | None:
    """Return the place of a column's name among the names of `field`; None if it has none.

    A name of several words counts by a word of it, after all whole names.

    >>> name_rank("Question", "anchor"), name_rank("customer question", "anchor")
    (0, 1000)
    """
    rank_of_name = _ranks()[field]
    whole = rank_of_name.get(plain_name(name))
    if whole is not None:
        return whole

    # camelCase and signs separate words.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    parts = [plain_name(part) for part in re.split(r"[\W_]+", spaced)]
    ranks = [rank_of_name[part] for part in parts if len(part) > 1 and part in rank_of_name]
    if len(parts) > 1 and ranks:
        return PART_OF_NAME + min(ranks)
    return None


def is_no_topic(name: str) -> bool:
    """Return whether a column of this name has few values that are no subject of a text.

    >>> is_no_topic("Status"), is_no_topic("Category")
    (True, False)
    """
    return plain_name(name) in _ranks()["no_topic"]


@cache
def _ranks() -> dict[str, dict[str, int]]:
    """Return name to rank of each field."""
    rank_of_field: dict[str, dict[str, int]] = {}
    field = ""
    for line in NAMES_FILE.read_text("utf-8").splitlines():
        if line.startswith("["):
            field = line.strip("[]")
            rank_of_field[field] = {}
        elif line and not line.startswith("#"):
            ranks = rank_of_field[field]
            for name in line.split():
                ranks.setdefault(plain_name(name), len(ranks))
    return rank_of_field
