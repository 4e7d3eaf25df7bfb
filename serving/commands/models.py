"""`plumbline models`: what a gateway serves, and what is in a models folder."""

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from serving.commands.gateway_client import GatewayClient, api_key_option, echo_refused, url_option
from serving.commands.model_versions import COMMANDS
from serving.commands.tables import metric_or_odd, table

_EXAMPLES = """\b
Examples:
  plumbline models
  plumbline models --url http://gateway:8000
  plumbline models list
  plumbline models rollback sentiment
"""

_SERVED_EXAMPLES = """\b
Examples:
  plumbline models served
  plumbline models served --url http://gateway:8000
"""

_HEADER = ("MODEL", "READY", "VERSIONS", "DATA", "RECIPE", "METRIC")


@click.group(epilog=_EXAMPLES, invoke_without_command=True)
@url_option
@api_key_option
@click.pass_context
def models(context: click.Context, url: str, api_key: str | None) -> None:
    """List the models that a running gateway serves, or show and change the versions in a models folder."""
    if context.invoked_subcommand is None:
        context.invoke(served, url=url, api_key=api_key)
    elif context.get_parameter_source("url") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--url stands after 'served', or with no command: the others work on a folder")


@models.command(epilog=_SERVED_EXAMPLES)
@url_option
@api_key_option
def served(url: str, api_key: str | None) -> None:
    """List the models that a running gateway serves; `plumbline models` without a subcommand does the same."""
    listed = GatewayClient(url, api_key).get_json("/models")["models"]
    click.echo(table([_HEADER, *(_row(model) for model in listed)]))
    for model in listed:
        if "problem" in model:
            click.echo(f"{model['name']}: {model['problem']}", err=True)
        else:  # which has the reasons
            echo_refused(model)


for _command in COMMANDS:
    models.add_command(_command)


def _row(model: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        model["name"],
        "yes" if model["ready"] else "no",
        ",".join(map(str, model["versions"])) or "-",
        str(model.get("data") or "-"),
        str(model.get("recipe") or "-"),
        metric_or_odd(model.get("metrics", {})),
    )
