"""The lines that an audit prints: what leaks by kind, and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from stages.commands.audit.leaks import ANCHOR_KINDS, KINDS, TEXT_KINDS, Leaks
from stages.lib.schemas.splits import EVALUATION_SPLITS

MAX_EXAMPLES = 5


def table_lines(
    leaks_of_name: Mapping[str, Leaks], splits_of_name: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Return a table of leaks by kind, with a column for each way to split.

    Args:
        leaks_of_name: what leaks, by the name of the column.
        splits_of_name: the split of each pair, by the same names.
    """
    counts = {name: held_out_count(splits) for name, splits in splits_of_name.items()}

    lines = [f"{'held-out pairs that leak':26}" + "".join(f"{name:>22}" for name in counts)]
    for kind in KINDS:
        line = f"  {kind:24}"
        for name, count in counts.items():
            leaking = len(leaks_of_name[name][kind])
            cell = f"{leaking:,} ({leaking / max(1, count):.1%})"
            line += f"{cell:>22}"
        lines.append(line)

    return [*lines, f"  {'of':24}" + "".join(f"{count:>22,}" for count in counts.values())]


def held_out_count(split_of_pair: Mapping[str, str]) -> int:
    """Return how many pairs are held out."""
    return sum(split in EVALUATION_SPLITS for split in split_of_pair.values())


def test_set_lines(leaks: Leaks, row_split: Mapping[str, str]) -> list[str]:
    """Return the shares of the test pairs of the split by row that training leaks."""
    count = sum(split == "test" for split in row_split.values())

    def share(kinds: Iterable[str]) -> str:
        # A pair that leaks in two ways counts once.
        pairs: set[str] = set()
        for kind in kinds:
            pairs.update(leaks[kind])
        return f"{len(pairs) / max(1, count):6.1%}"

    return [
        f"of the {count:,} test pairs of a split by row",
        f"  {share(['shared document'])}  have their document in training",
        f"  {share(ANCHOR_KINDS)}  have an anchor equal, near or overlapping to a training anchor",
        f"  {share(TEXT_KINDS)}  have an answer equal, near or overlapping to one in training, "
        "that document or another",
    ]


def example_lines(leaks: Leaks, describe: Callable[[str], str]) -> list[str]:
    """Return some pairs of each kind that leak, with the pair of the other split.

    Args:
        leaks: what leaks.
        describe: returns what is shown of a pair.
    """
    lines = []

    for kind in KINDS:
        examples = sorted(leaks[kind].items())[:MAX_EXAMPLES]
        if examples:
            lines += ["", f"{kind}, for example"]
        for pair, other in examples:
            lines.append(f"  {describe(pair)} and {describe(other)}")

    return lines
