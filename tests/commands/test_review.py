"""`python -m stages review`: labels stay, whatever is mined again."""

import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.review import app, write_update
from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.reviews import FIRST_HITS, NEGATIVES, read_judgements, write_judgements
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
    tables.write(frame, Path("data/mine/triplets.parquet"), Triplets)


def set_texts(value):
    params = Path("params.yaml")
    text = params.read_text("utf-8")
    params.write_text(re.sub(r"(?m)^  texts: \w+$", f"  texts: {value}", text), "utf-8")


@pytest.fixture
def written(project):
    """Write the file once for two anchors, with their texts."""
    set_texts("texts")
    FILE.parent.mkdir(parents=True)
    write_judgements([], FILE, NEGATIVES)
    write_judgements([], HITS, FIRST_HITS)
    mined((1, "fever", 11), (2, "rash", 12))
    assert CliRunner().invoke(app).exit_code == 0
    return project


def labels():
    return {(line.query, line.doc_id): line.verdict for line in read_judgements(FILE, NEGATIVES)}


def test_every_negative_is_written_with_its_texts(written):
    assert labels() == {("fever", name("d", 11)): "", ("rash", name("d", 12)): ""}
    assert {(line.positive, line.retrieved) for line in read_judgements(FILE, NEGATIVES)} == {
        ("right", "text 11"),
        ("right", "text 12"),
    }


@pytest.mark.slow
def test_labels_stay_and_those_of_other_rows_move_to_the_end(written):
    FILE.write_text(
        FILE.read_text("utf-8")
        .replace("text 11,", "text 11,yes")
        .replace("text 12,", "text 12,no"),
        "utf-8",
    )
    mined((1, "fever", 13), (2, "rash", 12), (3, "cough", 14))
    result = CliRunner().invoke(app)
    assert "3 negatives, 1 of them labelled; 1 labels of other rows kept" in result.stdout
    assert labels() == {
        ("fever", name("d", 13)): "",
        ("rash", name("d", 12)): "no",
        ("cough", name("d", 14)): "",
        ("fever", name("d", 11)): "yes",
    }
    assert read_judgements(FILE, NEGATIVES)[-1].doc_id == name("d", 11)
    mined((1, "fever", 11), (2, "rash", 12))
    CliRunner().invoke(app)
    assert labels() == {("fever", name("d", 11)): "yes", ("rash", name("d", 12)): "no"}


@pytest.mark.slow
def test_writing_again_changes_no_byte(written):
    before = FILE.read_bytes()
    CliRunner().invoke(app)
    assert FILE.read_bytes() == before


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
    return sorted(
        (line.query, line.positive, line.retrieved, line.verdict)
        for line in read_judgements(HITS, FIRST_HITS)
    )


@pytest.mark.slow
def test_first_hits_without_a_label_are_written_too(written):
    result = CliRunner().invoke(app)
    assert (
        "first_hits.csv: stays as it is, since data/evaluate/runs.parquet does not exist"
        in result.stdout
    )
    # The relevant document of query 2 was merged into 8; that of query 3 is gone.
    evaluated(7, 8, 9)
    result = CliRunner().invoke(app)
    assert "2 first hits, 0 of them labelled; 0 labels of other rows kept" in result.stdout
    gone = f"{name('d', 3)}, which is no longer in the corpus"
    assert hits() == [
        ("question 1", "text 1", "text 7", ""),
        ("question 3", gone, "Term: text 9", ""),
    ]
    HITS.write_text(HITS.read_text("utf-8").replace("text 7,", "text 7,yes"), "utf-8")
    evaluated(7, 7, 3)
    CliRunner().invoke(app)
    assert hits() == [
        ("question 1", "text 1", "text 7", "yes"),
        ("question 2", "Term: text 8", "text 7", ""),
    ]


# ---- failures


def label_all(path):
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text(lines[0] + "".join(f"{line.rstrip()}yes\n" for line in lines[1:]), "utf-8")


@pytest.mark.parametrize("broken", [FILE, HITS])
def test_a_bad_word_in_one_file_leaves_both_as_they_were(written, broken):
    evaluated(7, 8)
    assert CliRunner().invoke(app).exit_code == 0
    label_all(FILE)
    label_all(HITS)
    broken.write_text(broken.read_text("utf-8").replace("yes", "perhaps", 1), "utf-8")
    before = {path: path.read_bytes() for path in FILE.parent.iterdir()}
    mined((1, "fever", 13))
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"{broken}, line 2: the verdict 'perhaps' is neither yes nor no" in result.stderr
    assert {path: path.read_bytes() for path in FILE.parent.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), OSError(28, "full")])
def test_an_interruption_between_the_files_leaves_both_as_they_were(written, monkeypatch, error):
    evaluated(7, 8)
    label_all(FILE)
    before = {path: path.read_bytes() for path in FILE.parent.iterdir()}
    mined((1, "fever", 13))

    def write_or_stop(update):
        if update.path == HITS:
            raise error
        return write_update(update)

    monkeypatch.setattr("stages.commands.review.write_update", write_or_stop)
    assert CliRunner().invoke(app).exit_code != 0
    assert {path: path.read_bytes() for path in FILE.parent.iterdir()} == before


SHEET = Path("data/review/with_texts/negatives.csv")


@pytest.mark.parametrize("texts", ["nothing", "labels"])
def test_the_file_for_git_has_ids_and_the_ignored_one_the_texts(written, texts):
    set_texts(texts)
    result = CliRunner().invoke(app)
    assert f"{SHEET}: 2 negatives, 0 of them labelled" in result.stdout
    assert sorted(FILE.read_text("utf-8").splitlines()) == [
        f"{name('p', 1)},{name('d', 11)},,,,",
        f"{name('p', 2)},{name('d', 12)},,,,",
        ",".join(NEGATIVES),
    ]
    lines = read_judgements(SHEET, NEGATIVES)
    assert sorted((line.query, line.positive, line.retrieved) for line in lines) == [
        ("fever", "right", "text 11"),
        ("rash", "right", "text 12"),
    ]
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/data/review/with_texts/" in ignored


def test_labels_of_the_sheet_reach_the_file_for_git_and_come_back(written):
    set_texts("nothing")
    assert CliRunner().invoke(app).exit_code == 0
    SHEET.write_text(SHEET.read_text("utf-8").replace("text 11,", "text 11,yes"), "utf-8")
    assert CliRunner().invoke(app).exit_code == 0
    labelled = {
        line.doc_id: (line.query, line.verdict) for line in read_judgements(FILE, NEGATIVES)
    }
    assert labelled == {name("d", 11): ("", "yes"), name("d", 12): ("", "")}

    # A clone has what git holds: the verdict comes back beside the text.
    SHEET.unlink()
    assert CliRunner().invoke(app).exit_code == 0
    assert "fever,right,text 11,yes" in SHEET.read_text("utf-8")


def test_two_files_that_contradict_each_other_change_nothing(written):
    set_texts("nothing")
    assert CliRunner().invoke(app).exit_code == 0
    SHEET.write_text(SHEET.read_text("utf-8").replace("text 11,", "text 11,yes"), "utf-8")
    assert CliRunner().invoke(app).exit_code == 0
    FILE.write_text(FILE.read_text("utf-8").replace(",yes", ",no"), "utf-8")
    before = (FILE.read_bytes(), SHEET.read_bytes())
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"{SHEET} labels {name('p', 1)} and {name('d', 11)} 'yes', {FILE} 'no'" in result.stderr
    assert (FILE.read_bytes(), SHEET.read_bytes()) == before
