"""`plumbline feedback`: tells a gateway, or its folder of captures, what turned out to be true of answers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from serving.batch.errors import BatchError
from serving.batch.jobs.progress import Progress
from serving.batch.jobs.row_counts import Statistics
from serving.batch.readers.csv_dialect import DECIMALS, ENCODINGS, SEPARATORS, Dialect
from serving.commands.contract_source import find_contract, saved_model_option
from serving.commands.feedback_file import FIELDS, columns_of, find_file, read_chunks
from serving.commands.gateway_client import GatewayClient, GatewayError, api_key_option, url_option
from serving.contract import Contract
from serving.errors import PlumblineError
from serving.process.exit_codes import ExitCode
from serving.truth.feedback import Feedback
from serving.truth.store import open_store

_EXAMPLES = """\b
Examples:
  plumbline feedback repaid.csv --model loans
  plumbline feedback sold.parquet --model house_price --column truth=price --column request_id=id
  plumbline feedback repaid.jsonl --model loans --captures s3://bucket/captures
"""

_MOST_ITEMS = 500
_PROBLEMS_SHOWN = 5
_GIVE_UP_SECONDS = 120.0
_LONGEST_PAUSE = 30.0
_WORTH_A_RETRY = (0, 429, 502, 503, 504)

Send = Callable[[Sequence[dict[str, Any]]], None]


@click.command(epilog=_EXAMPLES)
@click.argument("path", metavar="FILE")
@click.option("--model", required=True, help="Name of the model.")
@url_option
@api_key_option
@click.option("--captures", metavar="PATH", help="Write into this folder or URL, not to a gateway.")
@saved_model_option
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME", help="Column that holds a field.")
@click.option("--separator", type=click.Choice([*SEPARATORS]), help="Separator of CSV cells.")
@click.option("--decimal", type=click.Choice([*DECIMALS]), help="Decimal mark of CSV numbers.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Encoding of a CSV file.")
def feedback(
    path: str,
    model: str,
    url: str,
    api_key: str | None,
    captures: str | None,
    saved_model: Path | None,
    columns: tuple[str, ...],
    separator: str | None,
    decimal: str | None,
    encoding: str | None,
) -> None:
    """Tell what turned out to be true of answers of MODEL, from FILE: CSV, JSON lines or Parquet.

    Its columns are request_id (the X-Request-ID of the prediction), index (the number of the instance in it, 0 without
    the column), and truth. To tell it twice does no harm, so that a run that was ended can be made again.

    The exit code is 3 if rows were left out since they are wrong, and 75 if the gateway was away too long.
    """
    gateway = GatewayClient(url, api_key)
    contract = find_contract(model, gateway, saved_model)
    told = _Told(path)
    try:
        send = _writing(captures, model) if captures else _asking(gateway, model)
        _tell(contract, path, _mapped(columns), Dialect(separator, decimal, encoding), send, told)
    except GatewayError as error:
        click.echo(f"{told}; run it again for the rest: {error.message}", err=True)
        raise SystemExit(ExitCode.RETRY if error.status in _WORTH_A_RETRY else ExitCode.BAD_INPUT) from error
    except (BatchError, PlumblineError, OSError) as error:
        raise click.ClickException(f"{told}: {error}") from error
    click.echo(str(told))
    for problem in told.problems:
        click.echo(f"left out {problem}", err=True)
    if told.left_out:
        raise SystemExit(ExitCode.REFUSED)


@dataclass
class _Told:
    """What was told of the file at *path* so far."""

    path: str
    rows: int = 0
    left_out: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path}: {self.rows:,} truths told, {self.left_out:,} rows left out"


def _tell(contract: Contract, path: str, mapping: dict[str, str], dialect: Dialect, send: Send, told: _Told) -> None:
    inputs = find_file(path)
    columns = columns_of(contract, mapping, dialect)
    with Progress(contract.model, inputs.size) as progress:
        for source in inputs.sources:
            progress.source(source.size)
            for chunk in read_chunks(source, columns, contract, _MOST_ITEMS):
                if chunk.items:
                    send(chunk.items)
                told.rows += len(chunk.items)
                told.left_out += len(chunk.problems)
                told.problems += chunk.problems[: _PROBLEMS_SHOWN - len(told.problems)]
                progress.scored(chunk.position, Statistics(len(chunk.items), len(chunk.problems)))


def _asking(gateway: GatewayClient, model: str) -> Send:
    """Return what sends items to *gateway*, as many at a time as it takes."""
    most = min(_MOST_ITEMS, int(gateway.get_json("/models")["limits"]["instances"]))

    def send(items: Sequence[dict[str, Any]]) -> None:
        for first in range(0, len(items), most):
            _ask(gateway, model, items[first : first + most])

    return send


def _ask(gateway: GatewayClient, model: str, items: Sequence[dict[str, Any]]) -> None:
    """Send *items*, again and again while that may help; raises GatewayError."""
    until, pause = time.monotonic() + _GIVE_UP_SECONDS, 0.2
    while True:
        try:
            gateway.post(f"/feedback/{model}", {"feedback": items})
            return
        except GatewayError as error:
            pause = min(_LONGEST_PAUSE, max(error.retry_after_seconds, 2 * pause))
            if error.status not in _WORTH_A_RETRY or time.monotonic() + pause > until:
                raise
            time.sleep(pause)


def _writing(place: str, model: str) -> Send:
    """Return what writes items as parts at *place*; raises UnusableCaptures."""
    store = open_store(place)

    def send(items: Sequence[dict[str, Any]]) -> None:
        now = datetime.now(UTC)
        lines = [Feedback(time=now, model=model, **item).to_json() + b"\n" for item in items]
        store.keep({model: b"".join(lines)})
        store.tidy(at_end=True)

    return send


def _mapped(columns: Sequence[str]) -> dict[str, str]:
    mapped = {}
    for text in columns:
        name, equals, column = text.partition("=")
        if not (equals and column) or name not in FIELDS:
            raise click.UsageError(f"--column {text}: expected FIELD=NAME, where FIELD is one of {', '.join(FIELDS)}")
        mapped[name] = column
    return mapped
