"""python -m stages init hf:OWNER/NAME takes a data set of a hub as the data."""

from pathlib import Path

import pytest

from stages.commands.init.data_sets import guess_splits, recognise_data_set
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash
from tests.commands.fetch.test_huggingface import desk, write_split  # noqa: F401  the fixture
from tests.commands.test_init import clone, init, params, tree  # noqa: F401  the fixture


@pytest.mark.slow
def test_a_data_set_becomes_the_data(clone, hub, desk):  # noqa: F811
    result = init("hf:help/desk", "--yes")
    assert result.exit_code == 0, result.output
    commit = hub.commit("datasets", "help/desk")
    assert params()["collect"]["sources"] == {
        "desk": {
            "reader": "huggingface",
            "id": "help/desk",
            "revision": commit,
            "splits": {"train": "train", "validation": "validation", "test": "test"},
            "columns": {"text": "answer", "anchor": "question"},
            "sha256": file_hash(Path("data/raw/snapshots/desk.parquet")),
            "rows": 10,
        }
    }
    assert "Source 'desk': hf:help/desk" in result.output
    assert f"commit {commit[:12]}, 10 rows" in result.output
    assert "splits: train as train, validation as validation, test as test" in result.output
    assert "anchor: Where is " in result.output
    assert "10 records: 10 documents and 10 pairs" in result.output

    before = tree()
    assert "Nothing to change" in init("hf:help/desk", "--yes").output
    assert tree() == before


@pytest.mark.slow
def test_the_first_configuration_is_taken_and_the_others_are_named(hub):
    folder = hub.folder("datasets", "help/desk")
    for config in ("de", "fr"):
        write_split(folder / config, "train", 4)
    configs = "".join(
        f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in ("de", "fr")
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", "utf-8")
    guess = recognise_data_set("hf:help/desk", ["desk"])
    assert (guess.name, guess.config, guess.splits) == ("desk_2", "de", {"train": None})
    assert guess.note == "other configurations: fr. Name one as hf:help/desk/fr"
    commit = hub.commit("datasets", "help/desk")
    guess = recognise_data_set(f"hf:help/desk/fr@{commit}", [])
    assert (guess.name, guess.config, guess.note) == ("desk", "fr", "")
    assert "  splits: train as rows to split" in guess.description()


@pytest.mark.parametrize(
    "argument", ["hf:", "hf:desk", "hf:a/b/c/d", "hf:https://hub/a/b", "hf:a/b c", "hf:a/b@"]
)
def test_an_argument_that_names_no_data_set(argument):
    with pytest.raises(UserError, match="names no data set"):
        recognise_data_set(argument, [])


def test_other_arguments_are_no_data_sets():
    assert recognise_data_set("exports/hf:a/b.csv", []) is None


def test_a_hub_that_cannot_be_reached(clone, monkeypatch):  # noqa: F811
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    before = tree()
    result = init("hf:help/desk", "--yes")
    assert result.exit_code == 1
    assert "hf:help/desk: the hub at http://127.0.0.1:1 cannot be reached" in result.stderr
    assert tree() == before


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train"], {"train": None}),
        (["train", "test"], {"train": None, "test": "test"}),
        (["train", "validation"], {"train": None, "validation": "validation"}),
        (["train", "dev", "test"], {"train": "train", "dev": "validation", "test": "test"}),
        (["train", "eval_all"], {"train": None, "eval_all": None}),
        (["train", "validation", "test", "extra"],
         {"train": "train", "validation": "validation", "test": "test", "extra": None}),
        (["corpus"], {"corpus": None}),
    ],
)  # fmt: skip
def test_what_the_splits_of_a_data_set_are_here(names, splits):
    assert guess_splits(names) == splits
