"""`make bench`: the page of results, and the limits that figures have to keep."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bench import results
from tests.conftest import ROOT

LIMITS = """\
mining:
  title: Hard negatives
  command: fake.py --rounds 1
  figures:
    speedup:
      meaning: theirs over ours
      at_least: 1.5
    memory_ratio:
      meaning: our memory over theirs
      at_most: 0.1
    seconds:
      meaning: how long it took
    other_tool.speed:
      meaning: of a tool that is not everywhere
      optional: true
"""


@pytest.fixture
def limits(tmp_path):
    (tmp_path / "limits.yaml").write_text(LIMITS, "utf-8")
    return results.read_limits(tmp_path / "limits.yaml")


def test_a_table_has_the_smallest_the_median_and_the_largest_of_each_figure(limits):
    rounds = [
        {"speedup": 2.0, "memory_ratio": 0.03, "seconds": 12.0},
        {"speedup": 1.6, "memory_ratio": 0.02, "seconds": 10.0},
        {"speedup": 1.8, "memory_ratio": 0.03, "seconds": 11.0},
    ]
    assert results.table(limits["mining"], rounds, "a machine") == (
        "## Hard negatives\n"
        "\n"
        "`python bench/fake.py --rounds 1`, rounds: 3, a machine.\n"
        "\n"
        "| figure | what it says | smallest | median | largest | limit |\n"
        "| --- | --- | ---: | ---: | ---: | --- |\n"
        "| speedup | theirs over ours | 1.6 | 1.8 | 2 | at least 1.5 |\n"
        "| memory_ratio | our memory over theirs | 0.02 | 0.03 | 0.03 | at most 0.1 |\n"
        "| seconds | how long it took | 10 | 11 | 12 |  |\n"
        "| other_tool.speed | of a tool that is not everywhere | not installed | | |  |\n"
    )
    assert results.lost_limits(limits, {"mining": rounds}) == []


def test_the_median_of_a_figure_has_to_keep_its_limit(limits):
    slow = [{"speedup": value, "memory_ratio": 0.2, "seconds": 1.0} for value in (1.4, 1.4, 3.0)]
    assert results.lost_limits(limits, {"mining": slow}) == [
        "mining.speedup is 1.4, and has to be at least 1.5",
        "mining.memory_ratio is 0.2, and has to be at most 0.1",
    ]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder with one benchmark, whose figures are those of figures.json."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/limits.yaml").write_text(LIMITS, "utf-8")
    (tmp_path / "bench/fake.py").write_text("print(open('figures.json').read())\n", "utf-8")
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "LIMITS", tmp_path / "bench/limits.yaml")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "bench/RESULTS.md")
    monkeypatch.setattr(sys, "argv", ["results.py", "--rounds", "2"])
    return tmp_path


def test_the_command_writes_the_page_and_fails_if_a_limit_is_lost(project, capsys):
    (project / "figures.json").write_text('{"speedup": 2, "memory_ratio": 0.1, "seconds": 3}')
    results.main()
    page = (project / "bench/RESULTS.md").read_text("utf-8")
    assert "| speedup | theirs over ours | 2 | 2 | 2 | at least 1.5 |" in page
    assert f"{datetime.now(UTC):%Y-%m-%d}" in page

    (project / "figures.json").write_text('{"speedup": 1, "memory_ratio": 0.1, "seconds": 3}')
    with pytest.raises(SystemExit, match=r"^mining.speedup is 1, and has to be at least 1.5$"):
        results.main()
    assert "| 1 | 1 | 1 | at least 1.5 |" in (project / "bench/RESULTS.md").read_text("utf-8")


def test_a_benchmark_of_hours_runs_only_where_it_is_named(project, monkeypatch, capsys):
    limits = LIMITS.replace("  figures:\n", "  only_by_name: true\n  figures:\n")
    (project / "bench/limits.yaml").write_text(limits, "utf-8")
    (project / "figures.json").write_text('{"speedup": 2, "memory_ratio": 0.1, "seconds": 3}')
    results.main()
    assert "speedup" not in (project / "bench/RESULTS.md").read_text("utf-8")

    monkeypatch.setattr(sys, "argv", ["results.py", "--only", "mining"])
    results.main()
    assert "| speedup |" in (project / "bench/RESULTS.md").read_text("utf-8")


def test_a_figure_that_a_benchmark_lacks_is_an_error(project):
    (project / "figures.json").write_text('{"speedup": 2}')
    with pytest.raises(SystemExit, match=r"fake.py --rounds 1 has no figure memory_ratio, seconds"):
        results.main()


def test_a_name_that_is_unknown_is_refused_with_those_that_are_known(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["results.py", "--only", "minning"])
    with pytest.raises(SystemExit, match=r"limits.yaml has no minning; it has mining"):
        results.main()


def test_the_committed_limits_name_scripts_that_know_their_options():
    for name, benchmark in results.read_limits(ROOT / "bench/limits.yaml").items():
        script = ROOT / "bench" / benchmark.command[0]
        assert script.exists(), name
        usage = subprocess.run(
            [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in benchmark.command[1:]:
            assert not option.startswith("--") or option in usage, f"{name}: {option}"
