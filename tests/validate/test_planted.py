"""What is planted in the default data trips its own gate, with the advice that helps; the unharmed data trips none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from stages.lib.core import tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams, load_section
from stages.lib.reporting.details import read_details
from stages.lib.retrieval.cache import cache_folder
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.training import Triplets
from tests.conftest import copy_project

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]

TRIPLETS = Path("data/mine/triplets.parquet")
QUERIES = Path("data/split/validation/queries.parquet")
QRELS = Path("data/split/validation/qrels.parquet")
PASSAGES = Path("data/split/passages.parquet")


@pytest.fixture(scope="module")
def default(tmp_path_factory, dvc):
    """Return the default data, ready to be validated."""
    project = tmp_path_factory.mktemp("default")
    copy_project(project)
    # The user's own cache makes it faster, and nothing else.
    result = dvc(project, "repro", "tokenize", timeout=3000, PAIRSMITH_CACHE=str(cache_folder()))
    assert result.returncode == 0, result.stderr[-3000:]
    return project


@pytest.fixture
def project(default, tmp_path, monkeypatch):
    """Stand in a copy that may be harmed: what is written anew leaves the original alone."""
    shutil.copytree(
        default,
        tmp_path / "copy",
        copy_function=os.link,
        ignore=shutil.ignore_patterns(".dvc", ".git"),
    )
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def some(count, share, seed=1):
    return np.random.default_rng(seed).permutation(count)[: int(share * count)]


def change(path, table, edit):
    frame = tables.read(path, table)
    tables.write(edit(frame), path, table)


def set_params(section, **values):
    yaml = YAML()
    params = yaml.load(Path("params.yaml").read_text("utf-8"))
    params[section].update(values)
    Path("params.yaml").unlink()  # it is a link to the original's
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def run(stage, environment):
    command = [sys.executable, "-m", f"stages.{stage}"]
    environment = {**environment, "PAIRSMITH_CACHE": str(cache_folder())}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def validated(environment):
    """Return the metrics, the gates that tripped, and the page."""
    run("validate", environment)
    metrics = read_details(Path("metrics/details/validate.json"))
    tripped = {
        name.removeprefix("gates."): verdict
        for name, verdict in metrics.items()
        if name.startswith("gates.") and verdict not in ("pass", "not measured")
    }
    return metrics, tripped, Path("data/validate/index.html").read_text("utf-8")


def test_unharmed_data_fails_no_gate_and_the_placebo_gains_none(project, environment):
    metrics, tripped, page = validated(environment)
    assert tripped == {}
    # Nobody labelled negatives in the default data.
    not_measured = [name for name, value in metrics.items() if value == "not measured"]
    assert not_measured == ["gates.labelled_positives"]
    assert metrics["passed"] is True
    assert metrics["probe.gain_low"] > 0.03
    assert metrics["probe.placebo_gain_high"] < 0
    assert metrics["curve.trend"] == "more helps"
    assert "More data would help" in page


def test_ten_percent_of_false_negatives(project, environment):
    """An answer under another id, as another editor would write it, stands among the negatives."""

    def plant(frame):
        rows = {at for at in some(len(frame), 0.11).tolist() if len(frame.loc[at, "negatives"])}
        assert len(rows) >= 0.1 * len(frame)
        told = zip(frame["positive"], frame["negatives"], strict=True)
        planted = [
            [f"In short: {positive}", *negatives[1:]] if at in rows else list(negatives)
            for at, (positive, negatives) in enumerate(told)
        ]
        return frame.assign(negatives=planted)

    change(TRIPLETS, Triplets, plant)
    metrics, tripped, page = validated(environment)
    assert tripped == {"hidden_positives": "fail"}
    assert metrics["passed"] is False
    assert "Raise <code>mine.relative_margin</code>" in page


def test_ten_percent_of_leaked_rows(project, environment):
    """Questions of validation, in other spelling, stand among the training anchors."""
    asked = tables.read(QUERIES, Queries)["text"]

    def plant(frame):
        for at, text in zip(some(len(frame), 0.1), asked, strict=False):
            frame.loc[at, "anchor"] = f"{text.upper()}!"
        return frame

    change(TRIPLETS, Triplets, plant)
    metrics, tripped, page = validated(environment)
    assert tripped.pop("leaked_rows") == "fail"
    assert metrics["leaked_rows"] >= 0.09 * len(tables.read(TRIPLETS, Triplets))
    # Their documents are other ones, so they are mispaired too: no gate but that may say so.
    assert set(tripped) <= {"mispaired_training", "hidden_positives"}
    first = page.split("The most expensive fault comes first")[1]
    assert first.index("split.near_threshold") < first.index("</section>")
    assert first.index("say what a held-out text says") < min(
        [first.index(word) for word in ("mispaired", "likely answers") if word in first],
        default=len(first),
    )


def test_twenty_percent_of_mispaired_rows(project, environment):
    """A column slipped: each fifth row, of those trained on and of the exam, has another row's answer."""

    def slip(frame, columns):
        rows = some(len(frame), 0.2)
        frame.loc[rows, columns] = frame.loc[np.roll(rows, 1), columns].to_numpy()
        return frame

    change(TRIPLETS, Triplets, lambda frame: slip(frame, ["anchor"]))
    change(
        QRELS, Qrels, lambda frame: slip(frame, ["doc_id"]).drop_duplicates(["query_id", "doc_id"])
    )
    metrics, tripped, page = validated(environment)
    assert tripped["mispaired"] == tripped["mispaired_training"] == "warn"
    assert 0.8 < metrics["separation.random.roc_auc"] < 0.9

    # What fails comes first, and its likely cause in the list of warnings below.
    first = page.split("The most expensive fault comes first")[1]
    assert tripped["hidden_positives"] == "fail"
    assert first.index("</p>") < first.index("<code>collect.sources</code>") < first.index("</ul>")


