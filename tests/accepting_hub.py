"""A hub on loopback that takes files: it creates repositories, keeps large files elsewhere, and commits.

Large files go to a second server, as on the real hub. A commit is there as a whole or not at all. A
test may let any step fail.
"""

import base64
import hashlib
import json
import re
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.hub import Hub, _Handler

# Files of these names are large ones.
LARGE = (".parquet", ".safetensors")


class AcceptingHub(Hub):
    """A running hub and its storage.

    Attributes:
        sent: (method, path, headers) of each request to the hub.
        stored: the same of the storage.
        commits: the header of each commit.
        private: the private repositories.
        answers: path of a request, as a regular expression, to a function that answers it instead.
        corrupt: whether the hub keeps other bytes than it got.
    """

    def __init__(self, root):
        super().__init__(root)
        self.sent = []
        self.stored = []
        self.commits = []
        self.private = set()
        self.answers = {}
        self.corrupt = False
        self.large = {}
        hub = self

        class Accepting(_Accepting):
            pass

        class Storing(_Storing):
            pass

        Accepting.hub = Storing.hub = hub
        self.server.RequestHandlerClass = Accepting
        self.storage = ThreadingHTTPServer(("127.0.0.1", 0), Storing)
        self.storage_url = f"http://127.0.0.1:{self.storage.server_port}"

    def content(self, kind, name, file):
        return (self.root / kind / name / file).read_bytes()


class _Storing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.stored.append(("PUT", self.path, dict(self.headers)))
        self.hub.large[self.path.rsplit("/", 1)[1]] = content
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class _Accepting(_Handler):
    def respond(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.sent.append((self.command, path, dict(self.headers)))
        for pattern, answer in self.hub.answers.items():
            if re.search(pattern, f"{self.command} {path}"):
                answer(self)
                return
        steps = {
            r"/api/repos/create": self.create,
            r"/api/validate-yaml": self.accept_card,
            r"/api/(models|datasets)/([^/]+/[^/]+)/preupload/main": self.choose_way,
            r"/(datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch": self.name_storage,
            r"/api/(models|datasets)/([^/]+/[^/]+)/commit/main": self.commit,
        }
        for pattern, step in steps.items():
            match = re.fullmatch(pattern, path)
            if match:
                step(*match.groups())
                return
        super().respond()

    def reply(self, status, value=None, **headers):
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        self.send(status, json.dumps(value or {}).encode(), headers)

    def create(self):
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        kind = f"{wanted.get('type') or 'model'}s"
        (self.hub.folder(kind, name) / ".gitattributes").write_text("*.parquet filter=lfs\n")
        if wanted.get("visibility") == "private":
            self.hub.private.add(name)
        self.reply(200, {"url": f"{self.hub.url}/{name}"})

    def accept_card(self):
        assert json.loads(self.body)["content"].startswith("---\n")
        self.reply(200, {"warnings": [], "errors": []})

    def choose_way(self, kind, name):
        request = json.loads(self.body)
        ignored = request.get("gitIgnore")
        if ignored is None and ".gitignore" in self.hub.files(kind, name):
            ignored = self.hub.content(kind, name, ".gitignore").decode()
        files = []
        for file in request["files"]:
            way = "lfs" if file["path"].endswith(LARGE) else "regular"
            is_ignored = file["path"] in (ignored or "").split()
            known = self.known(kind, name, file["path"], way)
            entry = {"path": file["path"], "uploadMode": way, "shouldIgnore": is_ignored}
            files.append({**entry, "oid": known})
        self.reply(200, {"files": files})

    def known(self, kind, name, file, way):
        """Return the hash of a file of the repository; None if there is no such file."""
        if file not in self.hub.files(kind, name):
            return None
        content = self.hub.content(kind, name, file)
        return hashlib.sha256(content).hexdigest() if way == "lfs" else git_hash(content)

    def name_storage(self, _, name):
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            upload = {"href": f"{self.hub.storage_url}/{name}/{wanted['oid']}"}
            objects.append({**wanted, "actions": {"upload": upload}})
        self.reply(200, {"transfer": "basic", "objects": objects})

    def commit(self, kind, name):
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        if header["parentCommit"] != self.hub.commit(kind, name):
            self.reply(412, X_Error_Message="the branch has moved")
            return

        # First beside it, then as a whole.
        folder = self.hub.folder(kind, name)
        copy = folder.with_name(f"{folder.name}.new")
        shutil.copytree(folder, copy)
        for line in lines[1:]:
            target = copy / line["value"]["path"]
            if line["key"] == "deletedFile":
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
            else:
                content = self.hub.large[line["value"]["oid"]]
            target.write_bytes(content + b"!" * self.hub.corrupt)
        shutil.rmtree(folder)
        copy.rename(folder)
        self.hub.commits.append(header)
        oid = self.hub.commit(kind, name)
        self.reply(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{oid}", "commitOid": oid})

    def about(self, kind, name, files):
        return {**super().about(kind, name, files), "private": name in self.hub.private}

    def entry(self, folder, file):
        entry = super().entry(folder, file)
        content = (folder / file).read_bytes()
        entry["oid"] = git_hash(content)
        if file.endswith(LARGE):
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 130}
        return entry


def git_hash(content):
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


@contextmanager
def accepting(root):
    """Yield a hub that takes files into repositories under `root`."""
    hub = AcceptingHub(root)
    servers = [hub.server, hub.storage]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
