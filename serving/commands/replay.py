"""`plumbline replay`: two versions of a model answer what was captured, and are compared."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from serving.captures import CaptureError
from serving.commands.gateway_client import GatewayClient, GatewayError, api_key_option
from serving.commands.replay_tables import as_text
from serving.contract import Contract
from serving.errors import ContractError
from serving.process.exit_codes import ExitCode
from serving.replay.answering import Answer, Version, VersionInProcess
from serving.replay.comparison import Comparison
from serving.replay.errors import ReplayError
from serving.replay.instances import Asked, Window, read_asked, read_truths
from serving.replay.report import pair_to_json, to_json

_EPILOG = """
CAPTURE is the folder or the URL (s3://...) that gateways have as CAPTURE. Instances count by the share with which they
were captured. The versions need not be live.

\b
Examples:
  plumbline replay captures --model sentiment --versions 4,5
  plumbline replay s3://bucket/captures --model sentiment --versions 4,5 --since 2026-11-28 --json
  plumbline replay captures --model sentiment --versions 4,5 --output differences.jsonl
  plumbline replay captures --model sentiment --versions 4,5 --url http://gateway:8000

\b
Exit codes: 0 done; 2 the command can't succeed as it is; 3 done, and where the truth is known, the second version is
worse by more than chance explains (1 %); 75 a store or the gateway is unavailable, or stopped; 1 unexpected.
"""

_ROWS = 64
_LINE_SECONDS = 10.0
_DAYS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")
_T = TypeVar("_T")


def _versions(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    numbers = [int(part) for part in text.split(",") if part.strip().isdecimal() and int(part)]
    if len(numbers) != 2 or text.count(",") != 1 or numbers[0] == numbers[1]:
        raise click.BadParameter(f"expected two versions, such as 4,5, got {text!r}")
    return numbers[0], numbers[1]


@click.command(epilog=_EPILOG)
@click.argument("capture", metavar="CAPTURE")
@click.option("--model", required=True, help="Name of the model.")
@click.option("--versions", required=True, metavar="V,W", callback=_versions, help="The two versions to compare.")
@click.option(
    "--models-dir",
    type=click.Path(path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    show_envvar=True,
    help="Folder of the published models, which this process runs; needs LiteRT or TensorFlow.",
)
@click.option("--url", metavar="URL", help="Gateway that has both versions, to ask it instead.")
@api_key_option
@click.option(
    "--since",
    type=click.DateTime(_DAYS),
    metavar="TIME",
    help="Only what was captured from then on, such as 2026-11-28T12:00:00 (UTC).",
)
@click.option("--until", type=click.DateTime(_DAYS), metavar="TIME", help="Only what was captured before then (UTC).")
@click.option("--limit", type=click.IntRange(1), help="Number of instances.  [default: all]")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for a JSON line about each instance that is answered differently.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def replay(
    capture: str,
    model: str,
    versions: tuple[int, int],
    models_dir: Path,
    url: str | None,
    api_key: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Have two versions of MODEL answer what gateways captured in CAPTURE, and compare their answers.

    Tells how many are alike, from which label to which others went, by how much numbers moved, where the versions
    differ most, and which is right more often where the truth is known.
    """
    with _reporting_errors():
        window = Window(capture, model, _utc(since), _utc(until))
        client = GatewayClient(url, api_key) if url else None
        first, second = (
            _GatewayVersion(client, model, it) if client else VersionInProcess(models_dir, model, it) for it in versions
        )
        comparison = Comparison(*versions, first.contract)
        truths = read_truths(window)
        asked = islice(read_asked(window, (first.contract, second.contract), truths), limit)
        _compare(_shown(model, asked), first, second, comparison, output)
        _check_any(comparison, window)
    report = to_json(model, comparison)
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else as_text(report, len(truths)))
    for problem in comparison.problems[:5]:
        click.echo(f"not answered: {problem}", err=True)
    if any(it.is_second_worse for it in comparison.truth.measures.values()):
        raise SystemExit(ExitCode.WORSE)


def _compare(
    asked: Iterable[Asked], first: Version, second: Version, comparison: Comparison, output: Path | None
) -> None:
    with ExitStack() as stack:
        file = stack.enter_context(output.open("w", encoding="utf-8")) if output else None
        for batch in _batches(asked):
            instances = [it.capture.instance for it in batch]
            for it, one, other in zip(batch, first.answers(instances), second.answers(instances), strict=True):
                pair = comparison.add(it, one, other)
                if file and pair and pair.found.differ:
                    file.write(json.dumps(pair_to_json(comparison.versions, pair), ensure_ascii=False) + "\n")


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _ROWS)):
        yield batch


def _check_any(comparison: Comparison, window: Window) -> None:
    """Raise ReplayError if there was nothing to compare."""
    if not comparison.agreement.count and comparison.problems:
        raise ReplayError(f"none of the captured instances is answered by both versions: {comparison.problems[0]}")
    if not comparison.agreement.count:
        raise ReplayError(f"{window.place}: expected captures of {window.model} in that time, found none")


class _GatewayVersion:
    """Version *number* of *model* as a gateway answers by it."""

    def __init__(self, client: GatewayClient, model: str, number: int) -> None:
        self.number = number
        self._client = client
        self._path = f"/predict/{model}?version={number}"
        try:
            self.contract = Contract.from_json(client.get(f"/models/{model}/versions/{number}/contract"))
        except ContractError as error:
            raise ReplayError(f"version {number}: {error}") from error

    def answers(self, instances: Sequence[Any]) -> list[Answer]:
        """Return the gateway's answers; where it refuses some together, each alone. Raise GatewayError."""
        try:
            answers: list[Answer] = self._client.post(self._path, {"instances": list(instances)})["predictions"]
        except GatewayError as error:
            if error.status not in (413, 422, 502):
                raise
            if len(instances) == 1:
                return [str(error)]
            return [answer for it in instances for answer in self.answers([it])]
        return answers


def _shown(model: str, asked: Iterable[tuple[float, Asked]]) -> Iterator[Asked]:
    """Yield what is asked, and tell how far it is on standard error from time to time."""
    started = shown = time.monotonic()
    for number, (share, it) in enumerate(asked, 1):
        yield it
        if (now := time.monotonic()) - shown >= _LINE_SECONDS:
            shown = now
            rate = number / (now - started)
            click.echo(f"{model}: {share:.0%}, {number:,} instances, {rate:,.0f} instances/s", file=sys.stderr)


@contextmanager
def _reporting_errors() -> Iterator[None]:
    """End the process with the exit code of an error, and print its message."""
    try:
        yield
    except (ReplayError, CaptureError, PermissionError, FileNotFoundError, IsADirectoryError) as error:
        raise _ended(error, ExitCode.BAD_INPUT) from error
    except GatewayError as error:
        may_come = error.status in (0, 429, 503, 504)
        raise _ended(error.message, ExitCode.RETRY if may_come else ExitCode.BAD_INPUT) from error
    except OSError as error:
        raise _ended(error, ExitCode.RETRY) from error
    except KeyboardInterrupt:
        raise _ended("stopped; nothing is reported", ExitCode.RETRY) from None


def _ended(message: object, code: ExitCode) -> SystemExit:
    click.echo(f"Error: {message}", err=True)
    return SystemExit(code)


def _utc(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)