def test_rows_that_only_training_has_wrong_show_too(project, environment):
    def slip(frame):
        rows = some(len(frame), 0.2)
        frame.loc[rows, "anchor"] = frame.loc[np.roll(rows, 1), "anchor"].to_numpy()
        return frame

    change(TRIPLETS, Triplets, slip)
    _, tripped, _ = validated(environment)
    assert tripped["mispaired_training"] == "warn"
    assert "mispaired" not in tripped


def test_truncated_texts(project, environment):
    set_params("tokenize", max_tokens=16, max_truncated_share=1.0)
    run("tokenize", environment)
    metrics, tripped, page = validated(environment)
    assert tripped == {"truncation": "warn"}  # above its own limit, tokenize stops before this
    assert metrics["gates_warned"] == 1
    assert "Raise <code>tokenize.max_tokens</code>" in page


def test_a_collapsed_model(project, environment):
    """A model that adds the same large vector to everything it says."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(find_base_model(load_section(ModelParams)), "collapsed")
    weights = load_file("collapsed/model.safetensors")
    (name,) = [key for key in weights if key.endswith("layer.5.output.LayerNorm.bias")]
    weights[name] = weights[name] + np.float32(3.0) * np.sign(
        np.random.default_rng(1).normal(size=384)
    ).astype("f4")
    save_file(weights, "collapsed/model.safetensors", metadata={"format": "pt"})
    set_params("model", base="collapsed", sha256="", weights_sha256="")
    shrink()
    metrics, tripped, page = validated(environment)
    assert {"crowding", "collapse"} & set(tripped)
    assert metrics["passed"] is False
    assert metrics["geometry.mean_cosine"] > 0.8
    assert "<code>model.base</code>" in page


def shrink(queries=200, rows=300, documents=500):
    """Keep a part of everything, since another model has nothing in the cache."""
    asked = tables.read(QUERIES, Queries).head(queries)
    judged = tables.read(QRELS, Qrels)
    judged = judged[judged["query_id"].isin(asked["query_id"])]
    tables.write(asked, QUERIES, Queries)
    tables.write(judged, QRELS, Qrels)
    change(TRIPLETS, Triplets, lambda frame: frame.head(rows))
    change(
        PASSAGES,
        Passages,
        lambda frame: frame[
            frame["doc_id"].isin({*judged["doc_id"], *frame["doc_id"].unique()[:documents]})
        ],
    )


def test_a_healthy_model_on_few_data_does_not_look_collapsed(project, environment):
    shrink()
    metrics, tripped, _ = validated(environment)
    assert not {"crowding", "collapse"} & set(tripped)
    assert metrics["geometry.mean_cosine"] < 0.3
