"""A server on loopback that answers as a test says."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """A running server: its address, and the requests so far as (path, headers)."""

    def __init__(self, answer):
        self.requests = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.respond()

            def do_GET(self):
                self.respond()

            def do_HEAD(self):
                self.respond()

            def respond(self):
                server.requests.append((self.path, dict(self.headers)))
                try:
                    answer(self, len(server.requests))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def reply(self, status=200, content=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.block_on_close = False
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def serving(answer):
    """Yield a server whose `answer` gets the handler of a request and its number from 1."""
    server = Server(answer)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()
