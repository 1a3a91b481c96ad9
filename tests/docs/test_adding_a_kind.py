"""The page on adding a kind of source is followed word by word: its code is run, its file is read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/adding-a-kind.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", PAGE))
REGISTRY = ROOT / "stages/collect/kinds/registry.py"
SCRIPT = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from ruamel.yaml import YAML
from stages.collect.kinds.registry import AnySource, kind_of
from stages.collect.source import ReadRequest

settings = YAML(typ="safe", pure=True).load(Path("source.yaml").read_text("utf-8"))
for name, values in settings.items():
    source = TypeAdapter(AnySource).validate_python(values)
    kind_of(source).check(name, source, {name: source})
    rows = kind_of(source).read(source, ReadRequest(name, Path("data/raw")))
    print(len(rows.documents), len(rows.pairs), rows.records_read, rows.records_kept)
    print(sorted(rows.pairs["anchor"]))
    for line in rows.ledger.frame()[["reason", "before", "after"]].to_numpy().tolist():
        print(f"| `{line[0]}` | `{line[1]}` | `{line[2]}` |")
"""


def changed_registry():
    """Return the registry with the new lines of the page, each after the line above it."""
    text = REGISTRY.read_text("utf-8")
    before = ""
    for line in BLOCKS["diff"].splitlines():
        sign, content = line[0], line[1:]
        if sign == "+":
            text = text.replace(f"\n{before}\n", f"\n{before}\n{content}\n")
        before = content
        assert text.count(f"\n{content}\n") == 1, f"the registry has no line {content!r}"
    return text


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Return what the steps of the page print, in a copy of the code."""
    folder = tmp_path_factory.mktemp("clone")
    for file in (ROOT / "stages").rglob("*"):
        if file.suffix in (".py", ".txt") and "__pycache__" not in file.parts:
            target = folder / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (folder / "stages/collect/kinds/tbx.py").write_text(BLOCKS["python"], "utf-8")
    (folder / "stages/collect/kinds/registry.py").write_text(changed_registry(), "utf-8")
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/glossary.tbx").write_text(BLOCKS["xml"], "utf-8")
    (folder / "source.yaml").write_text(BLOCKS["yaml"], "utf-8")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


@pytest.mark.slow
def test_the_kind_reads_what_the_page_says(followed):
    assert followed[0] == "2 3 6 5"
    assert followed[1] == "['gasket', 'relief valve', 'safety valve']"
    assert "gives two documents and three pairs" in PAGE
    assert followed[2] in PAGE.splitlines()
    assert len(followed) == 3


def test_the_page_has_one_block_of_each_kind():
    languages = re.findall(r"(?m)^```(\w+)$", PAGE)
    assert sorted(languages) == ["diff", "python", "xml", "yaml"]


def test_the_page_names_files_that_exist():
    paths = set(re.findall(r"`((?:stages|tests|metrics)/[\w/.]+\.\w+)`", PAGE))
    new = {"stages/collect/kinds/tbx.py", "stages/commands/init/tbx.py"}
    assert new <= paths
    assert [path for path in sorted(paths - new) if not Path(ROOT / path).exists()] == []


def test_a_registry_that_the_page_does_not_know_is_noticed(monkeypatch):
    monkeypatch.setitem(BLOCKS, "diff", " KINDS = ()\n+    tbx.KIND,\n")
    with pytest.raises(AssertionError, match="the registry has no line"):
        changed_registry()
