"""The weights document as one entry of a ConfigMap, by Kubernetes' API and the token of the pod that runs this."""

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from serving.rollout.errors import WeightsUnavailable
from serving.rollout.weights_place import Edit

KEY = "weights"
_SECONDS = 5.0
_MAX_BYTES = 2 * 1024 * 1024  # a ConfigMap has at most 1 MiB
_CONFLICT = 409
_ATTEMPTS = 10


@dataclass(frozen=True)
class Cluster:
    """Where the API is, and the *account*'s folder with `token`, `ca.crt` and `namespace`."""

    url: str
    account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")

    @classmethod
    def around(cls, environ: Mapping[str, str] = os.environ) -> "Cluster":
        """Return the one that this pod is in. Raise WeightsUnavailable."""
        host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise WeightsUnavailable("a ConfigMap can be changed from a pod only: KUBERNETES_SERVICE_HOST is not set")
        return cls(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")


class WeightsInConfigMap:
    """The document in the entry `weights` of the ConfigMap *name* of the pod's namespace."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name

    def read(self) -> str:
        """Return its text; raise WeightsUnavailable."""
        return self._text(self._ask("GET"))

    def change(self, edit: Edit) -> None:
        """Patch its text; raise WeightsUnavailable, and what *edit* raises.

        The patch names the version that was read, so that it fails if somebody else was faster.
        """
        for _ in range(_ATTEMPTS):
            before = self._ask("GET")
            patch = {
                "metadata": {"resourceVersion": before["metadata"]["resourceVersion"]},
                "data": {KEY: edit(self._text(before))},
            }
            try:
                self._ask("PATCH", patch)
            except _Conflict:
                continue
            return
        raise WeightsUnavailable(f"the ConfigMap {self._name} changes faster than it can be changed")

    def _text(self, found: dict[str, Any]) -> str:
        data = found.get("data") or {}
        if KEY not in data:
            raise WeightsUnavailable(f"the ConfigMap {self._name} has no entry {KEY!r}")
        return str(data[KEY])

    def _ask(self, method: str, patch: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return self._sent(method, patch)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _CONFLICT:
                    raise _Conflict(str(error)) from error
                raise WeightsUnavailable(f"{method} of the ConfigMap {self._name}: {_told(error)}") from error
        except (OSError, ValueError, KeyError, TypeError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise WeightsUnavailable(f"{method} of the ConfigMap {self._name}: {reason}") from error

    def _sent(self, method: str, patch: dict[str, Any] | None) -> dict[str, Any]:
        account = self._cluster.account
        namespace, token = ((account / file).read_text().strip() for file in ("namespace", "token"))
        url = f"{self._cluster.url}/api/v1/namespaces/{namespace}/configmaps/{self._name}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        body = None if patch is None else json.dumps(patch).encode()
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - always https
        context = ssl.create_default_context(cafile=account / "ca.crt")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=_SECONDS) as reply:
            found: dict[str, Any] = json.loads(reply.read(_MAX_BYTES))
        found["metadata"]["resourceVersion"]  # or it is no object of the API
        return found


class _Conflict(WeightsUnavailable):
    """Somebody else changed the ConfigMap meanwhile."""


def _told(error: urllib.error.HTTPError) -> str:
    try:
        return f"{error.code}: {json.loads(error.read(_MAX_BYTES))['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{error.code}: {error.reason}"
