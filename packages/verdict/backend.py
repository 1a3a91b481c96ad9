"""Build the wheel of `pairsmith-verdict` from the code of the pipeline, without any other package.

It follows the imports from START, copies the files, and renames the package in their imports. So
the code stands in this repository once, the pipeline stays uninstalled, and the package does not
bring a module named `stages` into the environments of others. Source: PEP 517 (build backends),
PEP 427 (wheels).
"""

from __future__ import annotations

import ast
import base64
import hashlib
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
START = Path("stages/commands/verdict/standalone.py")
PACKAGE = "pairsmith_verdict"

_IMPORT = re.compile(r"^([ \t]*)(from|import) stages\b", re.MULTILINE)
_INIT = '''"""Which of two retrieval runs is better, how sure that is, and what would decide."""

from pairsmith_verdict.commands.verdict.judge import VerdictRules, judge
from pairsmith_verdict.commands.verdict.text import Verdict, verdict_lines
from pairsmith_verdict.lib.core.errors import UserError

__all__ = ["UserError", "Verdict", "VerdictRules", "judge", "verdict_lines"]
'''
_MAIN = '''"""Run `python -m pairsmith_verdict`."""

from pairsmith_verdict.commands.verdict.standalone import app

app()
'''

_WHEEL_LINES = (
    "Wheel-Version: 1.0",
    "Generator: backend",
    "Root-Is-Purelib: true",
    "Tag: py3-none-any",
    "",
)

# The date of every file, so that equal code makes equal bytes.
_DATE = (2020, 1, 1, 0, 0, 0)


def files_reached(start: Path = START) -> list[Path]:
    """Return the files of this project that `start` imports, at whatever depth, sorted."""
    reached: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in reached:
            continue
        reached.add(file)
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages."):
                # Either a module, or names of one.
                modules = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
                paths = [Path(*module.split(".")).with_suffix(".py") for module in modules]
                waiting += [path for path in paths if (ROOT / path).is_file()]
    return sorted(reached)


def package_files() -> dict[str, str]:
    """Return the path of each file in the package, and its text."""
    texts = {f"{PACKAGE}/__init__.py": _INIT, f"{PACKAGE}/__main__.py": _MAIN}
    for file in files_reached():
        code = (ROOT / file).read_text("utf-8")
        target = Path(PACKAGE, *file.parts[1:])
        texts[target.as_posix()] = _IMPORT.sub(rf"\1\2 {PACKAGE}", code)
        for folder in list(target.parents)[:-2]:
            texts.setdefault((folder / "__init__.py").as_posix(), "")
    texts[f"{PACKAGE}/py.typed"] = ""
    return texts


def project() -> dict[str, Any]:
    """Return the section `project` of pyproject.toml."""
    values: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    return values


def metadata_files() -> dict[str, str]:
    """Return the name and the text of each file about the package."""
    about = project()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {about['name']}",
        f"Version: {about['version']}",
        f"Summary: {about['description']}",
        f"License: {about['license']}",
        f"Requires-Python: {about['requires-python']}",
        *(f"Requires-Dist: {requirement}" for requirement in about["dependencies"]),
    ]
    for extra, requirements in about["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {text} ; extra == "{extra}"' for text in requirements]
    readme = (HERE / "README.md").read_text("utf-8")
    lines += ["Description-Content-Type: text/markdown", "", readme]

    scripts = "\n".join(f"{name} = {place}" for name, place in about["scripts"].items())
    return {
        "METADATA": "\n".join(lines),
        "WHEEL": "\n".join(_WHEEL_LINES),
        "entry_points.txt": f"[console_scripts]\n{scripts}\n",
        "licenses/LICENSE": (ROOT / "LICENSE").read_text("utf-8"),
    }


def build_wheel(
    wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None
) -> str:
    """Write the wheel into a folder, and return the name of its file."""
    about = project()
    stem = f"{about['name'].replace('-', '_')}-{about['version']}"
    texts = package_files()
    for name, text in metadata_files().items():
        texts[f"{stem}.dist-info/{name}"] = text

    # The record names each file with its hash, and itself without one.
    record = []
    for name, text in texts.items():
        data = text.encode("utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}")
    record_name = f"{stem}.dist-info/RECORD"
    texts[record_name] = "\n".join([*record, f"{record_name},,"]) + "\n"

    wheel_name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel_name, "w") as wheel:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, text)
    return wheel_name


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    """Refuse: the sources are those of the whole repository."""
    raise RuntimeError("build a wheel from a checkout of the repository: there is no sdist")
