"""A data set of a hub is read from its snapshot, with the splits that it comes with."""

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from pydantic import TypeAdapter, ValidationError

from stages.collect.kinds.registry import AnySource, kind_of
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import file_hash

SETTINGS = {
    "reader": "huggingface",
    "id": "help/desk",
    "revision": "c" * 40,
    "splits": {"train": "train", "dev": "validation", "test": "test", "extra": None},
    "columns": {"anchor": "question", "positive": "answers.text"},
}
ROWS = {
    "question": ["Wo?", "Wann?", "Wer?", "Was?"],
    "answers": [{"text": ["Hier.", "Da."]}, {"text": ["Jetzt."]}, {"text": ["Ich."]}, {"text": ["Dies."]}],
    "hf_split": ["train", "dev", "test", "extra"],
}  # fmt: skip


def source(**settings):
    return TypeAdapter(AnySource).validate_python({**SETTINGS, **settings})


def read(tmp_path, **settings):
    path = tmp_path / "snapshots/faq.parquet"
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(arrow.table(ROWS), path)
    own = source(sha256=file_hash(path), **settings)
    kind_of(own).check("faq", own, {"faq": own})
    return kind_of(own).read(own, ReadRequest("faq", tmp_path))


def splits(rows):
    split_of_pair = dict(zip(rows.given_splits["id"], rows.given_splits["split"], strict=True))
    pairs = zip(rows.pairs["anchor"], rows.pairs["pair_id"], strict=True)
    return sorted((anchor, split_of_pair.get(pair_id, "")) for anchor, pair_id in pairs)


def test_each_row_is_in_the_split_that_its_split_is_here(tmp_path):
    rows = read(tmp_path)
    assert splits(rows) == [
        ("Wann?", "validation"), ("Was?", ""), ("Wer?", "test"), ("Wo?", "train"), ("Wo?", "train"),
    ]  # fmt: skip
    assert rows.facts.origin == "the data set help/desk of the hub, commit cccccccccccc"


def test_splits_that_are_null_give_none(tmp_path):
    rows = read(tmp_path, splits={"train": None, "dev": None}, config="plain")
    assert {split for _, split in splits(rows)} == {""}
    assert rows.facts.origin.endswith("the hub, configuration plain, commit cccccccccccc")


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"columns": {"text": "question"}}, "splits has no meaning without anchors"),
        (
            {"columns": {**SETTINGS["columns"], "split": "part"}},
            "has both splits and columns.split",
        ),
        ({"split": "test"}, "has both splits and split"),
        ({"split_names": {"train": "test"}}, "has both splits and split_names"),
        ({"columns": {"anchor": "question"}}, "collect.sources.faq.columns maps anchor"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, fact, tmp_path):
    with pytest.raises(UserError, match=fact):
        read(tmp_path, **settings)


@pytest.mark.parametrize(
    "settings",
    [{"id": "a/b/c"}, {"id": "../b"}, {"id": "https://hub/a/b"}, {"splits": {}}, {"splits": {"train": "dev"}},
     {"path": "data/raw/a.csv"}, {"config": ""}, {"trust_remote_code": True}],
)  # fmt: skip
def test_unknown_keys_and_wrong_values_are_refused(settings):
    with pytest.raises(ValidationError):
        source(**settings)
