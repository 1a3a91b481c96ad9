"""`python -m stages review`: verdicts stay, whatever is mined anew."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.ask.review import app
from stages.lib import tables
from stages.lib.contracts.triplets import Triplets
from stages.mine.verdicts import HEADER, read_verdicts
from tests.mine.cases import name

FILE = Path("data/review/negatives.csv")


def mined(*rows):
    """Write triplets of (number, anchor, number of its only negative)."""
    made = []
    for n, anchor, found in rows:
        own, other = name("d", n), name("d", found)
        row = (name("p", n), own, anchor, own, "right", 0.8, [other], [f"text {found}"], [0.5], [0.5])
        made.append((*row, ["dense"], [1], ["margin"], [own], [own, other]))
    frame = pd.DataFrame(made, columns=list(Triplets.empty().columns))
    tables.write(frame, Path("data/mine/triplets.parquet"), Triplets)


@pytest.fixture
def written(project):
    """Write the file once for two anchors."""
    FILE.parent.mkdir(parents=True)
    FILE.write_text(",".join(HEADER) + "\n", "utf-8")
    mined((1, "fever", 11), (2, "rash", 12))
    assert CliRunner().invoke(app).exit_code == 0
    return project


def verdicts():
    return {(line.anchor, line.negative_id): line.verdict for line in read_verdicts(FILE)}


def test_every_negative_waits_for_a_verdict_with_its_texts(written):
    assert verdicts() == {("fever", name("d", 11)): "", ("rash", name("d", 12)): ""}
    assert {(line.positive, line.negative) for line in read_verdicts(FILE)} == {
        ("right", "text 11"),
        ("right", "text 12"),
    }


def test_verdicts_stay_and_those_on_other_negatives_stand_at_the_end(written):
    FILE.write_text(
        FILE.read_text("utf-8").replace("text 11,", "text 11,yes").replace("text 12,", "text 12,no"), "utf-8"
    )
    mined((1, "fever", 13), (2, "rash", 12), (3, "cough", 14))
    result = CliRunner().invoke(app)
    assert "3 negatives, 1 of them judged; 1 verdicts on others kept" in result.stdout
    assert verdicts() == {
        ("fever", name("d", 13)): "",
        ("rash", name("d", 12)): "no",
        ("cough", name("d", 14)): "",
        ("fever", name("d", 11)): "yes",
    }
    assert read_verdicts(FILE)[-1].negative_id == name("d", 11)
    mined((1, "fever", 11), (2, "rash", 12))
    CliRunner().invoke(app)
    assert verdicts() == {("fever", name("d", 11)): "yes", ("rash", name("d", 12)): "no"}


def test_writing_again_changes_no_byte(written):
    before = FILE.read_bytes()
    CliRunner().invoke(app)
    assert FILE.read_bytes() == before
