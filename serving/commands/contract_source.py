"""Where commands get a model's contract from: a version's folder, or a running gateway."""

from pathlib import Path

import click

from serving.commands.gateway_client import GatewayClient, GatewayError
from serving.contract import Contract
from serving.errors import ContractError
from serving.registry.versions import CONTRACT

saved_model_option = click.option(
    "--saved-model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a version, to read the contract from instead of a gateway.",
)


def find_contract(model: str, gateway: GatewayClient, saved_model: Path | None) -> Contract:
    """Return the contract in *saved_model*, or else of the version that *gateway* serves; raises ClickException."""
    try:
        if saved_model is None:
            details = gateway.get_json(f"/models/{model}")
            if "contract" not in details:
                raise GatewayError(f"{model}: {details.get('problem', 'not ready')}")
            return Contract.from_json(gateway.get(details["contract"]))
        contract = Contract.from_json((saved_model / CONTRACT).read_bytes())
    except (OSError, ContractError) as error:
        raise click.ClickException(f"{saved_model or model}: {error}") from error
    if contract.model != model:
        raise click.ClickException(f"{saved_model}: it is a version of {contract.model}, not of {model}")
    return contract
