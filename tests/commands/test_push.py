"""What is pushed has passed and may be passed on, arrives byte by byte in one commit, and gives away no key."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from stages.commands.export.__main__ import app as export_app
from stages.commands.push.__main__ import app
from stages.commands.push.remote import files_of
from stages.lib.core import tables
from stages.lib.schemas.splits import Splits
from tests.accepting_hub import accepting
from tests.commands.small_run import name, write_small_run
from tests.hostile.servers import serving

KEY = "hf_verysecretkey"
REPOSITORY = "shop/help-desk"
SHARE = ["--may-share", "hpo"]
CARD = """# Data card

## hpo

- Origin: an ontology
- Licence: {}

## out_of_domain

- Licence: proprietary

## Left out, and why
"""
CLEAN = {
    "split": {"leaked_components": 0, "leaked_texts": 0},
    "deduplicate": {"unsupported_drops": 0, "dangling_pairs": 0, "relabelled_pairs": 0},
    "mine": {"known_positives_as_negatives": 0, "judged_negatives": {"left": 0}},
    "validate": {"leaked_rows": 0, "gates": {"mispaired": "pass", "leaked_rows": "pass"}},
    "finetune": {"conflicts": {"planned": 0}},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Enter a finished run that passed; its one source has a licence that nobody knows."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_small_run()
    for stage, details in CLEAN.items():
        write_details(stage, details)
    write_verdict(passed=True)
    Path("metrics/data_card.md").write_text(CARD.format("https://example.org/terms"), "utf-8")
    rows = [(name("d", key), name("d", 1), "train") for key in range(1, 6)]
    frame = pd.DataFrame(rows, columns=["id", "component_id", "split"])
    tables.write(frame, Path("data/split/splits.parquet"), Splits)
    model = Path("data/finetune/model/1_Pooling")
    model.mkdir(parents=True)
    (model.parent / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    (model.parent / "README.md").write_text("---\nlicense: mit\n---\n# A model\n", "utf-8")
    (model / "config.json").write_text("{}", "utf-8")
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_TOKEN", f"{KEY}\n")
    with accepting(tmp_path / "hub") as running_hub:
        monkeypatch.setenv("HF_ENDPOINT", running_hub.url)
        yield running_hub


def write_details(stage, details):
    path = Path(f"metrics/details/{stage}.json")
    path.write_text(json.dumps({"rows_in": 5, "dropped": {}, **details}), "utf-8")


def write_verdict(*, passed):
    path = Path("data/validate/verdict.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"passed": passed}), "utf-8")


def push(*arguments, what="data-set"):
    result = CliRunner().invoke(app, [what, REPOSITORY, *arguments])
    assert KEY not in result.output
    return result


def refused(*arguments, what="data-set"):
    result = push(*arguments, what=what)
    assert result.exit_code == 1, result.output
    return " ".join(result.stderr.split())


def answer(status, **headers):
    return lambda handler: handler.reply(status, {"error": f"no, {KEY}"}, **headers)


@pytest.mark.slow
def test_the_bytes_that_arrive_are_those_of_the_export(project, hub, tmp_path):
    result = push(*SHARE)
    assert result.exit_code == 0, result.output
    assert "a new repository, private" in result.output
    assert "sent, and checked by size and hash: commit" in result.output

    # The export calls the data set by its folder, and the push by its repository.
    expected = tmp_path / "help-desk"
    assert CliRunner().invoke(export_app, ["hugging-face", str(expected)]).exit_code == 0
    arrived = hub.root / "datasets" / REPOSITORY
    files = files_of(expected)
    assert sorted({*files, ".gitattributes"}) == files_of(arrived)
    for file in set(files) - {"README.md", "croissant.json"}:
        assert (arrived / file).read_bytes() == (expected / file).read_bytes()
    head = (arrived / "README.md").read_text("utf-8").split("---")[1]
    assert yaml.safe_load(head)["configs"][0]["config_name"] == "train"
    assert "# help-desk" in (arrived / "README.md").read_text("utf-8")

    # One commit, of a private repository. Large files went to the storage, without the key.
    assert [commit["summary"] for commit in hub.commits] == ["Send the data set"]
    assert hub.private == {REPOSITORY}
    assert len(hub.stored) == 4
    assert KEY not in str(hub.stored)
    assert all(sent["authorization"] == f"Bearer {KEY}" for _, _, sent in hub.sent)


@pytest.mark.slow
def test_the_model_arrives_and_is_not_sent_twice(project, hub):
    result = push(*SHARE, "--public", what="model")
    assert result.exit_code == 0, result.output
    assert "model.base: apache-2.0" in result.output
    arrived = hub.root / "models" / REPOSITORY
    model = Path("data/finetune/model")
    for file in files_of(model):
        assert (arrived / file).read_bytes() == (model / file).read_bytes()
    assert hub.private == set()

    # The second time there is nothing to send, and no empty commit.
    assert "everybody could read" in refused(*SHARE, what="model")
    assert push(*SHARE, "--public", what="model").exit_code == 0
    assert len(hub.commits) == 1


@pytest.mark.slow
def test_other_files_of_the_repository_stay_unless_they_shall_go(project, hub):
    folder = hub.folder("datasets", REPOSITORY)
    hub.private.add(REPOSITORY)
    (folder / "LICENSE").write_text("mine", "utf-8")
    (folder / ".gitignore").write_text("train.parquet", "utf-8")
    result = push(*SHARE)
    assert "other files of the repository stay (--replace removes them)" in result.output
    assert (folder / "LICENSE").read_text("utf-8") == "mine"
    # What its .gitignore names is sent all the same.
    assert (folder / "train.parquet").is_file()
    assert "files of the repository go: .gitignore, LICENSE" in push(*SHARE, "--replace").output
    assert not (folder / "LICENSE").exists()
    assert len(hub.commits) == 2


def test_a_dry_run_says_what_would_be_sent_and_asks_nobody(project, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    result = push(*SHARE, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "data-set: 6 files" in result.output
    assert f"to the dataset {REPOSITORY} at {hub.url}" in result.output
    assert "train.parquet" in result.output
    assert "hpo: https://example.org/terms, which you say may be passed on" in result.output
    assert "Nothing was sent" in result.output
    assert hub.sent == []


def test_a_red_gate_refuses(project, hub):
    write_verdict(passed=False)
    gates = {"mispaired": "fail", "leaked_rows": "pass"}
    write_details("validate", {"leaked_rows": 0, "gates": gates})
    assert "did not pass these gates of validate: mispaired" in refused(*SHARE, "--dry-run")
    assert hub.sent == []


@pytest.mark.parametrize(
    ("stage", "details", "what", "message"),
    [
        ("split", {"leaked_components": 0, "leaked_texts": 3}, "data-set", "leaked_texts must be"),
        ("mine", {}, "data-set", "known_positives_as_negatives must be 0, but it is not measured"),
        ("finetune", {"conflicts": {"planned": 1}}, "model", "conflicts.planned must be 0"),
    ],
)
def test_a_broken_count_refuses(project, hub, stage, details, what, message):
    write_details(stage, details)
    assert message in refused(*SHARE, what=what)
    assert hub.sent == []


def test_a_run_of_a_sample_is_not_sent_as_the_whole(project, hub):
    path = Path("data/split/splits.parquet")
    frame = tables.read(path, Splits)
    frame.loc[0, "split"] = "not_in_sample"
    tables.write(frame, path, Splits)
    assert "a part of the data would be sent as the whole" in refused(*SHARE)


@pytest.mark.parametrize(
    ("licence", "arguments", "message"),
    [
        ("proprietary", SHARE, "the licence of hpo forbids to pass its texts on"),
        ("CC BY-ND 4.0", SHARE, "the licence of hpo forbids"),
        ("https://example.org/terms", [], "add --may-share hpo"),
        ("not stated", [], "may be passed on: no licence stated"),
        ("not stated", ["--may-share", "faq"], "--may-share names 'faq'"),
    ],
)
def test_a_licence_refuses(project, hub, licence, arguments, message):
    Path("metrics/data_card.md").write_text(CARD.format(licence), "utf-8")
    assert message in refused(*arguments)
    assert hub.sent == []


def test_an_open_licence_needs_no_option(project, hub):
    Path("metrics/data_card.md").write_text(CARD.format("Apache License 2.0"), "utf-8")
    assert push("--dry-run").exit_code == 0


@pytest.mark.parametrize("key", [None, "", "  ", "two words"])
def test_without_a_key_nothing_is_asked(project, hub, monkeypatch, key):
    if key is None:
        monkeypatch.delenv("HF_TOKEN")
    else:
        monkeypatch.setenv("HF_TOKEN", key)
    message = "HF_TOKEN holds no key" if key == "two words" else "HF_TOKEN is not set"
    assert message in refused(*SHARE)
    assert hub.sent == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("GET /api/datasets", 401, "the hub does not take the key in HF_TOKEN"),
        ("GET /api/datasets", 403, "may not write there"),
        ("POST /api/repos/create", 403, "may not write there"),
        ("POST /api/repos/create", 409, "or its name is taken"),
        ("commit/main", 401, "the hub does not take the key in HF_TOKEN"),
        ("commit/main", 409, "was changed by somebody else"),
        ("commit/main", 412, "was changed by somebody else"),
        ("commit/main", 500, "the hub made no commit that holds all files"),
    ],
)
def test_a_refusal_of_the_hub_is_a_short_error(project, hub, path, status, message):
    hub.answers[path] = answer(status)
    output = refused(*SHARE)
    assert message in output
    assert "sent, and checked" not in output
    assert hub.commits == []


@pytest.mark.slow
def test_a_storage_that_fails_makes_no_commit(project, hub):
    def storage_elsewhere(handler):
        objects = json.loads(handler.body)["objects"]
        href = {"upload": {"href": f"{hub.url}/gone"}}
        handler.reply(200, {"objects": [{**entry, "actions": href} for entry in objects]})

    hub.answers[r"objects/batch"] = storage_elsewhere
    assert "Error while uploading" in refused(*SHARE)
    assert hub.commits == []


@pytest.mark.slow
@pytest.mark.parametrize("path", ["GET /api/datasets", "commit/main", "objects/batch"])
def test_a_redirect_to_another_host_is_not_followed(project, hub, path):
    with serving(lambda handler, _: handler.reply(content=b"{}")) as other:
        hub.answers[path] = answer(307, Location=f"http://127.0.0.1:{other.port}/there")
        assert "redirects to another host, which is not followed" in refused(*SHARE)
        assert other.requests == []
    assert hub.commits == []


@pytest.mark.slow
def test_a_hub_that_wants_the_key_on_another_host_does_not_get_it(project, hub):
    with serving(lambda handler, _: handler.reply(content=b"{}")) as other:

        def verify_elsewhere(handler):
            objects = []
            for entry in json.loads(handler.body)["objects"]:
                upload = {"href": f"{hub.storage_url}/{entry['oid']}"}
                verify = {"href": f"http://127.0.0.1:{other.port}/verify"}
                objects.append({**entry, "actions": {"upload": upload, "verify": verify}})
            handler.reply(200, {"objects": objects})

        hub.answers["objects/batch"] = verify_elsewhere
        assert "asks for the key on another host" in refused(*SHARE)
        assert other.requests == []
    assert hub.commits == []


@pytest.mark.slow
def test_other_bytes_than_those_sent_are_no_success(project, hub):
    hub.corrupt = True
    assert "does not hold what was sent: README.md has other bytes" in refused(*SHARE)


@pytest.mark.slow
def test_the_key_is_written_nowhere(project, hub, tmp_path, monkeypatch):
    # Settings that make the libraries print every request.
    monkeypatch.setenv("HF_DEBUG", "1")
    assert push(*SHARE).exit_code == 0
    hub.answers["commit/main"] = answer(500)
    Path("data/finetune/model/1_Pooling/config.json").write_text('{"a": 1}', "utf-8")
    refused(*SHARE, what="model")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("target", ["help-desk", "../help/desk", "a/b/c", "shop/"])
def test_the_target_is_owner_and_name(project, target):
    result = CliRunner().invoke(app, ["data-set", target])
    assert result.exit_code == 1
    assert "give OWNER/NAME" in result.stderr
