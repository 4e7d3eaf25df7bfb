"""`plumbline score`: the command-line options of `serving.batch.jobs.scoring_job`."""

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
from serving.batch.inputs.names import as_utf8
from serving.batch.jobs import dry_run
from serving.batch.jobs import scoring_job as job
from serving.batch.jobs.exits import ended_by_signals, reporting_errors, stopped_by_signals
from serving.batch.jobs.in_process import connect_in_process
from serving.batch.jobs.metrics_file import writing_metrics
from serving.batch.jobs.parts import restart
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.rejects import RejectLimit
from serving.batch.jobs.summary import as_text
from serving.batch.jobs.workers import Connect
from serving.batch.readers.csv_dialect import DECIMALS, ENCODINGS, SEPARATORS
from serving.catalog import ModelServer
from serving.model_servers.connect import remote
from serving.tfserving.client_tls import Tls

_EPILOG = f"""
INPUT is a file ({READABLE}; text also with .gz or .zst), a folder of images or of Parquet files, a pattern in quotes,
an object store's URL (s3://...), or - for standard input. Archives hold images. OUT ends in {WRITABLE}. Rows that can't
be scored go to OUT.rejects.jsonl.

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
    click.option("--model", metavar="NAME", help="Name of the model."),
    click.option("--output", metavar="OUT", required=True, help="File to write; its suffix selects the format."),
    click.option(
        "--model-server",
        metavar="HOST:PORT",
        default="localhost:8500",
        show_default=True,
        envvar="MODEL_SERVER",
        show_envvar=True,
        help="gRPC address of the model server.",
    ),
    *(
        click.option(
            f"--model-server-{name}", metavar=kind, envvar=f"MODEL_SERVER_{name.upper()}", show_envvar=True, help=text
        )
        for name, kind, text in (
            ("ca", "FILE", "PEM file of trusted certificates; enables TLS."),
            ("cert", "FILE", "Client certificate, for mutual TLS."),
            ("key", "FILE", "Key of the client certificate."),
            ("name", "HOST", "Name in the server's certificate, if it differs from its address."),
        )
    ),
    click.option(
        "--in-process", is_flag=True, help="Run the model in this process instead; needs LiteRT, or TensorFlow."
    ),
    click.option(
        "--models-dir",
        type=click.Path(path_type=Path),
        default="models",
        show_default=True,
        envvar="PLUMBLINE_MODELS",
        show_envvar=True,
        help="Models folder of --in-process.",
    ),
    click.option("--version", type=click.IntRange(1), help="Version to use.  [default: the newest]"),
    click.option("--label", help="Label of the version to use, on the model server."),
    click.option("--format", type=click.Choice([*FORMATS]), help="Format of the inputs.  [default: by their names]"),
    click.option(
        "--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Column that holds a field of the model."
    ),
    click.option("--id-column", metavar="COLUMN", help="Column that identifies a row.  [default: FILE:ROW]"),
    click.option("--keep", multiple=True, metavar="COLUMN", help="Column to copy to the output."),
    click.option("--allow-missing", is_flag=True, help="Accept files that lack the columns of optional fields."),
    click.option(
        "--separator",
        type=click.Choice([*SEPARATORS]),
        help="Separator of CSV cells.  [default: as in training, or by name and header]",
    ),
    click.option(
        "--decimal",
        type=click.Choice([*DECIMALS]),
        help="Decimal mark of CSV numbers.  [default: as in training, or by the first rows]",
    ),
    click.option(
        "--encoding", type=click.Choice(ENCODINGS), help="Encoding of CSV files.  [default: as in training, or utf-8]"
    ),
    click.option("--limit", type=click.IntRange(1), help="Number of rows to score.  [default: all]"),
    click.option(
        "--max-rejects", metavar="N|N%", help="Maximum number or share of rejected rows.  [default: no limit]"
    ),
    click.option("--batch-rows", type=click.IntRange(1, 8192), help="Rows per call.  [default: by the model's inputs]"),
    click.option(
        "--part-rows", type=click.IntRange(1), help="Rows per part.  [default: 50000; 1000 for images; 200 to explain]"
    ),
    click.option(
        "--in-flight", type=click.IntRange(1, 64), default=4, show_default=True, help="Number of concurrent calls."
    ),
    click.option(
        "--processes",
        type=click.IntRange(1, 64),
        help="Number of processes that read and preprocess.  [default: up to 4 for much text, else 1]",
    ),
    click.option(
        "--deadline-seconds",
        type=click.FloatRange(0, 3600, min_open=True),
        default=60.0,
        show_default=True,
        help="Maximum duration of a call.",
    ),
    click.option(
        "--patience-seconds",
        type=click.FloatRange(0, 86400),
        default=300.0,
        show_default=True,
        help="Maximum time to wait for an unavailable model server.",
    ),
    click.option("--explain", is_flag=True, help="Add the three strongest reasons of each answer."),
    click.option(
        "--explain-budget",
        type=click.IntRange(2, 1_000_000),
        help="Answers that the reasons of a row may cost.  [default: 128, or as many as the fields need]",
    ),
    click.option(
        "--shard", metavar="I/N", help="Share of the work to do, from 0.  [default: JOB_COMPLETION_INDEX/_COUNT]"
    ),
    click.option("--job-index", type=int, envvar="JOB_COMPLETION_INDEX", hidden=True),
    click.option("--job-count", type=int, envvar="JOB_COMPLETION_COUNT", hidden=True),
    click.option("--merge", is_flag=True, help="Merge the parts of all shards."),
    click.option("--restart", "restarts", is_flag=True, help="Discard the progress of a former run with this output."),
    click.option("--dry-run", "dry", is_flag=True, help="Only score the first rows, and write nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
    click.option(
        "--metrics-file",
        type=click.Path(path_type=Path),
        help="File to write metrics to, for Prometheus's textfile collector.",
    ),
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(epilog=_EPILOG)
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
@_options
def score(as_json: bool, metrics_file: Path | None, merge: bool, output: str, **options: Any) -> None:
    """Score files too large for an API, with the same contract and model server as the gateway.

    A run that was interrupted resumes when the same command is run again, and writes the same bytes.
    """
    with reporting_errors():
        if options["dry"] and not merge:
            result = _try(output, **options)
            click.echo(json.dumps(result, indent=1, ensure_ascii=False) if as_json else dry_run.as_text(result))
            return
        with writing_metrics(metrics_file, options["model"]) as summary:
            result = _merge(output, **options) if merge else _score(output, **options)
            summary.update(result)
        if result.pop("finished_before", False):
            click.echo(f"{output} was finished before: nothing is left to do", err=True)
        click.echo(json.dumps(result, indent=1, ensure_ascii=False) if as_json else as_text(result))


def _merge(output: str, *, inputs: tuple[str, ...], max_rejects: str | None, **others: Any) -> dict[str, Any]:
    if inputs or others["restarts"] or others["dry"]:
        raise BadInput("--merge takes only --output and --max-rejects: the manifest has everything else")
    return job.merge_shards(output, max_rejects)


def _score(output: str, *, dry: bool, restarts: bool, **options: Any) -> dict[str, Any]:
    with _opened(output, **options) as (wanted, server, connect):
        if restarts:
            if wanted.shard.count > 1:
                raise BadInput("--restart would discard the work of other shards; use it without --shard")
            restart(output)
        with ended_by_signals():
            prepared = job.start(wanted, server)
        if budget := prepared.pinned.explain_budget:
            more = f"up to {budget:,} more answers a row (--explain-budget)"
            click.echo(f"the reasons take {more}; --dry-run shows some first", err=True)
        with stopped_by_signals() as stopping:
            return job.score(prepared, server, connect, stopping)


def _try(output: str, **options: Any) -> dict[str, Any]:
    for name in ("dry", "restarts"):
        options.pop(name)
    with _opened(output, **options) as (wanted, server, _):
        return dry_run.dry_run(job.prepare(wanted, server, None), server, threading.Event())


@contextlib.contextmanager
def _opened(
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
    """Yield the job that the options describe, and its model server."""
    if not options["model"] or not options["inputs"]:
        raise BadInput("expected INPUT, --model and --output; see plumbline score --help")
    for name in ("model", "label"):
        if (value := options[name] or "") != as_utf8(value):
            raise BadInput(f"--{name} {as_utf8(value)}: expected a name in UTF-8")
    RejectLimit.parse(options["max_rejects"])
    if options["explain_budget"] and not options["explain"]:
        raise BadInput("--explain-budget is for --explain, which is missing")
    options["shard"] = _shard(shard, job_index, job_count)
    if options["shard"].count > 1 and options["limit"]:
        raise BadInput("--limit and --shard don't go together: no shard knows how many rows the others have")
    wanted = job.Job(output=output, columns=_mapping(columns), **options)
    tls = _tls(model_server_ca, model_server_cert, model_server_key, model_server_name)
    connect: Connect = partial(remote, model_server, tls)
    if in_process:
        connect = partial(connect_in_process, models_dir, wanted.model, wanted.version)
    server = connect()
    try:
        yield wanted, server, connect
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
