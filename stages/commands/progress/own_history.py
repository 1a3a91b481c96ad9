"""Where the user's own results begin in a history that starts with the default data.

`python -m stages init` writes MARKER when it takes the default data away. Versions without this
file then belong to the default data, and are no versions of the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.commands.compare.versions import Version, blob_of

MARKER = Path("metrics/HISTORY.md")


def own_versions(versions: Sequence[Version]) -> list[Version]:
    """Return the versions that hold MARKER; all of them where the working tree has none."""
    path = MARKER.as_posix()
    if not MARKER.is_file():
        return list(versions)

    return [version for version in versions if blob_of(version, path) is not None]


def own_experiments(pairs: Sequence[tuple[Version, Version]]) -> list[tuple[Version, Version]]:
    """Return the experiments that started from a version that holds MARKER, each with its start."""
    all_starts = [start for _, start in pairs]
    starts = {start.commit for start in own_versions(all_starts)}
    return [pair for pair in pairs if pair[1].commit in starts]
