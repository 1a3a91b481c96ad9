"""init takes a folder with a test collection, and `collect` reads it without an editor."""

from pathlib import Path

import pandas as pd
import pytest

from stages.commands.init.beir import recognise_beir
from stages.lib.core.errors import UserError
from tests.collect.kinds.reading import lines
from tests.commands.test_init import clone, init, params, tree  # noqa: F401  the fixture
from tests.commands.test_init_trainer import collected

PARTS = [
    "valve",
    "pump",
    "rotor",
    "bearing",
    "piston",
    "flange",
    "gasket",
    "nozzle",
    "sensor",
    "relay",
]
CORPUS = lines(
    *({"_id": f"d{index}", "title": f"The {part}", "text": f"A {part} is a part. It lasts."}
      for index, part in enumerate(PARTS))
)  # fmt: skip
QUERIES = lines(
    *({"_id": f"q{index}", "text": f"What is a {part}?"} for index, part in enumerate(PARTS))
)
QRELS = "query-id\tcorpus-id\tscore\n"


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")


@pytest.fixture
def folder(tmp_path_factory):
    """Return a folder with a set that has its own three splits."""
    folder = tmp_path_factory.mktemp("own") / "scifact"
    files = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "README.md": "A set."}
    for split, numbers in (("train", range(6)), ("dev", range(6, 8)), ("test", range(8, 10))):
        rows = [f"q{number}\td{number}\t2\nq{number}\td0\t{number == 0}\n" for number in numbers]
        text = "".join(rows).replace("False", "0").replace("q0\td0\tTrue\n", "")
        files[f"qrels/{split}.tsv"] = QRELS + text
    write(folder, files)
    return folder


def test_a_set_with_its_own_splits_becomes_the_data(clone, folder):  # noqa: F811
    result = init(folder, "--yes")
    assert result.exit_code == 0, result.output
    assert params()["collect"]["sources"] == {
        "scifact": {"reader": "beir", "path": "data/raw/scifact"}
    }
    assert params()["pair"]["recipes"] == ["given"]
    assert "qrels/dev.tsv holds judgements of validation" in result.output
    assert "(grade 2, train)" in result.output
    assert collected() == (10, 19)
    splits = pd.read_parquet("data/collect/given_splits.parquet")["split"]
    assert splits.value_counts().to_dict() == {"train": 11, "validation": 4, "test": 4}
    assert not Path("data/raw/scifact/README.md").exists()

    before = tree()
    assert "Nothing to change" in init(folder, "--yes").output
    assert "Nothing to change" in init("data/raw/scifact", "--yes").output
    assert tree() == before


@pytest.mark.parametrize(
    ("names", "settings"),
    [
        (["train", "dev", "test"], {}),
        (["train", "test"], {"missing_split_share": 0.2}),
        (["test"], {"missing_split_share": 0.5}),
        (["dev"], {"missing_split_share": 0.5}),
        (["train"], {"split_names": {"train": None}}),
        (["2019-pass"], {"split_names": {"2019-pass": None}}),
        (["2019-pass", "test"], {"split_names": {"2019-pass": None}}),
    ],
)
def test_held_out_splits_that_a_set_lacks(tmp_path, names, settings):
    folder = tmp_path / "set"
    qrels = "".join(f"q{number} 0 d{number} 1\n" for number in range(10))
    files = {f"qrels/{name}.tsv": qrels for name in names}
    write(folder, {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, **files})
    guess, _ = recognise_beir(str(folder), []).read({}, set())
    assert guess.settings() == {"reader": "beir", "path": "data/raw/set", **settings}
    description = "\n".join(guess.description())
    assert ("note: no file holds" in description) == ("missing_split_share" in settings)


@pytest.mark.slow
def test_a_set_of_test_questions_alone_makes_training_pairs(clone, folder):  # noqa: F811
    for name in ("train", "dev"):
        (folder / f"qrels/{name}.tsv").unlink()
    result = init(folder, "--yes")
    assert result.exit_code == 0, result.output
    assert "All questions belong to validation or test" in result.output
    assert params()["pair"]["recipes"] == ["given", "title", "first_sentence"]
    assert "note: 8 queries have no judgement" in result.output


@pytest.mark.parametrize(
    "files",
    [
        {"corpus.jsonl": CORPUS},
        {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES},
        {"queries.jsonl": QUERIES, "qrels/test.tsv": QRELS},
        {"a.csv": "q,a\n", "b.csv": "q,a\n"},
        {"a/corpus.jsonl": CORPUS, "a/queries.jsonl": QUERIES, "a/qrels/test.tsv": QRELS},
    ],
)
def test_a_folder_without_all_three_is_left_to_other_kinds(tmp_path, files):
    write(tmp_path / "set", files)
    assert recognise_beir(str(tmp_path / "set"), []) is None
    assert recognise_beir(str(tmp_path / "missing"), []) is None


def test_ms_marco_and_topics_are_recognised(tmp_path):
    files = {
        "collection.tsv": "d1\tOne text.\nd2\tOther text.\n",
        "topics.txt": "<top><num> Number: 1 <title> one </top>",
        "qrels.dev.small.tsv": "1\t0\td1\t1\n",
        "qrels.train.tsv": "1\t0\td2\t1\n",
        "qrels.test.tsv": "1\t0\td2\t0\n",
    }
    write(tmp_path / "set", files)
    guess, rows = recognise_beir(str(tmp_path / "set"), ["set"]).read({}, set())
    assert guess.name == "set_2"
    assert sorted(rows.given_splits["split"]) == ["test", "train", "validation"]


def test_a_person_names_the_split_of_a_file(tmp_path, monkeypatch):
    qrels = {
        f"qrels/{name}.tsv": f"q{index} 0 d{index} 1\n"
        for index, name in enumerate(("a", "b", "train"))
    }
    write(tmp_path / "set", {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, **qrels})
    confirmed = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(confirmed))
    answers = {
        "qrels/a.tsv": iter(["exam", "validation"]),
        "qrels/b.tsv": iter(["test"]),
        "qrels/train.tsv": iter(["train"]),
    }
    monkeypatch.setattr("typer.prompt", lambda text, **_: next(answers[text.strip()]))
    guess = recognise_beir(str(tmp_path / "set"), []).ask()
    assert guess.settings()["split_names"] == {"a": "validation", "b": "test", "train": "train"}


def test_files_of_several_encodings_are_refused(tmp_path):
    write(
        tmp_path / "set",
        {"corpus.jsonl": CORPUS.replace("A valve", "Ein Ventil für"), "qrels/test.tsv": QRELS},
    )
    (tmp_path / "set/queries.tsv").write_bytes("q0\tWofür ist ein Ventil?\n".encode("cp1252"))
    with pytest.raises(UserError) as error:
        recognise_beir(str(tmp_path / "set"), [])
    assert "corpus.jsonl utf-8" in str(error.value)
    assert "queries.tsv cp1252" in str(error.value)

    # Beside plain ASCII it is the encoding of all.
    write(tmp_path / "set", {"corpus.jsonl": CORPUS})
    assert recognise_beir(str(tmp_path / "set"), []).encoding == "cp1252"
