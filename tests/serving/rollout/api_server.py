"""The part of Kubernetes' API that keeps one ConfigMap, over HTTPS: GET, and PATCH as a JSON merge patch (RFC 7396)."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from tests.serving.certificates import Certificates

TOKEN = "a-token-of-the-pod"  # noqa: S105 - of this test alone
PATH = "/api/v1/namespaces/plumbline/configmaps/plumbline-weights"


class ApiServer:
    """Keeps the ConfigMap `plumbline-weights` of the namespace `plumbline`, for who has TOKEN."""

    def __init__(self, folder: Path, data: dict[str, str] | None) -> None:
        self.data = data
        self.version = 1
        self.asked: list[str] = []
        self.meanwhile: list[str] = []  # texts that somebody else writes after each of the next reads
        authority = trustme.CA()
        files = Certificates.issued(authority, folder / "certificates", "127.0.0.1")
        self.account = folder / "account"
        self.account.mkdir()
        (self.account / "token").write_text(TOKEN)
        (self.account / "namespace").write_text("plumbline")
        (self.account / "ca.crt").write_bytes(files.ca.read_bytes())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.cert, files.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "ApiServer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, token: str, patch: Any) -> tuple[int, dict[str, Any]]:
        self.asked.append(f"{method} {path}")
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if path != PATH or self.data is None:
            return 403, {"message": f"configmaps is forbidden: cannot {method.lower()} {path}"}
        if method == "PATCH":
            if patch["metadata"]["resourceVersion"] != str(self.version):
                return 409, {"message": "the object has been modified"}
            self.data = {**self.data, **patch["data"]}
            self.version += 1
        read = {"metadata": {"resourceVersion": str(self.version)}, "data": self.data}
        if method == "GET" and self.meanwhile:
            self.data, self.version = {**self.data, "weights": self.meanwhile.pop(0)}, self.version + 1
        return 200, read

    def _handler(outer) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(None)

            def do_PATCH(self) -> None:
                assert self.headers["Content-Type"] == "application/merge-patch+json"
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, patch: Any) -> None:
                status, body = outer.answer(self.command, self.path, self.headers["Authorization"], patch)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler
