"""`python -m stages review`: sheets for spreadsheets, which are taken over and written anew."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.review.__main__ import app
from stages.commands.review.sheets import write_sheet
from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.reviews import FIRST_HITS, MISPAIRED, NEGATIVES, write_judgements
from stages.lib.schemas.runs import Runs
from stages.lib.schemas.training import Triplets
from tests.conftest import ROOT
from tests.mine.cases import name

FILE = Path("data/review/negatives.csv")
HITS = Path("data/review/first_hits.csv")


def mined(*rows):
    """Write triplets of (number, anchor, number of its only negative)."""
    made = []
    for n, anchor, found in rows:
        own, other = name("d", n), name("d", found)
        row = (
            name("p", n),
            own,
            anchor,
            own,
            "right",
            0.8,
            [other],
            [f"text {found}"],
            [0.5],
            [0.5],
        )
        made.append((*row, ["dense"], [1], ["margin"], [own], [own, other]))
    frame = pd.DataFrame(made, columns=list(Triplets.empty().columns))
    mispaired = Path("data/review/mispaired.csv")
    mispaired.parent.mkdir(parents=True, exist_ok=True)
    if not mispaired.exists():
        write_judgements([], mispaired, MISPAIRED)
    tables.write(frame, Path("data/mine/triplets.parquet"), Triplets)
    tables.write(Ledger.empty(), Path("data/mine/ledger.parquet"), Ledger)
    tables.write(Documents.empty(), Path("data/pair/documents.parquet"), Documents)


def set_texts(value):
    params = Path("params.yaml")
    text = params.read_text("utf-8")
    params.write_text(re.sub(r"(?m)^  texts: \w+$", f"  texts: {value}", text), "utf-8")


SHEET = Path("data/review/with_texts/negatives.csv")
FIRST = f"{name('p', 1)},{name('d', 11)}"
SECOND = f"{name('p', 2)},{name('d', 12)}"


@pytest.fixture
def written(project):
    """Write the sheet once for two anchors."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write_judgements([], FILE, NEGATIVES)
    write_judgements([], HITS, FIRST_HITS)
    mined((1, "fever", 11), (2, "rash", 12))
    assert run().exit_code == 0
    return project


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def edit(path, *changes):
    text = path.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, "utf-8")


def lines():
    return FILE.read_text("utf-8").splitlines()[1:]


@pytest.mark.parametrize("texts", ["nothing", "labels", "texts"])
def test_the_sheet_has_texts_and_the_file_for_git_none(written, texts):
    set_texts(texts)
    result = run()
    assert (
        f"{SHEET}: 2 mined negatives, 0 of them judged; 0 verdicts on other rows" in result.stdout
    )
    assert sorted(SHEET.read_text("utf-8").splitlines()) == [
        f"{FIRST},fever,right,text 11,,,",
        f"{SECOND},rash,right,text 12,,,",
        "pair_id,negative_id,anchor,positive,negative,verdict,note,state",
    ]
    assert FILE.read_text("utf-8") == "pair_id,negative_id,verdict,judge,note\n"
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/data/review/with_texts/", "/data/review/undo/"} <= set(ignored)


def test_what_was_edited_is_taken_over(written):
    edit(SHEET, ("text 11,,", "text 11, Yes ,see 4"), ("text 12,,", "text 12,no,"))
    result = run()
    assert f"{SHEET}: 2 mined negatives, 2 of them judged" in result.stdout
    assert lines() == [f"{FIRST},yes,,see 4", f"{SECOND},no,,"]

    # A clone has what git holds: the verdict comes back beside the text.
    SHEET.unlink()
    assert run().exit_code == 0
    assert "fever,right,text 11,yes,see 4,s" in SHEET.read_text("utf-8")

    # A verdict that is emptied is withdrawn.
    edit(SHEET, ("text 11,yes,see 4", "text 11,,"))
    assert run().exit_code == 0
    assert lines() == [f"{SECOND},no,,"]


def test_verdicts_stay_whatever_is_mined_again(written):
    edit(SHEET, ("text 11,", "text 11,yes"), ("text 12,", "text 12,no"))
    mined((1, "fever", 13), (2, "rash", 12), (3, "cough", 14))
    result = run()
    assert "3 mined negatives, 1 of them judged; 1 verdicts on other rows kept" in result.stdout
    assert lines() == [f"{FIRST},yes,,", f"{SECOND},no,,"]
    assert "text 13,,," in SHEET.read_text("utf-8")
    mined((1, "fever", 11), (2, "rash", 12))
    run()
    assert "text 11,yes,," in SHEET.read_text("utf-8")


@pytest.mark.slow
def test_writing_again_changes_no_byte(written):
    edit(SHEET, ("text 11,", "text 11,yes"))
    run()
    before = (FILE.read_bytes(), SHEET.read_bytes())
    run()
    assert (FILE.read_bytes(), SHEET.read_bytes()) == before


def test_a_file_with_texts_of_an_older_version_is_read(written):
    header = "pair_id,negative_id,anchor,positive,negative,verdict"
    FILE.write_text(f"{header}\n{FIRST},fever,right,text 11,yes\n", "utf-8")
    SHEET.write_text(f"{header}\n{SECOND},rash,right,text 12,no\n", "utf-8")
    assert run().exit_code == 0
    assert lines() == [f"{FIRST},yes,,", f"{SECOND},no,,"]


def test_a_sheet_that_lies_behind_changes_nothing(written):
    edit(SHEET, ("text 11,", "text 11,yes"))
    run()
    edit(FILE, ("yes,,", "no,,on the page"))
    assert run().exit_code == 0
    assert lines() == [f"{FIRST},no,,on the page"]
    assert "text 11,no,on the page," in SHEET.read_text("utf-8")


def test_a_row_that_was_edited_on_both_sides_changes_nothing(written):
    edit(SHEET, ("text 11,", "text 11,yes"))
    FILE.write_text(FILE.read_text("utf-8") + f"{FIRST},no,,\n", "utf-8")
    before = (FILE.read_bytes(), SHEET.read_bytes())
    result = run()
    assert result.exit_code == 1
    ids_of_row = f"{name('p', 1)} and {name('d', 11)}"
    assert f"{ids_of_row} is 'yes' here, and 'no' in {FILE}, which changed since" in result.stderr
    assert (FILE.read_bytes(), SHEET.read_bytes()) == before


def test_each_judge_has_a_sheet(written):
    edit(SHEET, ("text 11,", "text 11,yes"))
    run()
    run("--judge", "ben")
    other = SHEET.with_name("negatives-ben.csv")
    assert "text 11,,," in other.read_text("utf-8")
    edit(other, ("text 11,", "text 11,no"))
    result = run("--judge", "ben")
    assert lines() == [f"{FIRST},yes,,", f"{FIRST},no,ben,"]
    assert "(no name) and ben: 1 rows judged by both, 1 conflicts" in result.stdout


@pytest.mark.parametrize("judge", ["agreed", "a,b", "../x", "a-b", " ", "x" * 41])
def test_a_name_that_is_no_name_is_refused(written, judge):
    result = run("--judge", judge)
    assert result.exit_code == 1
    assert f"{judge!r} is no name for a judge" in result.stderr


def evaluated(*firsts):
    """Write runs in which query 1, 2, ... finds this document first; the document of its number is relevant."""
    ids = [name("q", at) for at in range(1, len(firsts) + 1)]
    asked = [
        (query_id, f"c{query_id}", "Raw", f"question {at}", "", "s")
        for at, query_id in enumerate(ids, 1)
    ]
    rows = [
        ("validation", "finetuned", query_id, 1, name("d", doc), 0.5)
        for query_id, doc in zip(ids, firsts, strict=True)
    ]
    rows += [("test", "finetuned", query_id, 1, name("d", 9), 0.5) for query_id in ids]
    made = {
        "data/evaluate/runs.parquet": (rows, Runs),
        "data/split/validation/queries.parquet": (asked, Queries),
        "data/split/validation/qrels.parquet": (
            [(id_, name("d", at), 1.0) for at, id_ in enumerate(ids, 1)],
            Qrels,
        ),
        "data/deduplicate/aliases.parquet": ([(name("d", 2), name("d", 8))], Aliases),
        "data/pair/documents.parquet": (
            [(name("d", at), "s", "Term" * (at > 7), f"text {at}", "", "") for at in (1, 7, 8, 9)],
            Documents,
        ),
    }
    for path, (lines, table) in made.items():
        frame = pd.DataFrame(lines, columns=list(table.empty().columns)).astype(
            table.empty().dtypes.to_dict()
        )
        tables.write(frame, Path(path), table)


