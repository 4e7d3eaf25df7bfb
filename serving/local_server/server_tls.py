"""TLS at the gRPC port, from `--ssl_config_file`."""

from dataclasses import dataclass, field

from serving.runtime.errors import invalid_argument


@dataclass(frozen=True)
class ServerTls:
    """TensorFlow Serving's SSLConfig: PEM text, not file names. *client_verify* requires a certificate of clients."""

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False

    def __post_init__(self) -> None:
        for name in ("server_key", "server_cert"):
            if "-----BEGIN " not in getattr(self, name):
                raise invalid_argument(f"ssl_config_file: expected PEM text as {name}")
        if self.client_verify and not self.custom_ca:
            raise invalid_argument("ssl_config_file: client_verify needs custom_ca")
