"""The rows that are split, and their assignment to components and splits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.matches import TextMatches, TextVersions, match_texts
from stages.split.components import Edge
from stages.split.frozen_giants import Giant


class SplitRows(NamedTuple):
    """The rows that are split.

    Attributes:
        anchors: pair id to the versions of its anchor, as collected first.
        texts: document id to the texts of it that may be trained on.
        document_of_pair: pair id to document id; to itself for a pair that is no answer.
        untrained: document id to its text as collected, where that is another one.
        source_of: row id to source.
    """

    anchors: TextVersions
    texts: TextVersions
    document_of_pair: Mapping[str, str]
    untrained: TextVersions = MappingProxyType({})
    source_of: Mapping[str, str] = MappingProxyType({})

    @property
    def kinds(self) -> list[TextVersions]:
        """The texts of pairs, and those of documents."""
        return [self.anchors, self.texts]

    @property
    def every_kind(self) -> list[TextVersions]:
        """The texts of pairs, those of documents, and those of documents as collected alone."""
        return [*self.kinds, self.untrained]

    def every_text(self) -> dict[str, list[str]]:
        """Return row id to all of its texts."""
        return {row_id: self._texts_of(row_id) for row_id in (*self.anchors, *self.texts)}

    def held_out_texts(self, split_of: Mapping[str, str], without: Collection[str]) -> TextVersions:
        """Return row id to all of its texts, of the rows of validation and test.

        The texts are read when they are asked for.

        Args:
            split_of: row id to split.
            without: rows that are left out.
        """
        row_ids = [
            row_id
            for row_id in (*self.anchors, *self.texts)
            if row_id not in without and split_of[row_id] in EVALUATION_SPLITS
        ]
        return _TextsOfRows(row_ids, self._texts_of)

    def _texts_of(self, row_id: str) -> list[str]:
        texts = self.texts if row_id in self.texts else self.anchors
        return [*texts[row_id], *self.untrained.get(row_id, ())]

    def matches(self, threshold: float) -> TextMatches:
        """Return all equal, near and overlapping texts, from this Jaccard similarity on."""
        return match_texts(
            self.kinds, threshold, untrained=self.untrained, source_of=self.source_of
        )


class _TextsOfRows(Mapping[str, list[str]]):
    """Row id to its texts, which are read when they are asked for."""

    def __init__(self, row_ids: Iterable[str], read: Callable[[str], list[str]]) -> None:
        self._row_ids = dict.fromkeys(row_ids)
        self._read = read

    def __getitem__(self, row_id: str) -> list[str]:
        if row_id not in self._row_ids:
            raise KeyError(row_id)
        return self._read(row_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._row_ids)

    def __len__(self) -> int:
        return len(self._row_ids)


class TrainingExclusion(NamedTuple):
    """The reason why a pair left training, the row that decided it, and their similarity."""

    reason: str
    partner_id: str
    score: float


class Assignment(NamedTuple):
    """Components and splits, before training is sampled.

    Attributes:
        component_of: row id to component id.
        split_of: component id to split.
        edges: the edges that formed the components, sorted, each once.
        excluded: id of a pair that left training to its exclusion.
        giants: the components that were too large to be held out.
        giant_of: id of a row of a giant to the name of the giant.
    """

    component_of: dict[str, str]
    split_of: dict[str, str]
    edges: list[Edge]
    excluded: dict[str, TrainingExclusion]
    giants: tuple[Giant, ...] = ()
    giant_of: Mapping[str, str] = MappingProxyType({})

    def split_by_row(self) -> dict[str, str]:
        """Return row id to split."""
        return {row_id: self.split_of[name] for row_id, name in self.component_of.items()}

    def split_in_giants(self) -> dict[str, str]:
        """Return row id to split, for the rows of giants."""
        return {row_id: self.split_of[self.component_of[row_id]] for row_id in self.giant_of}
