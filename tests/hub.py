"""A hub on loopback: the part of the interface of Hugging Face that its libraries ask for files.

Repositories are folders: `models/OWNER/NAME` and `datasets/OWNER/NAME` below the root. Each has one
commit, a hash of its files.
"""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_API = re.compile(
    r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?"
)
_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class Hub:
    """A running hub: its address, its folder, and the requests so far."""

    def __init__(self, root):
        self.root = root
        self.requests = []
        self.gated = set()
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def folder(self, kind, name):
        folder = self.root / kind / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self, kind, name):
        digest = hashlib.sha1()
        for file in self.files(kind, name):
            digest.update(file.encode() + (self.root / kind / name / file).read_bytes())
        return digest.hexdigest()

    def files(self, kind, name):
        folder = self.root / kind / name
        return sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.respond()

    def do_HEAD(self):
        self.respond()

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.respond()

    def log_message(self, *_):
        pass

    def respond(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        api = _API.fullmatch(path)
        file = _FILE.fullmatch(path)
        if api:
            self.respond_about(*api.groups())
        elif file:
            self.respond_file("datasets" if file[1] else "models", *file.groups()[1:])
        else:
            self.send(404, b"{}")

    def respond_about(self, kind, name, what, revision, path):
        if not self.is_known(kind, name, revision):
            return
        folder = self.hub.root / kind / name
        files = self.hub.files(kind, name)
        if what == "paths-info":
            wanted = self.wanted_paths()
            files = [file for file in files if file in wanted]
        if what == "paths-info":
            self.send(200, json.dumps([self.entry(folder, file) for file in files]).encode())
            return
        if what == "tree":
            is_recursive = "recursive=true" in self.path.lower()
            inside = folder / (path or "")
            if not inside.is_dir():
                self.send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
                return
            paths = inside.rglob("*") if is_recursive else inside.iterdir()
            names = sorted(found.relative_to(folder).as_posix() for found in paths)
            self.send(200, json.dumps([self.entry(folder, name) for name in names]).encode())
            return
        self.send(200, json.dumps(self.about(kind, name, files)).encode())

    def wanted_paths(self):
        # The libraries ask in one way or the other.
        if "json" in (self.headers.get("Content-Type") or ""):
            return json.loads(self.body)["paths"]
        return parse_qs(self.body.decode())["paths"]

    def about(self, kind, name, files):
        return {
            "id": name,
            "sha": self.hub.commit(kind, name),
            "siblings": [{"rfilename": file} for file in files],
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
        }

    def entry(self, folder, file):
        if (folder / file).is_dir():
            return {
                "type": "directory",
                "path": file,
                "size": 0,
                "oid": hashlib.sha1(file.encode()).hexdigest(),
            }
        content = (folder / file).read_bytes()
        return {
            "type": "file",
            "path": file,
            "size": len(content),
            "oid": hashlib.sha1(content).hexdigest(),
        }

    def respond_file(self, kind, name, revision, file):
        if not self.is_known(kind, name, revision):
            return
        path = self.hub.root / kind / name / file
        if not path.is_file():
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = path.read_bytes()
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        headers = {"ETag": etag, "X-Repo-Commit": self.hub.commit(kind, name)}
        headers["Accept-Ranges"] = "bytes"
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not match:
            self.send(200, content, headers)
            return
        start, end = int(match[1]), int(match[2] or len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{min(end, len(content) - 1)}/{len(content)}"
        self.send(206, content[start : end + 1], headers)

    def is_known(self, kind, name, revision):
        if name in self.hub.gated:
            self.send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif not (self.hub.root / kind / name).is_dir():
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", self.hub.commit(kind, name)):
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            return True
        return False

    def send(self, status, content, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def running(root: Path):
    """Yield a hub that serves the repositories under `root`."""
    hub = Hub(root)
    thread = threading.Thread(target=hub.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()
