"""Write a sample of the mined negatives for people to judge: data/review/negatives.csv, to be committed.

Into the column `verdict` goes `yes` where the negative answers the anchor after all, `no` where it does not; what is
left empty has not been judged. `mine` then tells the share of false negatives with its interval. Verdicts stay when
this is run again; those on negatives that are no longer drawn stand at the end and count for nothing.
"""

from __future__ import annotations

from pathlib import Path

import typer

from stages.lib import tables, written
from stages.lib.contracts.triplets import Triplets
from stages.lib.params import Run, load
from stages.lib.stage import command
from stages.mine.estimate import sample
from stages.mine.params import MineParams
from stages.mine.verdicts import Verdict, read_verdicts, write_verdicts


def main(
    triplets: Path = Path("data/mine/triplets.parquet"), reviews: Path = Path("data/review/negatives.csv")
) -> None:
    """Write a sample of the mined negatives for people to judge: data/review/negatives.csv, to be committed."""
    drawn = sample(tables.read(triplets, Triplets), load(MineParams).judged_negatives, load(Run).seed)
    judged = {(one.pair_id, one.negative_id): one for one in read_verdicts(reviews) if one.answers is not None}
    lines = []
    for row in drawn.itertuples(index=False):
        known = judged.pop((str(row.pair_id), str(row.negative_id)), None)
        shown = (str(row.pair_id), str(row.negative_id), str(row.anchor), str(row.positive), str(row.negative))
        lines.append(Verdict(*shown, known.verdict if known else ""))
    rest = sorted(judged.values())
    with written.atomically(reviews) as temporary:
        write_verdicts([*lines, *rest], temporary)
    done = sum(line.answers is not None for line in lines)
    typer.echo(f"{reviews}: {len(lines):,} negatives, {done:,} of them judged; {len(rest):,} verdicts on others kept")


app = command(main)

if __name__ == "__main__":
    app()
