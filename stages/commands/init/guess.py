"""What `init` guesses about one source, of whatever kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from stages.collect.records import SourceRows
from stages.collect.source import Source


class FolderCopy(NamedTuple):
    """A folder under data/raw/ that is tracked as a whole.

    Attributes:
        base: the folder that the files come from.
        files: the path of each file below the folder, and the file.
    """

    base: Path
    files: Mapping[str, Path]


Copies = Mapping[Path, Path | FolderCopy]


class SourceGuess(Protocol):
    """A source as it would stand in params.yaml."""

    @property
    def name(self) -> str:
        """The name of the source."""
        ...

    @property
    def documents_of(self) -> str:
        """The source whose documents its pairs lead to; "" for its own documents."""
        ...

    @property
    def copies(self) -> Copies:
        """The path under data/raw/ of each file or folder to copy, and what is copied there."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        ...

    def description(self) -> list[str]:
        """Return lines that show the source: where it lies, its settings, three records."""
        ...

    def ask(self) -> Self:
        """Return the source as a person on the terminal confirms or corrects it."""
        ...

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[Self, SourceRows]:
        """Return the source, perhaps with corrected settings, and the rows that `collect` reads.

        Args:
            sources: the settings of all sources by name.
            known_documents: the ids of the documents that its pairs lead to.

        Raises:
            UserError: its data is broken, or none of it can be used.
        """
        ...
