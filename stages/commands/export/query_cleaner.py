"""Write the cleaner of queries as a package of its own, for a server that gets raw queries.

A model that was trained on cleaned queries should get cleaned ones. The package holds the same code
as the stage `clean`, what the last run learned, and its parameters. It needs no file of the
pipeline, and only the libraries in requirements.txt.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions, version
from pathlib import Path

from stages.clean.interface import CleanParams
from stages.commands.wire import files_reached
from stages.lib.core.errors import UserError
from stages.lib.core.params import load_section

PACKAGE = "query_cleaner"
COUNTS = Path("data/clean/corpus_counts.parquet")
ABBREVIATIONS = Path("data/glossary/abbreviations.csv")
EDITS = Path("data/review/edits.csv")

_START = Path("stages/clean/corpus_model.py")
_IMPORT = re.compile(r"^([ \t]*)(from|import) stages\b", re.MULTILINE)
_INIT = '''"""Clean queries as the training queries were cleaned.

    from query_cleaner import clean
    clean("hwo do I  reset it&#63;")
"""

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@cache
def _cleaner():
    from query_cleaner.stages.clean.corpus_model import query_cleaner
    from query_cleaner.stages.clean.interface import CleanParams

    params = CleanParams.model_validate_json((_HERE / "params.json").read_text("utf-8"))
    return query_cleaner(
        _HERE / "corpus_counts.parquet", _HERE, params, reviews=_HERE / "edits.csv"
    )


def clean(text, source=None):
    """Return the cleaned query, a string.

    Args:
        text: the query as a person wrote it.
        source: the source of params.yaml whose queries it is like; None: all of them.
    """
    return _cleaner().clean(text, source).text
'''


def write_query_cleaner(folder: Path) -> None:
    """Write the package `query_cleaner` and requirements.txt to `folder`.

    Raises:
        UserError: `clean` has not run.
    """
    if not COUNTS.is_file():
        raise UserError(f"{COUNTS} does not exist", "run 'dvc repro clean' first")

    # The code, under a name of its own.
    root = Path(__file__).parents[3]
    files = sorted(files_reached(_START, root))
    package = folder / PACKAGE
    for file in files:
        _copy_code(root / file, package / file)
    for parent in {file.parent for file in files}:
        _copy_word_lists(root / parent, package / parent)

    # What the run learned, and its parameters.
    shutil.copy(COUNTS, package / COUNTS.name)
    shutil.copy(ABBREVIATIONS, package / ABBREVIATIONS.name)
    shutil.copy(EDITS, package / EDITS.name)
    params = load_section(CleanParams).model_dump_json(indent=2)
    (package / "params.json").write_text(params + "\n", "utf-8")
    (package / "__init__.py").write_text(_INIT, "utf-8")

    requirements = "\n".join(required_packages(root / file for file in files))
    (folder / "requirements.txt").write_text(requirements + "\n", "utf-8")


def _copy_code(file: Path, target: Path) -> None:
    """Copy a module, so that it imports the copies of the others."""
    target.parent.mkdir(parents=True, exist_ok=True)
    code = file.read_text("utf-8")
    target.write_text(_IMPORT.sub(rf"\1\2 {PACKAGE}.stages", code), "utf-8")


def _copy_word_lists(folder: Path, target: Path) -> None:
    """Copy the word lists of a folder of code, and make a package of it and its parents."""
    for file in folder.glob("*.txt"):
        shutil.copy(file, target / file.name)
    for level in (target, *target.parents):
        if level.name == PACKAGE:
            break
        (level / "__init__.py").touch()


def required_packages(files: Iterable[Path]) -> list[str]:
    """Return "name==version" of each installed package that `files` import, at whatever depth."""
    modules: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])

    distributions = packages_distributions()
    names = {
        name
        for module in modules - sys.stdlib_module_names
        for name in distributions.get(module, [])
    }
    return sorted(f"{name}=={version(name)}" for name in names)
