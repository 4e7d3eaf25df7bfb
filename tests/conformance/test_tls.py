"""TLS at the gRPC port: `--ssl_config_file`."""

from pathlib import Path

import grpc
import pytest
import trustme
from tensorflow_serving.apis import prediction_service_pb2_grpc

from tests.conformance.client import FOUR, request
from tests.conformance.servers import Launcher
from tests.serving.certificates import Certificates


def config(files: Certificates, client_verify: bool) -> str:
    texts = {"server_key": files.key, "server_cert": files.cert, "custom_ca": files.ca}
    lines = [f'{name}: "{path.read_text().encode("unicode_escape").decode()}"' for name, path in texts.items()]
    return "\n".join([*lines, f"client_verify: {str(client_verify).lower()}"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def channel(port: int, ca: Path, own: Certificates | None = None) -> grpc.Channel:
    key, cert = (own.key.read_bytes(), own.cert.read_bytes()) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), key, cert)
    return grpc.secure_channel(f"localhost:{port}", credentials)


@pytest.mark.parametrize("client_verify", [False, True])
def test_who_trusts_the_server_and_is_trusted_is_answered(
    launcher: Launcher, models_dir: Path, tmp_path: Path, authority: trustme.CA, client_verify: bool
) -> None:
    files = Certificates.issued(authority, tmp_path / "server", "localhost")
    ours = Certificates.issued(authority, tmp_path / "ours", "caller")
    stranger = Certificates.issued(trustme.CA(), tmp_path / "stranger", "caller")
    path = tmp_path / "ssl.config"
    path.write_text(config(files, client_verify))
    flags = ["--model_name=mlp", f"--model_base_path={models_dir}/mlp", f"--ssl_config_file={path}"]
    with launcher.running(*flags) as server:

        def answers(channel: grpc.Channel) -> bool:
            with channel:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
                try:
                    return bool(stub.Predict(request("mlp", features=FOUR), timeout=30).outputs)
                except grpc.RpcError as error:
                    return error.code() is not grpc.StatusCode.UNAVAILABLE

        assert answers(channel(server.port, files.ca, ours))
        assert answers(channel(server.port, files.ca)) == (not client_verify)
        assert answers(channel(server.port, files.ca, stranger)) == (not client_verify)
        assert not answers(channel(server.port, stranger.ca, ours))
        assert not answers(grpc.insecure_channel(server.address.grpc))


@pytest.mark.better_than_real
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('server_cert: "-----BEGIN CERTIFICATE-----"', "expected PEM text as server_key"),
        ("server_key_file: 1", "Invalid protobuf file"),
        ('server_key: "-----BEGIN " server_cert: "-----BEGIN " client_verify: true', "client_verify needs custom_ca"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_at_start(
    launcher: Launcher, models_dir: Path, tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "ssl.config"
    path.write_text(text)
    flags = ["--model_name=mlp", f"--model_base_path={models_dir}/mlp", f"--ssl_config_file={path}"]
    server = launcher.start(*flags)
    assert server.process.wait(60) == 255
    assert problem in server.log.read_text()
