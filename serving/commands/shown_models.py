"""What `plumbline up` shows of the models: an example of each once it is served, and why others are not."""

import json
import time
from collections.abc import Mapping
from typing import Any

import click

from serving.commands.gateway_client import GatewayClient, echo_refused

_SHOWN = 110
"""Maximum number of characters shown of a request or an answer."""

_LOOKS = 4
"""A model that comes while `plumbline up` runs may take as many looks to load before its problem is shown."""

_PAUSE_SECONDS = 0.5


class ShownModels:
    """Prints what changes among the models of the gateway that *client* calls."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client
        self._served: dict[str, bool] = {}
        self._problems: dict[str, tuple[str, int]] = {}

    def start(self) -> None:
        """Print all that there is. Another process than the one that is ready may still be loading some."""
        self.update()
        for _ in range(_LOOKS):
            if self._problems.keys() <= self._served.keys():  # each is shown, or its problem is
                return
            time.sleep(_PAUSE_SECONDS)
            self.update()

    def update(self) -> None:
        """Print what is new. A problem is printed when it was there some times. Raise GatewayError."""
        models = {model["name"]: model for model in self._client.get_json("/models")["models"]}
        for name in self._served.keys() - models.keys():
            click.echo(f"{name}: no longer served")
        self._served = {name: served for name, served in self._served.items() if name in models}
        for name, model in models.items():
            if not model["ready"] and "training" in model:  # then training says how far it is
                continue
            if not model["ready"]:
                self._count(name, model.get("problem", "not ready"), model.get("served", True))
                continue
            self._problems.pop(name, None)
            if not self._served.get(name):
                self._show(name)
                self._served[name] = True
        self._problems = {name: it for name, it in self._problems.items() if name in models}

    def _count(self, name: str, problem: str, may_come: bool) -> None:
        before, count = self._problems.get(name, ("", 0))
        count = count + 1 if problem == before else 1
        self._problems[name] = problem, count
        if count == (_LOOKS if may_come else 1):
            click.echo(f"not served: {name}: {problem}", err=True)
            self._served[name] = False

    def _show(self, name: str) -> None:
        details: Mapping[str, Any] = self._client.get_json(f"/models/{name}")
        if "instance" not in details:
            return
        warning = "; its answers mean nothing" if details["data"] == "sample" else ""
        click.secho(f"\n{name} (data: {details['data']}{warning})", bold=True)
        example = details["instance"]["example"]
        click.echo(f"  POST /predict/{name}  {_short(example)}")
        click.echo(f"  {_short(self._client.post(f'/predict/{name}', example))}")
        echo_refused(details)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
