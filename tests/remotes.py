"""Remotes that a test serves on the loopback interface: a folder, S3 by moto, SSH by asyncssh."""

import asyncio
import threading
from contextlib import contextmanager

import asyncssh
import boto3
from moto.server import ThreadedMotoServer

BUCKET = "pairsmith-test"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@contextmanager
def local_remote(folder, dvc):
    """Serve a folder of this machine."""
    dvc("remote", "add", "-d", "storage", str(folder / "remote"))
    yield


@contextmanager
def s3_remote(folder, dvc):
    """Serve a bucket of an S3-compatible server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    try:
        dvc("remote", "add", "-d", "storage", f"s3://{BUCKET}/data")
        dvc("remote", "modify", "storage", "endpointurl", endpoint)
        yield
    finally:
        server.stop()


@contextmanager
def ssh_remote(folder, dvc):
    """Serve a folder by SFTP on loopback, to whoever has the key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key_file = folder / "key"
    key.write_private_key(str(key_file))
    key_file.chmod(0o600)
    (folder / "authorized").write_text(key.export_public_key().decode())
    (folder / "remote").mkdir()
    with _ssh_server(folder) as port:
        dvc("remote", "add", "-d", "storage", f"ssh://tester@127.0.0.1:{port}{folder}/remote")
        dvc("remote", "modify", "--local", "storage", "keyfile", str(key_file))
        yield


@contextmanager
def _ssh_server(folder):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        return await asyncssh.create_server(
            asyncssh.SSHServer,
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=str(folder / "authorized"),
            sftp_factory=True,
            allow_scp=True,
        )

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield server.get_port()
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
