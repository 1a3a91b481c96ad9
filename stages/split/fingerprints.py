"""The fingerprints of held-out texts, which are made and written a block of texts at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path

import pandas as pd

from stages.lib.core.tables import Table
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.preprocessing.table_parts import concat_sorted, write_parts
from stages.lib.schemas.splits import EVALUATION_SPLITS
from stages.lib.text.held_out import ANCHORS, TEXTS, HeldOutText, fingerprint_rows
from stages.lib.text.matches import NO_RUNS, TextVersions
from stages.lib.text.overlap import Hashes
from stages.split.components import Edge, is_pair_id
from stages.split.constraints import protected_as_held_out

# Texts whose fingerprints are in memory at a time. They take several times the memory of the texts.
BLOCK_TEXTS = 4096


@dataclass(frozen=True)
class FingerprintTable:
    """The Fingerprints: hashes of held-out and protected texts, without the texts.

    Later stages compare training texts with them. So they leave out what the unit of the split
    allows in training: equal texts have no row, near ones no shingles and no runs, overlapping
    ones no runs.

    Attributes:
        texts: all texts by row id, of anchors and of documents.
        split_of: row id to split.
        tolerated: leaks that the unit allows.
        protected_texts: texts that must not be trained on, neither as anchor nor as document.
        exact_ids: anchors that only equal anchors must not repeat.
        anchors_only: True if the unit keeps anchors apart from anchors alone.
        common_runs: hashes of the runs that are boilerplate, sorted.
        untrained: those of the texts that stand nowhere but in the documents as collected. They
            have no runs, as in the split: the markup of a page repeats what other pages say.
    """

    texts: TextVersions
    split_of: Mapping[str, str]
    tolerated: Collection[Edge] = ()
    protected_texts: Sequence[str] = ()
    exact_ids: Collection[str] = ()
    anchors_only: bool = False
    common_runs: Hashes = field(default_factory=lambda: NO_RUNS)
    untrained: TextVersions = field(default_factory=dict)

    def write(self, path: Path, table: type[Table] | None) -> None:
        """Write the table to `path`, checked against `table`."""
        assert table is not None, "the fingerprints have a declared contract"
        with temporary_folder() as folder:
            parts, _ = write_parts(self._frames(), folder, table)
            concat_sorted(parts, path, table)

    def frame(self) -> pd.DataFrame:
        """Return the whole table in memory."""
        frames = [fingerprint_rows([], self.common_runs), *self._frames()]
        return pd.concat(frames, ignore_index=True)

    def _frames(self) -> Iterator[pd.DataFrame]:
        """Yield the fingerprints of a block of texts; those of a row are in one block."""
        block: list[HeldOutText] = []
        by_id = merge(self._held_out_texts(), self._protected_texts(), key=_row_id)
        for item in by_id:
            if len(block) >= BLOCK_TEXTS and item.row_id != block[-1].row_id:
                yield fingerprint_rows(block, self.common_runs)
                block = []
            block.append(item)

        if block:
            yield fingerprint_rows(block, self.common_runs)

    def _held_out_texts(self) -> Iterator[HeldOutText]:
        """Yield each version of the held-out texts, by id."""
        # Texts that training may have. Anchors are not compared with documents there.
        allowed = self.tolerated
        if self.anchors_only:
            allowed = [leak for leak in allowed if not all(map(is_pair_id, leak.ends))]

        allowed_equal = _ends_of("equal", allowed)
        allowed_near = _ends_of("near", allowed)
        allowed_overlapping = _ends_of("overlapping", allowed)

        exact = frozenset(self.exact_ids)
        for row_id in sorted(self.texts):
            is_exact = row_id in exact
            is_compared_with_anchors = self.anchors_only and is_pair_id(row_id) and not is_exact
            if self.split_of[row_id] not in EVALUATION_SPLITS:
                continue
            if row_id in allowed_equal and not is_compared_with_anchors:
                continue

            compared_with = ANCHORS if is_compared_with_anchors or is_exact else TEXTS
            is_near = row_id in allowed_near and not is_compared_with_anchors
            is_overlapping = row_id in allowed_overlapping and not is_compared_with_anchors
            for text in self.texts[row_id]:
                is_untrained = text in self.untrained.get(row_id, ())
                yield HeldOutText(
                    row_id,
                    self.split_of[row_id],
                    text,
                    compared_with,
                    is_near_allowed=is_exact or is_near,
                    is_overlap_allowed=is_overlapping or is_untrained,
                )

    def _protected_texts(self) -> list[HeldOutText]:
        """Return the protected texts, by id. Texts of one normal form have one id."""
        return sorted(protected_as_held_out(self.protected_texts), key=_row_id)


def _row_id(item: HeldOutText) -> str:
    return item.row_id


def _ends_of(similarity: str, leaks: Collection[Edge]) -> set[str]:
    """Return the ids of both rows of the leaks that are "equal", "near" or "overlapping"."""
    row_ids: set[str] = set()
    for leak in leaks:
        if leak.kind.startswith(similarity):
            row_ids.update(leak.ends)

    return row_ids
