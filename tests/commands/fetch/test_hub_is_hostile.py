"""A hub may redirect, drip, be busy or repeat the key: a short error, and the key goes to no other host."""

import json
import time

import pytest

from stages.commands.fetch import hub as client
from stages.commands.fetch import hub_worker
from stages.commands.fetch.hub import Repository, download, find_repository
from stages.lib.core.errors import UserError
from tests.hostile.servers import serving

# Each test starts processes that talk to the hub.
pytestmark = pytest.mark.slow
KEY = "hf_verysecretkey"
COMMIT = "a" * 40
INFO = json.dumps({"id": "help/desk", "sha": COMMIT, "siblings": [{"rfilename": "a.txt"}]}).encode()
REPOSITORY = Repository("dataset", "help/desk", COMMIT, ())


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_TOKEN", f"{KEY}\n")


def point_to(server, monkeypatch, user=""):
    monkeypatch.setenv("HF_ENDPOINT", f"http://{user}127.0.0.1:{server.port}")


def fault():
    with pytest.raises(UserError) as caught:
        find_repository("dataset", "help/desk", "", "here")
    message = str(caught.value)
    assert KEY not in message and "hunter22" not in message
    return message


def test_what_a_hub_says_of_a_repository_comes_from_no_other_host(monkeypatch):
    with serving(lambda handler, _: handler.reply(content=INFO)) as other:
        where = f"http://127.0.0.1:{other.port}/api/datasets/help/desk"
        with serving(lambda handler, _: handler.reply(307, Location=where)) as server:
            point_to(server, monkeypatch)
            assert "redirects to another host, which is not followed" in fault()
            assert server.requests[0][1]["authorization"] == f"Bearer {KEY}"
        assert other.requests == []


def test_a_file_may_lie_on_another_host_which_gets_no_key(monkeypatch, tmp_path):
    headers = {"ETag": '"b"', "X_Repo_Commit": COMMIT}
    with serving(lambda handler, _: handler.reply(content=b"text", **headers)) as other:
        where = f"http://127.0.0.1:{other.port}/file"

        def answer(handler, _):
            handler.reply(302, Location=where, X_Linked_Size="4", X_Linked_ETag='"b"', **headers)

        with serving(answer) as server:
            point_to(server, monkeypatch)
            [path] = download(REPOSITORY, ["a.txt"], tmp_path / "files", "here")
        assert path.read_bytes() == b"text"
        assert other.requests != []
        names = {name.lower() for _, sent in other.requests for name in sent}
        assert "authorization" not in names
        assert KEY not in str(other.requests)


def test_a_busy_hub_is_asked_again(monkeypatch):
    def answer(handler, number):
        handler.reply(*((429,) if number == 1 else (200, INFO)))

    with serving(answer) as server:
        point_to(server, monkeypatch)
        assert find_repository("dataset", "help/desk", "", "here").commit == COMMIT
        assert len(server.requests) == 2


def test_a_hub_that_repeats_the_key_and_a_password_is_quoted_without_them(monkeypatch):
    content = json.dumps({"error": f"no such key {KEY}"}).encode()
    with serving(lambda handler, _: handler.reply(400, content)) as server:
        point_to(server, monkeypatch, "me:hunter22@")
        fault()


def test_a_hub_that_says_nothing_meets_a_deadline(monkeypatch):
    monkeypatch.setattr(client, "_MOST_SECONDS", 4)
    with serving(lambda handler, _: time.sleep(60)) as server:
        point_to(server, monkeypatch)
        assert "no whole answer within 4 seconds" in fault()


PROVED = [b"null", b"[]", b"{", b"<html>"]
MALFORMED = [b'{"id": null}', b"[" * 50_000]
MALFORMED += [pytest.param(content, marks=pytest.mark.prove) for content in PROVED]


@pytest.mark.parametrize("content", MALFORMED)
def test_a_malformed_answer_is_a_short_error(content, monkeypatch):
    with serving(lambda handler, _: handler.reply(content=content)) as server:
        point_to(server, monkeypatch)
        assert "cannot be fetched" in fault()


def test_an_answer_without_end_is_broken_off(monkeypatch):
    parts = hub_worker._bounded(iter([b"x" * 32_000_000] * 3))
    with pytest.raises(OSError, match="longer than 64,000,000 bytes"):
        list(parts)


@pytest.mark.parametrize(
    "path", ["../evil", "/etc/passwd", "a/../../evil", "a\\..\\evil", "a\nb", "a\x1b[2Jb", "."]
)
def test_a_file_outside_of_the_folder_is_refused(path):
    with pytest.raises(UserError, match="do not trust this hub"):
        client._check_paths(REPOSITORY, ["a.txt", path], "here")


def test_the_files_that_a_hub_names_are_checked(monkeypatch):
    info = {"id": "help/desk", "sha": COMMIT, "siblings": [{"rfilename": "../evil"}]}
    with serving(lambda handler, _: handler.reply(content=json.dumps(info).encode())) as server:
        point_to(server, monkeypatch)
        assert "do not trust this hub" in fault()
