"""Run the benchmarks beside other tools, write bench/RESULTS.md, and hold the figures to their limits.

    python bench/results.py                        bench/limits.yaml; `make bench`
    python bench/results.py --only mine encode     some of them; the other tables stay as they are
    python bench/results.py --rounds 1

bench/limits.yaml names each benchmark, its command, and the figures that are worth a limit. Each
command runs once a round, and the rounds take turns, so that a busy minute hits all of them. The
median of a figure has to keep its limit. A limit that is lost makes the command fail; whoever
lowers one says why in the commit. Benchmarks that take hours run only where --only names them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.lib.core.atomic import write_text
from stages.lib.core.yaml_files import read_yaml

ROOT = Path(__file__).parent.parent
LIMITS = ROOT / "bench/limits.yaml"
RESULTS = ROOT / "bench/RESULTS.md"

# The packages of this project that the figures depend on.
PACKAGES = ("torch", "sentence-transformers", "numpy", "duckdb", "pyarrow", "trafilatura")

HEAD = """# Results

How fast, how lean and how right the project is, beside other tools. `make bench` measures and
writes this page. Of each figure: the smallest, the middle and the largest of the rounds, and its
limit in bench/limits.yaml. A ratio compares both sides in the same round on the same machine.
"""


class Limit(NamedTuple):
    """What a figure has to keep, and what it says.

    Attributes:
        meaning: one line for the table.
        at_least: its smallest good value; None: any.
        at_most: its largest good value; None: any.
        is_optional: whether it may be missing, since its tool cannot be installed everywhere.
    """

    meaning: str
    at_least: float | None = None
    at_most: float | None = None
    is_optional: bool = False

    def holds(self, value: float) -> bool:
        """Return True if `value` keeps the limit.

        >>> Limit("documents per second, ours over theirs", at_least=1.9).holds(1.8)
        False
        """
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most

    def __str__(self) -> str:
        """Return the limit as the table shows it."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return ""


class Benchmark(NamedTuple):
    """A benchmark: its title, its command, how often it runs, and its figures by name.

    One that takes hours is `only_by_name`: it runs where --only names it.
    """

    title: str
    command: list[str]
    rounds: int | None
    limits: dict[str, Limit]
    only_by_name: bool = False


def read_limits(path: Path) -> dict[str, Benchmark]:
    """Return the benchmarks of the file by name."""
    benchmarks: dict[str, Benchmark] = {}
    for name, section in read_yaml(path).items():
        limits = {
            figure: Limit(
                entry["meaning"],
                entry.get("at_least"),
                entry.get("at_most"),
                entry.get("optional", False),
            )
            for figure, entry in section["figures"].items()
        }
        benchmarks[name] = Benchmark(
            section["title"],
            section["command"].split(),
            section.get("rounds"),
            limits,
            section.get("only_by_name", False),
        )
    return benchmarks


def measure(benchmark: Benchmark) -> dict[str, float]:
    """Run the benchmark once; return all its figures.

    Raises:
        SystemExit: the benchmark failed, or lacks a figure that has a line in limits.yaml.
    """
    script, *arguments = benchmark.command
    command = [sys.executable, str(ROOT / "bench" / script), *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(benchmark.command)} failed:\n{done.stderr[-2000:]}")

    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    needed = [figure for figure, limit in benchmark.limits.items() if not limit.is_optional]
    missing = [figure for figure in needed if figure not in figures]
    if missing:
        raise SystemExit(f"{' '.join(benchmark.command)} has no figure {', '.join(missing)}")
    return figures


def measure_all(
    benchmarks: Mapping[str, Benchmark], rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each benchmark by round."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in benchmarks}
    for current in range(rounds):
        for name, benchmark in benchmarks.items():
            if current < (benchmark.rounds or rounds):
                print(f"round {current + 1}: {name}", file=sys.stderr, flush=True)
                figures[name].append(measure(benchmark))
    return figures


def lost_limits(
    benchmarks: Mapping[str, Benchmark], figures: Mapping[str, Sequence[Mapping[str, float]]]
) -> list[str]:
    """Return a line for each figure whose median does not keep its limit.

    >>> limit = Limit("theirs over ours", at_least=2)
    >>> bench = Benchmark("Mining", ["mine.py"], None, {"speedup": limit})
    >>> lost_limits({"mine": bench}, {"mine": [{"speedup": 1.5}, {"speedup": 1.7}]})
    ['mine.speedup is 1.6, and has to be at least 2']
    """
    lines: list[str] = []
    for name, benchmark in benchmarks.items():
        for figure, limit in benchmark.limits.items():
            values = [row[figure] for row in figures[name] if figure in row]
            if not values:
                continue
            value = statistics.median(values)
            if not limit.holds(value):
                lines.append(f"{name}.{figure} is {value:.4g}, and has to be {limit}")
    return lines


def table(benchmark: Benchmark, figures: Sequence[Mapping[str, float]], machine: str) -> str:
    """Return the section of a benchmark, as Markdown."""
    lines = [
        f"`python bench/{' '.join(benchmark.command)}`, rounds: {len(figures)}, {machine}.",
        "",
        "| figure | what it says | smallest | median | largest | limit |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for figure, limit in benchmark.limits.items():
        values = [row[figure] for row in figures if figure in row]
        if not values:
            lines.append(f"| {figure} | {limit.meaning} | not installed | | | {limit} |")
            continue
        shown = [f"{value:.4g}" for value in (min(values), statistics.median(values), max(values))]
        lines.append(f"| {figure} | {limit.meaning} | {' | '.join(shown)} | {limit} |")
    return f"## {benchmark.title}\n\n" + "\n".join(lines) + "\n"


def merge_sections(page: str, sections: Mapping[str, str], order: Sequence[str]) -> str:
    r"""Return the page with the new sections; those of other titles stay, in `order`.

    >>> page = merge_sections("", {"B": "## B\n\nnew\n"}, ["A", "B"])
    >>> merge_sections(page, {"A": "## A\n\nfirst\n"}, ["A", "B"]).split("\n\n", 2)[2]
    '## A\n\nfirst\n\n## B\n\nnew\n'
    """
    known = dict(sections)
    for section in re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0].removeprefix("## ")
        known.setdefault(title, section.strip() + "\n")
    parts = [known[title] for title in order if title in known]
    return "\n".join([HEAD, *parts])


def machine_line(today: datetime) -> str:
    """Return the day, the processor and the versions of the packages that count."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text("utf-8"), re.MULTILINE)
        model = found[1] if found else model
    cores = os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{today:%Y-%m-%d}, {cores} processors ({model}), Python {platform.python_version()}, {packages}"


def main() -> None:
    """Measure, write the page, and fail if a limit is lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    every = read_limits(LIMITS)
    unknown = sorted(set(options.only) - every.keys())
    if unknown:
        raise SystemExit(f"{LIMITS.name} has no {', '.join(unknown)}; it has {', '.join(every)}")
    usual = [name for name, benchmark in every.items() if not benchmark.only_by_name]
    chosen = {name: every[name] for name in (options.only or usual)}

    # Measure.
    figures = measure_all(chosen, options.rounds)
    machine = machine_line(datetime.now(UTC))

    # Write the page.
    sections = {
        benchmark.title: table(benchmark, figures[name], machine)
        for name, benchmark in chosen.items()
    }
    page = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
    order = [benchmark.title for benchmark in every.values()]
    write_text(RESULTS, merge_sections(page, sections, order))
    print("\n".join(sections.values()))

    lost = lost_limits(chosen, figures)
    if lost:
        raise SystemExit("\n".join(lost))


if __name__ == "__main__":
    main()
