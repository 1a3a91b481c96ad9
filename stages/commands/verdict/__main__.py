"""Say which of some retrieval runs is better, how sure that is, and what would decide.

    python -m stages verdict base.run new.run --qrels test.qrels
    python -m stages verdict base.json new.json --qrels qrels/test.tsv --groups queries.jsonl
    python -m stages verdict base.run new.run --qrels test.qrels --judge 50 --sheet sheet.csv

Runs and qrels come from any system, in the formats of run_files.py. Intervals resample groups of
queries that belong together. With several runs each two are compared, and the p-values corrected.
With --fail-if the exit code is 1, for continuous integration.
"""

from __future__ import annotations

from stages.commands.verdict.command_line import main
from stages.lib.core.stage import command

app = command(main)

if __name__ == "__main__":
    app()
