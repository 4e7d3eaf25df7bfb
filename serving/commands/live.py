"""`plumbline live`: how good the answers to real requests were, by version, as far as their truth is known."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click

from serving.commands.gateway_client import GatewayClient, GatewayError, api_key_option
from serving.commands.live_tables import as_text
from serving.commands.quantities import LongDuration
from serving.contract import Contract
from serving.errors import PlumblineError
from serving.truth.expected import of_test_rows
from serving.truth.following import Follower, models_in
from serving.truth.gauges import TEXTFILE, Exposed, values_of
from serving.truth.report import Report

_EXAMPLES = """\b
Examples:
  plumbline live sentiment --captures captures
  plumbline live sentiment --captures s3://bucket/captures --window 24h --url http://gateway:8000
  plumbline live --captures captures --listen 127.0.0.1:9400
  plumbline live --captures captures --metrics-file live.prom --every 5m
"""

_DEFAULT_SECONDS = 60.0
_log = logging.getLogger(__name__)
Tested = dict[int, dict[tuple[str, str], float]]
"""The measures on the test rows, by version, and by head and name."""


@click.command(epilog=_EXAMPLES)
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--captures", required=True, metavar="PATH", help="Folder or URL of the captures: CAPTURE of the gateways."
)
@click.option(
    "--window", type=LongDuration(), default="7d", show_default=True, help="How old the answers may be that count."
)
@click.option("--url", metavar="URL", help="Address of a gateway, to show the measures on the test rows beside.")
@api_key_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--listen", metavar="HOST:PORT", help="Expose the figures to Prometheus, and go on until stopped.")
@click.option(
    "--metrics-file", type=click.Path(path_type=Path), help="File for the node exporter's textfile collector."
)
@click.option(
    "--every", type=LongDuration(), help="Go on, and look for what is new so often.  [default: 1m with --listen]"
)
def live(
    models: tuple[str, ...],
    captures: str,
    window: float,
    url: str | None,
    api_key: str | None,
    as_json: bool,
    listen: str | None,
    metrics_file: Path | None,
    every: float | None,
) -> None:
    """Compare captured answers with what turned out to be true of them, by version of each MODEL.

    Without a MODEL, all that have captures are reported on. Each figure has a 95 % interval.
    """
    if every and not (listen or metrics_file):
        raise click.UsageError("--every needs --listen or --metrics-file: else nobody is told what it finds")
    looking = _Looking(captures, models, timedelta(seconds=window))
    try:
        if listen or every:
            _follow(looking, listen, metrics_file, every or _DEFAULT_SECONDS)
        reports = looking.look()
        if missing := sorted({*models} - {*models_in(captures)}) or ([] if reports else ["any model"]):
            raise click.ClickException(f"{captures}: no captures of {missing[0]}")
        if metrics_file:
            TEXTFILE.write(metrics_file, looking.values(reports))
    except (PlumblineError, OSError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        looking.close()
    if as_json:
        click.echo(json.dumps({"models": [{"model": model, **asdict(report)} for model, report in reports.items()]}))
        return
    for model, report in reports.items():
        click.echo(as_text(model, report, _tested(url, api_key, model, report) if url else {}))


class _Looking:
    """Follows *models*, or all that there are. What it has read it keeps."""

    def __init__(self, captures: str, models: Sequence[str], window: timedelta) -> None:
        self._captures = captures
        self._models = models
        self._window = window
        self._followers: dict[str, Follower] = {}

    def look(self) -> dict[str, Report]:
        """Return a report by model; raises PlumblineError or OSError."""
        for model in self._models or models_in(self._captures):
            if model not in self._followers:
                self._followers[model] = Follower(self._captures, model, self._window)
        return {model: follower.look() for model, follower in self._followers.items()}

    def values(self, reports: dict[str, Report]) -> dict[tuple[str, ...], float]:
        """Return the gauges of all models."""
        of_models = (values_of(model, it, self._followers[model].damaged) for model, it in reports.items())
        return {key: value for values in of_models for key, value in values.items()}

    def close(self) -> None:
        """Give back the disk space."""
        for follower in self._followers.values():
            follower.close()


def _follow(looking: _Looking, listen: str | None, metrics_file: Path | None, every: float) -> NoReturn:
    """Look and expose for ever. What fails is logged, and tried again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    exposed = Exposed()
    if listen:
        host, _, port = listen.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 65536):
            raise click.UsageError(f"--listen {listen}: expected HOST:PORT, such as 127.0.0.1:9400")
        try:
            at = exposed.listen(host.strip("[]"), int(port))
        except OSError as error:
            raise click.UsageError(f"--listen {listen}: {error}") from error
        _log.info("listening at http://%s:%d/metrics", host, at)
    while True:
        try:
            exposed.values = looking.values(looking.look())
            if metrics_file:
                TEXTFILE.write(metrics_file, exposed.values)
        except OSError as error:
            _log.warning("the figures stay as they were: %s", error)
        time.sleep(every)


def _tested(url: str, api_key: str | None, model: str, report: Report) -> Tested:
    """Return the measures on the test rows of the versions that the gateway at *url* still serves."""
    gateway = GatewayClient(url, api_key)
    served = gateway.get_json(f"/models/{model}").get("versions", [])
    found: Tested = {}
    for version in (it.version for it in report.versions if it.version in served):
        try:
            found[version] = of_test_rows(
                Contract.from_json(gateway.get(f"/models/{model}/versions/{version}/contract"))
            )
        except (GatewayError, PlumblineError) as error:
            click.echo(f"{model}: version {version}: {error}", err=True)
    return found
