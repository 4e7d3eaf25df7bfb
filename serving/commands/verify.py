"""`plumbline verify`: checks that a running gateway and its models compute what training computed."""

import time
from collections.abc import Mapping
from typing import Any

import click

from serving.commands.gateway_client import GatewayClient, GatewayError, api_key_option, echo_refused, url_option
from serving.contract import Contract, ParityExample
from serving.contract.parity import answer_difference
from serving.errors import ContractError

_EXAMPLES = """\b
Examples:
  plumbline verify
  plumbline verify sentiment digits
  plumbline verify --url http://gateway:8000
"""

_MAX_TRIES = 3
"""A model may change its version while it is being verified."""


@click.command(epilog=_EXAMPLES)
@url_option
@api_key_option
@click.argument("models", metavar="[MODEL]...", nargs=-1)
def verify(url: str, api_key: str | None, models: tuple[str, ...]) -> None:
    """Replay each model's parity examples through a running gateway, and compare the answers with training's.

    Without a MODEL, all models that the gateway serves are verified. The exit code is 1 if any answer differs.
    """
    gateway = GatewayClient(url, api_key)
    listed = {model["name"]: model for model in gateway.get_json("/models")["models"]}
    chosen = models or [name for name, model in listed.items() if model.get("served", True)]  # others it names only
    results = [_verified(gateway, model) for model in chosen]
    for model in chosen:
        echo_refused(listed.get(model, {}))  # older ones may answer in their place
    if not all(results):
        raise SystemExit(1)


def _verified(gateway: GatewayClient, model: str) -> bool:
    try:
        for _ in range(_MAX_TRIES):
            if (result := _replay(gateway, model)) is not None:
                click.echo(result)
                return True
            time.sleep(1)  # until all of the gateway's processes have noticed
        raise _Difference("its version keeps changing")
    except (GatewayError, ContractError, _Difference) as error:
        click.echo(f"{model}: FAILED: {str(error).removeprefix(f'{model}: ')}")
        return False


class _Difference(Exception):
    """An answer is not what training computed."""


def _replay(gateway: GatewayClient, model: str) -> str | None:
    """Replay all examples of the newest version; return None if it was removed meanwhile."""
    details = gateway.get_json(f"/models/{model}")
    if "contract" not in details:
        raise _Difference(details.get("problem", "not ready"))
    try:
        return _replay_version(gateway, model, details["version"], details["contract"])
    except GatewayError:
        if details["version"] in gateway.get_json(f"/models/{model}")["versions"]:
            raise
        return None


def _replay_version(gateway: GatewayClient, model: str, version: int, path: str) -> str:
    """Replay by the version's number: if none is named, a canary may answer."""
    contract = Contract.from_json(gateway.get(path))
    for index, example in enumerate(contract.examples):
        reply = gateway.post(f"/predict/{model}?version={version}", example.instance)
        _compare(contract, index, example, reply["predictions"][0])
    return f"{model}: version {version}: {len(contract.examples)} examples agree with training"


def _compare(contract: Contract, index: int, example: ParityExample, got: Mapping[str, Any]) -> None:
    (made,) = contract.answers.make({name: array[None] for name, array in example.outputs.items()})
    expected = made if example.answer is None else example.answer
    # Of an answer, the gateway of a later release may tell more.
    if difference := answer_difference(expected, {name: got.get(name) for name in expected}, contract.tolerance):
        raise _Difference(f"example {index}: {difference}")
