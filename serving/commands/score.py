"""`plumbline score`: a thin shell around `serving.batch.jobs.scoring_job`."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from serving.batch.errors import BadInput
from serving.batch.formats import FORMATS, READABLE, WRITABLE
from serving.batch.jobs import dry_run
from serving.batch.jobs import scoring_job as job
from serving.batch.jobs.exits import reporting_errors, stopped_by_signals
from serving.batch.jobs.in_process import connect_in_process
from serving.batch.jobs.metrics_file import telling_metrics
from serving.batch.jobs.parts import restart
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.rejects import RejectLimit
from serving.batch.jobs.summary import as_text
from serving.batch.jobs.workers import Connect
from serving.batch.readers.csv_dialect import DECIMALS, SEPARATORS
from serving.catalog import ModelServer
from serving.model_servers.connect import remote
from serving.tfserving.client_tls import Tls

_HELP = f"""
Score files too large for an API, by the same contract and model server as the gateway.

INPUT is a file ({READABLE}; text also with .gz or .zst), a folder of images or of Parquet files, a pattern in quotes,
an object store's URL (s3://...), or - for standard input. Archives hold images. OUT ends in {WRITABLE}. Rows that can't
be scored go to OUT.rejects.jsonl.

A run that was interrupted resumes when the same command is run again, and writes the same bytes.

\b
Examples:
  plumbline score reviews.csv --model sentiment --output scored.csv --column text=review --id-column id
  plumbline score 'houses/*.parquet' --model house_price --output values.parquet --keep suburb
  plumbline score photos/ --model image --output labels.jsonl --max-rejects 1%
  zcat reviews.jsonl.gz | plumbline score - --format jsonl --model sentiment --output scored.jsonl.gz
  plumbline score reviews.csv --model sentiment --output scored.csv --dry-run
  plumbline score reviews.csv --model sentiment --output scored.csv --shard 0/4
  plumbline score --merge --output scored.csv

