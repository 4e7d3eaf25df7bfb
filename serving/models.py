"""`plumbline models`: what a gateway serves, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from serving.gateway.http_client import GatewayClient, url_option

_HELP = """
List the models that a running gateway serves.

\b
Examples:
  plumbline models
  plumbline models --url http://gateway:8000
"""

_HEADER = ("MODEL", "READY", "VERSIONS", "DATA", "RECIPE", "METRIC")


@click.command(help=_HELP)
@url_option
def models(url: str) -> None:
    """Print one line for each model."""
    listed = GatewayClient(url).get_json("/models")["models"]
    click.echo(_table([_HEADER, *(_row(model) for model in listed)]))
    for model in listed:
        if "problem" in model:
            click.echo(f"{model['name']}: {model['problem']}", err=True)


def _row(model: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        model["name"],
        "yes" if model["ready"] else "no",
        ",".join(map(str, model["versions"])) or "-",
        model.get("data") or "-",
        model.get("recipe") or "-",
        _metric(model.get("metrics", {})),
    )


def _metric(evaluation: Mapping[str, Any]) -> str:
    name = evaluation.get("metric")
    if name is None:
        return "-"
    value, baseline = evaluation["test"][name], evaluation["baseline"][name]
    return f"{name} {value:.4g} (baseline {baseline:.4g})"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
