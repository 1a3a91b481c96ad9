"""A GitLab on loopback, and a runner of the jobs of the template without a container."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT

TEMPLATE = read_yaml(ROOT / ".gitlab-ci.yml")
MARK = "<!-- the verdict on this merge request, updated in place -->"
TOKEN = "glpat-of-a-test"
# Installs nothing: what it would install is here. All else is Python.
PYTHON = """#!/usr/bin/env bash
if [ "$1 $2 $3" = "-m pip install" ]; then echo "$*" >> "$NOTES"; exit 0; fi
exec {python} "$@"
"""


class GitLab:
    """The part of GitLab's interface that notes on merge request 5 of project 7 need."""

    def __init__(self):
        self.notes = [
            {"id": number, "author": {"id": 2}, "body": f"{MARK}\nof somebody else"}
            for number in range(1, 101)
        ]
        self.requests = []
        self.redirect = ""
        gitlab = self

        class Handler(_Handler):
            pass

        Handler.gitlab = gitlab
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v4"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def own(self):
        return [note for note in self.notes if note["author"]["id"] == 1]


class _Handler(BaseHTTPRequestHandler):
    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        if self.gitlab.redirect:
            self.send_header("Location", self.gitlab.redirect)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}").get("body", "")
        self.gitlab.requests.append(f"{self.command} {self.path}")
        path = self.path.removeprefix("/api/v4/")
        if self.gitlab.redirect:
            self.answer({}, 302)
        elif self.headers["PRIVATE-TOKEN"] != TOKEN:
            self.answer({"message": "401 Unauthorized"}, 401)
        elif path == "user":
            self.answer({"id": 1})
        elif self.command == "GET":
            page = int(path.rpartition("page=")[2])
            self.answer(self.gitlab.notes[100 * (page - 1) : 100 * page])
        elif self.command == "POST":
            note = {"id": 201, "author": {"id": 1}, "body": body}
            self.gitlab.notes.append(note)
            self.answer(note, 201)
        else:
            (note,) = [note for note in self.gitlab.notes if path.endswith(f"notes/{note['id']}")]
            note["body"] = body
            self.answer(note)

    do_GET = do_POST = do_PUT = do  # noqa: N815  the server asks for these names

    def log_message(self, *_arguments):
        """Print nothing."""


def job_variables(environment, gitlab):
    """Return the environment of a job: what GitLab sets, and the token."""
    return {
        **environment,
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "GITLAB_COMMENT_TOKEN": TOKEN,
    }


def stand_in(folder, tools, environment):
    """Return an environment in which `tools` stand in front of all others, and note what they are asked."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in tools.items():
        (folder / name).write_text(script, "utf-8")
        (folder / name).chmod(0o755)
    path = f"{folder}:{environment['PATH']}"
    return {**environment, "PATH": path, "NOTES": str(folder / "notes")}


def run_job(name, folder, env):
    """Run the lines of a job as GitLab's runner does: in one shell, which the first failure ends."""
    words = ["bash", "-eo", "pipefail", "-c", "\n".join(TEMPLATE[name]["script"])]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