\b
Exit codes: 0 done; 2 the command can't succeed as it is; 3 too many rejected rows; 75 stopped, or the model server is
unavailable: run the same command again to resume; 1 unexpected.
"""

_OPTIONS = (
    click.option("--model", metavar="NAME", help="The model that answers."),
    click.option("--output", metavar="OUT", required=True, help="The file to write; its end says the format."),
    click.option(
        "--model-server",
        metavar="HOST:PORT",
        default="localhost:8500",
        show_default=True,
        envvar="MODEL_SERVER",
        help="gRPC address of the model server.",
    ),
    *(
        click.option(f"--model-server-{name}", metavar=kind, envvar=f"MODEL_SERVER_{name.upper()}", help=text)
        for name, kind, text in (
            ("ca", "FILE", "Speak TLS, and trust the certificates in this PEM file."),
            ("cert", "FILE", "Our own certificate, for mutual TLS."),
            ("key", "FILE", "Its key."),
            ("name", "HOST", "The name in the server's certificate, if it is not that of its address."),
        )
    ),
    click.option("--in-process", is_flag=True, help="Load the SavedModel here instead; needs TensorFlow."),
    click.option(
        "--models-dir",
        type=click.Path(path_type=Path),
        default="models",
        show_default=True,
        envvar="PLUMBLINE_MODELS",
        help="Where --in-process finds it.",
    ),
    click.option("--version", type=click.IntRange(1), help="The version that answers.  [default: the newest]"),
    click.option("--label", help="Or the one that the model server has under this label."),
    click.option("--format", type=click.Choice([*FORMATS]), help="Of the inputs, if their names don't tell."),
    click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Where a field of the model is."),
    click.option("--id-column", metavar="COLUMN", help="What identifies a row.  [default: FILE:ROW]"),
    click.option("--keep", multiple=True, metavar="COLUMN", help="Pass a column through to the output."),
    click.option("--allow-missing", is_flag=True, help="Take files without the columns of fields that may be missing."),
    click.option("--separator", type=click.Choice([*SEPARATORS]), help="Of CSV.  [default: by its name and header]"),
    click.option("--decimal", type=click.Choice([*DECIMALS]), help="In CSV's numbers.  [default: by the first rows]"),
    click.option("--limit", type=click.IntRange(1), help="Score only the first rows."),
    click.option("--max-rejects", metavar="N|N%", help="Fail if more rows are rejected."),
    click.option("--batch-rows", type=click.IntRange(1, 8192), help="Rows in a call.  [default: fitted to the model]"),
    click.option("--part-rows", type=click.IntRange(1), help="Rows in a part.  [default: 50000; 1000 of pictures]"),
    click.option(
        "--in-flight", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at the same time."
    ),
    click.option(
        "--processes",
        type=click.IntRange(1, 64),
        help="To read and preprocess in.  [default: up to 4 for much text, else 1]",
    ),
    click.option(
        "--deadline-seconds",
        type=click.FloatRange(0, 3600, min_open=True),
        default=60.0,
        show_default=True,
        help="Time for one call.",
    ),
    click.option(
        "--patience-seconds",
        type=click.FloatRange(0, 86400),
        default=300.0,
        show_default=True,
        help="How long a model server that is away is waited for.",
    ),
    click.option("--shard", metavar="I/N", help="Do only this share, from 0.  [default: JOB_COMPLETION_INDEX/_COUNT]"),
    click.option("--job-index", type=int, envvar="JOB_COMPLETION_INDEX", hidden=True),
    click.option("--job-count", type=int, envvar="JOB_COMPLETION_COUNT", hidden=True),
    click.option("--merge", is_flag=True, help="Put the parts of all shards together."),
    click.option("--restart", "restarts", is_flag=True, help="Throw away what was begun with this output."),
    click.option("--dry-run", "dry", is_flag=True, help="Only try the first rows; write nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
    click.option(
        "--metrics-file", type=click.Path(path_type=Path), help="Write metrics for Prometheus's textfile collector."
    ),
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(help=_HELP)
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@_options
def score(as_json: bool, metrics_file: Path | None, merge: bool, output: str, **options: Any) -> None:
    """Score, or merge, and print the summary."""
    with reporting_errors():
        if options["dry"] and not merge:
            told = _try(output, **options)
            click.echo(json.dumps(told, indent=1, ensure_ascii=False) if as_json else dry_run.as_text(told))
            return
        with telling_metrics(metrics_file, options["model"]) as summary:
            told = _merge(output, **options) if merge else _score(output, **options)
            summary.update(told)
        if told.pop("finished_before", False):
            click.echo(f"{output} was finished before: nothing is left to do", err=True)
        click.echo(json.dumps(told, indent=1, ensure_ascii=False) if as_json else as_text(told))


def _merge(output: str, *, inputs: tuple[str, ...], max_rejects: str | None, **others: Any) -> dict[str, Any]:
    if inputs or others["restarts"] or others["dry"]:
        raise BadInput("--merge takes nothing but --output and --max-rejects: the manifest has all the rest")
    return job.merge_shards(output, max_rejects)


def _score(output: str, *, dry: bool, restarts: bool, **options: Any) -> dict[str, Any]:
    with _asked(output, **options) as (asked, server, connect), stopped_by_signals() as stopping:
        if restarts:
            if asked.shard.count > 1:
                raise BadInput("--restart would throw away what other shards have done; give it without --shard")
            restart(output)
        return job.score(asked, server, connect, stopping)


def _try(output: str, **options: Any) -> dict[str, Any]:
    for name in ("dry", "restarts"):
        options.pop(name)
    with _asked(output, **options) as (asked, server, _):
        return dry_run.dry_run(job.prepare(asked, server, None), server, threading.Event())


@contextlib.contextmanager
def _asked(
    output: str,
    *,
    model_server: str,
    model_server_ca: str | None,
    model_server_cert: str | None,
    model_server_key: str | None,
    model_server_name: str | None,
    in_process: bool,
    models_dir: Path,
    columns: tuple[str, ...],
    shard: str | None,
    job_index: int | None,
    job_count: int | None,
    **options: Any,
) -> Iterator[tuple[job.Job, ModelServer, Connect]]:
    """Make a job of the options, and open what answers."""
    if not options["model"] or not options["inputs"]:
        raise BadInput("expected INPUT, --model and --output; see plumbline score --help")
    RejectLimit.parse(options["max_rejects"])
    options["shard"] = _shard(shard, job_index, job_count)
    if options["shard"].count > 1 and options["limit"]:
        raise BadInput("--limit and --shard don't go together: no shard knows how many rows the others have")
    asked = job.Job(output=output, columns=_mapping(columns), **options)
    tls = _tls(model_server_ca, model_server_cert, model_server_key, model_server_name)
    connect: Connect = partial(remote, model_server, tls)
    if in_process:
        connect = partial(connect_in_process, models_dir, asked.model, asked.version)
    server = connect()
    try:
        yield asked, server, connect
    finally:
        server.close()


def _tls(ca: str | None, cert: str | None, key: str | None, name: str | None) -> Tls | None:
    if not ca:
        if cert or key or name:
            raise BadInput("--model-server-cert, -key and -name need --model-server-ca too")
        return None
    if bool(cert) != bool(key):
        raise BadInput("--model-server-cert and --model-server-key need each other")
    tls = Tls(Path(ca), Path(cert) if cert else None, Path(key) if key else None, name or "")
    for field, problem in tls.problems():
        raise BadInput(f"--model-server-{field} {getattr(tls, field)}: {problem}")
    return tls


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for text in columns:
        field, equals, column = text.partition("=")
        if not (equals and field and column):
            raise BadInput(f"--column {text}: expected FIELD=COLUMN, such as text=review")
        mapping[field] = column
    return mapping


def _shard(text: str | None, index: int | None, count: int | None) -> Shard:
    if text is not None:
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal() and int(first) < int(second)):
            raise BadInput(f"--shard {text}: expected I/N with I from 0 to N-1, such as 0/4")
        return Shard(int(first), int(second))
    if index is None and count is None:
        return Shard()
    if index is None or count is None or not 0 <= index < count:
        raise BadInput(
            f"expected JOB_COMPLETION_INDEX from 0 and JOB_COMPLETION_COUNT above it, got {index} and {count}: "
            "Kubernetes sets only the first; set the other to the job's completions"
        )
    return Shard(index, count)
