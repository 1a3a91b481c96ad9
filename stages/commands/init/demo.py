"""What belongs to the default data, and how to take it away.

The default data leaves its source in params.yaml, word lists of medicine, results in git, and the
record of its run in dvc.lock. Results that stayed would be compared with the user's own. The
history in git keeps all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.commands.progress.own_history import MARKER
from stages.split.constraints import FROZEN_FILE, FROZEN_HEADER
from stages.split.frozen_giants import GIANTS_FILE

_SOURCES = {"hpo": {"reader": "hpo"}}
_METRICS = Path("metrics")
# What explains metrics is no result.
_EXPLANATIONS = ("README.md", "glossary.yaml", MARKER.name)
_GLOSSARY = Path("data/glossary")
_FROZEN = Path("data/frozen")
_REVIEW = Path("data/review")
# Parts of British spellings that only medicine has.
_GREEK = ("leuco", "goitre", "keratin", "vascular", "polaris", "haem", "mineralis")
_MARKER_TEXT = """\
# Where the results begin

`python -m stages init` wrote this file when it took the default data away.
`python -m stages progress` compares the commits that hold this file, and none before.
"""

# Path to its new content; None: the file is removed.
Changes = dict[Path, bytes | None]


def is_demo(params: Mapping[str, Any], root: Path = Path()) -> bool:
    """Return whether the project still holds the default data, and nothing of the user's own."""
    sources = params.get("collect", {}).get("sources")
    return sources == _SOURCES and not (root / MARKER).exists()


def demo_changes(root: Path = Path()) -> Changes:
    """Return the changes that take the default data away, by path under `root`.

    params.yaml is not among them.
    """
    changes: Changes = {MARKER: _MARKER_TEXT.encode()}

    # Results, and the record of the run that made them.
    results = [path for path in (root / _METRICS).rglob("*") if path.is_file()]
    for path in sorted(results):
        if path.name not in _EXPLANATIONS:
            changes[path.relative_to(root)] = None
    if (root / "dvc.lock").exists():
        changes[Path("dvc.lock")] = None

    # Abbreviations of medicine mean something else elsewhere. General spellings stay.
    changes[_GLOSSARY / "abbreviations.csv"] = _head(root / _GLOSSARY / "abbreviations.csv")
    changes[_GLOSSARY / "spelling.csv"] = _general_spellings(root / _GLOSSARY / "spelling.csv")

    # Splits that were frozen, and verdicts of people.
    changes[_FROZEN / FROZEN_FILE] = f"{','.join(FROZEN_HEADER)}\n".encode()
    if (root / _FROZEN / GIANTS_FILE).exists():
        changes[_FROZEN / GIANTS_FILE] = None
    for path in sorted((root / _REVIEW).glob("*.csv")):
        changes[path.relative_to(root)] = _head(path)

    return {path: content for path, content in changes.items() if _differs(root / path, content)}


def _head(path: Path) -> bytes:
    return path.read_bytes().splitlines(keepends=True)[0]


def _general_spellings(path: Path) -> bytes:
    """Return the word list without words in which British English writes ae or oe for e."""
    header, *lines = path.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not _is_medical(*line.strip().split(","))]
    return "".join([header, *kept]).encode()


def _is_medical(american: str, british: str) -> bool:
    # The digraphs of Greek: anaemia, oedema, diarrhoea.
    plain = british.replace("ae", "e").replace("oe", "e").replace("aoe", "oe")
    is_greek = plain == american.replace("ae", "e").replace("oe", "e") and british != american
    return is_greek or any(part in british for part in _GREEK)


def _differs(path: Path, content: bytes | None) -> bool:
    return (path.read_bytes() if path.exists() else None) != content
