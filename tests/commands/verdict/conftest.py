"""A folder with two runs and their qrels."""

from pathlib import Path

import pytest

from tests.commands.verdict.made_runs import simulated, trec


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[dependency-groups]\n", "utf-8")
    qrels, first, second = simulated(120, gain=0.4)
    Path("base.run").write_text(trec(first), "utf-8")
    Path("new.run").write_text(trec(second), "utf-8")
    Path("qrels.txt").write_text(
        "".join(f"{query} 0 {doc} 1\n" for query, of in qrels.items() for doc in of), "utf-8"
    )
    return tmp_path
