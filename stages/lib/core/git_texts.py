"""What of the user's texts may stand in files that git holds: metrics, the data card, review files.

Git keeps every version of a file for everyone who may read the repository, and none can be taken
back. So texts stay in DVC, and files for git name rows by their ids.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from stages.lib.core.ids import hash_hex
from stages.lib.core.params import ParamsSection


class GitParams(ParamsSection):
    """What of the user's texts may stand in files that git holds."""

    section: ClassVar[str] = "git"
    texts: Literal["nothing", "labels", "texts"]

    @property
    def has_labels(self) -> bool:
        """Whether names of topics and relations may stand there."""
        return self.texts != "nothing"

    @property
    def has_texts(self) -> bool:
        """Whether texts of documents and queries may stand there."""
        return self.texts == "texts"


def label_id(name: str) -> str:
    """Return the id that stands for the name of a topic or relation; "" for an empty name.

    Like any hash of something short it can be guessed by trying.

    >>> label_id("Refunds"), label_id("")
    ('t8c1be3c5591d6a06', '')
    """
    return "t" + hash_hex("label", name) if name else ""
