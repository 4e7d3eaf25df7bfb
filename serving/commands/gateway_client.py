"""An HTTP client of a running gateway, and the options of the commands that use it."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import click

from serving.process.masking import has_password, masked

DEFAULT_URL = "http://127.0.0.1:8000"

# Without the environment's proxies: the gateway is on this machine or in this cluster.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

url_option = click.option(
    "--url",
    default=lambda: f"http://127.0.0.1:{os.environ.get('PORT') or 8000}",  # as in `plumbline up`
    show_default=f"{DEFAULT_URL}, or at $PORT",
    metavar="URL",
    help="Address of the gateway.",
)

api_key_option = click.option(
    "--api-key",
    envvar="PLUMBLINE_API_KEY",
    show_envvar=True,
    metavar="KEY",
    help="API key, for a gateway that needs one.",
)


def echo_refused(model: Mapping[str, Any]) -> None:
    """Print which versions the gateway does not admit or could not load, and why, from what it says of a model."""
    for version, reason in model.get("refused", {}).items():
        click.echo(f"{model['name']}: version {version} is not admitted: {reason}", err=True)
    for version, reason in model.get("failed", {}).items():
        click.echo(f"{model['name']}: version {version} could not be loaded: {reason}", err=True)


class GatewayError(click.ClickException):
    """The gateway can't be reached (*status* is 0), or answered with a problem of that HTTP status.

    *retry_after_seconds* is what it asks for, 0 if it asks for nothing.
    """

    status = 0
    retry_after_seconds = 0.0


class GatewayClient:
    """Calls the gateway at *url*, with *api_key* if there is one; raises GatewayError."""

    def __init__(self, url: str, api_key: str | None = None, timeout_seconds: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise GatewayError(f"expected a URL such as {DEFAULT_URL}, got {masked(url)!r}")
        if has_password(url):
            raise GatewayError(f"expected a URL without user and password, got {masked(url)!r}")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_seconds = timeout_seconds

    def get(self, path: str) -> bytes:
        """Return the body of the response to GET *path*."""
        return self._send(urllib.request.Request(self._url + path, headers=self._headers))  # noqa: S310 - the scheme was checked

    def get_json(self, path: str) -> Any:
        """Return the JSON of the response to GET *path*."""
        return self._parsed(self.get(path))

    def post(self, path: str, value: Any) -> Any:
        """POST *value* as JSON, and return the JSON of the response."""
        body, headers = json.dumps(value).encode(), {**self._headers, "Content-Type": "application/json"}
        return self._parsed(self._send(urllib.request.Request(self._url + path, body, headers)))  # noqa: S310

    def _parsed(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError as error:
            raise GatewayError(f"what answers at {self._url} is not a gateway of Plumbline's") from error

    def _send(self, request: urllib.request.Request) -> bytes:
        try:
            with _opener.open(request, timeout=self._timeout_seconds) as reply:
                body: bytes = reply.read()
                return body
        except urllib.error.HTTPError as error:
            with error:
                problem = GatewayError(_detail(error.read()) or f"{request.full_url}: {error}")
                problem.status = error.code
                after = error.headers.get("Retry-After", "")
                problem.retry_after_seconds = float(after) if after.isdecimal() else 0.0
                raise problem from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise GatewayError(
                f"no gateway answers at {self._url} ({reason}); is it running? Is that its address?"
            ) from error


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
