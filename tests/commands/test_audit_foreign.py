"""The audit of data sets of others: each planted leak is found, in every form that names splits."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.audit.__main__ import app
from stages.commands.audit.foreign import files_of_splits
from stages.commands.audit.foreign_audit import split_by_row
from stages.lib.core.errors import UserError
from tests.conftest import ROOT

# Question, answer and split. The third and fourth row repeat a question, in other spelling. The
# sixth asks for the answer of the first. The last two are the only ones that leak nothing.
RESET = "Hold the small button at the back for ten seconds until the light turns red."
ROWS = [
    ("How do I reset the router?", RESET, "train"),
    ("Wie lange ist die Lieferzeit?", "Wir liefern in drei bis fünf Werktagen.", "train"),
    ("When does the shop open?", "The shop opens at nine on weekdays.", "train"),
    ("when does the SHOP open", "At nine, and at ten on Saturdays.", "test"),
    ("Do you ship to Norway?", "Yes, we ship to all of Europe.", "train"),
    ("The device hangs, what now?", RESET, "test"),
    ("退货需要多长时间?", "退货需要七个工作日。", "test"),
    ("Can I pay by invoice?", "Companies can pay by invoice within thirty days.", "validation"),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("params.yaml", "pyproject.toml"):
        (tmp_path / file).write_text((ROOT / file).read_text("utf-8"), "utf-8")
    return tmp_path


def rows_of(split):
    return [row for row in ROWS if row[2] == split]


def write_table(folder):
    file = folder / "faq.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("question", "answer", "split"), *ROWS])
    return file


def write_trainer(folder):
    for split in ("train", "validation", "test"):
        lines = [
            json.dumps({"query": question, "pos": [answer], "neg": ["Our logo is blue."]})
            for question, answer, _ in rows_of(split)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def write_hub(folder):
    for split in ("train", "validation", "test"):
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(exist_ok=True)
        columns = ["question", "answer", "unused"]
        pd.DataFrame(rows_of(split), columns=columns)[columns[:2]].to_parquet(path)
    return folder


def write_beir(folder):
    # The answers of two rows are one document here.
    answers = list(dict.fromkeys(answer for _, answer, _ in ROWS))
    corpus = [{"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(answers)]
    queries = [{"_id": f"q{n}", "text": row[0]} for n, row in enumerate(ROWS)]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    (folder / "qrels").mkdir()
    for split, file in (("train", "train"), ("validation", "dev"), ("test", "test")):
        lines = [
            f"q{n}\td{answers.index(answer)}\t1"
            for n, (_, answer, of) in enumerate(ROWS)
            if of == split
        ]
        text = "\n".join(["query-id\tcorpus-id\tscore", *lines])
        (folder / f"qrels/{file}.tsv").write_text(text + "\n", "utf-8")
    return folder


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (write_table, "exact text"),
        (write_trainer, "exact text"),
        (write_hub, "exact text"),
        (write_beir, "shared document"),
    ],
)
def test_planted_leaks_are_found(project, tmp_path_factory, write, kind):
    path = write(tmp_path_factory.mktemp("others"))
    result = CliRunner().invoke(app, [str(path), "--json", "found.json"])
    assert result.exit_code == 1, result.output
    found = json.loads(Path("found.json").read_text("utf-8"))
    assert (found["pairs"], found["held_out"], found["leaked"]) == (8, 4, 2)
    counts = {name: entry["count"] for name, entry in found["kinds"].items() if entry["count"]}
    assert counts == {"normalised anchor": 1, kind: 1}

    # What leaks is shown with its texts, the held-out one first.
    (example,) = found["kinds"]["normalised anchor"]["examples"]
    assert example[0].startswith("test: when does the SHOP open | At nine")
    assert example[1].startswith("train: When does the shop open? | The shop opens")
    assert "2 of 4 held-out pairs leak (50.0%)" in result.output
    assert "a split by row" in result.output


def test_parts_that_say_nothing_of_each_other_pass(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    pd.DataFrame([(*ROWS[0], ""), (*ROWS[7], ""), (*ROWS[6], "")]).iloc[:, :3].to_csv(
        folder / "faq.csv", header=["question", "answer", "split"], index=False
    )
    result = CliRunner().invoke(app, [str(folder / "faq.csv")])
    assert result.exit_code == 0, result.output
    assert "0 of 2 held-out pairs leak (0.0%)" in result.output


def test_training_data_is_compared_with_public_test_sets(project, tmp_path_factory):
    own = tmp_path_factory.mktemp("own") / "train.csv"
    rows = [("question", "answer"), (ROWS[7][0], "Yes."), ("Who are you?", "A shop for bikes.")]
    with own.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    public = write_beir(tmp_path_factory.mktemp("public"))
    files = ["--json", "found.json", "--html", "found.html"]
    result = CliRunner().invoke(app, [str(own), "--against", str(public), *files])
    assert result.exit_code == 1, result.output
    found = json.loads(Path("found.json").read_text("utf-8"))
    counts = {name: entry["count"] for name, entry in found["kinds"].items() if entry["count"]}
    assert counts == {"exact anchor": 1}
    assert "a split by row" not in result.output
    said = " ".join("".join(Page(Path("found.html").read_text("utf-8")).texts).split())
    assert f"train.csv: what its pairs share with the tests in {public.name}." in said
    assert "split by row" not in said


class Page(HTMLParser):
    """The tags of a page, the addresses that it names, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags = set()
        self.addresses = []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        values = [value for name, value in attributes if name in {"href", "src", "action", "style"}]
        self.addresses += [value for value in values if not value.startswith("#")]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, text):
        self.texts.append(text)


def audited_page(rows, *arguments):
    with Path("faq.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("question", "answer", "split"), *rows])
    result = CliRunner().invoke(app, ["faq.csv", "--html", "found.html", *arguments])
    assert Path("found.html").is_file(), result.output
    return Path("found.html").read_text("utf-8")


def test_the_page_says_what_leaks(project):
    text = audited_page(ROWS)
    page = Page(text)
    said = " ".join("".join(page.texts).split())
    assert "2 of 4 held-out pairs leak (50.0%)." in said
    assert "4 train" in said and "3 test" in said and "1 validation" in said
    assert "normalised anchor: 1 of 1" in said
    assert "test when does the SHOP open" in said
    assert "train When does the shop open?" in said
    assert "What the kinds mean" in said

    # Nothing is loaded and nothing runs, and a browser enforces it.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in text
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form", "base"}
    assert page.addresses == []
    assert "prefers-color-scheme: dark" in text


def test_hostile_text_stays_text(project):
    hostile = "<script>alert(1)</script> `x` </style><img src=x onerror=alert(2)> \u202egnp.txt?"
    long_word = "a" * 200
    rows = [*ROWS, (hostile, long_word, "train"), (hostile, "Because of <b>that</b>.", "test")]
    page = Page(audited_page(rows))
    assert not page.tags & {"script", "img", "link", "iframe"}
    said = " ".join("".join(page.texts).split())
    assert "<script>alert(1)</script> `x` </style><img src=x onerror=alert(2)>" in said
    assert "Because of <b>that</b>." in said

    # A mark that turns a line around is shown by its code, and a long word breaks and stays whole.
    assert "\\u202egnp.txt" in said
    assert long_word in said
    assert "wbr" in page.tags


def test_the_page_of_a_data_set_without_leaks(project):
    page = Page(audited_page([ROWS[0], ROWS[7], ROWS[6]]))
    said = " ".join("".join(page.texts).split())
    assert "0 of 2 held-out pairs leak (0.0%)." in said
    assert "None of 13 kinds of leaks." in said
    assert "Examples" not in said
    assert "svg" not in page.tags


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("train.jsonl", "train"),
        ("my_dev.csv", "validation"),
        ("data/test-00000-of-00002.parquet", "test"),
        ("valid/rows.tsv", "validation"),
        ("train/notes.test.jsonl.gz", "test"),
        ("TRAINING.json", "train"),
        ("testimonials.csv", None),
        ("train.txt", None),
        ("retrain.jsonl", None),
    ],
)
def test_the_name_of_a_file_says_its_split(tmp_path, file, split):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    if split is None:
        with pytest.raises(UserError, match="no file of rows names its split"):
            files_of_splits(tmp_path)
    else:
        assert files_of_splits(tmp_path) == {split: [tmp_path / file]}


def test_splits_by_row_have_the_same_sizes():
    own = dict.fromkeys([f"p{n}" for n in range(90)], "train") | {"p90": "test", "p91": "test"}
    by_row = split_by_row(own)
    assert by_row.keys() == own.keys()
    assert sorted(by_row.values()) == sorted(own.values())
    assert by_row != own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.csv"], "nothing.csv does not exist"),
        (["--html", "found.html"], "--against and --html go with a data set"),
        (["own", "--json", "found.json", "--html", "found.json"], "both name found.json"),
        (["own.csv"], "there is nothing to compare: no row has a split"),
        (["own"], "there is nothing to compare: its rows are all of the split train"),
    ],
)
def test_what_cannot_be_audited_is_an_error(project, arguments, message):
    Path("own").mkdir()
    for file in ("own.csv", "own/train.csv"):
        Path(file).write_text(f"question,answer\n{ROWS[0][0]},{RESET}\nWho?,A shop for bikes.\n")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not Path("found.json").exists()


def test_json_on_the_standard_output_stands_alone(project):
    Path("own").mkdir()
    Path("own/train.csv").write_text(f"question,answer\n{ROWS[0][0]},{RESET}\n")
    Path("own/test.csv").write_text(f"question,answer\n{ROWS[0][0]},{RESET}\n")
    result = CliRunner().invoke(app, ["own", "--json", "-"])
    figures = json.loads(result.stdout)
    assert (result.exit_code, figures["held_out"], figures["leaked"]) == (1, 1, 1)
    assert "own: 2 pairs, 1 held out" in result.stderr
    assert not Path("-").exists()