def hits():
    rows = csv.DictReader((SHEET.parent / "first_hits.csv").read_text("utf-8").splitlines())
    return sorted((row["query"], row["answer"], row["found"], row["verdict"]) for row in rows)


@pytest.mark.slow
def test_first_hits_without_a_label_are_written_too(written):
    result = run()
    assert (
        "first_hits.csv: stays as it is, since data/evaluate/runs.parquet does not exist"
        in result.stdout
    )
    # The relevant document of query 2 was merged into 8; that of query 3 is gone.
    evaluated(7, 8, 9)
    result = run()
    assert "2 first hits without a label, 0 of them judged; 0 verdicts on other" in result.stdout
    gone = f"{name('d', 3)}, which is no longer in the corpus"
    assert hits() == [
        ("question 1", "text 1", "text 7", ""),
        ("question 3", gone, "Term: text 9", ""),
    ]
    edit(SHEET.parent / "first_hits.csv", ("text 7,", "text 7,yes"))
    evaluated(7, 7, 3)
    run()
    assert hits() == [
        ("question 1", "text 1", "text 7", "yes"),
        ("question 2", "Term: text 8", "text 7", ""),
    ]


# ---- failures


@pytest.mark.parametrize("broken", [FILE, SHEET, SHEET.parent / "first_hits.csv"])
def test_a_bad_word_in_one_file_leaves_all_as_they_were(written, broken):
    evaluated(7, 8)
    assert run().exit_code == 0
    edit(SHEET, ("text 11,", "text 11,yes"), ("text 12,", "text 12,no"))
    bad = "x,y,perhaps,,\n" if broken == FILE else "x,y,a,b,c,perhaps,,\n"
    broken.write_text(broken.read_text("utf-8") + bad, "utf-8")
    before = {path: path.read_bytes() for path in FILE.parent.rglob("*.csv")}
    mined((1, "fever", 13))
    result = run()
    assert result.exit_code == 1
    assert "the verdict 'perhaps' is neither yes nor no" in result.stderr
    assert str(broken) in result.stderr
    assert {path: path.read_bytes() for path in FILE.parent.rglob("*.csv")} == before


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), OSError(28, "full")])
def test_an_interruption_between_the_files_leaves_all_as_they_were(written, monkeypatch, error):
    evaluated(7, 8)
    edit(SHEET, ("text 11,", "text 11,yes"))
    before = {path: path.read_bytes() for path in FILE.parent.rglob("*.csv")}
    mined((1, "fever", 13))

    def write_or_stop(queue, judge, file):
        if queue.name == "first_hits":
            raise error
        write_sheet(queue, judge, file)

    monkeypatch.setattr("stages.commands.review.__main__.write_sheet", write_or_stop)
    assert run().exit_code != 0
    assert {path: path.read_bytes() for path in FILE.parent.rglob("*.csv")} == before


# --- a negative that a verdict removed


def test_a_negative_that_a_verdict_removed_stays_in_the_sample(written):
    """Otherwise the rate would be of those alone that were found right."""
    ledger = LedgerWriter()
    ledger.edit(name("p", 1), "negative_ids", "judged_false_negative", name("d", 11), "")
    mined((1, "fever", 12), (2, "rash", 12))
    tables.write(ledger.frame(), Path("data/mine/ledger.parquet"), Ledger)
    FILE.write_text(f"{','.join(NEGATIVES)}\n{FIRST},yes,,\n", "utf-8")
    result = run()
    assert "3 mined negatives, 1 of them judged" in result.output
    rows = list(csv.DictReader(SHEET.open(encoding="utf-8", newline="")))
    assert {(row["pair_id"], row["negative_id"]) for row in rows} == {
        (name("p", 1), name("d", 11)),
        (name("p", 1), name("d", 12)),
        (name("p", 2), name("d", 12)),
    }
